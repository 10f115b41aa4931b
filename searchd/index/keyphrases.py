"""Automatic tags: the phrases of one to three words that say what a page is about.

Candidates are runs of content words in titles, headings and text. Counting comes first (frequency on the page, rarity
on the site, place), so that only a handful of phrases per page need a vector; the vector then tells which of them mean
what the page means (KeyBERT, Grootendorst 2020) and maximal marginal relevance keeps them apart (Carbonell and
Goldstein 1998). A phrase must belong to the site: on two pages at least, or in the page's own title or headings.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from searchd.index.stores import Floats
from searchd.text.analysis import analyse
from searchd.text.chunks import Chunk, chunks, is_gram
from searchd.text.fillers import fillers
from searchd.text.normalize import fold, normal

MAX_WORDS = 3
MAX_PHRASES = 6  # tags of one page
MAX_PAGE_CHARS = 24_000  # of a page's text that is read for phrases
_SKETCH = 1 << 22  # hashed counters of phrase frequency: 16 MB for a site of any size
_CLITIC = 2  # letters after the apostrophe, at most
_MIN_LETTERS = 3
_ACRONYM = 6  # letters at most
#: "Chapter 7. ", "Anhang B: ": what a heading is counted as, in front of what it is called
_NUMBERED = re.compile(r"^\w+\s+(?:\d+|[A-Z]|[IVX]+)(?:\.\d+)*[.:]\s+")
_GAP = re.compile(r"[ \u00a0]\Z")
_DIVERSITY = 0.35  # share of MMR that goes against what is already chosen
_NEAR = 0.8  # cosine from which two phrases count as one tag
_CONE = 20


class Candidate(NamedTuple):
    """A phrase of one page. key: its stems; text: as the page writes it most often."""

    key: str
    text: str
    words: tuple[str, ...]  # stem of each word
    times: int
    place: float  # 1 in the text only, more in headings, most in the title


@dataclass(slots=True)
class Vocabulary:
    """How many pages of the site have a word, or (by a hashed counter, so never too few) a phrase."""

    pages: int = 0
    words: Counter[str] = field(default_factory=Counter)
    _phrases: np.ndarray = field(default_factory=lambda: np.zeros(_SKETCH, np.uint32))

    def add(self, candidates: Iterable[Candidate]) -> None:
        """Count one page."""
        self.pages += 1
        seen = list(candidates)
        self.words.update({word for candidate in seen for word in candidate.words})
        for key in {candidate.key for candidate in seen}:
            self._phrases[_slot(key)] += 1

    def idf(self, word: str) -> float:
        """BM25's inverse document frequency over pages; never negative."""
        df = self.words[word]
        return math.log(1 + (self.pages - df + 0.5) / (df + 0.5))

    def frequency(self, key: str) -> int:
        """On how many pages the phrase is; a little too high at worst."""
        return int(self._phrases[_slot(key)])


def candidates(title: str, headings: Sequence[str], text: str, lang: str) -> list[Candidate]:
    """Return the phrases of a page that may become tags, in order of first appearance."""
    counts: Counter[str] = Counter()
    places: dict[str, float] = {}
    forms: dict[str, Counter[str]] = {}
    words: dict[str, tuple[str, ...]] = {}
    named = [(title, 3.0), *((heading, 1.6) for heading in headings)]
    sources = [*((_NUMBERED.sub("", name), place) for name, place in named), (text[:MAX_PAGE_CHARS], 1.0)]
    for source, place in sources:
        for key, form, stems in _phrases(source, lang):
            counts[key] += 1
            places[key] = max(place, places.get(key, 0.0))
            forms.setdefault(key, Counter())[form] += 1
            words[key] = stems
    return [
        Candidate(key, _best_form(forms[key]), words[key], count, places[key])
        for key, count in counts.items()
        if (count > 1 or places[key] > 1) and not _is_shouted(forms[key])
    ]


def shortlist(found: Sequence[Candidate], vocabulary: Vocabulary, limit: int) -> list[tuple[Candidate, float]]:
    """Return the ``limit`` candidates that counting likes best, with their scores, best first."""
    own = (item for item in found if item.place > 1 or vocabulary.frequency(item.key) > 1)
    scored = [(candidate, _salience(candidate, vocabulary)) for candidate in own]
    scored.sort(key=lambda item: (-item[1], item[0].key))
    return _without_parts(scored)[:limit]


