"""A running daemon in the place of an engine: asks over HTTP, page by page until the depth is reached."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

from searchd.errors import SiteError
from searchd.index.pages import url_path
from searchd.query import Query

PAGE = 50  # results asked for at once; daemons cap it


@dataclass(frozen=True, slots=True)
class RemoteHit:
    """One result; ``url`` is its path, by which judged sets know pages."""

    url: str
    score: float


@dataclass(frozen=True, slots=True)
class RemoteAnswer:
    """The part of an answer that is judged."""

    hits: tuple[RemoteHit, ...]


class RemoteEngine:
    """Asks ``url`` (a daemon's address) with GET /api/v1/search."""

    def __init__(self, url: str, timeout_s: float = 30.0) -> None:
        self._url, self._timeout_s = url.rstrip("/"), timeout_s

    def search(self, query: Query) -> RemoteAnswer:
        """Return up to ``query.limit`` results. Raises SiteError when the daemon does not answer as it should."""
        hits: list[RemoteHit] = []
        while len(hits) < query.limit:
            results = self._page(query, len(hits), min(PAGE, query.limit - len(hits)))
            hits += [RemoteHit(url_path(result["url"]), float(result["score"])) for result in results]
            if len(results) < PAGE:
                break
        return RemoteAnswer(tuple(hits))

    def _page(self, query: Query, offset: int, limit: int) -> list[dict[str, str]]:
        arguments = {"q": query.text, "limit": limit, "offset": offset} | ({"mode": query.mode})
        request = urllib.request.Request(f"{self._url}/api/v1/search?{urllib.parse.urlencode(arguments)}")
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as response:
                body = json.load(response)
        except (urllib.error.URLError, TimeoutError, json.JSONDecodeError) as error:
            raise SiteError(f"{self._url} did not answer: {error}", "is searchd running there?") from error
        results: list[dict[str, str]] = body["results"]
        return results
