"""Where the article is: semantic containers first, a density vote where they say nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable

import soupsieve
import trafilatura
from bs4 import Tag

from indexer.extract.document import Document, Node
from searchd.errors import ConfigError

MIN_CHARS = 140  # a shorter container is a teaser, not an article
MAX_LINK_SHARE = 0.6  # above, a container is a menu unless nothing else is there
_SEMANTIC = (
    "[itemprop~=articleBody]",
    "main",
    "[role=main]",
    "article",
    "#main-content, #content-main, #main, #content, #page-content, #article-body",
)
_CONTAINER = re.compile(
    r"(^|[\s_-])(article|post|entry|story|document|markdown|page|main)[_-]*(body|content|text)($|[\s_-])"
    r"|(^|\s)(rst-content|markdown-body|articlebody|entry-content|post-content|documentation|document)($|\s)",
    re.IGNORECASE,
)
_WORDS = re.compile(r"\w+")


def find_root(document: Document, include: tuple[str, ...] = ()) -> tuple[Node, ...]:
    """The subtrees that hold the article, in document order."""
    if include:
        found = select(document.body, include)
        if found:
            return outermost(found)
    semantic = _semantic(document.body)
    return (semantic or _voted(document) or document.body,)


def select(root: Node, selectors: Iterable[str]) -> list[Node]:
    """All elements that match one of the CSS selectors; ConfigError for a selector that is none."""
    found: list[Node] = []
    for selector in selectors:
        try:
            found += [node for node in root.select(selector) if isinstance(node, Node)]
        except soupsieve.SelectorSyntaxError as error:
            raise ConfigError(f"{selector!r} is no CSS selector: {error}", "see [extract] in config.toml") from error
    return found


def outermost(nodes: list[Node]) -> tuple[Node, ...]:
    """Without nodes inside other ones, without repetition, in document order."""
    chosen = {id(node) for node in nodes}
    kept = {id(n): n for n in nodes if not any(id(parent) in chosen for parent in n.parents)}
    order = sorted(kept.values(), key=_position)
    return tuple(order)


def _position(node: Node) -> tuple[int, ...]:
    path: list[int] = []
    current: Tag | None = node
    while current is not None and current.parent is not None:
        path.append(next(i for i, child in enumerate(current.parent.contents) if child is current))
        current = current.parent
    return tuple(reversed(path))


def _semantic(body: Node) -> Node | None:
    for selector in _SEMANTIC:
        found = [node for node in body.select(selector) if isinstance(node, Node) and _is_article(node)]
        if not found:
            continue
        best = max(found, key=lambda node: node.chars - node.link_chars)
        total = sum(node.chars - node.link_chars for node in outermost(found))
        if best.chars - best.link_chars >= 0.6 * total:
            return best
    return None


def _is_article(node: Node) -> bool:
    return node.chars >= MIN_CHARS and node.link_share <= MAX_LINK_SHARE


def _voted(document: Document) -> Node | None:
    """The smallest subtree that holds (nearly) all words that trafilatura's density vote chose."""
    try:
        result = trafilatura.bare_extraction(document.tree, fast=True, with_metadata=False, include_comments=False)
    except RecursionError:  # its walks recurse; a page this deep is left to the body
        return None
    text = (result.text if result is not None else "") or ""
    wanted = set(_WORDS.findall(text.lower()))
    if len(text) < MIN_CHARS:
        return None
    node = document.body
    while True:
        inner = next(
            (c for c in node.contents if isinstance(c, Node) and c.chars >= MIN_CHARS and _holds(c, wanted)), None
        )
        if inner is None:
            return node
        node = inner


def _holds(node: Node, wanted: set[str]) -> bool:
    return len(wanted & set(_WORDS.findall(node.get_text(" ").lower()))) >= 0.95 * len(wanted)
