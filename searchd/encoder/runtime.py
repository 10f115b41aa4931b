"""Devices, and ONNX Runtime behind one narrow function: ids in, unit vectors out."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from searchd.encoder.native.build import adds_bytes_wrongly, is_able, processor_flags
from searchd.encoder.spec import Pooling
from searchd.errors import ModelError
from searchd.index.stores import Floats

log = logging.getLogger(__name__)

# ONNX Runtime 1.32 looks for its maker's servers and keeps a number of this machine in the user's cache. It reads this
# when it is imported, which happens in this module alone; ``disable_telemetry_events()`` comes too late.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

Ids = npt.NDArray[np.int32]

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
NATIVE = "native"  # our own kernel (``searchd.encoder.native``), which is no provider of ONNX Runtime
# what ``auto`` tries, best first; TensorRT is left out because it compiles for minutes on first use, OpenVINO where
# bfloat16 is not fast: the 8-bit graph is faster there
_AUTO = ("cuda", NATIVE, "openvino", "cpu")
ON_PROCESSOR = frozenset({NATIVE, "cpu", "openvino"})
# extended optimisations whose operators are slower on processors than their parts
_SLOWER = ["SkipLayerNormFusion", "BiasGeluFusion", "BiasSkipLayerNormFusion"]
_PACKAGE = {
    "openvino": "pip uninstall onnxruntime; pip install onnxruntime-openvino",
    "cuda": "pip uninstall onnxruntime; pip install onnxruntime-gpu",
    "tensorrt": "pip uninstall onnxruntime; pip install onnxruntime-gpu and TensorRT",
}


class Runner(Protocol):
    """Runs one batch of texts of equal length."""

    def __call__(self, ids: Ids) -> Floats:
        """(batch, length) int32 -> (batch, dim) float32, rows of norm 1."""

    def tokens(self, ids: Ids) -> Floats:
        """(batch, length) int32 -> (batch, length, dim) float32, the last layer's output.

        (batch, 1, dim) where the graph puts out nothing but one vector for each text.
        """


def available() -> tuple[str, ...]:
    """ONNX Runtime's providers on this machine. Tests replace this edge.

    The library is loaded only where others than the processor's can be: it takes a tenth of a second and 25 MB.
    """
    found = importlib.util.find_spec("onnxruntime")
    folders = list(found.submodule_search_locations or ()) if found else []
    files = [path.name for folder in folders for path in (Path(folder) / "capi").glob("*onnxruntime_providers_*")]
    if folders and all("_shared" in name for name in files):
        return (PROVIDERS["cpu"],)
    import onnxruntime

    return tuple(onnxruntime.get_available_providers())


def devices(device: str) -> tuple[str, ...]:
    """What to try for the setting, best first: keys of PROVIDERS, or NATIVE.

    One that was asked for by name stands alone; ModelError when it is missing.
    """
    present = available()
    if device == "auto":
        return tuple(name for name in _AUTO if _is_here(name, present))
    if device == NATIVE:
        return (NATIVE,)
    if device not in PROVIDERS:
        raise ModelError(f"device {device!r} is not one of auto, {NATIVE}, {', '.join(PROVIDERS)}")
    if PROVIDERS[device] not in present:
        raise ModelError(f"device {device} is missing: ONNX Runtime offers {', '.join(present)}", _PACKAGE[device])
    return (device,)


def _is_here(name: str, present: tuple[str, ...]) -> bool:
    if name == NATIVE:
        return is_able()
    return PROVIDERS[name] in present and (name != "openvino" or has_fast_bfloat16())


def graph_device(device: str) -> str:
    """Turn the setting into the device for a graph that the kernel does not compute. ModelError as ``devices``."""
    return next((name for name in devices(device) if name != NATIVE), "cpu")


def has_fast_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 faster than float32: with AMX, or AMD's AVX-512 BF16.

    Intel's AVX-512 BF16 does half as many instructions in the time: OpenVINO took 1.6 times as long with it.
    """
    flags = processor_flags()
    return "amx_bf16" in flags or flags.issuperset({"avx512_bf16", "sse4a"})  # sse4a: AMD's alone


