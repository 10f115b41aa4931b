"""Lists of words in memory-mapped arrays: by number, and sorted ones by word and by prefix.

``<name>.blob.npy`` holds the words' UTF-8 one after another, ``<name>.ends.npy`` (int64) where each ends. A sorted
list's words are numbered in the order of their bytes; ``<name>.slots.npy`` (uint32) is a hash table of them, open
addressing with linear probing (Knuth, TAOCP 3, 6.4): one more than the number of the word in a slot, 0 in an empty one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

_FENCE = 64  # every so many words one is kept in memory, where the search for a place begins
_ROOM = 4  # slots of the table for each word, at least


def save_array(folder: Path, name: str, array: npt.NDArray[Any]) -> None:
    """Write ``<name>.npy``, never pickled."""
    np.save(folder / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)


def open_array(folder: Path, name: str) -> npt.NDArray[Any]:
    """Map ``<name>.npy`` read-only; a plain ndarray, because slicing an ``np.memmap`` costs microseconds."""
    path = folder / f"{name}.npy"
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    return np.asarray(mapped).view(np.ndarray)


class Words:
    """See the module. Usable as the sequence of its words' bytes."""

    def __init__(self, folder: Path, name: str) -> None:
        # memoryviews, because indexing an array makes a NumPy scalar each time
        self._ends = open_array(folder, f"{name}.ends").data
        self._blob = open_array(folder, f"{name}.blob").data

    @staticmethod
    def save(folder: Path, name: str, words: Sequence[str]) -> None:
        """Write words, in this order."""
        encoded = [word.encode() for word in words]
        save_array(folder, f"{name}.ends", np.cumsum([len(word) for word in encoded], dtype=np.int64))
        save_array(folder, f"{name}.blob", np.frombuffer(b"".join(encoded), dtype=np.uint8))

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, number: int) -> bytes:
        return bytes(self._blob[self._ends[number - 1] if number else 0 : self._ends[number]])

    def word(self, number: int) -> str:
        """The word with this number."""
        return self[number].decode()


class SortedWords(Words):
    """Words that are sorted by their UTF-8 bytes and distinct."""

    def __init__(self, folder: Path, name: str) -> None:
        super().__init__(folder, name)
        self._slots = open_array(folder, f"{name}.slots").data
        self._fences = [self[number] for number in range(0, len(self), _FENCE)]

    @staticmethod
    def save(folder: Path, name: str, words: Sequence[str]) -> None:
        """Write words that are sorted and distinct."""
        Words.save(folder, name, words)
        save_array(folder, f"{name}.slots", _table([word.encode() for word in words]))

    def number(self, word: str) -> int:
        """The word's number, -1 when it is not in the list."""
        key = word.encode()
        last = len(self._slots) - 1
        slot = crc32(key) & last
        while held := self._slots[slot]:
            if self[held - 1] == key:
                return held - 1
            slot = (slot + 1) & last
        return -1

    def prefix_range(self, prefix: str) -> tuple[int, int]:
        """Numbers [low, high) of the words that start with ``prefix``."""
        key = prefix.encode()
        return self._place(key), self._place(key + b"\xff")

    def _place(self, key: bytes) -> int:
        """Where ``key`` stands or would stand."""
        fence = bisect_left(self._fences, key)
        low, high = max(0, (fence - 1) * _FENCE), min(len(self), fence * _FENCE)
        return bisect_left(self, key, low, high)


def _table(keys: Sequence[bytes]) -> npt.NDArray[np.uint32]:
    """(a power of two,) the slots for these words."""
    slots = [0] * (1 << (_ROOM * len(keys)).bit_length())
    for number, key in enumerate(keys, start=1):
        slot = crc32(key) & (len(slots) - 1)
        while slots[slot]:
            slot = (slot + 1) & (len(slots) - 1)
        slots[slot] = number
    return np.array(slots, np.uint32)
