"""The float32 graph as other libraries call it: padded rows of int64 ids with a mask, token vectors out."""

from __future__ import annotations

from pathlib import Path

from searchd.encoder import proto
from searchd.encoder.checkpoint import Checkpoint
from searchd.encoder.graph import FloatBert, Graph


def write_padded(checkpoint: Checkpoint, folder: Path) -> None:
    """Write model.onnx and model.data into ``folder``: input_ids and attention_mask in, (batch, length, dim) out."""
    graph = Graph(folder)
    graph.add("Cast", ["input_ids"], "ids", to=proto.INT32)
    mask = graph.add("Cast", ["attention_mask"], "mask", to=proto.INT32)
    last = FloatBert(checkpoint, graph, mask=mask).body()
    rows = [proto.value(name, proto.INT64, ["batch", "length"]) for name in ("input_ids", "attention_mask")]
    graph.close(rows, [proto.value(last, proto.FLOAT)])
