"""Where pages come from: a web server, or a folder that holds a static site's build. One interface for both."""

from __future__ import annotations

import mimetypes
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self
from urllib.parse import quote, unquote

from multidict import CIMultiDict

from indexer import urls
from indexer.fetch import Fetched, Fetcher, Secrets
from searchd.errors import ConfigError
from searchd.settings import CrawlSettings, SiteSettings

_INDEX: Final = "index.html"
_PAGES: Final = frozenset({".html", ".htm", ".xhtml", ".pdf"})


class Source(Protocol):
    """What a run asks for pages. An async context manager."""

    has_robots: bool
    requests: int

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def get(self, url: str, *, etag: str = "", modified: str = "", limit: int = 0) -> Fetched:
        """One answer; never raises for what the other side does."""

    def listed(self) -> Iterator[str]:
        """Addresses to visit besides the start pages."""


class WebSource(Fetcher):
    """A web server, with the site's list of addresses."""

    has_robots = True

    def __init__(
        self, settings: CrawlSettings, origins: frozenset[str], secrets: Secrets, url_list: Path | None = None
    ) -> None:
        super().__init__(settings, origins, secrets)
        self._url_list = url_list

    def listed(self) -> Iterator[str]:
        """The lines of the list that are addresses; # starts a comment. Raises ConfigError when it cannot be read."""
        if self._url_list is None:
            return
        try:
            lines = self._url_list.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"url_list {self._url_list}: {error}", "one address a line, UTF-8") from error
        yield from (line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))


class FolderSource:
    """Files below a folder, addressed as if they were served at the site's URL; their times are the validators."""

    has_robots = False

    def __init__(self, folder: Path, base: str, settings: CrawlSettings) -> None:
        if not folder.is_dir():
            raise ConfigError(f"{folder} is no folder", "set folder to a static site's build")
        self.folder, self.settings = folder.resolve(), settings
        self.base = base if base.endswith("/") else base.rpartition("/")[0] + "/"
        self.requests = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def get(self, url: str, *, etag: str = "", modified: str = "", limit: int = 0) -> Fetched:  # noqa: ARG002 - the interface
        """Read the file behind an address: 200, 304 when its time and size are those of ``etag``, 404."""
        started = time.perf_counter()
        self.requests += 1
        file = self._file(url)
        if file is None:
            return Fetched(url, 404)
        stat = file.stat()
        tag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        headers = CIMultiDict({"ETag": tag, "Content-Type": kind})
        if etag == tag:
            return Fetched(url, 304, headers)
        if stat.st_size > (limit or self.settings.max_body_bytes):
            return Fetched(url, 200, headers, error=f"too_large: {stat.st_size} bytes")
        return Fetched(url, 200, headers, file.read_bytes(), elapsed_s=time.perf_counter() - started)

    def listed(self) -> Iterator[str]:
        """Every page below the folder, linked or not."""
        for file in sorted(self.folder.rglob("*")):
            if file.suffix.lower() in _PAGES and file.is_file():
                path = file.relative_to(self.folder).as_posix()
                yield self.base + quote(path.removesuffix(_INDEX) if file.name == _INDEX else path)

    def _file(self, url: str) -> Path | None:
        if not url.startswith(self.base):
            return None
        path = unquote(urls.path(url)[len(urls.path(self.base)) :].partition("?")[0])
        if "\0" in path:
            return None
        file = (self.folder / path).resolve()
        if file.is_dir():
            file = file / _INDEX
        return file if file.is_file() and file.is_relative_to(self.folder) else None


def open_source(
    site: SiteSettings, settings: CrawlSettings, origins: frozenset[str], secrets: Secrets
) -> WebSource | FolderSource:
    """The source that the site's settings name."""
    if site.folder:
        return FolderSource(Path(site.folder), urls.normalise(site.url), settings)
    url_list = Path(site.url_list) if site.url_list else None
    if settings.browser_patterns or settings.browser_when_empty:
        from indexer.browser import BrowserSource

        return BrowserSource(settings, origins, secrets, url_list)
    return WebSource(settings, origins, secrets, url_list)
