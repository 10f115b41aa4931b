"""Which pages are looked at closely for a query, and all the evidence that the stores hold about them.

Each leg names its best passages and pages; whatever one leg found, the other scores exactly. So no page is judged by
half of the evidence because it stood just below the cut of one list.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchd.index.lexical_results import TermEvidence
from searchd.index.opened import Index
from searchd.index.stores import Floats, Ints
from searchd.ranking.evidence import Background, Evidence, Passages
from searchd.text.query import ParsedQuery

Mask = npt.NDArray[np.bool_]

ROWS = 256  # passages that each leg names at least
FIRST_ROWS = 4  # passages looked at of a page that neither leg named a passage of


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pages of interest, ascending, with their evidence; ``passages`` are those scored, ascending by row."""

    evidence: Evidence
    passages: Passages
    terms: tuple[TermEvidence, ...]


def collect(
    index: Index,
    vector: Floats | None,
    words: ParsedQuery | None,
    parsed: ParsedQuery,
    allowed: Mask | None,
    depth: int,
    pinned: Sequence[int] = (),
) -> Candidates:
    """Ask the legs (``vector`` or ``words`` None: that one is not asked) and fill in what each missed.

    parsed: its phrases and excluded words restrict both legs. allowed: (pages,) mask of the pages that may be
    returned. depth: pages that will be shown, at most. pinned: pages to score whatever the legs say.
    """
    columns = index.pages.columns
    rows_allowed = None if allowed is None else allowed[columns.page_of_row]
    if parsed.phrases or parsed.excluded:
        allowed, rows_allowed = index.lexical.restrict(parsed, allowed)
    rows_wanted, pages_wanted = max(ROWS, 3 * depth), max(ROWS // 2, 2 * depth)
    rows: list[Ints] = []
    pages: list[Ints] = [np.array(pinned, dtype=np.int64)]
    terms: tuple[TermEvidence, ...] = ()
    if vector is not None:
        rows.append(index.dense.search(vector, rows_wanted, rows_allowed)[0])
        pages.append(index.leads.search(vector, pages_wanted, allowed)[0])
    if words is not None:
        found = index.lexical.search(words, rows_wanted, allowed_pages=allowed)
        terms = found.terms
        rows.append(found.passage_rows)
        pages.append(found.pages)
    chosen_rows = _unique(rows)
    chosen = _unique([columns.page_of_row[chosen_rows].astype(np.int64), *pages])
    chosen_rows = _with_openings(columns.first_row, columns.page_of_row, chosen_rows, chosen)
    return _score(index, vector, words, chosen, chosen_rows, terms)


def _unique(lists: Sequence[Ints]) -> Ints:
    """All numbers of the lists, ascending, each once. (np.unique hashes, which costs more on lists this short.)"""
    if not lists:
        return np.empty(0, np.int64)
    every = np.sort(np.concatenate(lists))
    return every[np.r_[True, every[1:] != every[:-1]]] if len(every) else every


def _with_openings(first_row: Ints, page_of_row: npt.NDArray[np.int32], rows: Ints, pages: Ints) -> Ints:
    """Add the first passages of pages that have none among ``rows`` yet; both ascend, and so does the result."""
    owners = page_of_row[rows]
    at = np.searchsorted(owners, pages)
    bare = pages[(at == len(owners)) | (owners[np.minimum(at, len(owners) - 1)] != pages)] if len(owners) else pages
    if not len(bare):
        return rows
    openings = first_row[bare][:, None] + np.arange(FIRST_ROWS)
    return _unique([rows, openings[openings < first_row[bare + 1][:, None]]])


def _score(
    index: Index,
    vector: Floats | None,
    parsed: ParsedQuery | None,
    pages: Ints,
    rows: Ints,
    terms: tuple[TermEvidence, ...],
) -> Candidates:
    """Fetch every score of the chosen pages and rows from both legs."""
    columns = index.pages.columns
    owner = np.searchsorted(pages, columns.page_of_row[rows])  # rows ascend, so owners do too
    zeros = np.zeros(len(pages), np.float32)
    row_zeros = np.zeros(len(rows), np.float32)
    similarity, lead, background = row_zeros, zeros, Background(0.0, 1.0)
    if vector is not None:
        similarity = index.dense.similarities(vector, rows)
        lead = index.leads.similarities(vector, pages)
        background = index.background(vector)
    passage_bm25 = passage_coverage = row_zeros
    page_bm25 = page_coverage = zeros
    if parsed is not None:
        passage_scores = index.lexical.score_passages(parsed, rows)
        passage_bm25, passage_coverage = passage_scores.scores, passage_scores.coverage
        page_scores = index.lexical.score_pages(parsed, pages)
        page_bm25, page_coverage = page_scores.scores, page_scores.coverage
    passages = Passages(rows, owner, similarity, passage_bm25, passage_coverage)
    evidence = Evidence.of(
        pages, passages, lead, page_bm25, page_coverage, columns.lang[pages], background, _totals(index, parsed, terms)
    )
    return Candidates(evidence, passages, terms)


def _totals(index: Index, parsed: ParsedQuery | None, terms: tuple[TermEvidence, ...]) -> tuple[float, float]:
    """Idf of the whole query over passages and over pages, each word as much as the query's parser says."""
    if parsed is None:
        return 0.0, 0.0
    by_passages = by_pages = 0.0
    n = index.lexical.n_passages
    for term, evidence in zip(parsed.terms, terms, strict=True):
        frequency = evidence.df_passages
        by_passages += term.weight * math.log1p((n - frequency + 0.5) / (frequency + 0.5))
        by_pages += term.weight * evidence.idf
    return by_passages, by_pages
