"""Models that are not of the BERT family, through sentence-transformers. The only file that imports torch.

Needs the extra ``models``; nothing is imported before such a model is opened.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from searchd.encoder.bulk import Progress
from searchd.encoder.prepared import Prepared
from searchd.encoder.tokens import clean
from searchd.errors import ModelError
from searchd.index.stores import Floats

_BATCH = 16
_WINDOW = 1024
_SKIPPED = {".git", ".gitattributes", "pytorch_model.bin", "tf_model.h5", "flax_model.msgpack"}


def copy_directory(source: Path, target: Path) -> None:
    """Copy a sentence-transformers directory, other frameworks' weights left out."""
    shutil.copytree(
        source, target, dirs_exist_ok=True, ignore=lambda _folder, names: [name for name in names if name in _SKIPPED]
    )


def _open(folder: Path, device: str) -> Any:  # noqa: ANN401 - the library's own type, not installed by default
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise ModelError(
            f"{folder} is not of the BERT family and needs sentence-transformers", "pip install 'echolot[models]'"
        ) from error
    if device in ("native", "openvino", "tensorrt"):
        raise ModelError(f"device {device} does not run models outside the BERT family", "use auto, cpu or cuda")
    try:
        return SentenceTransformer(str(folder), device=None if device == "auto" else device)
    except Exception as error:  # the library raises whatever its parts raise
        raise ModelError(f"{folder} cannot be opened by sentence-transformers: {error}") from error


class TorchEncoder:
    """Text -> unit vectors through sentence-transformers. Implements ``searchd.index.stores.Encoder``."""

    def __init__(self, prepared: Prepared, *, device: str = "auto", query_cache: int = 4096) -> None:
        self._prepared, self.spec = prepared, prepared.spec
        self._model = _open(prepared.folder, device)
        self._query = lru_cache(maxsize=query_cache)(self._encode_query)

    @property
    def prepared(self) -> Prepared:
        """The folder that this encoder was opened from."""
        return self._prepared

    @property
    def name(self) -> str:
        """The model's name as it was asked for."""
        return self.spec.name

    @property
    def dim(self) -> int:
        """Components per vector."""
        return int(self._model.get_embedding_dimension())

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same text might get another vector."""
        return self._prepared.fingerprint

    @property
    def max_tokens(self) -> int:
        """Tokens of one passage that the model reads, special tokens and prompt left out."""
        special = len(self._model.tokenizer("")["input_ids"])
        return int(self._model.max_seq_length) - special - self.count_tokens([self.spec.passage_prompt])[0]

    def _encode(self, texts: list[str]) -> Floats:
        vectors = self._model.encode(
            texts, batch_size=_BATCH, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.asarray(vectors, np.float32)

    def encode_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        """(len(texts), dim) float32, rows of norm 1, in the caller's order; ``progress(done, total)`` as it goes."""
        out = np.empty((len(texts), self.dim), np.float32)
        for start in range(0, len(texts), _WINDOW):
            window = texts[start : start + _WINDOW]
            out[start : start + len(window)] = self._encode([self.spec.passage_prompt + clean(text) for text in window])
            if progress:
                progress(start + len(window), len(texts))
        return out

    def encode_query(self, text: str) -> Floats:
        """(dim,) float32 of norm 1, read-only; remembered for the texts asked last."""
        return self._query(text)

    def _encode_query(self, text: str) -> Floats:
        vector: Floats = self._encode([self.spec.query_prompt + clean(text)])[0]
        vector.flags.writeable = False
        return vector

    def token_vectors(self, texts: Sequence[str], *, query: bool = False) -> list[Floats]:
        """(1, dim) float32 for each text: what such a model tells of tokens is not known."""
        if query:
            return [self.encode_query(text)[None] for text in texts]
        return [vector[None] for vector in self.encode_passages(texts)]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Number of the model's own tokens of each text, special tokens and prompt left out."""
        if not texts:
            return []
        cleaned = [clean(text) for text in texts]
        rows = self._model.tokenizer(cleaned, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
        return [len(row) for row in rows]

    def save(self, target: Path) -> None:
        """Put everything that ``open_prepared`` needs into ``target``."""
        self._prepared.save(target)
