"""A daemon over the shelf on loopback, a website that embeds its widget, and Debian's Chromium."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from flask import Flask
from selenium import webdriver
from werkzeug.serving import WSGIRequestHandler, make_server

from benchmarks import page
from searchd.app import create_app
from searchd.errors import ConfigError
from searchd.settings import ApiSettings, Settings
from tests.api.shelf import ShelfLive


class Serving:
    """A WSGI application on a free port of loopback, until ``stop``."""

    def __init__(self, app: Flask) -> None:
        # Browsers hold connections open that production servers wait for; this one ends at once.
        self._server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{self._server.port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        pass


@dataclass
class Daemon:
    """A running daemon; ``live`` is what it serves and may be changed."""

    url: str
    live: ShelfLive
    stop: Callable[[], None]


@dataclass
class Website:
    """A website of another origin; ``html`` is its only page."""

    url: str
    html: str = ""


@pytest.fixture
def website() -> Iterator[Website]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = site.html.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    site = Website(f"http://127.0.0.1:{server.server_address[1]}/article")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    live = ShelfLive()
    settings = Settings(data=str(tmp_path), api=ApiSettings(rate_address="", cors_origins=("*",)))
    app = create_app(settings, live)
    serving = Serving(app)
    stopped = threading.Event()

    def stop() -> None:
        if not stopped.is_set():
            stopped.set()
            serving.stop()

    yield Daemon(serving.url, live, stop)
    stop()
    app.extensions["echolot"].feedback.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[webdriver.Chrome]:
    try:
        with page.chromium() as started:
            yield started
    except ConfigError as error:
        pytest.skip(f"{error}: {error.hint}")


@pytest.fixture
def browser(chromium: webdriver.Chrome) -> webdriver.Chrome:
    """Chromium as a visitor finds it: empty, light, 1280 x 900."""
    chromium.get("about:blank")
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    chromium.execute_cdp_cmd("Network.clearBrowserCache", {})
    show(chromium, 1280)
    chromium.get_log("browser")  # type: ignore[no-untyped-call]
    return chromium


def show(browser: webdriver.Chrome, width: int, *, dark: bool = False, still: bool = False) -> None:
    """Set the width of the window and what the visitor prefers."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [
        {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
        {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
    ]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, an accessibility checker, fetched with npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("needs npm to fetch axe-core")
    folder = tmp_path_factory.mktemp("axe")
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), "axe-core@4"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if result.returncode:
        pytest.skip(f"npm could not fetch axe-core: {result.stderr.strip()[:200]}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
