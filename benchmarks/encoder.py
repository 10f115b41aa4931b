"""Speed and fidelity of the encoder: each precision and provider beside sentence-transformers and fastembed.

All subjects encode the same texts on one thread, each in a process of its own. Texts are the docstrings of Python's
standard library, which are at hand everywhere, or one text per line of ``--texts``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.docstrings import passages, questions
from searchd.encoder import OnnxEncoder, load
from searchd.encoder.choice import ENGLISH
from searchd.encoder.runtime import PROVIDERS, available
from searchd.encoder.source import find
from searchd.errors import ModelError
from searchd.index.stores import Floats
from searchd.settings import ModelSettings

_PRECISIONS = ("exact", "balanced", "fast")
_TORCH = "sentence-transformers"
Encode = Callable[[list[str]], Floats]


def subjects() -> list[str]:
    """What can be measured here: ours per precision and device, and the other libraries that are installed."""
    devices = [name for name, provider in PROVIDERS.items() if provider in available() and name != "tensorrt"]
    ours = [f"{precision} {device}" for device in devices for precision in _PRECISIONS]
    others = [_TORCH] if importlib.util.find_spec("sentence_transformers") else []
    return others + (["fastembed"] if importlib.util.find_spec("fastembed") else []) + ours


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
    """The same weights: our float32 graph has other inputs, so fastembed gets the model's own ONNX file."""
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    folder = _folder(model)
    if not (folder / "onnx" / "model.onnx").is_file():
        raise ModelError(f"{folder} has no onnx/model.onnx, which fastembed needs")
    TextEmbedding.add_custom_model(
        model=model,
        pooling=PoolingType.MEAN,
        normalization=True,
        sources=ModelSource(hf=model),
        dim=384,
        model_file="onnx/model.onnx",
    )
    encoder = TextEmbedding(model, specific_model_path=str(folder), threads=1)

    def encode(texts: list[str]) -> Floats:
        return np.asarray(list(encoder.embed(texts, batch_size=16)), np.float32)

    return encode, encode


def _ours(model: str, subject: str) -> tuple[Encode, Encode]:
    precision, device = subject.split()
    encoder = load(ModelSettings(name=model, precision=precision, device=device, query_cache=0))

    def query(texts: list[str]) -> Floats:
        return np.stack([encoder.encode_query(text) for text in texts])

    return encoder.encode_passages, query


def _memory(field: str) -> float:
    """A line of /proc/self/status in megabytes; NaN where there is no such file."""
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1000
    return float("nan")


