"""One page's bytes to its article: the order in which extraction's parts work."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from indexer.extract.blocks import Writer
from indexer.extract.document import Document, parse
from indexer.extract.metadata import read_metadata
from indexer.extract.pdf import extract_pdf
from indexer.extract.prune import pruner
from indexer.extract.root import find_root
from indexer.extract.vote import Vote, is_news, keep_voted
from searchd.index.records import Article, Block, Section
from searchd.settings import ExtractSettings

EXTRACTION_VERSION = "8"
_STANDFIRST = 60  # characters
_DEFAULTS = ExtractSettings()
# Settings that decide how a page is read, not what comes out of it.
_NEUTRAL = frozenset({"workers", "timeout_s", "memory_bytes", "boilerplate_share", "near_duplicates"})


def fingerprint(settings: ExtractSettings) -> str:
    """16 hex digits that change whenever the same page might give another article."""
    values = {name: value for name, value in dataclasses.asdict(settings).items() if name not in _NEUTRAL}
    text = json.dumps([EXTRACTION_VERSION, values], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def extract(body: bytes, url: str, content_type: str = "", settings: ExtractSettings = _DEFAULTS) -> Article:
    """Return the article of an HTML page or a PDF; raise ExtractionError when it cannot be read.

    Pure and single-threaded: no network, no time limit (``extract_many`` sets one). ConfigError for a selector that
    is none.
    """
    if body[:1024].lstrip().startswith(b"%PDF-") or "application/pdf" in content_type:
        return extract_pdf(body, url)
    return _article(parse(body, url, content_type), settings)


def _article(document: Document, settings: ExtractSettings) -> Article:
    vote = Vote(document)
    roots = find_root(document, settings.include, vote)
    dropped = pruner(roots, settings.exclude)
    writer = Writer(dropped)
    for root in roots:
        writer.write(root)
    sections = _standfirst_as_text(writer.sections())
    if not settings.include and is_news(document):
        vote.narrow(roots[-1], dropped)
        sections = keep_voted(sections, vote)
    return read_metadata(document, settings, sections)


def _standfirst_as_text(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """Return the sections with a standfirst as the first paragraph: a long line marked as a heading below the title.

    It is the only heading on its level and stands right below the title; else all text would seem to be about it.
    """
    headed = [section for section in sections if section.headings]
    below = {section.headings[1] for section in headed if len(section.headings) > 1}
    if len(below) != 1 or len({section.headings[0] for section in headed}) != 1:
        return sections
    title, line = headed[0].headings[0], below.pop()
    if len(line) < _STANDFIRST or [s.headings for s in headed[:2]] != [(title,), (title, line)] or headed[0].blocks:
        return sections
    opening = (Block("paragraph", line), *headed[1].blocks)
    first = dataclasses.replace(headed[0], blocks=opening)
    rest = (dataclasses.replace(s, headings=(title, *s.headings[2:])) for s in headed[2:])
    return (*(section for section in sections if not section.headings), first, *rest)
