"""What the search field suggests while someone types."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchd.errors import SnapshotError
from searchd.index.records import Page
from searchd.suggest import SuggestIndex


def page(number: int, title: str, headings: tuple[str, ...] = (), lang: str = "en", words: int = 300) -> Page:
    paths = tuple(((heading,), f"s{at}") for at, heading in enumerate(headings))
    url = f"https://town.example/{lang}/{number}"
    return Page(number, url, title, lang, "", "html", "", (), "", "", "", "", paths, 0, 1, words)


@pytest.fixture(scope="module")
def index() -> SuggestIndex:
    return SuggestIndex.build(
        [
            page(0, "Opening hours of the harbour museum", ("Getting there", "Prices")),
            page(1, "Müllabfuhr und Wertstoffe", ("Gelbe Tonne", "Straßenreinigung"), "de"),
            page(2, "git-rebase(1)", ("Options", "Splitting commits")),
            page(3, "git-reset(1)", ("Options",)),
            page(4, "git-log(1)", ("Options",)),
            page(5, "Release 2.39", ("Options",)),
            page(6, "Museum", ()),
            page(7, "Straßen", ("Schäden melden",), "de"),
            page(8, "東京の博物館", (), "ja"),
        ]
    )


def texts(index: SuggestIndex, typed: str, lang: str = "", limit: int = 8) -> list[str]:
    return [found.text for found in index.suggest(typed, limit, lang)]


def test_any_word_of_a_title_can_be_begun(index: SuggestIndex) -> None:
    assert "Opening hours of the harbour museum" in texts(index, "harb")
    assert "Opening hours of the harbour museum" in texts(index, "mus hou")


def test_hyphenated_words_match_their_parts_and_the_whole(index: SuggestIndex) -> None:
    assert texts(index, "reb")[0] == "git-rebase(1)"
    assert texts(index, "git-reb") == ["git-rebase(1)"]


def test_the_page_that_is_called_just_so_comes_first(index: SuggestIndex) -> None:
    assert texts(index, "museum")[0] == "Museum"


@pytest.mark.parametrize("typed", ["mull", "müll", "muell", "MÜLL"])
def test_umlauts_are_found_however_they_are_typed(index: SuggestIndex, typed: str) -> None:
    assert texts(index, typed) == ["Müllabfuhr und Wertstoffe"]


@pytest.mark.parametrize("typed", ["strass", "straß", "STRASS"])
def test_sharp_s_is_double_s(index: SuggestIndex, typed: str) -> None:
    assert set(texts(index, typed)) == {"Straßen", "Straßenreinigung"}


@pytest.mark.parametrize("typed", ["rebsae", "rebse", "rebbase", "ribase"])
def test_one_slip_of_the_finger_is_forgiven(index: SuggestIndex, typed: str) -> None:
    assert "git-rebase(1)" in texts(index, typed)


def test_short_words_and_numbers_are_taken_as_they_are(index: SuggestIndex) -> None:
    assert texts(index, "gut") == []
    assert texts(index, "2.38") == []
    assert texts(index, "2.39") == ["Release 2.39"]


def test_a_right_spelling_beats_a_forgiven_one() -> None:
    index = SuggestIndex.build([page(0, "Rabase", words=90_000), page(1, "Rebase")])
    assert texts(index, "rebase") == ["Rebase", "Rabase"]


def test_headings_that_every_page_has_are_not_suggested(index: SuggestIndex) -> None:
    often = SuggestIndex.build([page(n, f"Page {n}", ("Options", f"Own heading {n}")) for n in range(6)])
    assert texts(often, "opt") == []
    assert len(texts(often, "own")) == 6


def test_a_heading_links_to_its_section(index: SuggestIndex) -> None:
    found = index.suggest("splitting")[0]
    assert (found.kind, found.url) == ("heading", "https://town.example/en/2#s1")


def test_the_visitors_language_comes_first() -> None:
    index = SuggestIndex.build([page(0, "Information desk", words=9000), page(1, "Informationen", lang="de", words=50)])
    assert texts(index, "info")[0] == "Information desk"
    assert texts(index, "info", "de")[0] == "Informationen"


def test_highlights_mark_what_was_typed(index: SuggestIndex) -> None:
    found = index.suggest("muell wert")[0]
    assert [found.text[a:b] for a, b in found.highlights] == ["Müll", "Wert"]
    found = index.suggest("strassenr")[0]
    assert [found.text[a:b] for a, b in found.highlights] == ["Straßenr"]


def test_ideographs_are_found_inside_a_word(index: SuggestIndex) -> None:
    assert texts(index, "博物") == ["東京の博物館"]


def test_past_queries_are_suggested_beside_pages_and_not_twice(index: SuggestIndex) -> None:
    more = index.with_queries([("museum ticket price", 40), ("museum", 90)])
    found = more.suggest("museum")
    assert [one.text for one in found].count("Museum") == 1
    assert ("museum ticket price", "query", "") in [(one.text, one.kind, one.url) for one in found]
    assert "museum ticket price" not in texts(index, "museum")


def test_nothing_typed_suggests_nothing(index: SuggestIndex) -> None:
    assert index.suggest("") == index.suggest("  ?! ") == index.suggest("museum", 0) == ()
    assert SuggestIndex.build([]).suggest("a") == ()


def test_a_stored_index_suggests_the_same_and_is_byte_for_byte_the_same(index: SuggestIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "a")
    again = SuggestIndex.open(tmp_path / "a")
    again.save(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    for typed in ("m", "git", "rebsae", "muell", "strass", "info"):
        assert again.suggest(typed) == index.suggest(typed)
    SuggestIndex.build([]).save(tmp_path / "empty")
    assert SuggestIndex.open(tmp_path / "empty").suggest("a") == ()


def test_a_damaged_file_is_refused(index: SuggestIndex, tmp_path: Path) -> None:
    index.save(tmp_path / "a")
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes()[:-400])
    with pytest.raises(SnapshotError):
        SuggestIndex.open(tmp_path / "a")
    with pytest.raises(SnapshotError):
        SuggestIndex.open(tmp_path / "missing")
