"""A run that was cut short, even by kill -9, goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from indexer.crawl import COMMIT_EVERY_PAGES
from indexer.state import State
from searchd.errors import StorageError
from tests.crawl.conftest import Clock, Crawler
from tests.crawl.server import Asked, Reply, Web

HTML = {"Content-Type": "text/html"}
CHILD = """
import sys
from pathlib import Path
from indexer.crawl import crawl
from indexer.state import State
from searchd.settings import CrawlSettings, SiteSettings
with State(Path(sys.argv[2])) as state:
    report = crawl(SiteSettings(url=sys.argv[1]), CrawlSettings(max_concurrency=2), state)
print(report.new)
"""


def tree(web: Web, wait_s: float) -> int:
    """A tree of 1 + 3 + 9 + 27 + 81 = 121 pages."""

    def page(asked: Asked) -> Reply:
        depth = len(asked.path.strip("/"))
        links = "".join(f'<a href="{asked.path}{letter}">x</a>' for letter in "abc") if depth < 4 else ""
        return Reply(200, f"{asked.path} {links}", HTML, wait_s=wait_s)

    web.default = page
    for path in ("/robots.txt", "/sitemap.xml", "/echolot-probe-of-a-page-that-cannot-exist"):
        web.pages[path] = Reply(404)
    return 121


@pytest.mark.parametrize("asked_before_kill", [5, 40, 90])
def test_kill_9_loses_no_page_and_repeats_next_to_none(web: Web, tmp_path: Path, asked_before_kill: int) -> None:
    total = tree(web, 0.005)
    command = [sys.executable, "-c", CHILD, web.url("/"), str(tmp_path / "crawl.sqlite")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        deadline = time.monotonic() + 30
        while len(web.log) < asked_before_kill and time.monotonic() < deadline:
            time.sleep(0.002)
        os.kill(child.pid, signal.SIGKILL)
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    everything = Counter(web.paths())
    with State(tmp_path / "crawl.sqlite") as state:
        assert state.counts()["pages"] == total
    assert int(done.stdout) == total
    assert len(everything) == total
    repeated = sum(count - 1 for count in everything.values())
    assert repeated < COMMIT_EVERY_PAGES + 2 + 2  # the last uncommitted answers, and those under way


def test_a_stopped_run_is_continued_without_asking_twice(web: Web, site: Crawler) -> None:
    total = tree(web, 0.0)
    stop = threading.Event()
    answered = web.default

    def stop_at_fifty(asked: Asked) -> Reply:
        if len(web.log) == 50:
            stop.set()
        assert callable(answered)
        return answered(asked)

    web.default = stop_at_fifty
    first = site(stop=stop)
    asked = list(web.paths())
    assert not first.complete
    assert "stopped" in first.problems[-1]
    second = site()
    assert second.complete
    assert sorted(asked + web.paths()) == sorted(set(asked) | set(web.paths()))
    assert second.new == site.state.counts()["pages"] == total


def test_failures_before_the_interruption_still_count(web: Web, site: Crawler) -> None:
    tree(web, 0.0)
    stop = threading.Event()
    web.pages["/a"] = Reply(500)

    def stop_now(asked: Asked) -> Reply:
        stop.set()
        return Reply(200, "c", HTML)

    web.pages["/c"] = stop_now
    site(stop=stop, retries=0, max_concurrency=1)
    report = site()
    assert report.failed == {"status 500": 1}


def test_what_failed_while_the_site_was_down_is_asked_again_when_it_is_back(web: Web, site: Crawler) -> None:
    tree(web, 0.0)
    down = {f"/{letter}": Reply(500) for letter in "abc"}
    web.pages |= down
    first = site(retries=0, max_failures_in_row=3, max_concurrency=1)
    assert not first.complete
    for path in down:
        del web.pages[path]
    second = site(retries=0)
    assert second.failed == {}
    assert second.complete
    assert site.state.counts()["pages"] == 121
    assert second.fetched == 121


def test_an_old_interrupted_run_is_not_continued(web: Web, site: Crawler, clock: Clock) -> None:
    tree(web, 0.0)
    stop = threading.Event()
    stop.set()
    web.page("/")
    site(max_depth=0)
    site(stop=stop)
    clock.pass_by(2 * 86_400)
    report = site(max_depth=0)
    assert report.fetched >= 1


def test_a_file_that_is_no_database_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "crawl.sqlite").write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(StorageError, match=r"crawl\.sqlite"):
        State(tmp_path / "crawl.sqlite")
