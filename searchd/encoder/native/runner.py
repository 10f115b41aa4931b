"""The kernel behind the same narrow function as ONNX Runtime: ids in, unit vectors out."""

from __future__ import annotations

import ctypes
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt

from searchd.encoder.native import packed
from searchd.encoder.native.build import library
from searchd.encoder.spec import ModelSpec
from searchd.errors import ModelError
from searchd.index.stores import Floats

Ids = npt.NDArray[np.int32]
_ALIGNMENT = 64


class _Product(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("values", "steps", "rest")]


class _Norm(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("gain", "base")]


class _Layer(ctypes.Structure):
    _fields_ = [
        ("before", _Norm),
        ("kept", ctypes.c_void_p),
        *((name, _Product) for name in ("query", "key", "value", "mixed")),
        ("between", _Norm),
        ("kept_between", ctypes.c_void_p),
        *((name, _Product) for name in ("wide", "narrow")),
        ("grids", ctypes.c_void_p),
    ]


class _Model(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int32) for name in ("hidden", "heads", "inner", "layers", "word_bits", "first_only")),
        ("epsilon", ctypes.c_float),
        *((name, ctypes.c_void_p) for name in ("words", "word_steps", "positions")),
        ("last", _Norm),
        ("layer", ctypes.POINTER(_Layer)),
    ]


class NativeRunner:
    """Implements ``searchd.encoder.runtime.Runner``. Any number of threads may call at once: each has its room."""

    def __init__(self, folder: Path, spec: ModelSpec) -> None:
        """ModelError when the kernel cannot be had or the folder is damaged."""
        library_ = library()
        self._encode, self._room_of = library_.echolot_encode, library_.echolot_room
        self._arrays = packed.read(folder)
        self._spec = spec
        try:
            self._model = self._assemble()
        except KeyError as error:
            raise ModelError(f"{folder / packed.LAYOUT} lacks {error}", "prepare the model again") from error
        self._rows, self._places = len(self._arrays["words"]), len(self._arrays["positions"])
        self._local = threading.local()

    def __call__(self, ids: Ids) -> Floats:
        """See ``Runner``."""
        return self._run(ids)[0]

    def tokens(self, ids: Ids) -> Floats:
        """See ``Runner``."""
        return self._run(ids)[1]

    def _run(self, ids: Ids) -> tuple[Floats, Floats]:
        batch, length = ids.shape
        if length > self._places or ids.max() >= self._rows or ids.min() < 0:
            raise ValueError(f"ids below {self._rows}, at most {self._places} to a text; got {ids.shape}, {ids.max()}")
        rows = np.ascontiguousarray(ids, np.int32)
        vectors = np.empty((batch, self._spec.dim), np.float32)
        states = np.empty((batch, length, self._spec.dim), np.float32)
        model = ctypes.byref(self._model)
        room = self._room(self._room_of(model, batch, length))
        self._encode(model, rows.ctypes.data, batch, length, states.ctypes.data, vectors.ctypes.data, room)
        return vectors, states

    def _room(self, size: int) -> int:
        """Address of this thread's working room, on a boundary."""
        kept: npt.NDArray[np.uint8] | None = getattr(self._local, "room", None)
        if kept is None or len(kept) < size + _ALIGNMENT:
            kept = self._local.room = np.empty(size + _ALIGNMENT, np.uint8)
        start: int = kept.ctypes.data
        return start + -start % _ALIGNMENT

    def _assemble(self) -> _Model:
        spec = self._spec
        layers = (_Layer * spec.layers)()
        stem = "embeddings.LayerNorm"
        for number in range(spec.layers):
            layers[number] = self._layer(number, stem)
            stem = f"encoder.layer.{number}.output.LayerNorm"
        words = self._arrays["words"]
        return _Model(
            spec.dim,
            spec.heads,
            len(self._arrays["encoder.layer.0.intermediate.dense.steps"]),
            spec.layers,
            8 * words.shape[1] // spec.dim,
            int(spec.pooling == "cls"),
            spec.epsilon,
            self._at("words"),
            self._at("words.scales"),
            self._at("positions"),
            self._norm(stem),
            layers,
        )

    def _layer(self, number: int, before: str) -> _Layer:
        stem = f"encoder.layer.{number}"
        attention, wide, narrow = f"{stem}.attention", f"{stem}.intermediate.dense", f"{stem}.output.dense"
        return _Layer(
            self._norm(before),
            self._at(f"{attention}.input.scale"),
            *(self._product(f"{attention}.self.{part}") for part in ("query", "key", "value")),
            self._product(f"{attention}.output.dense"),
            self._norm(f"{attention}.output.LayerNorm"),
            self._at(f"{wide}.scale"),
            self._product(wide),
            self._product(narrow),
            self._at(f"{stem}.grids"),
        )

    def _at(self, name: str) -> int:
        address: int = self._arrays[name].ctypes.data
        return address

    def _norm(self, stem: str) -> _Norm:
        return _Norm(self._at(f"{stem}.gain"), self._at(f"{stem}.base"))

    def _product(self, name: str) -> _Product:
        return _Product(self._at(f"{name}.panels"), self._at(f"{name}.steps"), self._at(f"{name}.rest"))
