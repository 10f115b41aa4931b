"""An engine whose answers are computed by one of the engine processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from searchd.api.serialise import Rendered
from searchd.query import Answer, AnswerSentence, Hit, Query

if TYPE_CHECKING:
    from searchd.processes.pool import Pool


class RemoteEngine:
    """One snapshot that all engine processes have open. Fits ``searchd.served.Computing``.

    Errors are those of ``SiteEngine``; SnapshotError besides, when no process can be had.
    """

    def __init__(self, pool: Pool, number: int) -> None:
        self._pool, self._number = pool, number

    def search(self, query: Query) -> Answer:
        """See ``SiteEngine``."""
        found: Answer = self._pool.ask(self._number, "search", query)
        return found

    def search_json(self, query: Query, sections: int, explain: bool) -> Rendered:
        """See ``SiteEngine``."""
        found: Rendered = self._pool.ask(self._number, "search_json", query, sections, explain)
        return found

    def similar(self, url: str, limit: int = 5) -> Answer:
        """See ``SiteEngine``."""
        found: Answer = self._pool.ask(self._number, "similar", url, limit)
        return found

    def recommend(self, urls: Sequence[str], limit: int = 5) -> Answer:
        """See ``SiteEngine``."""
        found: Answer = self._pool.ask(self._number, "recommend", tuple(urls), limit)
        return found

    def random(self, seen: Sequence[str] = (), limit: int = 1, lang: str = "") -> tuple[Hit, ...]:
        """See ``SiteEngine``."""
        found: tuple[Hit, ...] = self._pool.ask(self._number, "random", tuple(seen), limit, lang)
        return found

    def answer(self, query: Query) -> tuple[AnswerSentence, ...]:
        """See ``SiteEngine``."""
        found: tuple[AnswerSentence, ...] = self._pool.ask(self._number, "answer", query)
        return found
