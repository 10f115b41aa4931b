"""A model's weights under one set of names, whatever file they come from.

Tensor names are BERT's own without their prefix ("embeddings.word_embeddings.weight",
"encoder.layer.0.attention.self.query.weight" ...), float32, linear weights as (out, in).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from searchd.encoder.spec import ModelSpec
from searchd.errors import ModelError
from searchd.index.stores import Floats

EMBEDDINGS = "embeddings."
WORDS = "embeddings.word_embeddings.weight"
POSITIONS = "embeddings.position_embeddings.weight"
KINDS = "embeddings.token_type_embeddings.weight"


@dataclass(frozen=True, slots=True)
class BlockWords:
    """A word table in 4-bit blocks of 32 weights, as Q4_0 stores it: weight = (value - 8) * scale.

    values: (rows, dim) uint8 in 0..15; scales: (rows, dim / 32) float32.
    """

    values: npt.NDArray[np.uint8]
    scales: Floats

    def dense(self) -> Floats:
        """The table as (rows, dim) float32."""
        rows, dim = self.values.shape
        blocks = self.values.reshape(rows, -1, 32).astype(np.float32) - 8
        return (blocks * self.scales[:, :, None]).reshape(rows, dim)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything that a fused graph is written from.

    tensor: name -> float32 array; ModelError when there is none.
    words: the word table, dense or in the blocks that it came in.
    tokenizer: text of the tokenizer.json that belongs to the weights.
    """

    spec: ModelSpec
    tensor: Callable[[str], Floats]
    words: Floats | BlockWords
    tokenizer: bytes


def sha256(path: Path) -> str:
    """SHA-256 of a file in hexadecimal; ModelError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise ModelError(f"{path} is missing", "install or save the model again") from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error


def check_digest(path: Path, expected: str) -> str:
    """Return the file's SHA-256 after comparing it with the known one ("" = unknown)."""
    found = sha256(path)
    if expected and found != expected:
        raise ModelError(
            f"{path} is damaged or was changed: SHA-256 {found}, expected {expected}",
            "install the model again",
        )
    return found


def read_safetensors(folder: Path, spec: ModelSpec) -> Checkpoint:
    """Open model.safetensors of a sentence-transformers directory; ModelError names the file and its fault."""
    path, tokenizer = folder / "model.safetensors", folder / "tokenizer.json"
    from safetensors import SafetensorError, safe_open

    try:
        file = safe_open(str(path), framework="numpy")
        names = {_short(name): name for name in file.keys()}  # type: ignore[no-untyped-call]  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is no safetensors file: {error}") from error

    def tensor(name: str) -> Floats:
        if name not in names:
            raise ModelError(f"{path} has no tensor {name}")
        return np.ascontiguousarray(file.get_tensor(names[name]), dtype=np.float32)  # type: ignore[no-untyped-call]

    for name in names:
        if not np.isfinite(tensor(name)).all():
            raise ModelError(f"{path}: {name} holds values that are no numbers", "install or save the model again")

    checkpoint = Checkpoint(spec, tensor, tensor(WORDS), tokenizer.read_bytes())
    check_shapes(checkpoint, path, names)
    return checkpoint


def _short(name: str) -> str:
    """BERT's own tensor name: whatever stands before "embeddings." or "encoder." is a wrapper's prefix."""
    for start in ("embeddings.", "encoder.layer."):
        at = name.find(start)
        if at >= 0:
            return name[at:].replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
    return name


def check_shapes(checkpoint: Checkpoint, path: Path, names: Iterable[str]) -> None:
    """ModelError when the weights' shapes disagree with config.json."""
    spec = checkpoint.spec
    words = checkpoint.words.values if isinstance(checkpoint.words, BlockWords) else checkpoint.words
    if words.ndim != 2 or words.shape[1] != spec.dim or spec.dim % spec.heads:
        raise ModelError(f"{path}: word embeddings are {words.shape}, config.json says {spec.dim} dimensions")
    positions, needed = len(checkpoint.tensor(POSITIONS)), spec.first_position + spec.max_length
    if positions < needed:
        raise ModelError(f"{path} has {positions} positions, texts of the longest length need {needed}")
    found = len({name.split(".")[2] for name in names if name.startswith("encoder.layer.")})
    if found != spec.layers:
        raise ModelError(f"{path} has {found} layers, config.json says {spec.layers}")
