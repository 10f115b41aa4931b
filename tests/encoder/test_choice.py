"""Which model ``auto`` means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from searchd.encoder import ENGLISH, MULTILINGUAL, choose


@pytest.mark.parametrize(
    ("pages", "visitors", "wanted"),
    [
        ({"en": 100}, (), ENGLISH),
        ({"en-GB": 60, "en_US": 40}, (), ENGLISH),
        ({"en": 990, "de": 5, "": 300}, (), ENGLISH),  # a stray page and pages without a language
        ({"en": 90, "de": 10}, (), MULTILINGUAL),
        ({"en": 100}, ("en", "de"), MULTILINGUAL),
        ({"de": 100}, ("en",), MULTILINGUAL),
        ({"": 10}, (), MULTILINGUAL),
        ({}, ("en",), ENGLISH),
        (["en"], (), ENGLISH),
        (["en", "fr"], (), MULTILINGUAL),
    ],
)
def test_english_alone_gets_the_english_model(
    pages: Mapping[str, int] | Sequence[str], visitors: Sequence[str], wanted: str
) -> None:
    assert choose("auto", pages, visitors).name == wanted


def test_the_reason_names_the_languages_that_decided() -> None:
    reason = choose("auto", {"en": 90, "de": 10}, ("fr",)).reason
    assert all(word in reason for word in ("en 90%", "de 10%", "fr"))


def test_a_name_is_taken_as_it_is() -> None:
    assert choose("owner/model", {"en": 1}).name == "owner/model"
