"""Texts of links, seen from the page that they point to. Pure."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable
from typing import Final

from indexer.links import Link

MAX_TEXTS: Final = 16  # of one page, the most frequent first
NAVIGATION_SHARE: Final = 0.3  # a link with the same text on more of the pages is a menu's
NAVIGATION_MIN_PAGES: Final = 5


def pack(links: Iterable[Link]) -> bytes:
    """Links in a compact form for the state."""
    lines = "\n".join([f"{url}\t{text}" for url, text in links])
    return zlib.compress(lines.encode("utf-8", "surrogatepass"), 1)


def unpack(packed: bytes) -> tuple[Link, ...]:
    """The inverse of :func:`pack`."""
    text = zlib.decompress(packed).decode("utf-8", "surrogatepass")
    return tuple(Link(*line.split("\t", 1)) for line in text.split("\n") if line)


def invert(pages: Iterable[tuple[str, Iterable[Link]]]) -> dict[str, tuple[str, ...]]:
    """For each address the texts of links from other pages, without those that are navigation.

    Navigation is what the page marks as such (the text is empty then) and what sits on most pages.
    """
    seen: dict[str, Counter[str]] = {}
    n_pages = 0
    for source, found in pages:
        n_pages += 1
        for link in found:
            if link.text and link.url != source:
                seen.setdefault(link.url, Counter())[link.text] += 1
    common = max(NAVIGATION_MIN_PAGES, NAVIGATION_SHARE * n_pages)
    texts: dict[str, tuple[str, ...]] = {}
    for url, counts in seen.items():
        ranked = sorted(((-times, text) for text, times in counts.items() if times < common))
        if ranked:
            texts[url] = tuple(text for _, text in ranked[:MAX_TEXTS])
    return texts
