"""What the lexical leg is asked and what it answers: plain values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from searchd.index.lexical_postings import Word
from searchd.text.query import ParsedQuery

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TermEvidence:
    """What one word of the query is worth on this site.

    idf: over pages; idf_passages: over passages. found: some page has the word or one of its alternatives.
    corrected_from: the word as typed when only a correction of it was looked for.
    """

    term: str
    idf: float
    df_pages: int
    df_passages: int
    found: bool
    corrected_from: str = ""
    idf_passages: float = 0.0


@dataclass(frozen=True)
class Wanted:
    """A query whose words were looked up: one entry of each list for each of its terms."""

    parsed: ParsedQuery
    in_passages: tuple[Word, ...]
    on_pages: tuple[Word, ...]

    @property
    def passage_total(self) -> float:
        """Idf of all words over passages, each as much as its term weighs, words found nowhere included."""
        return _total(self.parsed, self.in_passages)

    @property
    def page_total(self) -> float:
        """The same over pages."""
        return _total(self.parsed, self.on_pages)

    @cached_property
    def terms(self) -> tuple[TermEvidence, ...]:
        """What each word is worth."""
        return tuple(
            TermEvidence(
                term.text,
                page.idf,
                page.frequency,
                passage.frequency,
                page.frequency > 0,
                term.corrected_from,
                passage.idf,
            )
            for term, page, passage in zip(self.parsed.terms, self.on_pages, self.in_passages, strict=True)
        )


def _total(parsed: ParsedQuery, words: tuple[Word, ...]) -> float:
    return sum(term.weight * word.idf for term, word in zip(parsed.terms, words, strict=True))


@dataclass(frozen=True, slots=True)
class Scores:
    """Exact BM25F scores of some documents.

    scores: (n,) float32. coverage: (n,) float32, share of the query's idf whose words the document holds, 0..1; words
    that no document holds count in full.
    """

    scores: Floats
    coverage: Floats


@dataclass(frozen=True, slots=True)
class LexicalResult:
    """The best passages and the best pages, each best first, ties by number; ``score_passages`` says more of them."""

    passage_rows: Ints
    passage_scores: Floats
    pages: Ints
    page_scores: Floats
