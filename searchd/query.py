"""What is asked of the engine and what it answers. Leaf module: plain values, no I/O.

Structs, because an answer holds dozens of them: a frozen dataclass takes four times as long to make, and to pickle.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Mode = Literal["hybrid", "semantic", "lexical"]
Sort = Literal["relevance", "date"]


class Filters(Struct, frozen=True):
    """Conditions that every result meets; empty fields do not restrict. Dates are ISO 8601, inclusive."""

    category: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()  # html, pdf
    lang: tuple[str, ...] = ()
    path_prefix: str = ""
    date_from: str = ""
    date_to: str = ""


class Query(Struct, frozen=True):
    """One question. ``lang`` is the visitor's language ("" = detect it from the text)."""

    text: str
    limit: int = 10
    offset: int = 0
    mode: Mode = "hybrid"
    lang: str = ""
    filters: Filters = Filters()
    sort: Sort = "relevance"
    facets: bool = False
    explain: bool = False


class Snippet(Struct, frozen=True):
    """An excerpt and its highlights as [start, end) offsets in code points of ``text``; never markup.

    before, after: whether its text goes on there.
    """

    text: str
    highlights: tuple[tuple[int, int], ...] = ()
    before: bool = False
    after: bool = False


class SectionHit(Struct, frozen=True):
    """One section of a page that answers the query."""

    headings: tuple[str, ...]
    anchor: str
    snippet: Snippet
    score: float


class Evidence(Struct, frozen=True):
    """One term of the score: ``share == weight * normalised``; the shares of a hit add up to its score."""

    name: str  # "passage vector", "lead vector", "passage BM25", "page BM25", "boost: /news/" ...
    raw: float  # cosine, BM25 score ... as the store gave it
    normalised: float
    weight: float
    share: float
    note: str = ""


class Hit(Struct, frozen=True):
    """One page of the answer. ``confidence`` is the calibrated probability that it is relevant."""

    page: int
    url: str
    title: str
    lang: str
    kind: str
    category: str
    tags: tuple[str, ...]
    published: str
    modified: str
    image: str
    description: str
    score: float
    confidence: float
    sections: tuple[SectionHit, ...]  # best first, at least one
    evidence: tuple[Evidence, ...] = ()  # only when asked to explain


class Facet(Struct, frozen=True):
    """How many of the matching pages have each value; most frequent first."""

    name: str
    counts: tuple[tuple[str, int], ...]


class Answer(Struct, frozen=True):
    """What a query gets. ``total`` counts pages that match, honouring ``nothing_relevant``."""

    hits: tuple[Hit, ...]
    total: int
    snapshot: str
    took_ms: float
    lang: str  # the language that the query was taken for
    nothing_relevant: bool = False  # then hits are only the nearest pages
    did_you_mean: str = ""
    facets: tuple[Facet, ...] = ()
    notes: tuple[str, ...] = ()  # how the query was understood; shown with explain
    timings_ms: tuple[tuple[str, float], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether not even a near page was found."""
        return not self.hits


class Why(Struct, frozen=True):
    """Why a page is, or is not, among the results of a query. ``position`` counts from 1; 0 = it is not shown."""

    url: str
    position: int
    score: float
    confidence: float
    evidence: tuple[Evidence, ...]
    reasons: tuple[str, ...]


class Suggestion(Struct, frozen=True):
    """One line below the search field. ``url`` is "" when it is a query rather than a page."""

    text: str
    url: str = ""
    kind: Literal["title", "heading", "query"] = "title"
    highlights: tuple[tuple[int, int], ...] = ()


class AnswerSentence(Struct, frozen=True):
    """A sentence of a page, verbatim, that answers a question; ``confidence`` is the probability that it does."""

    text: str
    url: str
    title: str
    headings: tuple[str, ...]
    anchor: str
    confidence: float
    lang: str
    page: int
