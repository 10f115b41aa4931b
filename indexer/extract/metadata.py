"""Title, description, language, dates, author, tags, section and image of a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

from indexer.extract import labels
from indexer.extract.blocks import inline_text
from indexer.extract.dates import iso_date
from indexer.extract.document import Document, Node
from indexer.extract.language import page_language
from indexer.extract.listed import listed
from indexer.extract.published import day_in_path, day_shown
from indexer.extract.root import select
from indexer.extract.titles import SEPARATOR, key, squeezed
from searchd.index.records import Article, Section
from searchd.settings import ExtractSettings

_TITLE_END = re.compile(r"[\s|·•»›–—:-]+$")
_PUBLISHED = listed(
    "article:published_time og:published_time datepublished parsely-pub-date sailthru.date dc.date.issued "
    "dcterms.issued dcterms.created dc.date dcterms.date citation_publication_date pubdate publishdate "
    "publish-date article:published date"
)
_MODIFIED = listed(
    "article:modified_time og:updated_time datemodified dcterms.modified dc.date.modified last-modified revised "
    "article:modified"
)
_AUTHOR = listed("author article:author dc.creator dcterms.creator parsely-author citation_author sailthru.author")
_TAGS = listed("article:tag parsely-tags keywords news_keywords sailthru.tags")
_CATEGORY = listed("article:section parsely-section section dc.subject")
_IMAGE = listed("og:image og:image:url twitter:image twitter:image:src thumbnail")
_ARTICLE_TYPES = re.compile(
    r"Article|Posting|Report|ClaimReview|WebPage|FAQPage|HowTo|Recipe|Product|Event|Course|Book", re.IGNORECASE
)


def read_metadata(document: Document, settings: ExtractSettings, sections: tuple[Section, ...]) -> Article:
    """Return the article with everything that the page says about itself; what is unknown stays ""."""
    meta, things = document.head.meta, _things(document)
    lang, category = page_language(document, sections), labels.category(_categories(document, things))
    return Article(
        url=document.url,
        title=_title(document, settings, sections, category),
        sections=sections,
        lang=lang,
        description=labels.plain(_description(document)),
        category=category,
        tags=_tags(document, settings, things),
        author=labels.author(_authors(document, things)),
        published=_published(document, settings, things, lang),
        modified=_date(_value(things, "dateModified"), meta, _MODIFIED),
        image=_image(document, things),
    )


def _things(document: Document) -> list[dict[str, Any]]:
    """JSON-LD objects that describe the page, articles first."""
    things = [t for t in document.head.json_ld if _ARTICLE_TYPES.search(" ".join(_strings(t.get("@type"))))]
    return sorted(things, key=lambda t: "WebPage" in _strings(t.get("@type")))


def _first(meta: dict[str, tuple[str, ...]], names: Iterable[str]) -> str:
    return next((meta[name][0] for name in names if name in meta), "")


def _description(document: Document) -> str:
    """The page's own description; none where generators put the title there."""
    names = ("description", "og:description", "twitter:description", "dc.description")
    said = (document.head.meta[name][0] for name in names if name in document.head.meta)
    return next((text for text in said if key(text) != key(document.head.title)), "")


def _strings(value: object) -> list[str]:
    """Text of a JSON-LD value: a string, an object's name or url, or a list of them."""
    if isinstance(value, str):
        return [" ".join(value.split())] if value.strip() else []
    if isinstance(value, dict):
        return _strings(value.get("name") or value.get("url"))
    if isinstance(value, list):
        return [text for item in value if not isinstance(item, list) for text in _strings(item)]
    return []


def _value(things: list[dict[str, Any]], key: str) -> str:
    return next((texts[0] for thing in things if (texts := _strings(thing.get(key)))), "")


def _title(document: Document, settings: ExtractSettings, sections: tuple[Section, ...], category: str) -> str:
    """The page's own name. Where its first heading and its <title> agree, the part that they share."""
    chosen = next((inline_text(node, _never) for node in select(document.body, settings.title)), "")
    if chosen:
        return chosen
    head, names = document.head, _site_names(document)
    headings = [heading for section in sections for heading in section.headings]
    heading = next((text for text in headings if squeezed(text) not in names), "")
    if heading and key(heading) in key(head.title):
        return heading
    ends = names | {squeezed(category)} - {""}
    social = without_site_name(_first(head.meta, ("og:title", "twitter:title", "dc.title")), ends)
    named = _agreeing_part(head.title, heading) or without_site_name(head.title, ends)
    own = (text for text in (named, social, heading) if text and squeezed(text) not in names)
    return next(own, "") or named or social or next(iter(headings), "") or _from_path(document.url)


def _agreeing_part(title: str, heading: str) -> str:
    """The part of "Page | Site" that the article's heading contains; "" when there is none.

    "Column" of "Column: What happened" names no page: what stands before a colon must be half of the heading.
    """
    inside = [part.strip() for part in SEPARATOR.split(title) if key(part) and key(part) in key(heading)]
    longest = max(inside, key=len, default="")
    return "" if f"{longest}:" in title and 2 * len(longest) < len(heading) else longest


