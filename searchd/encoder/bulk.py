"""Many texts: batches by token budget, sorted by length, tokenising beside computing, bounded memory.

One single-thread session serves all workers: it computes in the thread that calls it, so n workers use n cores and
the weights lie in memory once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from searchd.encoder.runtime import Runner
from searchd.encoder.tokens import Tokens
from searchd.index.stores import Floats

# Small batches win on CPUs: the feed-forward activations of 256 tokens stay in the L2 cache (2,048 tokens in 8 bits
# took a quarter longer); accelerators need large ones to be busy.
CPU_TOKENS = 256
ACCELERATOR_TOKENS = 8192
_WINDOW = 4096  # texts that are tokenised and sorted together; bounds memory
Progress = Callable[[int, int], None]


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Positions grouped by equal length, longest first, at most ``budget`` tokens (or one text) together."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    for length, group in itertools.groupby(order, key=lengths.__getitem__):
        same, size = list(group), max(1, budget // max(1, length))
        yield from (same[start : start + size] for start in range(0, len(same), size))


@dataclass(frozen=True, slots=True)
class Crew:
    """Who computes: a runner that ``threads`` workers share, ``budget`` tokens at a time."""

    runner: Runner
    dim: int
    threads: int
    budget: int


def encode_many(texts: Sequence[str], tokens: Tokens, crew: Crew, progress: Progress | None = None) -> Floats:
    """Encode all texts, rows in the caller's order; ``progress`` hears (done, total) in the caller's thread."""
    out = np.empty((len(texts), crew.dim), np.float32)
    starts = range(0, len(texts), _WINDOW)
    with ThreadPoolExecutor(1, "tokenise") as tokeniser, ThreadPoolExecutor(crew.threads, "encode") as workers:

        def tokenise(start: int) -> Future[list[list[int]]]:
            return tokeniser.submit(tokens.ids, texts[start : start + _WINDOW])

        def compute(rows: list[list[int]], batch: list[int], start: int) -> int:
            vectors = crew.runner(np.array([rows[i] for i in batch], np.int32))
            out[[start + i for i in batch]] = vectors
            return len(batch)

        done, upcoming, running = 0, tokenise(0) if starts else None, list[Future[int]]()
        for start in starts:
            assert upcoming is not None  # noqa: S101 - submitted one window ahead
            rows = upcoming.result()
            if start + _WINDOW < len(texts):
                upcoming = tokenise(start + _WINDOW)
            waiting = running
            grouped = batches([len(row) for row in rows], crew.budget)
            running = [workers.submit(compute, rows, batch, start) for batch in grouped]
            for future in waiting:
                done += future.result()
                if progress:
                    progress(done, len(texts))
        for future in running:
            done += future.result()
            if progress:
                progress(done, len(texts))
    return out
