"""How likely it is that a page answers the query: from absolute evidence only, never from its place in the list.

Logistic regression (Platt 1999) on two things: how far the best passage's similarity lies above that of questions which
this site cannot answer (``searchd.index.probes``), and which share of the query's idf the passage covers. Fitted on
questions put to their own site and to foreign ones, sites weighing alike. What a long question has in common with pages
in another language is worth less than the same of two words, which are similar to little even where they are answered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchd.index.probes import Strangeness, excess
from searchd.ranking.evidence import Evidence
from searchd.ranking.fusion import Asked

Floats = npt.NDArray[np.float32]
_FEW, _MANY = 2, 6  # words; one says no more than two, seven no more than six


@dataclass(frozen=True, slots=True)
class Calibration:
    """logit = intercept + similarity * above + coverage * covered + length * L.

    above: deviations above strange questions. covered: share of the idf. L: ln(words / 2), words taken as 2 to 6.
    """

    intercept: float
    similarity: float
    coverage: float
    length: float = 0.0


BOTH = Calibration(-4.5, 1.1, 5.2)  # page in the language of the question
ACROSS = Calibration(-0.9, 0.75, 8.0, -0.6)  # page in another one: it holds its names at most
VECTORS = Calibration(-2.65, 1.27, 0.0)
WORDS = Calibration(-3.0, 0.0, 6.5)
NAMED = 0.1  # at least, for a page that holds the one word asked for: a model knows few names and abbreviations


def confidence(evidence: Evidence, strange: Strangeness, asked: Asked, words: int) -> Floats:
    """(n,) float32 probabilities, one per candidate; ``strange`` for the language asked in.

    words: how many of the query's words say something; stop words do not.
    """
    length = math.log(min(max(words, _FEW), _MANY) / _FEW)
    above = (excess(evidence.best, evidence.background.mean) - strange.median) / strange.deviation
    covered = np.maximum(evidence.passage_coverage, evidence.page_coverage * np.float32(0.75))
    if not (asked.vectors and asked.words):
        return _probability(VECTORS if asked.vectors else WORDS, above, covered, length)
    both, across = (_probability(calibration, above, covered, length) for calibration in (BOTH, ACROSS))
    found = np.where(asked.own, both, across)
    return np.where(evidence.whole, np.maximum(found, np.float32(NAMED)), found) if asked.lone else found


def _probability(calibration: Calibration, above: Floats, covered: Floats, length: float) -> Floats:
    intercept = np.float32(calibration.intercept + calibration.length * length)
    logit = intercept + calibration.similarity * above + calibration.coverage * covered
    return np.asarray(1 / (1 + np.exp(-logit)), dtype=np.float32)
