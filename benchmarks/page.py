"""What the widget and the search page cost a reader: shifts, long tasks, waiting times, bytes, in real Chromium.

    python -m benchmarks page                                                # the demo site, indexed for this
    python -m benchmarks page --url http://127.0.0.1:8765                    # a daemon that runs, on its /docs page
    python -m benchmarks page --url http://127.0.0.1:8765 --page http://127.0.0.1:8000/article.html

Loads a page that has the widget, the same page with the widget's script blocked (what is the page's own is not the
widget's doing), and the search page; types questions letter by letter as a person does, and prints what the browser
saw: cumulative layout shift as Web Vitals defines it (without the half second after a key), every layout shift (that
half second included), tasks of more than 50 ms on the main thread, and how long after a key suggestions and results
were on the screen. The questions are titles of the site's own pages. Needs Debian's chromium and chromium-driver.

Times are wall time on this machine, driver and daemon included: a busy machine makes tasks longer.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import shutil
import statistics
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from benchmarks import load
from searchd.errors import ConfigError, EcholotError

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--lang=en",
)
_KEY_S = 0.12  # between two keys: a quick typist
_REST_S = 0.6  # after a page has loaded, for what comes late

# Runs before the page's own scripts. Observers look again at what was there before them (``buffered``).
_WATCH = """
window.echolotSeen = {shifts: [], tasks: [], waits: []};
for (const [type, list] of [['layout-shift', 'shifts'], ['longtask', 'tasks']])
  new PerformanceObserver((found) => { for (const one of found.getEntries())
    window.echolotSeen[list].push(type === 'longtask' ? one.duration : [one.value, one.hadRecentInput]);
  }).observe({type, buffered: true});
"""
# A wait ends in the frame after the one in which the group of options changed: then it is painted.
_TIME_KEYS = """
const root = document.querySelector('echolot-search').shadowRoot;
const input = root.querySelector('input');
let key = 0, open = new Set();
input.addEventListener('keydown', (event) => {
  key = event.timeStamp;
  open = new Set(['suggestions', 'results']);
}, true);
const groups = root.querySelectorAll('[part=list] > [part=group]');
['suggestions', 'results'].forEach((name, at) => new MutationObserver(() => {
  if (!open.delete(name)) return;
  const [begun, text] = [key, input.value];
  requestAnimationFrame(() => requestAnimationFrame(() =>
    window.echolotSeen.waits.push([name, text, performance.now() - begun])));
}).observe(groups[at], {childList: true}));
input.focus();
"""
_REQUESTS = "return performance.getEntriesByType('resource').map((one) => one.name)"


@dataclass(slots=True)
class Figures:
    """What one page came to. Times in milliseconds."""

    shift: float = 0.0  # as Web Vitals counts: without what comes within half a second after a key or click
    shift_all: float = 0.0
    tasks: list[float] = field(default_factory=list)  # of more than 50 ms
    suggestions: list[float] = field(default_factory=list)
    results: list[float] = field(default_factory=list)
    requests: int = 0  # of the load and of the typing, to the daemon
    keys: int = 0

    def row(self) -> dict[str, float]:
        """Return the figures that are printed; a median of nothing is 0."""
        return {
            "shift": round(self.shift, 4),
            "shift_all": round(self.shift_all, 4),
            "long_tasks": len(self.tasks),
            "longest_ms": round(max(self.tasks, default=0.0)),
            "suggestions_ms": round(statistics.median(self.suggestions or [0.0])),
            "results_ms": round(statistics.median(self.results or [0.0])),
            "keys": self.keys,
            "requests": self.requests,
        }


@contextlib.contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """Debian's Chromium without a window and with a fresh profile; raises ConfigError where it is not installed."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        raise ConfigError("there is no Chromium here", "apt-get install chromium chromium-driver")
    with tempfile.TemporaryDirectory(prefix="echolot-chromium-", ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = program
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        started = webdriver.Chrome(options=options, service=Service(driver))
        try:
            yield started
        finally:
            started.quit()


def measure(browser: webdriver.Chrome, address: str, daemon: str, question: str = "", blocked: bool = False) -> Figures:
    """Load a page, type the question into its widget if there is one, and return what the browser saw.

    blocked: the widget's script does not load. daemon: its address, to tell its requests from the page's own.
    """
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.clearBrowserCache", {})
    browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/widget.js*"] if blocked else []})
    watch = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})
    try:
        browser.get(address)
        time.sleep(_REST_S)
        if question:
            _type(browser, question)
        return _figures(browser, "" if blocked else daemon, question)
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", watch)
        browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})


def _type(browser: webdriver.Chrome, question: str) -> None:
    ready = "return Boolean(document.querySelector('echolot-search')?.shadowRoot)"
    WebDriverWait(browser, 10, 0.05).until(lambda driver: driver.execute_script(ready))
    browser.execute_script(_TIME_KEYS)
    keys = ActionChains(browser, duration=0)
    for letter in question:
        keys.send_keys(letter).pause(_KEY_S)
    keys.perform()
    time.sleep(2 * _REST_S)


