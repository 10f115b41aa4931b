"""Pages that need JavaScript, rendered in Chromium: the optional extra ``[js]`` (Playwright and the system's Chromium).

The browser has no network of its own: every request it makes is answered through the crawler's client, so that pinned
addresses, limits, the User-Agent and the rule where secrets go hold for scripts as for pages.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from multidict import CIMultiDict
from selectolax.lexbor import LexborHTMLParser

from indexer import charset, scope, urls
from indexer.complexity import too_complex
from indexer.fetch import Fetched, Secrets
from indexer.sources import WebSource
from searchd.errors import ConfigError
from searchd.settings import CrawlSettings

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
FEW_CHARS: Final = 80  # a page with less text and a script is taken for a shell
_WANTED: Final = frozenset({"document", "script", "xhr", "fetch", "stylesheet"})
_NO_NETWORK: Final = "http://127.0.0.1:9"  # a proxy that is not there: what is not routed fails
_HOP_HEADERS: Final = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection"})


class BrowserSource(WebSource):
    """A web server whose pages are rendered where patterns or emptiness ask for it."""

    def __init__(
        self, settings: CrawlSettings, origins: frozenset[str], secrets: Secrets, url_list: Path | None = None
    ) -> None:
        super().__init__(settings, origins, secrets, url_list)
        self._doors = contextlib.AsyncExitStack()
        self._context: Any = None

    async def __aenter__(self) -> Self:
        """Start the browser. Raises ConfigError when Playwright or Chromium is missing."""
        await super().__aenter__()
        try:
            self._context = await self._start()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._doors.aclose()
        await super().__aexit__(kind, error, trace)

    async def get(self, url: str, *, etag: str = "", modified: str = "", limit: int = 0) -> Fetched:
        """One answer; an HTML page that needs it comes rendered, without validators since its data has none."""
        wanted = scope.matches_any(self.settings.browser_patterns, url)
        if wanted:
            etag = modified = ""
        fetched = await super().get(url, etag=etag, modified=modified, limit=limit)
        if fetched.status != 200 or fetched.error or fetched.content_type != "text/html":
            return fetched
        if wanted or (self.settings.browser_when_empty and needs_scripts(fetched.body)):
            return await self._render(fetched)
        return fetched

    async def _start(self) -> Any:  # noqa: ANN401 - Playwright is optional, so are its types
        try:
            playwright = importlib.import_module("playwright.async_api")
        except ImportError as error:
            raise ConfigError("rendering needs Playwright", "pip install 'echolot[js]'") from error
        executable = next(filter(None, map(shutil.which, BROWSERS)), None)
        if executable is None:
            raise ConfigError("rendering needs Chromium", "apt install chromium")
        engine = await self._doors.enter_async_context(playwright.async_playwright())
        browser = await engine.chromium.launch(
            executable_path=executable,
            chromium_sandbox=os.geteuid() != 0,
            proxy={"server": _NO_NETWORK, "bypass": "<-loopback>"},
        )
        self._doors.push_async_callback(browser.close)
        context = await browser.new_context(service_workers="block", accept_downloads=False)
        await context.route("**/*", self._answer)
        return context

    async def _render(self, fetched: Fetched) -> Fetched:
        page = await self._context.new_page()
        try:
            await page.goto(fetched.url, wait_until="networkidle", timeout=1000 * self.settings.timeout_s)
            body = (await page.content()).encode("utf-8", "replace")
        except importlib.import_module("playwright.async_api").Error as error:
            return Fetched(fetched.url, 0, error=f"browser: {str(error).splitlines()[0]}")
        finally:
            await page.close()
        if len(body) > self.settings.max_body_bytes:
            return Fetched(
                fetched.url, 200, error=f"too_large: more than {self.settings.max_body_bytes} bytes rendered"
            )
        headers = CIMultiDict(fetched.headers)
        for name in ("ETag", "Last-Modified"):
            headers.popall(name, None)
        headers["Content-Type"] = "text/html; charset=utf-8"
        return Fetched(fetched.url, 200, headers, body, elapsed_s=fetched.elapsed_s)

    async def _answer(self, route: Any) -> None:  # noqa: ANN401 - Playwright's
        """Answer one of the browser's requests through our client."""
        request = route.request
        url = urls.normalise(request.url)
        if request.method != "GET" or request.resource_type not in _WANTED or not url:
            await route.abort()
            return
        fetched = await super().get(url)
        if not fetched.status or fetched.error:
            await route.abort()
            return
        headers = {name: value for name, value in fetched.headers.items() if name.lower() not in _HOP_HEADERS}
        await route.fulfill(status=fetched.status, headers=headers, body=fetched.body)


def needs_scripts(body: bytes) -> bool:
    """Whether a page has a script and next to no text without it."""
    if too_complex(body):
        return False
    tree = LexborHTMLParser(charset.decode(body))
    if tree.css_first("script") is None:
        return False
    tree.strip_tags(["script", "style", "noscript", "template"])
    return tree.body is None or len(tree.body.text().strip()) < FEW_CHARS
