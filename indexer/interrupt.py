"""SIGTERM and Ctrl-C: a crawl ends gracefully, every other stage at once (its files are made to bear that)."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

log = logging.getLogger("indexer")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
Handler = Callable[[int, FrameType | None], None]


@contextlib.contextmanager
def as_ctrl_c() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt as Ctrl-C does, so that folders are swept and workers end."""
    with _handled(_raise):
        yield


@contextlib.contextmanager
def gracefully() -> Iterator[threading.Event]:
    """Let the first signal set the event instead; a second one raises KeyboardInterrupt.

    Raises KeyboardInterrupt at the end of the block when the event was set, whatever else was raised.
    """
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            _raise(number, frame)
        stop.set()
        log.warning("stopping after the requests under way; a second signal stops at once")

    try:
        with _handled(ask):
            yield stop
    finally:
        if stop.is_set():
            raise KeyboardInterrupt


@contextlib.contextmanager
def _handled(handler: Handler) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals; elsewhere they are somebody else's business
        return
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
