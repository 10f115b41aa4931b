"""The excerpt of a passage that shows why it was found, with the words to mark as offsets.

Where to look is decided by a quick scan for the beginnings of the query's words; the exact analysis, which knows stems,
compounds and corrections, then runs over the excerpt only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from searchd.query import Snippet
from searchd.text.highlight import highlight
from searchd.text.normalize import fold
from searchd.text.query import ParsedQuery

LENGTH = 240  # code points of an excerpt, about two lines and a half
_LEAD_IN = 60  # code points of context that may stand before the first marked word
_STEM = 5  # code points of a word's beginning that the quick scan compares
_ENDS = ("\n", ". ", "! ", "? ", "。")

Spans = list[tuple[int, int]]


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
        return Snippet(excerpt, highlight(excerpt, self.parsed, lang))

    def _scan(self, text: str) -> Spans:
        """Where words begin like a word of the query; accents count as they are written and folded."""
        if self._beginnings is None:
            return []
        return [match.span() for match in self._beginnings.finditer(text)]

    @cached_property
    def _beginnings(self) -> re.Pattern[str] | None:
        terms = self.parsed.terms
        heaviest = max((term.weight for term in terms), default=0.0)
        telling = [term for term in terms if term.weight >= min(1.0, heaviest)]
        words = {term.text.casefold()[:_STEM] for term in telling} | {
            alternative.term[:_STEM] for term in telling for alternative in term.alternatives
        }
        words |= {fold(word) for word in words}
        if not any(words):
            return None
        choices = "|".join(sorted(map(re.escape, filter(None, words)), key=lambda word: (-len(word), word)))
        return re.compile(rf"(?:{choices})", re.IGNORECASE)


def window(text: str, spans: Spans, length: int) -> tuple[int, int]:
    """[start, end) of the excerpt: the window that holds the most distinct spans' texts, the earliest of those."""
    if len(text) <= length or not spans:
        return 0, _close(text, 0, length)
    room = length - _LEAD_IN
    best, most, first = spans[0][0], (0, 0), 0
    for last, (_, end) in enumerate(spans):
        while end - spans[first][0] > room and first < last:
            first += 1
        inside = spans[first : last + 1]
        score = (len({text[a:b].casefold() for a, b in inside}), len(inside))
        if score > most:
            best, most = spans[first][0], score
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
