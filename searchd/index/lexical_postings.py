"""Which documents hold a term, and how much that says about them: BM25F in arrays.

For each (term, document) the saturated term frequency ``tf / (k1 + tf)`` is computed when the index is written, with
``tf = sum over fields of boost * count / (1 - b + b * length / mean length)`` (Robertson, Zaragoza and Taylor 2004,
"Simple BM25 extension to multiple weighted fields"). A query then only adds ``idf * (k1 + 1) * saturation``.
Saturations are stored in 16 bits, documents in 32; both arrays are mapped, so only the lists that a query touches
are read from the disk. What reads them is compiled where that can be (``searchd.index.lists``), else NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from searchd.arrays import begins
from searchd.index.lexical_terms import open_array, save_array
from searchd.index.lists import CompiledLists, Span

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


@dataclass(frozen=True, slots=True)
class Word:
    """A group looked up.

    lists: of the alternatives that some document holds. frequency: documents that hold the most frequent of them.
    bound: the most that the word adds to any document's score. sure: the least that it adds to ``SURE`` of them.
    """

    lists: tuple[Span, ...]
    frequency: int
    idf: float
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
        self.compiled = CompiledLists.of(self._docs, self._saturations)  # None: NumPy computes

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
        found, top, sure, frequency = [], 0.0, 0.0, 0
        for alternative in group.alternatives:
            low, high = self._starts[alternative.number], self._starts[alternative.number + 1]
            if low < high:
                found.append((low, high, alternative.weight))
                frequency = max(frequency, high - low)
                top = max(top, self._tops[alternative.number] * alternative.weight)
                sure = max(sure, self._sure[alternative.number] * alternative.weight)
        idf = self.idf(frequency)
        factor = idf * group.weight * (self._k1 + 1) / SCALE
        lists = tuple(Span(low, high, factor * weight) for low, high, weight in found)
        return Word(lists, frequency, idf, factor * top, factor * sure)

    def best(self, words: Sequence[Word], k: int, allowed: npt.NDArray[np.bool_] | None = None) -> tuple[Ints, Floats]:
        """Return (documents, scores) of the k best that hold a word, best first, ties by number.

        Values are added from the most telling word to the least. Compiled code adds all of them. NumPy, term at a time,
        does not read a very long list but looks into it (MaxScore: Turtle and Flood 1995) once the documents that it
        and all later words could still lift to the k-th best are few.
        """
        order = sorted((word for word in words if word.lists), key=lambda word: -word.bound)
        least = max((word.sure for word in order), default=0.0) * _SLACK if allowed is None and k <= SURE else 0.0
        if self.compiled is not None:
            return self.compiled.best([word.lists for word in order], self.n_docs, k, least, allowed)
        scores = np.zeros(self.n_docs, dtype=np.float32)
        rest = sum(word.bound for word in order)
        for word in order:
            known = None
            if word.frequency > _LONG:
                least = max(least, _least(scores, k, least - rest, allowed))
                known = _reaching(scores, least - rest, allowed) if least > rest else None
            if known is not None and len(known) * _LOOK_UP < word.frequency:
                scores[known] += self._contributions([word], known)[0]
            else:
                docs, values = self._values(word)
                np.add.at(scores, docs, values)
            rest -= word.bound
        found = _reaching(scores, least, allowed)
        reached = scores.take(found, mode="clip")
        if len(found) > k:
            kept = np.flatnonzero(reached >= _kth(reached, k))
            found, reached = found[kept], reached[kept]
        ranked = np.lexsort((found, -reached))[:k]
        return found[ranked], reached[ranked]

    def scores(self, words: Sequence[Word], worth: Floats, docs: Ints) -> tuple[Floats, Floats]:
        """Scores of any documents, found or not, and the sum of what the words that each holds are worth.

        worth: (len(words),) float32. Both are (len(docs),) float32, in the order of ``docs``.
        """
        if self.compiled is not None:
            return self.compiled.scores([word.lists for word in words], worth, docs)
        order = np.argsort(docs, kind="stable")
        matrix = np.empty((len(words), len(docs)), dtype=np.float32)
        matrix[:, order] = self._contributions(words, docs[order])
        held = np.where(matrix > 0, worth[:, None], np.float32(0))
        return matrix.sum(axis=0), held.sum(axis=0)  # row by row, as the compiled code adds

    def _contributions(self, words: Sequence[Word], docs: Ints) -> Floats:
        """What each word adds to each document's score: (len(words), len(docs)) float32; ``docs`` ascending.

        Documents are looked up in long lists; the entries of all short lists are looked up among the documents.
        """
        matrix = np.zeros((len(words), len(docs)), dtype=np.float32)
        if not len(docs):
            return matrix
        wanted = docs.astype(np.int32)
        short: list[tuple[int, Span]] = []
        for number, word in enumerate(words):
            for span in word.lists:
                if span.high - span.low <= _SHORT:
                    short.append((number, span))
                    continue
                held, saturations = self._held(span)
                at = held.searchsorted(wanted)
                found = held.take(at, mode="clip") == wanted
                values = saturations.take(at, mode="clip") * found
                np.maximum(matrix[number], values * np.float32(span.factor), out=matrix[number])
        if short:
            self._fill(matrix, short, wanted)
        return matrix

    def _held(self, span: Span) -> tuple[Docs, npt.NDArray[np.uint16]]:
        """The documents of a list, ascending, and their stored saturations."""
        return self._docs[span.low : span.high], self._saturations[span.low : span.high]

    def _fill(self, matrix: Floats, short: Sequence[tuple[int, Span]], wanted: Docs) -> None:
        """Enter what short lists add: matrix (words, len(wanted)), ``wanted`` ascending."""
        docs, saturations = (
            np.concatenate(arrays) for arrays in zip(*(self._held(span) for _, span in short), strict=True)
        )
        at = wanted.searchsorted(docs)
        hits = (wanted.take(at, mode="clip") == docs).nonzero()[0]
        lengths = [span.high - span.low for _, span in short]
        factors = np.array([span.factor for _, span in short], np.float32)
        values = (saturations * factors.repeat(lengths))[hits]
        rows = np.array([number for number, _ in short]).repeat(lengths)[hits]
        np.maximum.at(matrix, (rows, at[hits]), values)

    def _values(self, word: Word) -> tuple[Docs, Floats]:
        """What a word adds, each document once, in no order, with the best of its alternatives."""
        longest, *others = sorted(word.lists, key=lambda span: span.low - span.high)
        docs, saturations = self._held(longest)
        values = saturations * np.float32(longest.factor)
        if not others:
            return docs, values
        held = [self._held(span) for span in others]
        more = np.concatenate([found for found, _ in held])
        adds = np.concatenate([of * np.float32(span.factor) for span, (_, of) in zip(others, held, strict=True)])
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
