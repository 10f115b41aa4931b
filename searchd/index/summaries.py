"""Extractive summaries: the sentences nearest to the page's own centre, verbatim and in their order.

Counting (TF-IDF centroid, Radev et al. 2004) and the page's passage vectors, which exist anyway, choose a few
sentences; only those get vectors of their own, as far as the page's budget goes.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from searchd.index.keyphrases import stretched
from searchd.index.stores import Floats
from searchd.text.analysis import analyse
from searchd.text.chunks import chunks
from searchd.text.sentences import spans

MAX_SENTENCES = 3
MAX_PAGE_SENTENCES = 400  # of a page that are looked at
_WORDS = (6, 45)  # of a sentence that can stand in a summary
_CELLS = " | "  # stands between the cells of a table's row
_PROSE = re.compile(r"[.!?…。！？][\"'”’»“)\]]*\Z")
_DIVERSITY = 0.35


class Sentence(NamedTuple):
    """A sentence of a page, with the passage it stands in and its stems."""

    text: str
    passage: int
    stems: frozenset[str]
    n_words: int


def sentences(texts: Sequence[str], lang: str) -> list[Sentence]:
    """Return the prose sentences of a page's passages, in order, each once."""
    found: dict[str, Sentence] = {}
    for number, text in enumerate(texts):
        for start, end in spans(text, lang):
            sentence = text[start:end]
            if sentence not in found and is_prose(sentence):
                words = [chunk.text for chunk in chunks(sentence)]
                stems = frozenset(term.term for word in words for term in analyse(word, lang) if term.main)
                found[sentence] = Sentence(sentence, number, stems, len(words))
        if len(found) >= MAX_PAGE_SENTENCES:
            break
    return list(found.values())


def is_prose(sentence: str) -> bool:
    """Whether it reads as a sentence of its own: no code, table row, label or fragment."""
    if _CELLS in sentence:
        return False
    n_words = sentence.count(" ") + 1
    if not _WORDS[0] <= n_words <= _WORDS[1] and not (sentence[-1] in "。！？" and len(sentence) <= 200):
        return False
    letters = sum(character.isalpha() or character == " " for character in sentence)
    first = next((character for character in sentence if character.isalnum()), "")
    return bool(_PROSE.search(sentence)) and letters >= 0.8 * len(sentence) and not first.islower()


def shortlist(
    found: Sequence[Sentence], idf: Callable[[str], float], vectors: Floats, centre: Floats, limit: int
) -> list[tuple[int, float]]:
    """Return (number, score) of the ``limit`` sentences nearest to the centre by counting, best first.

    vectors: (n_passages, dim) of the page's passages, centre: (dim,) their normed mean; float32.
    """
    if not found:
        return []
    counts = Counter(stem for sentence in found for stem in sentence.stems)
    weight = {stem: math.log1p(count) * idf(stem) for stem, count in counts.items()}
    near = stretched(vectors @ centre)
    scores = []
    for number, sentence in enumerate(found):
        told = sum(weight[stem] for stem in sentence.stems) / (10 + len(sentence.stems))
        scores.append(told * (0.5 + float(near[sentence.passage])) * (1.0 + _lead(number)))
    best = max(scores) or 1.0
    ranked = sorted(range(len(found)), key=lambda number: (-scores[number], number))
    return [(number, scores[number] / best) for number in ranked[:limit]]


def choose(
    found: Sequence[Sentence], short: Sequence[tuple[int, float]], vectors: Floats, centre: Floats, limit: int
) -> tuple[str, ...]:
    """Return at most ``limit`` sentences of the short list, diverse, in the page's order.

    vectors: (len(short), dim) float32, of the sentences themselves or of their passages.
    """
    if not short:
        return ()
    counted = np.array([value for _, value in short], dtype=np.float32)
    leads = np.array([_lead(number) for number, _ in short], dtype=np.float32)
    score = 0.4 * counted + 0.6 * stretched(vectors @ centre) + 0.4 * leads
    chosen: list[int] = []
    while len(chosen) < min(limit, len(short)):
        overlap = [max((_overlap(found[n], found[short[c][0]]) for c in chosen), default=0.0) for n, _ in short]
        gain = score - _DIVERSITY * np.array(overlap, dtype=np.float32)
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
    return tuple(found[number].text for number in sorted(short[at][0] for at in chosen))


def length(n_words: int) -> int:
    """Return how many sentences a page of so many words deserves: none below 40, then one to three."""
    return 0 if n_words < 40 else min(MAX_SENTENCES, 1 + n_words // 120)


def _lead(number: int) -> float:
    """What a sentence gains by its place: a page says first what it is about."""
    return 0.6 / (1 + number / 2)


def _overlap(a: Sentence, b: Sentence) -> float:
    return len(a.stems & b.stems) / max(1, min(len(a.stems), len(b.stems)))
