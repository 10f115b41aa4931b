"""Nearest passages by inner product: exact while that is cheap, quantised and then a graph as the site grows.

Three layouts, all FAISS, all read through a memory map:

``flat``  float32, exact, 4 bytes per component
``sq8``   8 bits per component (range per dimension), scanned in full
``hnsw``  a navigable small-world graph (Malkov & Yashunin 2018) over the same 8-bit codes

The 8-bit codes are also read directly: similarities of chosen rows cost one gather and one product.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import faiss as untyped_faiss
import numpy as np
import numpy.typing as npt

from searchd.errors import SnapshotError, StorageError
from searchd.index.stores import Floats, Ints

faiss: Any = untyped_faiss  # its stubs know half of it
FaissIndex = Any
Layout = Literal["flat", "sq8", "hnsw"]
LAYOUTS: tuple[Layout, ...] = ("flat", "sq8", "hnsw")

ASKED_FOR = 64  # passages that one query asks for, at least
NEVER_MEASURED = 8_000  # vectors; below this an exact scan is always the right choice
HNSW_LINKS = 32
EF_CONSTRUCTION = 120
FEW = 2_000  # rows that a filter may leave and that are then scored one by one
EF_STEPS = (64, 96, 128, 192, 256, 384, 512)
SAMPLE_QUERIES = 64
_NO_MORE = 0.005  # of recall: what twice the time must bring at least


@dataclass(frozen=True, slots=True)
class DenseReport:
    """What was written: layout, recall@10 against exact search, and CPU milliseconds of one search."""

    layout: Layout
    recall_at_10: float
    search_ms: float
    ef_search: int = 0


class DenseIndex:
    """One opened index. Threads may search it at once; it never changes."""

    def __init__(self, index: FaissIndex) -> None:
        self._owner = index  # downcast wrappers do not own the C++ object
        self._index = faiss.downcast_index(index)
        graph = isinstance(self._index, faiss.IndexHNSW)
        self._storage = faiss.downcast_index(self._index.storage) if graph else self._index
        self.dim = int(index.d)
        self._rows = int(index.ntotal)
        self._flat = isinstance(self._storage, faiss.IndexFlat)
        self.layout: Layout = "hnsw" if graph else "flat" if self._flat else "sq8"
        self._codes = _view(self._storage, self._rows, self.dim, flat=self._flat)
        if not self._flat:
            trained = faiss.vector_to_array(self._storage.sq.trained)
            self._scale = (trained[self.dim :] / np.float32(255)).astype(np.float32)  # (dim,)
            self._base = (trained[: self.dim] + self._scale / 2).astype(np.float32)  # (dim,)

    @classmethod
    def open(cls, path: Path) -> DenseIndex:
        """Map the file into memory; SnapshotError when FAISS cannot read it."""
        try:
            return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC))
        except RuntimeError as error:
            raise SnapshotError(f"{path} is no vector index", "publish again: indexer build") from error

    def __len__(self) -> int:
        return self._rows

    def search(self, vector: Floats, k: int, allowed: npt.NDArray[np.bool_] | None = None) -> tuple[Ints, Floats]:
        """Return (rows, similarities), best first, at most ``k``.

        vector: (dim,) float32. allowed: (rows,) mask of the rows that may be returned; None = all.
        """
        k = min(k, self._rows)
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        faiss.omp_set_num_threads(1)  # OpenMP keeps this per calling thread; one query must not wake the others
        if allowed is not None:
            return self._search_allowed(vector, k, allowed)
        found, rows = self._index.search(vector[None, :], k)
        return _present(rows[0], found[0])

    def similarities(self, vector: Floats, rows: Ints) -> Floats:
        """Inner products of ``vector`` (dim,) with the stored vectors of ``rows``: (len(rows),) float32."""
        codes = self._codes[rows]
        if self._flat:
            return np.asarray(codes @ vector, dtype=np.float32)
        return np.asarray(codes.astype(np.float32) @ (self._scale * vector) + self._base @ vector, dtype=np.float32)

    def vectors(self, rows: Sequence[int] | Ints) -> Floats:
        """Return the stored (possibly quantised) vectors, (len(rows), dim) float32."""
        codes = self._codes[np.asarray(rows, dtype=np.int64)]
        if self._flat:
            return np.array(codes, dtype=np.float32)
        return np.asarray(codes.astype(np.float32) * self._scale + self._base, dtype=np.float32)

    def _search_allowed(self, vector: Floats, k: int, allowed: npt.NDArray[np.bool_]) -> tuple[Ints, Floats]:
        """Few rows: score them all, exactly. Many: let FAISS skip the others."""
        rows = np.flatnonzero(allowed)
        if len(rows) <= FEW or len(rows) * 20 < self._rows:
            found = self.similarities(vector, rows)
            best = np.argsort(-found, kind="stable")[:k]
            return rows[best], found[best]
        selector = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        params = faiss.SearchParametersHNSW if self.layout == "hnsw" else faiss.SearchParameters
        extra = {"efSearch": self._index.hnsw.efSearch} if self.layout == "hnsw" else {}
        similar, numbers = self._index.search(vector[None, :], k, params=params(sel=selector, **extra))
        return _present(numbers[0], similar[0])


def write(
    path: Path, vectors: Floats, layout: Layout | Literal["auto"], budget_ms: float, recall: float
) -> DenseReport:
    """Write ``vectors`` (n, dim) float32 to ``path`` and report what was chosen.

    ``auto`` takes the first layout whose measured search fits ``budget_ms`` of CPU; ``recall`` is the share of the
    exact ten best that a graph search must find (its breadth grows until it does).
    """
    chosen = LAYOUTS if layout == "auto" else (layout,)
    if layout == "auto" and len(vectors) <= NEVER_MEASURED:
        chosen = ("flat",)
    queries = _sample(vectors)
    exact = _exact(vectors, queries)
    report = DenseReport("flat", 1.0, 0.0)
    for name in chosen:
        index = _build(vectors, name)
        if name == "hnsw":
            _widen(index, queries, exact, recall)
        report = _measure(index, name, queries, exact)
        if report.search_ms <= budget_ms:
            break
    _save(index, path)
    return report


def _save(index: FaissIndex, path: Path) -> None:
    """Write the file. StorageError when the disk takes less than all of it."""
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:
        raise StorageError(f"{path} cannot be written: {error}", "check free space and permissions") from error


def _build(vectors: Floats, layout: Layout) -> FaissIndex:
    """Build on one thread: FAISS links an HNSW graph in thread order, and equal input must give equal bytes."""
    dim = vectors.shape[1]
    if layout == "flat":
        index = faiss.IndexFlatIP(dim)
    elif layout == "sq8":
        index = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
    else:
        index = faiss.IndexHNSWSQ(dim, faiss.ScalarQuantizer.QT_8bit, HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = EF_CONSTRUCTION
    faiss.omp_set_num_threads(1)
    if layout != "flat":
        index.train(vectors)
    index.add(vectors)
    return index


def _sample(vectors: Floats) -> Floats:
    """Stand-ins for queries, spread over the site: each the mean of two passages, so that none is its own answer."""
    if not len(vectors):
        return vectors
    first = np.linspace(0, len(vectors) - 1, min(SAMPLE_QUERIES, len(vectors))).astype(np.int64)
    mixed = vectors[first] + vectors[(first * 7 + 1) % len(vectors)]
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


def _widen(index: FaissIndex, queries: Floats, exact: Ints, recall: float) -> None:
    """Raise the breadth of a graph search until it finds what was asked for, or more breadth finds no more."""
    reached: dict[int, float] = {}
    for breadth in EF_STEPS:
        index.hnsw.efSearch = breadth
        reached[breadth] = _recall(index, queries, exact)
        if reached[breadth] >= recall:
            return
    most = max(reached.values())
    index.hnsw.efSearch = next(breadth for breadth, found in reached.items() if found >= most - _NO_MORE)


def _measure(index: FaissIndex, layout: Layout, queries: Floats, exact: Ints) -> DenseReport:
    """CPU milliseconds of one search on one thread, undisturbed by other processes, and recall@10."""
    faiss.omp_set_num_threads(1)
    times = []
    for query in queries:
        started = time.thread_time()
        index.search(query[None, :], min(ASKED_FOR, max(1, index.ntotal)))
        times.append(time.thread_time() - started)
    breadth = index.hnsw.efSearch if layout == "hnsw" else 0
    spent = float(np.percentile(times, 10)) * 1000 if times else 0.0
    return DenseReport(layout, round(_recall(index, queries, exact), 4), round(spent, 3), breadth)


def _view(storage: FaissIndex, rows: int, dim: int, *, flat: bool) -> npt.NDArray[Any]:
    """The codes as an array over FAISS's own memory: (rows, dim) float32 or uint8, no copy."""
    if rows == 0:
        return np.empty((0, dim), np.float32 if flat else np.uint8)
    pointer = storage.get_xb() if flat else storage.codes.data()
    view: npt.NDArray[Any] = faiss.rev_swig_ptr(pointer, rows * dim).reshape(rows, dim)
    return view


def _present(rows: Ints, found: Floats) -> tuple[Ints, Floats]:
    """FAISS fills up with -1 when it has fewer than k."""
    if len(rows) and rows[-1] >= 0:
        return rows, found
    kept = rows >= 0
    return rows[kept], found[kept]
