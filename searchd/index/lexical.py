"""The lexical leg: BM25F over passages and over whole pages, written once, then memory-mapped and only read.

``LexicalWriter`` takes the pages of a snapshot in order; ``Lexical`` answers parsed queries. Both know documents by
number only: ``row`` is a passage's place in the records, ``page`` a page's.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from searchd.errors import SnapshotError
from searchd.index.lexical_build import (
    Analysed,
    FieldStream,
    Lexicon,
    Stream,
    analyse_entries,
    form_frequencies,
    write_postings,
    write_sequences,
    write_words,
)
from searchd.index.lexical_postings import Alternative, Group, Postings, Word
from searchd.index.lexical_results import LexicalResult, Scores, Wanted
from searchd.index.lexical_terms import open_array, save_array
from searchd.index.lexical_vocabulary import LexicalVocabulary
from searchd.text.analysis import ANALYSIS_VERSION
from searchd.text.language import primary
from searchd.text.query import ParsedQuery, QueryTerm

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FieldWeight:
    """boost: how much a word in this field counts. b: how much the field's length takes away (0 = nothing)."""

    boost: float
    b: float


@dataclass(frozen=True, slots=True)
class Weights:
    """BM25F's parameters. They enter the index when it is written; ranking weights come on top."""

    passage_k1: float = 1.2
    page_k1: float = 2.0
    passage_text: FieldWeight = FieldWeight(1.0, 0.75)
    passage_headings: FieldWeight = FieldWeight(1.0, 0.5)
    page_body: FieldWeight = FieldWeight(1.0, 0.8)
    page_title: FieldWeight = FieldWeight(3.0, 0.3)
    page_headings: FieldWeight = FieldWeight(1.5, 0.5)
    page_url: FieldWeight = FieldWeight(1.0, 0.5)
    page_anchors: FieldWeight = FieldWeight(1.0, 0.5)


