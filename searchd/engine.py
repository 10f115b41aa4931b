"""One snapshot and one encoder: answers questions. Any number of threads may ask at once; nothing here is locked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt

from searchd import presentation
from searchd.candidates import Candidates, collect, reach
from searchd.errors import QueryError
from searchd.index.opened import Index
from searchd.index.pages import Pages, day_number
from searchd.index.probes import of_language
from searchd.index.records import Page
from searchd.index.snapshot import day_of
from searchd.index.stores import Encoder
from searchd.presentation import Ranked
from searchd.query import Answer, Facet, Filters, Query, Why
from searchd.ranking import filters as conditions
from searchd.ranking.confidence import confidence
from searchd.ranking.fusion import Asked, Weights, fuse
from searchd.ranking.order import COMPARED, Ranking, arrange, without_duplicates
from searchd.ranking.steer import Steer
from searchd.second_stage import Scorer, SecondStage
from searchd.settings import RankingSettings
from searchd.text.parse import parse

Mask = npt.NDArray[np.bool_]
_FILTERS_KEPT = 256  # masks of recent filters, one byte per page each


class Stopwatch:
    """Milliseconds between laps, by name."""

    def __init__(self) -> None:
        self.laps: list[tuple[str, float]] = []
        self._started = self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """End a stage."""
        now = time.perf_counter()
        self.laps.append((name, (now - self._last) * 1000))
        self._last = now

    @property
    def total(self) -> float:
        """Milliseconds since the start."""
        return (time.perf_counter() - self._started) * 1000


class Engine:
    """Answers questions from one opened index.

    ``site_languages``: the visitors' languages, for detection. ``scorer``: reads the first results again, if given.
    """

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
        self.index, self.encoder, self.settings = index, encoder, settings
        self.snapshot_id = snapshot_id
        self.site_languages = tuple(site_languages)
        self.steer = Steer.of(index.pages, settings, day_number(day_of(snapshot_id)))
        self.weights = Weights.of(settings.weights)
        self._second = SecondStage(scorer, settings) if scorer else None
        self._mask = lru_cache(_FILTERS_KEPT)(partial(_allowed, index.pages, self.steer))  # no cycle: freed at once

    def search(self, query: Query) -> Answer:
        """Return the pages that answer the query, best first. Raises QueryError when the query makes no sense."""
        watch = Stopwatch()
        ranked = self.rank(query, watch)
        ranking = ranked.ranking
        shown = ranking.order[query.offset : query.offset + query.limit]
        hits = presentation.hits(self.index, self.steer, self.weights, ranked, shown)
        watch.lap("excerpts")
        facets: tuple[Facet, ...] = ()
        if query.facets and not ranking.nothing_relevant:
            facets = conditions.facets(self.index.pages.columns, ranked.candidates.evidence.pages[ranking.matching])
            watch.lap("facets")
        return Answer(
            hits=hits,
            total=ranking.total,
            snapshot=self.snapshot_id,
            took_ms=watch.total,
            lang=ranked.parsed.lang,
            nothing_relevant=ranking.nothing_relevant,
            did_you_mean=ranked.parsed.did_you_mean,
            facets=facets,
            notes=presentation.notes(ranked) if query.explain else (),
            timings_ms=tuple(watch.laps),
        )

    def why(self, query: Query, url: str) -> Why:
        """Return why the page at ``url`` is, or is not, an answer. Raises QueryError when there is no such page."""
        page = self.page_by_url(url)
        if page is None:
            raise QueryError(
                f"no page has the address {url}", "see `indexer explain-url` for what the crawl made of it"
            )
        ranked = self.rank(query, looked_at=(page.page,))
        pages, _ = self.index.lexical.restrict(ranked.parsed)
        left = pages is None or bool(pages[page.page])
        return presentation.why(self.steer, self.settings.threshold, ranked, page, left)

    def rank(self, query: Query, watch: Stopwatch | None = None, looked_at: tuple[int, ...] = ()) -> Ranked:
        """Do everything but fetch texts: understand, collect, fuse, order. looked_at: pages to score in any case."""
        watch = watch or Stopwatch()
        index = self.index
        parsed = parse(query.text, query.lang, index.lexical.vocabulary, self.settings)
        parsed = index.lexical.without_vain_phrases(parsed)
        watch.lap("parse")
        vector = None if query.mode == "lexical" else self.encoder.encode_query(parsed.text)
        watch.lap("encode")
        words = parsed if query.mode != "semantic" else None
        allowed = self._mask(query.filters)
        pinned = tuple(page for page in self.steer.pinned(query.text) if allowed is None or allowed[page])
        candidates = collect(index, vector, words, parsed, allowed, reach(query.limit), (*pinned, *looked_at))
        watch.lap("collect")
        evidence = candidates.evidence
        own = self._own(parsed.lang, evidence.lang)
        asked = Asked(vector is not None, words is not None, own, parsed.lone)
        fused = fuse(evidence, self.weights, asked)
        strange = of_language(index.strangeness, parsed.lang)
        scores = fused.scores
        for boost in self.steer.boosts:
            scores = scores + boost.values[evidence.pages]
        ranking = arrange(
            evidence.pages,
            scores,
            confidence(evidence, strange, asked, parsed.telling),
            self.settings.threshold,
            pinned=pinned,
            eligible=evidence.page_coverage + evidence.passage_coverage > 0 if vector is None else None,
            day=index.pages.columns.day[evidence.pages] if query.sort == "date" else None,
        )
        ranking = self._collapse(ranking, candidates)
        watch.lap("rank")
        ranked = Ranked(query, parsed, vector, candidates, fused, ranking, pinned)
        if self._second is not None:
            ranked = self._second.apply(index, self.weights, ranked)
            watch.lap("rerank")
        return ranked

    def _own(self, lang: str, of_pages: npt.NDArray[np.int32]) -> Mask:
        """Which pages are in this language; all of them when it is unknown, and pages of unknown language always."""
        columns = self.index.pages.columns
        if not lang:
            return np.ones(len(of_pages), dtype=np.bool_)
        own: Mask = (of_pages == columns.code("lang", lang)) | (of_pages == columns.code("lang", ""))
        return own

    def _collapse(self, ranking: Ranking, candidates: Candidates) -> Ranking:
        """Fold near-duplicates among the first results."""
        first = ranking.order[:COMPARED]
        evidence = candidates.evidence
        if len(first) < 2:
            return ranking
        best = self.index.dense.vectors(evidence.best_row[first])
        return without_duplicates(
            ranking, best, lambda at: self.index.leads.vectors(evidence.pages[first[at]]), evidence.lang[first]
        )

    def page(self, number: int) -> Page:
        """Return one page. Raises KeyError when there is none."""
        return self.index.pages.page(number)

    def page_by_url(self, url: str) -> Page | None:
        """Return the page at this URL or at one of its aliases."""
        return self.index.pages.by_url(url)


def _allowed(pages: Pages, steer: Steer, filters: Filters) -> Mask | None:
    """Pages that the filters and the owner let through; None = all."""
    kept = conditions.mask(pages, filters)
    hidden = steer.visible
    if kept is None or hidden is None:
        return hidden if kept is None else kept
    return kept & hidden
