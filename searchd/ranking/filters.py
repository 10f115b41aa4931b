"""Which pages a visitor's conditions leave, and how the matching pages spread over categories, tags and so on."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from searchd.errors import QueryError
from searchd.index.pages import Columns, Pages, day_number
from searchd.query import Facet, Filters

Mask = npt.NDArray[np.bool_]


def mask(pages: Pages, filters: Filters) -> Mask | None:
    """(pages,) mask of the pages that meet every condition; None when there is none. QueryError for a bad date."""
    if filters == Filters():
        return None
    columns = pages.columns
    kept = np.ones(len(pages), dtype=np.bool_)
    for kind in ("lang", "kind", "category"):
        if wanted := getattr(filters, kind):
            kept &= np.isin(getattr(columns, kind), [columns.code(kind, name) for name in wanted])
    if filters.tag:
        kept &= _tagged(columns, filters.tag)
    if filters.path_prefix:
        below = np.zeros(len(pages), dtype=np.bool_)
        below[pages.below(filters.path_prefix)] = True
        kept &= below
    if filters.date_from:
        kept &= columns.day >= _day(filters.date_from)
    if filters.date_to:
        kept &= (columns.day >= 0) & (columns.day <= _day(filters.date_to))
    return kept


def facets(columns: Columns, pages: npt.NDArray[np.int64]) -> tuple[Facet, ...]:
    """Counts of each value among ``pages``, most frequent first, then by name; pages without a value are left out."""
    found = []
    for kind in ("category", "tag", "kind", "lang"):
        names = columns.names[kind]
        if kind == "tag":
            codes = [code for page in pages for code in set(columns.tags_of(int(page)))]
        else:
            codes = getattr(columns, kind)[pages].tolist()
        counts = Counter(names[code] for code in codes if names[code])
        found.append(Facet(kind, tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))))
    return tuple(found)


def _tagged(columns: Columns, tags: tuple[str, ...]) -> Mask:
    places = np.flatnonzero(np.isin(columns.tag, [columns.code("tag", tag) for tag in tags]))
    kept = np.zeros(len(columns.lang), dtype=np.bool_)
    kept[np.searchsorted(columns.tag_start, places, side="right") - 1] = True
    return kept


def _day(text: str) -> int:
    day = day_number(text)
    if day < 0:
        raise QueryError(f"{text!r} is no date", "write YYYY-MM-DD")
    return day
