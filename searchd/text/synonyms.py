"""Synonyms that the owner configured: each entry is a list of words or short phrases that mean the same here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import lru_cache

from msgspec.structs import replace

from searchd.text.analysis import analyse
from searchd.text.chunks import chunks
from searchd.text.query import Alternative, QueryTerm
from searchd.text.reading import Reading

SYNONYM_WEIGHT = 0.8
_Stems = tuple[str, ...]


@lru_cache(maxsize=64)
def _stemmed(synonyms: tuple[tuple[str, ...], ...], lang: str) -> dict[_Stems, tuple[str, ...]]:
    """Stems of each word or phrase -> the others of its entry."""
    table: dict[_Stems, tuple[str, ...]] = {}
    for entry in synonyms:
        for phrase in entry:
            others = tuple(other for other in entry if other != phrase)
            key = tuple(term.term for chunk in chunks(phrase) for term in analyse(chunk.text, lang) if term.main)
            table[key] = (*table.get(key, ()), *others)
    return table


@lru_cache(maxsize=64)
def explained(synonyms: tuple[tuple[str, ...], ...]) -> frozenset[str]:
    """The forms of single words among the synonyms: the owner says what they mean, so they are no slips."""
    found = set()
    for phrase in itertools.chain(*synonyms):
        forms = [term.form for chunk in chunks(phrase) for term in analyse(chunk.text, "") if term.main]
        if len(forms) == 1:
            found.add(forms[0])
    return frozenset(found)


def with_synonyms(
    terms: tuple[QueryTerm, ...], synonyms: tuple[tuple[str, ...], ...], reading: Reading
) -> tuple[QueryTerm, ...]:
    """Add each synonym to the words that it may stand for: a page that has it has them all."""
    if not synonyms:
        return terms
    out = list(terms)
    for start, end, others in _matches(terms, _stemmed(synonyms, reading.languages[0])):
        for other in others:
            found = _alternatives(other, reading)
            for at in range(start, end):
                known = {alternative.term for alternative in out[at].alternatives}
                new = tuple(a for a in found if a.term not in known)
                out[at] = replace(out[at], alternatives=(*out[at].alternatives, *new))
    return tuple(out)


def _matches(
    terms: Sequence[QueryTerm], table: dict[_Stems, tuple[str, ...]]
) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    stems = [term.alternatives[0].term if term.alternatives else "" for term in terms]
    longest = max(map(len, table), default=0)
    for start in range(len(terms)):
        for end in range(start + 1, min(len(terms), start + longest) + 1):
            if others := table.get(tuple(stems[start:end])):
                yield start, end, others


def _alternatives(phrase: str, reading: Reading) -> list[Alternative]:
    """The words of a synonym; each word of a phrase of several stands for less."""
    words = [chunk.text for chunk in chunks(phrase)]
    weight = SYNONYM_WEIGHT / max(1, len(words))
    return [alternative for word in words for alternative in reading.alternatives(word, weight, "synonym")]