def _figures(browser: webdriver.Chrome, daemon: str, question: str) -> Figures:
    seen = browser.execute_script("return window.echolotSeen")
    requests = [name for name in browser.execute_script(_REQUESTS) if daemon and name.startswith(daemon)]
    found = Figures(requests=len(requests), keys=len(question))
    found.shift = sum(value for value, after_key in seen["shifts"] if not after_key)
    found.shift_all = sum(value for value, _ in seen["shifts"])
    found.tasks = list(seen["tasks"])
    for name, _, waited in seen["waits"]:
        (found.suggestions if name == "suggestions" else found.results).append(waited)
    return found


def together(runs: Sequence[Figures]) -> Figures:
    """Join runs of one page: the worst shift, every long task and every wait, all keys and requests."""
    joined = Figures(max(one.shift for one in runs), max(one.shift_all for one in runs))
    for one in runs:
        joined.tasks += one.tasks
        joined.suggestions += one.suggestions
        joined.results += one.results
        joined.requests += one.requests
        joined.keys += one.keys
    return joined


def run(page: str, daemon: str, questions: Sequence[str]) -> dict[str, Figures]:
    """Measure both pages with each question in turn."""
    found: dict[str, list[Figures]] = {"page without widget": [], "page with widget": [], "search page": []}
    with chromium() as browser:
        measure(browser, page, daemon)  # the first page of a fresh browser pays for its start
        for question in questions:
            found["page without widget"].append(measure(browser, page, daemon, blocked=True))
            found["page with widget"].append(measure(browser, page, daemon, question))
            results = f"{daemon}/search?{urllib.parse.urlencode({'q': question})}"
            found["search page"].append(measure(browser, results, daemon, f" {question}"))
    return {name: together(runs) for name, runs in found.items()}


def titles(daemon: str, count: int) -> list[str]:
    """Return titles of the site's pages, cut to what a person types."""
    with urllib.request.urlopen(f"{daemon}/api/v1/random?limit={count}", timeout=30) as response:
        return [" ".join(one["title"].split()[:5])[:40] for one in json.load(response)["results"]]


def script_size(daemon: str) -> dict[str, int]:
    """Return bytes of widget.js: as it is, and as it goes over the wire when compressed by gzip."""
    with urllib.request.urlopen(f"{daemon}/widget.js", timeout=30) as response:
        script = response.read()
    return {"bytes": len(script), "gzip_bytes": len(gzip.compress(script, 9))}


@contextlib.contextmanager
def demo() -> Iterator[tuple[str, str]]:
    """The demo site, indexed and searched by a daemon: (the address of a page of it, the daemon's address)."""
    from indexer.__main__ import main as indexer
    from indexer.demo.server import DemoServer

    with DemoServer() as site, tempfile.TemporaryDirectory(prefix="echolot-page-") as data:
        if indexer(["run", "--url", site.url + "/", "--data", data]):
            raise ConfigError("the demo site could not be indexed", "see the log lines above")
        with load.daemon(Path(data)) as (url, _):
            site.search_url = url
            yield f"{site.url}/en/", url


def show(found: dict[str, Figures], size: dict[str, int]) -> dict[str, dict[str, float]]:
    """Print a line for each page and one for the script; return the figures."""
    names = ("shift", "any shift", "tasks>50ms", "longest ms", "suggest ms", "results ms", "keys", "requests")
    print(("{:20}" + "{:>12}" * len(names)).format("", *names))
    table: dict[str, dict[str, float]] = {}
    for name, figures in found.items():
        table[name] = figures.row()
        print(("{:20}" + "{:>12}" * len(names)).format(name, *table[name].values()))
    print(f"widget.js: {size['bytes']} bytes, {size['gzip_bytes']} gzipped")
    return {**table, "widget.js": {key: float(value) for key, value in size.items()}}


def main(argv: Sequence[str]) -> int:
    """Measure; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks page", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="", help="a daemon that runs; without it the demo site is indexed and served")
    parser.add_argument("--page", default="", help="a page with the widget (default with --url: the daemon's /docs)")
    parser.add_argument("--question", action="append", default=[], help="what to type; may come more than once")
    parser.add_argument("--runs", type=int, default=5, help="questions to take from the site's titles otherwise")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    args = parser.parse_args(argv)
    daemon = args.url.rstrip("/")
    try:
        with contextlib.nullcontext((f"{daemon}/docs", daemon)) if daemon else demo() as (page, daemon):
            questions = args.question or titles(daemon, args.runs)
            table = show(run(args.page or page, daemon, questions), script_size(daemon))
    except EcholotError as error:
        print(f"benchmarks page: {error}", file=sys.stderr)
        return error.exit_code
    if args.json:
        args.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return 0
