"""What a question asks for."""

from __future__ import annotations

import pytest

from searchd.text.questions import Kind, holds, kind_of, points_back


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("When was the lighthouse built?", "time"),
        ("In welchem Jahr wurde der Leuchtturm gebaut?", "time"),
        ("How many steps does it have?", "number"),
        ("Wie viele Stufen hat er?", "number"),
        ("¿Cuántos escalones tiene?", "number"),
        ("Who built the lighthouse?", "person"),
        ("Wer hat ihn gebaut?", "person"),
        ("Where does the ferry leave?", "place"),
        ("Warum ist das Museum zu?", "reason"),
        ("What does a ticket cover?", "other"),
    ],
)
def test_cue_words_say_what_is_asked_for(question: str, kind: Kind) -> None:
    assert kind_of(question) == kind


@pytest.mark.parametrize(
    ("kind", "question", "yes", "no"),
    [
        ("number", "How many boats are there?", "There are 40 boats.", "There are many boats."),
        ("number", "Wie viele Boote?", "Es sind zwölf Boote.", "Es sind viele Boote."),
        ("number", "How many boats came in 1887?", "In 1887 came three.", "In 1887 boats came."),
        ("number", "How many boats came?", "There came 1,887 boats.", "Boats came in 1887."),
        ("number", "Wie viele kamen?", "Es kamen 2.024.", "2024 kamen viele."),
        ("time", "When was it built?", "It was built in 1887.", "It was built of brick."),
        ("person", "Who built it?", "It was built by Anna Berg.", "It was built by a mason."),
        ("place", "Where is it?", "It stands in Hamburg.", "It stands on a hill."),
        ("reason", "Why is it shut?", "It is shut because of rain.", "It is shut today."),
    ],
)
def test_a_sentence_holds_an_answer_only_if_it_names_something_new(
    kind: Kind, question: str, yes: str, no: str
) -> None:
    assert holds(kind, question, yes)
    assert not holds(kind, question, no)


def test_in_german_one_capital_makes_no_name() -> None:
    assert holds("person", "Who tends the lamp?", "The lamp is tended by Berg.", "en")
    assert not holds("person", "Wer pflegt die Lampe?", "Die Lampe pflegt ein Verein.", "de")
    assert holds("person", "Wer pflegt die Lampe?", "Die Lampe pflegt Anna Berg.", "de")


def test_a_sentence_that_begins_with_a_pronoun_points_back() -> None:
    assert points_back("It was built in 1887.", "en")
    assert points_back("Dieser wurde 1887 gebaut.", "de")
    assert not points_back("Italy is far.", "en")
    assert not points_back("It was built in 1887.", "xx")
