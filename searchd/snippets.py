"""The excerpt of a passage that shows why it was found, with the words to mark as offsets."""

from __future__ import annotations

from searchd.query import Snippet
from searchd.text.highlight import highlight
from searchd.text.query import ParsedQuery

LENGTH = 240  # code points of an excerpt, about two lines and a half
_LEAD_IN = 60  # code points of context that may stand before the first marked word


def snippet(text: str, parsed: ParsedQuery | None, lang: str, length: int = LENGTH) -> Snippet:
    """Return the stretch of ``text`` with the most different words of the query; its opening when it has none.

    The excerpt is verbatim; it begins and ends between words. Highlights are offsets into the excerpt.
    """
    spans = highlight(text, parsed, lang) if parsed is not None else ()
    start, end = window(text, spans, length)
    return Snippet(text[start:end], tuple((a - start, b - start) for a, b in spans if a >= start and b <= end))


def window(text: str, spans: tuple[tuple[int, int], ...], length: int) -> tuple[int, int]:
    """[start, end) of the excerpt: the window that holds the most distinct marked words, the earliest of those."""
    if len(text) <= length or not spans:
        return 0, _close(text, 0, length)
    best, most = 0, (0, 0)
    first = 0
    for last, (_, end) in enumerate(spans):
        while end - spans[first][0] > length - _LEAD_IN // 2 and first < last:
            first += 1
        inside = spans[first : last + 1]
        score = (len({text[a:b].casefold() for a, b in inside}), len(inside))
        if score > most:
            best, most = spans[first][0], score
    start = _open(text, best)
    start = max(0, min(start, len(text) - length)) if start else 0
    start = _word_start(text, start)
    return start, _close(text, start, length)


def _open(text: str, at: int) -> int:
    """Where to begin so that ``at`` is inside: at a sentence when one begins near enough, else a few words before."""
    if at <= _LEAD_IN:
        return 0
    before = text[at - _LEAD_IN : at]
    for mark in ("\n", ". ", "! ", "? ", "。"):
        found = before.rfind(mark)
        if found >= 0:
            return at - _LEAD_IN + found + len(mark)
    return at - _LEAD_IN // 2


def _word_start(text: str, at: int) -> int:
    """Forward to the next word when ``at`` stands inside one."""
    if at == 0 or text[at - 1].isspace():
        return at
    space = text.find(" ", at, at + 30)
    return at if space < 0 else space + 1


def _close(text: str, start: int, length: int) -> int:
    """End of the excerpt, between words."""
    end = start + length
    if end >= len(text):
        return len(text)
    space = text.rfind(" ", start + length // 2, end + 1)
    return end if space < 0 else space
