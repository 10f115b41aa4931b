"""The one way to the site: every request takes its turn here, is retried after passing troubles, may end the run."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Final

from indexer import urls
from indexer.fetch import Fetched
from indexer.sources import Source
from indexer.throttle import Throttle
from indexer.window import Window
from searchd.settings import CrawlSettings

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PASSING_ERRORS: Final = frozenset({"timeout", "connect", "protocol"})
_SLICE_S: Final = 0.5  # longest sleep between two looks whether to stop


class Halt:
    """Why the run must end early, "" while it need not."""

    def __init__(self, window: Window, now: Callable[[], float], stop: threading.Event) -> None:
        self.reason = ""
        self._window, self._now, self._stop = window, now, stop

    def __bool__(self) -> bool:
        if not self.reason and self._stop.is_set():
            self.reason = "stopped"
        if not self.reason and not self._window.open_at(self._now()):
            self.reason = "outside of the time window (crawl.window)"
        return bool(self.reason)


class Gate:
    """Requests to one site, politely."""

    def __init__(
        self, source: Source, settings: CrawlSettings, throttle: Throttle, halt: Halt, now: Callable[[], float]
    ) -> None:
        self.source, self.settings, self.throttle, self.halt, self.now = source, settings, throttle, halt, now
        self._failures_in_row = 0

    async def get(self, url: str, *, etag: str = "", modified: str = "", limit: int = 0) -> Fetched:
        """Ask, and ask again after a time-out, a 5xx or a 429; the last answer counts."""
        attempt = 0
        while True:
            await self._turn()
            if self.halt:
                return Fetched(url, 0, error=f"halted: {self.halt.reason}")
            fetched = await self.source.get(url, etag=etag, modified=modified, limit=limit)
            if not passing(fetched):
                self._failures_in_row = 0
                self.throttle.answered(fetched.elapsed_s)
                return fetched
            self.throttle.strained(time.monotonic(), self._pause(fetched, attempt))
            attempt += 1
            if attempt > self.settings.retries or self.halt:
                self._count_failure(fetched)
                return fetched

    async def follow(self, url: str, hops: int, limit: int = 0) -> Fetched:
        """Fetch something that is no page (robots.txt, a sitemap, a probe), with at most ``hops`` redirects."""
        fetched = await self.get(url, limit=limit)
        for _ in range(hops):
            target = urls.normalise(fetched.headers.get("Location", ""), fetched.url)
            if fetched.status not in REDIRECTS or not target:
                break
            fetched = await self.get(target, limit=limit)
        return fetched

    async def rest(self, seconds: float) -> None:
        """Sleep, but not past the end of the run."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.halt:
            await asyncio.sleep(min(left, _SLICE_S))

    async def _turn(self) -> None:
        wait = self.throttle.reserve(time.monotonic())
        while wait > 0 and not self.halt:
            await self.rest(wait)
            wait = self.throttle.paused_s(time.monotonic())
        self.throttle.started(time.monotonic())

    def _pause(self, fetched: Fetched, attempt: int) -> float:
        asked = retry_after(fetched.headers.get("Retry-After", ""), self.now())
        if asked > self.settings.max_retry_after_s:
            self.halt.reason = f"the site asks for a pause of {asked:.0f} s (max_retry_after_s)"
            return 0.0
        return max(asked, self.settings.retry_wait_s * float(1 << attempt))

    def _count_failure(self, fetched: Fetched) -> None:
        self._failures_in_row += 1
        if self._failures_in_row >= self.settings.max_failures_in_row and not self.halt.reason:
            why = fetched.error or f"status {fetched.status}"
            self.halt.reason = f"{self._failures_in_row} fetches in a row failed, the last with {why}"


def passing(fetched: Fetched) -> bool:
    """Whether an answer is a trouble that may pass: no answer, a 5xx, a 429."""
    if fetched.status == 0:
        return fetched.error.partition(":")[0] in _PASSING_ERRORS
    return fetched.status == 429 or (fetched.status >= 500 and fetched.status not in (501, 505))


def retry_after(value: str, now: float) -> float:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3): a number or a date; 0 without one."""
    value = value.strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now) if value else 0.0
    except (ValueError, OverflowError):
        return 0.0
