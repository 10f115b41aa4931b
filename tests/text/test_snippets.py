"""Excerpts: verbatim, around the words asked for, and honest about what they leave out."""

from __future__ import annotations

import pytest

from searchd.snippets import LENGTH, Excerpts
from searchd.text.parse import parse
from tests.text.plain_vocabulary import PlainVocabulary

TEXT = "".join(f"This is sentence number {number} of many about nothing. " for number in range(40)).strip()


@pytest.mark.parametrize(
    ("word", "before", "after"), [("0", False, True), ("20", True, True), ("39", True, False)], ids=str
)
def test_an_excerpt_says_whether_the_text_goes_on(word: str, before: bool, after: bool) -> None:
    cut = Excerpts(parse(f"number {word}", "en", PlainVocabulary())).cut(TEXT, "en")
    assert cut.text in TEXT
    assert len(cut.text) <= LENGTH
    assert word in {cut.text[start:end] for start, end in cut.highlights}
    assert (cut.before, cut.after) == (before, after)
    assert TEXT.startswith(cut.text) is not before
    assert TEXT.endswith(cut.text) is not after


def test_a_short_text_is_shown_whole() -> None:
    cut = Excerpts(parse("ferry", "en", PlainVocabulary())).cut("The ferry leaves at nine.", "en")
    assert (cut.text, cut.before, cut.after) == ("The ferry leaves at nine.", False, False)
