"""How far two words are apart, and a cheap look that rules most pairs out."""

from __future__ import annotations

import zlib


def edit_distance(a: str, b: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours between two words; ``limit + 1`` when more.

    Optimal string alignment (Damerau 1964): no part is edited twice.
    """
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    a, b = _core(a, b)
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        below = [i]
        for j, right in enumerate(b, 1):
            cost = min(row[j] + 1, below[j - 1] + 1, row[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, before[j - 2] + 1)
            below.append(cost)
        if min(below) > limit:
            return limit + 1
        before, row = row, below
    return min(row[-1], limit + 1)


def signatures(word: str) -> tuple[int, int]:
    """Two sets of 64 as bits: the word's letters, and its pairs of neighbouring letters."""
    letters = pairs = 0
    for char in word:
        letters |= 1 << (ord(char) & 63)
    for at in range(len(word) - 1):
        pairs |= 1 << (zlib.crc32(word[at : at + 2].encode()) & 63)
    return letters, pairs


def _core(a: str, b: str) -> tuple[str, str]:
    """Both words without what they begin and end with alike, which no shortest way of edits touches."""
    shorter = min(len(a), len(b))
    start = 0
    while start < shorter and a[start] == b[start]:
        start += 1
    end = 0
    while end < shorter - start and a[-1 - end] == b[-1 - end]:
        end += 1
    return a[start : len(a) - end], b[start : len(b) - end]
