"""Things that are lent to one thread at a time, to whoever asked first."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Turn(Generic[T]):
    """A thread that waits. Its lock opens when ``thing`` is its own."""

    __slots__ = ("accept", "begin", "lock", "thing")

    def __init__(self, accept: Callable[[T], bool] | None, begin: Callable[[T], object] | None) -> None:
        self.accept, self.begin = accept, begin
        self.thing: T | None = None
        self.lock = threading.Lock()
        self.lock.acquire()

    def fits(self, thing: T) -> bool:
        return self.accept is None or self.accept(thing)

    def start(self, thing: T) -> None:
        """Begin with the thing, which is this thread's own by now, and wake it."""
        if self.begin is not None:
            self.begin(thing)
        self.lock.release()


class Line(Generic[T]):
    """Lends things (none of them None), first come, first served; nobody overtakes, as one can with a semaphore.

    Of several free things the one used last is lent: its caches are warm. spare: which are lent only when no other is
    free.
    """

    def __init__(self, things: Iterable[T] = (), spare: Callable[[T], bool] = lambda _: False) -> None:
        self._lock = threading.Lock()
        self._free = sorted(things, key=lambda thing: not spare(thing))  # the spare ones first
        self._spare = spare
        self._turns: deque[_Turn[T]] = deque()

    def take(
        self,
        timeout_s: float | None = None,
        accept: Callable[[T], bool] | None = None,
        begin: Callable[[T], object] | None = None,
    ) -> T | None:
        """Borrow a thing that ``accept`` agrees to; None when none came free in time (``timeout_s`` None: no limit).

        begin: what to do with it first. Whoever brings the thing back does it, as this thread may wake late; it should
        take no time and raise nothing.
        """
        turn = _Turn(accept, begin)
        with self._lock:
            place = next((at for at in range(len(self._free) - 1, -1, -1) if turn.fits(self._free[at])), None)
            if place is not None:
                turn.thing = self._free.pop(place)
            elif timeout_s == 0:
                return None
            else:
                self._turns.append(turn)
            at_once = turn.thing
        if at_once is not None:
            turn.start(at_once)
        if not turn.lock.acquire(timeout=-1 if timeout_s is None else timeout_s):
            with self._lock:
                if turn in self._turns:
                    self._turns.remove(turn)
        return turn.thing

    def give(self, thing: T) -> None:
        """Bring a thing back, or a new one: it goes to the first in line who accepts it."""
        with self._lock:
            turn = next((turn for turn in self._turns if turn.fits(thing)), None)
            if turn is None:
                self._free.insert(0 if self._spare(thing) else len(self._free), thing)
                return
            self._turns.remove(turn)
            turn.thing = thing
        turn.start(thing)
