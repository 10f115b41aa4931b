"""Measures of a ranking, defined as trec_eval defines them, and a paired test between two rankings.

A ranking is a list of ids, best first, each once; judgements map ids to grades, and a grade above 0 is relevant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

Grades = Mapping[str, int]


def ndcg(ranking: Sequence[str], grades: Grades, depth: int = 10) -> float:
    """Normalised discounted cumulative gain, gain = grade (Järvelin & Kekäläinen 2002); 0 when nothing is relevant."""
    ideal = _dcg(sorted((g for g in grades.values() if g > 0), reverse=True)[:depth])
    return _dcg([max(0, grades.get(name, 0)) for name in ranking[:depth]]) / ideal if ideal else 0.0


def recall(ranking: Sequence[str], grades: Grades, depth: int) -> float:
    """Share of the relevant ids among the first ``depth``."""
    relevant = {name for name, grade in grades.items() if grade > 0}
    return len(relevant.intersection(ranking[:depth])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], grades: Grades) -> float:
    """1 / position of the first relevant id; 0 when there is none."""
    for position, name in enumerate(ranking, start=1):
        if grades.get(name, 0) > 0:
            return 1.0 / position
    return 0.0


def hit(ranking: Sequence[str], grades: Grades, depth: int) -> float:
    """1 when a relevant id is among the first ``depth``."""
    return float(any(grades.get(name, 0) > 0 for name in ranking[:depth]))


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Probability that a positive scores above a negative, ties counting half (Mann-Whitney)."""
    if not len(positive) or not len(negative):
        return math.nan
    ordered = np.sort(np.asarray(negative, dtype=np.float64))
    below = np.searchsorted(ordered, positive, side="left")
    upto = np.searchsorted(ordered, positive, side="right")
    return float((below + upto).mean() / 2 / len(ordered))


def paired_p(first: Sequence[float], second: Sequence[float], rounds: int = 10_000) -> float:
    """Two-sided p of a paired randomisation test (Smucker et al. 2007): signs of the differences flipped at random.

    Seeded, so the same figures give the same p.
    """
    differences = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    observed = abs(differences.sum()) - 1e-12
    random = np.random.default_rng(20_260)
    extreme = 0
    for _ in range(rounds // 500):
        signs = random.integers(0, 2, size=(500, len(differences))) * 2 - 1
        extreme += int((np.abs(signs @ differences) >= observed).sum())
    return (extreme + 1) / (rounds // 500 * 500 + 1)


def _dcg(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(position + 1) for position, gain in enumerate(gains, start=1))
