"""A page's bytes as a BeautifulSoup document, parsed once by lxml.

BeautifulSoup's own lxml builder spends two thirds of its time on things that a page needs nothing of (namespaces,
scripts, one callback per text node), so the soup is built here from lxml's tree, without what is never content.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import lxml.etree
import lxml.html
from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, Tag

from indexer.charset import decode
from indexer.extract.listed import listed
from searchd.errors import ExtractionError

MAX_TAGS = 400_000  # a tag costs about 1.5 kB: 600 MB, below the workers' memory limit
MAX_DEPTH = 200  # deeper elements join their ancestor there: walks may recurse, and CSS still matches
_LONG_TAG = re.compile(r"<[a-zA-Z][^<>]{65536,}>")  # libxml2 compares every attribute with every other one
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ufffe\uffff]")

NEVER_CONTENT = frozenset(
    listed(
        "script style noscript template iframe object embed canvas audio video svg map select textarea "
        "datalist input frame frameset applet meta link base title"
    )
)
_OPT_OUTS = ("data-echolot-ignore", "data-nosnippet")
_SUSPECTS = lxml.etree.XPath(f"//*[@hidden or @style or {' or '.join('@' + name for name in _OPT_OUTS)}]")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


class Node(Tag):
    """An element that knows how much text it holds: characters without surrounding space, and those inside links."""

    chars: int = 0
    link_chars: int = 0
    place: int = 0  # in document order
    end: int = 0  # the place behind its last descendant: what is inside has place < other.place < end
    links: int = 0  # <a href> inside, the element itself included
    local_links: int = 0  # those that lead to a place on the same page
    language_links: int = 0  # those with hreflang

    @property
    def link_share(self) -> float:
        """Share of the text that is link text; 1.0 when there is no text at all."""
        return self.link_chars / self.chars if self.chars else 1.0


@dataclass(frozen=True, slots=True)
class Head:
    """What a page says about itself outside its text."""

    title: str
    lang: str
    meta: dict[str, tuple[str, ...]]  # lower-case name, property or http-equiv -> contents in order
    json_ld: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed page. ``tree`` is lxml's, without scripts and opted-out parts; ``soup`` is the model to work on."""

    url: str
    soup: BeautifulSoup
    tree: lxml.html.HtmlElement
    head: Head
    body: Node
    nodes: tuple[Node, ...]  # all elements in document order: a loop over them is ten times as fast as a CSS selector
    elements: tuple[lxml.html.HtmlElement, ...]  # their lxml counterparts, by ``Node.place``
    too_deep: bool  # whether elements below MAX_DEPTH were joined with their ancestor


def parse(body: bytes, url: str, content_type: str = "") -> Document:
    """Parse a page; raise ExtractionError when it has no element or more than ``MAX_TAGS`` tags."""
    if body.count(b"<") > 2 * MAX_TAGS:
        raise ExtractionError(f"{url} has more than {MAX_TAGS} elements", "split the page or exclude its URL")
    text = _CONTROL.sub("", _LONG_TAG.sub("", decode(body, content_type)))
    parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        tree = lxml.html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (lxml.etree.ParserError, lxml.etree.XMLSyntaxError) as error:
        raise ExtractionError(f"{url} holds no HTML", "an empty body is not a page") from error
    head = _read_head(tree)
    _strip(tree)
    soup, nodes, elements = _soup(tree)
    root = nodes[0]
    too_deep = len(nodes) < sum(1 for _ in tree.iter())
    found = next((child for child in root.children if isinstance(child, Node) and child.name == "body"), root)
    return Document(url, soup, tree, head, found, tuple(nodes), tuple(elements), too_deep)


def _strip(tree: lxml.html.HtmlElement) -> None:
    """Remove what is never content, hidden, or opted out by its author."""
    lxml.etree.strip_elements(tree, *NEVER_CONTENT, with_tail=False)
    for element in _SUSPECTS(tree):
        if element.getparent() is not None and _is_dropped(element):
            element.drop_tree()


