"""Vector search: each layout against brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from searchd.errors import SnapshotError
from searchd.index import dense_build
from searchd.index.dense import IN_FOUR_BITS, LAYOUTS, DenseIndex, Layout
from searchd.index.stores import Floats


def unit(n: int, dim: int = 32, seed: int = 0) -> Floats:
    """Vectors in loose clusters, as texts' are."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((40, dim))
    found = centres[random.integers(0, 40, n)] + 0.7 * random.standard_normal((n, dim))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), dtype=np.float32)


def written(path: Path, vectors: Floats, layout: Layout) -> DenseIndex:
    dense_build.write(path, vectors, layout, budget_ms=1.0, recall=0.95)
    return DenseIndex.open(path)


@pytest.mark.parametrize(("layout", "least"), [("flat", 1.0), ("sq8", 0.9), ("pq", 0.9), ("ivf", 0.9), ("hnsw", 0.85)])
def test_every_layout_finds_what_brute_force_finds(tmp_path: Path, layout: Layout, least: float) -> None:
    vectors = unit(3000, dim=256)
    index = written(tmp_path / "v", vectors, layout)
    found = []
    for query in unit(30, dim=256, seed=1):
        exact = np.argsort(-(vectors @ query), kind="stable")[:10]
        rows, similarities = index.search(query, 10)
        assert np.all(np.diff(similarities) <= 0)
        found.append(len(np.intersect1d(rows, exact)) / 10)
    assert index.layout == layout
    assert np.mean(found) >= least


@pytest.mark.parametrize("layout", LAYOUTS)
def test_similarities_of_chosen_rows_are_those_of_the_search(tmp_path: Path, layout: Layout) -> None:
    index = written(tmp_path / "v", unit(2500), layout)
    query = unit(1, seed=2)[0]
    rows, similarities = index.search(query, 20)
    np.testing.assert_allclose(index.similarities(query, rows), similarities, atol=2e-6)
    np.testing.assert_allclose(index.vectors(rows) @ query, similarities, atol=2e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("share", [0.01, 0.2, 0.9])
def test_a_mask_leaves_only_its_rows_and_loses_none_of_them(tmp_path: Path, layout: Layout, share: float) -> None:
    vectors = unit(4000)
    index = written(tmp_path / "v", vectors, layout)
    allowed = np.random.default_rng(3).random(len(vectors)) < share
    query = unit(1, seed=4)[0]
    rows, _ = index.search(query, 10, allowed)
    assert allowed[rows].all()
    exact = np.flatnonzero(allowed)[np.argsort(-(vectors[allowed] @ query))[:10]]
    assert len(np.intersect1d(rows, exact)) >= 8


@pytest.mark.parametrize("layout", ["flat", "sq8"])
def test_equal_rows_are_equally_similar_wherever_they_stand(tmp_path: Path, layout: Layout) -> None:
    vectors = unit(60, dim=384)
    vectors[::7] = vectors[3]
    index = written(tmp_path / "v", vectors, layout)
    for query in unit(20, dim=384, seed=5):
        for rows in range(1, 61):
            found = index.similarities(query, np.arange(rows))
            assert len(np.unique(found[::7])) == 1


def test_equal_vectors_give_equal_bytes(tmp_path: Path) -> None:
    for layout in LAYOUTS:
        for name in "ab":
            dense_build.write(tmp_path / name, unit(2200), layout, 1.0, 0.9)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_auto_stays_exact_while_that_is_cheap_and_leaves_it_when_not(tmp_path: Path) -> None:
    assert dense_build.write(tmp_path / "v", unit(1000), "auto", 0.0, 0.95).layout == "flat"
    many = unit(dense_build.NEVER_MEASURED + 1, dim=256)
    report = dense_build.write(tmp_path / "v", many, "auto", 0.0, 0.8)  # nothing is cheap enough: the cheapest
    assert report.layout in ("pq", "ivf", "hnsw")  # far cheaper than a scan
    assert report.recall_at_10 >= 0.8
    assert dense_build.write(tmp_path / "v", many, "auto", 1e9, 0.8).layout == "flat"


def test_a_graph_is_searched_no_wider_than_helps(tmp_path: Path) -> None:
    report = dense_build.write(tmp_path / "v", unit(3000, dim=8), "hnsw", 1.0, recall=1.1)  # more than there is
    assert 0.95 < report.recall_at_10 < 1.0  # eight bits cost that much, at any breadth
    assert report.breadth == dense_build.EF_STEPS[0]


def test_codes_of_four_bits_name_as_many_rows_as_the_recall_needs(tmp_path: Path) -> None:
    little = dense_build.write(tmp_path / "v", unit(9000, dim=16), "pq", 1.0, recall=0.5)
    much = dense_build.write(tmp_path / "v", unit(9000, dim=16), "pq", 1.0, recall=0.97)
    assert little.breadth == dense_build.RESCORED[0] < much.breadth
    assert little.recall_at_10 < much.recall_at_10


def test_as_many_lists_are_read_as_the_recall_needs(tmp_path: Path) -> None:
    little = dense_build.write(tmp_path / "v", unit(9000, dim=64), "ivf", 1.0, recall=0.3)
    much = dense_build.write(tmp_path / "v", unit(9000, dim=64), "ivf", 1.0, recall=0.95)
    assert little.breadth < much.breadth
    assert little.recall_at_10 < 0.95 <= much.recall_at_10


@pytest.mark.parametrize("layout", IN_FOUR_BITS)
def test_a_filter_whose_rows_are_all_far_from_the_question_still_finds_them(tmp_path: Path, layout: Layout) -> None:
    vectors = unit(9000)
    query = unit(1, seed=4)[0]
    similarities = vectors @ query
    allowed = np.asarray(similarities < np.sort(similarities)[3000])  # none is among the first that the codes name
    rows, found = written(tmp_path / "v", vectors, layout).search(query, 10, allowed)
    assert allowed[rows].all()
    np.testing.assert_allclose(found, np.sort(similarities[allowed])[::-1][:10], atol=0.02)


def test_too_few_vectors_to_learn_codes_from_stay_exact(tmp_path: Path) -> None:
    for layout in IN_FOUR_BITS:
        assert dense_build.write(tmp_path / "v", unit(dense_build.LEAST_LEARNT - 1), layout, 1.0, 0.9).layout == "flat"


def test_fewer_vectors_than_asked_for_and_none_at_all(tmp_path: Path) -> None:
    rows, _ = written(tmp_path / "v", unit(3), "flat").search(unit(1)[0], 10)
    assert sorted(rows.tolist()) == [0, 1, 2]
    rows, similarities = written(tmp_path / "w", np.empty((0, 32), np.float32), "flat").search(unit(1)[0], 10)
    assert len(rows) == len(similarities) == 0


def test_a_file_that_is_no_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(b"no index at all, but long enough to have a header")
    with pytest.raises(SnapshotError, match="no vector index"):
        DenseIndex.open(tmp_path / "v")
