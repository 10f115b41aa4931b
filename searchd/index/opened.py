"""The stores of one snapshot folder, opened together and closed together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from searchd.errors import SnapshotError
from searchd.index import probes
from searchd.index.dense import DenseIndex
from searchd.index.files import CALIBRATION, LEADS, LEXICAL, PAGES, VECTORS
from searchd.index.lexical import Lexical
from searchd.index.pages import Pages
from searchd.index.probes import Strangeness
from searchd.index.stores import Floats
from searchd.ranking.evidence import Background

_LEAST_DEVIATION = 0.01  # a site of two pages has no spread to speak of


@dataclass(frozen=True, slots=True)
class Index:
    """Everything a query needs, safe to use from many threads. ``dense`` counts rows, ``leads`` counts pages.

    sample: (at most ``probes.SAMPLE``, dim) float32, vectors of passages that stand for any passage of the site.
    strangeness: what similarity questions have that the site cannot answer, by the language asked in.
    wordless: (pages,) bool, which pages have a title only; None when there are none.
    """

    dense: DenseIndex
    leads: DenseIndex
    lexical: Lexical
    pages: Pages
    sample: Floats
    strangeness: dict[str, Strangeness]
    wordless: npt.NDArray[np.bool_] | None

    @classmethod
    def open(cls, folder: Path) -> Index:
        """Open a snapshot folder; SnapshotError when a file is missing, damaged or disagrees with the others."""
        for name in (VECTORS, LEADS, LEXICAL, PAGES, CALIBRATION):
            if not (folder / name).exists():
                raise SnapshotError(f"{folder} lacks {name}", "build it again: indexer build")
        vectors, leads = DenseIndex.open(folder / VECTORS), DenseIndex.open(folder / LEADS)
        lexical = Lexical.open(folder / LEXICAL)
        pages = Pages(folder / PAGES)
        rows, numbers = {pages.rows, len(vectors), lexical.n_passages}, {len(pages), len(leads), lexical.n_pages}
        if len(rows) > 1 or len(numbers) > 1:
            pages.close()
            raise SnapshotError(f"the files in {folder} disagree on the number of passages", "build it again")
        sample = vectors.vectors(probes.sample(len(vectors)))
        wordless = np.diff(pages.columns.first_row) == 0
        strangeness = probes.read(folder / CALIBRATION)
        return cls(vectors, leads, lexical, pages, sample, strangeness, wordless if wordless.any() else None)

    def background(self, vector: Floats) -> Background:
        """How similar ``vector`` (dim,) is to any passage of this site."""
        if not len(self.sample):
            return Background(0.0, 1.0)
        similarities = self.sample @ vector
        mean = float(np.add.reduce(similarities)) / len(similarities)  # half of what .mean() and .std() cost
        similarities -= np.float32(mean)
        deviation = math.sqrt(float(similarities @ similarities) / len(similarities))
        return Background(mean, max(deviation, _LEAST_DEVIATION))

    def close(self) -> None:
        """Release what is open; nobody may still be searching."""
        self.pages.close()
