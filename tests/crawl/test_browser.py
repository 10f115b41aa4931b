"""Pages that need JavaScript, with the system's Chromium."""

from __future__ import annotations

import importlib.util
import shutil
import socket

import pytest

from indexer import browser
from searchd.errors import ConfigError
from tests.crawl.conftest import Crawler
from tests.crawl.server import Web

installed = importlib.util.find_spec("playwright") is not None and any(map(shutil.which, browser.BROWSERS))

needs_chromium = pytest.mark.skipif(not installed, reason="needs the extra [js] and Chromium")

SHELL = '<html><head><title>App</title></head><body><div id="app"></div><script src="/app.js"></script></body></html>'
SCRIPT = """
fetch("/data.json").then(r => r.json()).then(d => {
  document.getElementById("app").innerHTML = "<h1>" + d.title + "</h1><a href='/more'>more</a>";
});
"""


@pytest.fixture
def app(web: Web) -> Web:
    web.document("/", SHELL)
    web.document("/app.js", SCRIPT, "text/javascript")
    web.document("/data.json", '{"title": "Rendered by a script"}', "application/json")
    web.page("/more", "a page with enough text of its own, so that nobody takes it for a shell that waits for scripts")
    return web


@needs_chromium
def test_an_empty_page_is_rendered_and_its_links_are_followed(app: Web, site: Crawler) -> None:
    site(browser_when_empty=True)
    assert site.paths() == ["/", "/more"]
    assert b"Rendered by a script" in site.documents()["/"].body


@needs_chromium
def test_without_the_setting_it_stays_empty(app: Web, site: Crawler) -> None:
    site()
    assert site.paths() == ["/"]


@needs_chromium
def test_patterns_choose_pages_and_new_data_is_noticed(app: Web, site: Crawler) -> None:
    site(browser_patterns=("/$",))
    app.document("/data.json", '{"title": "New data"}', "application/json")
    report = site(browser_patterns=("/$",))
    assert (report.changed, report.not_modified) == (1, 1)
    assert b"New data" in site.documents()["/"].body


@needs_chromium
def test_scripts_cannot_reach_internal_addresses_or_see_secrets_leave(
    app: Web, site: Crawler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGIN", "anna:geheim")
    with Web("127.0.0.2") as inner, socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        inner.document("/secret", "inner", "text/plain", Access_Control_Allow_Origin="*")
        port = listener.getsockname()[1]
        app.document(
            "/app.js",
            f'fetch("{inner.url("/secret")}"); new WebSocket("ws://127.0.0.1:{port}/");' + SCRIPT,
            "text/javascript",
        )
        site(browser_when_empty=True, auth_env="LOGIN")
        assert inner.log == []
        with pytest.raises(TimeoutError):
            listener.accept()
    assert b"Rendered by a script" in site.documents()["/"].body


def test_a_missing_browser_is_a_config_error(app: Web, site: Crawler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "BROWSERS", ("no-such-browser",))
    with pytest.raises(ConfigError, match=r"Playwright|Chromium"):
        site(browser_when_empty=True)


def test_shells_are_told_from_pages() -> None:
    assert browser.needs_scripts(SHELL.encode())
    assert not browser.needs_scripts(b"<p>short, but without any script</p>")
    assert not browser.needs_scripts(SHELL.replace("</div>", "</div>" + "text " * 40).encode())
