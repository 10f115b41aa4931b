"""Pages that say "not found" with status 200, told by what the site answers for an address that cannot exist.

The idea is Heritrix's (internetarchive/heritrix3, issue 729): compare with a probe instead of looking for words, which
would drop real pages about errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from indexer import charset, urls

ALIKE: Final = 0.9  # share of word pairs in common, beyond the frame
PROBE: Final = "echolot-probe-of-a-page-that-cannot-exist"
_WORD: Final = re.compile(r"\w+")
_MAX_CHARS: Final = 20_000


@dataclass(slots=True)
class Soft404:
    """The site's answers for impossible addresses; empty when it answers 404 as it should.

    ``template`` holds the word pairs of the start page: what both share is the site's frame and proves nothing, or a
    short page in a large frame would look like the error page.
    """

    texts: list[str] = field(default_factory=list)
    template: frozenset[tuple[str, str]] = frozenset()

    def learn(self, url: str, body: bytes) -> None:
        """The answer to a probe came with status 200."""
        text = visible_text(url, body)
        if text not in self.texts:
            self.texts.append(text)

    def matches(self, url: str, body: bytes) -> bool:
        """Whether a page looks like one of those answers."""
        if not self.texts or not body:
            return False
        text = visible_text(url, body)
        if text in self.texts:
            return True
        own = word_pairs(text) - self.template
        return any(_alike(own, word_pairs(probe) - self.template) for probe in self.texts)


def probes(start: str) -> tuple[str, ...]:
    """Addresses that cannot exist: at the root, and beside the start page when that is elsewhere."""
    root = urls.normalise(f"/{PROBE}", start)
    beside = urls.normalise(f"{PROBE}.html", start)
    return (root, beside) if urls.path(start).count("/") > 1 else (root,)


def visible_text(url: str, body: bytes) -> str:
    """The page's words without its own address, which error pages like to repeat."""
    tree = LexborHTMLParser(charset.decode(body))
    tree.strip_tags(["script", "style", "noscript"])
    text = tree.body.text(separator=" ") if tree.body else ""
    path = urls.path(url)
    for echo in (url, path, path.rpartition("/")[2]):
        if len(echo) > 2:
            text = text.replace(echo, " ")
    return " ".join(_WORD.findall(text[:_MAX_CHARS].lower()))


def word_pairs(text: str) -> frozenset[tuple[str, str]]:
    """Neighbouring words of a text."""
    return frozenset(pairwise(text.split()))


def _alike(a: frozenset[tuple[str, str]], b: frozenset[tuple[str, str]]) -> bool:
    union = len(a | b)
    return union > 0 and len(a & b) >= ALIKE * union
