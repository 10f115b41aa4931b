"""Writes the vectors of a snapshot, in the layout that is the first to be fast enough on this machine."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from searchd.errors import StorageError
from searchd.index.dense import ASKED_FOR, IN_FOUR_BITS, LAYOUTS, FaissIndex, Layout, faiss, layout_of, lists_of
from searchd.index.stores import Floats, Ints

NEVER_MEASURED = 8_000  # vectors; below this an exact scan is always the right choice
LEAST_LEARNT = 1_000  # vectors that 4-bit codes are learnt from
HNSW_LINKS = 16  # 32 find as much with half the breadth in four fifths of the time, for 128 bytes more of each row
EF_CONSTRUCTION = 120
EF_STEPS = (64, 96, 128, 192, 256, 384, 512)
RESCORED = (4, 6, 8, 12, 16, 24, 32)  # rows scored again for each row asked for
READ = (64, 32, 16, 8, 4, 2, 1)  # of so many inverted lists one is read
_LISTS = 2  # times the root of the number of vectors
_PER_LIST = 39  # vectors that a centroid is learnt from; FAISS warns below
_ROUNDS = 6  # of k-means
_RESCORED_OF_LISTS = 8  # rows scored again for each row asked for
_COMPONENTS = 4  # behind one 4-bit code
SAMPLE_QUERIES = 256
_TIMED = 64  # of them
_MEANS = (2, 4)  # passages that a stand-in for a query is the mean of, half of the stand-ins each
_APART = (1, 7, 31, 101)  # steps from one stand-in's passages to the next one's
_NO_MORE = 0.005  # of recall: what twice the time must bring at least
_SHORT = 0.02  # of recall: what a layout may miss and still be taken, because the sample is small


@dataclass(frozen=True, slots=True)
class DenseReport:
    """What was written: layout, recall@10 against exact search, and CPU milliseconds of one search.

    breadth: ``efSearch`` of a graph; lists read; of 4-bit codes without lists the rows scored again for each row asked
    for; 0 where all are.
    """

    layout: Layout
    recall_at_10: float
    search_ms: float
    breadth: int = 0


def write(
    path: Path, vectors: Floats, layout: Layout | Literal["auto"], budget_ms: float, recall: float
) -> DenseReport:
    """Write ``vectors`` (n, dim) float32 to ``path`` and report what was chosen.

    ``auto`` takes the first layout whose measured search fits ``budget_ms`` of CPU, the cheapest when none does;
    ``recall`` is the share of the exact ten best that it must find. The breadth of a search that does not look at all
    of every vector grows until it does. Fewer than ``LEAST_LEARNT`` vectors are ``flat`` instead of ``pq`` or ``ivf``.
    """
    names = LAYOUTS if layout == "auto" else (layout,)
    cheap = layout == "auto" and len(vectors) <= NEVER_MEASURED
    if cheap or (layout in IN_FOUR_BITS and len(vectors) < LEAST_LEARNT):
        names = ("flat",)
    queries = _sample(vectors)
    exact = _exact(vectors, queries)
    chosen, report = None, DenseReport("flat", 1.0, math.inf)
    for name in names:
        index = _build(vectors, name)
        measured = _measure(index, queries, _widen(index, queries, exact, recall))
        if name == "sq8":  # what follows scores by its codes and cannot find more
            recall = min(recall, measured.recall_at_10)
        finds = measured.recall_at_10 >= recall - _SHORT
        if chosen is None or (finds and measured.search_ms < report.search_ms):
            chosen, report = index, measured
        if finds and measured.search_ms <= budget_ms:
            break
    _save(chosen, path)
    return report


def _save(index: FaissIndex, path: Path) -> None:
    """Write the file. StorageError when the disk takes less than all of it."""
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:
        raise StorageError(f"{path} cannot be written: {error}", "check free space and permissions") from error


def _build(vectors: Floats, layout: Layout) -> FaissIndex:
    """Build on one thread: FAISS links an HNSW graph in thread order, and equal input must give equal bytes."""
    dim, metric, bits = vectors.shape[1], faiss.METRIC_INNER_PRODUCT, faiss.ScalarQuantizer.QT_8bit
    if layout == "flat":
        index = faiss.IndexFlatIP(dim)
    elif layout == "sq8":
        index = faiss.IndexScalarQuantizer(dim, bits, metric)
    elif layout in IN_FOUR_BITS:
        codes = faiss.IndexPQFastScan(dim, _parts(dim), 4, metric) if layout == "pq" else _lists(len(vectors), dim)
        index = faiss.IndexRefine(codes, faiss.IndexScalarQuantizer(dim, bits, metric))
        index.k_factor = _RESCORED_OF_LISTS
    else:
        index = faiss.IndexHNSWSQ(dim, bits, HNSW_LINKS, metric)
        index.hnsw.efConstruction = EF_CONSTRUCTION
    faiss.omp_set_num_threads(1)
    if layout != "flat":
        index.train(vectors)
    index.add(vectors)
    return index


def _lists(rows: int, dim: int) -> FaissIndex:
    """Inverted lists of 4-bit codes, to be trained. The codes are of vectors, not of what centroids leave of them."""
    metric, count = faiss.METRIC_INNER_PRODUCT, int(_LISTS * math.sqrt(rows))
    lists = faiss.IndexIVFPQFastScan(faiss.IndexFlatIP(dim), dim, count, _parts(dim), 4, metric)
    lists.by_residual = False
    lists.cp.niter, lists.cp.max_points_per_centroid, lists.cp.min_points_per_centroid = _ROUNDS, _PER_LIST, 1
    return lists


def _parts(dim: int) -> int:
    """How many 4-bit codes a vector gets: each stands for the same number of components."""
    return max(parts for parts in range(1, max(1, dim // _COMPONENTS) + 1) if dim % parts == 0)


def _sample(vectors: Floats) -> Floats:
    """Stand-ins for queries, spread over the site: means of several passages, so that none is its own answer.

    Means of two are found more easily than real questions are, means of four less; half and half come within .01 of
    the recall of real questions where that is .93 or more (85,000 sentences of judged sets, and a made-up corpus).
    """
    if not len(vectors):
        return vectors
    first = np.linspace(0, len(vectors) - 1, min(SAMPLE_QUERIES, len(vectors))).astype(np.int64)
    mixed = np.zeros((len(first), vectors.shape[1]), np.float32)
    for half, count in enumerate(_MEANS):
        for place, step in enumerate(_APART[:count]):
            mixed[half::2] += vectors[(first[half::2] * step + place) % len(vectors)]
    norms = np.linalg.norm(mixed, axis=1, keepdims=True)
    return np.asarray(mixed / np.maximum(norms, 1e-9), dtype=np.float32)


def _exact(vectors: Floats, queries: Floats) -> Ints:
    """The ten best rows of each query, by brute force in blocks: (queries, 10)."""
    if not len(vectors):
        return np.empty((0, 10), np.int64)
    _, rows = faiss.knn(queries, vectors, min(10, len(vectors)), metric=faiss.METRIC_INNER_PRODUCT)
    return np.asarray(rows, dtype=np.int64)


def _recall(index: FaissIndex, queries: Floats, exact: Ints) -> float:
    if not len(exact):
        return 1.0
    _, rows = index.search(queries, min(ASKED_FOR, index.ntotal))
    return float(np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(rows[:, :10], exact, strict=True)]))


def _widen(index: FaissIndex, queries: Floats, exact: Ints, recall: float) -> float:
    """Raise the breadth of a search until it finds what was asked for, or more breadth finds no more.

    Returns the recall@10 that it has then.
    """
    reached: dict[int, float] = {}
    for breadth in _breadths(index):
        _set_breadth(index, breadth)
        reached[breadth] = _recall(index, queries, exact)
        if reached[breadth] >= recall:
            return reached[breadth]
    if not reached:
        return _recall(index, queries, exact)
    most = max(reached.values())
    least = next(breadth for breadth, found in reached.items() if found >= most - _NO_MORE)
    _set_breadth(index, least)
    return reached[least]


def _breadths(index: FaissIndex) -> Sequence[int]:
    """How wide a search may be, ascending; none where it cannot be chosen."""
    layout = layout_of(index)
    if layout == "ivf":
        lists = lists_of(index).nlist
        return sorted({max(1, lists // share) for share in READ})
    return {"pq": RESCORED, "hnsw": EF_STEPS}.get(layout, ())


def _knob(index: FaissIndex) -> tuple[FaissIndex, str] | None:
    """The object and its attribute that say how wide a search is; None where it looks at all of every vector."""
    match layout_of(index):
        case "hnsw":
            return index.hnsw, "efSearch"
        case "ivf":
            return lists_of(index), "nprobe"
        case "pq":
            return index, "k_factor"
    return None


def _set_breadth(index: FaissIndex, breadth: int) -> None:
    if knob := _knob(index):
        setattr(*knob, breadth)


def _breadth(index: FaissIndex) -> int:
    knob = _knob(index)
    return int(getattr(*knob)) if knob else 0


def _measure(index: FaissIndex, queries: Floats, recall: float) -> DenseReport:
    """Report an index of this recall@10, and what one search costs: CPU time of one thread, whatever else runs."""
    faiss.omp_set_num_threads(1)
    times = []
    for query in queries[:: max(1, len(queries) // _TIMED)]:
        started = time.thread_time()
        index.search(query[None, :], min(ASKED_FOR, max(1, index.ntotal)))
        times.append(time.thread_time() - started)
    spent = float(np.percentile(times, 10)) * 1000 if times else 0.0
    return DenseReport(layout_of(index), round(recall, 4), round(spent, 3), _breadth(index))
