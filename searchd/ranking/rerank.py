"""The second stage: what a cross-encoder says of the first results, added to their scores as one more evidence.

A cross-encoder gives log odds, an absolute scale, so nothing is stretched: each page that was read gains its distance
to the least likely of them, and the pages that were not read stay behind without any comparison. One unit of score is
worth about one unit of log odds in ``searchd.ranking.confidence`` too, hence the default weight of 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from searchd.ranking.order import Ranking

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

NAME = "cross-encoder"


@dataclass(frozen=True, slots=True)
class Second:
    """One row per candidate; all 0 where it was not read. shares == normalised * weight.

    raw: log odds; normalised: log odds above those of the least likely page that was read.
    """

    read: npt.NDArray[np.bool_]
    raw: Floats
    normalised: Floats
    weight: float
    shares: Floats


def to_read(ranking: Ranking, pages: Ints, pinned: Sequence[int], top: int) -> Ints:
    """The first ``top`` results behind the pinned pages; ``pages``: the candidates' page numbers."""
    order = ranking.order
    return order[~np.isin(pages[order], pinned)][:top] if pinned else order[:top]


def judged(candidates: int, places: Ints, log_odds: Floats, weight: float) -> Second:
    """What the scores of the pages at these places add to the ranking; at least one was read."""
    read = np.zeros(candidates, np.bool_)
    raw, normalised = np.zeros(candidates, np.float32), np.zeros(candidates, np.float32)
    read[places], raw[places], normalised[places] = True, log_odds, log_odds - log_odds.min()
    return Second(read, raw, normalised, weight, normalised * np.float32(weight))


def rerank(ranking: Ranking, second: Second) -> Ranking:
    """Put the pages that were read in the order of their new scores, ties as they were; all others keep their place."""
    scores = ranking.scores + second.shares
    order = ranking.order.copy()
    slots = np.flatnonzero(second.read[order])
    order[slots] = order[slots][np.argsort(-scores[order[slots]], kind="stable")]
    return replace(ranking, order=order, scores=scores)
