"""Compounds against a site's own vocabulary: "datenschutzerklarung" -> "datenschutz", "erklarung".

No dictionary ships with us: a word is parted only where both parts stand alone somewhere on the site, which is also
the only case in which it helps. Of several ways take the fewest parts, of these the most frequent ones by their
geometric mean, and the word itself if it is more frequent than that (Koehn and Knight 2003, "Empirical Methods for
Compound Splitting").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

#: Languages that write compounds as one word.
COMPOUNDING = frozenset({"de", "nl", "da", "no", "sv", "fi", "is", "hu", "et"})
#: What German, Dutch and Scandinavian put between the parts.
_LINKS = ("", "s", "es", "n", "en", "er", "e")
_MAX_PARTS = 4


def split(word: str, frequency: Callable[[str], int], min_part: int = 4) -> tuple[str, ...]:
    """Return the parts of a folded word, or () when it is better left whole.

    min_part: letters that a part has at least. frequency: pages that hold a folded word; 0 = none.
    """
    if len(word) < 2 * min_part or not word.isalpha():
        return ()
    ways = [parts for parts in _ways(word, frequency, min_part, _MAX_PARTS) if len(parts) > 1]
    best = max(ways, key=lambda parts: (-len(parts), _mean(parts, frequency)), default=())
    return best if best and _mean(best, frequency) >= frequency(word) else ()


def _mean(parts: Sequence[str], frequency: Callable[[str], int]) -> float:
    return math.exp(sum(math.log(frequency(part)) for part in parts) / len(parts))


def _ways(word: str, frequency: Callable[[str], int], least: int, parts_left: int) -> Iterator[tuple[str, ...]]:
    if len(word) >= least and frequency(word) > 0:
        yield (word,)
    if parts_left == 1:
        return
    for cut in range(least, len(word) - least + 1):
        head = word[:cut]
        for link in _LINKS:
            part = head[: len(head) - len(link)] if head.endswith(link) else ""
            if len(part) >= least and frequency(part) > 0:
                for rest in _ways(word[cut:], frequency, least, parts_left - 1):
                    yield (part, *rest)
                break
