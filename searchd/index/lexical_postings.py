"""Which documents hold a term, and how much that says about them: BM25F in arrays.

For each (term, document) the saturated term frequency ``tf / (k1 + tf)`` is computed when the index is written, with
``tf = sum over fields of boost * count / (1 - b + b * length / mean length)`` (Robertson, Zaragoza and Taylor 2004,
"Simple BM25 extension to multiple weighted fields"). A query then only adds ``idf * (k1 + 1) * saturation``.
Saturations are stored in 16 bits, documents in 32; both arrays are mapped, so only the lists that a query touches
are read from the disk.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from searchd.index.lexical_terms import open_array, save_array

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Docs = npt.NDArray[np.int32]

SCALE = 65535.0  # of the stored saturations


@dataclass(frozen=True, slots=True)
class Alternative:
    """One term that may stand for a word of the query; ``number`` in the index's list of terms."""

    number: int
    weight: float


@dataclass(frozen=True, slots=True)
class Group:
    """One word of the query: the best of its alternatives counts. ``weight`` multiplies the word's idf."""

    alternatives: tuple[Alternative, ...]
    weight: float


class Posting(NamedTuple):
    """One alternative's documents, ascending, their stored saturations, and the alternative's weight."""

    docs: Docs
    saturations: npt.NDArray[np.uint16]
    weight: float


@dataclass(frozen=True, slots=True)
class Word:
    """A group looked up.

    frequency: documents that hold the most frequent alternative. factor: what a stored saturation is multiplied with.
    bound: the most that the word adds to any document's score.
    """

    postings: tuple[Posting, ...]
    frequency: int
    idf: float
    factor: float
    bound: float


class Postings:
    """Documents by term. ``docs[starts[t]:starts[t + 1]]`` hold term ``t``, in ascending order."""

    def __init__(self, folder: Path, name: str, n_docs: int, k1: float) -> None:
        self.n_docs = n_docs
        self._k1 = k1
        self._starts: Ints = open_array(folder, f"{name}.starts")  # (n_terms + 1,)
        self._docs: Docs = open_array(folder, f"{name}.docs")
        self._saturations: npt.NDArray[np.uint16] = open_array(folder, f"{name}.saturations")
        self._tops: npt.NDArray[np.uint16] = open_array(folder, f"{name}.tops")  # (n_terms,) greatest saturation

    @staticmethod
    def save(folder: Path, name: str, starts: Ints, docs: Docs, saturations: npt.NDArray[np.uint16]) -> None:
        """Write the arrays that ``__init__`` maps. Every term has a document."""
        save_array(folder, f"{name}.starts", starts)
        save_array(folder, f"{name}.docs", docs)
        save_array(folder, f"{name}.saturations", saturations)
        tops = np.zeros(len(starts) - 1, dtype=np.uint16)
        held = np.flatnonzero(np.diff(starts))
        if len(held):
            tops[held] = np.maximum.reduceat(saturations, starts[held])
        save_array(folder, f"{name}.tops", tops)

    def frequency(self, term: int) -> int:
        """Number of documents that hold the term (-1 = no such term)."""
        return 0 if term < 0 else int(self._starts[term + 1] - self._starts[term])

    def docs(self, term: int) -> Docs:
        """The documents that hold the term, ascending."""
        return self._docs[self._starts[term] : self._starts[term + 1]]

    def idf(self, frequency: int) -> float:
        """Robertson and Sparck Jones with Lucene's +1, so that it is never negative."""
        return math.log1p((self.n_docs - frequency + 0.5) / (frequency + 0.5))

    def look_up(self, groups: Sequence[Group]) -> list[Word]:
        """Fetch the lists of a query's words, in order."""
        return [self._word(group) for group in groups]

    def _word(self, group: Group) -> Word:
        postings, top = [], 0.0
        for alternative in group.alternatives:
            low, high = int(self._starts[alternative.number]), int(self._starts[alternative.number + 1])
            if low < high:
                postings.append(Posting(self._docs[low:high], self._saturations[low:high], alternative.weight))
                top = max(top, float(self._tops[alternative.number]) * alternative.weight)
        frequency = max((len(posting.docs) for posting in postings), default=0)
        idf = self.idf(frequency)
        factor = idf * group.weight * (self._k1 + 1) / SCALE
        return Word(tuple(postings), frequency, idf, factor, factor * top)

    def best(self, words: Sequence[Word], k: int, allowed: npt.NDArray[np.bool_] | None = None) -> tuple[Ints, Floats]:
        """Return (documents, scores) of the k best that hold a word, best first, ties by number.

        MaxScore (Turtle and Flood 1995): words are added from the most telling to the least; once the k-th best so far
        is out of reach for documents not seen yet, the lists of the remaining, frequent words are only looked into.
        """
        order = sorted((word for word in words if word.postings), key=lambda word: -word.bound)
        scores = np.zeros(self.n_docs, dtype=np.float32)
        seen: list[Docs] = []
        threshold, rest = 0.0, sum(word.bound for word in order)
        while order and threshold < rest:
            word = order.pop(0)
            docs = _add(word, scores, allowed)
            seen.append(docs)
            rest -= word.bound
            if order and len(docs) >= k:
                threshold = max(threshold, _kth(scores[docs], k))
        docs = _merged(seen, scores, max(threshold - rest, 0.0) * _SLACK)
        values = scores[docs]
        if order:
            values = values + self.contributions(order, docs).sum(axis=1)
        if len(docs) > k:
            kept = values >= _kth(values, k)
            docs, values = docs[kept], values[kept]
        ranked = np.lexsort((docs, -values))[:k]
        return docs[ranked].astype(np.int64), values[ranked]

    def contributions(self, words: Sequence[Word], docs: Ints | Docs) -> Floats:
        """What each word adds to each document's score: (len(docs), len(words)) float32; ``docs`` ascending."""
        matrix = np.zeros((len(words), len(docs)), dtype=np.float32)
        if not len(docs):
            return matrix.T
        wanted = docs.astype(np.int32)
        for row, word in zip(matrix, words, strict=True):
            for posting in word.postings:
                at = posting.docs.searchsorted(wanted)
                found = posting.docs.take(at, mode="clip") == wanted
                values = posting.saturations.take(at, mode="clip") * found
                np.maximum(row, values * np.float32(word.factor * posting.weight), out=row)
        return matrix.T


