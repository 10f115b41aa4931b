"""What the lexical leg answers. Leaf module: plain values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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


@dataclass(frozen=True, slots=True)
class Scores:
    """Exact BM25F scores of some documents.

    scores: (n,) float32. coverage: (n,) float32, share of the query's idf whose words the document holds, 0..1; words
    that no document holds count in full. contributions: (n, n_terms) float32, one column per ``LexicalResult.terms``;
    they add up to ``scores``.
    """

    scores: Floats
    coverage: Floats
    contributions: Floats


@dataclass(frozen=True, slots=True)
class LexicalResult:
    """The best passages and the best pages, each best first, ties by number; ``score_passages`` says more of them."""

    passage_rows: Ints
    passage_scores: Floats
    pages: Ints
    page_scores: Floats
    terms: tuple[TermEvidence, ...]
