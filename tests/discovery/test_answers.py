"""Sentences that answer questions."""

from __future__ import annotations

import pytest

from searchd.answers import answer
from searchd.engine import Engine
from searchd.query import AnswerSentence, Query


def asked(engine: Engine, question: str, threshold: float = 0.0, limit: int = 3) -> tuple[AnswerSentence, ...]:
    return answer(engine.rank(Query(question)), engine.index, engine.encoder, limit, threshold)


@pytest.mark.parametrize(
    ("question", "holds"),
    [
        ("When was the lighthouse built?", "1887"),
        ("How many steps lead to the gallery of the lighthouse?", "162"),
        ("Who lived in the tower of the lighthouse?", "Anna Berg"),
        ("How many minutes does a crossing by ferry take?", "40 minutes"),
        ("Why are bicycles free on the ferry?", "because"),
        ("How many steps must I climb?", "162"),
        ("What does a night at the guest jetty cost?", "twelve euros"),
        ("In welchem Jahr wurde der Leuchtturm gebaut?", "1887"),
        ("Wie viele Stufen führen auf die Galerie des Leuchtturms?", "162"),
    ],
)
def test_the_first_sentence_holds_the_answer(engine: Engine, question: str, holds: str) -> None:
    assert holds in asked(engine, question)[0].text


def test_answers_are_verbatim_and_lead_to_their_place(engine: Engine) -> None:
    for found in asked(engine, "Who collects the mooring fees?"):
        page = engine.page(found.page)
        rows = range(page.first_row, page.first_row + page.n_passages)
        assert any(found.text in passage.text for passage in engine.index.pages.passages(rows))
        assert (found.url, found.title, found.anchor) == (page.url, page.title, "top")


def test_confidence_falls_and_the_threshold_is_kept(engine: Engine) -> None:
    found = asked(engine, "When was the lighthouse built?")
    sure = [one.confidence for one in found]
    assert sure == sorted(sure, reverse=True)
    assert all(0 <= one <= 1 for one in sure)
    assert [one.text for one in asked(engine, "When was the lighthouse built?", sure[0])] == [found[0].text]
    assert asked(engine, "When was the lighthouse built?", 1.0) == ()


def test_a_question_the_site_cannot_answer_gets_no_sentence(engine: Engine) -> None:
    sure = asked(engine, "When was the lighthouse built?")[0].confidence
    for question in ("Who won the football world cup?", "How do I install a graphics driver?"):
        assert all(one.confidence < 0.5 * sure for one in asked(engine, question))
        assert asked(engine, question, engine.settings.answer_threshold) == ()


def test_the_same_sentence_is_not_shown_twice(engine: Engine) -> None:
    texts = [one.text for one in asked(engine, "How many steps lead to the gallery of the lighthouse?", limit=10)]
    assert len(texts) == len(set(texts))
    assert asked(engine, "How many steps?", limit=0) == ()


def test_what_only_repeats_the_question_is_no_answer(engine: Engine) -> None:
    said = "Beacons, buoys and the lighthouse guide ships into the harbour at night"
    texts = [one.text for one in asked(engine, said, limit=10)]
    assert texts
    assert not any(text.startswith(said) for text in texts)
    assert any(one.text.startswith(said) for one in asked(engine, "What guides ships into the harbour?", limit=10))


def test_the_verb_decides_between_sentences_about_the_same_thing(engine: Engine) -> None:
    assert "leaves the eastern pier" in asked(engine, "When does the ferry to the island leave?")[0].text
    assert "162 steps" in asked(engine, "What do visitors of the lighthouse climb?")[0].text
    assert "automated" in asked(engine, "What was automated at the lighthouse?")[0].text


def test_a_sentence_that_points_back_brings_what_it_points_at(engine: Engine) -> None:
    found = asked(engine, "How many nautical miles is the lamp of the lighthouse seen?")[0]
    assert found.text.startswith("The lighthouse on the northern mole")
    assert found.text.endswith("Its lamp is seen for 19 nautical miles.")
