"""Word lists read by compiled code and by NumPy: the same documents and scores, to the last bit."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from searchd.compiled.build import library_or_none
from searchd.index.lexical_postings import Alternative, Group, Postings, Word
from searchd.index.lists import LISTS

N_DOCS = 20_000  # more than two blocks of the compiled code
needs_compiler = pytest.mark.skipif(library_or_none(LISTS) is None, reason="there is no C compiler")


def random_postings(folder: Path, seed: int) -> Postings:
    """Lists of all lengths, with many equal saturations, so that scores tie."""
    rng = np.random.default_rng(seed)
    lengths = [0, 1, 2, N_DOCS, N_DOCS // 2, *rng.integers(1, 300, 12), *rng.integers(300, N_DOCS, 8)]
    lists = [np.sort(rng.choice(N_DOCS, length, replace=False)).astype(np.int32) for length in lengths]
    starts = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    saturations = (rng.integers(1, 12, starts[-1]) * 4000).astype(np.uint16)
    Postings.save(folder, "docs", starts, np.concatenate(lists), saturations)
    return Postings(folder, "docs", N_DOCS, 1.2)


def random_words(postings: Postings, rng: random.Random) -> list[Word]:
    def group() -> Group:
        terms = rng.sample(range(25), rng.choice((1, 1, 2, 4)))
        alternatives = tuple(Alternative(term, rng.choice((1.0, 0.8, 0.6))) for term in terms)
        return Group(alternatives, rng.choice((1.0, 0.2)))

    return postings.look_up([group() for _ in range(rng.randint(0, 6))])


@needs_compiler
@pytest.mark.parametrize("seed", range(3))
def test_both_find_the_same(tmp_path: Path, seed: int) -> None:
    postings, rng = random_postings(tmp_path, seed), random.Random(seed)
    compiled = postings.compiled
    assert compiled is not None
    for number in range(60):
        words = random_words(postings, rng)
        draw = np.random.default_rng(number)
        allowed = None if number % 2 else draw.random(N_DOCS) < rng.choice((0.001, 0.5))
        k = rng.choice((1, 7, 64, 300, 2 * N_DOCS))
        docs = draw.choice(N_DOCS, rng.choice((1, 100, 3000)), replace=False)
        docs = np.sort(docs) if number % 3 else docs
        worth = draw.random(len(words), np.float32)
        postings.compiled = compiled
        found, scores = postings.best(words, k, allowed)
        values = postings.scores(words, worth, docs)
        postings.compiled = None
        expected, expected_scores = postings.best(words, k, allowed)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(scores, expected_scores)
        np.testing.assert_array_equal(values, postings.scores(words, worth, docs))


@needs_compiler
def test_documents_that_cannot_be_are_left_out(tmp_path: Path) -> None:
    docs = np.array([5, 9, N_DOCS + 7, 2**31 - 1, -3, 4], np.int32)  # of a damaged file
    Postings.save(tmp_path, "docs", np.array([0, 4, 6]), docs, np.full(6, 9000, np.uint16))
    postings = Postings(tmp_path, "docs", N_DOCS, 1.2)
    assert postings.compiled is not None
    one, both = Group((Alternative(0, 1.0),), 1.0), Group((Alternative(0, 1.0), Alternative(1, 1.0)), 1.0)
    assert postings.best(postings.look_up([one]), 10)[0].tolist() == [5, 9]
    assert set(postings.best(postings.look_up([both]), 10)[0].tolist()) == {4, 5, 9}


@pytest.fixture
def _nothing_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    library_or_none.cache_clear()
    yield
    library_or_none.cache_clear()


@pytest.mark.usefixtures("_nothing_compiled")
def test_without_a_compiler_numpy_computes_and_the_log_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with caplog.at_level(logging.INFO):
        postings = random_postings(tmp_path, 1)
        assert random_postings(tmp_path, 1).compiled is None
    assert postings.compiled is None
    assert caplog.text.count("the code for word lists is not used") == 1
    assert "no-such-compiler" in caplog.text
    assert len(postings.best(postings.look_up([Group((Alternative(4, 1.0),), 1.0)]), 10)[0]) == 10
