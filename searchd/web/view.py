"""What the search page's template shows. Pure: arguments and an answer in, plain values out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from searchd.api.serialise import deep_link, safe_url
from searchd.query import Answer, Facet, Hit, Snippet
from searchd.web.texts import LANGUAGE_NAMES

# Parameters that survive from one click to the next, in the order in which they stand in addresses.
KEPT = ("q", "site", "mode", "lang", "category", "tag", "type", "page_lang", "path", "from", "to", "sort", "explain")
FILTERS = ("category", "tag", "type", "page_lang")
# The engine's names of facets, and the parameters that filter by them.
FACET_PARAMS = {"category": "category", "tag": "tag", "kind": "type", "lang": "page_lang"}
FACET_VALUES = 8
PAGES_AROUND = 2


@dataclass(frozen=True, slots=True)
class Link:
    """Something to click. ``on`` marks the present state."""

    text: str
    href: str
    on: bool = False
    count: int = 0


@dataclass(frozen=True, slots=True)
class FacetView:
    """One group of filters."""

    name: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class SectionView:
    """Another section of a page that answers the query."""

    title: str
    href: str


@dataclass(frozen=True, slots=True)
class HitView:
    """One result. Empty ``href`` means that the address must not be a link."""

    hit: Hit
    href: str
    crumbs: str
    headings: str
    also: tuple[SectionView, ...]
    date: str
    type_name: str
    lang_name: str


@dataclass(frozen=True, slots=True)
class View:
    """Everything that the page shows of an answer."""

    results: tuple[HitView, ...] = ()
    total: int = 0
    took_ms: str = ""
    nothing_relevant: bool = False
    did_you_mean: Link | None = None
    facets: tuple[FacetView, ...] = ()
    active: tuple[Link, ...] = ()
    clear: str = ""
    sorts: tuple[Link, ...] = ()
    pages: tuple[Link, ...] = ()
    previous: str = ""
    next: str = ""
    hidden: tuple[tuple[str, str], ...] = field(default=())


Arguments = Mapping[str, Any]


def marked(snippet: Snippet) -> Iterator[tuple[str, bool]]:
    """Yield the snippet's text in pieces, each with whether it is highlighted; overlaps and bad offsets are mended.

    An ellipsis stands where the text goes on.
    """
    at = 0
    if snippet.before:
        yield "… ", False
    for start, end in sorted(snippet.highlights):
        start, end = max(start, at), min(end, len(snippet.text))
        if start >= end:
            continue
        if start > at:
            yield snippet.text[at:start], False
        yield snippet.text[start:end], True
        at = end
    if at < len(snippet.text):
        yield snippet.text[at:], False
    if snippet.after:
        yield " …", False


def href(args: Arguments, **changes: object) -> str:
    """Return a relative address of the search page with some arguments changed; None removes one."""
    pairs: list[tuple[str, str]] = []
    for name in (*KEPT, "offset"):
        value = changes[name] if name in changes else (args.get(name) if name != "offset" else None)
        values = value if isinstance(value, tuple) else (value,)
        for one in values:
            if one in (None, "", False, 0) or (name, one) in (("mode", "hybrid"), ("sort", "relevance")):
                continue
            pairs.append((name, "1" if one is True else str(one)))
    return "?" + urlencode(pairs)


def crumbs(url: str) -> str:
    """Return an address for people: host and folders, without scheme, extension and escapes."""
    parts = urlsplit(url)
    folders = [unquote(part) for part in parts.path.split("/") if part]
    return " › ".join([parts.netloc, *folders])


def language_name(lang: str) -> str:
    """Return a language's name in that language."""
    return LANGUAGE_NAMES.get(lang, lang)


