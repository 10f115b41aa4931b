"""Where the article is: semantic containers first, a density vote where they say nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import soupsieve
from bs4 import Tag

from indexer.extract.document import HEADING, Document, Node
from indexer.extract.listed import listed
from indexer.extract.titles import names_the_site
from indexer.extract.vote import Vote, words
from searchd.errors import ConfigError

MIN_CHARS = 140  # a shorter container is a teaser, not an article
MAX_LINK_SHARE = 0.6  # above, a container is a menu unless nothing else is there
_DOMINANT = 0.6  # of the text of all containers of its kind must be in the chosen one
_ALL = 0.9
_HELD = 0.95  # of the voted words must be in the subtree that the vote leads to
_IDS = frozenset(
    listed(
        "main content main-content maincontent content-main page-content pagecontent article-body articlebody "
        "bodycontent mw-content-text docs-content doc-content primary"
    )
)
_CLASS = re.compile(
    r"(^|\s)((article|post|entry|story|page|doc|docs|document|documentation)[_-]{0,2}(body|content|text)|main-content|"
    r"markdown-body|rst-content|document|documentation|theme-doc-markdown|markdown|hentry|h-entry|e-content)(\s|$)",
    re.IGNORECASE,
)
_CONTAINERS = frozenset(
    {"div", "section", "article", "main", "body", "center", "td", "tr", "tbody", "table", "form", "font"}
)
_CLIMB = 1.3
_HEADINGS = frozenset({"h1", "h2", "h3", "h4"})
_SAME = 0.97  # of the parent's text: what the parent holds, the child holds
_BY_CLASS = 4  # the least sure kind of container
_MAX_PREFACE = 600  # characters above the article's container that may still belong to it


def find_root(document: Document, include: tuple[str, ...], vote: Vote) -> tuple[Node, ...]:
    """The subtrees that hold the article, in document order: a title block above the container comes first."""
    if include:
        found = select(document.body, include)
        if found:
            return outermost(found)
    root = (
        _semantic(document, MIN_CHARS, vote) or _voted(document, vote) or _semantic(document, 1, vote) or document.body
    )
    preface = _preface(document, root)
    return (preface, root) if preface is not None else (root,)


def select(root: Node, selectors: Iterable[str]) -> list[Node]:
    """All elements that match one of the CSS selectors; ConfigError for a selector that is none."""
    return [node for selector in selectors for node in compiled(selector).select(root) if isinstance(node, Node)]


def compiled(selector: str) -> soupsieve.SoupSieve:
    """A CSS selector, ready to use; ConfigError when it is none."""
    try:
        return soupsieve.compile(selector)
    except soupsieve.SelectorSyntaxError as error:
        raise ConfigError(f"{selector!r} is no CSS selector: {error}", "see [extract] in config.toml") from error


def outermost(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Without nodes inside other ones, without repetition, in document order."""
    chosen = {id(node): node for node in nodes}
    kept = [node for node in chosen.values() if not any(id(parent) in chosen for parent in node.parents)]
    return tuple(sorted(kept, key=lambda node: node.place))


def _semantic(document: Document, least: int, vote: Vote) -> Node | None:
    """The container that markup names, when it dominates its kind and is no menu; a class needs the vote's consent."""
    by_kind: dict[int, list[Node]] = {}
    for node in document.nodes:
        if node.chars >= least and node.link_share <= MAX_LINK_SHARE:
            for kind in _kinds(node):
                if kind == _BY_CLASS and node.chars > _ALL * document.body.chars:
                    continue  # a wrapper of the whole page, whatever it is called
                by_kind.setdefault(kind, []).append(node)
    for kind in sorted(by_kind):
        best = max(by_kind[kind], key=_prose)
        if _prose(best) < _DOMINANT * sum(_prose(node) for node in outermost(by_kind[kind])):
            continue
        if kind != _BY_CLASS or len(vote.text) < MIN_CHARS or _holds(best, set(words(vote.text)), document.body):
            return best
    return None


def _kinds(node: Node) -> Iterator[int]:
    """Which of the known containers a node is, 0 being the surest."""
    attributes = node.attrs
    if "articleBody" in str(attributes.get("itemprop", "")).split():
        yield 0
    if node.name == "main" or attributes.get("role") == "main":
        yield 1
    if node.name == "article":
        yield 2
    if str(attributes.get("id", "")).lower() in _IDS:
        yield 3
    if node.name not in {"p", "span", "a", "li"} and _CLASS.search(str(attributes.get("class", ""))):
        yield _BY_CLASS


def _prose(node: Node) -> int:
    return node.chars - node.link_chars


def _voted(document: Document, vote: Vote) -> Node | None:
    """The smallest subtree that holds (nearly) all words that the density vote chose."""
    wanted = set(words(vote.text))
    if len(vote.text) < MIN_CHARS:
        return None
    node = document.body
    while True:
        inner = next((c for c in node.contents if isinstance(c, Node) and _holds(c, wanted, node)), None)
        if inner is None:
            return None if node is document.body else _with_heading(document, node)
        if inner.name not in _CONTAINERS:  # a vote for a list or a <pre> means what is around it, its heading too
            return _with_heading(document, node)
        node = inner


def _with_heading(document: Document, node: Node) -> Node:
    """Climb to the parent that adds a heading and not much else: the vote may leave out an introduction."""
    headings = [heading.place for heading in document.nodes if heading.name in _HEADINGS]
    best, parent = node, node.parent
    while isinstance(parent, Node) and parent.name != "body" and _prose(parent) <= _CLIMB * _prose(best):
        if any(parent.place < place < parent.end and not best.place < place < best.end for place in headings):
            best = parent
        parent = parent.parent
    return best


def _holds(node: Node, wanted: set[str], parent: Node) -> bool:
    if node.chars < MIN_CHARS:
        return False
    if node.chars >= _SAME * parent.chars:
        return True
    return len(wanted & set(words(node.get_text(" ")))) >= _HELD * len(wanted)


def _preface(document: Document, root: Node) -> Node | None:
    """The page's title block where it stands above the container: the only h1 of the page, and what is beside it.

    Manual pages and many blogs put <header><h1>, a summary line included, before the container of the text.
    """
    first = next((node for node in document.nodes if node.name == "h1" and node.chars and node.link_share < 1), None)
    if first is None or first.place > root.place or any(parent is root for parent in first.parents):
        return None
    if root.find("h1") is not None:
        return None
    own = root.find(HEADING)
    if own is not None and names_the_site(first.get_text(" "), document.head.title, own.get_text(" ")):
        return None
    block: Tag | None = first.parent
    for candidate in (block, first):
        if isinstance(candidate, Node) and _is_preface(candidate, root):
            return candidate
    return None


def _is_preface(node: Node, root: Node) -> bool:
    if node.name == "body" or any(parent is node for parent in root.parents):
        return False
    return node.chars <= _MAX_PREFACE and node.link_chars <= 0.3 * node.chars
