"""What a crawler needs of an HTML page: its links and what its head says about indexing. Pure, never raises."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from multidict import MultiMapping
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from indexer import charset, robots, urls

MAX_LINKS: Final = 5_000  # of one page; a page with more is a trap or a dump
MAX_ANCHOR_CHARS: Final = 200
_REFRESH: Final = re.compile(r"""^\s*([\d.]+)\s*[;,]\s*(?:url\s*=\s*)?["']?\s*([^"']+)""", re.IGNORECASE)
_SPACE: Final = re.compile(r"\s+")
_NAVIGATION: Final = "nav a, header a, footer a, aside a, [role=navigation] a, [data-echolot-ignore] a"


@dataclass(frozen=True, slots=True)
class Link:
    """One address found on a page; ``text`` is its anchor text, empty for links that are navigation."""

    url: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class PageLinks:
    """What a page's head and links say.

    ``links`` holds each address once, without those marked rel=nofollow; ``canonical``, ``refresh`` and ``alternates``
    (language, address) are normalised; "" where the page says nothing. ``text_chars`` is a cheap measure of text.
    """

    links: tuple[Link, ...] = ()
    canonical: str = ""
    refresh: str = ""
    noindex: bool = False
    nofollow: bool = False
    lang: str = ""
    title: str = ""
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
        tree = LexborHTMLParser(charset.decode(body, headers.get("Content-Type", "")))
    except SelectolaxError:
        return PageLinks()
    return _Reader(tree, url, headers, agent, drop).read()


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
        self.base = self._base()
        self.canonical = self._header_canonical(headers.get("Link", ""))
        self.robots_values = header_values(headers, "X-Robots-Tag")
        self.refresh = ""
        self.found: dict[str, str] = {}
        self.alternates: list[tuple[str, str]] = []
        self.feeds: list[str] = []

    def read(self) -> PageLinks:
        for node in self.tree.css("link[href]"):
            self._link_element(node.attributes)
        for node in self.tree.css("meta[content]"):
            self._meta(node.attributes)
        truncated = self._anchors()
        said = robots.meta_directives(self.robots_values, self.agent)
        root = self.tree.css_first("html")
        title = self.tree.css_first("title")
        return PageLinks(
            links=() if "nofollow" in said else tuple(Link(url, text) for url, text in self.found.items()),
            canonical=self.canonical,
            refresh=self.refresh,
            noindex="noindex" in said,
            nofollow="nofollow" in said,
            lang=(root.attributes.get("lang") or "").strip() if root else "",
            title=_squeeze(title.text()) if title else "",
            alternates=tuple(self.alternates),
            feeds=tuple(self.feeds),
            truncated=truncated,
        )

    def _base(self) -> str:
        node = self.tree.css_first("base[href]")
        href = (node.attributes.get("href") or "") if node else ""
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
            if found and not self.refresh:
                self.refresh = self._resolve(found[2].strip())

    def _anchors(self) -> bool:
        """Collect a and area; whether the page has more of them than are read."""
        navigation = {node.mem_id for node in self.tree.css(_NAVIGATION)}
        nodes = self.tree.css("a[href], area[href]")
        page = self.url.partition("#")[0]
        resolved: dict[str, str] = {}
        for node in nodes[:MAX_LINKS]:
            attributes = node.attributes
            href = attributes.get("href") or ""
            if href.startswith("#") or _nofollow(attributes.get("rel")):
                continue
            href = href.partition("#")[0]
            address = resolved.get(href)
            if address is None:
                address = resolved[href] = self._resolve(href)
            if address and address != page and not self.found.get(address):
                self.found[address] = "" if node.mem_id in navigation else _anchor_text(node)
        return len(nodes) > MAX_LINKS


def _nofollow(rel: str | None) -> bool:
    return rel is not None and "nofollow" in rel.lower().split()


def _anchor_text(node: LexborNode) -> str:
    return _squeeze(node.text() or node.attributes.get("alt") or "")[:MAX_ANCHOR_CHARS]


def _squeeze(text: str) -> str:
    return _SPACE.sub(" ", text).strip()
