"""The admission gate: only so many searches at once, only so many waiting, the rest are told to come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from searchd.api.errors import ApiError
from searchd.line import Line


class Gate:
    """Lets ``slots`` callers in; others wait at most ``timeout_s``, and at most ``queue`` of them wait.

    Who came first enters first. backlog: number of requests that the server has read and not begun. They wait too, so
    they count.
    """

    def __init__(self, slots: int, queue: int, timeout_s: float, backlog: Callable[[], int] = lambda: 0) -> None:
        self._slots = Line(range(slots))
        self._lock = threading.Lock()
        self._queue = queue
        self._timeout_s = timeout_s
        self._waiting = 0
        self.backlog = backlog

    @property
    def waiting(self) -> int:
        """Callers that wait for a slot."""
        return self._waiting

    @contextmanager
    def enter(self) -> Iterator[float]:
        """Hold a slot; yields the milliseconds waited. Raises ApiError 503 when full."""
        begun = time.perf_counter()
        slot = self._slots.take(0)
        if slot is None:
            slot = self._wait()
        try:
            yield (time.perf_counter() - begun) * 1000
        finally:
            self._slots.give(slot)

    def _wait(self) -> int:
        with self._lock:
            if self._waiting + self.backlog() >= self._queue:
                raise self._full()
            self._waiting += 1
        try:
            slot = self._slots.take(self._timeout_s)
        finally:
            with self._lock:
                self._waiting -= 1
        if slot is None:
            raise self._full()
        return slot

    def _full(self) -> ApiError:
        return ApiError(503, "too many searches at once", code="overloaded", retry_after_s=max(1.0, self._timeout_s))
