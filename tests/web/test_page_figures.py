"""What ``python -m benchmarks page`` sees of a page that behaves and of one that does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from benchmarks import page
from tests.web.conftest import Daemon, Website

pytestmark = pytest.mark.browser

HEAD = "<!doctype html><meta charset=utf-8><title>An article</title><script src='{api}/widget.js' defer></script>"
PLACE = """<style>echolot-search { display: block; min-height: 3.25rem }</style>
<echolot-search></echolot-search><p>Its text.</p>"""
RUDE = """<p>Its text.</p><script>setTimeout(() => {
    const end = performance.now() + 120; while (performance.now() < end);
    document.body.prepend(Object.assign(document.createElement('div'), {style: 'height: 300px'}));
}, 100)</script>"""


def test_a_page_with_the_widget_neither_shifts_nor_keeps_the_reader_waiting(
    browser: Chrome, website: Website, daemon: Daemon
) -> None:
    website.html = HEAD.format(api=daemon.url) + PLACE
    page.measure(browser, website.url, daemon.url, blocked=True)
    assert browser.execute_script("return customElements.get('echolot-search') === undefined")
    found = page.measure(browser, website.url, daemon.url, "museum")
    assert found.shift == 0
    assert found.suggestions
    assert found.results
    assert found.requests >= 1 + found.keys + 1  # the script, suggestions for each key, results at the end
    assert found.keys == len("museum")


def test_a_page_that_shifts_and_blocks_is_told(browser: Chrome, website: Website, daemon: Daemon) -> None:
    website.html = HEAD.format(api=daemon.url) + RUDE
    found = page.measure(browser, website.url, daemon.url)
    assert found.shift > 0.01
    assert max(found.tasks) >= 100
    assert found.row()["longest_ms"] >= 100


def test_it_prints_and_writes_what_it_found(daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = tmp_path / "page.json"
    assert page.main(["--url", daemon.url, "--question", "ferry", "--json", str(written)]) == 0
    figures = json.loads(written.read_text())
    assert figures["widget.js"]["gzip_bytes"] <= 15_000
    assert figures["page with widget"]["keys"] == len("ferry")
    assert "search page" in capsys.readouterr().out
