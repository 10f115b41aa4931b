"""Scores in, an order of pages out: the owner's wishes, near-duplicates, the visitor's sort, what is no answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

DUPLICATE = 0.995  # cosine of both best passage and lead from which two pages tell a reader the same
COMPANY = 0.2  # share of the threshold that suffices beside a page that reaches it
COMPARED = 48  # first results that are compared with each other


@dataclass(frozen=True, slots=True)
class Ranking:
    """Positions among the candidates, best first.

    order: what is shown, page by page. matching: candidates that count as answers: one reaches the threshold (or is
    pinned), the others come near enough. nothing_relevant: none does, and ``order`` holds the nearest pages only.
    """

    order: Ints
    matching: Ints
    scores: Floats
    confidence: Floats
    nothing_relevant: bool

    @property
    def total(self) -> int:
        """Number of pages that match."""
        return len(self.matching)


def arrange(
    pages: Ints,
    scores: Floats,
    confidence: Floats,
    threshold: float,
    *,
    pinned: Sequence[int] = (),
    eligible: npt.NDArray[np.bool_] | None = None,
    day: npt.NDArray[np.int32] | None = None,
) -> Ranking:
    """Order candidates by score, ties by page number; pinned pages come first, in the owner's order.

    eligible: candidates that may be shown at all; day: sort the matching pages by it, newest first.
    """
    top = _places(pages, pinned)
    order = np.lexsort((pages, -scores))
    if eligible is not None:
        order = order[eligible[order]]
    order = order[~np.isin(order, top)] if len(top) else order
    nothing = not len(top) and not (confidence[order] >= threshold).any()
    least = np.inf if nothing else threshold * COMPANY
    matching = np.concatenate([top, order[confidence[order] >= least]])
    if day is not None:
        matching = matching[np.lexsort((pages[matching], -scores[matching], -day[matching]))]
    return Ranking(order if nothing else matching, matching, scores, confidence, nothing)


def _places(pages: Ints, wanted: Sequence[int]) -> Ints:
    """Where these pages stand among the candidates, in the order wanted; absent ones are left out."""
    if not wanted:
        return np.empty(0, np.int64)
    at = {int(page): place for place, page in enumerate(pages)}
    return np.array([at[page] for page in wanted if page in at], dtype=np.int64)


def without_duplicates(
    ranking: Ranking, best: Floats, lead: Callable[[Ints], Floats], lang: npt.NDArray[np.int32]
) -> Ranking:
    """Keep the better of two pages that say the same in the same language.

    best: vectors of the first ``COMPARED`` results' best passages, (n, dim) float32; lang: their languages, (n,).
    lead: gives the vectors of the leads at some places among them, (places, dim) float32.
    """
    earlier, later = np.nonzero(best @ best.T >= DUPLICATE)
    pairs = np.flatnonzero((earlier < later) & (lang[earlier] == lang[later]))
    if not len(pairs):
        return ranking
    earlier, later = earlier[pairs], later[pairs]
    same = np.flatnonzero((lead(earlier) * lead(later)).sum(axis=1) >= DUPLICATE)
    gone: set[int] = set()
    for first, second in zip(earlier[same].tolist(), later[same].tolist(), strict=True):
        if first not in gone:  # pairs ascend, so a page's own fate is known
            gone.add(second)
    if not gone:
        return ranking
    dropped = ranking.order[sorted(gone)]
    kept = ranking.matching[~np.isin(ranking.matching, dropped)]
    order = ranking.order[~np.isin(ranking.order, dropped)]
    return Ranking(order, kept, ranking.scores, ranking.confidence, ranking.nothing_relevant)
