"""The excerpt of a passage that shows why it was found, with the words to mark as offsets.

Where to look is decided by a quick scan for the beginnings of the query's words; the exact analysis, which knows stems,
compounds and corrections, then runs over the excerpt only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from searchd.query import Snippet
from searchd.text.highlight import Highlighter
from searchd.text.normalize import fold
from searchd.text.query import ParsedQuery

LENGTH = 240  # code points of an excerpt, about two lines and a half
_LEAD_IN = 60  # code points of context that may stand before the first marked word
_STEM = 5  # code points of a word's beginning that the quick scan compares
_ENDS = ("\n", ". ", "! ", "? ", "。")

Finds = list[tuple[int, int, str]]  # start, end and text of what was found, ascending


@dataclass(frozen=True)
class Excerpts:
    """Cuts excerpts for one query."""

    parsed: ParsedQuery

    def cut(self, text: str, lang: str, length: int = LENGTH) -> Snippet:
        """Return the stretch of ``text`` with the most different words of the query; its opening when it has none.

        The excerpt is verbatim and begins and ends between words; highlights are offsets into it.
        """
        start, end = window(text, self._scan(text) if len(text) > length else [], length)
        excerpt = text[start:end]
        return Snippet(excerpt, self._highlighter.marks(excerpt, lang))

    def _scan(self, text: str) -> Finds:
        """Where the text reads like the beginning of a query's word; accents count as they are written and folded.

        Where several do, the longest counts. (A search for each is quicker than one pattern of all, and needs none.)
        """
        lowered = _lowered(text)
        found: dict[int, str] = {}
        for word in self._beginnings:  # the longer ones come later
            at = lowered.find(word)
            while at >= 0:
                found[at] = word
                at = lowered.find(word, at + len(word))
        finds: Finds = []
        for at, word in sorted(found.items()):
            if not finds or finds[-1][1] <= at:
                finds.append((at, at + len(word), word))
        return finds

    @cached_property
    def _highlighter(self) -> Highlighter:
        return Highlighter(self.parsed)

    @cached_property
    def _beginnings(self) -> tuple[str, ...]:
        """Shortest first."""
        terms = self.parsed.terms
        heaviest = max((term.weight for term in terms), default=0.0)
        telling = [term for term in terms if term.weight >= min(1.0, heaviest)]
        words = {term.text.casefold()[:_STEM] for term in telling} | {
            alternative.term[:_STEM] for term in telling for alternative in term.alternatives
        }
        words |= {fold(word) for word in words}
        return tuple(sorted(filter(None, map(_lowered, words)), key=lambda word: (len(word), word)))


def _lowered(text: str) -> str:
    """Lower case, character by character: offsets stay those of the text."""
    return text.lower() if text.isascii() else text.replace("İ", "i").lower().replace("ς", "σ")


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
