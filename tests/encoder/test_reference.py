"""The ONNX graph computes what BERT's paper says, weight by weight: checked against numpy, for both default models."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from searchd.encoder.checkpoint import BlockWords, Checkpoint
from searchd.encoder.graph import write_float
from searchd.encoder.source import find
from searchd.index.stores import Floats

_erf = np.vectorize(math.erf)


def linear(checkpoint: Checkpoint, x: Floats, name: str) -> Floats:
    return np.asarray(x @ checkpoint.tensor(f"{name}.weight").T + checkpoint.tensor(f"{name}.bias"))


def norm(checkpoint: Checkpoint, x: Floats, name: str) -> Floats:
    centred = x - x.mean(-1, keepdims=True)
    unit = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + checkpoint.spec.epsilon)
    return np.asarray(unit * checkpoint.tensor(f"{name}.weight") + checkpoint.tensor(f"{name}.bias"))


def attention(checkpoint: Checkpoint, x: Floats, stem: str) -> Floats:
    heads = checkpoint.spec.heads
    query, key, value = (
        linear(checkpoint, x, f"{stem}.self.{part}").reshape(len(x), heads, -1).transpose(1, 0, 2)
        for part in ("query", "key", "value")
    )
    weights = np.exp(query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1]))
    weights /= weights.sum(-1, keepdims=True)
    return np.asarray((weights @ value).transpose(1, 0, 2).reshape(len(x), -1))


def words(checkpoint: Checkpoint, ids: list[int]) -> Floats:
    table = checkpoint.words
    if not isinstance(table, BlockWords):
        return np.asarray(table[ids])
    nibbles = table.values[ids].reshape(len(ids), -1, 32).astype(np.float32) - 8
    return np.asarray((nibbles * table.scales[ids][..., None]).reshape(len(ids), -1))


def last_layer(checkpoint: Checkpoint, ids: list[int], kinds: list[int]) -> Floats:
    """Devlin et al. 2019 in float32: (length, dim)."""
    places = checkpoint.tensor("embeddings.position_embeddings.weight")[checkpoint.spec.first_position :][: len(ids)]
    added = checkpoint.tensor("embeddings.token_type_embeddings.weight")[np.array(kinds)]
    x = norm(checkpoint, words(checkpoint, ids) + places + added, "embeddings.LayerNorm")
    for number in range(checkpoint.spec.layers):
        stem = f"encoder.layer.{number}"
        mixed = linear(checkpoint, attention(checkpoint, x, f"{stem}.attention"), f"{stem}.attention.output.dense")
        x = norm(checkpoint, mixed + x, f"{stem}.attention.output.LayerNorm")
        wide = linear(checkpoint, x, f"{stem}.intermediate.dense")
        wide = wide * 0.5 * (1 + _erf(wide / math.sqrt(2)))
        x = norm(checkpoint, linear(checkpoint, wide, f"{stem}.output.dense") + x, f"{stem}.output.LayerNorm")
    return x


def forward(checkpoint: Checkpoint, ids: list[int]) -> Floats:
    """Mean pooling, norm 1: (dim,)."""
    mean = last_layer(checkpoint, ids, [0] * len(ids)).mean(0)
    return np.asarray(mean / np.linalg.norm(mean))


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "multilingual-e5-small"])
@pytest.mark.parametrize("length", [3, 120])
def test_the_graph_computes_the_models_own_vectors(name: str, length: int, tmp_path: Path) -> None:
    source = find(name)
    assert source is not None
    checkpoint = source.read()
    write_float(checkpoint, tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    ids = np.random.default_rng(length).integers(5, 20_000, length).tolist()
    (vector,) = session.run(None, {"ids": np.array([ids], np.int32)})[0]
    assert np.dot(vector, forward(checkpoint, ids)) > 0.99999
