"""A scripted site, a fresh state and a clock that the test moves."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from indexer.crawl import CrawlReport, crawl
from indexer.state import Document, State
from searchd.settings import CrawlSettings, SiteSettings
from tests.crawl.server import Web

# No waiting in tests: pauses are short, answers without a page are asked for again in each run.
QUICK = CrawlSettings(retry_wait_s=0.0, recheck_s=0.0, gone_confirm_s=0.0, timeout_s=5.0)


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


class Crawler:
    """Crawls the scripted site; keyword arguments are settings of the crawl or of the site."""

    def __init__(self, web: Web, state: State, clock: Clock) -> None:
        self.web, self.state, self.clock = web, state, clock
        self.start = "/"

    def __call__(self, **settings: Any) -> CrawlReport:
        of_site = {field.name for field in dataclasses.fields(SiteSettings)}
        site = {name: settings.pop(name) for name in list(settings) if name in of_site}
        site.setdefault("url", self.web.url(self.start))
        stop: threading.Event | None = settings.pop("stop", None)
        self.clock.pass_by(1)
        self.web.log.clear()
        return crawl(
            SiteSettings(**site), dataclasses.replace(QUICK, **settings), self.state, now=self.clock, stop=stop
        )

    def documents(self) -> dict[str, Document]:
        """Documents by their path."""
        return {document.url.removeprefix(self.web.origin): document for document in self.state.documents()}

    def paths(self) -> list[str]:
        return list(self.documents())


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as web:
        yield web


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State(tmp_path / "crawl.sqlite") as state:
        yield state


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(web: Web, state: State, clock: Clock) -> Crawler:
    return Crawler(web, state, clock)
