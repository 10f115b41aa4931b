import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchd.text.analysis import analyse, tokens
from searchd.text.chunks import chunk_texts, chunks
from searchd.text.compounds import split
from searchd.text.distance import edit_distance
from searchd.text.normalize import fold, normal


def terms(text: str, lang: str = "en") -> set[str]:
    return {token.term for token in tokens(text, lang)}


def test_umlauts_match_whichever_way_they_are_typed() -> None:
    assert terms("Ärzte", "de") == terms("Aerzte", "de") == terms("Arzte", "de") == terms("Arzt", "de")
    assert terms("Straße", "de") == terms("Strasse", "de")


def test_accents_do_not_hide_a_word() -> None:
    assert terms("café", "") == terms("cafe", "")
    assert terms("Ёлка", "ru") == terms("Елка", "ru")


def test_decomposed_text_gives_the_same_terms() -> None:
    for text in ("Müller löst Rätsel", "déjà vu", "Ångström"):
        assert terms(text, "de") == terms(unicodedata.normalize("NFD", text), "de")


def test_inflected_words_meet_in_their_stem() -> None:
    assert terms("installing") == terms("installed") == terms("installs")
    assert terms("Häuser", "de") == terms("Hauses", "de")


def test_hyphenated_words_match_their_parts_and_the_joined_form() -> None:
    assert {"e", "mail", "email"} == terms("e-mail")
    assert terms("email") <= terms("e-mail")
    assert terms("commandline") <= terms("command-line")


def test_identifiers_are_found_whole_and_in_parts() -> None:
    assert {"git", "rebas", "gitrebas"} == terms("git-rebase")
    assert {"no", "verifi", "noverifi"} == terms("--no-verify")
    assert {"core", "autocrlf", "coreautocrlf"} == terms("core.autocrlf")
    assert {"get", "element", "getelementbyid"} <= terms("getElementById")
    assert {"max", "page", "maxpag"} == terms("max_pages")


def test_signs_that_belong_to_a_name_stay() -> None:
    assert "c++" in terms("C++")
    assert "c#" in terms("C#.")
    assert "c++" not in terms("C")


def test_numbers_with_a_point_stay_one_number() -> None:
    assert "3.14" in terms("3.14")
    assert "2024" in terms("2024-01-15")


def test_elision_parts_words_and_english_endings_go() -> None:
    assert "homm" in terms("l'homme", "fr")
    assert terms("user's") == terms("user")
    assert terms("don’t") == terms("dont")


def test_a_word_that_says_something_shares_no_term_with_a_small_one() -> None:
    assert terms("sicher", "de") == terms("sichern", "de") == terms("Sichere", "de")
    assert not terms("sicher", "de") & terms("sich", "de")
    assert terms("willing", "en").isdisjoint(terms("will", "en"))


def test_soft_hyphens_do_not_part_a_word() -> None:
    assert terms("Daten\u00adschutz", "de") == terms("Datenschutz", "de")


@pytest.mark.parametrize(
    ("text", "part"), [("東京都庁", "東京"), ("パスワード", "ワー"), ("비밀번호", "번호"), ("ภาษาไทย", "ไทย")]
)
def test_scripts_without_spaces_are_found_by_their_parts(text: str, part: str) -> None:
    assert terms(part, "") & terms(text, "")


def test_offsets_point_at_the_word_in_the_original_text() -> None:
    text = "Die Ärzte im Kranken\u00adhaus nutzen git-rebase."
    spans = {text[token.start : token.end] for token in tokens(text, "de")}
    assert {"Ärzte", "Kranken\u00adhaus", "git", "rebase", "git-rebase"} <= spans


@given(st.text(max_size=200), st.sampled_from(["", "de", "en", "fr", "tr", "zh", "xx"]))
def test_any_text_has_terms_within_its_bounds(text: str, lang: str) -> None:
    for token in tokens(text, lang):
        assert token.term
        assert 0 <= token.start < token.end <= len(text)


@given(st.text(max_size=100))
def test_indexing_and_highlighting_see_the_same_chunks(text: str) -> None:
    found = list(chunks(text))
    assert chunk_texts(text) == [chunk.text for chunk in found]
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in found)


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(text: str) -> None:
    once = fold(normal(text))
    assert fold(once) == once


def test_very_long_words_are_left_out() -> None:
    assert tokens("x" * 5000, "en") == []
    assert analyse("y" * 121, "en") == ()


def test_compounds_are_parted_by_the_words_of_the_site() -> None:
    known = {"datenschutz": 5, "erklarung": 7, "daten": 9, "schutz": 4}
    assert split("datenschutzerklarung", lambda word: known.get(word, 0)) == ("datenschutz", "erklarung")


def test_compounds_take_linking_letters() -> None:
    known = {"versicherung": 3, "nummer": 3}
    assert split("versicherungsnummer", lambda word: known.get(word, 0)) == ("versicherung", "nummer")


def test_a_word_that_the_site_uses_more_than_its_parts_stays_whole() -> None:
    known = {"handschuh": 50, "hand": 3, "schuh": 3}
    assert split("handschuh", lambda word: known.get(word, 0)) == ()


@pytest.mark.parametrize(
    ("a", "b", "edits"),
    [("commit", "comit", 1), ("brnach", "branch", 1), ("file", "flie", 1), ("same", "same", 0), ("ab", "ba", 1)],
)
def test_slips_of_the_keyboard_are_one_edit(a: str, b: str, edits: int) -> None:
    assert edit_distance(a, b, 2) == edits


def _slow_distance(a: str, b: str) -> int:
    """Optimal string alignment by its recursive definition."""
    table = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            swap = i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]
            table[i, j] = min(
                table[i - 1, j] + 1,
                table[i, j - 1] + 1,
                table[i - 1, j - 1] + (a[i - 1] != b[j - 1]),
                *([table[i - 2, j - 2] + 1] if swap else []),
            )
    return table[len(a), len(b)]


@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_distances_agree_with_the_definition(a: str, b: str) -> None:
    assert edit_distance(a, b, 2) == min(_slow_distance(a, b), 3)
