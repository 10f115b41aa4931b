"""One text, many addresses: pages with the same article are folded onto one of them, the others become aliases.

Folding hides an address in the results, so it is careful: pages with other titles or in other languages never fold,
texts that are the same word for word do, and near-duplicates (print versions, mirrors with another date) do when
their word shingles agree to ``near`` or more, found by MinHash (Broder 1997). A page that is made of other pages folds
onto one of them (``indexer.compilations``), unless it is where visitors enter.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from indexer import compilations
from indexer.compilations import Hashes
from indexer.extract.language import address_language
from searchd.index.records import Article

_WORD = re.compile(r"\w+")
_SHINGLE_WORDS = 5
_PERMUTATIONS = 128
_BANDS = 16  # 16 bands of 8: half of the pairs with a similarity of .80 collide, 98 % of those with .90
_PRIME = (1 << 31) - 1
_MIN_WORDS = 20  # shorter texts are alike by accident ("This page moved")


@dataclass(frozen=True, slots=True)
class _Print:
    """What is remembered of a page: a few hundred bytes, and half a byte for each of its words."""

    url: str
    lang: str
    title: str
    exact: bytes
    n_words: int
    signature: Hashes | None  # (_PERMUTATIONS,)
    sample: Hashes | None


def fold(articles: Iterable[tuple[str, Article]], near: float = 0.9, entrances: Collection[str] = ()) -> dict[str, str]:
    """Return url -> canonical url for every page; a page that stands for itself maps to itself.

    near: Jaccard similarity of 5-word shingles from which two pages of one title and language are one page, and share
        of a page that must stand on others for it to be made of them; 1.0 = only the same words in the same order.
    entrances: addresses of pages that stay although they are made of others.
    The canonical is a page whose address names no other language than its text, then the shortest URL, then the first
    in the alphabet, so the result does not depend on the order of the pages.
    """
    prints = sorted((_print(url, article, near < 1.0) for url, article in articles), key=_preference)
    canonical = {p.url: p.url for p in prints}
    _fold_exact(prints, canonical)
    if near < 1.0:
        _fold_near([p for p in prints if canonical[p.url] == p.url], canonical, near)
        samples = {p.url: p.sample for p in prints if p.sample is not None and canonical[p.url] == p.url}
        parts = compilations.gathered(samples, near)
        canonical |= {url: part for url, part in parts.items() if url not in entrances}
    return {url: _root(url, canonical) for url in canonical}


def _preference(page: _Print) -> tuple[bool, int, str]:
    """Sort key: an untranslated page served below /da/ gives way to the original below /en/."""
    return address_language(page.url) not in {"", page.lang}, len(page.url), page.url


def _root(url: str, canonical: dict[str, str]) -> str:
    while canonical[url] != url:
        url = canonical[url]
    return url


def _print(url: str, article: Article, with_signature: bool) -> _Print:
    headings = " ".join(section.headings[-1] for section in article.sections if section.headings)
    text = _WORD.findall(article.text.lower())
    words = _WORD.findall(headings.lower()) + text
    exact = hashlib.blake2b(" ".join(words).encode(), digest_size=16).digest()
    title = " ".join(_WORD.findall(article.title.lower()))
    signature = sample = None
    if with_signature and len(words) >= _MIN_WORDS:
        signature, sample = _signature(_shingles(words)), compilations.sample(_shingles(text))
    return _Print(url, article.lang, title, exact, len(words), signature, sample)


def _fold_exact(prints: list[_Print], canonical: dict[str, str]) -> None:
    seen: dict[tuple[str, bytes, str], str] = {}
    for page in prints:
        # Without text only the title tells pages apart; with text, another title is another page too.
        first = seen.setdefault((page.lang, page.exact, page.title), page.url)
        if page.n_words >= _MIN_WORDS:
            canonical[page.url] = first


def _fold_near(prints: list[_Print], canonical: dict[str, str], near: float) -> None:
    buckets: dict[tuple[int, bytes], list[_Print]] = defaultdict(list)
    rows = _PERMUTATIONS // _BANDS
    for page in prints:
        if page.signature is None:
            continue
        for band in range(_BANDS):
            bucket = buckets[band, page.signature[band * rows : (band + 1) * rows].tobytes()]
            match = next((other for other in bucket if _alike(other, page, near)), None)
            if match is not None:
                canonical[page.url] = match.url
                break
            bucket.append(page)


def _alike(a: _Print, b: _Print, near: float) -> bool:
    if (a.lang, a.title) != (b.lang, b.title) or a.url == b.url or a.signature is None or b.signature is None:
        return False
    return float(np.mean(a.signature == b.signature)) >= near


def _shingles(words: list[str]) -> Hashes:
    """Hashes of the set of word shingles, (shingles,) uint32 in no order."""
    last = max(1, len(words) - _SHINGLE_WORDS + 1)
    shingles = {" ".join(words[start : start + _SHINGLE_WORDS]) for start in range(last)}
    digests = b"".join(hashlib.blake2b(text.encode(), digest_size=4).digest() for text in shingles)
    return np.frombuffer(digests, dtype=np.uint32)


def _signature(shingles: Hashes) -> Hashes:
    """MinHash of a set of shingles, (_PERMUTATIONS,) uint32."""
    values = shingles.astype(np.uint64) % _PRIME
    lowest = np.full(_PERMUTATIONS, _PRIME, dtype=np.uint64)
    for start in range(0, len(values), 4096):  # bounds the memory of a book-long page
        part = values[start : start + 4096, None]
        lowest = np.minimum(lowest, ((part * _FACTORS + _OFFSETS) % _PRIME).min(axis=0))
    return lowest.astype(np.uint32)


_RANDOM = np.random.default_rng(20240131)
_FACTORS = _RANDOM.integers(1, _PRIME, _PERMUTATIONS, dtype=np.uint64)
_OFFSETS = _RANDOM.integers(0, _PRIME, _PERMUTATIONS, dtype=np.uint64)
