"""What a crawler needs of an HTML page: its links and what its head says about indexing. Pure, never raises."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from multidict import MultiMapping
from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser, LexborNode, SelectolaxError

from indexer import charset, robots, urls

MAX_LINKS: Final = 5_000  # of one page; a page with more is a trap or a dump
MAX_ANCHOR_CHARS: Final = 200
_REFRESH: Final = re.compile(r"""^\s*(\d+)[\d.]*\s*[;,]\s*(?:url\s*=\s*)?["']?\s*([^"']+)""", re.IGNORECASE)
_REFRESH_IS_REDIRECT_S: Final = 10.0  # a page that reloads later than this was meant to be read
_LINKING: Final = '[href]:not([href^="#"])'  # names no element: lexbor takes half the time for it
_NAVIGATION: Final = frozenset({"nav", "header", "footer", "aside"})
_HEAD: Final = (
    "link[href][rel~=canonical i], link[href][rel~=alternate i], link[href][rel~=next i], link[href][rel~=prev i], "
    "meta[content], base[href]"
)


class Link(NamedTuple):
    """One address found on a page; ``text`` is its anchor text, empty for links that are navigation."""

    url: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class PageLinks:
    """What a page's head and links say.

    ``links`` holds each address once, without those marked rel=nofollow; ``canonical``, ``refresh`` and ``alternates``
    (language, address) are normalised; "" where the page says nothing. ``truncated``: it has more links than are read.
    """

    links: tuple[Link, ...] = ()
    canonical: str = ""
    refresh: str = ""
    noindex: bool = False
    nofollow: bool = False
    lang: str = ""
    alternates: tuple[tuple[str, str], ...] = ()
    feeds: tuple[str, ...] = ()
    truncated: bool = False


def parse(
    body: bytes,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    agent: str = "Echolot",
    drop: Collection[str] = (),
) -> PageLinks:
    """Read a page. ``headers`` are the answer's (Content-Type, Link and X-Robots-Tag count), ``url`` its address."""
    headers = headers or {}
    try:
        # Nothing listens to changes of this tree: a tenth of the time is for events.
        tree = LexborHTMLParser(
            charset.as_utf8(body, headers.get("Content-Type", "")), options=LexborDocumentOptions.WO_EVENTS
        )
    except SelectolaxError:
        return PageLinks()
    reader = _Reader(tree, url, headers, agent, drop)
    if b"noindex" in body.lower():
        reader.misplaced_robots()
    return reader.read()


def header_values(headers: Mapping[str, str], name: str) -> list[str]:
    """All values of a header that may come several times."""
    if isinstance(headers, MultiMapping):
        return list(headers.getall(name, []))
    return [headers[name]] if name in headers else []


class _Reader:
    """One pass over one page; the base address may change on the way."""

    def __init__(
        self, tree: LexborHTMLParser, url: str, headers: Mapping[str, str], agent: str, drop: Collection[str]
    ) -> None:
        self.tree, self.url, self.agent, self.drop = tree, url, agent, drop
        self.head = tree.head.css(_HEAD) if tree.head else []
        self.base = self._base()
        self.canonical = self._header_canonical(headers.get("Link", ""))
        self.robots_values = header_values(headers, "X-Robots-Tag")
        self.refresh = ""
        self.found: dict[str, str] = {}
        self.alternates: list[tuple[str, str]] = []
        self.feeds: list[str] = []
        self._navigation: dict[int, bool] = {}  # an element's mem_id: whether it is, or stands in, navigation

    def read(self) -> PageLinks:
        for node in self.head:
            if node.tag == "link":
                self._link_element(node.attributes)
            elif node.tag == "meta" and not _in_noscript(node):
                self._meta(node.attributes)
        truncated = self._anchors()
        said = robots.meta_directives(self.robots_values, self.agent)
        root = self.tree.root
        return PageLinks(
            links=() if "nofollow" in said else tuple(Link(url, text) for url, text in self.found.items()),
            canonical=self.canonical,
            refresh=self.refresh,
            noindex="noindex" in said,
            nofollow="nofollow" in said,
            lang=(root.attributes.get("lang") or "").strip() if root else "",
            alternates=tuple(self.alternates),
            feeds=tuple(self.feeds),
            truncated=truncated,
        )

    def misplaced_robots(self) -> None:
        """A robots tag in the body is invalid, but its author meant it."""
        for node in self.tree.css("body meta[content]"):
            if (node.attributes.get("name") or "").lower() in ("robots", self.agent.lower()):
                self.robots_values.append(node.attributes.get("content") or "")

    def _base(self) -> str:
        href = next((node.attributes.get("href") or "" for node in self.head if node.tag == "base"), "")
        return (urls.normalise(href, self.url) if href else "") or self.url

    def _header_canonical(self, value: str) -> str:
        found = re.search(r"<([^>]+)>\s*;[^,]*rel\s*=\s*\"?canonical", value, re.IGNORECASE) if value else None
        return self._resolve(found[1]) if found else ""

    def _resolve(self, href: str | None) -> str:
        return urls.normalise(href, self.base, self.drop) if href else ""

    def _link_element(self, attributes: Mapping[str, str | None]) -> None:
        rel = (attributes.get("rel") or "").lower().split()
        if not {"canonical", "next", "prev", "alternate"}.intersection(rel):
            return
        address = self._resolve(attributes.get("href"))
        if not address:
            return
        if "canonical" in rel:
            self.canonical = self.canonical or address
        elif "next" in rel or "prev" in rel:
            self.found.setdefault(address, "")
        elif attributes.get("hreflang"):
            self.alternates.append(((attributes["hreflang"] or "").strip(), address))
        elif (attributes.get("type") or "").lower() in ("application/rss+xml", "application/atom+xml"):
            self.feeds.append(address)

    def _meta(self, attributes: Mapping[str, str | None]) -> None:
        content = attributes.get("content") or ""
        if (attributes.get("name") or "").lower() in ("robots", self.agent.lower()):
            self.robots_values.append(content)
        elif (attributes.get("http-equiv") or "").lower() == "refresh":
            found = _REFRESH.match(content)
            if found and not self.refresh and float(found[1]) <= _REFRESH_IS_REDIRECT_S:
                self.refresh = self._resolve(found[2].strip())

    def _anchors(self) -> bool:
        """Collect a and area; whether the page has more of them than are read."""
        nodes = [node for node in self.tree.css(_LINKING) if node.tag in ("a", "area")]
        resolved: dict[str, str] = {}
        found = self.found
        for node in nodes[:MAX_LINKS]:
            attributes = node.attributes
            if "nofollow" in (attributes.get("rel") or "").lower():
                continue
            href = (attributes["href"] or "").partition("#")[0]
            address = resolved.get(href)
            if address is None:
                address = resolved[href] = self._resolve(href)
            if address and not found.get(address) and address != self.url:
                found[address] = "" if self._in_navigation(node) else _anchor_text(node)
        return len(nodes) > MAX_LINKS

    def _in_navigation(self, node: LexborNode) -> bool:
        """Whether an element stands in one that is navigation; what is learnt of its ancestors is kept."""
        seen = self._navigation
        path: list[int] = []
        answer = False
        parent = node.parent
        while parent is not None:
            known = seen.get(parent.mem_id)
            if known is not None:
                answer = known
                break
            path.append(parent.mem_id)
            if _is_navigation(parent):
                answer = True
                break
            parent = parent.parent
        seen.update(dict.fromkeys(path, answer))
        return answer


def _in_noscript(node: LexborNode) -> bool:
    """Whether an element speaks to browsers without scripts: "turn JavaScript on" redirects are not for us."""
    return node.parent is not None and node.parent.tag == "noscript"


def _is_navigation(node: LexborNode) -> bool:
    if node.tag in _NAVIGATION:
        return True
    attributes = node.attributes
    return attributes.get("role") == "navigation" or "data-echolot-ignore" in attributes


def _anchor_text(node: LexborNode) -> str:
    return " ".join((node.text() or node.attributes.get("alt") or "").split())[:MAX_ANCHOR_CHARS]
