"""Evidence in, scores out: a weighted sum whose terms are comparable from query to query and from site to site.

Every piece of evidence is brought to a scale of its own *meaning*, not to the spread of one result list:

* a similarity counts as standard deviations above what the query has with passages picked at random, so models with
  narrow and with wide cosines meet on one scale;
* a BM25 score counts as a share of what a page holding every word of the query once would get, words that the site
  lacks included. A German question over English pages shares a few names with them at most, so the words fall silent by
  themselves; a question in the site's own terms speaks up.

So a leg that knows nothing is flat and cannot vote, and no list is stretched to fill 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from searchd.errors import ConfigError
from searchd.ranking.evidence import Evidence

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Weights:
    """What one unit of each piece of evidence adds to the score. Defaults: fitted over all development sets at once."""

    best: float = 1.0
    best_three: float = 0.25
    lead: float = 0.25
    passage_bm25: float = 2.0
    page_bm25: float = 1.0
    language: float = 1.0

    @classmethod
    def of(cls, overrides: Mapping[str, float]) -> Weights:
        """The defaults with some weights replaced; ConfigError for a name that is none of them."""
        known = {field.name for field in fields(cls)}
        for name in overrides:
            if name not in known:
                raise ConfigError(f"ranking.weights knows no {name!r}", f"known: {', '.join(sorted(known))}")
        return replace(cls(), **overrides)


NAMES = ("passage vector", "three passages", "lead vector", "passage BM25", "page BM25", "language")


@dataclass(frozen=True, slots=True)
class Fused:
    """One row per candidate, one column per name in ``NAMES``; ``scores`` are the rows' sums of ``shares``.

    shares == normalised * weights.
    """

    raw: Floats
    normalised: Floats
    weights: Floats  # (len(NAMES),)
    shares: Floats
    scores: Floats


def fuse(evidence: Evidence, weights: Weights, *, vectors: bool, words: bool, lang: int) -> Fused:
    """Score the candidates. vectors, words: which legs were asked; lang: code of the language asked in, -1 = unknown."""
    similarity = np.stack([evidence.best, evidence.best_three, evidence.lead])
    above = (similarity - evidence.background.mean) / evidence.background.deviation
    bm25 = np.stack([evidence.passage_bm25, evidence.page_bm25])
    totals = np.array([[evidence.passage_total], [evidence.page_total]], np.float32)
    same = (evidence.lang == lang).astype(np.float32)
    raw = np.vstack([similarity, bm25, same]).T
    normalised = np.vstack([above, bm25 / np.maximum(totals, 1e-6), same]).T
    factors = _factors(weights, vectors=vectors, words=words)
    shares = (normalised * factors).astype(np.float32)
    return Fused(raw, normalised.astype(np.float32), factors, shares, shares.sum(axis=1))


def _factors(weights: Weights, *, vectors: bool, words: bool) -> Floats:
    """A leg that was not asked has weight 0."""
    dense = (weights.best, weights.best_three, weights.lead)
    lexical = (weights.passage_bm25, weights.page_bm25)
    return np.array(
        [*(w if vectors else 0.0 for w in dense), *(w if words else 0.0 for w in lexical), weights.language], np.float32
    )
