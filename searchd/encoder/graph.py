"""BERT's forward pass written directly as a fused ONNX graph: no tracing, no torch.

Inputs: ``ids`` (batch, length) int32, padded on the right with any valid id; ``lengths`` (batch,) int32, the
number of real tokens of each row; ``pool`` (batch, 1, length) float32, each row's weights over its tokens (the
mean: 1 / n on real tokens; CLS: 1 on the first). Output: ``vectors`` (batch, dim) float32, rows of norm 1.

Operators are ONNX Runtime's contributed ones (domain com.microsoft): EmbedLayerNormalization, Attention,
SkipLayerNormalization, BiasGelu. Token kinds are all 0 in a text encoder, so their row is added to the positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from searchd.encoder.checkpoint import KINDS, POSITIONS, BlockWords, Checkpoint
from searchd.index.stores import Floats

MICROSOFT = "com.microsoft"
DATA = "model.data"
_ALIGNMENT = 4096  # ONNX Runtime maps a tensor that begins on a page
_INLINE_BYTES = 1024


class Linear(Protocol):
    """How a precision writes x @ weight: returns the output's name; the bias is added by the next operator."""

    def __call__(self, graph: Graph, x: str, weight: Floats, name: str) -> str:
        """``weight`` is (in, out) float32."""


class Graph:
    """Collects nodes and weights; weights go to one file beside the graph so that they can be mapped."""

    def __init__(self, folder: Path) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._folder = folder
        self._file = (folder / DATA).open("wb")

    def add(self, op: str, inputs: Sequence[str], name: str, domain: str = "", outputs: int = 1, **kw: Any) -> str:
        """Append a node; returns its first output's name (the others are name.1, name.2 ...)."""
        names = [name, *(f"{name}.{i}" for i in range(1, outputs))]
        self._nodes.append(helper.make_node(op, list(inputs), names, name=name, domain=domain, **kw))
        return name

    def fused(self, op: str, inputs: Sequence[str], name: str, outputs: int = 1, **kw: Any) -> str:
        """Append one of ONNX Runtime's own operators."""
        return self.add(op, inputs, name, MICROSOFT, outputs, **kw)

    def weight(self, name: str, value: npt.NDArray[Any], kind: int | None = None) -> str:
        """Store a constant; ``kind`` overrides the element type (packed 4-bit values)."""
        array = np.ascontiguousarray(value)
        shape = list(array.shape)
        element = kind if kind is not None else helper.np_dtype_to_tensor_dtype(array.dtype)
        if element in (TensorProto.UINT4, TensorProto.INT4):
            shape[-1] *= 2
        tensor = TensorProto(name=name, data_type=element, dims=shape)
        if array.nbytes <= _INLINE_BYTES:
            tensor.raw_data = array.tobytes()
        else:
            self._file.write(b"\0" * (-self._file.tell() % _ALIGNMENT))
            tensor.data_location = TensorProto.EXTERNAL
            place = {"location": DATA, "offset": str(self._file.tell()), "length": str(array.nbytes)}
            for key, text in place.items():
                tensor.external_data.add(key=key, value=text)
            self._file.write(array.tobytes())
        self._weights.append(tensor)
        return name

    def close(self, inputs: dict[str, tuple[int, list[str | int]]], output: str, dim: int) -> None:
        """Write model.onnx (and finish its data file)."""
        self._file.close()
        graph = helper.make_graph(
            self._nodes,
            "encoder",
            [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", dim])],
            self._weights,
        )
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="echolot", ir_version=10)
        (self._folder / "model.onnx").write_bytes(model.SerializeToString())


def plain_linear(graph: Graph, x: str, weight: Floats, name: str) -> str:
    """Float32 matrix product."""
    return graph.add("MatMul", [x, graph.weight(f"{name}.weight", weight)], name)


