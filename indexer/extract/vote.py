"""A second opinion on what is text: trafilatura (Barbaresi 2021), the best of the article extractors on news.

It loses headings and definition lists, so it votes and never writes: its text says which subtree holds the article
where markup names none, and which blocks of a news page are not the story ("Read more", captions, newsletters).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import trafilatura

from indexer.extract.document import Document, Node
from searchd.index.records import Block, Section

_WORD = re.compile(r"\w+")
_SHINGLE_WORDS = 3
_MAX_ELEMENTS = 30_000  # above, and for many tables, it takes seconds: its work grows with the square of ...
_MAX_TABLES = 200  # ... tables inside tables
_AGREEMENT = 0.5  # of a block's shingles must be in the vote
_MIN_SHARE = 0.25  # a vote for less of the text than this, and less than ...
_MIN_VOTED = 400  # ... so many characters is a mistake (a teaser, a cookie note)
_NEWS_TYPE = re.compile(r"(?<!Tech)Article|Posting|Report")
_TECHNICAL = frozenset({"code", "definition"})
_VOTED_KINDS = frozenset({"paragraph", "list", "quote", "caption"})


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return _WORD.findall(text.lower())


class Vote:
    """trafilatura's opinion on one page, asked at most once, because it costs as much as the rest of extraction."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._tree = document.tree

    def narrow(self, root: Node, dropped: Callable[[Node], bool]) -> None:
        """Ask about what is left of this element only, unless the whole page was asked about: that is cheaper.

        Ends the use of ``document.tree``: the element is moved out of it, and loses what is dropped.
        """
        if "text" in self.__dict__:
            return
        elements = self._document.elements
        place = root.place + 1
        while place < root.end:
            node = self._document.nodes[place]
            if dropped(node):
                elements[place].drop_tree()
                place = node.end
            else:
                place += 1
        if root is not self._document.body:
            tree = self._document.tree
            body = tree.makeelement("body")
            body.append(elements[root.place])
            self._tree = tree.makeelement("html")
            self._tree.append(body)

    @cached_property
    def text(self) -> str:
        """The text that it takes for the article; "" when it finds none."""
        nodes = self._document.nodes
        if (
            self._document.too_deep
            or len(nodes) > _MAX_ELEMENTS
            or sum(node.name == "table" for node in nodes) > _MAX_TABLES
        ):
            return ""
        try:
            found = trafilatura.bare_extraction(self._tree, fast=True, with_metadata=False, include_comments=False)
        except RecursionError:  # its walks recurse; a page nested this deep has no vote
            return ""
        return str(getattr(found, "text", None) or "")

    def agrees(self, block: Block) -> bool:
        """Whether (half of) a block is in the text."""
        shingles = _shingles(words(block.text))
        return bool(shingles) and len(shingles & self._shingles) >= _AGREEMENT * len(shingles)

    @cached_property
    def _shingles(self) -> set[tuple[str, ...]]:
        found = words(self.text)
        return {tuple(found[i : i + n]) for n in (1, 2, _SHINGLE_WORDS) for i in range(len(found) - n + 1)}


def _shingles(found: list[str]) -> set[tuple[str, ...]]:
    size = min(_SHINGLE_WORDS, len(found))
    return {tuple(found[i : i + size]) for i in range(len(found) - size + 1)} if found else set()


def is_news(document: Document) -> bool:
    """Whether a page calls itself an article (OpenGraph, schema.org), as news and blogs do and manuals do not."""
    head = document.head
    if (
        head.meta.get("og:type", ("",))[0].lower() in {"article", "news", "blog"}
        or "article:published_time" in head.meta
    ):
        return True
    if any(_NEWS_TYPE.search(str(thing.get("@type", ""))) for thing in head.json_ld):
        return True
    return any(
        _NEWS_TYPE.search(str(node.attrs.get("itemtype", ""))) or "articleBody" in str(node.attrs.get("itemprop", ""))
        for node in document.nodes
    )


def keep_voted(sections: tuple[Section, ...], vote: Vote) -> tuple[Section, ...]:
    """The sections of a news page without the blocks that the vote left out.

    Pages with code or definitions lose their edges only: there the vote is known to miss things in between.
    """
    blocks = [block for section in sections for block in section.blocks]
    chosen = [block.kind in _VOTED_KINDS and vote.agrees(block) for block in blocks]
    total = sum(len(block.text) for block in blocks)
    voted = sum(len(block.text) for block, yes in zip(blocks, chosen, strict=True) if yes)
    if voted < min(_MIN_VOTED, _MIN_SHARE * total) or not any(chosen):
        return sections
    first, last = chosen.index(True), len(chosen) - 1 - chosen[::-1].index(True)
    technical = any(block.kind in _TECHNICAL for block in blocks[first : last + 1])
    kept = {
        place
        for place, block in enumerate(blocks)
        if chosen[place] or (first <= place <= last and (technical or block.kind not in _VOTED_KINDS))
    }
    return _without_empty(sections, kept)


def _without_empty(sections: tuple[Section, ...], kept: set[int]) -> tuple[Section, ...]:
    """Drop all but the kept blocks, then the headings that lost all of their text, subsections included."""
    place = 0
    thinned: list[tuple[Section, bool]] = []
    for section in sections:
        stays = tuple(block for offset, block in enumerate(section.blocks) if place + offset in kept)
        place += len(section.blocks)
        thinned.append((replace(section, blocks=stays), bool(stays)))
    result: list[Section] = []
    for section, has_text in reversed(thinned):
        depth = len(section.headings)
        opens = bool(result) and result[-1].headings[:depth] == section.headings and len(result[-1].headings) > depth
        if has_text or opens:
            result.append(section)
    return tuple(reversed(result))
