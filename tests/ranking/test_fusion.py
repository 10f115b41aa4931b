"""Fusion, confidence and order on evidence made by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from searchd.errors import ConfigError
from searchd.index.probes import Strangeness
from searchd.ranking.confidence import confidence
from searchd.ranking.evidence import Background, Evidence
from searchd.ranking.fusion import Asked, Floats, Weights, fuse
from searchd.ranking.order import arrange, without_duplicates
from searchd.settings import RankingSettings


def column(*values: float) -> Floats:
    return np.array(values, np.float32)


def evidence(
    best: Floats, bm25: Floats, coverage: Floats, total: float = 10.0, links: Floats | None = None, lead: float = 1.0
) -> Evidence:
    n = len(best)
    pages = np.arange(n)
    lang = np.zeros(n, np.int32)
    links = np.zeros(n, np.float32) if links is None else links
    background = Background(0.1, 0.1)
    return Evidence(
        pages,
        pages,
        best,
        best * np.float32(lead),
        bm25,
        coverage,
        bm25,
        coverage,
        lang,
        links,
        background,
        total,
        total,
    )


def asked(n: int) -> Asked:
    return Asked(vectors=True, words=True, own=np.ones(n, np.bool_))


def test_words_that_the_site_lacks_silence_the_lexical_leg() -> None:
    similar, worded = column(0.6, 0.4), column(0.0, 2.0)
    known = fuse(evidence(similar, worded, column(0, 0.9), total=2.2), Weights(), asked(2)).scores
    unknown = fuse(evidence(similar, worded, column(0, 0.05), total=40.0), Weights(), asked(2)).scores
    assert known[1] > known[0]
    assert unknown[0] > unknown[1]


def test_a_leg_without_spread_does_not_change_the_order() -> None:
    similar = column(0.3, 0.5, 0.4)
    alone = fuse(evidence(similar, column(0, 0, 0), column(0, 0, 0)), Weights(), asked(3)).scores
    flat = fuse(evidence(similar, column(5, 5, 5), column(0.5, 0.5, 0.5)), Weights(), asked(3)).scores
    assert np.argsort(alone).tolist() == np.argsort(flat).tolist()


def test_a_translation_stands_right_behind_the_page_it_translates() -> None:
    found = evidence(column(0.60, 0.59, 0.35, 0.34), column(8, 0, 1, 0), column(0.9, 0, 0.2, 0))
    own = np.array([True, False, True, False])
    scores = fuse(found, Weights(), dataclasses.replace(asked(4), own=own)).scores
    assert np.argsort(-scores).tolist()[:2] == [0, 1]


def test_translations_take_turns_with_pages_in_the_visitors_language() -> None:
    similar = column(0.60, 0.50, 0.45, 0.59, 0.58, 0.57)
    found = evidence(similar, column(8, 5, 4, 0, 0, 0), column(0.9, 0.6, 0.5, 0, 0, 0))
    own = np.array([True] * 3 + [False] * 3)
    scores = fuse(found, Weights(), dataclasses.replace(asked(6), own=own)).scores
    assert np.argsort(-scores).tolist() == [0, 3, 1, 4, 2, 5]


def test_a_page_in_another_language_loses_nothing_by_holding_words() -> None:
    found = evidence(column(0.50, 0.55, 0.55), column(8, 0, 4), column(0.9, 0, 0.5))
    question = dataclasses.replace(asked(3), own=np.array([True, False, False]))
    scores = fuse(found, Weights(), question).scores
    assert scores[2] == pytest.approx(scores[1], abs=1e-4)
    scores = fuse(found, Weights(translation=0.1), question).scores
    assert scores[2] > scores[1]


def test_a_page_that_only_another_language_has_comes_first() -> None:
    found = evidence(column(0.35, 0.60, 0.34), column(3, 0, 2), column(0.4, 0, 0.3))
    own = np.array([True, False, True])
    scores = fuse(found, Weights(), dataclasses.replace(asked(3), own=own)).scores
    assert np.argmax(scores) == 1


def test_an_index_that_holds_every_word_stands_behind_the_page_that_answers() -> None:
    similar, worded, covered = column(0.42, 0.40), column(6.0, 6.0), column(0.9, 0.9)
    plain = fuse(evidence(similar, worded, covered, lead=0.7), Weights(), asked(2))
    made = fuse(evidence(similar, worded, covered, links=column(0.95, 0.05), lead=0.7), Weights(), asked(2))
    assert np.argmax(plain.scores) == 0
    assert np.argmax(made.scores) == 1
    np.testing.assert_allclose(made.shares.sum(axis=1), made.scores, rtol=1e-6)
    np.testing.assert_allclose(made.normalised * made.weights, made.shares, rtol=1e-6)


def test_an_index_that_is_asked_for_by_its_name_loses_nothing() -> None:
    links = column(0.95, 0.05)
    found = evidence(column(0.42, 0.40), column(6.0, 6.0), column(0.9, 0.9), links=links, lead=1.1)
    assert np.argmax(fuse(found, Weights(), asked(2)).scores) == 0


def test_a_page_with_more_text_of_its_own_than_links_loses_nothing() -> None:
    similar, worded, covered = column(0.42, 0.40), column(6.0, 2.0), column(0.9, 0.3)
    plain = fuse(evidence(similar, worded, covered, lead=0.7), Weights(), asked(2)).scores
    linked = fuse(evidence(similar, worded, covered, links=column(0.45, 0.1), lead=0.7), Weights(), asked(2)).scores
    assert linked.tolist() == plain.tolist()


def test_a_translation_stays_behind_a_page_in_the_visitors_language_that_lost_for_its_links() -> None:
    links = column(1.0, 0.0)
    found = evidence(column(0.60, 0.59), column(8, 0), column(0.9, 0), links=links, lead=0.7)
    scores = fuse(found, Weights(), dataclasses.replace(asked(2), own=np.array([True, False]))).scores
    assert scores[0] > scores[1]


def test_confidence_rises_with_similarity_and_with_words() -> None:
    strange = Strangeness(0.1, 0.05)
    values = confidence(evidence(column(0.2, 0.4, 0.4), column(0, 0, 9), column(0, 0, 0.9)), strange, asked(3), 4)
    assert values[0] < 0.1 < values[1] < values[2]
    assert values[2] > 0.9


def test_the_same_evidence_in_another_language_says_less_for_a_question_of_many_words() -> None:
    found, strange = evidence(column(0.25), column(3), column(0.4)), Strangeness(0.1, 0.05)
    own = [confidence(found, strange, asked(1), words)[0] for words in (1, 2, 6)]
    assert own[0] == own[1] == own[2]
    other = dataclasses.replace(asked(1), own=np.array([False]))
    values = [confidence(found, strange, other, words)[0] for words in (0, 1, 2, 3, 6, 12)]
    assert values[0] == values[1] == values[2] > values[3] > values[4] == values[5]


def test_a_page_that_holds_the_one_word_asked_for_is_an_answer_although_the_model_does_not_know_the_word() -> None:
    found, strange = evidence(column(-0.2, -0.2), column(3, 0), column(1, 0)), Strangeness(0.1, 0.05)
    least = RankingSettings().threshold
    one = confidence(found, strange, dataclasses.replace(asked(2), lone=True), 1)
    assert one[0] > least > one[1]
    assert confidence(found, strange, asked(2), 1)[0] < least  # typed "igel", taken for "nigel"


def test_the_few_pages_that_hold_a_lone_word_come_first_in_their_order() -> None:
    def order(*covered: float, lone: bool = True) -> list[int]:
        similar = column(0.9, 0.8, 0.2, 0.1, 0.15)
        found = fuse(
            evidence(similar, column(0, 0, 0, 0, 0), column(*covered)),
            Weights(),
            dataclasses.replace(asked(5), lone=lone),
        )
        assert np.allclose(found.shares, found.normalised * found.weights)
        return [int(place) for place in np.argsort(-found.scores)]

    assert order(0, 0, 0, 1, 1, lone=False) == [0, 1, 4, 3, 2]
    assert order(0, 0, 0, 1, 1) == [4, 3, 0, 1, 2]
    assert order(0, 0.9, 0, 1, 1) == [4, 3, 1, 0, 2]
    assert order(0, 0, 0, 0.9, 0.9) == order(0, 0, 0, 0.9, 0.9, lone=False)  # parts of a compound


def test_a_lone_word_that_many_pages_hold_is_no_name() -> None:
    similar, covered = np.linspace(0.9, 0.1, 8, dtype=np.float32), column(0, 0, 1, 1, 1, 1, 1, 1)
    found = evidence(similar, column(*[0.0] * 8), covered)
    usual, lone = (
        fuse(found, Weights(), dataclasses.replace(asked(8), lone=lone)).scores.tolist() for lone in (False, True)
    )
    assert usual == lone


def test_unknown_weights_are_refused() -> None:
    assert Weights.of({"lead": 2.0}).lead == 2.0
    with pytest.raises(ConfigError, match="lede"):
        Weights.of({"lede": 1.0})


def test_equal_scores_are_ordered_by_page_and_nothing_above_the_threshold_is_nothing() -> None:
    pages = np.array([3, 5, 9])
    ranking = arrange(pages, column(1, 1, 2), column(0.9, 0.9, 0.9), 0.5)
    assert pages[ranking.order].tolist() == [9, 3, 5]
    nothing = arrange(pages, column(1, 1, 2), column(0.1, 0.2, 0.3), 0.5)
    assert nothing.nothing_relevant
    assert nothing.total == 0
    assert len(nothing.order) == 3
    some = arrange(pages, column(1, 1, 2), column(0.05, 0.9, 0.05), 0.5, pinned=[3])
    assert pages[some.order].tolist() == [3, 5]


def test_a_chain_of_duplicates_keeps_its_first_page_only() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1], [1, 0]], np.float32)
    ranking = arrange(np.arange(4), column(4, 3, 2, 1), column(1, 1, 1, 1), 0.5)
    kept = without_duplicates(ranking, vectors, lambda at: vectors[at], np.zeros(4, np.int32))
    assert kept.order.tolist() == [0, 2]
    assert kept.total == 2
    other = without_duplicates(ranking, vectors, lambda at: vectors[at], np.array([0, 1, 0, 0], np.int32))
    assert other.order.tolist() == [0, 1, 2]
