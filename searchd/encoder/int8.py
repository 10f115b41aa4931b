"""The fused pass with 8-bit matrix products: calibrated, smoothed, sensitive places kept.

Activations become unsigned bytes by one constant step per layer input, found on calibration texts, so a text's
vector does not depend on its neighbours in the batch. Weights are signed bytes, symmetric per output channel.
Four things keep the error small:

- Channels with large values give part of their range to the weights (SmoothQuant, Xiao et al. 2023,
  arXiv:2211.10438), here with a shift to the channel's centre as well. Where a normalisation precedes, scale and
  shift go into its own constants; before the attention output they go through the value projection.
- The few feed-forward channels with rare huge values are computed several times, each copy shifted by what the
  copies before it can hold: bytes saturate, so the copies add up to the value without a float32 detour.
- Biases are corrected so that each layer is exact at its mean input.
- ``careful`` rounds weights one input channel at a time while the channels that follow take over the error
  (GPTQ, Frantar et al. 2023, arXiv:2210.17323).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from searchd.encoder.calibrate import Site
from searchd.encoder.checkpoint import BlockWords, Checkpoint
from searchd.encoder.graph import WORD_BLOCK, FloatBert, Graph
from searchd.encoder.native.packed import Packer, fits
from searchd.index.stores import Floats, Ints

Bytes = npt.NDArray[np.int8]

# Share of a channel's range that goes to the weights. After a normalisation the activations' error outweighs the
# weights'; before the attention output both weigh alike.
_NORM_STRENGTH = 0.9
_MIXED_STRENGTH = 0.6
_HEADROOM = 1.15  # of ranges over those seen in calibration: a clipped channel ruins a text, a wide range all a little
_COPIES = 32
DAMPING = 0.1  # calibration is 2,000 tokens: less of it fits their noise
_SMALL = 32  # rows of a triangle that is inverted at once
_BLOCK = 128


@dataclass(frozen=True, slots=True)
class Scaling:
    """A layer input x becomes (x - centre) / scale, which lies on the grid step * (byte - zero)."""

    scale: Floats
    centre: Floats
    step: float
    zero: int


def grid(low: Floats, high: Floats) -> tuple[float, int]:
    """Step and zero point of unsigned bytes that cover [low, high] of all channels."""
    bottom, top = min(float(low.min()), 0.0), max(float(high.max()), 0.0)
    step = max((top - bottom) / 255, 1e-8)
    return step, int(np.clip(np.rint(-bottom / step), 0, 255))


def smooth(site: Site, weight: Floats, strength: float = _NORM_STRENGTH) -> Scaling:
    """Share each channel's range between activations and weights (in, out)."""
    centre = (site.low + site.high) / 2
    reach = np.maximum((site.high - site.low) / 2, 1e-5) * _HEADROOM
    pull = np.sqrt(np.square(weight).mean(axis=1)) + 1e-6
    scale = reach**strength / pull ** (1 - strength)
    scale = (scale / np.exp(np.log(scale).mean())).astype(np.float32)
    step, zero = grid(-reach / scale, reach / scale)
    return Scaling(scale, centre.astype(np.float32), step, zero)


@dataclass(frozen=True, slots=True)
class Spread:
    """Feed-forward channels and the copies of the widest ones.

    channels: (channels + _COPIES,) which channel each column computes; shift: the same, what is taken off before the
    activation function; limit: where every column saturates.
    """

    channels: Ints
    shift: Floats
    limit: float


def spread(high: Floats) -> Spread:
    """Give _COPIES columns to the widest channels so that the limit of all columns gets as low as it can."""
    reach = np.maximum(high, 1e-5) * _HEADROOM
    low, limit = 0.0, float(reach.max())
    for _ in range(40):
        middle = (low + limit) / 2
        if (np.ceil(reach / middle) - 1).sum() <= _COPIES:
            limit = middle
        else:
            low = middle
    counts = np.ceil(reach / limit).astype(np.intp) - 1
    counts[np.argmax(reach)] += _COPIES - counts.sum()
    size = len(high)
    turn = np.concatenate([np.arange(1, count + 1) for count in counts])
    channels = np.concatenate([np.arange(size), np.repeat(np.arange(size), counts)])
    return Spread(channels, np.concatenate([np.zeros(size), turn * limit]).astype(np.float32), limit)


