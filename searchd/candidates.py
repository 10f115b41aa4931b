"""Which pages are looked at closely for a query, and all the evidence that the stores hold about them.

Vectors name passages, words name passages and pages. Leads name pages that have no passage, and others where passages
name fewer pages than are to be shown: else, on five judged sets, they brought none into the first ten that was not
there already.
Each leg names its best passages and pages; whatever one leg found, the other scores exactly. So no page is judged by
half of the evidence because it stood just below the cut of one list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchd.arrays import begins
from searchd.index.dense import ASKED_FOR
from searchd.index.lexical_results import TermEvidence, Wanted
from searchd.index.opened import Index
from searchd.index.stores import Floats, Ints
from searchd.ranking.evidence import Background, Evidence, Passages
from searchd.text.query import ParsedQuery

Mask = npt.NDArray[np.bool_]

_SIZES = (20, 100)  # pages of an answer; a size in between is answered from as many candidates as the next


def reach(limit: int) -> int:
    """For how many pages candidates are collected when ``limit`` are shown at once.

    What is skipped before them does not count: so pages of results are slices of one list, with one total.
    """
    return next((size for size in _SIZES if limit <= size), limit)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pages of interest, ascending, with their evidence.

    passages: those scored, ascending by row. named: which candidates a leg named a passage of; only the first
    passages of the others were scored. wanted: the words that were looked for, None when none were.
    """

    evidence: Evidence
    passages: Passages
    named: Mask
    wanted: Wanted | None

    @property
    def terms(self) -> tuple[TermEvidence, ...]:
        """What each word of the query is worth; none when no words were looked for."""
        return self.wanted.terms if self.wanted else ()


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

    parsed: its phrases and exclusions restrict both legs. allowed: (pages,) mask of the pages that may be
    returned. depth: see ``reach``. pinned: pages to score whatever the legs say.
    """
    columns = index.pages.columns
    rows_allowed = None if allowed is None else allowed[columns.page_of_row]
    if parsed.restricted:
        allowed, rows_allowed = index.lexical.restrict(parsed, allowed)
    rows_wanted, pages_wanted = max(ASKED_FOR, 3 * depth), max(ASKED_FOR // 2, 3 * depth // 2)
    rows: list[Ints] = []
    pages: list[Ints] = [np.array(pinned, dtype=np.int64)]
    wanted = None if words is None else index.lexical.look_up(words)
    if vector is not None:
        rows.append(index.dense.search(vector, rows_wanted, rows_allowed)[0])
        if index.wordless is not None:
            bare = index.wordless if allowed is None else index.wordless & allowed
            pages.append(index.leads.search(vector, pages_wanted, bare)[0])
    if wanted is not None:
        found = index.lexical.search(wanted, rows_wanted, pages_wanted, restricted=(allowed, rows_allowed))
        rows.append(found.passage_rows)
        pages.append(found.pages)
    chosen_rows = _unique(rows)
    owners = columns.page_of_row[chosen_rows]
    chosen = _unique([owners.astype(np.int64), *pages])
    if vector is not None and len(chosen) < depth:  # the passages named are a few long pages'
        chosen = _unique([chosen, index.leads.search(vector, pages_wanted, allowed)[0]])
    named = _among(chosen, owners)
    chosen_rows = _unique([chosen_rows, _openings(columns.first_row, chosen[~named])])
    evidence, passages = _score(index, vector, wanted, chosen, chosen_rows)
    return Candidates(evidence, passages, named, wanted)


def _unique(lists: Sequence[Ints]) -> Ints:
    """All numbers of the lists, ascending, each once. (np.unique hashes, which costs more on lists this short.)"""
    if not lists:
        return np.empty(0, np.int64)
    every = np.sort(np.concatenate(lists))
    return every[begins(every)]


def _among(pages: Ints, owners: npt.NDArray[np.int32]) -> Mask:
    """Which pages own one of the passages; both ascend."""
    if not len(owners):
        return np.zeros(len(pages), dtype=np.bool_)
    return np.asarray(owners.take(owners.searchsorted(pages), mode="clip") == pages)


def _openings(first_row: Ints, pages: Ints) -> Ints:
    """The first passages of these pages, those of pages without any left out."""
    return first_row[pages][first_row[pages] < first_row[pages + 1]]


def _score(
    index: Index, vector: Floats | None, wanted: Wanted | None, pages: Ints, rows: Ints
) -> tuple[Evidence, Passages]:
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
    totals = (0.0, 0.0)
    if wanted is not None:
        passage_scores = index.lexical.score_passages(wanted, rows)
        passage_bm25, passage_coverage = passage_scores.scores, passage_scores.coverage
        page_scores = index.lexical.score_pages(wanted, pages)
        page_bm25, page_coverage = page_scores.scores, page_scores.coverage
        totals = wanted.passage_total, wanted.page_total
    passages = Passages(rows, owner, similarity, passage_bm25, passage_coverage)
    lang, links = columns.lang[pages], columns.links[pages]
    single = columns.first_row[pages + 1] - columns.first_row[pages] == 1
    evidence = Evidence.of(pages, passages, lead, single, page_bm25, page_coverage, lang, links, background, totals)
    return evidence, passages
