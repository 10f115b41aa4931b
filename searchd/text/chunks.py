"""Text -> chunks: runs of letters, digits and the signs that join them, with their offsets.

A chunk is what a reader sees as one thing: ``git-rebase``, ``--no-verify`` without its dashes, ``core.autocrlf``,
``e-mail``, ``getElementById``, ``C++``, ``3.14``. Scripts written without spaces come as overlapping n-grams
(Chinese, Japanese, Korean: 1 and 2 characters; Thai, Lao, Khmer, Burmese: 3), because no dictionary ships with us.
Offsets count code points of the text given, which is never normalised before it is cut.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple


class Chunk(NamedTuple):
    """``text[start:end]`` of the text it came from."""

    text: str
    start: int
    end: int


def _mark_ranges() -> str:
    """Combining marks as a regex character class: ``\\w`` leaves them out, words in NFD or Devanagari need them."""
    marks = [code for code in range(0x300, 0x10000) if unicodedata.category(chr(code))[0] == "M"]
    ranges: list[list[int]] = []
    for code in marks:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(low)}-{chr(high)}" for low, high in ranges)


_MARKS = _mark_ranges()
_HAN = "\u2e80-\u2fdf\u3005-\u3007\u3031-\u3035\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_HAN += "\uff66-\uff9f\U00020000-\U0003134f"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"
_NO_SPACES = "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"
_WORD = rf"[\w{_MARKS}\u00ad\u200b-\u200d\u2060]+"
#: The same without the scripts that are written without spaces.
_SPACED = rf"(?:(?![{_HAN}{_HANGUL}{_NO_SPACES}])[\w{_MARKS}\u00ad\u200b-\u200d\u2060])+"
_JOINER = r"(?:[-‐‑.:/@+&'’·]{1,2}|->)"
_END = r"(?:\+\+|\#(?!\w))?"  # C++, C#
_FAST = re.compile(rf"{_WORD}(?:{_JOINER}{_WORD})*{_END}")
_CAREFUL = re.compile(
    rf"(?P<word>{_SPACED}(?:{_JOINER}{_SPACED})*{_END})"
    rf"|(?P<han>[{_HAN}]+)|(?P<hangul>[{_HANGUL}]+)|(?P<thai>[{_NO_SPACES}]+)"
)
_UNSPACED = re.compile(f"[{_HAN}{_HANGUL}{_NO_SPACES}]")
_GRAMS = {"han": (1, 2), "hangul": (1, 2), "thai": (3,)}
MAX_CHUNK = 120  # code points; longer ones are base64, hashes or minified code


def chunks(text: str) -> Iterator[Chunk]:
    """Yield the chunks of ``text`` in order; never raises."""
    for chunk, start in places(text):
        yield Chunk(chunk, start, start + len(chunk))


def places(text: str) -> Iterator[tuple[str, int]]:
    """Yield text and start of ``chunks(text)`` as plain pairs, for who looks at many and keeps few."""
    if _has_unspaced(text):
        for match in _CAREFUL.finditer(text):
            if match.lastgroup == "word":
                yield match.group(), match.start()
            else:
                yield from _grams(match.group(), match.start(), _GRAMS[match.lastgroup or ""])
    else:
        for match in _FAST.finditer(text):
            yield match.group(), match.start()


def chunk_texts(text: str) -> list[str]:
    """The texts of ``chunks(text)``, which is all that an index wants and three times as fast."""
    if _has_unspaced(text):
        return [chunk for chunk, _ in places(text)]
    return _FAST.findall(text)


def _has_unspaced(text: str) -> bool:
    return not text.isascii() and _UNSPACED.search(text) is not None


def _grams(run: str, offset: int, sizes: tuple[int, ...]) -> Iterator[tuple[str, int]]:
    if len(run) < min(sizes):
        yield run, offset
        return
    for at in range(len(run)):
        for size in sizes:
            if at + size <= len(run):
                yield run[at : at + size], offset + at


def is_gram(chunk: str) -> bool:
    """Whether the chunk belongs to a script that is written without spaces."""
    return _has_unspaced(chunk[:1])
