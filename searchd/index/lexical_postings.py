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

from searchd.arrays import begins
from searchd.index.lexical_terms import open_array, save_array

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Docs = npt.NDArray[np.int32]

SCALE = 65535.0  # of the stored saturations
SURE = 128  # how many documents reach at least a term's "sure" saturation
_LOOK_UP = 16  # entries of a list that are read in the time that one document is looked up
_SHORT = 1024  # entries of a list that are read in the time of a few NumPy calls
_LONG = 65_536  # entries of a list that are added in less time than it takes to find out whether they must be
_SLACK = 1 - 1e-5  # float32 sums differ in their last digits with the order of their terms


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
    bound: the most that the word adds to any document's score. sure: the least that it adds to ``SURE`` of them.
    """

    postings: tuple[Posting, ...]
    frequency: int
    idf: float
    factor: float
    bound: float
    sure: float


class Postings:
    """Documents by term. ``docs[starts[t]:starts[t + 1]]`` hold term ``t``, in ascending order."""

    def __init__(self, folder: Path, name: str, n_docs: int, k1: float) -> None:
        self.n_docs = n_docs
        self._k1 = k1
        self._docs: Docs = open_array(folder, f"{name}.docs")
        self._saturations: npt.NDArray[np.uint16] = open_array(folder, f"{name}.saturations")
        # memoryviews, because indexing an array makes a NumPy scalar each time
        self._starts = open_array(folder, f"{name}.starts").data  # (n_terms + 1,) int64
        self._tops = open_array(folder, f"{name}.tops").data  # (n_terms,) uint16, greatest saturation
        self._sure = open_array(folder, f"{name}.sure").data  # (n_terms,) uint16, the SURE-th greatest

    @staticmethod
    def save(folder: Path, name: str, starts: Ints, docs: Docs, saturations: npt.NDArray[np.uint16]) -> None:
        """Write the arrays that ``__init__`` maps."""
        save_array(folder, f"{name}.starts", starts)
        save_array(folder, f"{name}.docs", docs)
        save_array(folder, f"{name}.saturations", saturations)
        tops = np.zeros(len(starts) - 1, dtype=np.uint16)
        held = np.flatnonzero(np.diff(starts))
        if len(held):
            tops[held] = np.maximum.reduceat(saturations, starts[held])
        save_array(folder, f"{name}.tops", tops)
        sure = np.zeros(len(starts) - 1, dtype=np.uint16)
        for term in np.flatnonzero(np.diff(starts) >= SURE).tolist():
            sure[term] = _kth(saturations[starts[term] : starts[term + 1]], SURE)
        save_array(folder, f"{name}.sure", sure)

    def frequency(self, term: int) -> int:
        """Number of documents that hold the term (-1 = no such term)."""
        return 0 if term < 0 else self._starts[term + 1] - self._starts[term]

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
        postings, top, sure = [], 0.0, 0.0
        for alternative in group.alternatives:
            low, high = self._starts[alternative.number], self._starts[alternative.number + 1]
            if low < high:
                postings.append(Posting(self._docs[low:high], self._saturations[low:high], alternative.weight))
                top = max(top, self._tops[alternative.number] * alternative.weight)
                sure = max(sure, self._sure[alternative.number] * alternative.weight)
        frequency = max((len(posting.docs) for posting in postings), default=0)
        idf = self.idf(frequency)
        factor = idf * group.weight * (self._k1 + 1) / SCALE
        return Word(tuple(postings), frequency, idf, factor, factor * top, factor * sure)

    def best(self, words: Sequence[Word], k: int, allowed: npt.NDArray[np.bool_] | None = None) -> tuple[Ints, Floats]:
        """Return (documents, scores) of the k best that hold a word, best first, ties by number.

        Term at a time, the most telling word first. A very long list is not read but looked into (MaxScore: Turtle
        and Flood 1995) once the documents that it and all later words could still lift to the k-th best are few.
        """
        order = sorted((word for word in words if word.postings), key=lambda word: -word.bound)
        scores = np.zeros(self.n_docs, dtype=np.float32)
        least = max((word.sure for word in order), default=0.0) * _SLACK if allowed is None and k <= SURE else 0.0
        rest = sum(word.bound for word in order)
        for word in order:
            known = None
            if word.frequency > _LONG:
                least = max(least, _least(scores, k, least - rest, allowed))
                known = _reaching(scores, least - rest, allowed) if least > rest else None
            if known is not None and len(known) * _LOOK_UP < word.frequency:
                scores[known] += self.contributions([word], known)[:, 0]
            else:
                docs, values = _values(word)
                np.add.at(scores, docs, values)
            rest -= word.bound
        found = _reaching(scores, least, allowed)
        reached = scores.take(found, mode="clip")
        if len(found) > k:
            kept = np.flatnonzero(reached >= _kth(reached, k))
            found, reached = found[kept], reached[kept]
        ranked = np.lexsort((found, -reached))[:k]
        return found[ranked], reached[ranked]

    def contributions(self, words: Sequence[Word], docs: Ints | Docs) -> Floats:
        """What each word adds to each document's score: (len(docs), len(words)) float32; ``docs`` ascending.

        Documents are looked up in long lists; the entries of all short lists are looked up among the documents.
        """
        matrix = np.zeros((len(words), len(docs)), dtype=np.float32)
        if not len(docs):
            return matrix.T
        wanted = docs.astype(np.int32)
        short: list[tuple[int, Posting]] = []
        for number, word in enumerate(words):
            for posting in word.postings:
                if len(posting.docs) <= _SHORT:
                    short.append((number, posting))
                    continue
                at = posting.docs.searchsorted(wanted)
                found = posting.docs.take(at, mode="clip") == wanted
                values = posting.saturations.take(at, mode="clip") * found
                np.maximum(matrix[number], values * np.float32(word.factor * posting.weight), out=matrix[number])
        if short:
            _fill(matrix, words, short, wanted)
        return matrix.T


def _fill(matrix: Floats, words: Sequence[Word], short: Sequence[tuple[int, Posting]], wanted: Docs) -> None:
    """Enter what short lists add: matrix (words, len(wanted)), ``wanted`` ascending."""
    held = np.concatenate([posting.docs for _, posting in short])
    at = wanted.searchsorted(held)
    hits = (wanted.take(at, mode="clip") == held).nonzero()[0]
    lengths = [len(posting.docs) for _, posting in short]
    factors = np.array([words[number].factor * posting.weight for number, posting in short], np.float32)
    values = (np.concatenate([posting.saturations for _, posting in short]) * factors.repeat(lengths))[hits]
    rows = np.array([number for number, _ in short]).repeat(lengths)[hits]
    np.maximum.at(matrix, (rows, at[hits]), values)


def _kth(values: Floats | npt.NDArray[np.uint16], k: int) -> float:
    """The k-th greatest value."""
    at = len(values) - k
    return float(np.partition(values, at)[at])


def _reaching(scores: Floats, least: float, allowed: npt.NDArray[np.bool_] | None) -> Ints:
    """The documents whose score is at least ``least``, and not 0."""
    reached = scores >= np.float32(least) if least > 0 else scores > 0
    return np.flatnonzero(reached if allowed is None else reached & allowed)


def _least(scores: Floats, k: int, least: float, allowed: npt.NDArray[np.bool_] | None) -> float:
    """The k-th greatest score, 0 when fewer documents than k reach ``least``."""
    found = _reaching(scores, least, allowed)
    return _kth(scores.take(found, mode="clip"), k) * _SLACK if len(found) >= k else 0.0


def _values(word: Word) -> tuple[Docs, Floats]:
    """What a word adds, each document once, in no order, with the best of its alternatives."""
    if len(word.postings) == 1:
        docs, saturations, weight = word.postings[0]
        return docs, saturations * np.float32(word.factor * weight)
    longest, *others = sorted(word.postings, key=lambda posting: -len(posting.docs))
    docs, values = longest.docs, longest.saturations * np.float32(word.factor * longest.weight)
    more = np.concatenate([posting.docs for posting in others])
    adds = np.concatenate([posting.saturations * np.float32(word.factor * posting.weight) for posting in others])
    if len(others) > 1:
        order = np.argsort(more, kind="stable")
        more, adds = more[order], adds[order]
        starts = np.flatnonzero(begins(more))
        more, adds = more[starts], np.maximum.reduceat(adds, starts)
    at = docs.searchsorted(more)
    both = docs.take(at, mode="clip") == more
    inside = at[both]
    values[inside] = np.maximum(values[inside], adds[both])
    return np.concatenate((docs, more[~both])), np.concatenate((values, adds[~both]))
