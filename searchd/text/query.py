"""What a visitor typed -> what is looked for. Pure: the site's words are an argument."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Origin = Literal["typed", "joined", "split", "compound", "spelling", "synonym", "prefix", "correction"]


class Alternative(Struct, frozen=True):
    """One index term that may stand for a word of the query, and how well (0..1]."""

    term: str
    weight: float
    origin: Origin = "typed"


class QueryTerm(Struct, frozen=True):
    """One word of the query: the best of its alternatives counts.

    text: as typed, ``ParsedQuery.text[start:end]``. form: lower case, no accents. weight: what its idf is multiplied
    with (stop words: little). corrected_from: the word as typed when the site does not know it and the nearest words
    that it knows are looked for instead.
    """

    text: str
    form: str
    alternatives: tuple[Alternative, ...]
    start: int = 0
    end: int = 0
    weight: float = 1.0
    corrected_from: str = ""


class ParsedQuery(Struct, frozen=True):
    """A query, understood.

    languages: those it was analysed in. phrases: forms that must follow each other, one tuple per quoted phrase.
    excluded: words that no result may hold; excluded_phrases: forms that may follow each other in none. did_you_mean:
    the query with unknown words corrected, "" when none. notes: what was made of it, in words, for those who ask.
    """

    text: str
    lang: str
    languages: tuple[str, ...]
    terms: tuple[QueryTerm, ...]
    phrases: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[QueryTerm, ...] = ()
    excluded_phrases: tuple[tuple[str, ...], ...] = ()
    did_you_mean: str = ""
    notes: tuple[str, ...] = ()

    @property
    def restricted(self) -> bool:
        """Whether quotation marks or dashes say which pages are results at all."""
        return bool(self.phrases or self.excluded or self.excluded_phrases)

    @property
    def telling(self) -> int:
        """How many of the words say something of what is looked for: all but stop words."""
        return sum(term.weight >= 1 for term in self.terms)

    @property
    def lone(self) -> bool:
        """Whether it is one word, not a question around one, and was not taken for another."""
        return self.telling == 1 and len(self.text.split()) == 1 and not self.did_you_mean
