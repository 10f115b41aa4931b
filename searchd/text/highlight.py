"""Which words of an excerpt answer a query: the same analysis that found the page marks the words."""

from __future__ import annotations

from searchd.text.analysis import analyse
from searchd.text.chunks import places
from searchd.text.language import primary
from searchd.text.query import ParsedQuery

Spans = tuple[tuple[int, int], ...]


class Highlighter:
    """Marks any number of excerpts for one query: what a chunk of text holds of it is found out once."""

    def __init__(self, parsed: ParsedQuery) -> None:
        heaviest = max((term.weight for term in parsed.terms), default=0.0)
        telling = [term for term in parsed.terms if term.weight >= min(1.0, heaviest)]
        self._wanted = {alternative.term for term in telling for alternative in term.alternatives}
        self._known: dict[str, dict[str, Spans]] = {}  # language -> chunk -> what to mark of it

    def marks(self, text: str, lang: str) -> Spans:
        """Return ``[start, end)`` in code points of ``text``, ascending, not overlapping.

        lang: the excerpt's language. Stems, accents, corrections and synonyms count as they did in the search; words
        that only carry the question (stop words) are marked only when the query holds nothing else.
        """
        tag = primary(lang)
        known = self._known.setdefault(tag, {})
        found: list[tuple[int, int]] = []
        for chunk, at in places(text):
            spans = known.get(chunk)
            if spans is None:
                spans = known[chunk] = self._of_chunk(chunk, tag)
            if spans:
                found += [(at + start, at + end) for start, end in spans]
        return _merged(found)

    def _of_chunk(self, chunk: str, lang: str) -> Spans:
        return tuple([(start, end) for term, start, end, *_ in analyse(chunk, lang) if term in self._wanted])


def _merged(spans: list[tuple[int, int]]) -> Spans:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1] and (start < merged[-1][1] or end == start):
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
