"""A look at a page's tags before it is parsed: HTML parsers take quadratic time on some pages, and memory on others.

Measured with lexbor: 10,000 nested elements take 0.4 s and 100,000 take 40 s; so do as many attributes of one element.
Small pages cannot do much harm and are not looked at. Pure, linear, never raises.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import numpy.typing as npt

HARMLESS_BYTES: Final = 65_536
MAX_TAGS: Final = 400_000
MAX_DEPTH: Final = 3_000
MAX_ATTRIBUTES: Final = 5_000
_LONG_TAG: Final = 20_000  # bytes; shorter tags have not so many attributes
_QUOTED: Final = re.compile(rb"\"[^\"]*\"|'[^']*'")

# Elements without content, and those that parsers close by themselves, by the three bytes after "<" or "</": they do
# not make a page deep. A name of one or two letters is followed by a space, a slash or ">".
_FLAT_NAMES: Final = (
    *("are", "bas", "col", "emb", "img", "inp", "lin", "met", "opt", "sou", "tbo", "the", "tra", "wbr"),
    *(name + end for name in ("br", "hr", "li", "dt", "dd", "tr", "td", "th") for end in " >/\n\t\r"),
    *("p" + end + other for end in " >/\n\t\r" for other in map(chr, range(128))),
)


def _flat_table() -> npt.NDArray[np.bool_]:
    """(2 ** 21,) bool: whether three 7 bit characters, lower case, begin a flat name."""
    table = np.zeros(1 << 21, dtype=np.bool_)
    for name in _FLAT_NAMES:
        first, second, third = (ord(char) | 0x20 for char in name)
        table[first << 14 | second << 7 | third] = True
    return table


_FLAT: Final = _flat_table()


def too_complex(body: bytes) -> str:
    """Why a page should not be parsed, "" when it may be."""
    if len(body) <= HARMLESS_BYTES:
        return ""
    data = np.frombuffer(body + b"   ", dtype=np.uint8)  # (bytes + 3,) u8
    tags = np.flatnonzero(data[:-4] == ord("<"))  # (n,) i64, where tags begin
    if len(tags) > MAX_TAGS:
        return f"more than {MAX_TAGS} tags"
    if len(tags) > MAX_DEPTH and _depth(data, tags) > MAX_DEPTH:
        return f"more than {MAX_DEPTH} nested elements"
    ends = np.append(tags[1:], len(body))
    for tag in np.flatnonzero(ends - tags > _LONG_TAG):
        if _attributes(body[tags[tag] : ends[tag]]) > MAX_ATTRIBUTES:
            return f"an element with more than {MAX_ATTRIBUTES} attributes"
    return ""


def _depth(data: npt.NDArray[np.uint8], tags: npt.NDArray[np.int64]) -> int:
    """How deep elements nest, counting tags; ``data`` (bytes,) u8, ``tags`` (n,) i64."""
    closing = data[tags + 1] == ord("/")
    names = tags + 1 + closing
    first, second, third = ((data[names + i] & 0x7F | 0x20).astype(np.int64) for i in range(3))
    counts = (first >= ord("a")) & (first <= ord("z"))
    counts &= ~_FLAT[first << 14 | second << 7 | third]
    steps = np.where(closing, -1, 1)[counts]
    if not len(steps):
        return 0
    level = np.cumsum(steps)
    floor = np.minimum.accumulate(np.minimum(level, 0))  # closing what is not open changes nothing
    return int((level - floor).max())


def _attributes(tag: bytes) -> int:
    """About how many attributes a tag has; ``tag`` may go on after its end."""
    return len(_QUOTED.sub(b"", tag).partition(b">")[0].split())
