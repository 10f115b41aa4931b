"""Pages that only gather other pages: a manual on one page, a print version of a book, an archive of whole posts.

Each of their passages stands on a page of its own, whose link is the better answer. Containment is estimated from
samples of word shingles chosen by their hash, so that of two texts with the same shingle both remember it or neither
does (Broder 1997, "On the resemblance and containment of documents").
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint32]

_ONE_OF = 8  # shingles is remembered
_PARTS = 3  # at least; a page within one other page may be a short version of it
_LARGEST_PART = 0.5  # of the page: beyond that it is a longer version of that part
_INSIDE = 0.8  # of a part that the page holds; what surrounds a part differs
_COMMON = 64  # pages that hold a shingle, beyond which it tells nothing


def sample(shingles: Hashes) -> Hashes:
    """Choose what is remembered of a text's shingles: (n,) hashes -> sorted, each once."""
    return np.unique(shingles[shingles % _ONE_OF == 0])


def gathered(samples: Mapping[str, Hashes], covered: float) -> dict[str, str]:
    """Return url -> url of its largest part, for each page of whose text other pages hold this share or more."""
    urls, remembered = list(samples), list(samples.values())
    holders: dict[int, list[int]] = defaultdict(list)
    for number, values in enumerate(remembered):
        for value in values.tolist():
            holders[value].append(number)
    found = {}
    for number, values in enumerate(remembered):
        parts = _parts(values, remembered, holders)
        if len(parts) >= _PARTS:
            held = np.isin(values, np.concatenate([remembered[part] for part in parts])).mean()
            if held >= covered:
                found[urls[number]] = min((-len(remembered[part]), urls[part]) for part in parts)[1]
    return found


def _parts(values: Hashes, remembered: Sequence[Hashes], holders: Mapping[int, Sequence[int]]) -> list[int]:
    """Numbers of the pages that stand in the page with these samples, nearly whole."""
    shared: Counter[int] = Counter()
    for value in values.tolist():
        if len(holders[value]) <= _COMMON:
            shared.update(holders[value])
    most = _LARGEST_PART * len(values)
    sizes = {other: len(remembered[other]) for other in shared}
    return [other for other, count in shared.items() if sizes[other] <= most and count >= _INSIDE * sizes[other]]
