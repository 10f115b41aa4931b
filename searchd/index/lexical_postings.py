"""Which documents hold a term, and how much that says about them: BM25F in arrays.

For each (term, document) the saturated term frequency ``tf / (k1 + tf)`` is computed when the index is written, with
``tf = sum over fields of boost * count / (1 - b + b * length / mean length)`` (Robertson, Zaragoza and Taylor 2004,
"Simple BM25 extension to multiple weighted fields"). A query then only adds ``idf * (k1 + 1) * saturation``.
Saturations are stored in 16 bits, documents in 32; both arrays are mapped, so only the lists that a query touches
are read from the disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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


class Postings:
    """Documents by term. ``docs[starts[t]:starts[t + 1]]`` hold term ``t``, in ascending order."""

    def __init__(self, folder: Path, name: str, n_docs: int, k1: float) -> None:
        self.n_docs = n_docs
        self._k1 = k1
        self._starts = open_array(folder, f"{name}.starts")  # (n_terms + 1,) int64
        self._docs: Docs = open_array(folder, f"{name}.docs")
        self._saturations: npt.NDArray[np.uint16] = open_array(folder, f"{name}.saturations")

    @staticmethod
    def save(folder: Path, name: str, starts: Ints, docs: Docs, saturations: npt.NDArray[np.uint16]) -> None:
        """Write the three arrays that ``__init__`` maps."""
        save_array(folder, f"{name}.starts", starts)
        save_array(folder, f"{name}.docs", docs)
        save_array(folder, f"{name}.saturations", saturations)

    def frequency(self, term: int) -> int:
        """Number of documents that hold the term (-1 = no such term)."""
        return 0 if term < 0 else int(self._starts[term + 1] - self._starts[term])

    def docs(self, term: int) -> Docs:
        """The documents that hold the term, ascending."""
        return self._docs[self._starts[term] : self._starts[term + 1]]

    def group_frequency(self, group: Group) -> int:
        """Documents that hold the most frequent of a word's alternatives (at full weight)."""
        return max((self.frequency(alt.number) for alt in group.alternatives), default=0)

    def idf(self, frequency: int) -> float:
        """Robertson and Sparck Jones with Lucene's +1, so that it is never negative."""
        return float(np.log1p((self.n_docs - frequency + 0.5) / (frequency + 0.5)))

    def _list(self, term: int) -> tuple[Docs, npt.NDArray[np.uint16]]:
        span = slice(int(self._starts[term]), int(self._starts[term + 1]))
        return self._docs[span], self._saturations[span]

    def contributions(self, groups: Sequence[Group], docs: Ints) -> Floats:
        """What each word adds to each document's score: (len(docs), len(groups)) float32; ``docs`` ascending."""
        matrix = np.zeros((len(docs), len(groups)), dtype=np.float32)
        if not len(docs):
            return matrix
        wanted = docs.astype(np.int32)
        for column, group in enumerate(groups):
            factor = self._factor(group)
            for alternative in group.alternatives:
                listed, saturations = self._list(alternative.number)
                if len(listed):
                    at = np.minimum(np.searchsorted(listed, wanted), len(listed) - 1)
                    found = listed[at] == wanted
                    values = saturations[at] * np.float32(factor * alternative.weight)
                    np.maximum(matrix[:, column], np.where(found, values, 0), out=matrix[:, column])
        return matrix

    def _factor(self, group: Group) -> float:
        return self.idf(self.group_frequency(group)) * group.weight * (self._k1 + 1) / SCALE

    def candidates(self, groups: Sequence[Group], k: int, allowed: npt.NDArray[np.bool_] | None = None) -> Ints:
        """Documents that contain the k best of all, ascending; more than k, at most all that hold a word.

        MaxScore (Turtle and Flood 1995): words are added from the most telling to the least; once the k-th best so far
        is out of reach for documents not seen yet, the lists of the remaining, frequent words are not read at all.
        """
        order = sorted(groups, key=self._factor, reverse=True)
        bounds = [
            self._factor(group) * SCALE * max((a.weight for a in group.alternatives), default=0) for group in order
        ]
        scores = np.zeros(self.n_docs, dtype=np.float32)
        seen: list[Docs] = []
        threshold, rest = 0.0, sum(bounds)
        for group, bound in zip(order, bounds, strict=True):
            if threshold >= rest:
                break
            docs = self._add(group, scores, allowed)
            seen.append(docs)
            rest -= bound
            if len(docs) >= k:
                values = scores[docs]
                threshold = max(threshold, float(np.partition(values, len(values) - k)[len(values) - k]))
        kept = [docs[scores[docs] >= threshold - rest] for docs in seen]
        return np.unique(np.concatenate(kept)).astype(np.int64) if kept else np.zeros(0, dtype=np.int64)

    def _add(self, group: Group, scores: Floats, allowed: npt.NDArray[np.bool_] | None) -> Docs:
        """Add one word's contributions to ``scores``; return the documents that hold it."""
        factor = self._factor(group)
        if len(group.alternatives) == 1:
            only = group.alternatives[0]
            docs, saturations = self._list(only.number)
            values = saturations * np.float32(factor * only.weight)
        else:
            docs, values = self._best_alternative(group, factor)
        if allowed is not None:
            keep = allowed[docs]
            docs, values = docs[keep], values[keep]
        scores[docs] += values
        return docs

    def _best_alternative(self, group: Group, factor: float) -> tuple[Docs, Floats]:
        lists = [(*self._list(alt.number), np.float32(factor * alt.weight)) for alt in group.alternatives]
        if not lists:
            return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
        docs = np.concatenate([listed for listed, _, _ in lists])
        values = np.concatenate([saturations * weight for _, saturations, weight in lists])
        order = np.argsort(docs, kind="stable")
        docs, values = docs[order], values[order]
        starts = np.flatnonzero(np.r_[True, docs[1:] != docs[:-1]]) if len(docs) else np.zeros(0, dtype=np.int64)
        return docs[starts], np.maximum.reduceat(values, starts) if len(docs) else values
