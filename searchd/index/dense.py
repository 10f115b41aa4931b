"""Nearest passages by inner product: exact while that is cheap, over shorter codes and then a graph as the site grows.

Five layouts, all FAISS, read through a memory map but for the lists of ``ivf``:

``flat``  float32, exact, 4 bytes per component
``sq8``   8 bits per component (range per dimension), scanned in full
``pq``    4 bits for every four components (product quantisation: Jegou, Douze and Schmid 2011; scanned in registers:
          Andre, Kermarrec and Le Scouarnec 2017), all scanned; the best are scored again by their 8-bit codes
``ivf``   the same codes in inverted lists around centroids (Jegou, Douze and Schmid 2011), of which those around the
          nearest centroids are scanned
``hnsw``  a navigable small-world graph (Malkov & Yashunin 2018) over the same 8-bit codes

The 8-bit codes are also read directly: similarities of chosen rows cost one gather and one product. ``dense_build``
writes the file and chooses the layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import faiss as untyped_faiss
import numpy as np
import numpy.typing as npt

from searchd.errors import SnapshotError
from searchd.index.stores import Floats, Ints

faiss: Any = untyped_faiss  # its stubs know half of it
FaissIndex = Any
Selector = Any
Layout = Literal["flat", "sq8", "pq", "ivf", "hnsw"]
LAYOUTS: tuple[Layout, ...] = ("flat", "sq8", "pq", "ivf", "hnsw")
IN_FOUR_BITS: tuple[Layout, ...] = ("pq", "ivf")

ASKED_FOR = 64  # passages that one query asks for, at least
FEW = 2_000  # rows that a filter may leave and that are then scored one by one
_MOST_OF = 0.25  # of the rows: what a filter must leave for its rows to be found among the best of all


class DenseIndex:
    """One opened index. Threads may search it at once; it never changes."""

    def __init__(self, index: FaissIndex) -> None:
        self._owner = index  # downcast wrappers do not own the C++ object
        self._index = faiss.downcast_index(index)
        self.layout = layout_of(self._index)
        self._storage = storage_of(self._index)
        self.dim = int(index.d)
        self._rows = int(index.ntotal)
        self._flat = self.layout == "flat"
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
        found, rows = self._index.search(vector[None, :], self._least(k))
        return _present(rows[0, :k], found[0, :k])

    def _least(self, k: int) -> int:
        """4-bit codes name some rows for each one asked for: too few when few are asked for."""
        return min(self._rows, max(k, ASKED_FOR)) if self.layout in IN_FOUR_BITS else k

    def similarities(self, vector: Floats, rows: Ints) -> Floats:
        """Inner products of ``vector`` (dim,) with the stored vectors of ``rows``: (len(rows),) float32."""
        codes = self._codes[rows]
        if self._flat:
            return _products(codes, vector)
        return np.asarray(_products(codes.astype(np.float32), self._scale * vector) + self._base @ vector)

    def vectors(self, rows: Sequence[int] | Ints) -> Floats:
        """Return the stored (possibly quantised) vectors, (len(rows), dim) float32."""
        codes = self._codes[np.asarray(rows, dtype=np.int64)]
        if self._flat:
            return np.array(codes, dtype=np.float32)
        return np.asarray(codes.astype(np.float32) * self._scale + self._base, dtype=np.float32)

    def _search_allowed(self, vector: Floats, k: int, allowed: npt.NDArray[np.bool_]) -> tuple[Ints, Floats]:
        """Few rows: score them all, exactly. Many: let FAISS skip the others."""
        rows = np.flatnonzero(allowed)
        if len(rows) <= FEW:
            return self._best(vector, k, rows)
        if self.layout == "ivf":
            return self._best(vector, k, self._listed(vector, k, allowed, len(rows) / self._rows))
        if len(rows) * 20 < self._rows:
            return self._best(vector, k, rows)
        if self.layout == "pq":
            count = self._least(k) * self._index.k_factor * self._rows / len(rows)
            named = self._named(vector, int(count), allowed)
            if len(named) >= 2 * k and len(rows) >= _MOST_OF * self._rows:
                return self._best(vector, k, named)
        selector = _selector(allowed)
        if self.layout == "hnsw":
            params = faiss.SearchParametersHNSW(sel=selector, efSearch=self._index.hnsw.efSearch)
            similar, numbers = self._index.search(vector[None, :], k, params=params)
        else:
            similar, numbers = self._storage.search(vector[None, :], k, params=faiss.SearchParameters(sel=selector))
        return _present(numbers[0], similar[0])

    def _best(self, vector: Floats, k: int, rows: Ints) -> tuple[Ints, Floats]:
        """The best of these rows, each scored."""
        found = self.similarities(vector, rows)
        best = np.argsort(-found, kind="stable")[:k]
        return rows[best], found[best]

    def _named(self, vector: Floats, count: int, allowed: npt.NDArray[np.bool_]) -> Ints:
        """The allowed ones of the ``count`` rows that are best by their 4-bit codes, which FAISS cannot filter."""
        _, rows = self._index.base_index.search(vector[None, :], min(count, self._rows))
        found: Ints = rows[0][rows[0] >= 0]
        return found[allowed[found]]

    def _listed(self, vector: Floats, k: int, allowed: npt.NDArray[np.bool_], share: float) -> Ints:
        """The allowed rows, this share of all, that are best by their 4-bit codes.

        Each list holds fewer of them, so more lists are read; all lists when even those hold too few.
        """
        lists, selector = lists_of(self._index), _selector(allowed)
        count = int(self._least(k) * self._index.k_factor)
        named = np.empty(0, np.int64)
        for probes in (min(lists.nlist, int(lists.nprobe / share)), lists.nlist):
            params = faiss.SearchParametersIVF(sel=selector, nprobe=probes)
            _, rows = lists.search(vector[None, :], count, params=params)
            named = rows[0][rows[0] >= 0]
            if len(named) == count:
                break
        return named


def _selector(allowed: npt.NDArray[np.bool_]) -> Selector:
    return faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))


def layout_of(index: FaissIndex) -> Layout:
    """What an index is, by its class."""
    if isinstance(index, faiss.IndexRefine):
        return "ivf" if isinstance(lists_of(index), faiss.IndexIVFPQFastScan) else "pq"
    kinds: dict[Any, Layout] = {faiss.IndexHNSWSQ: "hnsw", faiss.IndexFlat: "flat"}
    return next((layout for kind, layout in kinds.items() if isinstance(index, kind)), "sq8")


def lists_of(index: FaissIndex) -> FaissIndex:
    """The inverted lists of an ``ivf`` index; of a ``pq`` index its codes without lists."""
    return faiss.downcast_index(index.base_index)


def storage_of(index: FaissIndex) -> FaissIndex:
    """The part of an index that holds each row's vector or 8-bit code."""
    layout = layout_of(index)
    if layout in IN_FOUR_BITS:
        return faiss.downcast_index(index.refine_index)
    return faiss.downcast_index(index.storage) if layout == "hnsw" else index


def _products(rows: Floats, vector: Floats) -> Floats:
    """(n, dim), (dim,) -> (n,), row by row: equal rows get equal results. With a BLAS their last bit depends on n."""
    return np.asarray(np.einsum("ij,j->i", rows, vector), dtype=np.float32)


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
