"""Ranked candidates -> what a visitor sees: pages with their best sections, excerpts and, if asked, the arithmetic."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from searchd.candidates import Candidates
from searchd.index.opened import Index
from searchd.index.records import Page, Passage
from searchd.index.stores import Floats, Ints
from searchd.query import Evidence, Hit, Query, SectionHit, Why
from searchd.ranking.fusion import NAMES, Fused, Weights
from searchd.ranking.order import Ranking
from searchd.ranking.rerank import NAME as SECOND
from searchd.ranking.rerank import Second
from searchd.ranking.steer import Steer
from searchd.snippets import Excerpts
from searchd.text.query import ParsedQuery

SECTIONS = 3  # of a page, at most
SECTION_SHARE = 0.6  # of the best section's score that a further one must reach
_FULL_PAGE = 64  # passages of a page, none of which a leg named, that are scored for its sections


@dataclass(frozen=True, slots=True)
class Ranked:
    """A query's candidates, scored and put in order."""

    query: Query
    parsed: ParsedQuery
    vector: Floats | None
    candidates: Candidates
    fused: Fused
    ranking: Ranking
    pinned: tuple[int, ...]
    second: Second | None = None  # what the second stage says, when there is one


def hits(index: Index, steer: Steer, weights: Weights, ranked: Ranked, shown: Ints) -> tuple[Hit, ...]:
    """Fetch the pages at these places among the candidates."""
    best = best_rows(index, weights, ranked, shown)
    passages = iter(index.pages.passages(row for rows in best for row, _ in rows))  # all at once: that is quicker
    excerpts = Excerpts(ranked.parsed)
    pages = index.pages.pages(ranked.candidates.evidence.pages[shown].tolist())
    found = []
    for place, page, rows in zip(shown.tolist(), pages, best, strict=True):
        sections = _sections(excerpts, page, [(next(passages), score) for _, score in rows])
        found.append(_hit(ranked, page, place, sections, explain(steer, ranked, place) if ranked.query.explain else ()))
    return tuple(found)


def explain(steer: Steer, ranked: Ranked, place: int) -> tuple[Evidence, ...]:
    """The terms of one candidate's score; their shares add up to it."""
    fused, page = ranked.fused, int(ranked.candidates.evidence.pages[place])
    terms = [
        Evidence(name, float(raw), float(normalised), float(weight), float(share))
        for name, raw, normalised, weight, share in zip(
            NAMES, fused.raw[place], fused.normalised[place], fused.weights, fused.shares[place], strict=True
        )
    ]
    if (second := ranked.second) is not None and second.read[place]:
        raw, above, share = (float(values[place]) for values in (second.raw, second.normalised, second.shares))
        terms.append(Evidence(SECOND, raw, above, second.weight, share, "log odds; above the least of the pages read"))
    owner = [(boost.name, float(boost.values[page])) for boost in steer.boosts]
    terms += [Evidence(name, value, value, 1.0, value, "set by the site's owner") for name, value in owner if value]
    if page in ranked.pinned:
        terms.append(Evidence("pin", 1.0, 0.0, 0.0, 0.0, "the site's owner puts this page on top for this query"))
    return tuple(terms)


def notes(ranked: Ranked) -> tuple[str, ...]:
    """How the query was understood, in words."""
    parsed, background = ranked.parsed, ranked.candidates.evidence.background
    lines = [f"language: {parsed.lang or 'unknown'}", *parsed.notes]
    for term, evidence in zip(parsed.terms, ranked.candidates.terms, strict=False):
        also = ", ".join(f"{a.term} ({a.origin} {a.weight:.2f})" for a in term.alternatives if a.origin != "typed")
        known = f"on {evidence.df_pages} pages, idf {evidence.idf:.2f}" if evidence.found else "on no page"
        lines.append(f"{term.text}: {known}, weight {term.weight:.2f}" + (f"; also {also}" if also else ""))
    if ranked.vector is not None:
        lines.append(f"similarity to any passage: {background.mean:.3f} ± {background.deviation:.3f}")
    if ranked.ranking.nothing_relevant:
        lines.append("no page is likely to answer this; these are the nearest")
    return tuple(lines)


def why(steer: Steer, threshold: float, ranked: Ranked, page: Page, left: bool) -> Why:
    """Where one candidate stands, and what keeps it from standing elsewhere.

    left: whether the query's phrases and exclusions leave the page.
    """
    ranking = ranked.ranking
    place = int(np.flatnonzero(ranked.candidates.evidence.pages == page.page)[0])
    confidence, shown = float(ranking.confidence[place]), np.flatnonzero(ranking.order == place)
    position = int(shown[0]) + 1 if len(shown) else 0
    hidden = steer.visible is not None and not steer.visible[page.page]
    position = 0 if hidden or not left else position
    reasons = []
    if page.page in ranked.pinned:
        reasons.append("the site's owner pinned it for this query")
    if hidden:
        reasons.append("the site's owner hides it (ranking.hide)")
    if not left:
        reasons.append("it lacks a quoted phrase, or holds what the query excludes with a dash")
    if confidence < threshold:
        reasons.append(f"its confidence {confidence:.3f} is below ranking.threshold {threshold:g}")
    elif not position and left and not hidden:
        reasons.append("a page that says the same stands above it, or it holds none of the words asked for")
    if ranking.nothing_relevant:
        reasons.append("no page reaches the threshold: the results are only the nearest pages")
    if position:
        reasons.append(f"it stands at position {position} of {len(ranking.order)}")
    evidence = explain(steer, ranked, place)
    return Why(page.url, position, float(ranking.scores[place]), confidence, evidence, tuple(reasons))


