"""The language a page is written in: what its markup says, checked against its text."""

from __future__ import annotations

from indexer.extract.document import Document
from searchd.index.records import Section
from searchd.text.language import detect, primary

_MIN_CHARS = 300  # less text does not outvote markup
_SAMPLE_CHARS = 1200


def page_language(document: Document, sections: tuple[Section, ...]) -> str:
    """Return the primary subtag ("de"), "" when unknown.

    Templates often claim one language for pages in many. Text overrules markup where both halves of it agree.
    """
    marked = primary(document.head.lang) or _from_meta(document.head.meta)
    text = _prose(sections)
    candidates = (marked,) if marked else ()
    if marked and len(text) < _MIN_CHARS:
        return marked
    half = len(text) // 2
    first = detect(text[:half][:_SAMPLE_CHARS], candidates) if marked else ""
    second = detect(text[half:][:_SAMPLE_CHARS], candidates) if marked else ""
    if marked:
        return first if first and first == second else marked
    return detect(text[: 2 * _SAMPLE_CHARS])


def _from_meta(meta: dict[str, tuple[str, ...]]) -> str:
    for name in ("og:locale", "content-language", "dc.language", "language"):
        for value in meta.get(name, ()):
            tag = primary(value.split(",")[0])
            if 2 <= len(tag) <= 3 and tag.isalpha():
                return tag
    return ""


def _prose(sections: tuple[Section, ...]) -> str:
    """Running text without code and tables, whose words are nobody's language."""
    blocks = (block for section in sections for block in section.blocks if block.kind not in {"code", "table"})
    parts: list[str] = []
    length = 0
    for block in blocks:
        parts.append(block.text)
        length += len(block.text)
        if length > 4 * _SAMPLE_CHARS:
            break
    return "\n".join(parts) or " ".join(section.headings[-1] for section in sections if section.headings)
