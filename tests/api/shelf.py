"""A tiny engine over a dozen pages in memory, for tests of the HTTP layer's shapes: it matches words, nothing more."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from searchd.api.serialise import Rendered, rendered
from searchd.errors import QueryError, SnapshotError
from searchd.index.records import Page
from searchd.query import Answer, Evidence, Facet, Hit, Query, SectionHit, Snippet, Suggestion

HOST = "https://www.harbour.example"


@dataclass(frozen=True)
class Book:
    """One page of the shelf."""

    path: str
    title: str
    text: str
    lang: str = "en"
    category: str = "town"
    tags: tuple[str, ...] = ("harbour",)


BOOKS = (
    Book("/ferry", "Ferry timetable", "The ferry leaves at nine. Dogs travel free on the ferry.", category="transport"),
    Book("/museum", "Museum opening hours", "The museum is open from ten to six. Closed on Mondays."),
    Book(
        "/faehre", "Fahrplan der Fähre", "Die Fähre fährt um neun Uhr. Hunde fahren kostenlos mit.", "de", "transport"
    ),
    Book(
        "/waste", "Waste collection", "Bins are emptied on Tuesday. The museum has its own bins.", tags=("bins", "home")
    ),
    *(
        Book(f"/news/{n}", f"News of week {n}", f"The harbour council met in week {n}.", category="news")
        for n in range(30)
    ),
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """Fits ``AnswerSentence``."""

    text: str
    url: str
    title: str
    anchor: str
    headings: tuple[str, ...]
    confidence: float


class Shelf:
    """Fits ``EngineLike``."""

    def __init__(self, books: Sequence[Book] = BOOKS, snapshot_id: str = "shelf-1") -> None:
        self.books = list(books)
        self.snapshot_id = snapshot_id
        self.searches = 0

    def hit(self, number: int, words: Sequence[str] = (), score: float = 1.0) -> Hit:
        book = self.books[number]
        spans = [m.span() for word in words for m in re.finditer(re.escape(word), book.text, re.IGNORECASE)]
        section = SectionHit((book.title, "Details"), "details", Snippet(book.text, tuple(sorted(spans))), score)
        return Hit(
            page=number, url=HOST + book.path, title=book.title, lang=book.lang, kind="html", category=book.category,
            tags=book.tags, published="2026-03-01", modified="", image="", description=book.text[:40], score=score,
            confidence=min(1.0, score), sections=(section,),
        )  # fmt: skip

    def search(self, query: Query) -> Answer:
        self.searches += 1
        begun = time.perf_counter()
        words = [word for word in re.findall(r"\w+", query.text.lower()) if len(word) > 2]
        scored = [(sum(word in (b.title + b.text).lower() for word in words), n) for n, b in enumerate(self.books)]
        found = [
            self.hit(n, words, float(s))
            for s, n in sorted(scored, key=lambda pair: (-pair[0], pair[1]))
            if s and self._allowed(self.books[n], query)
        ]
        counts: dict[str, int] = {}
        for one in found:
            counts[one.category] = counts.get(one.category, 0) + 1
        if query.explain:
            term = Evidence("words", 1.0, 1.0, 1.0, 1.0)
            found = [replace(one, evidence=(term,)) for one in found]
        return Answer(
            hits=tuple(found[query.offset : query.offset + query.limit]),
            total=len(found),
            snapshot=self.snapshot_id,
            took_ms=(time.perf_counter() - begun) * 1000,
            lang=query.lang or "en",
            facets=(Facet("category", tuple(counts.items())),) if query.facets else (),
            notes=("words",),
        )

    def search_json(self, query: Query, sections: int, explain: bool) -> Rendered:
        return rendered(self.search(query), sections, explain)

    @staticmethod
    def _allowed(book: Book, query: Query) -> bool:
        filters = query.filters
        return (
            (not filters.category or book.category in filters.category)
            and (not filters.lang or book.lang in filters.lang)
            and book.path.startswith(filters.path_prefix)
        )

    def suggest(self, text: str, limit: int = 8, lang: str = "") -> tuple[Suggestion, ...]:
        found = [b for b in self.books if b.title.lower().startswith(text.lower()) and lang in ("", b.lang)]
        return tuple(Suggestion(b.title, HOST + b.path, "title", ((0, len(text)),)) for b in found[:limit])

    def _number(self, url: str) -> int:
        for number, book in enumerate(self.books):
            if HOST + book.path == url:
                return number
        raise QueryError("no such page")

    def similar(self, url: str, limit: int = 5) -> Answer:
        number = self._number(url)
        return self.search(Query(self.books[number].title, limit=limit))

    def recommend(self, urls: Sequence[str], limit: int = 5) -> Answer:
        return self.similar(urls[0], limit)

    def random(self, seen: Sequence[str] = (), limit: int = 1, lang: str = "") -> tuple[Hit, ...]:
        unseen = [n for n, book in enumerate(self.books) if HOST + book.path not in seen and lang in ("", book.lang)]
        return tuple(self.hit(n) for n in unseen[:limit])

    def answer(self, query: Query) -> tuple[Sentence, ...]:
        found = self.search(query).hits
        return tuple(
            Sentence(h.sections[0].snippet.text.split(". ")[0] + ".", h.url, h.title, "details", ("Details",), 0.5)
            for h in found[:3]
        )

    def page(self, number: int) -> Page:
        if not 0 <= number < len(self.books):
            raise KeyError(number)
        book = self.books[number]
        return Page(
            page=number, url=HOST + book.path, title=book.title, lang=book.lang, description="", kind="html",
            category=book.category, tags=book.tags, author="", published="2026-03-01", modified="", image="",
            headings=((("Details",), "details"),), first_row=number, n_passages=1, n_words=len(book.text.split()),
            summary=(book.text,), keyphrases=("harbour town",),
        )  # fmt: skip

    def page_by_url(self, url: str) -> Page | None:
        try:
            return self.page(self._number(url))
        except QueryError:
            return None


@dataclass(frozen=True, slots=True)
class Status:
    """Fits ``SiteStatus``."""

    site: str
    snapshot_id: str = ""
    pages: int = 0
    passages: int = 0
    created_at: str = ""
    loaded_at: float = 0.0
    error: str = ""


class ShelfLive:
    """Fits ``Live``."""

    def __init__(self, **shelves: Shelf | None) -> None:
        self.shelves: dict[str, Shelf | None] = shelves or {"town": Shelf()}
        self.errors: dict[str, str] = {}
        self.reloads: list[str] = []

    def sites(self) -> list[str]:
        return list(self.shelves)

    def serves_origin(self, origin: str) -> bool:
        return origin == "https://indexed.example"

    def engine(self, site: str = "") -> Shelf:
        name = site or next(iter(self.shelves))
        if name not in self.shelves:
            raise QueryError(f"no site is named {name!r}")
        shelf = self.shelves[name]
        if shelf is None:
            raise SnapshotError("no snapshot is served: nothing was published yet")
        return shelf

    def processes(self) -> tuple[int, int]:
        return 2, 5

    def status(self) -> list[Status]:
        return [
            Status(
                name,
                shelf.snapshot_id if shelf else "",
                len(shelf.books) if shelf else 0,
                error=self.errors.get(name, ""),
            )
            for name, shelf in self.shelves.items()
        ]

    def reload(self, site: str = "") -> None:
        self.reloads.append(site)
