"""Tags, categories, authors and descriptions as a reader would want to see them, without what is for machines only."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from indexer.extract.listed import listed
from indexer.extract.titles import key

_MAX_TAGS = 20
_MAX_CHARS = 80  # of a tag, a category or an author's name

_FOR_MACHINES = re.compile(r"[@/_&]|[\w-]+:(?!:)\S")  # at the start: "@river", "/article", "source:feed"
_NO_CATEGORY = frozenset(
    listed("article articles post posts page pages website all uncategorized uncategorised unkategorisiert allgemein")
)
_HOST = re.compile(r"\S+\.[a-z]{2,}")
_BESIDE_THE_NAME = re.compile(
    r"^(?:(?i:by|par|por)|\w{2,8}:)\s+|^(?i:von)\s+(?=[A-ZÄÖÜ]\S*\s+[A-ZÄÖÜ])"  # "von Neumann" keeps it
    r"|\s+[@|•·].*"
)
_MARKUP = re.compile(r"</?(?:p|br|div|span|a|b|i|em|strong|img|ul|ol|li|h[1-6])\b[^<>]*>", re.IGNORECASE)


def tags(named: Sequence[str], title: str) -> tuple[str, ...]:
    """Return each tag once. named: as metadata gives them; one text is a list, of several each is a tag.

    title: what repeats it in words says nothing, as a tag or as a whole list.
    """
    said = key(title)
    texts = list(dict.fromkeys(html.unescape(text) for text in named if key(text) != said))
    unique: dict[str, str] = {}
    for text in texts:
        parts = re.split(r"[,;]", text)
        for tag in parts if len(texts) == 1 or len(parts) > 2 else [text]:  # "Bach, Johann Sebastian" is one
            tag = tag.strip().removeprefix("#")
            if key(tag) not in ("", said) and len(tag) <= _MAX_CHARS and not _FOR_MACHINES.match(tag):
                unique.setdefault(tag.lower(), tag)
    return tuple(unique.values())[:_MAX_TAGS]


def category(named: Iterable[str]) -> str:
    """Return the first that tells pages apart: of a list its first, no host name, no "Uncategorized"."""
    for text in named:
        first = re.split(r",(?=\S)|\s*[;|]\s*", html.unescape(text))[0].strip()
        if first and first.lower() not in _NO_CATEGORY and not _HOST.fullmatch(first):
            return first[:_MAX_CHARS]
    return ""


def author(named: Iterable[str]) -> str:
    """Return the first name: no address, without "By" before and a handle or the like behind it."""
    for text in named:
        name = _BESIDE_THE_NAME.sub("", text.strip()).strip()
        if 0 < len(name) <= _MAX_CHARS and "://" not in name:
            return name
    return ""


def plain(description: str) -> str:
    """Return a description without the markup that some systems put there; what is said of "the <p> element" stays."""
    marked = description.startswith("<") or "</" in description
    return " ".join(_MARKUP.sub(" ", description).split()) if marked else description