_SLACK = 1 - 1e-5  # float32 sums differ in their last digits with the order of their terms


def _kth(values: Floats, k: int) -> float:
    """The k-th greatest value."""
    at = len(values) - k
    return float(np.partition(values, at)[at])


def _merged(lists: Sequence[Docs], scores: Floats, least: float) -> Docs:
    """The documents of all lists whose score is at least ``least``, ascending, each once."""
    if not lists:
        return np.zeros(0, dtype=np.int32)
    docs = np.concatenate([docs[scores[docs] >= least] for docs in lists] if least > 0 else lists)
    docs.sort()
    return docs[np.concatenate(([True], docs[1:] != docs[:-1]))] if len(docs) else docs


def _add(word: Word, scores: Floats, allowed: npt.NDArray[np.bool_] | None) -> Docs:
    """Add one word's contributions to ``scores``; return the documents that hold it."""
    if len(word.postings) == 1:
        docs, saturations, weight = word.postings[0]
        values = saturations * np.float32(word.factor * weight)
    else:
        docs, values = _best_alternative(word)
    if allowed is not None:
        keep = allowed[docs]
        docs, values = docs[keep], values[keep]
    scores[docs] += values
    return docs


def _best_alternative(word: Word) -> tuple[Docs, Floats]:
    docs = np.concatenate([posting.docs for posting in word.postings])
    values = np.concatenate([p.saturations * np.float32(word.factor * p.weight) for p in word.postings])
    order = np.argsort(docs, kind="stable")
    docs, values = docs[order], values[order]
    starts = np.flatnonzero(np.concatenate(([True], docs[1:] != docs[:-1])))
    return docs[starts], np.maximum.reduceat(values, starts)
