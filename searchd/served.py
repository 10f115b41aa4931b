"""One snapshot in service: what is computed for a request, wherever that happens, and what is looked up here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from searchd.api.serialise import Rendered
from searchd.index.pages import Pages
from searchd.index.records import Page
from searchd.query import Answer, AnswerSentence, Hit, Query, Suggestion
from searchd.suggest import SuggestIndex


class Computing(Protocol):
    """The costly part of an engine: ``SiteEngine`` in this process, ``processes.remote.RemoteEngine`` in another."""

    def search(self, query: Query) -> Answer:
        """Return the pages that answer the query, best first. Raises QueryError when the query makes no sense."""

    def search_json(self, query: Query, sections: int, explain: bool) -> Rendered:
        """Return the same as JSON, at most ``sections`` of each page; made where it was computed, to move less."""

    def similar(self, url: str, limit: int = 5) -> Answer:
        """Return pages like the one at ``url``. Raises QueryError when there is no such page."""

    def recommend(self, urls: Sequence[str], limit: int = 5) -> Answer:
        """Return pages for a visitor who read these. Raises QueryError when none of them is known."""

    def random(self, seen: Sequence[str] = (), limit: int = 1, lang: str = "") -> tuple[Hit, ...]:
        """Return pages to discover, drawn away from those seen."""

    def answer(self, query: Query) -> tuple[AnswerSentence, ...]:
        """Return sentences of the site, verbatim, that answer a question."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Served:
    """A snapshot with everything that the API asks of it. Fits ``api.live_protocol.EngineLike``; threads may share it.

    Looking up a page or completing a word costs microseconds and happens here.
    """

    snapshot_id: str
    engine: Computing
    pages: Pages
    suggestions: SuggestIndex

    def search(self, query: Query) -> Answer:
        """See ``Computing``."""
        return self.engine.search(query)

    def search_json(self, query: Query, sections: int, explain: bool) -> Rendered:
        """See ``Computing``."""
        return self.engine.search_json(query, sections, explain)

    def similar(self, url: str, limit: int = 5) -> Answer:
        """See ``Computing``."""
        return self.engine.similar(url, limit)

    def recommend(self, urls: Sequence[str], limit: int = 5) -> Answer:
        """See ``Computing``."""
        return self.engine.recommend(urls, limit)

    def random(self, seen: Sequence[str] = (), limit: int = 1, lang: str = "") -> tuple[Hit, ...]:
        """See ``Computing``."""
        return self.engine.random(seen, limit, lang)

    def answer(self, query: Query) -> tuple[AnswerSentence, ...]:
        """See ``Computing``."""
        return self.engine.answer(query)

    def suggest(self, text: str, limit: int = 8, lang: str = "") -> tuple[Suggestion, ...]:
        """Return completions of what was typed so far: titles, headings, past queries."""
        return self.suggestions.suggest(text, limit, lang)

    def page(self, number: int) -> Page:
        """Return one page. Raises KeyError when there is none."""
        return self.pages.page(number)

    def page_by_url(self, url: str) -> Page | None:
        """Return the page at this URL or at one of its aliases."""
        return self.pages.by_url(url)
