"""The narrow interfaces between the engine and its stores.

The engine knows these protocols only; FAISS, our BM25F postings and SQLite stand behind them today, a distributed store
may stand behind them later. Each is safe to call from many threads at once and never changes once opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from searchd.index.lexical_results import LexicalResult, Scores
from searchd.index.records import Page, Passage
from searchd.text.query import ParsedQuery
from searchd.text.vocabulary import Vocabulary

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Encoder(Protocol):
    """Text -> unit vectors. Implemented by ``searchd.encoder``."""

    @property
    def dim(self) -> int:
        """Components per vector."""

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same text might get another vector: weights, precision class, prompts, pooling."""

    def encode_passages(self, texts: Sequence[str]) -> Floats:
        """Return (len(texts), dim) float32, rows of norm 1, in the caller's order."""

    def encode_query(self, text: str) -> Floats:
        """Return (dim,) float32 of norm 1."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Number of the model's own tokens of each text, special tokens and prompt left out."""

    @property
    def max_tokens(self) -> int:
        """Tokens of one passage that the model reads, special tokens and prompt left out."""


class DenseStore(Protocol):
    """Nearest neighbours by inner product."""

    def search(self, vector: Floats, k: int) -> tuple[Ints, Floats]:
        """Return (rows, similarities), best first, at most k."""

    def vectors(self, rows: Sequence[int]) -> Floats:
        """Return the stored (possibly quantised) vectors, (len(rows), dim) float32."""


class PageStore(Protocol):
    """Pages and passages by number."""

    def __len__(self) -> int: ...

    def page(self, number: int) -> Page:
        """One page; KeyError when there is none."""

    def by_url(self, url: str) -> Page | None:
        """The page at this URL or the one that it is an alias of."""

    def passage(self, row: int) -> Passage:
        """One passage; KeyError when there is none."""


class LexicalStore(Protocol):
    """BM25F over passages and pages. Implemented by ``searchd.index.lexical.Lexical``."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The site's words, for query parsing, suggestions and did-you-mean."""

    def search(
        self,
        parsed: ParsedQuery,
        k: int,
        *,
        languages: Sequence[str] | None = None,
        allowed_pages: npt.NDArray[np.bool_] | None = None,
    ) -> LexicalResult:
        """The best k passages and the best k pages, with what each word of the query added to their scores."""

    def score_passages(self, parsed: ParsedQuery, rows: Ints) -> Scores:
        """Exact scores of any passages, in the order given."""

    def score_pages(self, parsed: ParsedQuery, pages: Ints) -> Scores:
        """Exact scores of any pages, in the order given."""
