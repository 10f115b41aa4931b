"""Pages to read next: like this one, like those, or something else altogether.

``similar`` puts four kinds of evidence side by side, because each sees what the others miss: title and opening
(what a page says it is), the centre of its passages (what it is about on the whole), its passages one by one (what
parts it shares with another page), and its telling words (names that a vector blurs; "more like this", as in Lucene).
Links are no evidence. Nothing about a visitor is kept: what was read comes with the request.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from searchd.index.lexical_results import Wanted
from searchd.index.opened import Index
from searchd.index.stores import Floats, Ints
from searchd.query import Evidence
from searchd.text.analysis import analyse
from searchd.text.chunks import chunks
from searchd.text.language import primary
from searchd.text.query import Alternative, ParsedQuery, QueryTerm

Mask = npt.NDArray[np.bool_]

NAMES = ("lead vector", "centre vector", "passage vectors", "page BM25")
WEIGHTS = (0.25, 0.25, 0.25, 0.25)

_PAGE_ROWS = 32  # passages of a page that are compared, spread evenly
_NEIGHBOURS = 160  # passages near the page's centre that name candidates
_CANDIDATES = 160  # pages compared in full, at most
_WORDS = 30  # telling words of a page
_MAX_WORD_CHARS = 40_000  # of a page's text that are read for them
_SAME = 0.985  # cosine of leads and of centres from which two pages are one text
_RECENT = 5  # visited pages that steer a recommendation; the last count most
_FADE = 0.8  # weight of a visited page against the one visited after it
_TINY_WORDS = 80  # shorter pages are shown last
_LOOK_AT = 4  # pages drawn for each random page wanted, so that tiny ones can wait


class Related(NamedTuple):
    """A page beside another. score: 0..1; ``evidence`` shares add up to it."""

    page: int
    score: float
    evidence: tuple[Evidence, ...]


def similar(index: Index, page: int, limit: int, allowed: Mask | None = None) -> list[Related]:
    """Return at most ``limit`` pages like page number ``page``, best first; those in its language come first.

    allowed: (pages,) mask of the pages that may be shown, None = all. The page itself and near-duplicates are left out.
    """
    words = index.lexical.look_up(telling_words(index, page))
    candidates = _candidates(index, page, words, allowed)
    if not len(candidates) or limit < 1:
        return []
    raw, doubles = _compare(index, page, words, candidates)
    kept = ~doubles
    candidates, raw = candidates[kept], raw[kept]
    normalised = _stretched(raw)
    shares = normalised * np.array(WEIGHTS, np.float32)
    scores = shares.sum(axis=1)
    language = index.pages.columns.lang
    unknown = index.pages.columns.code("lang", "")
    foreign = (language[candidates] != language[page]) & (language[candidates] != unknown)
    order = np.lexsort((candidates, -scores, foreign if language[page] != unknown else np.zeros_like(foreign)))
    return [
        Related(int(candidates[at]), float(scores[at]), _explained(raw[at], normalised[at], shares[at]))
        for at in order[:limit].tolist()
    ]


def recommend(index: Index, pages: Sequence[int], limit: int, allowed: Mask | None = None) -> list[Related]:
    """Return pages for someone who has read ``pages`` (oldest first): what is like the last few of them, unread.

    The score is the mean of the similarities, the last page weighing most; the evidence names the pages read.
    """
    recent = list(dict.fromkeys(reversed(pages)))[:_RECENT]
    weights = [_FADE**age for age in range(len(recent))]
    found: dict[int, list[Evidence]] = {}
    for read, weight in zip(recent, weights, strict=True):
        for related in similar(index, read, limit + len(pages) + 2 * _RECENT, allowed):
            share = weight / sum(weights)
            evidence = Evidence(f"like page {read}", related.score, related.score, share, share * related.score)
            found.setdefault(related.page, []).append(evidence)
    unread = (
        Related(page, sum(part.share for part in evidence), tuple(evidence))
        for page, evidence in found.items()
        if page not in set(pages)
    )
    return sorted(unread, key=lambda related: (-related.score, related.page))[:limit]


def random_pages(
    index: Index,
    seen: Sequence[int],
    limit: int,
    lang: str,
    rng: np.random.Generator,
    allowed: Mask | None = None,
) -> list[int]:
    """Return ``limit`` pages to discover: drawn at random, away from ``seen`` and from what is like it.

    lang: only pages in this language, where there are any. Start pages and tiny pages come last. Fewer pages come
    back only when the site has no more that may be shown.
    """
    pool = _pool(index, seen, lang, allowed)
    if not len(pool) or limit < 1:
        return []
    weights = _novelty(index, seen)[pool] * _substance(index)[pool]
    # without replacement, in one pass: Efraimidis and Spirakis 2006
    keys = np.log(rng.random(len(pool))) / np.maximum(weights, 1e-9)
    drawn: list[int] = pool[np.argsort(-keys, kind="stable")][: _LOOK_AT * limit].tolist()
    drawn.sort(key=lambda page: _slightness(index, page))  # stable: the draw's order stays
    return drawn[:limit]


def _candidates(index: Index, page: int, words: Wanted, allowed: Mask | None) -> Ints:
    """Pages worth comparing, ascending: near the page's lead, centre or passages, or sharing its telling words."""
    rows = _rows(index, page)
    lead = index.leads.vectors([page])[0]
    near = [index.leads.search(lead, _CANDIDATES // 2, allowed)[0]]
    if len(rows):
        vectors = index.dense.vectors(rows)
        page_of_row = index.pages.columns.page_of_row
        probes = [_unit(vectors.mean(axis=0)), *vectors[:: max(1, len(rows) // 4)][:5]]
        rows_allowed = None if allowed is None else allowed[page_of_row]
        for probe, depth in zip(probes, (_NEIGHBOURS, *[_NEIGHBOURS // 4] * 5), strict=False):
            near.append(page_of_row[index.dense.search(probe, depth, rows_allowed)[0]].astype(np.int64))
    found = index.lexical.search(words, 1, _CANDIDATES // 4, allowed_pages=allowed)
    near.append(found.pages)
    # interleaved, so that the cut takes the worst of every list
    ranked = [one for rank in range(max(map(len, near))) for one in (part[rank] for part in near if rank < len(part))]
    chosen = [int(one) for one in dict.fromkeys(ranked) if one != page]
    return np.array(sorted(chosen[:_CANDIDATES]), dtype=np.int64)


def telling_words(index: Index, page: int) -> ParsedQuery:
    """Return the page's words that are frequent on it and rare on the site, as a query."""
    about = index.pages.page(page)
    texts = [about.title, *(passage.text for passage in index.pages.passages(_rows(index, page).tolist()))]
    lang = primary(about.lang)
    counts = Counter(
        term.term
        for text in "\n".join(texts)[:_MAX_WORD_CHARS].split("\n")
        for chunk in chunks(text)
        for term in analyse(chunk.text, lang)
        if term.main
    )
    n_pages, known = index.lexical.n_pages, index.lexical.vocabulary.pages_with_term

    def worth(term: str) -> float:
        return counts[term] * math.log1p((n_pages - known(term) + 0.5) / (known(term) + 0.5))

    best = sorted(counts, key=lambda term: (-worth(term), term))[:_WORDS]
    terms = tuple(QueryTerm(term, term, (Alternative(term, 1.0),), weight=1 + math.log(counts[term])) for term in best)
    return ParsedQuery(" ".join(best), lang, (lang,), terms)


def _compare(index: Index, page: int, words: Wanted, candidates: Ints) -> tuple[Floats, Mask]:
    """Return the evidence, (candidates, len(NAMES)) float32, and which candidates are the same text as the page."""
    lead = index.leads.vectors([page])[0]
    leads = index.leads.similarities(lead, candidates)
    shared = index.lexical.score_pages(words, candidates).scores
    own = _rows(index, page)
    if not len(own):
        raw = np.stack([leads, leads, leads, shared], axis=1)
        return raw.astype(np.float32), leads >= _SAME
    mine = index.dense.vectors(own)  # (m, dim)
    rows = [_rows(index, int(candidate)) for candidate in candidates]
    owner = np.repeat(np.arange(len(rows)), [len(part) for part in rows])
    theirs = index.dense.vectors(np.concatenate(rows))  # (n, dim)
    between = mine @ theirs.T  # (m, n)
    best = np.full((len(mine), len(rows)), -1.0, np.float32)
    np.maximum.at(best.T, owner, between.T)
    sums = np.zeros((len(rows), theirs.shape[1]), np.float32)
    np.add.at(sums, owner, theirs)
    centres = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    centre = centres @ _unit(mine.mean(axis=0))
    empty = np.array([not len(part) for part in rows])
    centre[empty], passages = leads[empty], np.where(empty, leads, best.mean(axis=0))
    raw = np.stack([leads, centre, passages, shared], axis=1).astype(np.float32)
    return raw, (leads >= _SAME) & (centre >= _SAME)


def _rows(index: Index, page: int) -> Ints:
    """Rows of the page's passages, at most _PAGE_ROWS of them, spread evenly."""
    first, last = index.pages.columns.first_row[page : page + 2].tolist()
    if last - first <= _PAGE_ROWS:
        return np.arange(first, last, dtype=np.int64)
    return np.linspace(first, last - 1, _PAGE_ROWS).astype(np.int64)


def _stretched(raw: Floats) -> Floats:
    """Each column from 0 (its least) to 1 (its most)."""
    if not len(raw):
        return raw
    low = raw.min(axis=0)
    return np.asarray((raw - low) / np.maximum(raw.max(axis=0) - low, 1e-9), dtype=np.float32)


def _explained(raw: Floats, normalised: Floats, shares: Floats) -> tuple[Evidence, ...]:
    rows = zip(NAMES, raw.tolist(), normalised.tolist(), WEIGHTS, shares.tolist(), strict=True)
    return tuple(Evidence(*row) for row in rows)


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), dtype=np.float32)


def _pool(index: Index, seen: Sequence[int], lang: str, allowed: Mask | None) -> Ints:
    """Pages that may be drawn: unseen, allowed and in the language, as far as that leaves any."""
    mask = np.ones(len(index.pages), dtype=np.bool_) if allowed is None else allowed.copy()
    mask[list(seen)] = False
    code = index.pages.columns.code("lang", lang) if lang else -1
    spoken = mask & (index.pages.columns.lang == code)
    return np.flatnonzero(spoken if code >= 0 and spoken.any() else mask)


def _novelty(index: Index, seen: Sequence[int]) -> Floats:
    """(pages,) 1 for what is unlike everything seen, towards 0 for what is like it."""
    n_pages = len(index.pages)
    if not len(seen) or not n_pages:
        return np.ones(n_pages, np.float32)
    every = np.arange(n_pages, dtype=np.int64)
    close = np.max([index.leads.similarities(v, every) for v in index.leads.vectors(list(seen))], axis=0)
    nearer = np.argsort(np.argsort(close, kind="stable"), kind="stable")  # ranks mean the same whatever the model
    return np.asarray((1 - nearer / n_pages) ** 2, dtype=np.float32)


def _substance(index: Index) -> Floats:
    """(pages,) more for pages with more to read, up to eight passages."""
    passages = np.diff(index.pages.columns.first_row)
    return np.log1p(np.minimum(passages, 8)).astype(np.float32) + np.float32(1e-3)


def _slightness(index: Index, page: int) -> int:
    """0 for an article, 1 for a page too short to be worth a visit, 2 for a start page."""
    about = index.pages.page(page)
    path = urlsplit(about.url).path.strip("/")
    if path in ("", "index.html", "index.htm", "index.php", about.lang):
        return 2
    return int(about.n_words < _TINY_WORDS)
