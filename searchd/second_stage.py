"""The optional second stage: a cross-encoder reads the first results, one after another, until its time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from searchd import presentation
from searchd.index.opened import Index
from searchd.index.records import encoder_text
from searchd.index.stores import Floats, Ints
from searchd.presentation import Ranked
from searchd.ranking.fusion import Weights
from searchd.ranking.rerank import judged, rerank, to_read
from searchd.settings import RankingSettings


class Scorer(Protocol):
    """Query and passages -> log odds of relevance. Implemented by ``searchd.encoder.pairs``."""

    def score(self, query: str, passages: Sequence[str]) -> Floats:
        """(len(passages),) float32; safe for many threads at once."""


class SecondStage:
    """Reads at most ``rerank_top`` results within ``rerank_ms``; ``clock`` gives seconds."""

    def __init__(
        self, scorer: Scorer, settings: RankingSettings, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._scorer, self._clock = scorer, clock
        self._top, self._budget = settings.rerank_top, settings.rerank_ms / 1000

    def apply(self, index: Index, weights: Weights, ranked: Ranked) -> Ranked:
        """The same candidates in a new order. Sorted by date or without a result, they stay as they are."""
        evidence = ranked.candidates.evidence
        places = to_read(ranked.ranking, evidence.pages, ranked.pinned, self._top)
        if ranked.query.sort == "date" or not len(places):
            return ranked
        log_odds = self._read(index, weights, ranked, places)
        if not len(log_odds):
            return ranked
        second = judged(len(evidence.pages), places[: len(log_odds)], log_odds, weights.cross_encoder)
        return replace(ranked, ranking=rerank(ranked.ranking, second), second=second)

    def _read(self, index: Index, weights: Weights, ranked: Ranked, places: Ints) -> Floats:
        """Log odds of the first pages: as many as fit, taking a page to cost what the dearest one so far did."""
        started = self._clock()
        texts = _texts(index, weights, ranked, places)
        found: list[Floats] = []
        before, dearest = self._clock(), 0.0
        for text in texts:
            if before - started + dearest >= self._budget:
                break
            found.append(self._scorer.score(ranked.parsed.text, [text]))
            now = self._clock()
            before, dearest = now, max(dearest, now - before)
        return np.concatenate(found) if found else np.empty(0, np.float32)


def _texts(index: Index, weights: Weights, ranked: Ranked, places: Ints) -> list[str]:
    """What is read of each page: title, heading path and the passage that its first section is shown by."""
    best = presentation.best_rows(index, weights, ranked, places)
    passages = iter(index.pages.passages(rows[0][0] for rows in best if rows))
    pages = index.pages.pages(ranked.candidates.evidence.pages[places].tolist())
    return [
        encoder_text(page.title, next(passages)) if rows else f"{page.title}\n{page.description}"
        for page, rows in zip(pages, best, strict=True)
    ]
