"""Extractive summaries: the sentences nearest to the page's own centre, verbatim and in their order.

Counting (TF-IDF centroid, Radev et al. 2004) and the page's passage vectors, which exist anyway, choose a few
sentences; only those get vectors of their own, as far as the page's budget goes. Beside nearness counts what a page
says first and what takes up its title's words (Edmundson 1969, "New methods in automatic extracting").
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from searchd.index.stores import Floats
from searchd.text.analysis import stems
from searchd.text.sentences import spans

MAX_SENTENCES = 3
MAX_PAGE_SENTENCES = 400  # of a page that are looked at
_WORDS = (6, 45)  # of a sentence that can stand in a summary
_CELLS = " | "  # stands between the cells of a table's row
_PROSE = re.compile(r"[.!?…。！？][\"'”’»“)\]]*\Z")
_COUNTED, _NEAR, _LEAD, _TITLED = 0.4, 0.6, 0.8, 0.5  # what each is worth
_DIVERSITY = 0.35


class Sentence(NamedTuple):
    """A sentence of a page, with the passage it stands in and its stems."""

    text: str
    passage: int
    stems: frozenset[str]


def sentences(texts: Sequence[str], lang: str) -> list[Sentence]:
    """Return the prose sentences of a page's passages, in order, each once."""
    found: dict[str, Sentence] = {}
    for number, text in enumerate(texts):
        for start, end in spans(text, lang):
            sentence = text[start:end]
            if sentence not in found and is_prose(sentence):
                found[sentence] = Sentence(sentence, number, stems(sentence, lang))
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
    found: Sequence[Sentence], idf: Callable[[str], float], near: Floats, limit: int
) -> list[tuple[int, float]]:
    """Return (number, score) of the ``limit`` sentences nearest to the centre by counting, best first.

    near: (n_passages,) float32, the nearness of the page's passages to its centre, from 0 to 1.
    """
    if not found:
        return []
    counts = Counter(stem for sentence in found for stem in sentence.stems)
    weight = {stem: math.log1p(count) * idf(stem) for stem, count in counts.items()}
    scores = []
    for number, sentence in enumerate(found):
        told = sum(weight[stem] for stem in sentence.stems) / (10 + len(sentence.stems))
        scores.append(told * (0.5 + float(near[sentence.passage])) * (1.0 + 2 * _lead(number)))
    best = max(scores) or 1.0
    ranked = sorted(range(len(found)), key=lambda number: (-scores[number], number))
    return [(number, scores[number] / best) for number in ranked[:limit]]


def choose(
    found: Sequence[Sentence],
    short: Sequence[tuple[int, float]],
    near: Floats,
    title: frozenset[str],
    idf: Callable[[str], float],
    limit: int,
) -> tuple[str, ...]:
    """Return at most ``limit`` sentences of the short list, diverse, in the page's order.

    near: (len(short),) float32, nearness to the centre, from 0 to 1. title: its stems.
    """
    told = sum(map(idf, title)) or 1.0
    score = np.array(
        [
            _COUNTED * counted
            + _NEAR * float(near[at])
            + _LEAD * _lead(number)
            + _TITLED * sum(map(idf, found[number].stems & title)) / told
            for at, (number, counted) in enumerate(short)
        ],
        dtype=np.float32,
    )
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
    """What a sentence gains by its place, 1 for the first: a page says first what it is about."""
    return 1 / (1 + number)


def _overlap(a: Sentence, b: Sentence) -> float:
    return len(a.stems & b.stems) / max(1, min(len(a.stems), len(b.stems)))
