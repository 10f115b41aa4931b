"""Pages parsed in processes of their own, each with a time and a memory limit.

A page that breaks a limit costs itself only: its process is replaced and the others go on. Plain processes and pipes
instead of a pool, because a pool cannot kill one task: ``concurrent.futures`` fails all of them when a worker dies.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Protocol

from indexer.extract import extract
from searchd.errors import ConfigError, ExtractionError
from searchd.index.records import Article
from searchd.settings import ExtractSettings

Outcome = tuple[str, Article | ExtractionError]

_PAGES_PER_PROCESS = 2_000  # then a fresh one: whatever a C library leaks ends with it
_COLLECT_EVERY = 50  # pages between garbage collections: a soup is one large cycle
_STARTUP_S = 60.0  # spawning imports lxml, BeautifulSoup and PDFium; not the page's fault


class DocumentLike(Protocol):
    """What is parsed: the crawler's stored page."""

    @property
    def url(self) -> str:
        """Where the page was found."""

    @property
    def body(self) -> bytes:
        """What the server sent, decompressed."""

    @property
    def content_type(self) -> str:
        """The Content-Type header, "" when there was none."""


def extract_many(
    documents: Iterable[DocumentLike],
    settings: ExtractSettings,
    *,
    workers: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Outcome]:
    """Yield (url, Article or ExtractionError) of every document, as they are done, not in their order.

    Streams: at most two documents per worker are held. ``progress`` is called with 1 for each. ConfigError (a wrong
    selector) ends the whole run, for it would fail every page. Closing the iterator ends the processes.
    """
    pool = _Pool(settings, workers or settings.workers or os.cpu_count() or 1)
    try:
        for outcome in pool.run(iter(documents)):
            if progress is not None:
                progress(1)
            yield outcome
    finally:
        pool.close()


@dataclass(slots=True)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    url: str = ""  # the page being parsed; "" = idle
    deadline: float = 0.0
    done: int = 0
    ready: bool = False


class _Pool:
    def __init__(self, settings: ExtractSettings, size: int) -> None:
        self._settings = settings
        self._size = size
        self._context = multiprocessing.get_context("spawn")  # safe beside threads; fork is not
        self._workers: list[_Worker] = []

    def run(self, documents: Iterator[DocumentLike]) -> Iterator[Outcome]:
        outcomes: deque[Outcome] = deque()
        exhausted = False
        while True:
            while not exhausted and (worker := self._idle()) is not None:
                document = next(documents, None)
                if document is None:
                    exhausted = True
                else:
                    self._send(worker, document, outcomes)
            busy = [worker for worker in self._workers if worker.url]
            if busy:
                self._receive(busy, outcomes)
            while outcomes:
                yield outcomes.popleft()
            if exhausted and not busy:
                return

    def close(self) -> None:
        """End all processes and reap them."""
        for worker in self._workers:
            self._end(worker)
        self._workers.clear()

    def _idle(self) -> _Worker | None:
        for worker in self._workers:
            if not worker.url:
                return worker
        return self._start() if len(self._workers) < self._size else None

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._settings), daemon=True)
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _send(self, worker: _Worker, document: DocumentLike, outcomes: deque[Outcome]) -> None:
        worker.url = document.url
        worker.deadline = time.monotonic() + self._settings.timeout_s + (0 if worker.ready else _STARTUP_S)
        try:
            worker.pipe.send((document.url, document.body, document.content_type))
        except (BrokenPipeError, ConnectionResetError):
            outcomes.append(self._lost(worker))

    def _receive(self, busy: list[_Worker], outcomes: deque[Outcome]) -> None:
        soonest = min(worker.deadline for worker in busy)
        ready = set(wait([worker.pipe for worker in busy], max(0.0, soonest - time.monotonic())))
        for worker in busy:
            if worker.pipe in ready:
                self._answer(worker, outcomes)
            elif time.monotonic() >= worker.deadline:
                outcomes.append(self._lost(worker, timed_out=True))

    def _answer(self, worker: _Worker, outcomes: deque[Outcome]) -> None:
        try:
            answer = worker.pipe.recv()
        except (EOFError, ConnectionResetError):
            outcomes.append(self._lost(worker))
            return
        if answer is None:  # it has imported everything; the page's own time begins
            worker.ready = True
            worker.deadline = time.monotonic() + self._settings.timeout_s
            return
        if isinstance(answer, ConfigError):
            raise answer
        outcomes.append((worker.url, answer))
        worker.url = ""
        worker.done += 1
        if worker.done >= _PAGES_PER_PROCESS:
            self._retire(worker)

    def _lost(self, worker: _Worker, *, timed_out: bool = False) -> Outcome:
        url = worker.url
        self._retire(worker)
        if timed_out:
            why = f"took longer than {self._settings.timeout_s:g} s to parse"
        else:
            why = f"broke its parser (exit status {worker.process.exitcode})"
        return url, ExtractionError(f"{url} {why}", "raise [extract] timeout_s or memory_bytes, or exclude its URL")

    def _retire(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        self._end(worker)

    @staticmethod
    def _end(worker: _Worker) -> None:
        worker.pipe.close()
        worker.process.kill()
        worker.process.join()


def _serve(pipe: Connection, settings: ExtractSettings) -> None:
    """The worker process: documents in, articles out, until the pipe closes."""
    _limit_memory(settings.memory_bytes)
    gc.disable()  # generations only cost time here; see _COLLECT_EVERY
    _warm_up()
    pipe.send(None)
    count = 0
    while True:
        try:
            url, body, content_type = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        pipe.send(_extract_one(url, body, content_type, settings))
        count += 1
        if count % _COLLECT_EVERY == 0:
            gc.collect()


def _warm_up() -> None:
    """Load what the libraries load on first use (the language model takes seconds), so that no page pays for it."""
    text = "Every library of this process reads what it needs on its first page, which is this one. " * 8
    extract(f"<html><body><div><p>{text}</p></div></body></html>".encode(), "http://localhost/")


def _extract_one(
    url: str, body: bytes, content_type: str, settings: ExtractSettings
) -> Article | ExtractionError | ConfigError:
    hint = "raise [extract] memory_bytes or exclude its URL"
    try:
        return extract(body, url, content_type, settings)
    except (ExtractionError, ConfigError) as error:
        return error
    except MemoryError:
        return ExtractionError(f"{url} needs more than {settings.memory_bytes >> 20} MiB to parse", hint)
    except RecursionError:
        return ExtractionError(f"{url} is nested too deeply to parse", "exclude its URL")


def _limit_memory(most: int) -> None:
    """Let allocations beyond the limit fail in this process (address space, the only limit that Linux enforces)."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    ceiling = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, hard))
