"""A visitor's text -> ParsedQuery."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from searchd.errors import QueryError
from searchd.text.analysis import analyse
from searchd.text.chunks import Chunk, chunks
from searchd.text.language import detect, primary
from searchd.text.normalize import fold, normal
from searchd.text.query import Alternative, ParsedQuery, QueryTerm
from searchd.text.stopwords import is_stop_word
from searchd.text.vocabulary import Vocabulary

MAX_CHARS = 500
STOP_WORD_WEIGHT = 0.2
_PHRASE = re.compile(r'["“”„«»]([^"“”„«»]+)["“”„«»]')
_EXCLUDED = re.compile(r"(?<!\S)-(?=\w{3})(\S+)")


def parse(text: str, lang: str, vocabulary: Vocabulary) -> ParsedQuery:
    """Understand a query. lang: the visitor's language, "" = detect it. Raises QueryError."""
    cleaned = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cs", "Co", "Cn") or c in "\t\n").strip()
    if not cleaned:
        raise QueryError("the query is empty", "give q= some words")
    if len(cleaned) > MAX_CHARS:
        raise QueryError(f"the query has {len(cleaned)} characters, {MAX_CHARS} are allowed", "ask shorter")
    spoken = primary(lang) or detect(cleaned, vocabulary.languages)
    languages = tuple(dict.fromkeys((*((spoken,) if spoken else ()), *vocabulary.languages)))
    phrases = tuple(filter(None, (_forms(m.group(1)) for m in _PHRASE.finditer(cleaned))))
    rest = _PHRASE.sub(lambda m: f" {m.group(1)} ", cleaned)
    minus = [m.group(1) for m in _EXCLUDED.finditer(rest)]
    positive = _EXCLUDED.sub(" ", rest).strip()
    if not positive:
        positive, minus = rest, []
    terms = tuple(t for chunk in chunks(positive) for t in _terms(chunk, spoken, languages))
    excluded = tuple(t for word in minus for chunk in chunks(word) for t in _terms(chunk, spoken, languages))
    return ParsedQuery(cleaned, spoken, languages, terms, phrases, excluded)


def _forms(text: str) -> tuple[str, ...]:
    return tuple(t.form for chunk in chunks(text) for t in analyse(chunk.text, "") if t.main)


def _terms(chunk: Chunk, spoken: str, languages: Sequence[str]) -> list[QueryTerm]:
    found: dict[tuple[int, int], dict[str, Alternative]] = {}
    text: dict[tuple[int, int], str] = {}
    for lang in languages or ("",):
        for t in analyse(chunk.text, lang):
            if t.main:
                found.setdefault((t.start, t.end), {})[t.term] = Alternative(t.term, t.weight)
                text[t.start, t.end] = chunk.text[t.start : t.end]
    out = []
    for span, alts in found.items():
        form = fold(normal(text[span], spoken))
        out.append(
            QueryTerm(text[span], form, tuple(alts.values()), STOP_WORD_WEIGHT if is_stop_word(form, spoken) else 1.0)
        )
    return out
