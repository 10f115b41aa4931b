"""The language a page is written in: what its markup or its address says, checked against its text."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from indexer.extract.document import Document
from indexer.extract.listed import listed
from searchd.index.records import Section
from searchd.text.language import detect, primary

_MIN_CHARS = 300  # less text does not outvote markup
_SAMPLE_CHARS = 1200
_SUFFIX = re.compile(r"\.([a-z]{2})([_-][a-z]{2,4})?\.[a-z]{3,5}$", re.IGNORECASE)  # index.de.html
# of the languages that sites are written in, as they stand in addresses (ISO 639-1)
_CODES = frozenset(
    listed(
        "ar bg bn ca cs cy da de el en es et eu fa fi fr ga gl he hi hr hu hy id is it ja ka ko lt lv mk ms "
        "nb nl nn no pl pt ro ru sk sl sq sr sv sw ta te th tr uk ur vi zh"
    )
)
_CODE = re.compile(r"^([a-z]{2})([_-][a-z]{2,4})?$", re.IGNORECASE)  # /de/ or /pt-br/


def page_language(document: Document, sections: tuple[Section, ...]) -> str:
    """Return the primary subtag ("de"), "" when unknown.

    Templates often claim one language for pages in many, and translators leave paragraphs behind. So text overrules
    the claim only where both halves of the article and the page as a whole agree on another language.
    """
    text = _prose(sections)
    claimed = primary(document.head.lang) or _from_meta(document.head.meta) or address_language(document.url)
    if not claimed:
        return detect(text[: 2 * _SAMPLE_CHARS])
    if len(text) < _MIN_CHARS:
        return claimed
    half = len(text) // 2
    found = detect(text[:half][:_SAMPLE_CHARS], (claimed,))
    if not found or found == claimed or found != detect(text[half:][:_SAMPLE_CHARS], (claimed,)):
        return claimed
    return found if found == detect(_sample(document.body.get_text(" ")), (claimed,)) else claimed


def _from_meta(meta: dict[str, tuple[str, ...]]) -> str:
    for name in ("og:locale", "content-language", "dc.language", "language"):
        for value in meta.get(name, ()):
            tag = primary(value.split(",")[0])
            if 2 <= len(tag) <= 3 and tag.isalpha():
                return tag
    return ""


def address_language(url: str) -> str:
    """The language in /de/page, page.de.html or de.example.org."""
    parts = urlsplit(url)
    suffix = _SUFFIX.search(parts.path)
    labels = (parts.hostname or "").split(".")
    candidates = [suffix[1] if suffix else "", *parts.path.split("/")[1:3], labels[0] if len(labels) > 2 else ""]
    codes = (found[1].lower() for text in candidates if (found := _CODE.match(text)))
    return next((primary(code) for code in codes if code in _CODES), "")


def _prose(sections: tuple[Section, ...]) -> str:
    """Headings and running text without code and tables, whose words are nobody's language."""
    parts: list[str] = []
    length = 0
    for section in sections:
        parts += section.headings[-1:]
        parts += [block.text for block in section.blocks if block.kind not in {"code", "table"}]
        length += len(section.text)
        if length > 4 * _SAMPLE_CHARS:
            break
    return "\n".join(parts)


def _sample(text: str) -> str:
    """Beginning, middle and end of a whole page, menus included."""
    flat = " ".join(text.split())
    third = 2 * _SAMPLE_CHARS // 3 - 1
    middle = max(third, len(flat) // 2)
    return " ".join((flat[:third], flat[middle : middle + third], flat[max(0, len(flat) - third) :]))
