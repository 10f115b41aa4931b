"""The excerpt of a passage that shows why it was found, with the words to mark as offsets."""

from __future__ import annotations

from searchd.query import Snippet
from searchd.text.highlight import Finds, Highlighter
from searchd.text.query import ParsedQuery

LENGTH = 240  # code points of an excerpt, about two lines and a half
_LEAD_IN = 60  # code points of context that may stand before the first marked word
_ENDS = ("\n", ". ", "! ", "? ", "。")


class Excerpts:
    """Cuts excerpts for one query."""

    def __init__(self, parsed: ParsedQuery) -> None:
        self._highlighter = Highlighter(parsed)

    def cut(self, text: str, lang: str, length: int = LENGTH) -> Snippet:
        """Return the stretch of ``text`` with the most different words of the query; its opening when it has none.

        The excerpt is verbatim and begins and ends between words; highlights are offsets into it.
        """
        finds = self._highlighter.finds(text, lang)
        start, end = window(text, finds, length)
        shown = tuple((first - start, last - start) for first, last, _ in finds if start <= first and last <= end)
        return Snippet(text[start:end], shown, before=start > 0, after=end < len(text))


def window(text: str, finds: Finds, length: int) -> tuple[int, int]:
    """[start, end) of the excerpt: the window that holds the most different finds, the earliest of those."""
    if len(text) <= length or not finds:
        return 0, _close(text, 0, length)
    room = length - _LEAD_IN
    best, most, first = finds[0][0], (0, 0), 0
    inside: dict[str, int] = {}  # how often each word stands in the window
    for last, (_, end, word) in enumerate(finds):
        inside[word] = inside.get(word, 0) + 1
        while end - finds[first][0] > room and first < last:
            gone = finds[first][2]
            inside[gone] -= 1
            if not inside[gone]:
                del inside[gone]
            first += 1
        score = (len(inside), last + 1 - first)
        if score > most:
            best, most = finds[first][0], score
    start = min(_open(text, best), max(0, len(text) - length))
    start = _word_start(text, start)
    return start, _close(text, start, length)


def _open(text: str, at: int) -> int:
    """Where to begin so that ``at`` is inside: at a sentence when one begins near enough, else a few words before."""
    if at <= _LEAD_IN:
        return 0
    before = text[at - _LEAD_IN : at]
    starts = [before.rfind(mark) + len(mark) for mark in _ENDS if mark in before]
    return at - _LEAD_IN + max(starts) if starts else at - _LEAD_IN // 2


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
