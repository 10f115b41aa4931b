"""A page's bytes as a BeautifulSoup document, parsed once by lxml.

BeautifulSoup's own lxml builder spends two thirds of its time on things that a page needs nothing of (namespaces,
scripts, one callback per text node), so the soup is built here from lxml's tree, without what is never content.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import lxml.etree
import lxml.html
from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, Tag

from indexer.charset import decode
from indexer.extract.listed import listed
from searchd.errors import ExtractionError

MAX_TAGS = 400_000  # a tag costs about 1.5 kB: 600 MB, below the workers' memory limit
MAX_DEPTH = 200  # deeper elements join their ancestor there: walks may recurse, and CSS still matches
_LONG_TAG_BYTES = 65_536
_LONG_TAG = re.compile(rb"<[a-zA-Z][^<>]{65536,}>")  # libxml2 compares every attribute with every other one
_CONTROL = bytes({*range(0x20), 0x7F} - set(b"\t\n\f\r"))
_NONCHARACTERS = ("\ufffe".encode(), "\uffff".encode())

# lxml.html's own lookup calls Python for every element, to tell form fields from others.
_HTML_ELEMENTS = lxml.etree.ElementDefaultClassLookup(element=lxml.html.HtmlElement)

NEVER_CONTENT = frozenset(
    listed(
        "script style noscript template iframe object embed canvas audio video svg map select textarea "
        "datalist input frame frameset applet meta link base title"
    )
)
# What rel says of links between the pages of one book (HTML 4.01, 6.12; HTML Living Standard, 4.6.7).
_SEQUENCE = frozenset(listed("next prev previous up start first last begin top contents toc index help glossary"))
HEADING = re.compile(r"^h[1-6]$")  # names of elements
_OPT_OUTS = ("data-echolot-ignore", "data-nosnippet")
_SUSPECTS = lxml.etree.XPath(f"//*[@hidden or @style or {' or '.join('@' + name for name in _OPT_OUTS)}]")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


class Node(Tag):
    """An element that knows how much text it holds: characters without surrounding space, and those inside links."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - BeautifulSoup's own
        super().__init__(*args, **kwargs)
        # Set here, not in the class: elements that get fields later lose the table of names that all of them share.
        self.chars = self.link_chars = 0
        self.place = 0  # in document order
        self.end = 0  # the place behind its last descendant: what is inside has place < other.place < end
        self.links = 0  # <a href> inside, the element itself included
        self.local_links = 0  # those that lead to a place on the same page
        self.language_links = 0  # those with hreflang
        self.sequence_links = 0  # those to the pages around this one in a sequence or its contents, by rel

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
    parser = lxml.etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    parser.set_element_class_lookup(_HTML_ELEMENTS)
    try:
        tree = lxml.html.document_fromstring(_clean(decode(body, content_type)), parser=parser)
    except (lxml.etree.ParserError, lxml.etree.XMLSyntaxError) as error:
        raise ExtractionError(f"{url} holds no HTML", "an empty body is not a page") from error
    head = _read_head(tree)
    _strip(tree)
    soup, nodes, elements, too_deep = _soup(tree)
    root = nodes[0]
    found = next((child for child in root.children if isinstance(child, Node) and child.name == "body"), root)
    return Document(url, soup, tree, head, found, tuple(nodes), tuple(elements), too_deep)


def _clean(text: str) -> bytes:
    """UTF-8 without tags that would take minutes and without what no document may hold."""
    data = text.encode("utf-8", "replace")
    place = data.find(b"<")
    while 0 <= place < len(data) - _LONG_TAG_BYTES:  # from "<" to "<" in long steps; few pages have one this far away
        following = data.rfind(b"<", place + 1, place + _LONG_TAG_BYTES)
        if following < 0:
            data = _LONG_TAG.sub(b"", data)
            break
        place = following
    data = data.translate(None, _CONTROL)
    for character in _NONCHARACTERS:
        data = data.replace(character, b"")
    return data


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


class _Builder:
    """Makes a soup's elements and strings and links them in document order, as BeautifulSoup's own builder would.

    BeautifulSoup's constructors run once for each tag name; the fields that they set are copied to all others of the
    name, which takes a fifth of the time.
    """

    def __init__(self, soup: BeautifulSoup) -> None:
        self._soup = soup
        self._last: PageElement = soup
        self._fields: dict[str, dict[str, Any]] = {}
        self._string_fields = vars(NavigableString(""))
        self._attributes = soup.builder.attribute_dict_class

    def element(self, parent: Tag, source: lxml.html.HtmlElement) -> Node:
        """Append an element with the name and the attributes of lxml's."""
        name = source.tag
        fields = self._fields.get(name)
        if fields is None:
            fields = self._fields[name] = vars(Node(None, self._soup.builder, name, None, None, {}))
        node = Node.__new__(Node)
        node.__dict__ = fields.copy()
        node.attrs = self._attributes(source.items())  # not .attrib: it refuses names such as "{x"
        node.contents = []
        self._link(parent, node)
        return node

    def text(self, parent: Node, text: str | None) -> None:
        """Append a string, if there is one, and count it."""
        if text:
            string = str.__new__(NavigableString, text)
            string.__dict__ = self._string_fields.copy()
            self._link(parent, string)
            parent.chars += len(text.strip())

    def _link(self, parent: Tag, element: PageElement) -> None:
        last, siblings = self._last, parent.contents
        element.parent = parent
        element.previous_element = last
        last.next_element = element
        if siblings:
            element.previous_sibling = previous = siblings[-1]
            previous.next_sibling = element
        siblings.append(element)
        self._last = element


def _soup(tree: lxml.html.HtmlElement) -> tuple[BeautifulSoup, list[Node], list[lxml.html.HtmlElement], bool]:
    """Build the soup without recursion (pages nest deeper than Python's stack).

    Also all its elements, root first; their lxml counterparts; and whether elements below MAX_DEPTH were joined.
    """
    soup = BeautifulSoup("", "lxml", multi_valued_attributes=None)
    builder = _Builder(soup)
    root = builder.element(soup, tree)
    builder.text(root, tree.text)
    nodes, elements, too_deep = [root], [tree], False
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
                builder.text(parent, element.tail)
            continue
        inner = node
        if len(stack) < MAX_DEPTH:
            inner = builder.element(node, child)
            inner.place = len(nodes)
            nodes.append(inner)
            elements.append(child)
        else:
            too_deep = True
        builder.text(inner, child.text)
        stack.append((iter(child), inner, child))
    return soup, nodes, elements, too_deep


def _add_weight(parent: Node, node: Node) -> None:
    if node.name == "a" and "href" in node.attrs:
        node.link_chars = node.chars
        node.links += 1
        node.local_links += str(node.attrs["href"]).startswith("#")
        node.language_links += "hreflang" in node.attrs
        node.sequence_links += "rel" in node.attrs and not _SEQUENCE.isdisjoint(str(node.attrs["rel"]).lower().split())
    parent.chars += node.chars
    if node.links:
        parent.link_chars += node.link_chars
        parent.links += node.links
        parent.local_links += node.local_links
        parent.language_links += node.language_links
        parent.sequence_links += node.sequence_links
