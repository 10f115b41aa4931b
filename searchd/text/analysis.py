"""Chunks -> index terms. The only analyser: pages, queries and highlights all go through it.

A chunk gives one *main* term for each word in it, in order, and *extra* terms that let it be found otherwise:
``git-rebase`` gives git, rebase and gitrebase; ``GitHub`` gives github, and git and hub at less weight. Terms are stems
(Snowball, where the language has one) without accents, so ``Ärzte``, ``Aerzte`` and ``Arzt`` meet in one term.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import Stemmer

from searchd.text.chunks import MAX_CHUNK, chunks, is_gram
from searchd.text.language import primary
from searchd.text.normalize import fold, normal
from searchd.text.stopwords import is_stop_word

#: Raised whenever the same text may give other terms: a part of the snapshots' format, which are then built anew.
ANALYSIS_VERSION = 2

_SNOWBALL = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish",
    "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian",
    "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
_ELIDING = frozenset({"fr", "it", "ca", "oc"})
_APOSTROPHE = re.compile("['’ʼ]")
#: What stands between the words of a chunk; between two digits (3.14, 2024-01-15) and in "C++" it parts nothing.
_SPLIT = re.compile(r"(?:(?<!\d)[-‐‑.:/@+&·>_]+(?=\w)|[-‐‑.:/@+&·>_]+(?=[^\W\d]))|_+$")
_YEAR = re.compile(r"\d{4,}")
_HUMPS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_MAX_JOINED_PARTS = 4
_MAX_TERM = 60
#: Ends the terms of words that would else be taken for a small word; no word of a text ends in it.
NO_STOP_WORD = "’"

JOINED_WEIGHT = 1.0  # "email" of "e-mail": as good as the word itself
HUMP_WEIGHT = 0.5  # "script" of "JavaScript": a hint
NUMBER_WEIGHT = 0.5  # "2024" of "2024-01-15"


class Term(NamedTuple):
    """One index term of a chunk; offsets are relative to the chunk.

    form: the word without its accents, unstemmed. main: whether it counts as a word of the text, in order.
    """

    term: str
    start: int
    end: int
    form: str
    weight: float = 1.0
    main: bool = True


class Token(NamedTuple):
    """One index term and the code points ``[start, end)`` of the text that gave it."""

    term: str
    start: int
    end: int


class _Stemmers(threading.local):
    """Snowball's stemmers keep state while they work: each thread needs its own."""

    def __init__(self) -> None:
        self.by_lang: dict[str, Stemmer.Stemmer] = {}

    def get(self, lang: str) -> Stemmer.Stemmer:
        if lang not in self.by_lang:
            self.by_lang[lang] = Stemmer.Stemmer(_SNOWBALL[lang], 0)
        return self.by_lang[lang]


_STEMMERS = _Stemmers()


@lru_cache(maxsize=65536)
def stem(word: str, lang: str) -> str:
    """The index term of a ``normal`` word: its stem in ``lang``, accents removed; never empty for a word.

    A word that says something does not share its term with a small one: "sicher" and "sichern" with "sich".
    """
    if lang in _SNOWBALL and not word.isnumeric():
        found = fold(_STEMMERS.get(lang).stemWord(word) or word)[:_MAX_TERM]
        return found + NO_STOP_WORD if is_stop_word(found, lang) and not is_stop_word(fold(word), lang) else found
    return fold(word)[:_MAX_TERM]


def tokens(text: str, lang: str) -> list[Token]:
    """All terms of ``text``, main and extra, in order of their start. Offsets are code points of ``text``."""
    tag = primary(lang)
    return [
        Token(term.term, chunk.start + term.start, chunk.start + term.end)
        for chunk in chunks(text)
        for term in analyse(chunk.text, tag)
    ]


def stems(text: str, lang: str) -> frozenset[str]:
    """The main terms of ``text``, each once; lang: a primary subtag, as for ``analyse``."""
    return frozenset(term.term for chunk in chunks(text) for term in analyse(chunk.text, lang) if term.main)


@lru_cache(maxsize=65536)
def analyse(chunk: str, lang: str) -> tuple[Term, ...]:
    """The terms of one chunk (see ``searchd.text.chunks``) in a language ("" = unknown: no stemming)."""
    if len(chunk) > MAX_CHUNK:
        return ()
    if chunk.isalpha() and (chunk.islower() or chunk.istitle()):
        return () if not (word := normal(chunk, lang)) else (_term(word, 0, len(chunk), lang),)
    if is_gram(chunk):
        form = fold(normal(chunk))
        return (Term(form, 0, len(chunk), form),)
    return tuple(_compound(chunk, lang))


def _term(word: str, start: int, end: int, lang: str, weight: float = 1.0, main: bool = True) -> Term:
    return Term(stem(word, lang), start, end, fold(word), weight, main)


def _compound(chunk: str, lang: str) -> Iterator[Term]:
    pieces = list(_pieces(chunk, lang))
    for start, end in pieces:
        yield from _piece(chunk[start:end], start, lang)
    if 1 < len(pieces) <= _MAX_JOINED_PARTS:
        joined = normal("".join(chunk[start:end] for start, end in pieces), lang)
        yield _term(joined, 0, len(chunk), lang, JOINED_WEIGHT, main=False)


def _pieces(chunk: str, lang: str) -> Iterator[tuple[int, int]]:
    """Spans between the joiners; a joiner between two digits does not part them (3.14, 2024-01-15)."""
    start = 0
    for match in _SPLIT.finditer(chunk):
        if match.start() > start:
            yield from _without_apostrophes(chunk, start, match.start(), lang)
        start = match.end()
    if start < len(chunk):
        yield from _without_apostrophes(chunk, start, len(chunk), lang)


def _without_apostrophes(chunk: str, start: int, end: int, lang: str) -> Iterator[tuple[int, int]]:
    """French and Italian elide ("l'homme" is two words); elsewhere 's goes, other endings stay."""
    match = _APOSTROPHE.search(chunk, start, end)
    if match is None:
        yield start, end
    elif lang in _ELIDING or match.start() - start <= 1:
        if match.start() > start:
            yield start, match.start()
        if match.end() < end:
            yield from _without_apostrophes(chunk, match.end(), end, lang)
    elif chunk[match.end() : end] in ("s", "S"):
        yield start, match.start()
    else:
        yield start, end


def _piece(piece: str, offset: int, lang: str) -> Iterator[Term]:
    word = _APOSTROPHE.sub("", normal(piece, lang))
    bare = word.rstrip("+#")
    if not fold(bare):
        return
    yield _term(bare, offset, offset + len(piece), lang)
    if bare != word:
        yield _term(word, offset, offset + len(piece), lang, main=False)
    if piece.isalpha() and not piece.rstrip("s").isupper() and not piece[1:].islower():
        yield from _parts(_HUMPS, piece, offset, lang, HUMP_WEIGHT)
    elif piece[0].isdigit() and not piece.isdigit():
        yield from _parts(_YEAR, piece, offset, "", NUMBER_WEIGHT)


def _parts(pattern: re.Pattern[str], piece: str, offset: int, lang: str, weight: float) -> Iterator[Term]:
    for match in pattern.finditer(piece):
        if match.end() - match.start() > 1:
            start, end = match.span()
            yield _term(normal(match.group(), lang), offset + start, offset + end, lang, weight, main=False)