def provider_options(device: str, *, exact: bool) -> dict[str, str]:
    """What a provider is told. OpenVINO computes in bfloat16 where that is fast, unless ``exact``."""
    if device != "openvino":
        return {}
    hint = "bf16" if has_fast_bfloat16() and not exact else "f32"
    return {
        "device_type": "CPU",
        "num_of_threads": "1",
        "load_config": json.dumps({"CPU": {"INFERENCE_PRECISION_HINT": hint}}),
    }


def open_session(path: Path, device: str, *, exact: bool = True) -> Any:  # noqa: ANN401 - the library has no types
    """A session that computes in the calling thread, so that many threads may share it without a queue.

    ModelError when the graph is damaged or the provider does not start (ONNX Runtime alone would go on silently).
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    level, slower = onnxruntime.GraphOptimizationLevel, list[str]()
    if device in ("cpu", "openvino"):
        # the extended optimisations would join Add and LayerNormalization to an operator that is slower on CPUs
        options.graph_optimization_level = level.ORT_ENABLE_BASIC
    if device == "cpu" and adds_bytes_wrongly():
        # right sums for a fifth more time; the library has this among the extended ones
        options.add_session_config_entry("session.x64quantprecision", "1")
        options.graph_optimization_level, slower = level.ORT_ENABLE_EXTENDED, _SLOWER
    providers: list[Any] = [PROVIDERS["cpu"]]
    if device != "cpu":
        providers.insert(0, (PROVIDERS[device], provider_options(device, exact=exact)))
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers, disabled_optimizers=slower)
    except Exception as error:  # the binding's exceptions share no base of their own
        raise ModelError(f"{path} cannot be opened: {error}", "prepare the model again") from error
    if PROVIDERS[device] not in session.get_providers():
        raise ModelError(f"device {device} did not start; ONNX Runtime's log says why", "use device auto or cpu")
    return session


class FusedRunner:
    """Our own graph, which pools and scales by itself."""

    def __init__(self, path: Path, device: str, *, exact: bool = True) -> None:
        self._run = open_session(path, device, exact=exact).run

    def __call__(self, ids: Ids) -> Floats:
        """See ``Runner``."""
        vectors: Floats = self._run(["vectors"], {"ids": ids})[0]
        return vectors

    def tokens(self, ids: Ids) -> Floats:
        """See ``Runner``."""
        states: Floats = self._run(["tokens"], {"ids": ids})[0]
        return states


class OnnxFileRunner:
    """A model's own ONNX file: inputs by their usual names; the first output holds token or text vectors."""

    def __init__(self, path: Path, device: str, pooling: Pooling) -> None:
        session = open_session(path, device)
        self._run, self._pooling = session.run, pooling
        self._inputs = [value.name for value in session.get_inputs()]
        unknown = set(self._inputs) - {"input_ids", "attention_mask", "token_type_ids"}
        if unknown:
            raise ModelError(f"{path} wants inputs that no tokenizer gives: {', '.join(sorted(unknown))}")

    def __call__(self, ids: Ids) -> Floats:
        """See ``Runner``."""
        found = self._states(ids)
        if found.ndim == 3:
            found = found.mean(axis=1) if self._pooling == "mean" else found[:, 0]
        lengths = np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        return np.asarray(found / lengths, np.float32)

    def tokens(self, ids: Ids) -> Floats:
        """See ``Runner``."""
        found = self._states(ids)
        return found if found.ndim == 3 else found[:, None]

    def _states(self, ids: Ids) -> Floats:
        wide = ids.astype(np.int64)
        values = {"input_ids": wide, "attention_mask": np.ones_like(wide), "token_type_ids": np.zeros_like(wide)}
        return np.asarray(self._run(None, {name: values[name] for name in self._inputs})[0], np.float32)
