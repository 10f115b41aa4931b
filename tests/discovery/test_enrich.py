"""Summaries and automatic tags."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.summaries import rouge
from searchd.encoder import Encoder
from searchd.engine import Engine
from searchd.index.enrich import EnrichPage, enrich
from searchd.index.keyphrases import candidates
from searchd.index.summaries import Sentence, choose, is_prose

LONG = (
    (
        "Herring fishing made the town rich. For three centuries the boats sailed out at dusk to catch herring with "
        "drift nets. The herring were salted in barrels on the quay. Merchants sold the salted herring in Spain."
    ),
    "The weather in spring is often mild. Some cats live near the old town hall. They sleep on the warm stones.",
    (
        "When the herring stayed away, many fishermen left the town. The last herring boat was laid up in 1931. "
        "A museum of herring fishing now shows nets, barrels and a boat. It is open from May to October each year."
    ),
    (
        "Herring fishing is remembered every August. On that day the fishermen sail out once more and roast herring on "
        "the quay. The barrels of the museum are rolled through the streets by the children of the town."
    ),
)


def page(encoder: Encoder, title: str, texts: tuple[str, ...], lang: str = "en") -> EnrichPage:
    vectors = encoder.encode_passages(texts) if texts else np.zeros((0, encoder.dim), np.float32)
    return EnrichPage(title, lang, (), texts, vectors)


def test_a_summary_is_verbatim_in_order_and_about_the_subject(encoder: Encoder) -> None:
    summary = enrich([page(encoder, "Herring fishing", LONG)], encoder)[0].summary
    text = "\n".join(LONG)
    places = [text.index(sentence) for sentence in summary]
    assert places == sorted(places)
    assert 1 <= len(summary) <= 3
    assert all("erring" in sentence for sentence in summary[:1])
    assert not any("cats" in sentence or "weather" in sentence for sentence in summary)


def test_a_summary_takes_what_comes_first_and_what_the_title_speaks_of() -> None:
    said = [("dusk",), ("salt", "barrel"), ("net", "drift"), ("quay",)]
    found = [Sentence(" ".join(stems), 0, frozenset(stems)) for stems in said]
    alike, near = [(number, 1.0) for number in range(4)], np.zeros(4, np.float32)

    def summary(title: set[str], limit: int) -> tuple[str, ...]:
        return choose(found, alike, near, frozenset(title), lambda _: 1.0, limit)

    assert summary(set(), 1) == ("dusk",)
    assert summary({"drift", "net"}, 2) == ("dusk", "net drift")
    assert choose(found, [], near[:0], frozenset(), lambda _: 1.0, 2) == ()


def test_tags_say_what_the_page_is_about(encoder: Encoder) -> None:
    found = enrich([page(encoder, "Herring fishing", LONG)], encoder)[0].keyphrases
    assert "herring fishing" in {phrase.lower() for phrase in found}
    assert len(found) == len({phrase.lower() for phrase in found})


def test_a_phrase_of_one_page_only_is_no_tag_unless_the_page_is_headed_by_it() -> None:
    text = "The drift net is wide. A drift net is long."
    assert [one.place for one in candidates("Nets", (), text, "en") if one.text == "drift net"] == [1.0]
    assert next(one.place for one in candidates("The drift net", (), text, "en") if one.text == "drift net") > 1


def test_tags_hold_no_function_words_and_do_not_cross_punctuation() -> None:
    found = {one.text for one in candidates("Salt, herring and the barrels of the town", (), "", "en")}
    assert found == {"Salt", "herring", "barrels", "town"}


def test_function_words_with_an_apostrophe_are_no_tags_either() -> None:
    said = "What's new? What’s more, they’ve gone. You don’t pay the driver's fee"
    found = {one.text for one in candidates(said, (), "", "en")}
    assert found == {"gone", "pay", "driver's", "fee", "driver's fee"}


def test_what_a_chapter_is_counted_as_is_no_tag() -> None:
    found = candidates("Kapitel 10. Leuchtturm", ("Appendix B: Lamps",), "", "de")
    assert {candidate.text for candidate in found} == {"Leuchtturm", "Lamps"}


def test_rows_of_tables_are_no_sentences_of_a_summary() -> None:
    assert not is_prose("Shift and tab | Moves the focus to the part before it.")
    assert is_prose("Shift and tab move the focus to the part before it.")


def test_equal_tags_are_spelt_alike_on_all_pages(encoder: Encoder) -> None:
    pages = [
        page(encoder, "Drift nets", (LONG[0],)),
        page(encoder, "drift nets", (LONG[0],)),
        page(encoder, "Drift nets", (LONG[2],)),
    ]
    tags = [phrase for found in enrich(pages, encoder) for phrase in found.keyphrases if phrase.lower() == "drift nets"]
    assert len(tags) >= 2
    assert set(tags) == {"Drift nets"}


def test_pages_without_text_get_neither(encoder: Encoder) -> None:
    empty, short = enrich([page(encoder, "", ()), page(encoder, "Hours", ("Open daily.",))], encoder)
    assert empty.summary == empty.keyphrases == ()
    assert short.summary == ()


def test_the_built_index_keeps_both(engine: Engine, number: dict[str, int]) -> None:
    stored = engine.page(number["/lighthouse"])
    assert stored.keyphrases
    rows = range(stored.first_row, stored.first_row + stored.n_passages)
    texts = [passage.text for passage in engine.index.pages.passages(rows)]
    assert all(any(sentence in text for text in texts) for sentence in stored.summary)


def test_summaries_are_measured_beside_what_authors_wrote() -> None:
    assert rouge("the lamp is lit", "The lamp is out", 1) == 0.75
    assert rouge("the lamp is lit", "The lamp is out", 2) == pytest.approx(2 / 3)
    assert rouge("lamp", "The lamp", 2) == 0.0


def test_the_same_pages_give_the_same(encoder: Encoder) -> None:
    pages = [page(encoder, "Herring fishing", LONG), page(encoder, "Nets", LONG[:2])]
    assert enrich(pages, encoder) == enrich(pages, encoder)