def _steps(weight: Floats) -> Floats:
    """(out,) width of the int8 grid of each output channel."""
    return np.asarray(np.maximum(np.abs(weight).max(axis=0), 1e-8) / 127, np.float32)


def nearest(weight: Floats) -> tuple[Bytes, Floats]:
    """(in, out) float32 -> (in, out) int8 and (out,) float32 steps; each weight goes to the nearest value."""
    steps = _steps(weight)
    return np.rint(weight / steps).astype(np.int8), steps


def factor(covariance: npt.NDArray[np.float64]) -> Floats:
    """(in, in): the upper Cholesky factor of the inverse of the damped covariance, which GPTQ walks along."""
    size = len(covariance)
    damped = covariance + np.eye(size) * DAMPING * np.trace(covariance) / size
    upper = np.linalg.cholesky(damped[::-1, ::-1])[::-1, ::-1]  # damped = upper @ upper.T
    return _inverse(upper).astype(np.float32)


def _inverse(upper: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The inverse of an upper triangular matrix, by halves: a sixth of the work of a general inverse."""
    half = len(upper) // 2
    if half < _SMALL:
        return np.asarray(np.linalg.inv(upper), np.float64)
    out = np.zeros(upper.shape)
    out[:half, :half], out[half:, half:] = _inverse(upper[:half, :half]), _inverse(upper[half:, half:])
    out[:half, half:] = -out[:half, :half] @ upper[:half, half:] @ out[half:, half:]
    return out


def compensated(weight: Floats, upper: Floats) -> tuple[Bytes, Floats]:
    """The same by GPTQ, given the input's ``factor``: later rows take over the error of earlier ones."""
    steps, size = _steps(weight), len(weight)
    left, out = weight.copy(), np.empty(weight.shape, np.int8)
    for start in range(0, size, _BLOCK):
        stop = min(start + _BLOCK, size)
        errors = np.empty((stop - start, weight.shape[1]), np.float32)
        for row in range(start, stop):
            out[row] = np.clip(np.rint(left[row] / steps), -127, 127)
            error = (left[row] - out[row] * steps) / upper[row, row]
            left[row + 1 : stop] -= np.outer(upper[row, row + 1 : stop], error)
            errors[row - start] = error
        left[stop:] -= upper[start:stop, stop:].T @ errors
    return out, steps


@dataclass(frozen=True, slots=True)
class Quantised:
    """Names of a value's bytes, their step and their zero point."""

    bytes: str
    step: str
    zero: str


@dataclass(frozen=True, slots=True)
class Layer:
    """A linear layer as the checkpoint has it: weight (in, out), bias (out,); which sides hold copies of channels."""

    weight: Floats
    bias: Floats
    into: Spread | None = None
    out: Spread | None = None


class IntBert(FloatBert):
    """The pass with 8-bit linear layers."""

    def __init__(self, checkpoint: Checkpoint, folder: Path, found: Mapping[str, Site], *, careful: bool) -> None:
        super().__init__(checkpoint, Graph(folder))
        self.found, self.careful = found, careful
        self.packer = Packer(folder)  # the same for the kernel
        self._grids: list[tuple[float, int]] = []  # of the layer in the making
        self._factor: tuple[Scaling, Floats] | None = None  # of the input met last

    def words(self) -> str:
        """Word vectors of the ids, in bytes where they do not come in less: in blocks too, as the 4-bit tables."""
        table = self.checkpoint.words
        if isinstance(table, BlockWords):
            return super().words()
        blocks = table.reshape(len(table), -1, WORD_BLOCK)
        steps = np.maximum(np.abs(blocks).max(axis=2), 1e-12) / 127
        values = (np.rint(blocks / steps[:, :, None]) + 128).astype(np.uint8).reshape(table.shape)
        return self.gathered(values, steps, 8)

    def gathered(self, values: npt.NDArray[np.uint8], scales: Floats, bits: int) -> str:
        """Do as the float32 pass does, and let the kernel read the tables where the graph has them."""
        node = super().gathered(values, scales, bits)
        self.packer.refer("words", values, self.graph.offsets.get("words"))
        self.packer.refer("words.scales", scales, self.graph.offsets.get("words.scales"))
        self.packer.put("positions", self.positions())
        return node

    def bias(self, name: str) -> Floats:
        """A linear layer's bias."""
        return self.checkpoint.tensor(f"{name}.bias")

    def quantise(self, x: str, scaling: Scaling, name: str) -> Quantised:
        """Bytes of x, which is already smoothed."""
        self._grids.append((1 / scaling.step, scaling.zero))
        step = self.graph.weight(f"{name}.step", np.array(scaling.step, np.float32))
        zero = self.graph.weight(f"{name}.zero", np.array(scaling.zero, np.uint8))
        return Quantised(self.graph.add("QuantizeLinear", [x, step, zero], f"{name}.bytes"), step, zero)

    def product(self, data: Quantised, site: Site, scaling: Scaling, layer: Layer, name: str) -> str:
        """data @ weight + bias, exact at the mean input."""
        smoothed = layer.weight * scaling.scale[:, None]
        if self.careful:
            values, steps = compensated(smoothed, self.factor(site, scaling))
        else:
            values, steps = nearest(smoothed)
        kept = ((site.mean - scaling.centre) / scaling.scale) @ (values * steps)
        rest = (layer.bias + site.mean @ layer.weight - kept).astype(np.float32)
        if layer.out is not None:
            values, steps, rest = values[:, layer.out.channels], steps[layer.out.channels], rest[layer.out.channels]
            rest -= layer.out.shift
        if layer.into is not None:
            values = values[layer.into.channels]
        self.packer.product(name, values, steps * np.float32(scaling.step), rest, scaling.zero)
        inputs = [data.bytes, self.graph.weight(f"{name}.values", values), data.step]
        inputs += [self.graph.weight(f"{name}.steps", steps), data.zero, "", self.graph.weight(f"{name}.rest", rest)]
        return self.graph.fused("MatMulIntegerToFloat", inputs, name)

    def factor(self, site: Site, scaling: Scaling) -> Floats:
        """The factor of a smoothed input; query, key and value share one."""
        if self._factor is None or self._factor[0] is not scaling:
            self._factor = (scaling, factor(site.covariance / np.outer(scaling.scale, scaling.scale)))
        return self._factor[1]

    def keep(self, name: str, value: Floats) -> str:
        """Store a constant for the graph and for the kernel."""
        self.packer.put(name, value.astype(np.float32))
        return self.graph.weight(name, value)

    def norm_into(self, x: str, stem: str, scaling: Scaling) -> str:
        """Layer normalisation whose output is already smoothed."""
        gain = self.checkpoint.tensor(f"{stem}.weight") / scaling.scale
        base = (self.checkpoint.tensor(f"{stem}.bias") - scaling.centre) / scaling.scale
        inputs = [x, self.keep(f"{stem}.gain", gain), self.keep(f"{stem}.base", base)]
        return self.graph.add("LayerNormalization", inputs, stem, axis=-1, epsilon=self.spec.epsilon)

    def residual(self, x: str, scaling: Scaling, name: str) -> str:
        """x without its smoothing and its centre, which the next product's bias brings back."""
        return self.graph.add("Mul", [x, self.keep(f"{name}.scale", scaling.scale)], f"{name}.residual")

    def attended(self, x: str, scaling: Scaling, number: int) -> str:
        """x + attention(x) before its normalisation."""
        stem = f"encoder.layer.{number}.attention"
        output = f"{stem}.output.dense"
        site = self.found[stem]
        after = smooth(site, self.matrix(output), _MIXED_STRENGTH)
        before = self.found[self.input_of(number)]
        data = self.quantise(x, scaling, f"{stem}.input")
        parts = []
        for part in ("query", "key", "value"):
            name = f"{stem}.self.{part}"
            weight, bias = self.matrix(name), self.bias(name)
            if part == "value":  # a weighted mean of values is smoothed when the values are
                weight, bias = weight / after.scale, (bias - after.centre) / after.scale
            parts.append(self.product(data, before, scaling, Layer(weight, bias), name))
        context = self.graph.fused("MultiHeadAttention", parts, stem, num_heads=self.spec.heads)
        layer = Layer(self.matrix(output), self.bias(output) + scaling.centre)
        mixed = self.product(self.quantise(context, after, stem), site, after, layer, output)
        return self.graph.add("Add", [mixed, self.residual(x, scaling, f"{stem}.input")], f"{stem}.mixed")

    def input_of(self, number: int) -> str:
        """Name of a layer's input."""
        return f"encoder.layer.{number - 1}.output.LayerNorm" if number else "embeddings.LayerNorm"

    def fed_forward(self, x: str, scaling: Scaling, number: int) -> str:
        """x + feed_forward(x) before its normalisation."""
        stem = f"encoder.layer.{number}"
        wide, narrow = f"{stem}.intermediate.dense", f"{stem}.output.dense"
        site = self.found[f"{wide}.gelu"]
        copies = spread(site.high)
        before = self.found[f"{stem}.attention.output.LayerNorm"]
        layer = Layer(self.matrix(wide), self.bias(wide), out=copies)
        hidden = self.gelu(self.product(self.quantise(x, scaling, wide), before, scaling, layer, wide), wide)
        step, zero = grid(site.low, np.array([copies.limit]))
        inner = Scaling(np.ones_like(site.high), np.zeros_like(site.high), step, zero)
        layer = Layer(self.matrix(narrow), self.bias(narrow) + scaling.centre, into=copies)
        summed = self.product(self.quantise(hidden, inner, narrow), site, inner, layer, narrow)
        return self.graph.add("Add", [summed, self.residual(x, scaling, wide)], f"{stem}.summed")

    def body(self) -> str:
        """Everything up to the last layer's output."""
        x, stem = self.embedded(), "embeddings.LayerNorm"
        for number in range(self.spec.layers):
            names = [f"encoder.layer.{number}.attention.self.{part}" for part in ("query", "key", "value")]
            scaling = smooth(self.found[stem], np.concatenate([self.matrix(name) for name in names], axis=1))
            x = self.attended(self.norm_into(x, stem, scaling), scaling, number)
            stem = f"encoder.layer.{number}.attention.output.LayerNorm"
            scaling = smooth(self.found[stem], self.matrix(f"encoder.layer.{number}.intermediate.dense"))
            x = self.fed_forward(self.norm_into(x, stem, scaling), scaling, number)
            self.packer.put(f"encoder.layer.{number}.grids", np.array(self._grids, np.float32))
            self._grids = []
            stem = f"encoder.layer.{number}.output.LayerNorm"
        self.packer.put(f"{stem}.gain", self.checkpoint.tensor(f"{stem}.weight"))
        self.packer.put(f"{stem}.base", self.checkpoint.tensor(f"{stem}.bias"))
        return self.norm(x, stem)


def write_int8(checkpoint: Checkpoint, folder: Path, found: Mapping[str, Site], *, careful: bool) -> None:
    """Write model.onnx and model.data with 8-bit linear layers into ``folder``, and the same for the kernel.

    careful: round weights by GPTQ; takes some seconds here and nothing later.
    """
    bert = IntBert(checkpoint, folder, found, careful=careful)
    bert.write()
    bert.packer.close(wanted=fits(checkpoint.spec))