class LexicalWriter:
    """Collects the texts of a snapshot and writes the index into a folder on ``close``.

    Pages come in order of their numbers, and each page before its passages, whose rows come in order too. A page's
    body is the text of its passages.
    """

    _PAGE_FIELDS = ("title", "headings", "url", "anchors")

    def __init__(self, folder: Path, weights: Weights | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._weights = weights or Weights()
        self._lexicon = Lexicon()
        self._page_streams = {name: Stream(folder / f".{name}.tmp") for name in self._PAGE_FIELDS}
        self._heading_stream = Stream(folder / ".passage-headings.tmp")
        self._text_stream = Stream(folder / ".passage-text.tmp")
        self._page_of_row = array("q")
        self._languages: list[str] = []
        self._title: list[int] = []

    def add_page(
        self,
        page: int,
        *,
        title: str,
        headings: Sequence[str] = (),
        url_words: str = "",
        anchor_texts: Sequence[str] = (),
        lang: str = "",
    ) -> None:
        """Add the next page. lang: BCP 47 tag, "" = unknown (words are then not stemmed).

        Raises ValueError when ``page`` is not the next number.
        """
        if page != len(self._languages):
            raise ValueError(f"page {page} comes where page {len(self._languages)} was expected")
        tag = primary(lang)
        self._languages.append(tag)
        self._title = self._lexicon.numbers(title, tag)
        self._page_streams["title"].add(self._title)
        for name, text in (("headings", "\n".join(headings)), ("url", url_words), ("anchors", "\n".join(anchor_texts))):
            self._page_streams[name].add(self._lexicon.numbers(text, tag))

    def add_passage(self, row: int, page: int, *, headings: Sequence[str], text: str, lang: str = "") -> None:
        """Add the next passage of the page that was added last. lang: "" = the page's.

        The page's title counts among the passage's headings. Raises ValueError when row or page is out of order.
        """
        if row != len(self._page_of_row) or page != len(self._languages) - 1:
            raise ValueError(f"row {row} of page {page} is out of order")
        tag = primary(lang) or self._languages[page]
        self._page_of_row.append(page)
        self._heading_stream.add(self._title + self._lexicon.numbers("\n".join(headings), tag))
        self._text_stream.add(self._lexicon.numbers(text, tag))

    def close(self) -> None:
        """Analyse what was added and write the index's files."""
        streams = {name: stream.close() for name, stream in self._page_streams.items()}
        streams["passage_headings"] = self._heading_stream.close()
        streams["passage_text"] = self._text_stream.close()
        entries = self._lexicon.entries()
        counts = np.zeros(len(entries), dtype=np.int64)
        for numbers, _ in streams.values():
            counts += np.bincount(numbers, minlength=len(entries))
        analysed = analyse_entries(entries, counts)
        self._write(streams, analysed)
        for stream in (*self._page_streams.values(), self._heading_stream, self._text_stream):
            stream.discard()

    def _write(self, streams: dict[str, tuple[npt.NDArray[np.uint32], Ints]], analysed: Analysed) -> None:
        weights, folder = self._weights, self._folder

        def field(name: str, weight: FieldWeight) -> FieldStream:
            return FieldStream(*streams[name], weight.boost, weight.b)

        page_of_row = np.frombuffer(self._page_of_row, dtype=np.int64)
        text = field("passage_text", weights.passage_text)
        headings = field("passage_headings", weights.passage_headings)
        first_rows = np.searchsorted(page_of_row, np.arange(len(self._languages) + 1))
        body = FieldStream(text.numbers, text.starts[first_rows], weights.page_body.boost, weights.page_body.b)
        title = field("title", weights.page_title)
        page_fields = [
            body,
            title,
            field("headings", weights.page_headings),
            field("url", weights.page_url),
            field("anchors", weights.page_anchors),
        ]
        write_postings(folder, "passages", [text, headings], analysed, weights.passage_k1)
        write_postings(folder, "pages", page_fields, analysed, weights.page_k1)
        write_words(folder, analysed, form_frequencies([body, title], analysed), len(self._languages))
        write_sequences(folder, "text", text, analysed)
        write_sequences(folder, "headings", headings, analysed)
        save_array(folder, "page_of_row", page_of_row)
        names = sorted(set(self._languages))
        save_array(folder, "page_languages", np.array([names.index(lang) for lang in self._languages], dtype=np.int16))
        meta = {
            "analysis_version": ANALYSIS_VERSION,
            "page_k1": weights.page_k1,
            "passage_k1": weights.passage_k1,
            "n_pages": len(self._languages),
            "n_passages": len(page_of_row),
            "languages": names,
        }
        (folder / "lexical.json").write_text(json.dumps(meta, indent=1, sort_keys=True) + "\n", encoding="utf-8")


class Lexical:
    """An opened index. Never changes; safe to call from many threads at once."""

    def __init__(self, folder: Path) -> None:
        meta = _read_meta(folder)
        self.n_pages = int(meta["n_pages"])
        self.n_passages = int(meta["n_passages"])
        self._language_names = tuple(meta["languages"])
        self._page_of_row: Ints = open_array(folder, "page_of_row")
        self._page_languages = open_array(folder, "page_languages")
        self._passages = Postings(folder, "passages", self.n_passages, meta["passage_k1"])
        self._pages = Postings(folder, "pages", self.n_pages, meta["page_k1"])
        self._sequences = (Sequences(folder, "text"), Sequences(folder, "headings"))
        counts = Counter(self._page_languages.tolist())
        by_size = sorted(counts, key=lambda number: (-counts[number], number))
        languages = tuple(self._language_names[number] for number in by_size if self._language_names[number])
        self.vocabulary = LexicalVocabulary(folder, self._pages, languages)

    @classmethod
    def open(cls, folder: Path) -> Lexical:
        """Map an index written by ``LexicalWriter``.

        Raises SnapshotError when files are missing or of another analysis version.
        """
        return cls(folder)

    def look_up(self, parsed: ParsedQuery) -> Wanted:
        """Find the lists of a query's words; ``search`` and the scores read them."""
        groups = [self._group(term) for term in parsed.terms]
        by_passage, by_page = self._passages.look_up(groups), self._pages.look_up(groups)
        return Wanted(parsed, tuple(by_passage), tuple(by_page))

    def search(
        self,
        wanted: Wanted,
        passages: int,
        pages: int,
        *,
        allowed_pages: Mask | None = None,
        restricted: tuple[Mask | None, Mask | None] | None = None,
    ) -> LexicalResult:
        """Return the best passages and the best pages, at most as many as asked for.

        allowed_pages: (n_pages,) bool, a filter's pages; idf stays as it is. Phrases and excluded words restrict
        passages and pages alike; a phrase must stand in one passage or heading. restricted: what ``restrict`` said of
        all that, where the caller has asked already.
        """
        page_mask, row_mask = restricted or self.restrict(wanted.parsed, allowed_pages)
        rows, passage_scores = self._passages.best(wanted.in_passages, passages, row_mask)
        found, page_scores = self._pages.best(wanted.on_pages, pages, page_mask)
        return LexicalResult(passage_rows=rows, passage_scores=passage_scores, pages=found, page_scores=page_scores)

    def score_passages(self, wanted: Wanted, rows: Ints) -> Scores:
        """Exact scores of any passages, found or not, in the order given: (n,) int64 rows."""
        return _score_any(self._passages, wanted.parsed, wanted.in_passages, rows)

    def score_pages(self, wanted: Wanted, pages: Ints) -> Scores:
        """Exact scores of any pages, in the order given."""
        return _score_any(self._pages, wanted.parsed, wanted.on_pages, pages)

    def _group(self, term: QueryTerm) -> Group:
        numbers = ((self.vocabulary.term_number(alt.term), alt.weight) for alt in term.alternatives)
        return Group(tuple(Alternative(number, weight) for number, weight in numbers if number >= 0), term.weight)

    def restrict(self, parsed: ParsedQuery, allowed_pages: Mask | None = None) -> tuple[Mask | None, Mask | None]:
        """Return the pages and the rows that phrases, excluded words and a filter leave; None = all of them."""
        pages, rows = allowed_pages, None
        if parsed.excluded or parsed.excluded_phrases:
            without = np.ones(self.n_pages, dtype=np.bool_)
            for alternative in (one for term in parsed.excluded for one in self._group(term).alternatives):
                without[self._pages.docs(alternative.number)] = False
            for phrase in parsed.excluded_phrases:
                without[self._page_of_row[self._rows_with_phrase(phrase, parsed)]] = False
            pages = _both(pages, without)
        for phrase in parsed.phrases:
            rows = _both(rows, self._rows_with_phrase(phrase, parsed))
        if rows is not None:
            holding = np.zeros(self.n_pages, dtype=np.bool_)
            holding[self._page_of_row[rows]] = True
            pages = _both(pages, holding)
        if pages is not None:
            rows = _both(rows, pages[self._page_of_row])
        return pages, rows

    def without_vain_phrases(self, parsed: ParsedQuery) -> ParsedQuery:
        """Leave out the quoted phrases that stand nowhere, and all of them when no passage holds the others together.

        Their words stay wanted. A phrase quoted from memory, or in another language than the site's, would else leave
        nothing to show.
        """
        standing = {phrase: rows for phrase in parsed.phrases if (rows := self._rows_with_phrase(phrase, parsed)).any()}
        kept = tuple(standing) if standing and np.logical_and.reduce(list(standing.values())).any() else ()
        if len(kept) == len(parsed.phrases):
            return parsed
        vain = (" ".join(phrase) for phrase in parsed.phrases if phrase not in kept)
        notes = (f"no page is left by the phrase {phrase!r}" for phrase in vain)
        return replace(parsed, phrases=kept, notes=(*parsed.notes, *notes))

    def _rows_with_phrase(self, phrase: Sequence[str], parsed: ParsedQuery) -> Mask:
        mask = np.zeros(self.n_passages, dtype=np.bool_)
        forms = [self.vocabulary.form_number(form) for form in phrase]
        if forms and min(forms) >= 0:
            rows = self._rows_with_words(phrase, parsed)
            rarest = min(range(len(phrase)), key=lambda at: self.vocabulary.pages_with(phrase[at]))
            for sequences in self._sequences:
                mask[sequences.docs_with(forms, rarest, rows)] = True
        return mask

    def _rows_with_words(self, words: Sequence[str], parsed: ParsedQuery) -> Ints:
        """Rows that hold all of a phrase's words, in any order and inflection."""
        mask: Mask | None = None
        for term in parsed.terms:
            if term.form in words:
                holding = np.zeros(self.n_passages, dtype=np.bool_)
                for alternative in self._group(term).alternatives:
                    holding[self._passages.docs(alternative.number)] = True
                mask = _both(mask, holding)
        return np.arange(self.n_passages) if mask is None else np.flatnonzero(mask)


_READ_ALL = 1000  # words that are compared in the time that one document is fetched


class Sequences:
    """The words of each passage in order, for quoted phrases."""

    def __init__(self, folder: Path, name: str) -> None:
        self._starts: Ints = open_array(folder, f"{name}.starts")
        self._forms: npt.NDArray[np.uint32] = open_array(folder, f"{name}.forms")

    def docs_with(self, forms: Sequence[int], rarest: int, docs: Ints) -> Ints:
        """Those of ``docs`` in which the forms follow each other. rarest: place of the form to look for first."""
        if len(docs) * _READ_ALL > len(self._forms):
            docs, text, starts = np.arange(len(self._starts) - 1), self._forms, self._starts
        else:
            spans = zip(self._starts[docs].tolist(), self._starts[docs + 1].tolist(), strict=True)
            text = np.concatenate([self._forms[start:end] for start, end in spans] or [self._forms[:0]])
            starts = np.concatenate(([0], np.cumsum(self._starts[docs + 1] - self._starts[docs])))
        at = np.flatnonzero(text == forms[rarest]) - rarest
        at = at[(at >= 0) & (at + len(forms) <= len(text))]
        for offset, form in enumerate(forms):
            at = at[text[at + offset] == form]
        owner = np.searchsorted(starts, at, side="right") - 1
        found: Ints = docs[np.unique(owner[at + len(forms) <= starts[owner + 1]])]
        return found


def _both(left: Mask | None, right: Mask) -> Mask:
    return right if left is None else left & right


def _score_any(postings: Postings, parsed: ParsedQuery, words: Sequence[Word], docs: Ints) -> Scores:
    worth = np.array([word.idf * term.weight for word, term in zip(words, parsed.terms, strict=True)], np.float32)
    total = np.float32(max(float(worth.sum()), 1e-9))
    return Scores(*postings.scores(words, worth / total, docs))


def _read_meta(folder: Path) -> dict[str, Any]:
    try:
        meta: dict[str, Any] = json.loads((folder / "lexical.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SnapshotError(f"no lexical index in {folder}: {error}", "build the snapshot anew") from error
    if meta.get("analysis_version") != ANALYSIS_VERSION:
        raise SnapshotError(
            f"the lexical index was analysed by version {meta.get('analysis_version')}, this is {ANALYSIS_VERSION}",
            "run the indexer, it builds the index anew",
        )
    return meta
