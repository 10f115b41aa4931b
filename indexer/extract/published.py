"""When a page was published, where its metadata is silent: what its address and its visible text say.

Dates in running text are never taken: a manual is full of them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple
from urllib.parse import urlsplit

import lxml.html

from indexer.extract.dates import iso_date, written_date
from indexer.extract.document import Document

_MAX_CHARS = 80  # of the text that a date stands in
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_IN_PATH = re.compile(r"/((?:19|20)\d\d)/(\d{1,2}|[a-z]{3,9})/(\d{1,2})(?=/|$)")
# Classes: "post-date", "storyDate", "article_date", "published"; not "update", "validate", "candidate", "datepicker".
_NAMED = re.compile(
    r"(?<!up)(?<!vali)(?<!candi)(?<!man)date(?!picker|s?range)|datum|publish|posted|created|submitted",
    re.IGNORECASE,
)
# "event-date", "start-date", "Termin": when something takes place, or ends
_EVENT = re.compile(r"event|\btermin|veranstalt|start|begin|\bend|deadline|birth|expir|calendar", re.IGNORECASE)
# "Published on", "By Ida Keeper, posted"; not "What is new in release 3, published on", which dates something else
_PUBLISHED = re.compile(
    r"\W*(?:(?:by|von|par|por|di|da)\b.{1,40}\W)?"
    r"(?:published|posted|publiziert|veröffentlicht|erschienen|publié|publicado|pubblicato)\b",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"\b(?:update|modif|change|revis|aktualisier|geändert|bearbeitet|stand\b|last\b|letzte|copyright|since\b|seit\b"
    r"|until\b|bis\b|from\b|ab\b)|©|mis à jour",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"\d{1,2}[:.]\d{2}(?::\d{2})?\s*(?:[ap]\.?m\b\.?)?\s*(?:uhr|[A-Z]{2,4}\b)?", re.IGNORECASE)
_ASIDE = ("nav", "aside", "footer")
_MAX_READ = 100  # texts of a page
_PARAGRAPH = 80  # characters of the one that ends a page's head
_ABOVE = 40  # elements before the first heading that still belong to the head


class _Candidate(NamedTuple):
    """A short text with a year.

    named: a class or a word says that it is the page's date. group: what elements like its own share.
    """

    text: str
    named: bool
    group: tuple[str, ...]


def day_in_path(url: str) -> str:
    """Return the day in an address such as /2019/11/18/title or /2019/nov/18/title, "" without one."""
    found = _IN_PATH.search(urlsplit(url).path.lower())
    if found is None:
        return ""
    year, month, day = found.groups()
    return iso_date(f"{day} {month} {year}" if month.isalpha() else f"{year}/{month:0>2}/{day:0>2}")


def day_shown(document: Document, lang: str) -> str:
    """Return the day that the page shows as its date, "" where that is none or could be several.

    A class or a word names it so, or it stands alone between the first heading and the first paragraph. Elements
    alike that show different days belong to a list of other pages.
    """
    days: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    shown: list[tuple[str, tuple[str, ...]]] = []
    for text, named, group in islice(_candidates(document), _MAX_READ):
        day, beside = written_date(text, lang)
        alone = not re.search(r"\w", _CLOCK.sub("", beside))
        if day and (named or alone) and not _OTHER.search(beside):
            days[group].add(day)
            shown.append((day, group))
    return next((day for day, group in shown if len(days[group]) == 1), "")


def _head(document: Document) -> range:
    """Places around the first heading, up to the first paragraph."""
    start = next((node.place for node in document.nodes if node.name == "h1"), None)
    if start is None:
        return range(0)
    paragraphs = (n.place for n in document.nodes if n.name == "p" and n.place > start and n.chars >= _PARAGRAPH)
    return range(max(0, start - _ABOVE), next(paragraphs, start))


def _candidates(document: Document) -> Iterator[_Candidate]:
    """What may be the page's date, by its place, its names and its words; reading it takes a thousand times as long."""
    head = _head(document)
    for place, element in enumerate(document.elements):
        for text, behind in ((element.text, False), (element.tail, True)):
            if text is None or not 6 <= len(text) <= 4 * _MAX_CHARS or not _YEAR.search(text):
                continue
            found = _candidate(text.strip(), element.getparent() if behind else element)
            if found is not None and (found.named or place in head):
                yield found


def _candidate(text: str, element: lxml.html.HtmlElement) -> _Candidate | None:
    if len(text) > _MAX_CHARS or next(element.iterancestors(*_ASIDE), None) is not None:
        return None
    around = [element, *(up for up, _ in zip(element.iterancestors(), range(2), strict=False))]
    names = tuple(f"{one.get('class', '')} {one.get('id', '')}" for one in around)
    if any(_EVENT.search(name) for name in names):
        return None
    named = _PUBLISHED.match(text) is not None or any(_NAMED.search(name) for name in names)
    return _Candidate(text, named, (str(element.tag), *names))