class _Bert:
    """One forward pass in the making."""

    def __init__(self, checkpoint: Checkpoint, graph: Graph, linear: Linear | None) -> None:
        self.checkpoint, self.spec, self.graph, self.linear = checkpoint, checkpoint.spec, graph, linear

    def constant(self, name: str) -> str:
        return self.graph.weight(name, self.checkpoint.tensor(name))

    def matrix(self, name: str) -> Floats:
        return np.ascontiguousarray(self.checkpoint.tensor(f"{name}.weight").T)

    def norm(self, x: str, skip: str, stem: str, bias: str = "") -> str:
        inputs = [x, skip, self.constant(f"{stem}.weight"), self.constant(f"{stem}.bias"), *([bias] if bias else [])]
        return self.graph.fused("SkipLayerNormalization", inputs, stem, epsilon=self.spec.epsilon)

    def positions(self) -> Floats:
        table = self.checkpoint.tensor(POSITIONS)[self.spec.first_position :]
        return table[: self.spec.max_length] + self.checkpoint.tensor(KINDS)[0]

    def embed(self) -> str:
        words, stem = self.checkpoint.words, "embeddings.LayerNorm"
        positions = self.graph.weight("positions", self.positions())
        if not isinstance(words, BlockWords):
            tables = ["ids", "", self.graph.weight("words", words), positions, ""]
            scale = [self.constant(f"{stem}.weight"), self.constant(f"{stem}.bias")]
            return self.graph.fused(
                "EmbedLayerNormalization", [*tables, *scale], stem, outputs=2, epsilon=self.spec.epsilon
            )
        # Q4_0 counts from -8; flipping the top bit of a nibble makes it the signed one (UINT4's default zero point is 0)
        packed = (words.values[:, 0::2] | (words.values[:, 1::2] << 4)) ^ 0x88
        table = self.graph.weight("words", packed, TensorProto.INT4)
        scales = self.graph.weight("words.scales", words.scales)
        word = self.graph.fused(
            "GatherBlockQuantized",
            [table, "ids", scales],
            "words.gather",
            gather_axis=0,
            quantize_axis=1,
            block_size=32,
            bits=4,
        )
        length = self.graph.add("Shape", ["ids"], "length", start=1, end=2)
        zero, axis = self.graph.weight("zero", np.zeros(1, np.int64)), self.graph.weight("axis", np.zeros(1, np.int64))
        row = self.graph.add("Slice", [positions, zero, length, axis], "positions.slice")
        return self.norm(word, self.graph.add("Unsqueeze", [row, zero], "positions.row"), stem)

    def attention(self, x: str, stem: str) -> str:
        names = [f"{stem}.self.{part}" for part in ("query", "key", "value")]
        biases = np.concatenate([self.checkpoint.tensor(f"{name}.bias") for name in names])
        bias = self.graph.weight(f"{stem}.bias", biases)
        if self.linear is None:
            weights = np.concatenate([self.matrix(name) for name in names], axis=1)
            inputs = [x, self.graph.weight(f"{stem}.weight", weights), bias, "lengths"]
            return self.graph.fused("Attention", inputs, stem, num_heads=self.spec.heads)
        parts = [self.linear(self.graph, x, self.matrix(name), name) for name in names]
        return self.graph.fused("MultiHeadAttention", [*parts, bias, "lengths"], stem, num_heads=self.spec.heads)

    def gelu(self, x: str, name: str) -> str:
        bias = self.constant(f"{name}.bias")
        op = "BiasGelu" if self.spec.activation == "gelu" else "FastGelu"
        return self.graph.fused(op, [x, bias], f"{name}.gelu")

    def layer(self, x: str, number: int) -> str:
        linear, stem = self.linear or plain_linear, f"encoder.layer.{number}"
        context = self.attention(x, f"{stem}.attention")
        name = f"{stem}.attention.output.dense"
        mixed = linear(self.graph, context, self.matrix(name), name)
        x = self.norm(mixed, x, f"{stem}.attention.output.LayerNorm", self.constant(f"{name}.bias"))
        name = f"{stem}.intermediate.dense"
        wide = self.gelu(linear(self.graph, x, self.matrix(name), name), name)
        name = f"{stem}.output.dense"
        narrow = linear(self.graph, wide, self.matrix(name), name)
        return self.norm(narrow, x, f"{stem}.output.LayerNorm", self.constant(f"{name}.bias"))

    def write(self) -> None:
        x = self.embed()
        for number in range(self.spec.layers):
            x = self.layer(x, number)
        pooled = self.graph.add("MatMul", ["pool", x], "pooled")
        axis = self.graph.weight("pooled.axis", np.array([1], np.int64))
        flat = self.graph.add("Squeeze", [pooled, axis], "flat")
        self.graph.add("LpNormalization", [flat], "vectors", axis=-1, p=2)


def write_graph(checkpoint: Checkpoint, folder: Path, linear: Linear | None = None) -> None:
    """Write model.onnx and model.data into ``folder``; ``linear`` None = float32 throughout."""
    graph = Graph(folder)
    _Bert(checkpoint, graph, linear).write()
    inputs: dict[str, tuple[int, list[str | int]]] = {
        "ids": (TensorProto.INT32, ["batch", "length"]),
        "lengths": (TensorProto.INT32, ["batch"]),
        "pool": (TensorProto.FLOAT, ["batch", 1, "length"]),
    }
    graph.close(inputs, "vectors", checkpoint.spec.dim)
