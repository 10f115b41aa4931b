"""CPU and wall milliseconds of a query per stage, everything but HTTP and query encoding, from 1k to 1M passages.

The corpus is made up: words from a Zipf distribution over a vocabulary that grows with the site, vectors in clusters
with the spread that sentence encoders have. Texts do not decide the cost; numbers of passages, words and candidates do.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from searchd.engine import Engine
from searchd.garbage import settle
from searchd.index.builder import BuildCounts, build
from searchd.index.dense import ASKED_FOR
from searchd.index.opened import Index
from searchd.index.records import Article, Block, PageDraft, Passage, Section
from searchd.index.stores import Floats
from searchd.query import Query
from searchd.settings import IndexSettings, RankingSettings

DIM = 384
PASSAGES_PER_PAGE = 10
WORDS_PER_PASSAGE = 80
TOPICS = 2_000


class MadeUpEncoder:
    """Vectors by the topic that a text names in its first word; no model, no cost worth mentioning."""

    dim, fingerprint, max_tokens = DIM, "made-up", 256

    def __init__(self) -> None:
        self._topics = np.random.default_rng(1).standard_normal((TOPICS, DIM)).astype(np.float32)

    def encode_passages(self, texts: Sequence[str]) -> Floats:
        """(len(texts), DIM) float32, rows of norm 1: the topic, and as much noise of the text's own."""
        return np.stack([self.encode_query(text) for text in texts])

    def encode_query(self, text: str) -> Floats:
        """(DIM,) float32 of norm 1."""
        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
        topic = self._topics[int(text.split("topic", 1)[1][:4]) % TOPICS] if "topic" in text else 0.0
        vector = topic + np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)

    def token_vectors(self, texts: Sequence[str], *, query: bool = False) -> list[Floats]:  # noqa: ARG002 - as others
        """(1, DIM) float32 for each text."""
        return [self.encode_query(text)[None] for text in texts]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words."""
        return [len(text.split()) for text in texts]


class Words:
    """Draws texts: word the most frequent words are the shortest."""

    def __init__(self, vocabulary: int) -> None:
        self._random = np.random.default_rng(2)
        weights = 1 / np.arange(2, vocabulary + 2)
        self._bounds = np.cumsum(weights / weights.sum())

    def text(self, count: int, rarest: float = 0.0) -> str:
        """``count`` words; ``rarest`` > 0 leaves out the most frequent ones, as questions do."""
        drawn = np.searchsorted(self._bounds, rarest + (1 - rarest) * self._random.random(count))
        return " ".join(map(_spelt, drawn.tolist()))


def _spelt(number: int) -> str:
    """A word of lower-case letters, one for each number."""
    letters: list[str] = []
    while number or not letters:
        number, digit = divmod(number, 20)
        letters.append("bcdfghjklmnpqrstvwxz"[digit] + "aeiou"[digit % 5])
    return "".join(letters)


def drafts(passages: int, words: Words) -> Iterator[PageDraft]:
    """Made-up pages, ten passages each."""
    for number in range(passages // PASSAGES_PER_PAGE):
        title = f"topic{number % TOPICS:04d} {words.text(4, 0.3)}"
        parts = tuple(
            Passage((title,), "", f"topic{number % TOPICS:04d} {words.text(WORDS_PER_PASSAGE)}", WORDS_PER_PASSAGE)
            for _ in range(PASSAGES_PER_PAGE)
        )
        section = Section((title,), "", tuple(Block("paragraph", part.text) for part in parts))
        yield PageDraft(Article(f"https://made.up/{number}", title, (section,), "en"), parts)


def queries(count: int, words: Words) -> list[str]:
    """Questions of three to six words, mostly rare ones."""
    random = np.random.default_rng(3)
    return [f"topic{random.integers(TOPICS):04d} {words.text(int(random.integers(2, 6)), 0.4)}" for _ in range(count)]


def main(argv: Sequence[str]) -> int:
    """Measure sites of the sizes asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks latency", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1_000, 10_000, 100_000], help="passages")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--vectors", default="auto", help="index.vectors: auto, flat, sq8, pq, ivf or hnsw")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--keep", type=Path, help="build below this folder and find the snapshots there again")
    options = parser.parse_args(argv)
    figures = {}
    for size in options.sizes:
        with tempfile.TemporaryDirectory(prefix="echolot-latency-") as scratch:
            folder = (options.keep or Path(scratch)) / f"{size}-{options.vectors}"
            figures[str(size)] = measure(size, options, folder)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def measure(size: int, options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Build (unless it is there), open, warm up, and time each query on one thread."""
    words, encoder = Words(20_000 + size // 10), MadeUpEncoder()
    counts: BuildCounts | None = None
    started = time.process_time()
    if not folder.exists():
        folder.mkdir(parents=True)
        counts = build(folder, drafts(size, words), encoder, IndexSettings(summaries=False, vectors=options.vectors))
    built = time.process_time() - started
    index = Index.open(folder)
    engine = Engine(index, encoder, RankingSettings())
    texts = queries(options.queries + 20, words)
    for text in texts[:20]:
        engine.search(Query(text))
    settle()  # as the daemon does
    cpu, wall, stages = [], [], dict[str, list[float]]()
    for text in texts[20:]:
        thread, clock = time.thread_time(), time.perf_counter()
        answer = engine.search(Query(text))
        spent, passed = (time.thread_time() - thread) * 1000, (time.perf_counter() - clock) * 1000
        encoding = dict(answer.timings_ms)["encode"]
        cpu.append(spent - encoding)
        wall.append(passed - encoding)
        for name, value in answer.timings_ms:
            stages.setdefault(name, []).append(value)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # before the exact search, which takes gigabytes
    recall = recall_at_10(index, encoder, texts[:50])
    index.close()
    return _report(size, counts, built, cpu, wall, stages, recall, rss)


def recall_at_10(index: Index, encoder: MadeUpEncoder, texts: Sequence[str]) -> float:
    """Share of the exact ten best passages (by the stored vectors) that the search finds."""
    every = np.arange(len(index.dense))
    found = []
    for text in texts:
        vector = encoder.encode_query(text)
        exact = np.argsort(-index.dense.similarities(vector, every), kind="stable")[:10]
        found.append(len(np.intersect1d(exact, index.dense.search(vector, ASKED_FOR)[0][:10])) / 10)
    return float(np.mean(found))


def _report(
    size: int,
    counts: BuildCounts | None,
    built: float,
    cpu: list[float],
    wall: list[float],
    stages: dict[str, list[float]],
    recall: float,
    rss: float,
) -> dict[str, object]:
    medians = {name: round(float(np.median(values)), 3) for name, values in stages.items()}
    figures: dict[str, object] = {
        "cpu_ms_p50": round(float(np.median(cpu)), 3),
        "cpu_ms_p99": round(float(np.percentile(cpu, 99)), 3),
        "wall_ms_p50": round(float(np.median(wall)), 3),
        "wall_ms_p99": round(float(np.percentile(wall, 99)), 3),
        "stages_wall_ms_p50": medians,
        "recall_at_10_of_stored": round(recall, 4),
        "layout": counts.vectors.layout if counts and counts.vectors else "as built before",
        "build_cpu_s": round(built, 1),
        "peak_rss_mib": round(rss),
    }
    print(f"{size:>9} passages  " + "  ".join(f"{name} {value}" for name, value in figures.items()), file=sys.stdout)
    return figures
