"""Speed and fidelity of the encoder: each precision and provider beside sentence-transformers and fastembed.

All subjects encode the same texts on one thread, each in a process of its own, and take turns. Texts are the docstrings
of Python's standard library, which are at hand everywhere.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.docstrings import passages, questions
from benchmarks.encoder_subjects import cpu, serve, subjects
from searchd.encoder import OnnxEncoder, load, proto
from searchd.encoder.choice import ENGLISH
from searchd.errors import ModelError
from searchd.index.stores import Floats
from searchd.settings import ModelSettings


def _gemm_peak() -> Callable[[], float]:
    """What measures float32 GFLOP/s of one thread: ONNX Runtime's own matrix product in its most favourable shape."""
    import onnxruntime

    shape = [1024, 1024]
    values = [proto.value(name, proto.FLOAT, shape) for name in "xyz"]
    product = proto.node("MatMul", ["x", "y"], "z", "", {})
    model = proto.model([product], [], values[:2], values[2:], {"": 21})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {name: np.ones(shape, np.float32) for name in "xy"}
    return lambda: max(2 * 1024**3 / cpu(lambda: session.run(None, feed)) / 1e9 for _ in range(4))


def overlap(passages_a: Floats, queries_a: Floats, passages_b: Floats, queries_b: Floats, k: int = 10) -> float:
    """Mean share of the k nearest passages that two encoders have in common."""
    first = np.argsort(-(queries_a @ passages_a.T), axis=1)[:, :k]
    second = np.argsort(-(queries_b @ passages_b.T), axis=1)[:, :k]
    return float(np.mean([len(set(a) & set(b)) / k for a, b in zip(first.tolist(), second.tolist(), strict=True)]))


class Child:
    """A subject at work in its own process."""

    def __init__(self, subject: str, model: str, work: Path) -> None:
        self.subject, self._work = subject, work
        command = [sys.executable, "-m", "benchmarks", "encoder", "--subject", subject, "--work", str(work)]
        quiet = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
        self._errors = (work / f"{subject}.log").open("w+")
        self._process = subprocess.Popen(
            [*command, "--model", model],
            env=os.environ | quiet,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.bulk: list[float] = []
        self.query: list[float] = []

    def ready(self) -> bool:
        """Wait until the subject is warm; False, and its last word on standard error, when it cannot run."""
        assert self._process.stdout is not None  # noqa: S101 - a pipe, see above
        for line in self._process.stdout:
            if line == "ready\n":
                return True
        self._process.wait()
        self._errors.seek(0)
        print(f"{self.subject}: {(self._errors.read().strip().splitlines() or ['failed'])[-1]}", file=sys.stderr)
        return False

    def turn(self, number: int) -> None:
        """Let it encode one share of the texts."""
        assert self._process.stdin is not None  # noqa: S101 - pipes, see above
        assert self._process.stdout is not None  # noqa: S101
        print(number, file=self._process.stdin, flush=True)
        figures = json.loads(self._process.stdout.readline())
        self.bulk.append(figures["bulk_s"])
        self.query += figures["query_s"]

    def finish(self) -> dict[str, Any]:
        """End it; returns its vectors and its memory."""
        self._process.communicate()
        with np.load(self._work / f"{self.subject}.npz") as data:
            return {**json.loads(str(data["facts"])), "passages": data["passages"], "queries": data["queries"]}


def _flops(encoder: OnnxEncoder, length: int) -> float:
    """Multiplications and additions per token of a BERT encoder with an FFN four times as wide."""
    width, layers = encoder.spec.dim, encoder.spec.layers
    return 2.0 * layers * (12 * width**2 + 2 * length * width)


def compare(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure all subjects; the first one that ran is what ratios, cosines and overlaps refer to.

    They take turns, share by share of the texts, so that a busy machine slows all alike; a ratio is the median of the
    shares' ratios.
    """
    exact = load(ModelSettings(name=args.model, precision="exact", device="cpu"))
    if not isinstance(exact, OnnxEncoder):
        raise ModelError(f"{args.model} is not of the BERT family")
    texts, asked = passages(exact.count_tokens, args.tokens - 2, args.passages), questions(args.queries)
    shares = [[texts[i :: args.turns], asked[i :: args.turns]] for i in range(args.turns)]
    tokens = [sum(exact.count_tokens(share)) + 2 * len(share) for share, _ in shares]
    names, missing = subjects()
    for name in missing:
        print(f"{name}: left out, it is not installed in this environment", file=sys.stderr)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "texts.json").write_text(json.dumps(shares))
        children = [child for child in [Child(subject, args.model, folder) for subject in names] if child.ready()]
        measure_peak, peaks = _gemm_peak(), list[float]()
        for number in range(args.turns):
            peaks.append(measure_peak())
            for child in children:
                child.turn(number)
        found = [child.finish() for child in children]
    work = np.array(tokens) * _flops(exact, args.tokens) / 1e9 / peaks
    rows = [_row(child, children[0], values, found[0], tokens) for child, values in zip(children, found, strict=True)]
    for row, child in zip(rows, children, strict=True):
        row["gemm_share"] = float(np.median(work / child.bulk))
    return rows


def _row(
    child: Child, base: Child, own: dict[str, Any], other: dict[str, Any], tokens: Sequence[int]
) -> dict[str, Any]:
    """Figures of a subject, compared with the base."""
    cosines = (own["passages"] * other["passages"]).sum(axis=1)
    return {
        "subject": child.subject,
        "tokens_per_cpu_s": float(np.median(np.array(tokens) / child.bulk)),
        "best_tokens_per_cpu_s": float(np.max(np.array(tokens) / child.bulk)),
        "ratio": float(np.median(np.array(base.bulk) / child.bulk)),
        "query_p50_ms": float(np.percentile(child.query, 50)) * 1000,
        "query_p99_ms": float(np.percentile(child.query, 99)) * 1000,
        "query_min_ms": min(child.query) * 1000,
        "cosine_min": float(cosines.min()),
        "cosine_mean": float(cosines.mean()),
        "overlap": overlap(other["passages"], other["queries"], own["passages"], own["queries"]),
        "rss_mb": own["rss_mb"],
        "peak_rss_mb": own["peak_rss_mb"],
    }


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


def main(argv: list[str]) -> int:
    """Run the comparison; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks encoder", description=__doc__)
    parser.add_argument("--model", default=ENGLISH, help="a model that searchd.encoder knows")
    parser.add_argument("--passages", type=int, default=256, help="how many passages")
    parser.add_argument("--queries", type=int, default=100, help="how many queries")
    parser.add_argument("--tokens", type=int, default=193, help="tokens per passage, special tokens included")
    parser.add_argument("--turns", type=int, default=8, help="shares of the texts between which subjects take turns")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write a bar chart (SVG) there")
    parser.add_argument("--subject", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.subject:
        return serve(args.subject, args.model, args.work)
    rows = compare(args)
    print(table(rows))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")
    if args.plot:
        args.plot.write_text(plot(rows))
    return 0
