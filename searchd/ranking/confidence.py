"""How likely it is that a page answers the query: from absolute evidence only, never from its place in the list.

Logistic regression (Platt 1999) on two things: how far the best passage's similarity lies above that of questions which
this site cannot answer (``searchd.index.probes``), and which share of the query's idf the passage covers. Fitted on
questions put to their own site and to foreign ones, sites weighing alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchd.index.probes import Strangeness, excess
from searchd.ranking.evidence import Evidence
from searchd.ranking.fusion import Asked

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Calibration:
    """logit = intercept + similarity * (deviations above strange questions) + coverage * (share of idf covered)."""

    intercept: float
    similarity: float
    coverage: float


BOTH = Calibration(-4.5, 1.1, 5.2)  # page in the language of the question
ACROSS = Calibration(-0.9, 0.75, 8.0)  # page in another one: it holds its names at most
VECTORS = Calibration(-2.65, 1.27, 0.0)
WORDS = Calibration(-3.0, 0.0, 6.5)


def confidence(evidence: Evidence, strange: Strangeness, asked: Asked) -> Floats:
    """(n,) float32 probabilities, one per candidate; ``strange`` for the language asked in."""
    above = (excess(evidence.best, evidence.background.mean) - strange.median) / strange.deviation
    covered = np.maximum(evidence.passage_coverage, evidence.page_coverage * np.float32(0.75))
    if not (asked.vectors and asked.words):
        return _probability(VECTORS if asked.vectors else WORDS, above, covered)
    return np.where(asked.own, _probability(BOTH, above, covered), _probability(ACROSS, above, covered))


def _probability(calibration: Calibration, above: Floats, covered: Floats) -> Floats:
    logit = calibration.intercept + calibration.similarity * above + calibration.coverage * covered
    return np.asarray(1 / (1 + np.exp(-logit)), dtype=np.float32)
