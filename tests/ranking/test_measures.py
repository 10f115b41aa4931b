"""The measures against values worked out by hand."""

from __future__ import annotations

import math

import pytest

from searchd.ranking.measures import auroc, hit, ndcg, paired_p, recall, reciprocal_rank

GRADES = {"a": 2, "b": 1, "c": 0}


def test_ndcg_weighs_grades_by_position() -> None:
    assert ndcg(["a", "b"], GRADES) == 1.0
    ideal = 2 + 1 / math.log2(3)
    assert ndcg(["b", "x", "a"], GRADES) == pytest.approx((1 + 2 / math.log2(4)) / ideal)
    assert ndcg(["c"], GRADES) == ndcg([], GRADES) == ndcg(["a"], {"a": 0}) == 0.0


def test_recall_hits_and_reciprocal_rank() -> None:
    assert recall(["x", "b"], GRADES, 1) == 0.0
    assert recall(["x", "b"], GRADES, 2) == 0.5
    assert reciprocal_rank(["c", "b", "a"], GRADES) == 0.5
    assert hit(["x", "b"], GRADES, 1) == 0.0
    assert hit(["x", "b"], GRADES, 3) == 1.0


def test_auroc_counts_ties_half() -> None:
    assert auroc([2.0, 3.0], [0.0, 1.0]) == 1.0
    assert auroc([1.0], [1.0, 0.0]) == 0.75
    assert math.isnan(auroc([], [1.0]))


def test_the_paired_test_tells_luck_from_difference() -> None:
    noise = [0.1, -0.1] * 20
    assert paired_p([0.5 + n for n in noise], [0.5] * 40) > 0.5
    assert paired_p([0.6] * 40, [0.5] * 40) < 0.01
    assert paired_p([1.0], [1.0]) == 1.0
