"""The layers of an 8-bit model in the order in which the kernel reads them, as a file to map.

``native.data`` holds the arrays, each on a 64-byte boundary; ``native.json`` says where they are. The word table stays
where the graph has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from searchd.encoder.spec import ModelSpec, read_json
from searchd.errors import ModelError
from searchd.index.stores import Floats

LAYOUT, _DATA = "native.json", "native.data"
COLUMNS = 64  # of a tile; sides of matrices are filled up with zeros to multiples of it
_ALIGNMENT = 64
Array = npt.NDArray[Any]
Place = tuple[str, int, str, tuple[int, ...]]  # file, offset, element type by NumPy's name, shape


def fits(spec: ModelSpec) -> bool:
    """Whether the kernel computes models of this shape."""
    return spec.activation == "gelu" and spec.dim % COLUMNS == 0 and spec.dim in (32 * spec.heads, 64 * spec.heads)


def panels(values: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """(in, out) -> (out / 64, in / 4, 64, 4), both sides filled up with zeros to multiples of 64."""
    rows, columns = (-(-side // COLUMNS) * COLUMNS for side in values.shape)
    full = np.zeros((rows, columns), np.int8)
    full[: values.shape[0], : values.shape[1]] = values
    return full.reshape(rows // 4, 4, columns // COLUMNS, COLUMNS).transpose(2, 0, 3, 1)


class Packer:
    """Writes the file while the graph is written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = (folder / _DATA).open("wb")
        self._places: dict[str, Place] = {}

    def put(self, name: str, value: Array) -> None:
        """Store an array."""
        array = np.ascontiguousarray(value)
        self._file.write(b"\0" * (-self._file.tell() % _ALIGNMENT))
        self._places[name] = (_DATA, self._file.tell(), array.dtype.name, array.shape)
        self._file.write(array.tobytes())

    def refer(self, name: str, value: Array, offset: int | None) -> None:
        """Name an array that lies in model.data at ``offset``; None: it does not, and is stored."""
        if offset is None:
            self.put(name, value)
        else:
            self._places[name] = ("model.data", offset, value.dtype.name, value.shape)

    def product(self, name: str, values: npt.NDArray[np.int8], steps: Floats, rest: Floats, zero: int) -> None:
        """Store a product of bytes around ``zero``: (bytes - zero) @ values * steps + rest."""
        shifted = rest - zero * steps * values.sum(axis=0, dtype=np.int64)
        missing = -len(steps) % COLUMNS
        self.put(f"{name}.panels", panels(values))
        self.put(f"{name}.steps", np.pad(steps, (0, missing)).astype(np.float32))
        self.put(f"{name}.rest", np.pad(shifted, (0, missing)).astype(np.float32))

    def close(self, *, wanted: bool) -> None:
        """Finish both files, or leave none when they are not wanted."""
        self._file.close()
        if not wanted:
            (self._folder / _DATA).unlink()
            return
        (self._folder / LAYOUT).write_text(json.dumps(self._places), encoding="utf-8")


def read(folder: Path) -> Mapping[str, Array]:
    """Map the arrays; ModelError when the files are damaged. Sizes were compared when the folder was opened."""
    layout, maps = read_json(folder / LAYOUT), dict[str, Array]()
    found: dict[str, Array] = {}
    try:
        for name, (file, offset, element, shape) in layout.items():
            if file not in maps:
                maps[file] = np.memmap(folder / file, np.uint8, "r")
            kind = np.dtype(element)
            size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
            found[name] = maps[file][offset : offset + size].view(kind).reshape(shape)
    except (AttributeError, TypeError, ValueError, OSError) as error:
        raise ModelError(f"{folder / LAYOUT} is damaged: {error!r}", "prepare the model again") from error
    return found
