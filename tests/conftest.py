"""What several areas' tests share: a small site of files, the demo site's snapshot, a daemon on loopback."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from searchd.site_engine import SiteEngine

os.environ["HF_HUB_OFFLINE"] = "1"


@dataclass(frozen=True)
class Published:
    """A data folder with one published site, and that site's address while it was crawled."""

    data: Path
    site: str
    url: str


PAGES = {
    "index": ("Harbour office", "Welcome to the harbour office of the island. Find our pages on ferries and fees."),
    "ferry": ("Ferry timetable", "The ferry to the mainland leaves the eastern pier at seven, at noon and at six."),
    "fees": ("Mooring fees", "A boat of ten metres pays twelve euros for each night at the guest jetty."),
    "lighthouse": ("The lighthouse", "The lighthouse was built of brick in 1887 and may be climbed on Sundays."),
    "library": ("Public library", "Readers borrow books and films for four weeks with a card that costs nothing."),
}


def write_page(folder: Path, name: str, title: str, text: str, links: tuple[str, ...] = ()) -> None:
    """Write one small article page."""
    anchors = "".join(f'<li><a href="/{link}.html">{link}</a></li>' for link in links)
    body = f'<h1>{title}</h1><p>{text}</p><h2 id="contact">Contact</h2><p>Ask at the counter about {title.lower()}.</p>'
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><nav><ul>{anchors}</ul></nav><main>{body}</main></body></html>"
    )
    (folder / f"{name}.html").write_text(html, encoding="utf-8")


@pytest.fixture
def small_site(tmp_path: Path) -> Path:
    """A folder with five English pages that link to one another from the start page."""
    folder = tmp_path / "site"
    folder.mkdir()
    for name, (title, text) in PAGES.items():
        write_page(folder, name, title, text, links=tuple(PAGES))
    return folder


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The demo site, crawled over HTTP and published with the real model; shared by the whole test session."""
    from indexer.__main__ import main
    from indexer.demo.server import DemoServer
    from searchd.config import site_name

    data = tmp_path_factory.mktemp("demo")
    with DemoServer() as server:
        assert main(["run", "--url", server.url + "/", "--data", str(data)]) == 0
        return Published(data, site_name(server.url), server.url)


def engine_of(data: Path, site: str = "") -> SiteEngine:
    """The engine of a site's served snapshot ("" = of the only site), in this process."""
    from searchd.config import load
    from searchd.index import snapshot
    from searchd.live import Live
    from searchd.opening import Opener

    settings = load(environment={}, flags={"data": str(data)})
    name = site or Live(settings).sites()[0]
    return Opener(settings).open(name, snapshot.open_snapshot(data / name, snapshot.current(data / name)))


@contextlib.contextmanager
def daemon(data: Path, **flags: str) -> Iterator[str]:
    """Serve a data folder with the real daemon in this process; yields its address. Without a word it computes here."""
    from waitress import wasyncore

    from searchd.app import create_app
    from searchd.config import load
    from searchd.live import Live
    from searchd.processes.pool import pool_of
    from searchd.serve import listen

    defaults = {"data": str(data), "server.port": "0", "server.processes": "1", "api.rate_address": ""}
    settings = load(environment={}, flags=defaults | flags)
    live = Live(settings, pool=pool_of(settings))
    live.start()
    server = listen(create_app(settings, live), settings.server)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        live.stop()
        server.task_dispatcher.shutdown()
        # in the loop's own thread, which may be waiting for the very sockets
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        thread.join(10)
        assert not thread.is_alive()
