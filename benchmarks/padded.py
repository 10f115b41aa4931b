"""The float32 graph as other libraries call it: padded rows of int64 ids with a mask, token vectors out."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from searchd.encoder.checkpoint import Checkpoint
from searchd.encoder.graph import MICROSOFT, FloatBert, Graph


def write_padded(checkpoint: Checkpoint, folder: Path) -> None:
    """Write model.onnx and model.data into ``folder``: input_ids and attention_mask in, (batch, length, dim) out."""
    graph = Graph(folder)
    graph.add("Cast", ["input_ids"], "ids", to=TensorProto.INT32)
    graph.add("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    FloatBert(checkpoint, graph).body()
    graph.close(checkpoint.spec.dim)
    path = folder / "model.onnx"
    model = onnx.load(path, load_external_data=False)
    for node in model.graph.node:
        if node.op_type == "Attention" and node.domain == MICROSOFT:
            node.input.append("mask")
    del model.graph.input[:], model.graph.output[:]
    names = ("input_ids", "attention_mask")
    model.graph.input.extend(helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "length"]) for n in names)
    last = model.graph.node[-1].output[0]
    model.graph.output.append(helper.make_tensor_value_info(last, TensorProto.FLOAT, None))
    path.write_bytes(model.SerializeToString())
