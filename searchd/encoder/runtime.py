"""ONNX Runtime behind one narrow function: ids and lengths in, unit vectors out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime

from searchd.encoder.spec import Pooling
from searchd.errors import ModelError
from searchd.index.stores import Floats

log = logging.getLogger(__name__)

Ids = npt.NDArray[np.int32]

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
# what ``auto`` tries, best first; TensorRT is left out because it compiles for minutes on first use
_AUTO = ("cuda", "openvino", "cpu")
_PACKAGE = {
    "openvino": "pip uninstall onnxruntime; pip install onnxruntime-openvino",
    "cuda": "pip uninstall onnxruntime; pip install onnxruntime-gpu",
    "tensorrt": "pip uninstall onnxruntime; pip install onnxruntime-gpu and TensorRT",
}


class Runner(Protocol):
    """Runs one padded batch."""

    def __call__(self, ids: Ids, lengths: Ids) -> Floats:
        """(batch, length) and (batch,) int32 -> (batch, dim) float32, rows of norm 1."""


def available() -> tuple[str, ...]:
    """ONNX Runtime's providers on this machine. Tests replace this edge."""
    return tuple(onnxruntime.get_available_providers())


def pick_device(device: str) -> str:
    """Turn the setting into one of PROVIDERS' keys; ModelError when it was asked for and is missing."""
    present = available()
    if device == "auto":
        chosen = next(name for name in _AUTO if name == "cpu" or PROVIDERS[name] in present)
        log.info("encoder runs on %s (providers: %s)", chosen, ", ".join(present))
        return chosen
    if device not in PROVIDERS:
        raise ModelError(f"device {device!r} is not one of auto, {', '.join(PROVIDERS)}")
    if PROVIDERS[device] not in present:
        raise ModelError(f"device {device} is missing: ONNX Runtime offers {', '.join(present)}", _PACKAGE[device])
    return device


def open_session(path: Path, device: str) -> Any:
    """A session that computes in the calling thread, so that many threads may share it without a queue."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers: list[Any] = [PROVIDERS["cpu"]]
    if device != "cpu":
        providers.insert(0, (PROVIDERS[device], {}))
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # the binding's exceptions share no base of their own
        raise ModelError(f"{path} cannot be opened: {error}", "prepare the model again") from error


def pool_weights(ids: Ids, lengths: Ids, pooling: Pooling, skip: int = 0) -> Floats:
    """(batch, 1, length) weights of the tokens; ``skip`` leaves the prompt's tokens out of the mean."""
    at = np.arange(ids.shape[1], dtype=np.int32)[None, :]
    if pooling == "cls":
        chosen = np.broadcast_to(at == 0, ids.shape)
    else:
        chosen = (at < lengths[:, None]) & (at >= skip)
    weights = chosen.astype(np.float32)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1)
    return weights[:, None, :]


class FusedRunner:
    """Our own graph."""

    def __init__(self, path: Path, device: str, pooling: Pooling) -> None:
        self._run = open_session(path, device).run
        self._pooling = pooling

    def __call__(self, ids: Ids, lengths: Ids) -> Floats:
        """See ``Runner``."""
        feed = {"ids": ids, "lengths": lengths, "pool": pool_weights(ids, lengths, self._pooling)}
        vectors: Floats = self._run(None, feed)[0]
        return vectors


def pad(rows: Sequence[Sequence[int]]) -> tuple[Ids, Ids]:
    """Stack rows of ids, padded on the right with 0, beside their lengths."""
    lengths = np.array([len(row) for row in rows], np.int32)
    ids = np.zeros((len(rows), int(lengths.max())), np.int32)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = row
    return ids, lengths