def choose(short: Sequence[tuple[Candidate, float]], vectors: Floats, centre: Floats) -> tuple[Candidate, ...]:
    """Return the page's tags, best first.

    vectors: (len(short), dim) float32 unit vectors of the phrases; centre: (dim,) of the page.
    """
    if not short:
        return ()
    counted = np.array([score for _, score in short], dtype=np.float32)
    # models differ in how far apart they put things, so only the order and the proportions on this page count
    score = 0.5 * counted / max(float(counted.max()), 1e-9) + 0.5 * stretched(vectors @ centre)
    chosen: list[int] = []
    while len(chosen) < min(MAX_PHRASES, len(short)):
        likeness = (vectors @ vectors[chosen].T).max(axis=1) if chosen else np.zeros(len(short), np.float32)
        gain = (1 - _DIVERSITY) * score - _DIVERSITY * likeness
        gain[likeness > _NEAR] = -np.inf
        gain[chosen] = -np.inf
        best = int(gain.argmax())
        if gain[best] == -np.inf:
            break
        chosen.append(best)
    return tuple(short[at][0] for at in chosen)


def stretched(values: Floats) -> Floats:
    """The values from 0 (the least) to 1 (the most)."""
    return np.asarray((values - values.min()) / max(float(np.ptp(values)), 1e-9), dtype=np.float32)


def apart(vectors: Floats) -> Floats:
    """Unit vectors with what all of them share taken out (Mu and Viswanath 2018, "All-but-the-top").

    Some models put every text within a narrow cone; without its axis, alike and unlike can be told apart again.
    vectors: (n, dim) float32; fewer than 20 say too little about the cone and come back as they are.
    """
    if len(vectors) < _CONE:
        return vectors
    centred = vectors - vectors.mean(axis=0)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def _salience(candidate: Candidate, vocabulary: Vocabulary) -> float:
    """Frequency here times rarity on the site times place; longer phrases are more telling."""
    rarity = sum(map(vocabulary.idf, candidate.words)) / math.pow(len(candidate.words), 0.35)
    return math.log1p(candidate.times) * rarity * candidate.place


def _without_parts(scored: list[tuple[Candidate, float]]) -> list[tuple[Candidate, float]]:
    """Drop phrases that are part of a better one, or that hold a better one."""
    kept: list[tuple[Candidate, float]] = []
    for candidate, score in scored:
        mine = set(candidate.words)
        if not any(mine <= set(other.words) or mine >= set(other.words) for other, _ in kept):
            kept.append((candidate, score))
    return kept


def _phrases(text: str, lang: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield (key, form, stems) of each run of one to three content words."""
    run: list[tuple[Chunk, str]] = []
    end = -1
    for chunk in chunks(text):
        stems = _content(chunk.text, lang)
        if not stems or chunk.start != end + 1 or not _GAP.match(text[end : end + 1]):
            run.clear()
        end = chunk.end
        if not stems:
            continue
        run.append((chunk, stems))
        for size in range(1, min(MAX_WORDS, len(run)) + 1):
            part = run[-size:]
            keys = tuple(stem for _, stem in part)
            yield " ".join(keys), text[part[0][0].start : end], keys


def _content(chunk: str, lang: str) -> str:
    """Return the chunk's stems as one word, or "" for function words, numbers and other things without meaning."""
    if len(chunk) < _MIN_LETTERS or sum(map(str.isalpha, chunk)) < _MIN_LETTERS or is_gram(chunk):
        return ""
    if _is_filler(fold(normal(chunk)).replace("’", "'"), fillers(lang)):
        return ""
    return "-".join(term.term for term in analyse(chunk, lang) if term.main)


def _is_filler(word: str, known: frozenset[str]) -> bool:
    """Whether the word says nothing, or is such a word with a verb run into it: "what's", "they've"."""
    head, _, tail = word.partition("'")
    return word in known or (0 < len(tail) <= _CLITIC and head in known)


def _best_form(forms: Counter[str]) -> str:
    """Return the spelling used most; one that is not all capitals where there is a choice."""
    return min(forms, key=lambda form: (form.isupper(), -forms[form], form))


def _is_shouted(forms: Counter[str]) -> bool:
    """Whether the page writes it in capitals only, and longer than an acronym: a heading's word, no name."""
    return all(form.isupper() and len(form) > _ACRONYM for form in forms)


def _slot(key: str) -> int:
    return zlib.crc32(key.encode()) % _SKETCH
