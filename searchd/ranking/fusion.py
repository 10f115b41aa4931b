"""Evidence in, scores out: a weighted sum whose terms are comparable from query to query and from site to site.

Every piece of evidence is brought to a scale of its own *meaning*, not to the spread of one result list:

* a similarity counts as standard deviations above what the query has with passages picked at random, so models with
  narrow and with wide cosines meet on one scale;
* a BM25 score counts as a share of the idf of all words of the query, words that the site lacks included. A German
  question over English pages shares a few names with them at most, so the words fall silent by themselves; a question
  in the site's own terms speaks up;
* a lone word that one to five pages hold is a name, which models know badly: coverage weighs as much as it takes for
  these pages to come first;
* a page in another language than the question cannot hold its words, which says nothing against it: it is credited
  with what pages in the question's language that are as similar get for their words, generously, but never outranks
  such a page by that, and takes turns with the best pages in the question's language;
* a page that mostly names other pages (an index, a table of contents) holds every word and answers nothing: what
  links make up of its text above a half is taken off, as far as one of its entries is more similar than the page as
  a whole. Who asks for the index itself asks for its title.

So a leg that knows nothing is flat and cannot vote, and no list is stretched to fill 0..1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from searchd.errors import ConfigError
from searchd.ranking.evidence import WHOLE, Evidence

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_BEHIND = 0.001  # in score: how far a page stays behind another that is to come first
_FEW = 5  # pages that hold a lone word, which is no name if more do
_MADE_OF_LINKS = 0.5  # share of a page's text that may be links for nothing
_NEIGHBOUR = 0.3  # in score: how alike two pages' similarities must be for one to speak for the other


@dataclass(frozen=True, slots=True)
class Weights:
    """What one unit of each piece of evidence adds to the score. Defaults: fitted over many sites at once."""

    best: float = 1.0
    lead: float = 0.75
    passage_bm25: float = 0.75
    page_bm25: float = 1.75
    coverage: float = 2.5
    translation: float = 2.5
    links: float = 1.25  # at most this is taken off a page made of links
    cross_encoder: float = 1.0  # of the second stage: see ``searchd.ranking.rerank``

    @classmethod
    def of(cls, overrides: Mapping[str, float]) -> Weights:
        """The defaults with some weights replaced; ConfigError for a name that is none of them."""
        known = {field.name for field in fields(cls)}
        for name in overrides:
            if name not in known:
                raise ConfigError(f"ranking.weights knows no {name!r}", f"known: {', '.join(sorted(known))}")
        return replace(cls(), **overrides)


NAMES = (
    *("passage vector", "lead vector"),
    *("passage BM25", "page BM25", "words covered"),
    *("other language", "made of links"),
)
VECTORS, WORDS, COVERAGE, TRANSLATION, LINKS = slice(0, 2), slice(2, 5), 4, 5, 6  # columns


@dataclass(frozen=True, slots=True)
class Fused:
    """One row per candidate, one column per name in ``NAMES``; ``scores`` are the rows' sums of ``shares``.

    shares == normalised * weights.
    """

    raw: Floats
    normalised: Floats
    weights: Floats  # (len(NAMES),)
    shares: Floats
    scores: Floats


@dataclass(frozen=True, slots=True)
class Asked:
    """Which legs were asked, and (n,) which candidates are in the language of the question.

    lone: whether the query is one word, as it was typed.
    """

    vectors: bool
    words: bool
    own: Mask
    lone: bool = False


def fuse(evidence: Evidence, weights: Weights, asked: Asked) -> Fused:
    """Score the candidates."""
    factors = _factors(weights, asked)
    raw = np.zeros((len(evidence.pages), len(NAMES)), np.float32)
    raw[:, 0], raw[:, 1] = evidence.best, evidence.lead
    raw[:, 2], raw[:, 3], raw[:, 4] = evidence.passage_bm25, evidence.page_bm25, evidence.passage_coverage
    raw[:, LINKS] = evidence.links
    normalised = raw.copy()
    normalised[:, VECTORS] -= evidence.background.mean
    normalised[:, VECTORS] /= evidence.background.deviation
    normalised[:, 2] /= max(evidence.passage_total, 1e-6)
    normalised[:, 3] /= max(evidence.page_total, 1e-6)
    normalised[:, LINKS] = _made_of_links(evidence.links, normalised[:, 0] - normalised[:, 1])
    if asked.lone:
        factors[COVERAGE] += _lift((normalised * factors).sum(axis=1), normalised[:, COVERAGE], evidence.whole)
    shares = normalised * factors
    if asked.vectors and asked.words and asked.own.any() and not asked.own.all():
        similar, worded = shares[:, VECTORS].sum(axis=1), shares[:, WORDS].sum(axis=1)
        expected = _expected(similar, worded, asked.own)
        raw[:, TRANSLATION] = normalised[:, TRANSLATION] = expected
        credit = np.maximum(expected * factors[TRANSLATION] - worded, 0) * ~asked.own
        shares[:, TRANSLATION] = _capped(credit, similar, shares.sum(axis=1), asked.own)
    return Fused(raw, normalised, factors, shares, shares.sum(axis=1))


def _lift(scores: Floats, covered: Floats, named: Mask) -> float:
    """What the weight of coverage lacks for the few pages that hold the one word asked for to come first."""
    within = named & (covered >= WHOLE)  # a title without its text has other evidence
    if named.sum() > _FEW or not within.any() or named.all():
        return 0.0
    behind = scores[~named] - scores[within].min() + np.float32(_BEHIND)
    return max(0.0, float((behind / (1 - covered[~named])).max()))


def _made_of_links(links: Floats, entry: Floats) -> Floats:
    """-1..0: how far a page consists of links and was found by one of them.

    entry: by how many deviations its best passage is more similar than its title and opening.
    """
    consists = np.maximum(links - _MADE_OF_LINKS, 0) / (1 - _MADE_OF_LINKS)
    return np.asarray(-consists * np.clip(entry, 0, 1), dtype=np.float32) + np.float32(0)  # no -0.0 to show


def _expected(similar: Floats, worded: Floats, own: Mask) -> Floats:
    """For a page in another language the words' mean share among pages in the query's language alike to it, else 0.

    Kernel regression (Nadaraya 1964, Watson 1964) of the words' share on the vectors' share.
    """
    found = np.zeros(len(own), np.float32)
    distance = (similar[~own][:, None] - similar[own][None, :]) / _NEIGHBOUR
    kernel = np.exp(-0.5 * distance * distance) + 1e-9
    found[~own] = (kernel @ worded[own]) / kernel.sum(axis=1)
    return found


def _capped(credit: Floats, similar: Floats, scores: Floats, own: Mask) -> Floats:
    """No more credit than leaves a page behind the best of the own pages that are at least as similar.

    Such pages take turns with the own ones: the first of them stands behind the best own page, the second behind the
    second. scores: of all candidates, the credit left out.
    """
    order = np.flatnonzero(own)[np.argsort(similar[own], kind="stable")]
    best = np.append(np.maximum.accumulate(scores[order][::-1])[::-1], np.float32(np.inf))
    most = best[np.searchsorted(similar[order], similar)] - np.float32(_BEHIND)  # of the score
    turns = np.flatnonzero(~own & np.isfinite(most))
    turns = turns[np.argsort(-np.minimum(scores + credit, most)[turns], kind="stable")]
    ranked = np.sort(scores[own])[::-1]
    behind = ranked[np.minimum(np.arange(len(turns)), len(ranked) - 1)] - np.float32(_BEHIND)
    most[turns] = np.minimum(most[turns], behind)
    return np.asarray(np.minimum(credit, np.maximum(most - scores, 0)), dtype=np.float32)


def _factors(weights: Weights, asked: Asked) -> Floats:
    """A leg that was not asked has weight 0."""
    dense = (weights.best, weights.lead)
    lexical = (weights.passage_bm25, weights.page_bm25, weights.coverage)
    return np.array(
        [
            *(w if asked.vectors else 0.0 for w in dense),
            *(w if asked.words else 0.0 for w in lexical),
            weights.translation,
            weights.links,
        ],
        np.float32,
    )