def _hit_view(hit: Hit, visitor: str) -> HitView:
    best = hit.sections[0]
    seen = {best.anchor}
    also = []
    for section in hit.sections[1:3]:
        if section.anchor not in seen and section.headings and section.headings[-1] != hit.title:
            seen.add(section.anchor)
            also.append(SectionView(section.headings[-1], deep_link(hit.url, section.anchor)))
    path = [heading for heading in best.headings if heading != hit.title]
    return HitView(
        hit=hit,
        href=deep_link(hit.url, best.anchor),
        crumbs=crumbs(safe_url(hit.url)) or hit.url,
        headings=" › ".join(path),
        also=tuple(also),
        date=(hit.modified or hit.published)[:10],
        type_name=hit.kind.upper() if hit.kind != "html" else "",
        lang_name=language_name(hit.lang) if hit.lang and hit.lang != visitor else "",
    )


def _toggle(args: Arguments, param: str, value: str) -> str:
    chosen: tuple[str, ...] = args.get(param) or ()
    changed = tuple(one for one in chosen if one != value) if value in chosen else (*chosen, value)
    return href(args, **{param: changed})


def shown_value(param: str, value: str) -> str:
    """Return a filter's value for people."""
    if param == "page_lang":
        return language_name(value)
    return value.upper() if param == "type" else value


def _facets(args: Arguments, facets: Sequence[Facet]) -> tuple[FacetView, ...]:
    views = []
    for facet in facets:
        param = FACET_PARAMS.get(facet.name, facet.name)
        if param not in FILTERS:
            continue
        chosen = args.get(param) or ()
        counts = [(value, count) for value, count in facet.counts if value]
        if len(counts) + bool(chosen) < 2:
            continue
        links = tuple(
            Link(shown_value(param, value), _toggle(args, param, value), value in chosen, count)
            for value, count in counts[:FACET_VALUES]
        )
        views.append(FacetView(param, links))
    return tuple(views)


def _active(args: Arguments) -> tuple[Link, ...]:
    chips = [
        Link(shown_value(param, value), _toggle(args, param, value))
        for param in FILTERS
        for value in args.get(param) or ()
    ]
    chips += [
        Link(f"{sign}{args[param]}", href(args, **{param: None}))
        for param, sign in (("path", ""), ("from", "≥ "), ("to", "≤ "))
        if args.get(param)
    ]
    return tuple(chips)


def _pages(args: Arguments, total: int, max_offset: int) -> tuple[tuple[Link, ...], str, str]:
    limit, now = args["limit"], args["offset"] // args["limit"]
    last = min((total - 1) // limit, max_offset // limit) if total else 0
    if not last:
        return (), "", ""
    first = max(0, min(now - PAGES_AROUND, last - 2 * PAGES_AROUND))
    numbers = range(first, min(last, first + 2 * PAGES_AROUND) + 1)
    links = tuple(Link(str(n + 1), href(args, offset=n * limit), n == now) for n in numbers)
    before = href(args, offset=(now - 1) * limit) if now > 0 else ""
    after = href(args, offset=(now + 1) * limit) if now < last else ""
    return links, before, after


def view_of(args: Arguments, answer: Answer, visitor: str, max_offset: int) -> View:
    """Return what the page shows. ``visitor`` is the language of the page's own words."""
    pages, before, after = _pages(args, answer.total, max_offset)
    took = f"{answer.took_ms:.1f}" if answer.took_ms < 10 else f"{answer.took_ms:.0f}"
    suggestion = Link(answer.did_you_mean, href(args, q=answer.did_you_mean)) if answer.did_you_mean else None
    sorts = tuple(
        Link(name, href(args, sort=value), args["sort"] == value)
        for name, value in (("relevance", "relevance"), ("newest", "date"))
    )
    kept = [name for name in KEPT if name not in ("q", "from", "to")]
    hidden = [
        (name, "1" if one is True else str(one))
        for name in kept
        for one in (args[name] if isinstance(args.get(name), tuple) else (args.get(name),))
        if one
    ]
    return View(
        results=tuple(_hit_view(hit, visitor) for hit in answer.hits),
        total=answer.total,
        took_ms=took,
        nothing_relevant=answer.nothing_relevant,
        did_you_mean=suggestion,
        facets=_facets(args, answer.facets),
        active=_active(args),
        clear=href({name: args.get(name) for name in ("q", "site", "mode", "lang", "sort")}),
        sorts=sorts,
        pages=pages,
        previous=before,
        next=after,
        hidden=tuple(hidden),
    )
