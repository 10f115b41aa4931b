"""Which words of an excerpt answer a query: the same analysis that found the page marks the words."""

from __future__ import annotations

from searchd.text.analysis import tokens
from searchd.text.query import ParsedQuery

Spans = tuple[tuple[int, int], ...]


def highlight(text: str, parsed: ParsedQuery, lang: str) -> Spans:
    """Return ``[start, end)`` in code points of ``text``, ascending, not overlapping.

    lang: the excerpt's language. Stems, accents, corrections and synonyms count as they did in the search; words that
    only carry the question (stop words) are marked only when the query holds nothing else.
    """
    weights = [term.weight for term in parsed.terms]
    telling = [term for term in parsed.terms if term.weight >= 1.0 or max(weights) < 1.0]
    wanted = {alternative.term for term in telling for alternative in term.alternatives}
    return _merged([(token.start, token.end) for token in tokens(text, lang) if token.term in wanted])


def _merged(spans: list[tuple[int, int]]) -> Spans:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1] and (start < merged[-1][1] or end == start):
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
