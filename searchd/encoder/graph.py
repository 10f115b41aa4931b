"""BERT's forward pass written directly as an ONNX graph: no tracing, no torch.

Input: ``ids`` (batch, length) int32, rows of equal length without padding, so no operator pays for a mask and a
text's vector does not depend on its neighbours. Outputs: ``vectors`` (batch, dim) float32, rows of norm 1, and
``tokens`` (batch, length, dim) float32, the last layer's output that they are pooled from, not scaled.

Operators were chosen by measurement on CPUs; "com.microsoft" are ONNX Runtime's own. Token kinds are all 0 in a
text encoder, so their row is added to the positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from searchd.encoder import proto
from searchd.encoder.checkpoint import KINDS, POSITIONS, BlockWords, Checkpoint
from searchd.index.stores import Floats

MICROSOFT = "com.microsoft"
_ALIGNMENT = 4096  # ONNX Runtime maps a tensor that begins on a page
_INLINE_BYTES = 1024
WORD_BLOCK = 32  # weights of a word vector that share a scale


class Graph:
    """Collects nodes and weights; weights go to one file beside the graph so that they can be mapped."""

    def __init__(self, folder: Path, stem: str = "model") -> None:
        self._stem = stem
        self._nodes: list[bytes] = []
        self._weights: list[bytes] = []
        self.offsets: dict[str, int] = {}  # of the weights in the data file
        self._folder = folder
        self._file = (folder / f"{stem}.data").open("wb")

    def add(self, op: str, inputs: Sequence[str], name: str, domain: str = "", **kw: int | float | str) -> str:
        """Append a node; returns the name of its output, which is the node's own."""
        self._nodes.append(proto.node(op, inputs, name, domain, kw))
        return name

    def fused(self, op: str, inputs: Sequence[str], name: str, **kw: int | float | str) -> str:
        """Append one of ONNX Runtime's own operators."""
        return self.add(op, inputs, name, MICROSOFT, **kw)

    def weight(self, name: str, value: npt.NDArray[Any], kind: int | None = None) -> str:
        """Store a constant; ``kind`` overrides the element type (packed 4-bit values)."""
        array = np.ascontiguousarray(value)
        shape = list(np.shape(value))  # `array` has at least one dimension
        element = proto.ELEMENTS[array.dtype.name] if kind is None else kind
        if element == proto.INT4:
            shape[-1] *= 2
        if array.nbytes <= _INLINE_BYTES:
            tensor = proto.inline_tensor(name, element, shape, array.tobytes())
        else:
            self._file.write(b"\0" * (-self._file.tell() % _ALIGNMENT))
            offset = self.offsets[name] = self._file.tell()
            place = {"location": f"{self._stem}.data", "offset": str(offset), "length": str(array.nbytes)}
            tensor = proto.external_tensor(name, element, shape, place)
            self._file.write(array.tobytes())
        self._weights.append(tensor)
        return name

    def close(self, inputs: Sequence[bytes], outputs: Sequence[bytes]) -> None:
        """Write the graph's own file and finish its data file; inputs and outputs are ``proto.value``s."""
        self._file.close()
        content = proto.model(self._nodes, self._weights, inputs, outputs, {"": 21, MICROSOFT: 1})
        (self._folder / f"{self._stem}.onnx").write_bytes(content)


def nibbles(table: BlockWords) -> npt.NDArray[np.uint8]:
    """(rows, dim / 2) bytes of two signed nibbles, the lower one first."""
    # Q4_0 counts from -8: flipping a nibble's top bit makes it INT4 (UINT4's zero point would be 0 here)
    return np.asarray((table.values[:, 0::2] | (table.values[:, 1::2] << 4)) ^ 0x88, np.uint8)


