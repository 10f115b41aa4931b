"""What the HTTP layer needs from the rest of the daemon. It knows these protocols only.

``searchd.live`` keeps snapshots open and swaps them; ``searchd.engine`` answers. Both are safe to call from many
threads at once. An engine belongs to one snapshot for its whole life, so a request that holds it sees one index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from searchd.api.serialise import Rendered
from searchd.index.records import Page
from searchd.query import Answer, Hit, Query, Suggestion


class SiteStatus(Protocol):
    """What is served for one site.

    created_at: ISO 8601 in UTC, "" when nothing is served; loaded_at: seconds since the epoch.
    error: why the newest snapshot is not the one served; "" = it is.
    """

    @property
    def site(self) -> str:
        """The site's name."""

    @property
    def snapshot_id(self) -> str:
        """The snapshot served, "" when none is."""

    @property
    def pages(self) -> int:
        """Pages in it."""

    @property
    def passages(self) -> int:
        """Passages in it."""

    @property
    def created_at(self) -> str:
        """When it was built."""

    @property
    def loaded_at(self) -> float:
        """When this process opened it."""

    @property
    def error(self) -> str:
        """What is wrong with the newest snapshot."""


class AnswerSentence(Protocol):
    """A sentence of a page, verbatim, that answers a question; ``confidence`` is the probability that it does."""

    @property
    def text(self) -> str:
        """The sentence."""

    @property
    def url(self) -> str:
        """Its page."""

    @property
    def title(self) -> str:
        """Its page's title."""

    @property
    def anchor(self) -> str:
        """Its section."""

    @property
    def headings(self) -> tuple[str, ...]:
        """The headings above it."""

    @property
    def confidence(self) -> float:
        """0 to 1."""


class EngineLike(Protocol):
    """Answers questions from one snapshot."""

    @property
    def snapshot_id(self) -> str:
        """Identifies the snapshot; answers with the same id and arguments are the same."""

    def search(self, query: Query) -> Answer:
        """Return the pages that answer the query, best first."""

    def search_json(self, query: Query, sections: int, explain: bool) -> Rendered:
        """Return the same as JSON, at most ``sections`` of each page; made where it was computed, to move less."""

    def suggest(self, text: str, limit: int = 8, lang: str = "") -> tuple[Suggestion, ...]:
        """Return completions for what was typed so far."""

    def similar(self, url: str, limit: int = 5) -> Answer:
        """Return pages like the one at ``url``. Raises QueryError when there is no such page."""

    def recommend(self, urls: Sequence[str], limit: int = 5) -> Answer:
        """Return pages for a visitor who read these. Raises QueryError when none of them is known."""

    def random(self, seen: Sequence[str] = (), limit: int = 1, lang: str = "") -> tuple[Hit, ...]:
        """Return pages to discover, away from those seen."""

    def answer(self, query: Query) -> Sequence[AnswerSentence]:
        """Return sentences of the site that answer the question, most confident first."""

    def page(self, number: int) -> Page:
        """Return one page. Raises KeyError when there is none."""

    def page_by_url(self, url: str) -> Page | None:
        """Return the page at this URL or at one of its aliases."""


class Live(Protocol):
    """The sites that this process serves."""

    def sites(self) -> list[str]:
        """Return the names of the sites."""

    def serves_origin(self, origin: str) -> bool:
        """Whether a site that is served was indexed from this origin."""

    def engine(self, site: str = "") -> EngineLike:
        """Return the engine that serves a site now ("" = the first one).

        Raises QueryError for an unknown site, SnapshotError when no snapshot of it is open.
        """

    def processes(self) -> tuple[int, int]:
        """Return how many processes compute answers now, and how many have died and were replaced."""

    def status(self) -> Sequence[SiteStatus]:
        """Return what is served, per site."""

    def reload(self, site: str = "") -> None:
        """Look for newer snapshots now ("" = of all sites); what goes wrong is in ``status()``."""
