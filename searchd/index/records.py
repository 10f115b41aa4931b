"""The records that travel through Echolot. Leaf module: it imports nothing of ours.

``Article`` is what extraction (or a benchmark's loader) makes of one page; ``Passage`` is a piece of it that
is embedded and searched; ``Page`` is what a snapshot stores of the whole page. One number space: ``row`` is a
passage's position in the records, in FAISS and in the lexical index; ``page`` is a page's position likewise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

BlockKind = Literal["paragraph", "heading", "list", "definition", "table", "code", "quote", "caption"]


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, list, table ... of a section, in document order.

    ``heading`` blocks do not occur inside sections (the section's path holds them). Lists have one line per item,
    definitions the term's line before those of its body, tables one line per row with " | " between cells.
    anchor: what a deep link to this very block needs ("" = the section's anchor serves).
    linked: characters of the text that only name other pages: links to them and the little that goes with these.
    """

    kind: BlockKind
    text: str
    anchor: str = ""
    linked: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """The text under one heading.

    headings: path from the outermost heading to this one; () for text before the first heading.
    anchor: what stands behind '#' in a deep link ("" = top of the page, ":~:text=..." = a text fragment,
        "page=3" in a PDF).
    """

    headings: tuple[str, ...]
    anchor: str
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        """The section's blocks joined by newlines, without its headings."""
        return "\n".join(block.text for block in self.blocks)


@dataclass(frozen=True, slots=True)
class Article:
    """One page as extraction sees it. Dates are ISO 8601 (YYYY-MM-DD or with time), "" when unknown."""

    url: str
    title: str
    sections: tuple[Section, ...]
    lang: str = ""  # BCP 47 primary subtag in lower case ("en", "de"); "" = unknown
    description: str = ""
    kind: Literal["html", "pdf"] = "html"
    category: str = ""  # the site's section ("news"), from metadata, breadcrumb or path
    tags: tuple[str, ...] = ()
    author: str = ""
    published: str = ""
    modified: str = ""
    image: str = ""  # absolute URL

    @property
    def text(self) -> str:
        """All sections' text, in order."""
        return "\n".join(section.text for section in self.sections)

    @property
    def links(self) -> float:
        """Share of the text below the headings that only names other pages, 0..1; 0 where there is no text."""
        blocks = [block for section in self.sections for block in section.blocks]
        total = sum(len(block.text) for block in blocks)
        return sum(block.linked for block in blocks) / total if total else 0.0


class Passage(Struct, frozen=True):
    """A piece of a section, small enough for the encoder."""

    headings: tuple[str, ...]
    anchor: str
    text: str
    n_tokens: int = 0


def encoder_text(title: str, passage: Passage) -> str:
    """What the encoder reads of a passage: title and heading path in one line (said once), then the text."""
    path = [title, *passage.headings]
    context = [part for place, part in enumerate(path) if part and part not in path[:place]]
    head = " > ".join(context)
    return f"{head}\n{passage.text}" if head and passage.text != head else passage.text or head


@dataclass(frozen=True, slots=True)
class PageDraft:
    """Everything that the index builder gets of one page.

    anchor_texts: texts of links on other pages that point here (deduplicated, navigation left out).
    aliases: URLs of near-duplicates that were folded onto this page.
    """

    article: Article
    passages: tuple[Passage, ...]
    anchor_texts: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    content_hash: str = ""


class Page(Struct, frozen=True):
    """One page as a snapshot stores it; ``page`` is its number there."""

    page: int
    url: str
    title: str
    lang: str
    description: str
    kind: str
    category: str
    tags: tuple[str, ...]
    author: str
    published: str
    modified: str
    image: str
    headings: tuple[tuple[tuple[str, ...], str], ...]  # (path, anchor) of each section
    first_row: int  # its passages are rows first_row .. first_row + n_passages
    n_passages: int
    n_words: int
    aliases: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()  # its most central sentences, verbatim, in its order
    keyphrases: tuple[str, ...] = ()  # automatic tags
    links: float = 0.0  # share of its text that only names other pages, 0..1

    @property
    def reading_time_s(self) -> int:
        """Seconds to read the page at 230 words a minute (Brysbaert 2019, silent reading: 238)."""
        return round(self.n_words / 230 * 60)
