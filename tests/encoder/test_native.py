"""The compiled kernel beside ONNX Runtime on the same bytes, and what happens where it cannot be had."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from benchmarks.docstrings import passages
from searchd.encoder import OnnxEncoder, load, open_prepared
from searchd.encoder.native import build, packed
from searchd.encoder.native.runner import NativeRunner
from searchd.encoder.prepared import open_folder
from searchd.errors import ModelError, UnfitError
from searchd.index.stores import Floats
from searchd.settings import Device, ModelSettings, Precision
from tests.encoder import tiny
from tests.encoder.conftest import TEXTS, Loader

MODELS = ("all-MiniLM-L6-v2", "multilingual-e5-small")


needs_kernel = pytest.mark.skipif(bool(build.missing()), reason=build.missing() or "it is here")


@pytest.fixture
def no_kernel_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty cache, and nothing opened before."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    build.library.cache_clear()
    yield
    build.library.cache_clear()


def native(folder: Path) -> OnnxEncoder:
    opened = open_prepared(folder, device="native")
    assert isinstance(opened, OnnxEncoder)
    assert opened.device == "native"
    return opened


def cosines(one: Floats, two: Floats) -> Floats:
    return np.asarray((one * two).sum(axis=-1), np.float32)


@needs_kernel
@pytest.mark.parametrize("name", MODELS)
def test_it_agrees_with_onnx_runtime_and_is_as_near_to_exact(encoder_of: Loader, name: str) -> None:
    exact, theirs = encoder_of(name), encoder_of(name, "balanced")
    ours = native(theirs._prepared.folder)
    assert ours.fingerprint == theirs.fingerprint
    words = " ".join(passages(exact.count_tokens, 190, 6)).split()
    texts = [*TEXTS, "", *(" ".join(words[at : at + at // 3 + 1]) for at in range(0, 500, 17))]
    truth, near, found = (one.encode_passages(texts) for one in (exact, theirs, ours))
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert cosines(near, found).min() > 0.997  # the stated tolerance
    assert 1 - cosines(truth, found).mean() < 1.1 * (1 - cosines(truth, near).mean())
    assert cosines(theirs.encode_query("a boat"), ours.encode_query("a boat")) > 0.997
    for one, two in zip(theirs.token_vectors(texts[:9]), ours.token_vectors(texts[:9]), strict=True):
        assert one.shape == two.shape
        assert cosines(one, two).mean() > 0.99


@needs_kernel
@pytest.mark.parametrize("name", MODELS)
def test_a_text_has_one_vector_whatever_is_computed_beside_it(encoder_of: Loader, name: str) -> None:
    ours = native(encoder_of(name, "balanced")._prepared.folder)
    texts = [text[:size] for text in TEXTS for size in (5, 50, 500)] * 3
    together = ours.encode_passages(texts)
    alone = np.stack([ours.encode_passages([text])[0] for text in texts])
    assert np.array_equal(together, alone)
    with ThreadPoolExecutor(4) as pool:
        assert np.array_equal(
            np.stack(list(pool.map(ours.encode_query, texts))), np.stack([*map(ours.encode_query, texts)])
        )


@needs_kernel
@pytest.mark.parametrize(
    ("dim", "heads", "pooling"),
    [(128, 2, "cls_token"), (64, 2, "mean_tokens"), (64, 1, "mean_tokens"), (192, 6, "cls_token")],
)
def test_other_shapes_of_the_family(tmp_path: Path, dim: int, heads: int, pooling: str) -> None:
    model = tiny.write_model(tmp_path / "m", pooling, dim=dim, num_attention_heads=heads)
    texts = [" ".join(tiny.WORDS[start : start + size]) for start in range(5) for size in range(1, 10)]

    def vectors(precision: Precision, device: Device) -> Floats:
        settings = ModelSettings(name=str(model), precision=precision, device=device, cache=str(tmp_path / "cache"))
        return load(settings).encode_passages(texts)

    exact, theirs, ours = vectors("exact", "cpu"), vectors("fast", "cpu"), vectors("fast", "native")
    assert cosines(theirs, ours).mean() > 0.99
    # random weights are hard on 8 bits: what counts is that the kernel loses no more of the truth
    assert 1 - cosines(exact, ours).mean() < 1.15 * (1 - cosines(exact, theirs).mean())


@needs_kernel
def test_ids_that_no_row_belongs_to_are_refused(encoder_of: Loader) -> None:
    prepared = encoder_of(precision="balanced")._prepared
    runner = NativeRunner(prepared.folder, prepared.spec)
    for ids in ([[0, 30522]], [[-1]], [[1] * 600]):
        with pytest.raises(ValueError, match="ids below 30522"):
            runner(np.array(ids, np.int32))


@needs_kernel
def test_a_damaged_layout_names_its_file(encoder_of: Loader, tmp_path: Path) -> None:
    encoder_of(precision="balanced").save(tmp_path / "model")
    layout = tmp_path / "model" / packed.LAYOUT
    size = layout.stat().st_size
    for content in (b"{}".ljust(size), b'{"words": ["native.data", 0, "no such type", [1]]}'.ljust(size)):
        layout.unlink()
        layout.write_bytes(content)
        with pytest.raises(ModelError, match=packed.LAYOUT):
            open_prepared(tmp_path / "model", device="native")


def test_models_of_other_shapes_and_precisions_run_elsewhere(
    tmp_path: Path, encoder_of: Loader, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(build, "is_able", lambda: True)
    small = load(ModelSettings(name=str(tiny.write_model(tmp_path / "m")), device="cpu", cache=str(tmp_path / "cache")))
    assert isinstance(small, OnnxEncoder)
    for folder in (small._prepared.folder, encoder_of(precision="exact")._prepared.folder):
        assert not open_folder(folder).has_kernel
        with pytest.raises(UnfitError, match="no 8-bit model"):
            open_prepared(folder, device="native")
        with caplog.at_level(logging.INFO):
            assert open_prepared(folder).encode_query("a cat").shape == (
                small.dim if folder == small._prepared.folder else 384,
            )
        assert "encoder runs on cpu" in caplog.text


@pytest.mark.usefixtures("no_kernel_yet")
@pytest.mark.parametrize(
    ("compiler", "reason"), [("no-such-compiler", "cannot be compiled"), ("false", "false cannot compile")]
)
def test_without_a_compiler_onnx_runtime_computes(
    encoder_of: Loader,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    compiler: str,
    reason: str,
) -> None:
    for module in (build, sys.modules["searchd.encoder.runtime"]):
        monkeypatch.setattr(module, "is_able", lambda: True)
    monkeypatch.setenv("CC", compiler)
    folder = encoder_of(precision="balanced")._prepared.folder
    with pytest.raises(UnfitError, match=reason) as caught:
        open_prepared(folder, device="native")
    assert caught.value.hint
    with caplog.at_level(logging.INFO):
        assert open_prepared(folder).encode_query("a cat").shape == (384,)
    assert reason in caplog.text
    assert "encoder runs on cpu" in caplog.text


@pytest.mark.usefixtures("no_kernel_yet")
def test_a_user_without_a_home_is_served_all_the_same(encoder_of: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for module in (build, sys.modules["searchd.encoder.runtime"]):
        monkeypatch.setattr(module, "is_able", lambda: True)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", home)
    folder = encoder_of(precision="balanced")._prepared.folder
    assert open_prepared(folder).encode_query("a cat").shape == (384,)
    with pytest.raises(UnfitError, match="no folder for the user's cache"):
        open_prepared(folder, device="native")


@pytest.mark.usefixtures("no_kernel_yet")
def test_a_processor_without_the_instructions(encoder_of: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "processor_flags", lambda: frozenset({"avx2"}))
    with pytest.raises(UnfitError, match="AVX-512 VNNI"):
        open_prepared(encoder_of(precision="balanced")._prepared.folder, device="native")


@needs_kernel
@pytest.mark.usefixtures("no_kernel_yet")
def test_of_two_processes_at_once_one_compiles(tmp_path: Path) -> None:
    script = "from searchd.encoder.native.build import library; library()"
    started = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(2)]
    assert [process.wait() for process in started] == [0, 0]
    left = [path.name for path in (tmp_path / "xdg" / "echolot" / "kernels").iterdir()]
    assert sorted(Path(name).suffix for name in left) == ["", ".so"]  # the lock and the kernel
