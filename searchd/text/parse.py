"""A visitor's text -> ParsedQuery: quoted phrases, ``-word``, and what each word may stand for on this site."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from searchd.errors import QueryError
from searchd.settings import RankingSettings
from searchd.text.analysis import analyse
from searchd.text.chunks import Chunk, chunks, is_gram
from searchd.text.language import detect, primary
from searchd.text.query import ParsedQuery, QueryTerm
from searchd.text.reading import Reading
from searchd.text.synonyms import explained, with_synonyms
from searchd.text.vocabulary import Vocabulary

_DEFAULTS = RankingSettings()
_MAX_CHARS = 10_000  # of a query, whoever asks; the API's own limit is ``ApiSettings.max_query_chars``
_PHRASE = re.compile(r'["“”„«»]([^"“”„«»]+)["“”„«»]')
#: One dash before a phrase or a word of three letters or more, after a space: ``-m`` and ``--force`` are options.
_EXCLUDED = re.compile(rf"(?<!\S)-(?:{_PHRASE.pattern}|(?=[^\W\d_]{{3}})(\S+))")
_SILENT = frozenset({"Cc", "Cs"})  # control characters, lone surrogates; what Unicode adds one day is text today


def parse(
    text: str,
    lang: str,
    vocabulary: Vocabulary,
    settings: RankingSettings = _DEFAULTS,
    *,
    unfinished: bool = False,
) -> ParsedQuery:
    """Understand a query.

    lang: the visitor's language as a BCP 47 tag, "" = detect it. vocabulary: the words of the site. unfinished: the
    last word is still being typed, so longer words count too even when it is a word already.

    Raises QueryError when the query is empty, holds only control characters or is longer than 10,000 characters.
    """
    cleaned = _cleaned(text)
    spoken = primary(lang) or detect(cleaned, vocabulary.languages)
    # quotation marks and exclusions become spaces, so that offsets stay those of the text; exclusions first: the dash
    # in "model C"-schools stands behind no space
    unwanted = list(_EXCLUDED.finditer(cleaned))
    words = _EXCLUDED.sub(lambda match: " " * len(match.group()), cleaned)
    if not words.strip():  # "-exec" alone is a word that is looked for
        unwanted, words = [], cleaned
    phrases = _phrases(words)
    words = _PHRASE.sub(lambda match: f" {match.group(1)} ", words)
    reading = Reading(spoken, vocabulary, typos=settings.typos, explained=explained(settings.synonyms))
    terms = reading.terms(_without_small_grams(list(chunks(words))), unfinished=unfinished)
    plain = Reading(spoken, vocabulary, typos=False)
    return ParsedQuery(
        text=cleaned,
        lang=spoken,
        languages=reading.languages,
        terms=with_synonyms(terms, settings.synonyms, reading),
        phrases=phrases,
        excluded=tuple(term for match in unwanted for term in plain.terms(list(chunks(match[2] or "")))),
        excluded_phrases=tuple(phrase for match in unwanted for phrase in _phrases(match.group())),
        did_you_mean=_did_you_mean(cleaned, terms, vocabulary),
        notes=tuple(_note(term, vocabulary) for term in terms if term.corrected_from),
    )


def _cleaned(text: str) -> str:
    if len(text) > _MAX_CHARS:
        raise QueryError(f"the query has {len(text)} characters, at most {_MAX_CHARS} are allowed", "ask shorter")
    visible = (
        text if text.isprintable() else "".join(" " if char.isspace() else char for char in text if _audible(char))
    )
    if not visible.strip():
        raise QueryError("the query is empty", "type some words")
    return visible.strip()


def _audible(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) not in _SILENT


def _phrases(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(filter(None, (_forms(match.group(1)) for match in _PHRASE.finditer(text))))


def _forms(text: str) -> tuple[str, ...]:
    return tuple(term.form for chunk in chunks(text) for term in analyse(chunk.text, "") if term.main)


def _without_small_grams(found: Sequence[Chunk]) -> list[Chunk]:
    """Where a pair of characters covers a single one, the pair alone says what is meant."""
    kept = []
    for at, chunk in enumerate(found):
        if len(chunk.text) == 1 and is_gram(chunk.text):
            neighbours = (*found[max(0, at - 1) : at], *found[at + 1 : at + 2])
            if any(other.start <= chunk.start and chunk.end <= other.end for other in neighbours):
                continue
        kept.append(chunk)
    return kept


def _correction(term: QueryTerm, vocabulary: Vocabulary) -> str:
    """What the site calls a corrected word: ``QueryTerm.form`` is then the best correction."""
    shown = vocabulary.display(term.form)
    return shown.capitalize() if term.text[:1].isupper() and term.text[1:].islower() else shown


def _did_you_mean(text: str, terms: Sequence[QueryTerm], vocabulary: Vocabulary) -> str:
    corrected = [term for term in terms if term.corrected_from]
    for term in sorted(corrected, key=lambda term: -term.start):
        text = text[: term.start] + _correction(term, vocabulary) + text[term.end :]
    return text if corrected else ""


def _note(term: QueryTerm, vocabulary: Vocabulary) -> str:
    return f"{term.corrected_from!r} is not on this site; taken for {_correction(term, vocabulary)!r}"
