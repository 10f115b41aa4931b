"""The loops over inverted lists as compiled code (``lists.c``), where there is a C compiler."""

from __future__ import annotations

import ctypes
import struct
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from searchd.compiled.build import Source, library_or_none

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

# a fused product and sum would round once less than NumPy does
LISTS = Source(
    Path(__file__).with_name("lists.c"),
    "the code for word lists",
    ("echolot_best", "echolot_scores"),
    ("-ffp-contract=off",),
)
_BLOCK = 8192  # as in lists.c
_BYTES = 8  # that places in the room are counted in
_LIST = struct.Struct("qqd")  # as in lists.c


class Span(NamedTuple):
    """One list: ``[low, high)`` of the arrays, and what its stored saturations are multiplied with."""

    low: int
    high: int
    factor: float


class CompiledLists:
    """Two mapped arrays of lists, read by compiled code. Any number of threads may call at once."""

    def __init__(self, library: ctypes.CDLL, docs: npt.NDArray[np.int32], saturations: npt.NDArray[np.uint16]) -> None:
        pointer, size = ctypes.c_void_p, ctypes.c_size_t
        self._best, self._scores = library.echolot_best, library.echolot_scores
        query = (pointer, pointer, pointer, pointer, size)
        self._best.argtypes = (*query, size, size, pointer, ctypes.c_float, pointer, pointer, pointer)
        self._best.restype = ctypes.c_int64
        self._scores.argtypes, self._scores.restype = (*query, pointer, size, *[pointer] * 4), None
        self._arrays = docs, saturations  # they own the memory
        self._docs, self._saturations = docs.ctypes.data, saturations.ctypes.data

    @classmethod
    def of(cls, docs: npt.NDArray[np.int32], saturations: npt.NDArray[np.uint16]) -> CompiledLists | None:
        """None, with a line in the log, where nothing can be compiled."""
        library = library_or_none(LISTS)
        return None if library is None else cls(library, docs, saturations)

    def best(
        self,
        words: Sequence[Sequence[Span]],
        documents: int,
        k: int,
        least: float,
        allowed: npt.NDArray[np.bool_] | None,
    ) -> tuple[Ints, Floats]:
        """Return (documents, scores) of the k best that reach ``least``, best first, ties by number.

        words: the lists of each, of which the greatest value counts; values are added in this order.
        """
        k = max(1, min(k, documents))
        half = (k + 1) // 2  # of a word for each float
        room = np.empty(2 * k + half + sum(map(len, words)) + _BLOCK // 2, dtype=np.int64)
        start = room.ctypes.data
        scores, work = start + _BYTES * k, start + _BYTES * (k + half)
        mask = None if allowed is None else np.ascontiguousarray(allowed)
        address = None if mask is None else mask.ctypes.data
        found = self._best(*self._query(words), documents, k, address, least, work, start, scores)
        return room[:found], room[k : k + half].view(np.float32)[:found]

    def scores(self, words: Sequence[Sequence[Span]], worth: Floats, docs: Ints) -> tuple[Floats, Floats]:
        """Scores of any documents, (len(docs),) float32, and what the words that each holds are worth together.

        worth: (len(words),) float32.
        """
        wanted = np.ascontiguousarray(docs, dtype=np.int64)
        n = len(wanted)
        room = np.zeros((3, n), dtype=np.float32)
        start, row = room.ctypes.data, room.itemsize * n
        places = start, start + row, start + 2 * row
        self._scores(*self._query(words), wanted.ctypes.data, n, worth.ctypes.data, *places)
        return room[1], room[2]

    def _query(self, words: Sequence[Sequence[Span]]) -> tuple[int, int, bytes, bytes, int]:
        """The arguments that both functions begin with."""
        lists = b"".join([_LIST.pack(*span) for word in words for span in word])
        counts = array("q", [len(word) for word in words]).tobytes()
        return self._docs, self._saturations, lists, counts, len(words)
