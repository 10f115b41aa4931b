"""How fast one site is asked: a rate, and a concurrency that adapts to how the site bears it.

Pure; the clock is an argument (seconds of a monotonic clock).
"""

from __future__ import annotations

from typing import Final

START: Final = 4  # requests at once to begin with; the site's answers decide the rest
_CALM: Final = 3.0  # an answer slower than this many times the site's usual time is a sign of load
_NOISE_S: Final = 0.25  # slowness below this is nothing that a site suffers from


class Throttle:
    """Additive increase, multiplicative decrease, as TCP does it.

    ``limit`` is the number of requests that may be under way now. ``delay_s`` is the time between two starts.
    """

    def __init__(self, max_concurrency: int, delay_s: float) -> None:
        self.max_concurrency = max(1, max_concurrency)
        self.delay_s = delay_s
        self._limit = float(min(START, self.max_concurrency))
        self._usual_s = 0.0
        self._next = 0.0
        self._paused_until = 0.0

    @property
    def limit(self) -> int:
        """Requests that may be under way at once."""
        return max(1, int(self._limit))

    def reserve(self, now: float) -> float:
        """Seconds until a request may start; the time after it is taken."""
        start = max(now, self._next, self._paused_until)
        self._next = start + self.delay_s
        return start - now

    def started(self, now: float) -> None:
        """A request starts, perhaps later than it was meant to: the next one keeps its distance from the fact."""
        self._next = max(self._next, now + self.delay_s)

    def paused_s(self, now: float) -> float:
        """Seconds of a pause that is still to come; it may have been asked for after a reservation."""
        return max(0.0, self._paused_until - now)

    def answered(self, elapsed_s: float) -> None:
        """A good answer: speed up by a little, or slow down when it took much longer than usual."""
        if self._usual_s and elapsed_s > max(_NOISE_S, _CALM * self._usual_s):
            self._limit = max(1.0, self._limit * 0.8)
        elif self._limit < self.max_concurrency:
            self._limit = min(float(self.max_concurrency), self._limit + 1.0 / self._limit)
        self._usual_s = elapsed_s if not self._usual_s else 0.9 * self._usual_s + 0.1 * elapsed_s

    def strained(self, now: float, pause_s: float = 0.0) -> None:
        """A 429, 5xx or time-out: half as many at once, and nobody asks for ``pause_s`` seconds."""
        self._limit = max(1.0, self._limit / 2)
        self._paused_until = max(self._paused_until, now + pause_s)