class FloatBert:
    """One forward pass in float32, in the making; a precision overrides what it writes differently."""

    def __init__(self, checkpoint: Checkpoint, graph: Graph, *, mask: str = "") -> None:
        """``mask``: name of an int32 (batch, length) value, 0 at padding; "" for rows without padding."""
        self.checkpoint, self.spec, self.graph, self.mask = checkpoint, checkpoint.spec, graph, mask

    def constant(self, name: str) -> str:
        """Store one of the checkpoint's tensors as it is."""
        return self.graph.weight(name, self.checkpoint.tensor(name))

    def matrix(self, name: str) -> Floats:
        """A linear layer's weight as (in, out)."""
        return np.ascontiguousarray(self.checkpoint.tensor(f"{name}.weight").T)

    def add_bias(self, x: str, name: str) -> str:
        """x + the linear layer's bias."""
        return self.graph.add("Add", [x, self.constant(f"{name}.bias")], f"{name}.biased")

    def linear(self, x: str, name: str) -> str:
        """x @ weight + bias."""
        product = self.graph.add("MatMul", [x, self.graph.weight(f"{name}.weight", self.matrix(name))], name)
        return self.add_bias(product, name)

    def norm(self, x: str, stem: str) -> str:
        """Layer normalisation. (SkipLayerNormalization, Add included, takes three times as long on CPUs.)"""
        inputs = [x, self.constant(f"{stem}.weight"), self.constant(f"{stem}.bias")]
        return self.graph.add("LayerNormalization", inputs, stem, axis=-1, epsilon=self.spec.epsilon)

    def positions(self) -> Floats:
        """(max_length, dim): what is added to the word vectors at each place."""
        table = self.checkpoint.tensor(POSITIONS)[self.spec.first_position :]
        return np.asarray(table[: self.spec.max_length] + self.checkpoint.tensor(KINDS)[0], np.float32)

    def words(self) -> str:
        """Word vectors of the ids; 4-bit tables stay packed and only the rows that are read are expanded."""
        table = self.checkpoint.words
        if not isinstance(table, BlockWords):
            return self.graph.add("Gather", [self.graph.weight("words", table), "ids"], "words.gather")
        return self.gathered(nibbles(table), table.scales, 4)

    def gathered(self, values: npt.NDArray[np.uint8], scales: Floats, bits: int) -> str:
        """Word vectors of the ids from a table of ``bits`` a weight; ``WORD_BLOCK`` weights share a scale."""
        inputs = [self.graph.weight("words", values, proto.INT4 if bits == 4 else None), "ids"]
        inputs.append(self.graph.weight("words.scales", scales))
        sizes = {"gather_axis": 0, "quantize_axis": 1, "block_size": WORD_BLOCK, "bits": bits}
        return self.graph.fused("GatherBlockQuantized", inputs, "words.gather", **sizes)

    def embedded(self) -> str:
        """Word vectors plus positions, before the normalisation."""
        length = self.graph.add("Shape", ["ids"], "length", start=1, end=2)
        zero = self.graph.weight("zero", np.zeros(1, np.int64))
        table = self.graph.weight("positions", self.positions())
        row = self.graph.add("Slice", [table, zero, length, zero], "positions.row")
        return self.graph.add("Add", [self.words(), row], "embedded")

    def attention(self, x: str, stem: str) -> str:
        """Self-attention's context vectors."""
        names = [f"{stem}.self.{part}" for part in ("query", "key", "value")]
        bias = np.concatenate([self.checkpoint.tensor(f"{name}.bias") for name in names])
        weight = np.concatenate([self.matrix(name) for name in names], axis=1)
        inputs = [x, self.graph.weight(f"{stem}.weight", weight), self.graph.weight(f"{stem}.bias", bias)]
        inputs += [self.mask] if self.mask else []
        return self.graph.fused("Attention", inputs, stem, num_heads=self.spec.heads)

    def gelu(self, x: str, name: str) -> str:
        """The activation function that config.json names."""
        kind = "none" if self.spec.activation == "gelu" else "tanh"
        return self.graph.add("Gelu", [x], f"{name}.gelu", approximate=kind)

    def layer(self, x: str, number: int) -> str:
        """One transformer layer."""
        stem = f"encoder.layer.{number}"
        context = self.attention(x, f"{stem}.attention")
        mixed = self.linear(context, f"{stem}.attention.output.dense")
        x = self.norm(self.graph.add("Add", [mixed, x], f"{stem}.mixed"), f"{stem}.attention.output.LayerNorm")
        name = f"{stem}.intermediate.dense"
        narrow = self.linear(self.gelu(self.linear(x, name), name), f"{stem}.output.dense")
        return self.norm(self.graph.add("Add", [narrow, x], f"{stem}.summed"), f"{stem}.output.LayerNorm")

    def body(self) -> str:
        """Everything up to the last layer's output."""
        x = self.norm(self.embedded(), "embeddings.LayerNorm")
        for number in range(self.spec.layers):
            x = self.layer(x, number)
        return x

    def write(self, taps: Sequence[str] = ()) -> None:
        """Write the whole pass: layers, pooling, unit length; ``taps`` name values to put out beside the vectors."""
        x = self.graph.add("Identity", [self.body()], "tokens")
        one = self.graph.weight("axis", np.array([1], np.int64))
        if self.spec.pooling == "mean":
            pooled = self.graph.add("ReduceMean", [x, one], "pooled", keepdims=0)
        else:
            pooled = self.graph.add("Gather", [x, self.graph.weight("first", np.array(0, np.int64))], "pooled", axis=1)
        self.graph.add("LpNormalization", [pooled], "vectors", axis=-1, p=2)
        outputs = [proto.value("vectors", proto.FLOAT, ["batch", self.spec.dim])]
        outputs += [proto.value(name, proto.FLOAT) for name in ("tokens", *taps)]
        self.graph.close([proto.value("ids", proto.INT32, ["batch", "length"])], outputs)


def write_float(checkpoint: Checkpoint, folder: Path, taps: Sequence[str] = (), stem: str = "model") -> None:
    """Write <stem>.onnx and <stem>.data in float32 into ``folder``; ``taps`` are further outputs."""
    FloatBert(checkpoint, Graph(folder, stem)).write(taps)