def _gemm_peak() -> float:
    """Float32 GFLOP/s of one thread, by ONNX Runtime's own matrix product in its most favourable shape."""
    import onnxruntime
    from onnx import TensorProto, helper

    shape = [1024, 1024]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xyz"]
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "y"], ["z"])], "peak", values[:2], values[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feed = {name: np.ones(shape, np.float32) for name in "xy"}
    return max(2 * 1024**3 / _cpu(lambda: session.run(None, feed)) / 1e9 for _ in range(8))


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def measure(subject: str, model: str, texts: list[str], asked: list[str]) -> tuple[dict[str, float], Floats, Floats]:
    """Figures of one subject in this process, its passage vectors and its query vectors."""
    makers = {_TORCH: _torch, "fastembed": _fastembed}
    encode, query = makers[subject](model) if subject in makers else _ours(model, subject)
    encode(texts[:16])
    query(asked[:4])
    bulk: list[Floats] = []
    seconds = min(_cpu(lambda: bulk.append(encode(texts))) for _ in range(2))
    times = np.array([_cpu(lambda text=text: query([text])) for text in asked]) * 1000  # type: ignore[misc]
    figures = {
        "bulk_s": seconds,
        "query_p50_ms": float(np.percentile(times, 50)),
        "query_p99_ms": float(np.percentile(times, 99)),
        "rss_mb": _memory("VmRSS"),
        "peak_rss_mb": _memory("VmHWM"),
    }
    return figures, bulk[-1], query(asked)


def overlap(passages_a: Floats, queries_a: Floats, passages_b: Floats, queries_b: Floats, k: int = 10) -> float:
    """Mean share of the k nearest passages that two encoders have in common."""
    first = np.argsort(-(queries_a @ passages_a.T), axis=1)[:, :k]
    second = np.argsort(-(queries_b @ passages_b.T), axis=1)[:, :k]
    return float(np.mean([len(set(a) & set(b)) / k for a, b in zip(first.tolist(), second.tolist(), strict=True)]))


def _child(subject: str, args: argparse.Namespace, folder: Path) -> dict[str, Any] | None:
    """Measure a subject in its own process; None and a line on standard error when it cannot run."""
    out = folder / "result.npz"
    command = [sys.executable, "-m", "benchmarks", "encoder", "--subject", subject, "--work", str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [*command, "--model", args.model], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"{subject}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}", file=sys.stderr)
        return None
    with np.load(out) as data:
        return {**json.loads(str(data["figures"])), "passages": data["passages"], "queries": data["queries"]}


def _flops(encoder: OnnxEncoder, length: int) -> float:
    """Multiplications and additions per token of a BERT encoder with an FFN four times as wide."""
    width, layers = encoder.spec.dim, encoder.spec.layers
    return 2.0 * layers * (12 * width**2 + 2 * length * width)


def compare(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure all subjects; the first one that ran is what ratios, cosines and overlaps refer to."""
    exact = load(ModelSettings(name=args.model, precision="exact", device="cpu"))
    if not isinstance(exact, OnnxEncoder):
        raise ModelError(f"{args.model} is not of the BERT family")
    texts, asked = passages(exact.count_tokens, args.tokens - 2, args.passages), questions(args.queries)
    tokens = sum(exact.count_tokens(texts)) + 2 * len(texts)
    peak, rows = _gemm_peak(), list[dict[str, Any]]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "texts.json").write_text(json.dumps([texts, asked]))
        base: dict[str, Any] | None = None
        for subject in subjects():
            found = _child(subject, args, folder)
            if found is None:
                continue
            base = base or found | {"name": subject}
            speed = tokens / found["bulk_s"]
            rows.append(
                {
                    "subject": subject,
                    "tokens_per_cpu_s": speed,
                    "ratio": base["bulk_s"] / found["bulk_s"],
                    "query_p50_ms": found["query_p50_ms"],
                    "query_p99_ms": found["query_p99_ms"],
                    "cosine_min": float((found["passages"] * base["passages"]).sum(axis=1).min()),
                    "cosine_mean": float((found["passages"] * base["passages"]).sum(axis=1).mean()),
                    "overlap": overlap(base["passages"], base["queries"], found["passages"], found["queries"]),
                    "gemm_share": speed * _flops(exact, args.tokens) / 1e9 / peak,
                    "rss_mb": found["rss_mb"],
                    "peak_rss_mb": found["peak_rss_mb"],
                }
            )
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The figures as text."""
    head = f"{'subject':<24}{'tok/CPU s':>10}{'ratio':>7}{'p50 ms':>8}{'p99 ms':>8}{'cos min':>9}{'cos mean':>9}"
    lines = [head + f"{'top-10':>8}{'GEMM':>7}{'RSS MB':>8}"]
    for row in rows:
        line = f"{row['subject']:<24}{row['tokens_per_cpu_s']:>10.0f}{row['ratio']:>7.2f}{row['query_p50_ms']:>8.2f}"
        line += f"{row['query_p99_ms']:>8.2f}{row['cosine_min']:>9.5f}{row['cosine_mean']:>9.5f}{row['overlap']:>8.3f}"
        lines.append(line + f"{row['gemm_share']:>7.2f}{row['rss_mb']:>8.0f}")
    return "\n".join(lines)


def plot(rows: Sequence[dict[str, Any]]) -> str:
    """Ratios as an SVG bar chart."""
    widest = max(row["ratio"] for row in rows)
    bars = []
    for i, row in enumerate(rows):
        y, width = 30 + 26 * i, 380 * row["ratio"] / widest
        bars.append(f'<text x="190" y="{y + 13}" text-anchor="end">{row["subject"]}</text>')
        bars.append(f'<rect x="200" y="{y}" width="{width:.1f}" height="18" fill="#2a6f97"/>')
        bars.append(f'<text x="{206 + width:.1f}" y="{y + 13}">{row["ratio"]:.2f} (top-10 {row["overlap"]:.3f})</text>')
    size = f'width="720" height="{44 + 26 * len(rows)}"'
    title = f'<text x="10" y="18">Passage throughput per CPU second, {rows[0]["subject"]} = 1</text>'
    body = "".join(bars)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">{title}{body}</svg>\n'
    )


def _run_child(args: argparse.Namespace) -> int:
    texts, asked = json.loads((args.work / "texts.json").read_text())
    figures, vectors, queries = measure(args.subject, args.model, texts, asked)
    np.savez(args.work / "result.npz", figures=json.dumps(figures), passages=vectors, queries=queries)
    return 0


def main(argv: list[str]) -> int:
    """Run the comparison; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks encoder", description=__doc__)
    parser.add_argument("--model", default=ENGLISH, help="a model that searchd.encoder knows")
    parser.add_argument("--passages", type=int, default=256, help="how many passages")
    parser.add_argument("--queries", type=int, default=100, help="how many queries")
    parser.add_argument("--tokens", type=int, default=193, help="tokens per passage, special tokens included")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a bar chart (SVG) there")
    parser.add_argument("--subject", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.subject:
        return _run_child(args)
    rows = compare(args)
    print(table(rows))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")
    if args.plot:
        args.plot.write_text(plot(rows))
    return 0
