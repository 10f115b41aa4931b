"""Fusion weights learned from a site's golden questions, shrunk towards the defaults, kept only if they win.

Coordinate search over powers of two around the defaults; the objective is mean nDCG@10 minus a price for leaving them.
Cross-validation decides: on questions that took no part in the learning, the tuned weights must beat the defaults.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from indexer.golden import DEPTH, Question, resolved
from searchd.engine import Engine
from searchd.errors import ConfigError
from searchd.index.pages import url_path
from searchd.query import Query
from searchd.ranking.measures import ndcg, paired_p

Floats = npt.NDArray[np.float32]

STEPS = (-1.0, -0.5, 0.5, 1.0)  # of the binary logarithm of a weight
ROUNDS = 3
PRICE = 0.004  # nDCG that a weight must earn to be doubled or halved
FOLDS = 5
LEAST = 20  # questions; fewer teach nothing
_SURE = 0.2  # p of the paired test above which a gain is luck


@dataclass(frozen=True, slots=True)
class Tuned:
    """What was learned. before, after: mean nDCG@10 on held-out questions; ``kept``: whether to use ``weights``."""

    weights: dict[str, float]
    before: float
    after: float
    p: float
    kept: bool

    def as_toml(self) -> str:
        """The line for ``[ranking]`` in config.toml."""
        return "weights = {" + ", ".join(f"{name} = {value:g}" for name, value in self.weights.items()) + "}"


@dataclass(frozen=True, slots=True)
class _Case:
    """A question's candidates: evidence (n, weights) as the default weights see it, and the pages' paths."""

    shares: Floats
    paths: tuple[str, ...]
    question: Question


def tune(engine: Engine, questions: Sequence[Question]) -> Tuned:
    """Learn from answerable questions. Raises ConfigError when there are fewer than ``LEAST``."""
    cases = [_case(engine, question) for question in resolved(engine, questions) if question.grades]
    if len(cases) < LEAST:
        raise ConfigError(f"{len(cases)} answerable questions are too few to learn from", f"give {LEAST} or more")
    start = np.zeros(len(_NAMES))
    before, after = [], []
    for fold in range(FOLDS):
        held_out = cases[fold::FOLDS]
        learned = _learn([case for number, case in enumerate(cases) if number % FOLDS != fold])
        before += [_ndcg(case, start) for case in held_out]
        after += [_ndcg(case, learned) for case in held_out]
    p = paired_p(after, before)
    gain = statistics.fmean(after) - statistics.fmean(before)
    final = _learn(cases)
    defaults = asdict(engine.weights)
    weights = {
        name: round(defaults[name] * float(2**power), 3) for name, power in zip(_NAMES, final, strict=True) if power
    }
    kept = bool(weights) and gain > 0 and p < _SURE
    return Tuned(weights, statistics.fmean(before), statistics.fmean(after), p, kept)


_NAMES = ("best", "lead", "passage_bm25", "page_bm25", "coverage", "translation", "links")


def _case(engine: Engine, question: Question) -> _Case:
    ranked = engine.rank(Query(question.text, limit=DEPTH, lang=question.lang))
    pages = ranked.candidates.evidence.pages
    paths = tuple(url_path(engine.page(int(page)).url) for page in pages)
    return _Case(ranked.fused.shares, paths, question)


def _learn(cases: Sequence[_Case]) -> npt.NDArray[np.float64]:
    """Binary logarithms of the factors to the default weights."""
    powers = np.zeros(len(_NAMES))
    best = _objective(cases, powers)
    for _ in range(ROUNDS):
        for at in range(len(powers)):
            for step in STEPS:
                trial = powers.copy()
                trial[at] = np.clip(trial[at] + step, -2, 2)
                if (found := _objective(cases, trial)) > best + 1e-9:
                    powers, best = trial, found
    return powers


def _objective(cases: Sequence[_Case], powers: npt.NDArray[np.float64]) -> float:
    return statistics.fmean(_ndcg(case, powers) for case in cases) - PRICE * float(np.abs(powers).sum())


def _ndcg(case: _Case, powers: npt.NDArray[np.float64]) -> float:
    scores = case.shares @ np.exp2(powers)
    order = np.argsort(-scores, kind="stable")[:DEPTH]
    return ndcg([case.paths[place] for place in order], case.question.grades, DEPTH)
