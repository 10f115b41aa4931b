"""What the index and the engine know of an encoder, and the arrays that all of them pass around."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

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

    def token_vectors(self, texts: Sequence[str], *, query: bool = False) -> list[Floats]:
        """Return for each text (n_tokens, dim) float32, rows of norm 1: its tokens in their context.

        query: read the texts as questions. A model that tells of no tokens gives one row, the text's own vector.
        """

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Number of the model's own tokens of each text, special tokens and prompt left out."""

    @property
    def max_tokens(self) -> int:
        """Tokens of one passage that the model reads, special tokens and prompt left out."""
