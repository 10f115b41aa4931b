"""Which addresses are one page: by redirect, by canonical, by equal bytes. Pure.

A canonical is believed when its target is a page in hand that is not itself elsewhere; a target that is missing,
redirects back or belongs to a loop is ignored, so that no page is lost to a typing error. A target that most of the
site names is a broken template, another site that most of it names is the original of this copy (a mirror, a build
under test): both are ignored too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from indexer import urls

MAX_HOPS: Final = 20
SHARE_OF_BROKEN_TEMPLATE: Final = 0.5
MIN_OF_BROKEN_TEMPLATE: Final = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address with what decides its fate; ``target`` is where it redirects to, "" for a page in hand."""

    url: str
    depth: int = 0
    content_hash: str = ""
    canonical: str = ""
    target: str = ""
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Identities:
    """``aliases`` maps each page that stands to its other addresses, sorted; ``of`` maps every address that is known
    to be another page to it; ``broken_templates`` are canonical targets that were not believed."""

    aliases: dict[str, tuple[str, ...]]
    of: dict[str, str]
    broken_templates: tuple[str, ...]


def resolve(candidates: Iterable[Candidate]) -> Identities:
    """Fold addresses onto pages."""
    rows = list(candidates)
    pages = {row.url: row for row in rows if not row.target}
    broken = _broken_templates(pages)
    folded: dict[str, str] = {}
    standing: dict[str, Candidate] = {}
    for row in pages.values():
        home = _canonical_home(row, pages, broken)
        if home == row.url:
            standing[home] = row
        elif home:
            folded[row.url] = home
    folded |= _equal_bytes(standing)
    redirects = {row.url: row.target for row in rows if row.target}
    for url in redirects:
        home = _follow(url, redirects)
        if home and (home in pages):
            folded[url] = home
    return _collect(standing, folded, broken)


def elsewhere(url: str, canonical: str) -> bool:
    """Whether a canonical names another page; the same path on another host is a mirror or a build under test."""
    return bool(canonical) and canonical != url and urls.path(canonical) != urls.path(url)


def _other_path(url: str, canonical: str) -> bool:
    """Like :func:`elsewhere`, without variants by query: any number of facets may name the one list they filter."""
    return elsewhere(url, canonical) and url.partition("?")[0] != canonical.partition("?")[0]


def _broken_templates(pages: dict[str, Candidate]) -> frozenset[str]:
    """Canonical targets, and other sites' origins, that too many pages name."""
    half = SHARE_OF_BROKEN_TEMPLATE * len(pages)
    named = Counter(row.canonical for row in pages.values() if _other_path(row.url, row.canonical))
    targets = {target for target, times in named.items() if times >= max(MIN_OF_BROKEN_TEMPLATE, half)}
    other_sites = Counter(urls.origin(row.canonical) for row in pages.values() if _off_site(row))
    return frozenset(targets | {origin for origin, times in other_sites.items() if times >= half})


def _off_site(row: Candidate) -> bool:
    return bool(row.canonical) and urls.origin(row.canonical) != urls.origin(row.url)


def _believed(row: Candidate, broken: frozenset[str]) -> bool:
    return row.canonical not in broken and not (_off_site(row) and urls.origin(row.canonical) in broken)


def _canonical_home(row: Candidate, pages: dict[str, Candidate], broken: frozenset[str]) -> str:
    """Where a page's canonicals lead: a page in hand, its own address, or "" for a page off the site."""
    seen = {row.url}
    current = row
    while elsewhere(current.url, current.canonical) and _believed(current, broken):
        following = pages.get(current.canonical)
        if following is None:
            return "" if _off_site(current) else current.url
        if following.url in seen:
            return row.url
        seen.add(following.url)
        current = following
    return current.url


def _equal_bytes(standing: dict[str, Candidate]) -> dict[str, str]:
    groups: dict[str, list[Candidate]] = {}
    for row in standing.values():
        if row.content_hash:
            groups.setdefault(row.content_hash, []).append(row)
    folded: dict[str, str] = {}
    for group in groups.values():
        group.sort(key=_rank)
        for row in group[1:]:
            folded[row.url] = group[0].url
    return folded


def _rank(row: Candidate) -> tuple[bool, bool, bool, int, bool, int, str]:
    """Lowest wins: the page that calls itself canonical, a start page, /en/ for a page in English, the nearest."""
    own_language = row.lang.lower() in re.split(r"[/._-]", urls.path(row.url).lower()) if row.lang else False
    return (row.canonical != row.url, row.depth > 0, not own_language, row.depth, "?" in row.url, len(row.url), row.url)


def _follow(url: str, to: dict[str, str]) -> str:
    for _ in range(MAX_HOPS):
        if url not in to:
            return url
        url = to[url]
    return ""


def _collect(standing: dict[str, Candidate], folded: dict[str, str], broken: frozenset[str]) -> Identities:
    of: dict[str, str] = {}
    groups: dict[str, list[str]] = {url: [] for url in standing if url not in folded}
    for url in folded:
        home = _follow(url, folded)
        if home in groups:
            of[url] = home
            groups[home].append(url)
    return Identities({url: tuple(sorted(names)) for url, names in groups.items()}, of, tuple(sorted(broken)))
