"""Drafts in, the files of one snapshot out: vectors, leads, lexical index and pages.

Drafts are streamed: what stays in memory is one batch of texts and the arrays of ``Columns``. Vectors go through a
scratch file, so a site of any size is built in bounded memory.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from searchd.index import dense_build, probes
from searchd.index.dense_build import DenseReport
from searchd.index.enrich import EnrichPage, enrich
from searchd.index.files import CALIBRATION, LEADS, LEXICAL, PAGES, SUGGESTIONS, VECTORS
from searchd.index.lexical import LexicalWriter
from searchd.index.pages import Pages, PageWriter, add_enrichment, url_path
from searchd.index.records import Page, PageDraft, encoder_text
from searchd.index.stores import Encoder, Floats
from searchd.settings import IndexSettings
from searchd.suggest import SuggestIndex

BATCH = 1024  # texts handed to the encoder at once; it sorts them by length
LEAD_CHARS = 400  # of a page's opening, behind its title

Progress = Callable[[int], None]  # called with the number of passages embedded so far


@dataclass(frozen=True, slots=True)
class BuildCounts:
    """What was built; goes into the manifest."""

    pages: int
    passages: int
    dim: int
    languages: dict[str, int] = field(default_factory=dict)  # language -> pages
    vectors: DenseReport | None = None
    leads: DenseReport | None = None


class _Vectors:
    """Texts in, one growing scratch file of float32 rows out."""

    def __init__(self, path: Path, encoder: Encoder, progress: Progress | None) -> None:
        self._path = path
        self._file = path.open("wb")
        self._encoder = encoder
        self._waiting: list[str] = []
        self._progress = progress
        self.rows = 0

    def add(self, text: str) -> None:
        self._waiting.append(text)
        if len(self._waiting) >= BATCH:
            self._flush()

    def finish(self) -> Floats:
        """All vectors, (rows, dim) float32, mapped from the scratch file."""
        self._flush()
        self._file.close()
        shape = (self.rows, self._encoder.dim)
        if not self.rows:
            return np.empty(shape, np.float32)
        return np.asarray(np.memmap(self._path, dtype=np.float32, mode="r", shape=shape))

    def discard(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _flush(self) -> None:
        if self._waiting:
            vectors = self._encoder.encode_passages(self._waiting)
            self._file.write(np.ascontiguousarray(vectors, dtype=np.float32).tobytes())
            self.rows += len(self._waiting)
            self._waiting.clear()
            if self._progress is not None:
                self._progress(self.rows)


def build(
    folder: Path,
    drafts: Iterable[PageDraft],
    encoder: Encoder,
    settings: IndexSettings,
    *,
    progress: Progress | None = None,
) -> BuildCounts:
    """Write ``vectors.faiss``, ``leads.faiss``, ``lexical/``, ``pages.sqlite`` and ``suggest.npz`` into ``folder``.

    Same drafts in, same bytes out as far as the stores allow. A page without passages is findable by its title.
    Errors of encoder and disk pass through.
    """
    layout = settings.vectors
    with (
        _scratch(folder / "vectors.tmp", encoder, progress) as vectors,
        _scratch(folder / "leads.tmp", encoder, None) as leads,
    ):
        languages = _write_texts(folder, drafts, vectors, leads)
        budget, recall = settings.vector_ms, settings.vector_recall
        matrix = vectors.finish()
        probes.write(folder / CALIBRATION, probes.strangeness(matrix, encoder))
        report = dense_build.write(folder / VECTORS, matrix, layout, budget, recall)
        lead_report = dense_build.write(folder / LEADS, leads.finish(), layout, budget, recall)
        if settings.summaries:
            _enrich(folder, matrix, encoder)
    _write_suggestions(folder)
    return BuildCounts(leads.rows, vectors.rows, encoder.dim, dict(sorted(languages.items())), report, lead_report)


def lead_text(draft: PageDraft) -> str:
    """What stands for the page as a whole: its title and its opening."""
    opening = draft.article.description
    for passage in draft.passages:
        if len(opening) >= LEAD_CHARS:
            break
        opening = f"{opening} {passage.text}".strip()
    return f"{draft.article.title}\n{opening[:LEAD_CHARS]}".strip()


def _write_texts(folder: Path, drafts: Iterable[PageDraft], vectors: _Vectors, leads: _Vectors) -> Counter[str]:
    """Stream the drafts into page store, lexical index and encoder; return pages per language."""
    languages: Counter[str] = Counter()
    pages = PageWriter(folder / PAGES)
    lexical = LexicalWriter(folder / LEXICAL)
    row = 0
    for number, draft in enumerate(drafts):
        page = _page(draft, number, row)
        pages.add(page, draft.passages)
        _add_words(lexical, page, draft)
        leads.add(lead_text(draft))
        for passage in draft.passages:
            vectors.add(encoder_text(draft.article.title, passage))
        languages[page.lang] += 1
        row += page.n_passages
    lexical.close()
    pages.close()
    return languages


class _EnrichPages:
    """The pages as enrichment reads them, from disk each time they are iterated."""

    def __init__(self, pages: Pages, vectors: Floats) -> None:
        self._pages, self._vectors = pages, vectors

    def __iter__(self) -> Iterator[EnrichPage]:
        for page in self._pages.all_pages():
            rows = range(page.first_row, page.first_row + page.n_passages)
            yield EnrichPage(
                title=page.title,
                lang=page.lang,
                headings=tuple(path[-1] for path, _ in page.headings),
                texts=tuple(passage.text for passage in self._pages.passages(rows)),
                vectors=self._vectors[rows.start : rows.stop],
            )


def _enrich(folder: Path, vectors: Floats, encoder: Encoder) -> None:
    """Add summaries and keyphrases, which need the finished vectors, to the page store."""
    pages = Pages(folder / PAGES)
    try:
        found = enrich(_EnrichPages(pages, vectors), encoder)
    finally:
        pages.close()
    add_enrichment(folder / PAGES, found)


def _write_suggestions(folder: Path) -> None:
    """Index titles and headings for completion while typing."""
    pages = Pages(folder / PAGES)
    try:
        SuggestIndex.build(pages.all_pages()).save(folder / SUGGESTIONS)
    finally:
        pages.close()


def _add_words(lexical: LexicalWriter, page: Page, draft: PageDraft) -> None:
    """Hand one page and its passages to the lexical index."""
    lexical.add_page(
        page.page,
        title=page.title,
        headings=[path[-1] for path, _ in page.headings],
        url_words=unquote(url_path(page.url)),
        anchor_texts=draft.anchor_texts,
        lang=page.lang,
    )
    for i, passage in enumerate(draft.passages):
        lexical.add_passage(page.first_row + i, page.page, headings=passage.headings, text=passage.text)


def _page(draft: PageDraft, number: int, first_row: int) -> Page:
    """The stored form of a draft."""
    article = draft.article
    return Page(
        page=number,
        url=article.url,
        title=article.title,
        lang=article.lang,
        description=article.description,
        kind=article.kind,
        category=article.category,
        tags=article.tags,
        author=article.author,
        published=article.published,
        modified=article.modified,
        image=article.image,
        headings=tuple((section.headings, section.anchor) for section in article.sections if section.headings),
        first_row=first_row,
        n_passages=len(draft.passages),
        n_words=sum(len(passage.text.split()) for passage in draft.passages),
        aliases=draft.aliases,
        links=article.links,
    )


@contextlib.contextmanager
def _scratch(path: Path, encoder: Encoder, progress: Progress | None) -> Iterator[_Vectors]:
    vectors = _Vectors(path, encoder, progress)
    try:
        yield vectors
    finally:
        vectors.discard()
