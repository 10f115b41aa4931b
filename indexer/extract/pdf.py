"""PDF files: text by page, title and outline through PDFium (pypdfium2)."""

from __future__ import annotations

import re
from collections import defaultdict
from urllib.parse import unquote, urlsplit

import pypdfium2

from indexer.extract.dates import iso_date
from indexer.extract.pdf_pages import tidy
from indexer.extract.pdf_tags import tagged_headings
from searchd.errors import ExtractionError
from searchd.index.records import Article, Block, Section
from searchd.text.language import detect

MAX_PAGES = 2_000
_PDF_DATE = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?")
# What books print before a heading and leave out of its bookmark: "Chapter 3", "4.2.1", "A.", "IV"
_NUMBERING = (
    r"(?:(?i:kapitel|chapter|teil|part|anhang|appendix|abschnitt|section)\s+)?(?:\d+|[A-Z]|[IVX]+)(?:\.\d+)*[.:)]?\s+"
)
_QUOTES = re.compile("[\"'’‘“”„»«]")  # written straight in one place and curled in the other
_PARAGRAPH = re.compile(r"\n\s*\n|(?<=[.!?:])\n(?=[A-ZÄÖÜÉ•])")


def extract_pdf(body: bytes, url: str) -> Article:
    """Return a PDF's article, one section per page at least, anchors "page=n"; ExtractionError when unreadable.

    Headings come from the outline (bookmarks), which names the page of each, else from the tags of a tagged PDF.
    """
    try:
        document = pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError as error:
        raise ExtractionError(f"{url} is no readable PDF: {error}", "damaged or protected by a password") from error
    try:
        pages = tidy([_page_text(document, number) for number in range(min(len(document), MAX_PAGES))])
        outline = _outline(document) or _tags(document)
        info = {key: str(value).strip() for key, value in document.get_metadata_dict().items()}
    finally:
        document.close()
    sections = tuple(_sections(pages, outline))
    return Article(
        url=url,
        title=_title(info, outline, url, pages),
        sections=sections,
        lang=detect(" ".join(section.text for section in sections[:10])[:2400]),
        kind="pdf",
        description=info.get("Subject", ""),
        author=info.get("Author", ""),
        tags=tuple(part.strip() for part in re.split(r"[,;]", info.get("Keywords", "")) if part.strip()),
        published=_date(info.get("CreationDate", "")),
        modified=_date(info.get("ModDate", "")),
    )


def _page_text(document: pypdfium2.PdfDocument, number: int) -> str:
    try:
        page = document[number]
        return str(page.get_textpage().get_text_bounded())
    except pypdfium2.PdfiumError:  # one damaged page does not cost the others
        return ""


def _outline(document: pypdfium2.PdfDocument) -> dict[int, list[tuple[int, str]]]:
    """Page index -> (level, title) of the bookmarks that point there, in order."""
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for item in document.get_toc(max_depth=6):
        target = item.get_dest()
        title = " ".join((item.get_title() or "").split())
        if target is not None and title:
            found[target.get_index() or 0].append((item.level, title))
    return found


def _tags(document: pypdfium2.PdfDocument) -> dict[int, list[tuple[int, str]]]:
    """Page index -> (level, text) of the headings that the document's tags name."""
    if not document.is_tagged():
        return {}
    found: dict[int, list[tuple[int, str]]] = {}
    for number in range(min(len(document), MAX_PAGES)):
        try:
            headings = tagged_headings(document[number])
        except pypdfium2.PdfiumError:  # as its text: one damaged page does not cost the others
            continue
        if headings:
            found[number] = headings
    return found


def _sections(pages: list[str], outline: dict[int, list[tuple[int, str]]]) -> list[Section]:
    sections: list[Section] = []
    path: list[tuple[int, str]] = []
    for number, text in enumerate(pages):
        for level, title in outline.get(number, ()):
            before, text = _cut(text, title)
            _close(sections, path, f"page={number + 1}", before)
            path = [*(entry for entry in path if entry[0] < level), (level, title)]
            sections.append(Section(tuple(name for _, name in path), f"page={number + 1}", ()))
        _close(sections, path, f"page={number + 1}", text)
    return sections


def _cut(text: str, title: str) -> tuple[str, str]:
    """What stands above a heading and what below; where its words are no line of the text, all is below."""
    pattern = r"\s+".join(_QUOTES.sub(_QUOTES.pattern, re.escape(word)) for word in title.split())
    found = re.search(rf"^[^\S\n]*(?:{_NUMBERING})?{pattern}[^\S\n]*$", text, re.MULTILINE)
    return (text[: found.start()], text[found.end() :]) if found else ("", text)


def _close(sections: list[Section], path: list[tuple[int, str]], anchor: str, text: str) -> None:
    """Give text to the section that was opened last on this page, else to one of its own under the same headings."""
    blocks = tuple(Block("paragraph", part) for part in _paragraphs(text))
    if not blocks:
        return
    if sections and sections[-1].anchor == anchor and not sections[-1].blocks:
        sections[-1] = Section(sections[-1].headings, anchor, blocks)
    else:
        sections.append(Section(tuple(name for _, name in path), anchor, blocks))


def _paragraphs(text: str) -> list[str]:
    return [flat for part in _PARAGRAPH.split(text) if (flat := " ".join(part.split()))]


def _title(info: dict[str, str], outline: dict[int, list[tuple[int, str]]], url: str, pages: list[str]) -> str:
    """The document's title; writers leave file names there ("Microsoft Word - x.doc"), which count as none."""
    named = info.get("Title", "")
    if named and not re.search(r"^(microsoft|untitled)|\.(docx?|tex|indd|dvi|pdf|odt|rtf)$", named, re.IGNORECASE):
        return named
    first = next((part for text in pages[:1] for part in text.splitlines() if len(part.strip()) > 3), "")
    opening = next((title for number in sorted(outline) for _, title in outline[number]), "")
    name = unquote(urlsplit(url).path.rpartition("/")[2]).removesuffix(".pdf")
    return " ".join(first.split()) if 0 < len(first) <= 120 else opening or name


def _date(text: str) -> str:
    """ "D:20240131..." (PDF 32000-1, 7.9.4) -> 2024-01-31."""
    found = _PDF_DATE.match(text)
    return iso_date(f"{found[1]}-{found[2] or '01'}-{found[3] or '01'}") if found else ""
