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
_MIN_LETTERS = 3
_GAP = re.compile(r"[ \u00a0]\Z")
_DIVERSITY = 0.35  # share of MMR that goes against what is already chosen
_NEAR = 0.83  # cosine from which two phrases count as one tag


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
    sources = [(title, 3.0), *((heading, 1.6) for heading in headings), (text[:MAX_PAGE_CHARS], 1.0)]
    for source, place in sources:
        for key, form, stems in _phrases(source, lang):
            counts[key] += 1
            places[key] = max(place, places.get(key, 0.0))
            forms.setdefault(key, Counter())[form] += 1
            words[key] = stems
    return [
        Candidate(key, _best_form(forms[key]), words[key], count, places[key])
        for key, count in counts.items()
        if count > 1 or places[key] > 1
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
    meant = vectors @ centre
    score = 0.5 * counted / max(float(counted.max()), 1e-9) + 0.5 * meant / max(float(meant.max()), 1e-9)
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


def _salience(candidate: Candidate, vocabulary: Vocabulary) -> float:
    """Frequency here times rarity on the site times place; longer phrases are more telling."""
    rarity = sum(map(vocabulary.idf, candidate.words)) / math.pow(len(candidate.words), 0.6)
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
    if fold(normal(chunk)) in fillers(lang):
        return ""
    return "-".join(term.term for term in analyse(chunk, lang) if term.main)


def _best_form(forms: Counter[str]) -> str:
    """Return the spelling used most; one that is not all capitals where there is a choice."""
    return min(forms, key=lambda form: (form.isupper(), -forms[form], form))


def _slot(key: str) -> int:
    return zlib.crc32(key.encode()) % _SKETCH
