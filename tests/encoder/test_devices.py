"""Providers: asked for, missing, found; the list is replaced at its edge, no accelerator is needed."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from searchd.encoder import load, open_prepared, runtime
from searchd.encoder.native import build
from searchd.errors import ModelError
from searchd.settings import ModelSettings
from tests.encoder import tiny
from tests.encoder.conftest import Loader

CPU, CUDA, OPENVINO = "CPUExecutionProvider", "CUDAExecutionProvider", "OpenVINOExecutionProvider"


VNNI = "avx512f avx512bw avx512vl avx512dq avx512_vnni fma"


def processor(monkeypatch: pytest.MonkeyPatch, flags: str) -> None:
    """What the processor says of itself."""
    for module in (build, runtime):
        monkeypatch.setattr(module, "processor_flags", lambda: frozenset(flags.split()))


def offer(monkeypatch: pytest.MonkeyPatch, *providers: str) -> None:
    monkeypatch.setattr(runtime, "available", lambda: providers)


@pytest.mark.parametrize(
    ("present", "flags", "wanted"),
    [
        ((CPU,), "avx512_bf16", ("cpu",)),
        ((CPU,), VNNI, ("native", "cpu")),
        ((CUDA, CPU), VNNI, ("cuda", "native", "cpu")),
        ((OPENVINO, CPU), "amx_bf16", ("openvino", "cpu")),
        ((OPENVINO, CPU), "avx2", ("cpu",)),
        ((OPENVINO, CPU), "avx512_bf16", ("cpu",)),
        ((OPENVINO, CUDA, CPU), f"{VNNI} avx512_bf16 sse4a", ("cuda", "native", "openvino", "cpu")),
    ],
)
def test_auto_tries_the_best_first(
    monkeypatch: pytest.MonkeyPatch, present: tuple[str, ...], flags: str, wanted: tuple[str, ...]
) -> None:
    offer(monkeypatch, *present)
    processor(monkeypatch, flags)
    assert runtime.devices("auto") == wanted
    assert runtime.graph_device("auto") == next(name for name in wanted if name != "native")


def test_what_auto_came_to_stands_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    processor(monkeypatch, "avx2")
    with caplog.at_level(logging.INFO):
        load(ModelSettings(name=str(tiny.write_model(tmp_path / "m")), cache=str(tmp_path / "cache")))
    assert "encoder runs on cpu" in caplog.text


def test_providers_are_known_without_loading_the_library() -> None:
    script = (
        "import sys; from searchd.encoder.runtime import available; print(available(), 'onnxruntime' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    present = tuple(onnxruntime.get_available_providers())
    alone = present[-1] == CPU and not {CUDA, OPENVINO} & set(present)
    assert said == (f"{(CPU,)} False\n" if alone else f"{present} True\n")


def test_a_missing_provider_is_an_error_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, CPU)
    with pytest.raises(ModelError, match="device cuda is missing") as caught:
        runtime.devices("cuda")
    assert "onnxruntime-gpu" in caught.value.hint
    with pytest.raises(ModelError, match="device 'gpu' is not one of"):
        runtime.devices("gpu")


def test_a_provider_that_does_not_start_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if CUDA in onnxruntime.get_available_providers():
        pytest.skip("it may well start here")
    offer(monkeypatch, CUDA, CPU)
    model = ModelSettings(name=str(tiny.write_model(tmp_path / "m")), device="cuda", cache=str(tmp_path / "cache"))
    with pytest.raises(ModelError, match=r"cuda did not start|cannot be opened"):
        load(model)


def test_an_index_built_on_an_accelerator_serves_on_a_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[str, str]] = []

    def open_session(path: Path, device: str, *, exact: bool = True) -> onnxruntime.InferenceSession:
        """What stands for the accelerator: the same graph on the processor."""
        opened.append((path.name, device))
        return onnxruntime.InferenceSession(str(path), providers=[CPU])

    offer(monkeypatch, CUDA, CPU)
    model = ModelSettings(name=str(tiny.write_model(tmp_path / "m")), device="cuda", cache=str(tmp_path / "cache"))
    with monkeypatch.context() as patched:
        patched.setattr(runtime, "open_session", open_session)
        built = load(model)
    assert opened[-1] == ("float.onnx", "cuda")
    built.save(tmp_path / "snapshot")
    served = open_prepared(tmp_path / "snapshot", device="cpu")
    assert served.fingerprint == built.fingerprint
    text = "a red boat sails on the lake"
    # the stated tolerance between providers
    assert served.encode_query(text) @ built.encode_query(text) > 0.99


def test_a_folder_prepared_for_cpus_serves_there_when_the_device_is_left_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tiny.write_model(tmp_path / "m")
    built = load(ModelSettings(name=str(folder), device="cpu", cache=str(tmp_path / "cache")))
    built.save(tmp_path / "snapshot")
    offer(monkeypatch, CUDA, CPU)
    with caplog.at_level(logging.INFO):
        served = open_prepared(tmp_path / "snapshot")
    assert served.encode_query("a cat") @ built.encode_query("a cat") > 0.99999
    assert "was prepared for CPUs" in caplog.text
    with pytest.raises(ModelError, match="was prepared for CPUs"):
        open_prepared(tmp_path / "snapshot", device="cuda")


def test_openvino_gets_bfloat16_only_where_it_is_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    def hint(*, exact: bool) -> str:
        options = runtime.provider_options("openvino", exact=exact)
        return str(json.loads(options["load_config"])["CPU"]["INFERENCE_PRECISION_HINT"])

    for flags in ("amx_bf16", "avx512_bf16 sse4a"):
        processor(monkeypatch, flags)
        assert (hint(exact=False), hint(exact=True)) == ("bf16", "f32")
    for flags in ("avx512_bf16", "avx2"):
        processor(monkeypatch, flags)
        assert hint(exact=False) == "f32"


@pytest.mark.parametrize(("flags", "wanted"), [("ssse3 avx2", "1"), ("ssse3 avx2 avx_vnni", None), ("", None)])
def test_sums_of_bytes_are_right_without_vnni(
    encoder_of: Loader, monkeypatch: pytest.MonkeyPatch, flags: str, wanted: str | None
) -> None:
    usual = encoder_of(precision="balanced")
    folder = usual._prepared.folder
    processor(monkeypatch, flags)
    options = runtime.open_session(folder / "model.onnx", "cpu").get_session_options()
    entry = "session.x64quantprecision"
    if wanted is None:
        with pytest.raises(RuntimeError, match=entry):
            options.get_session_config_entry(entry)
    else:
        assert options.get_session_config_entry(entry) == wanted
    query = open_prepared(folder, device="cpu").encode_query("a boat")
    assert np.allclose(query, usual.encode_query("a boat"), atol=1e-6)
