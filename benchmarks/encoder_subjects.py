"""What ``benchmarks encoder`` measures, each subject in a process of its own that takes its turn when told."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np

from searchd.encoder import load
from searchd.encoder.native.build import missing
from searchd.encoder.prepare import PRECISIONS
from searchd.encoder.runtime import NATIVE, PROVIDERS, available
from searchd.encoder.source import find
from searchd.errors import ModelError
from searchd.index.stores import Floats
from searchd.settings import Device, ModelSettings, Precision

TORCH = "sentence-transformers"
FASTEMBED = "fastembed"
Encode = Callable[[list[str]], Floats]


def subjects() -> tuple[list[str], list[str]]:
    """What can be measured here (the first is what others are compared with), and what is not installed."""
    devices = [name for name, provider in PROVIDERS.items() if provider in available() and name != "tensorrt"]
    ours = [f"{precision} {device}" for device in devices for precision in PRECISIONS]
    ours += [f"{precision} {NATIVE}" for precision in PRECISIONS if precision != "exact" and not missing()]
    others = {TORCH: "sentence_transformers", FASTEMBED: "fastembed"}
    present = [name for name, module in others.items() if importlib.util.find_spec(module)]
    return present + ours, [name for name in others if name not in present]


def _folder(model: str) -> Path:
    source = find(model)
    if source is None or not (source.folder / "modules.json").is_file():
        raise ModelError(f"{model} has no sentence-transformers directory to compare with")
    return source.folder


def _torch(model: str) -> tuple[Encode, Encode]:
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    encoder = SentenceTransformer(str(_folder(model)), device="cpu")

    def encode(texts: list[str]) -> Floats:
        return np.asarray(encoder.encode(texts, normalize_embeddings=True, show_progress_bar=False), np.float32)

    return encode, encode


def _fastembed(model: str) -> tuple[Encode, Encode]:
    """The same weights; where a model ships no ONNX file, the graph is written with the inputs that fastembed gives."""
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    from benchmarks.padded import write_padded

    source = find(model)
    assert source is not None  # noqa: S101 - _folder has asked
    checkpoint, folder = source.read(), Path(tempfile.mkdtemp(prefix="fastembed-"))
    try:
        shutil.copytree(_folder(model), folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.safetensors"))
        if not (folder / "onnx" / "model.onnx").is_file():
            (folder / "onnx").mkdir()
            write_padded(checkpoint, folder / "onnx")
        TextEmbedding.add_custom_model(
            model=model,
            pooling=PoolingType.MEAN if checkpoint.spec.pooling == "mean" else PoolingType.CLS,
            normalization=True,
            sources=ModelSource(hf=model),
            dim=checkpoint.spec.dim,
            model_file="onnx/model.onnx",
        )
        encoder = TextEmbedding(model, specific_model_path=str(folder), threads=1)
    finally:
        shutil.rmtree(folder)

    def encode(texts: list[str]) -> Floats:
        return np.asarray(list(encoder.embed(texts, batch_size=16)), np.float32)

    return encode, encode


def _ours(model: str, subject: str) -> tuple[Encode, Encode]:
    precision, device = subject.split()
    settings = ModelSettings(model, cast("Precision", precision), cast("Device", device), query_cache=0)
    encoder = load(settings)

    def query(texts: list[str]) -> Floats:
        return np.stack([encoder.encode_query(text) for text in texts])

    return encoder.encode_passages, query


def memory(field: str) -> float:
    """A line of /proc/self/status in megabytes; NaN where there is no such file."""
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1000
    return float("nan")


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of this process that some work takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def serve(subject: str, model: str, work: Path) -> int:
    """Take turns: for each line of standard input encode one share of the texts and print the CPU times.

    ``work/texts.json`` holds [passages, queries] of each turn; when the input ends the vectors of all turns
    go to ``work/<subject>.npz``.
    """
    shares = json.loads((work / "texts.json").read_text())
    makers = {TORCH: _torch, FASTEMBED: _fastembed}
    encode, query = makers[subject](model) if subject in makers else _ours(model, subject)
    encode(shares[0][0][:16])
    query(shares[0][1][:4])
    rows: list[Floats] = []
    asked: list[Floats] = []
    print("ready", flush=True)
    for line in sys.stdin:
        passages, questions = shares[int(line)]
        bulk = cpu(lambda texts=passages: rows.append(encode(texts)))  # type: ignore[misc]
        times = [cpu(lambda text=text: asked.append(query([text]))) for text in questions]  # type: ignore[misc]
        print(json.dumps({"bulk_s": bulk, "query_s": times}), flush=True)
    facts = {"rss_mb": memory("VmRSS"), "peak_rss_mb": memory("VmHWM")}
    np.savez(
        work / f"{subject}.npz", facts=json.dumps(facts), passages=np.concatenate(rows), queries=np.concatenate(asked)
    )
    return 0
