"""The engine of one site with everything that is computed for its pages: search, related pages, answers."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from searchd import answers, discover
from searchd.api.serialise import Rendered, rendered
from searchd.discover import Related
from searchd.engine import Engine
from searchd.errors import QueryError
from searchd.index.opened import Index
from searchd.index.records import Page
from searchd.index.stores import Encoder
from searchd.query import Answer, AnswerSentence, Evidence, Filters, Hit, Query, SectionHit, Snippet
from searchd.second_stage import Scorer
from searchd.settings import RankingSettings

_OPENING_CHARS = 200  # of a page without a summary that introduce it
_NO_FILTERS = Filters()


class SiteEngine(Engine):
    """An ``Engine`` that also relates, recommends, draws and answers. Fits ``searchd.served.Computing``."""

    def __init__(
        self,
        index: Index,
        encoder: Encoder,
        settings: RankingSettings,
        snapshot_id: str = "",
        site_languages: Sequence[str] = (),
        *,
        scorer: Scorer | None = None,
    ) -> None:
        super().__init__(index, encoder, settings, snapshot_id, site_languages, scorer=scorer)
        self._rng = np.random.default_rng()

    def search_json(self, query: Query, sections: int, explain: bool) -> Rendered:
        """Return what ``search`` does as the API's JSON, at most ``sections`` of each page."""
        return rendered(self.search(query), sections, explain)

    def similar(self, url: str, limit: int = 5) -> Answer:
        """Return pages like the one at ``url``. Raises QueryError when the site has no such page."""
        started = time.perf_counter()
        page = self.page_by_url(url)
        if page is None:
            raise QueryError(f"no page is known at {url}", "give the full URL of a page of this site")
        found = discover.similar(self.index, page.page, limit, self._mask(_NO_FILTERS))
        return self._related(found, page.lang, started)

    def recommend(self, urls: Sequence[str], limit: int = 5) -> Answer:
        """Return pages for a visitor who read these, oldest first. Raises QueryError when none of them is known."""
        started = time.perf_counter()
        pages = [page for url in urls if (page := self.page_by_url(url)) is not None]
        if not pages:
            raise QueryError("none of these pages is known", "give full URLs of pages of this site")
        found = discover.recommend(self.index, [page.page for page in pages], limit, self._mask(_NO_FILTERS))
        return self._related(found, pages[-1].lang, started)

    def random(self, seen: Sequence[str] = (), limit: int = 1, lang: str = "") -> tuple[Hit, ...]:
        """Return pages to discover, drawn away from those seen."""
        numbers = [page.page for url in seen if (page := self.page_by_url(url)) is not None]
        rng = np.random.default_rng(self._rng.integers(2**63))  # generators are not to be shared between threads
        drawn = discover.random_pages(self.index, numbers, limit, lang, rng, self._mask(_NO_FILTERS))
        return tuple(self._hit(page, 0.0, ()) for page in self.index.pages.pages(drawn))

    def answer(self, query: Query) -> tuple[AnswerSentence, ...]:
        """Return sentences of the site, verbatim, that answer a question; none when none is likely to."""
        ranked = self.rank(query)
        return answers.answer(ranked, self.index, self.encoder, query.limit, self.settings.answer_threshold)

    def _related(self, found: Sequence[Related], lang: str, started: float) -> Answer:
        pages = self.index.pages.pages(item.page for item in found)
        hits = tuple(self._hit(page, item.score, item.evidence) for page, item in zip(pages, found, strict=True))
        took_ms = (time.perf_counter() - started) * 1000
        return Answer(hits, len(hits), self.snapshot_id, took_ms, lang)

    def _hit(self, page: Page, score: float, evidence: tuple[Evidence, ...]) -> Hit:
        text = page.summary[0] if page.summary else page.description
        if not text and page.n_passages:
            text = self.index.pages.passage(page.first_row).text[:_OPENING_CHARS]
        section = SectionHit((), "", Snippet(text), score)
        return Hit(
            page=page.page, url=page.url, title=page.title, lang=page.lang, kind=page.kind, category=page.category,
            tags=page.tags, published=page.published, modified=page.modified, image=page.image,
            description=page.description, score=score, confidence=score, sections=(section,), evidence=evidence,
        )  # fmt: skip
