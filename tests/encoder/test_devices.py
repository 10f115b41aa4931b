"""Providers: asked for, missing, found; the list is replaced at its edge, no accelerator is needed."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import onnxruntime
import pytest

from searchd.encoder import load, open_prepared, runtime
from searchd.errors import ModelError
from searchd.settings import ModelSettings
from tests.encoder import tiny

CPU, CUDA, OPENVINO = "CPUExecutionProvider", "CUDAExecutionProvider", "OpenVINOExecutionProvider"


def offer(monkeypatch: pytest.MonkeyPatch, *providers: str) -> None:
    monkeypatch.setattr(runtime, "available", lambda: providers)


@pytest.mark.parametrize(
    ("present", "bfloat16", "wanted"),
    [
        ((CPU,), True, "cpu"),
        ((CUDA, CPU), False, "cuda"),
        ((OPENVINO, CPU), True, "openvino"),
        ((OPENVINO, CPU), False, "cpu"),
        ((OPENVINO, CUDA, CPU), True, "cuda"),
    ],
)
def test_auto_takes_the_best_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    present: tuple[str, ...],
    bfloat16: bool,
    wanted: str,
) -> None:
    offer(monkeypatch, *present)
    monkeypatch.setattr(runtime, "has_bfloat16", lambda: bfloat16)
    with caplog.at_level(logging.INFO):
        assert runtime.pick_device("auto") == wanted
    assert f"encoder runs on {wanted}" in caplog.text


def test_a_missing_provider_is_an_error_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, CPU)
    with pytest.raises(ModelError, match="device cuda is missing") as caught:
        runtime.pick_device("cuda")
    assert "onnxruntime-gpu" in caught.value.hint
    with pytest.raises(ModelError, match="device 'gpu' is not one of"):
        runtime.pick_device("gpu")


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


def test_openvino_gets_bfloat16_only_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def hint(*, exact: bool) -> str:
        options = runtime.provider_options("openvino", exact=exact)
        return str(json.loads(options["load_config"])["CPU"]["INFERENCE_PRECISION_HINT"])

    monkeypatch.setattr(runtime, "has_bfloat16", lambda: True)
    assert (hint(exact=False), hint(exact=True)) == ("bf16", "f32")
    monkeypatch.setattr(runtime, "has_bfloat16", lambda: False)
    assert hint(exact=False) == "f32"
