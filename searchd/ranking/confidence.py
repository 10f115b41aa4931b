"""How likely it is that a page answers the query: from absolute evidence only, never from its place in the list."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchd.ranking.fusion import Fused

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logistic regression of relevance on the evidence, fitted over answerable and foreign questions of many sites."""

    intercept: float = -6.0
    score: float = 1.0


def confidence(fused: Fused, calibration: Calibration) -> Floats:
    """(n,) float32 probabilities, one per candidate."""
    logit = calibration.intercept + calibration.score * fused.scores
    return np.asarray(1 / (1 + np.exp(-logit)), dtype=np.float32)
