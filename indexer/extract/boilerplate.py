"""What a site repeats on its pages, learnt from all of them.

Notes under every article, the site's name in titles, descriptions, keywords and pictures that come from a template.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from indexer.extract.titles import ANY_SEPARATOR
from searchd.index.records import Article, Section

_Counted = TypeVar("_Counted", str, bytes)
MIN_PAGES = 8  # of one language and below, "on many pages" means nothing
_TITLE_SHARE = 0.5
_SAME_DESCRIPTION = 3  # pages with one description: it is the site's or a section's
_EVERYWHERE = 0.8  # share of the pages from which on a keyword or a picture is the site's
_IN_PARENTHESES = re.compile(r"\s+(\([^()]+\))$")  # "List (Library 2.1)"
_KEPT = frozenset({"code", "table", "definition"})  # repeated reference material is content (options, licences)


@dataclass(frozen=True, slots=True)
class Boilerplate:
    """Digests of blocks, descriptions and images that repeat; tags, titles, their beginnings and ends in lower case."""

    blocks: frozenset[bytes] = frozenset()
    title_ends: frozenset[str] = frozenset()
    title_starts: frozenset[str] = frozenset()
    titles: frozenset[str] = frozenset()  # whole titles that many pages share: they name none of them
    banners: frozenset[str] = frozenset()  # titles of several pages, above their own headings: a book's name in a bar
    descriptions: frozenset[bytes] = frozenset()  # of several pages
    tags: frozenset[str] = frozenset()
    images: frozenset[bytes] = frozenset()


def learn_boilerplate(articles: Iterable[Article], share: float = 0.3) -> Boilerplate:
    """Read all articles once (they may stream) and return what more than ``share`` of the pages repeat.

    Memory: 40 bytes or so per distinct block.
    """
    blocks: Counter[bytes] = Counter()
    ends: Counter[str] = Counter()
    starts: Counter[str] = Counter()
    titles: Counter[str] = Counter()
    banners: Counter[str] = Counter()
    descriptions: Counter[bytes] = Counter()
    tags: Counter[str] = Counter()
    images: Counter[bytes] = Counter()
    pages = 0
    for article in articles:
        pages += 1
        blocks.update({_digest(b.text) for s in article.sections for b in s.blocks if b.kind not in _KEPT})
        title = article.title.lower()
        titles[title] += 1
        banners[_banner(article).lower()] += 1
        descriptions[_digest(article.description)] += 1
        tags.update(tag.lower() for tag in article.tags)
        images[_digest(article.image)] += 1
        parts = ANY_SEPARATOR.split(title)
        if len(parts) > 1:
            ends[parts[-1].strip()] += 1
            starts[parts[0].strip()] += 1
        if noted := _IN_PARENTHESES.search(title):
            ends[noted[1]] += 1
    if pages < MIN_PAGES:
        return Boilerplate()
    most = _TITLE_SHARE * pages
    return Boilerplate(
        blocks=_above(max(share * pages, MIN_PAGES - 1), blocks),
        title_ends=_above(most, ends),
        title_starts=_above(most, starts),
        titles=_above(most, titles),
        banners=_above(MIN_PAGES - 1, banners),
        descriptions=_above(_SAME_DESCRIPTION - 1, descriptions),
        tags=_above(_EVERYWHERE * pages, tags),
        images=_above(_EVERYWHERE * pages, images),
    )


def _above(least: float, counts: Counter[_Counted]) -> frozenset[_Counted]:
    """What was counted more than ``least`` times, "" left out."""
    return frozenset(one for one, count in counts.items() if one and count > least)


def clean(article: Article, boilerplate: Boilerplate) -> Article:
    """Return the article without what is the site's and with a title that names the page; same input, same output."""
    sections = tuple(_clean_section(section, boilerplate.blocks) for section in article.sections)
    if not any(section.blocks for section in sections):  # a page of nothing else keeps it: better than no page
        sections = article.sections
    title = _clean_title(article.title, boilerplate)
    banner = _banner(article).lower()
    if banner in boilerplate.banners:
        sections = tuple(replace(section, headings=section.headings[1:]) for section in sections[1:])
    if title.lower() in boilerplate.titles | {banner}:
        title = next((s.headings[0] for s in sections if s.headings), title)
    return replace(
        article,
        title=title,
        sections=sections,
        description="" if _digest(article.description) in boilerplate.descriptions else article.description,
        tags=tuple(tag for tag in article.tags if tag.lower() not in boilerplate.tags),
        image="" if _digest(article.image) in boilerplate.images else article.image,
    )


def _banner(article: Article) -> str:
    """The page's title where it is a heading above all others, without text of its own; "" elsewhere."""
    first, others = article.sections[:1], article.sections[1:]
    if not others or first[0].blocks or len(first[0].headings) != 1:
        return ""
    name = first[0].headings[0]
    above_all = all(len(s.headings) > 1 and s.headings[0] == name for s in others)
    return name if above_all and name.lower() == article.title.lower() else ""


def _clean_section(section: Section, repeated: frozenset[bytes]) -> Section:
    kept = tuple(b for b in section.blocks if b.kind in _KEPT or _digest(b.text) not in repeated)
    return section if len(kept) == len(section.blocks) else replace(section, blocks=kept)


def _clean_title(title: str, boilerplate: Boilerplate) -> str:
    noted = _IN_PARENTHESES.search(title)
    if noted and noted[1].lower() in boilerplate.title_ends:
        return title[: noted.start()].strip() or title
    separators = list(ANY_SEPARATOR.finditer(title))
    if not separators:
        return title
    first, last = separators[0], separators[-1]
    if title[last.end() :].strip().lower() in boilerplate.title_ends:
        return title[: last.start()].strip() or title
    if title[: first.start()].strip().lower() in boilerplate.title_starts:
        return title[first.end() :].strip() or title
    return title


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.lower().encode(), digest_size=12).digest()