def _is_dropped(element: lxml.html.HtmlElement) -> bool:
    attributes = element.attrib
    if any(name in attributes for name in _OPT_OUTS):
        return True
    # Tab panels are hidden one behind the other, yet each is content.
    if attributes.get("role") == "tabpanel" or element.tag in {"html", "body", "main", "article"}:
        return False
    if "hidden" in attributes and attributes["hidden"] != "until-found":
        return True
    return bool(_HIDDEN_STYLE.search(attributes.get("style", "")))


def _read_head(tree: lxml.html.HtmlElement) -> Head:
    meta: dict[str, list[str]] = {}
    for element in tree.iter("meta"):
        content = " ".join((element.get("content") or "").split())
        names = (element.get("property"), element.get("name"), element.get("itemprop"), element.get("http-equiv"))
        name = next((one for one in names if one), "").lower()
        if name and content:
            meta.setdefault(name, []).append(content)
    titles = (" ".join((element.text or "").split()) for element in tree.iter("title"))
    lang = tree.get("lang") or tree.get("xml:lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
    frozen = {name: tuple(contents) for name, contents in meta.items()}
    return Head(next(titles, ""), lang, frozen, tuple(_json_ld(tree)))


def _json_ld(tree: lxml.html.HtmlElement) -> Iterator[dict[str, Any]]:
    """Every JSON-LD object of the page, @graph unfolded; unreadable JSON is common on the web and says nothing."""
    for script in tree.iter("script"):
        if (script.get("type") or "").split(";")[0].strip().lower() != "application/ld+json":
            continue
        try:
            data = json.loads((script.text or "").strip().rstrip(";"), strict=False)
        except (ValueError, RecursionError):
            continue
        for item in data if isinstance(data, list) else [data]:
            if isinstance(item, dict):
                yield item
                graph = item.get("@graph")
                yield from (node for node in graph if isinstance(node, dict)) if isinstance(graph, list) else ()


class _Linker:
    """Links new elements into a soup in document order, as BeautifulSoup's ``object_was_parsed`` would."""

    def __init__(self, soup: BeautifulSoup) -> None:
        self._last: PageElement = soup

    def add(self, parent: Tag, element: PageElement) -> None:
        previous = parent.contents[-1] if parent.contents else None
        element.setup(parent=parent, previous_element=self._last, previous_sibling=previous)
        self._last = element
        parent.contents.append(element)

    def text(self, parent: Node, text: str | None) -> None:
        if text:
            self.add(parent, NavigableString(text))
            parent.chars += len(text.strip())


def _soup(tree: lxml.html.HtmlElement) -> tuple[BeautifulSoup, list[Node], list[lxml.html.HtmlElement]]:
    """Build the soup without recursion (pages nest deeper than Python's stack); and all its elements, root first."""
    soup = BeautifulSoup("", "lxml", multi_valued_attributes=None)
    linker = _Linker(soup)
    root = _node(soup, tree)
    linker.add(soup, root)
    linker.text(root, tree.text)
    nodes, elements = [root], [tree]
    stack = [(iter(tree), root, tree)]
    while stack:
        children, node, element = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
            node.end = len(nodes)
            if stack:
                parent = stack[-1][1]
                if parent is not node:
                    _add_weight(parent, node)
                linker.text(parent, element.tail)
            continue
        inner = node
        if len(stack) < MAX_DEPTH:
            inner = _node(soup, child)
            inner.place = len(nodes)
            nodes.append(inner)
            elements.append(child)
            linker.add(node, inner)
        linker.text(inner, child.text)
        stack.append((iter(child), inner, child))
    return soup, nodes, elements


def _node(soup: BeautifulSoup, element: lxml.html.HtmlElement) -> Node:
    attributes = cast("dict[str, str]", dict(element.items()))  # not .attrib: it refuses names such as "{x"
    return Node(None, soup.builder, element.tag, None, None, attributes)


def _add_weight(parent: Node, node: Node) -> None:
    if node.name == "a" and "href" in node.attrs:
        node.link_chars = node.chars
        node.links += 1
        node.local_links += str(node.attrs["href"]).startswith("#")
        node.language_links += "hreflang" in node.attrs
    parent.chars += node.chars
    parent.link_chars += node.link_chars
    parent.links += node.links
    parent.local_links += node.local_links
    parent.language_links += node.language_links
