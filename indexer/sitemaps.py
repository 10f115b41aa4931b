"""Sitemaps (sitemaps.org 0.9, text form included), RSS and Atom feeds. Pure; damaged files give what could be read."""

from __future__ import annotations

import xml.parsers.expat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from indexer import fetch

MAX_BYTES: Final = 52_428_800  # sitemaps.org: 50 MB uncompressed
MAX_URLS: Final = 50_000  # sitemaps.org: per file
_MAX_TEXT: Final = 8192


@dataclass(slots=True)
class Entry:
    """One page that a sitemap or a feed names; ``lastmod`` in seconds since 1970, 0 = not said."""

    url: str
    lastmod: float = 0.0
    alternates: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Sitemap:
    """A file's entries, the further sitemaps that it names, and what is wrong with it in words ("" = nothing)."""

    entries: list[Entry] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    problem: str = ""


def parse(body: bytes) -> Sitemap:
    """Read a sitemap, sitemap index, feed or plain list of addresses, gzipped or not."""
    if body[:2] == b"\x1f\x8b":
        inflated = fetch.inflate_bounded(body, MAX_BYTES)
        if inflated is None:
            return Sitemap(problem=f"damaged gzip data, or more than {MAX_BYTES} bytes")
        body = inflated
    if not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _parse_text(body)
    return _XmlReader().read(body)


def _parse_text(body: bytes) -> Sitemap:
    lines = (line.strip() for line in body.decode("utf-8-sig", "replace").splitlines())
    found = Sitemap([Entry(line) for line in lines if line.startswith(("http://", "https://"))])
    if not found.entries and body.strip():
        found.problem = "neither XML nor a list of addresses"
    return _bounded(found)


def _bounded(sitemap: Sitemap) -> Sitemap:
    if len(sitemap.entries) > MAX_URLS:
        sitemap.problem = f"more than {MAX_URLS} addresses in one file; the rest is not read"
        del sitemap.entries[MAX_URLS:]
    return sitemap


class _XmlReader:
    """Expat without entities: names are compared without their namespace, as real files get those wrong."""

    def __init__(self) -> None:
        self.out = Sitemap()
        self._path: list[str] = []
        self._text: list[str] = []
        self._entry: Entry | None = None

    def read(self, body: bytes) -> Sitemap:
        parser = xml.parsers.expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.EntityDeclHandler = self._entity
        try:
            parser.Parse(body, True)
        except xml.parsers.expat.ExpatError as error:
            self.out.problem = f"damaged XML, read up to line {error.lineno}"
        except _EntityDeclaredError:
            return Sitemap(problem="declares XML entities, which sitemaps have no use for; not read")
        return _bounded(self.out)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2].lower()
        self._path.append(name)
        self._text.clear()
        if name in ("url", "sitemap", "item", "entry"):
            self._entry = Entry("")
        elif name == "link" and self._entry is not None:
            href = attributes.get("href", "")
            if href and attributes.get("hreflang"):
                self._entry.alternates.append((attributes["hreflang"], href))
            elif href and attributes.get("rel", "alternate") == "alternate":
                self._entry.url = self._entry.url or href

    def _end(self, name: str) -> None:
        name = name.rpartition(":")[2].lower()
        text = "".join(self._text).strip()
        self._text.clear()
        if self._path:
            self._path.pop()
        if self._entry is None:
            return
        parent = self._path[-1] if self._path else ""
        if parent in ("url", "sitemap", "item", "entry"):
            self._field(name, text)
        elif name in ("url", "item", "entry", "sitemap"):
            self._close(name)

    def _field(self, name: str, text: str) -> None:
        if self._entry is None:
            return
        if name in ("loc", "link") and text:
            self._entry.url = text
        elif name in ("lastmod", "updated"):
            self._entry.lastmod = parse_date(text)

    def _close(self, name: str) -> None:
        if self._entry is not None and self._entry.url:
            if name == "sitemap":
                self.out.children.append(self._entry.url)
            else:
                self.out.entries.append(self._entry)
        self._entry = None

    def _data(self, text: str) -> None:
        if len(self._text) < _MAX_TEXT:
            self._text.append(text[:_MAX_TEXT])

    def _entity(self, *_: object) -> None:
        raise _EntityDeclaredError


class _EntityDeclaredError(Exception):
    """The file declares entities: the way to an XML bomb."""


def parse_date(text: str) -> float:
    """A W3C date in seconds since 1970; 0 when it cannot be read."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
