"""SIGTERM and Ctrl-C, sent to a real indexer: what is in hand is kept, nothing half-done is served."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indexer.pipeline import Folder
from indexer.state import State
from indexer.stopwatch import Stopwatch
from searchd import config
from searchd.index import snapshot
from tests.crawl.server import Asked, Reply, Web

PAGES = 60
BODY = "<html lang=en><title>Page {n}</title><main><h1>Page {n}</h1><p>The {n} boats of this harbour leave at noon.</p>"


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as web:
        for path in ("/robots.txt", "/sitemap.xml", "/echolot-probe-of-a-page-that-cannot-exist"):
            web.pages[path] = Reply(404)
        web.default = page
        yield web


def page(asked: Asked) -> Reply:
    links = "".join(f'<a href="/{n}">{n}</a> ' for n in range(PAGES)) if asked.path == "/" else ""
    html = BODY.format(n=asked.path.strip("/") or "start") + links
    return Reply(200, html, {"Content-Type": "text/html"}, wait_s=0.02)


def indexer(web: Web, data: Path, *flags: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "indexer", "run", "--url", web.url("/"), "--data", str(data), *flags]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def wait_until(process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_publishes_nothing_and_the_next_one_goes_on(
    web: Web, tmp_path: Path, number: signal.Signals
) -> None:
    with indexer(web, tmp_path) as process:
        wait_until(process, lambda: len(web.log) > 20)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "interrupted" in said
    assert "goes on" in said
    root = tmp_path / config.site_name(web.url("/"))
    assert snapshot.current(root) == ""
    fetched = [path for path in web.paths() if path.strip("/").isdigit()]
    with State(Folder(root).state) as state:
        assert 0 < state.counts()["pages"] < PAGES + 1
        assert state.counts()["pages"] == len(fetched) + 1  # what was under way was waited for and is kept
    with indexer(web, tmp_path) as process:
        _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert snapshot.current(root)
    pages = Counter(path for path in web.paths() if path.strip("/").isdigit())
    assert len(pages) == PAGES
    assert set(pages.values()) == {1}


def test_a_second_signal_does_not_wait_for_a_slow_answer(web: Web, tmp_path: Path) -> None:
    web.default = lambda asked: Reply(200, page(asked).body, {"Content-Type": "text/html"}, wait_s=30.0)
    with indexer(web, tmp_path, "--set", "crawl.timeout_s=60") as process:
        wait_until(process, lambda: "/" in web.paths())
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        while "second signal" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 130


def test_a_stop_means_all_sites(web: Web, tmp_path: Path) -> None:
    settings = tmp_path / "config.toml"
    settings.write_text(
        f'data = "{tmp_path / "data"}"\n'
        f'[[site]]\nname = "one"\nurl = "{web.url("/")}"\n[[site]]\nname = "two"\nurl = "{web.url("/2")}"\n'
    )
    command = [sys.executable, "-m", "indexer", "run", "--config", str(settings)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_until(process, lambda: len(web.log) > 10)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert not (tmp_path / "data" / "two").exists()


def test_a_stage_within_a_stage_is_not_counted_twice() -> None:
    watch = Stopwatch()
    began = time.monotonic()
    with watch("outer"):
        time.sleep(0.02)
        with watch("inner"):
            time.sleep(0.05)
        with watch("outer"):
            time.sleep(0.01)
    whole = time.monotonic() - began
    assert watch.spent["inner"].wall_s >= 0.05
    assert watch.spent["outer"].wall_s >= 0.03
    assert sum(spent.wall_s for spent in watch.spent.values()) <= whole
