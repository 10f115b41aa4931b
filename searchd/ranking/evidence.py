"""What speaks for each candidate page, as arrays; one row per page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

BEST_OF = 3  # passages whose mean similarity is one piece of evidence


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

    best_row: its most similar passage. best, best_three, lead: similarities of that passage, mean of the best three,
    title and opening. passage_bm25 and passage_coverage: of the passage with most; page_bm25 (fields boosted) and
    page_coverage: of the page as a whole. passage_total, page_total: idf of all words of the query, over passages and
    over pages, words found nowhere included.
    """

    pages: Ints
    best_row: Ints
    best: Floats
    best_three: Floats
    lead: Floats
    passage_bm25: Floats
    passage_coverage: Floats
    page_bm25: Floats
    page_coverage: Floats
    lang: npt.NDArray[np.int32]
    background: Background
    passage_total: float
    page_total: float

    @classmethod
    def of(
        cls,
        pages: Ints,
        passages: Passages,
        lead: Floats,
        page_bm25: Floats,
        page_coverage: Floats,
        lang: npt.NDArray[np.int32],
        background: Background,
        totals: tuple[float, float],
    ) -> Evidence:
        """Reduce passages to their pages. A page without any passage is judged by its lead and its words."""
        best_row, best, best_three = _best(passages, lead)
        return cls(
            pages,
            best_row,
            best,
            best_three,
            lead,
            _most(passages.owner, passages.bm25, len(pages)),
            _most(passages.owner, passages.coverage, len(pages)),
            page_bm25,
            page_coverage,
            lang,
            background,
            *totals,
        )


def _most(owner: Ints, values: Floats, n_pages: int) -> Floats:
    """Largest value of each page, 0 where it has none; ``owner`` ascends."""
    most = np.zeros(n_pages, np.float32)
    if len(owner):
        starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
        most[owner[starts]] = np.maximum.reduceat(values, starts)
    return most


def _best(passages: Passages, lead: Floats) -> tuple[Ints, Floats, Floats]:
    """Each page's most similar passage, its similarity, and the mean of its best three (of as many as it has)."""
    best_row, best, mean = np.zeros(len(lead), np.int64), lead.copy(), lead.copy()
    owner = passages.owner
    if not len(owner):
        return best_row, best, mean
    order = np.lexsort((-passages.similarity, owner))
    ordered = passages.similarity[order]
    starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    place = np.arange(len(owner)) - np.repeat(starts, np.diff(np.r_[starts, len(owner)]))
    counted = place < BEST_OF
    sums = np.add.reduceat(np.where(counted, ordered, 0), starts)
    best_row[owner[starts]] = passages.rows[order[starts]]
    best[owner[starts]] = ordered[starts]
    mean[owner[starts]] = sums / np.add.reduceat(counted, starts)
    return best_row, best, mean
