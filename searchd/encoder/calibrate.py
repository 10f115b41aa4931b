"""What the inputs of a model's linear layers look like, on the calibration texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

from searchd.encoder.checkpoint import Checkpoint
from searchd.encoder.graph import write_float
from searchd.encoder.runtime import open_session
from searchd.index.stores import Floats

_ROWS_TOGETHER = 8  # adding up a (1536, 1536) matrix costs more than the product of a short text


@dataclass(slots=True)
class Site:
    """Statistics of one linear layer's input over ``count`` tokens.

    low, high, total: (channels,) least, greatest and summed values; gram: (channels, channels), sum of x^T x.
    """

    low: Floats
    high: Floats
    total: npt.NDArray[np.float64]
    gram: npt.NDArray[np.float64]
    count: int = 0

    def add(self, rows: Floats) -> None:
        """Take in (rows, channels)."""
        self.low = np.minimum(self.low, rows.min(axis=0))
        self.high = np.maximum(self.high, rows.max(axis=0))
        self.total += rows.sum(axis=0)
        self.gram += rows.T @ rows
        self.count += len(rows)

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """(channels,) mean values."""
        return self.total / self.count

    @property
    def covariance(self) -> npt.NDArray[np.float64]:
        """(channels, channels) covariance."""
        return self.gram / self.count - np.outer(self.mean, self.mean)


def texts(languages: Sequence[str]) -> list[str]:
    """The calibration texts in a model's languages; all of them when () or when there are none in its languages."""
    lines = (resources.files("searchd.encoder") / "calibration.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t", 1) for line in lines]
    return [text for tag, text in pairs if tag in languages] or [text for _, text in pairs]


def sites(layers: int) -> list[str]:
    """Names of the values that enter linear layers, in the graph that ``write_float`` writes."""
    names = ["embeddings.LayerNorm"]
    for number in range(layers):
        stem = f"encoder.layer.{number}"
        names += [f"{stem}.attention", f"{stem}.attention.output.LayerNorm", f"{stem}.intermediate.dense.gelu"]
        names.append(f"{stem}.output.LayerNorm")
    return names[:-1]


def observe(checkpoint: Checkpoint, rows: Sequence[Sequence[int]], folder: Path) -> dict[str, Site]:
    """Run the float32 graph over rows of token ids and collect each site's statistics; ``folder`` is scratch."""
    names = sites(checkpoint.spec.layers)
    write_float(checkpoint, folder, names)
    run = open_session(folder / "model.onnx", "cpu").run
    found: dict[str, Site] = {}
    for start in range(0, len(rows), _ROWS_TOGETHER):
        outputs = [run(names, {"ids": np.array([row], np.int32)}) for row in rows[start : start + _ROWS_TOGETHER]]
        for name, *values in zip(names, *outputs, strict=True):
            flat = np.concatenate([value.reshape(-1, value.shape[-1]) for value in values])
            width = flat.shape[1]
            edge = np.full(width, np.inf, np.float32)
            site = found.setdefault(name, Site(edge, -edge, np.zeros(width), np.zeros((width, width))))
            site.add(flat)
    return found