def _never(_: Node) -> bool:
    """Nothing of a title is navigation."""
    return False


def _from_path(url: str) -> str:
    """The last part of the path in words: better than no title at all."""
    name = urlsplit(url).path.rstrip("/").rpartition("/")[2]
    return " ".join(re.sub(r"\.\w{2,5}$", "", name).replace("-", " ").replace("_", " ").split())


def _site_names(document: Document) -> set[str]:
    meta = document.head.meta
    names = [_first(meta, ("og:site_name", "application-name", "apple-mobile-web-app-title", "dc.publisher"))]
    for thing in document.head.json_ld:
        kinds = _strings(thing.get("@type"))
        names += _strings(thing.get("publisher"))
        names += (
            _strings(thing.get("name")) if {"WebSite", "Organization", "NewsMediaOrganization"} & set(kinds) else []
        )
    host = urlsplit(document.url).hostname or ""
    bare = host.removeprefix("www.")
    return {squeezed(name) for name in [*names, host, bare, bare.partition(".")[0]]} - {""}


def without_site_name(title: str, names: set[str]) -> str:
    """Cut "Page | Site" and "Site - Page" to "Page" where one end is, ``squeezed``, one of the site's names."""
    for found in SEPARATOR.finditer(title):
        head, tail = title[: found.start()].strip(), title[found.end() :].strip()
        if head and squeezed(tail) in names:
            return _TITLE_END.sub("", head)
        if tail and squeezed(head) in names:
            return tail
    return title


def _date(stated: str, meta: dict[str, tuple[str, ...]], names: Iterable[str]) -> str:
    """The first of the dates that has a time, else the first; JSON-LD's before those of <meta>."""
    days = [day for text in [stated, *(text for n in names for text in meta.get(n, ()))] if (day := iso_date(text))]
    return next((day for day in days if "T" in day), "") or next(iter(days), "")


def _published(document: Document, settings: ExtractSettings, things: list[dict[str, Any]], lang: str) -> str:
    for node in select(document.body, settings.date):
        day = iso_date(str(node.attrs.get("datetime") or node.attrs.get("content") or inline_text(node, _never)))
        if day:
            return day
    return (
        _date(_value(things, "datePublished"), document.head.meta, _PUBLISHED)
        or next((day for text in _time_elements(document) if (day := iso_date(text))), "")
        or day_in_path(document.url)
        or day_shown(document, lang)
    )


def _time_elements(document: Document) -> Iterator[str]:
    """Dates in markup: what is marked as the publication's first, then the only <time> of the page."""
    times: list[str] = []
    for node in document.nodes:
        attributes = node.attrs
        stated = str(attributes.get("datetime") or attributes.get("content") or "")
        if "datePublished" in str(attributes.get("itemprop", "")) or "pubdate" in attributes:
            yield stated or node.get_text()
        elif node.name == "time" and stated:
            times.append(stated)
    if len(set(times)) == 1:  # several are those of a list of other pages
        yield times[0]


def _authors(document: Document, things: list[dict[str, Any]]) -> Iterator[str]:
    named = [*_strings(next((t["author"] for t in things if t.get("author")), None))]
    named += [*document.head.meta.get(next((n for n in _AUTHOR if n in document.head.meta), ""), ())]
    yield from named
    if not named:
        yield from (inline_text(node, _never) for node in document.nodes if "author" in _roles(node))


def _roles(node: Node) -> list[str]:
    return f"{node.attrs.get('itemprop', '')} {node.attrs.get('rel', '')}".split()


def _tags(document: Document, settings: ExtractSettings, things: list[dict[str, Any]]) -> tuple[str, ...]:
    if settings.tags:
        return labels.tags([inline_text(node, _never) for node in select(document.body, settings.tags)], "")
    named = [text for thing in things for text in _strings(thing.get("keywords"))]
    named = named or list(next((document.head.meta[n] for n in _TAGS if n in document.head.meta), ()))
    return labels.tags(named, document.head.title)


def _categories(document: Document, things: list[dict[str, Any]]) -> Iterator[str]:
    """What may name the site's section: metadata first, else the breadcrumb before the page itself."""
    yield _value(things, "articleSection")
    yield _first(document.head.meta, _CATEGORY)
    for thing in document.head.json_ld:
        items = thing.get("itemListElement")
        if "BreadcrumbList" in _strings(thing.get("@type")) and isinstance(items, list) and len(items) > 2:
            crumbs = [_strings(i.get("name") or i.get("item")) for i in items if isinstance(i, dict)]
            yield next((crumb[0] for crumb in reversed(crumbs[1:-1]) if crumb), "")


def _image(document: Document, things: list[dict[str, Any]]) -> str:
    address = _first(document.head.meta, _IMAGE)
    if not address:
        image = next((t["image"] for t in things if t.get("image")), None)
        image = image[0] if isinstance(image, list) and image else image
        address = next(iter(_strings(image.get("url") if isinstance(image, dict) else image)), "")
    try:
        absolute = urljoin(document.url, address) if address else ""
    except ValueError:  # an address that is none, such as http://[
        return ""
    return absolute if absolute.startswith(("http://", "https://")) else ""