def _hit(
    ranked: Ranked, page: Page, place: int, sections: tuple[SectionHit, ...], evidence: tuple[Evidence, ...]
) -> Hit:
    return Hit(
        page=page.page,
        url=page.url,
        title=page.title,
        lang=page.lang,
        kind=page.kind,
        category=page.category,
        tags=page.tags,
        published=page.published,
        modified=page.modified,
        image=page.image,
        description=page.description,
        score=float(ranked.ranking.scores[place]),
        confidence=float(ranked.ranking.confidence[place]),
        sections=sections,
        evidence=evidence,
    )


def best_rows(index: Index, weights: Weights, ranked: Ranked, shown: Ints) -> list[list[tuple[int, float]]]:
    """For each page at these places the rows, with their scores and best first, that show it; none without passages."""
    rows, scores, owners = _passages(index, weights, ranked, shown)
    return sections_of_pages(rows, scores, owners, index.pages.columns.section_of_row[rows], len(shown))


def _passages(index: Index, weights: Weights, ranked: Ranked, shown: Ints) -> tuple[Ints, Floats, Ints]:
    """Rows of the shown pages, their scores, and which of the shown pages each belongs to.

    What a leg named of a page is the best of it. Of a page that stands here by its title and its words as a whole, the
    passages are scored now.
    """
    candidates = ranked.candidates
    known, named = candidates.passages, candidates.named[shown]
    places = np.full(len(candidates.named), -1)
    places[shown[named]] = named.nonzero()[0]
    owners = places[known.owner]
    at = (owners >= 0).nonzero()[0]
    owners = owners[at]
    scores = _worth(weights, ranked, known.similarity[at], known.bm25[at], known.coverage[at])
    if named.all():
        return known.rows[at], scores, owners
    first_row = index.pages.columns.first_row
    pages = candidates.evidence.pages[shown[~named]]
    others = [
        np.arange(first, min(end, first + _FULL_PAGE))
        for first, end in zip(first_row[pages], first_row[pages + 1], strict=True)
    ]
    rows = np.concatenate(others)
    similarity = (
        np.zeros(len(rows), np.float32) if ranked.vector is None else index.dense.similarities(ranked.vector, rows)
    )
    bm25 = coverage = np.zeros(len(rows), np.float32)
    if candidates.wanted is not None:
        words = index.lexical.score_passages(candidates.wanted, rows)
        bm25, coverage = words.scores, words.coverage
    return (
        np.concatenate([known.rows[at], rows]),
        np.concatenate([scores, _worth(weights, ranked, similarity, bm25, coverage)]),
        np.concatenate([owners, np.flatnonzero(~named).repeat([len(other) for other in others])]),
    )


def _worth(weights: Weights, ranked: Ranked, similarity: Floats, bm25: Floats, coverage: Floats) -> Floats:
    """What speaks for passages, as far as their legs were asked."""
    evidence = ranked.candidates.evidence
    scores = np.zeros(len(similarity), np.float32)
    if ranked.vector is not None:
        scores += weights.best * (similarity - evidence.background.mean) / evidence.background.deviation
    if ranked.candidates.wanted is not None:
        scores += weights.passage_bm25 * bm25 / max(evidence.passage_total, 1e-6) + weights.coverage * coverage
    return scores


def sections_of_pages(
    rows: Ints, scores: Floats, owners: Ints, sections: npt.NDArray[np.int32], pages: int
) -> list[list[tuple[int, float]]]:
    """For each page the best passage of each of its best sections, with its score, best first."""
    order = np.lexsort((rows, -scores, owners))
    ends = owners[order].searchsorted(np.arange(pages + 1)).tolist()
    ordered = list(zip(sections[order].tolist(), rows[order].tolist(), scores[order].tolist(), strict=True))
    return [_of_sections(ordered[first:end]) for first, end in itertools.pairwise(ends)]


def _of_sections(passages: Sequence[tuple[int, int, float]]) -> list[tuple[int, float]]:
    """The first passage of each section as (row, score): the first sections, as far as they come near the best one.

    passages: section, row and score of each passage of a page, best first.
    """
    found: dict[int, tuple[int, float]] = {}
    for section, row, score in passages:
        if found and (len(found) == SECTIONS or score < SECTION_SHARE * passages[0][2]):
            break
        found.setdefault(section, (row, score))
    return list(found.values())


def _sections(excerpts: Excerpts, page: Page, passages: Sequence[tuple[Passage, float]]) -> tuple[SectionHit, ...]:
    """The page's best sections. A page without text shows its description."""
    if not passages:
        return (SectionHit((), "", excerpts.cut(page.description or page.title, page.lang), 0.0),)
    return tuple(
        SectionHit(passage.headings, passage.anchor, excerpts.cut(passage.text, page.lang), score)
        for passage, score in passages
    )
