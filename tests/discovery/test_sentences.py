"""Where sentences end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from searchd.text.sentences import spans, split


@pytest.mark.parametrize(
    ("lang", "text", "expected"),
    [
        ("en", "Dr. J. R. Smith met Mr. Jones. They talked.", ["Dr. J. R. Smith met Mr. Jones.", "They talked."]),
        ("en", "It costs 3.50 euros. Pay at the desk!", ["It costs 3.50 euros.", "Pay at the desk!"]),
        ("en", "Use e.g. this one. See git-log.html for more.", ["Use e.g. this one.", "See git-log.html for more."]),
        ("en", 'She said "Go!" Then he went.', ['She said "Go!"', "Then he went."]),
        ("de", "Er kam z. B. am 3. Oktober 1990. Sie blieb.", ["Er kam z. B. am 3. Oktober 1990.", "Sie blieb."]),
        ("de", "Im 19. Jahrhundert war das so. Heute nicht.", ["Im 19. Jahrhundert war das so.", "Heute nicht."]),
        ("de", "Das kostet ca. 3 Mio. Euro. Na ja.", ["Das kostet ca. 3 Mio. Euro.", "Na ja."]),
        ("es", "Vive en EE. UU. con su hermano. ¿Dónde? Nadie sabe.", None),
        ("ja", "東京は首都です。人が多い。", ["東京は首都です。", "人が多い。"]),
        ("", "First line\nSecond line", ["First line", "Second line"]),
    ],
)
def test_sentences_end_where_a_reader_says_they_end(lang: str, text: str, expected: list[str] | None) -> None:
    found = split(text, lang)
    if expected is None:  # the abbreviation must not split; the question mark must
        assert found[0] == "Vive en EE. UU. con su hermano."
    else:
        assert found == expected


def test_an_ordinal_ends_a_sentence_only_where_dots_do_not_make_ordinals() -> None:
    text = "We count to 10. Then we stop."
    assert len(split(text, "en")) == 2
    assert len(split("Wir feiern am 10. Mai den Tag.", "de")) == 1


@given(st.text(max_size=300), st.sampled_from(["", "en", "de", "fr", "xx"]))
def test_spans_never_raise_never_overlap_and_lose_no_letter(text: str, lang: str) -> None:
    found = spans(text, lang)
    assert all(a < b for a, b in found)
    assert all(first[1] <= second[0] for first, second in pairwise(found))
    kept = sum(character.isalnum() for start, end in found for character in text[start:end])
    assert kept == sum(map(str.isalnum, text))
