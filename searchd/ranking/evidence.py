"""What speaks for each candidate page, as arrays; one row per page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchd.arrays import begins

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

WHOLE = 0.999  # coverage by words that were typed; corrections and compounds cover less


@dataclass(frozen=True, slots=True)
class Background:
    """How similar a query is to passages picked at random: what no relevance at all looks like."""

    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Passages:
    """Scored passages, ascending by row. owner: position of the passage's page among the candidates, ascending."""

    rows: Ints
    owner: Ints
    similarity: Floats
    bm25: Floats
    coverage: Floats


@dataclass(frozen=True, slots=True)
class Evidence:
    """One row per candidate page, ascending by page number.

    best_row: its most similar passage. best, lead: similarities of that passage, and of title and opening.
    passage_bm25 and passage_coverage: of the passage with most; page_bm25 (fields boosted) and page_coverage: of
    the page as a whole. passage_total, page_total: idf of all words of the query, over passages and over pages,
    words found nowhere included. links: share of the page's text that only names other pages.
    """

    pages: Ints
    best_row: Ints
    best: Floats
    lead: Floats
    passage_bm25: Floats
    passage_coverage: Floats
    page_bm25: Floats
    page_coverage: Floats
    lang: npt.NDArray[np.int32]
    links: Floats
    background: Background
    passage_total: float
    page_total: float

    @property
    def whole(self) -> npt.NDArray[np.bool_]:
        """(n,) which candidates hold every word that was typed, in one passage or in the page and what names it."""
        return np.asarray(np.maximum(self.passage_coverage, self.page_coverage) >= WHOLE, np.bool_)

    @classmethod
    def of(
        cls,
        pages: Ints,
        passages: Passages,
        lead: Floats,
        single: npt.NDArray[np.bool_],
        page_bm25: Floats,
        page_coverage: Floats,
        lang: npt.NDArray[np.int32],
        links: Floats,
        background: Background,
        totals: tuple[float, float],
    ) -> Evidence:
        """Reduce passages to their pages. A page without any passage is judged by its lead and its words.

        single: which pages have one passage only. Their lead is a part of it and says little beside it, so it counts
        as half lead, half passage.
        """
        starts = np.flatnonzero(begins(passages.owner))
        owners = passages.owner[starts]  # pages that have a passage here
        best_row, best = _best(passages, starts, owners, lead)
        return cls(
            pages,
            best_row,
            best,
            np.where(single, (lead + best) / 2, lead),
            _most(passages.bm25, starts, owners, len(pages)),
            _most(passages.coverage, starts, owners, len(pages)),
            page_bm25,
            page_coverage,
            lang,
            links,
            background,
            *totals,
        )


def _most(values: Floats, starts: Ints, owners: Ints, n_pages: int) -> Floats:
    """Largest value of each page, 0 where it has none; ``starts``: where the passages of each of ``owners`` begin."""
    most = np.zeros(n_pages, np.float32)
    if len(starts):
        most[owners] = np.maximum.reduceat(values, starts)
    return most


def _best(passages: Passages, starts: Ints, owners: Ints, lead: Floats) -> tuple[Ints, Floats]:
    """Each page's most similar passage, the first of equals, and its similarity; the lead's where it has none."""
    best_row, best = np.zeros(len(lead), np.int64), lead.copy()
    owner, similarity = passages.owner, passages.similarity
    if len(starts):
        best[owners] = np.maximum.reduceat(similarity, starts)
        top = np.flatnonzero(similarity == best[owner])[::-1]  # backwards, so that the first of equals is written last
        best_row[owner[top]] = passages.rows[top]
    return best_row, best
