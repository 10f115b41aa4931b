"""One text, many addresses: pages with the same article are folded onto one of them, the others become aliases.

Folding hides an address in the results, so it is careful: pages with other titles or in other languages never fold,
texts that are the same word for word do, and near-duplicates (print versions, mirrors with another date) do when
their word shingles agree to ``near`` or more, found by MinHash (Broder 1997).
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
    """What is remembered of a page: a few hundred bytes, however long it is."""

    url: str
    lang: str
    title: str
    exact: bytes
    n_words: int
    signature: npt.NDArray[np.uint32] | None  # (_PERMUTATIONS,)


def fold(articles: Iterable[tuple[str, Article]], near: float = 0.9) -> dict[str, str]:
    """Return url -> canonical url for every page; a page that stands for itself maps to itself.

    near: Jaccard similarity of 5-word shingles from which two pages of one title and language are one page; 1.0 =
        only the same words in the same order.
    The canonical is a page whose address names no other language than its text, then the shortest URL, then the first
    in the alphabet, so the result does not depend on the order of the pages.
    """
    prints = sorted((_print(url, article, near < 1.0) for url, article in articles), key=_preference)
    canonical = {p.url: p.url for p in prints}
    _fold_exact(prints, canonical)
    if near < 1.0:
        _fold_near([p for p in prints if canonical[p.url] == p.url], canonical, near)
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
    words = _WORD.findall(f"{headings} {article.text}".lower())
    exact = hashlib.blake2b(" ".join(words).encode(), digest_size=16).digest()
    signature = _signature(words) if with_signature and len(words) >= _MIN_WORDS else None
    title = " ".join(_WORD.findall(article.title.lower()))
    return _Print(url, article.lang, title, exact, len(words), signature)


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


def _signature(words: list[str]) -> npt.NDArray[np.uint32]:
    """MinHash of the set of word shingles, (_PERMUTATIONS,) uint32."""
    last = max(1, len(words) - _SHINGLE_WORDS + 1)
    shingles = {" ".join(words[start : start + _SHINGLE_WORDS]) for start in range(last)}
    digests = b"".join(hashlib.blake2b(text.encode(), digest_size=4).digest() for text in shingles)
    values = np.frombuffer(digests, dtype=np.uint32).astype(np.uint64) % _PRIME  # (shingles,)
    lowest = np.full(_PERMUTATIONS, _PRIME, dtype=np.uint64)
    for start in range(0, len(values), 4096):  # bounds the memory of a book-long page
        part = values[start : start + 4096, None]
        lowest = np.minimum(lowest, ((part * _FACTORS + _OFFSETS) % _PRIME).min(axis=0))
    return lowest.astype(np.uint32)


_RANDOM = np.random.default_rng(20240131)
_FACTORS = _RANDOM.integers(1, _PRIME, _PERMUTATIONS, dtype=np.uint64)
_OFFSETS = _RANDOM.integers(0, _PRIME, _PERMUTATIONS, dtype=np.uint64)
