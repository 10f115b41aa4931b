"""Streams of chunk numbers -> postings, passages' word sequences and vocabulary.

Texts are cut into chunks once, as they come; each distinct (language, chunk) is analysed once, at the end, when the
site's own words are known and compounds can be parted by them. Everything after that is array work on blocks of
documents, so memory follows the vocabulary and not the site.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from searchd.index.lexical_postings import SCALE, Postings
from searchd.index.lexical_terms import SortedWords, Words, save_array
from searchd.index.lexical_vocabulary import LexicalVocabulary
from searchd.text.analysis import Term, analyse
from searchd.text.chunks import chunk_texts
from searchd.text.compounds import COMPOUNDING, split
from searchd.text.normalize import fold, normal

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
_FLUSH = 1 << 18  # chunk numbers kept in memory per field
_BLOCK_TOKENS = 1 << 21
COMPOUND_WEIGHT = 0.6  # "schutz" of "Datenschutz": a part says less than the word itself


class Lexicon:
    """Numbers for the distinct (language, chunk) of a site, in order of appearance."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}

    def numbers(self, text: str, lang: str) -> list[int]:
        """The numbers of the chunks of ``text``."""
        known = self._numbers
        return [known.setdefault((lang, chunk), len(known)) for chunk in chunk_texts(text)]

    def entries(self) -> list[tuple[str, str]]:
        """(language, chunk) by number."""
        return list(self._numbers)


class Stream:
    """One field of all documents: chunk numbers one after another on disk, and where each document's end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)
        self._buffer = array("I")
        self._ends = array("Q")
        self._written = 0

    def add(self, numbers: Sequence[int]) -> None:
        """Append the next document's chunk numbers."""
        self._buffer.extend(numbers)
        self._written += len(numbers)
        self._ends.append(self._written)
        if len(self._buffer) >= _FLUSH:
            self._flush()

    def _flush(self) -> None:
        with self._path.open("ab") as file:
            file.write(self._buffer)
        del self._buffer[:]

    def close(self) -> tuple[npt.NDArray[np.uint32], Ints]:
        """Return the chunk numbers, mapped, and (n_docs + 1,) starts."""
        self._flush()
        starts = np.zeros(len(self._ends) + 1, dtype=np.int64)
        starts[1:] = np.frombuffer(self._ends, dtype=np.uint64) if self._ends else 0
        if not self._written:
            return np.zeros(0, dtype=np.uint32), starts
        return np.memmap(self._path, dtype=np.uint32, mode="r").view(np.ndarray), starts

    def discard(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Ragged:
    """Rows of different length: row ``i`` is ``values[starts[i]:starts[i + 1]]``."""

    starts: Ints
    values: npt.NDArray[Any]

    @staticmethod
    def of(rows: Sequence[Sequence[float]], dtype: npt.DTypeLike) -> Ragged:
        """Pack Python rows."""
        starts = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=starts[1:])
        return Ragged(starts, np.array([value for row in rows for value in row], dtype=dtype))

    @property
    def lengths(self) -> Ints:
        """Length of each row."""
        return np.diff(self.starts)

    def positions(self, rows: npt.NDArray[Any]) -> tuple[Ints, Ints]:
        """(indices into ``values``, index of the asking row) of the given rows, one after another."""
        lengths = self.lengths[rows]
        owner = np.repeat(np.arange(len(rows)), lengths)
        first = np.repeat(self.starts[rows] - np.concatenate(([0], np.cumsum(lengths)[:-1])), lengths)
        return first + np.arange(len(owner)), owner


@dataclass(frozen=True, slots=True)
class Analysed:
    """What each chunk number means.

    terms, weights: its index terms. forms: numbers of its words, in order, for phrases and the vocabulary.
    """

    terms: Ragged
    weights: Ragged
    forms: Ragged
    term_words: list[str]
    form_words: list[str]
    displays: list[str]

    @property
    def lengths(self) -> Ints:
        """Words in each chunk."""
        return self.forms.lengths


def analyse_entries(entries: Sequence[tuple[str, str]], counts: Ints) -> Analysed:
    """Analyse each distinct chunk once. counts: how often each occurs, for the vocabulary's spelling."""
    analysed = [analyse(chunk, lang) for lang, chunk in entries]
    frequency: dict[str, int] = {}
    spelling: dict[str, tuple[int, str]] = {}
    for (lang, chunk), terms, count in zip(entries, analysed, counts.tolist(), strict=True):
        for term in terms:
            if term.main:
                frequency[term.form] = frequency.get(term.form, 0) + count
                shown = normal(chunk[term.start : term.end], lang)
                if count > spelling.get(term.form, (0, ""))[0] and fold(shown) == term.form:
                    spelling[term.form] = (count, shown)
    with_parts = [
        (*terms, *_compound_parts(terms, lang, frequency)) for (lang, _), terms in zip(entries, analysed, strict=True)
    ]
    term_words = _sorted({term.term for terms in with_parts for term in terms})
    form_words = _sorted(frequency)
    term_numbers = {word: number for number, word in enumerate(term_words)}
    form_numbers = {word: number for number, word in enumerate(form_words)}
    return Analysed(
        terms=Ragged.of([[term_numbers[term.term] for term in terms] for terms in with_parts], np.int64),
        weights=Ragged.of([[term.weight for term in terms] for terms in with_parts], np.float32),
        forms=Ragged.of([[form_numbers[term.form] for term in terms if term.main] for terms in analysed], np.int64),
        term_words=term_words,
        form_words=form_words,
        displays=[spelling.get(form, (0, form))[1] for form in form_words],
    )


def _sorted(words: Iterable[str]) -> list[str]:
    return sorted(words, key=str.encode)


def _compound_parts(terms: Sequence[Term], lang: str, frequency: dict[str, int]) -> Iterator[Term]:
    if lang not in COMPOUNDING:
        return
    for term in terms:
        if term.main:
            for part in _all_parts(term.form, frequency):
                for found in analyse(part, lang):
                    yield found._replace(weight=COMPOUND_WEIGHT, main=False)


def _all_parts(word: str, frequency: dict[str, int]) -> Iterator[str]:
    """The parts of a compound, and theirs: datenschutz and erklarung, daten and schutz."""
    for part in split(word, lambda form: frequency.get(form, 0)):
        yield part
        yield from _all_parts(part, frequency)


@dataclass(frozen=True, slots=True)
class FieldStream:
    """A field of the documents that postings are made for.

    starts: (n_docs + 1,) where each document's chunk numbers begin in ``numbers``. b: how much length counts.
    """

    numbers: npt.NDArray[Any]
    starts: Ints
    boost: float
    b: float

    def words(self, analysed: Analysed) -> Ints:
        """(n_docs,) number of words."""
        totals = np.zeros(len(self.numbers) + 1, dtype=np.int64)
        np.cumsum(analysed.lengths[self.numbers], out=totals[1:])
        return totals[self.starts[1:]] - totals[self.starts[:-1]]


def write_postings(folder: Path, name: str, fields: Sequence[FieldStream], analysed: Analysed, k1: float) -> Ints:
    """Write BM25F postings of the documents; return (n_terms,) document frequencies.

    The blocks are computed twice, to count and to fill: that costs seconds, keeping them would cost gigabytes.
    """
    n_terms = len(analysed.term_words)
    frequencies = np.zeros(n_terms, dtype=np.int64)
    for block, norms in _blocks(fields, analysed):
        frequencies += np.bincount(_block_postings(block, fields, norms, analysed)[0], minlength=n_terms)
    starts = np.zeros(n_terms + 1, dtype=np.int64)
    np.cumsum(frequencies, out=starts[1:])
    docs = np.empty(int(starts[-1]), dtype=np.int32)
    saturations = np.empty(int(starts[-1]), dtype=np.uint16)
    cursor = starts[:-1].copy()
    for block, norms in _blocks(fields, analysed):
        terms, block_docs, tf = _block_postings(block, fields, norms, analysed)
        counts = np.bincount(terms, minlength=n_terms)
        at = cursor[terms] + np.arange(len(terms)) - (np.cumsum(counts) - counts)[terms]
        docs[at] = block_docs
        saturations[at] = np.maximum(1, np.rint(tf / (k1 + tf) * SCALE))
        cursor += counts
    Postings.save(folder, name, starts, docs, saturations)
    return frequencies


def _blocks(fields: Sequence[FieldStream], analysed: Analysed) -> Iterator[tuple[tuple[int, int], list[Floats]]]:
    """Ranges of documents of about ``_BLOCK_TOKENS`` chunks, with each field's factor per document."""
    norms = []
    for field in fields:
        words = field.words(analysed)
        filled = words[words > 0]
        mean = float(filled.mean()) if len(filled) else 1.0
        norms.append((field.boost / (1 - field.b + field.b * words / mean)).astype(np.float32))
    ends = np.sum([field.starts[1:] for field in fields], axis=0)
    n_docs, low = len(fields[0].starts) - 1, 0
    while low < n_docs:
        before = int(ends[low - 1]) if low else 0
        high = max(low + 1, int(np.searchsorted(ends, before + _BLOCK_TOKENS)))
        yield (low, min(high, n_docs)), norms
        low = high


def _block_postings(
    block: tuple[int, int], fields: Sequence[FieldStream], norms: list[Floats], analysed: Analysed
) -> tuple[Ints, Ints, Floats]:
    """(terms, documents, weighted frequencies) of one range of documents, by term, then document."""
    low, high = block
    keys, values = [], []
    for field, norm in zip(fields, norms, strict=True):
        starts = field.starts[low : high + 1]
        numbers = np.asarray(field.numbers[starts[0] : starts[-1]])
        docs = np.repeat(np.arange(low, high), np.diff(starts))
        at, owner = analysed.terms.positions(numbers)
        docs = docs[owner]
        keys.append(analysed.terms.values[at] << 32 | docs)
        values.append(analysed.weights.values[at] * norm[docs])
    key, value = np.concatenate(keys), np.concatenate(values)
    order = np.argsort(key, kind="stable")
    key, value = key[order], value[order]
    if not len(key):
        return key, key, value.astype(np.float32)
    first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    tf = np.add.reduceat(value.astype(np.float64), first).astype(np.float32)
    return key[first] >> 32, key[first] & 0xFFFFFFFF, tf


def form_frequencies(streams: Sequence[FieldStream], analysed: Analysed) -> Ints:
    """(n_forms,) in how many documents each form stands."""
    total = np.zeros(len(analysed.form_words), dtype=np.int64)
    for low, high in ((block[0], block[1]) for block, _ in _blocks(streams, analysed)):
        keys = []
        for stream in streams:
            starts = stream.starts[low : high + 1]
            docs = np.repeat(np.arange(low, high), np.diff(starts))
            at, owner = analysed.forms.positions(np.asarray(stream.numbers[starts[0] : starts[-1]]))
            keys.append(analysed.forms.values[at] << 32 | docs[owner])
        total += np.bincount(np.unique(np.concatenate(keys)) >> 32, minlength=len(total))
    return total


def write_sequences(folder: Path, name: str, stream: FieldStream, analysed: Analysed) -> None:
    """Write each document's words in order, as form numbers (uint32), and where each document starts."""
    n_words = stream.words(analysed)
    starts = np.concatenate(([0], np.cumsum(n_words)))
    sequence = np.empty(int(starts[-1]), dtype=np.uint32)
    written = 0
    for low in range(0, len(stream.numbers), _BLOCK_TOKENS):
        at, _ = analysed.forms.positions(np.asarray(stream.numbers[low : low + _BLOCK_TOKENS]))
        sequence[written : written + len(at)] = analysed.forms.values[at]
        written += len(at)
    save_array(folder, f"{name}.starts", starts)
    save_array(folder, f"{name}.forms", sequence)


def write_words(folder: Path, analysed: Analysed, pages: Ints, n_pages: int) -> None:
    """Write the list of terms and the vocabulary of forms. pages: (n_forms,) pages that hold each form."""
    SortedWords.save(folder, "terms", analysed.term_words)
    SortedWords.save(folder, "forms", analysed.form_words)
    shown = [form if form != plain else "" for form, plain in zip(analysed.displays, analysed.form_words, strict=True)]
    Words.save(folder, "displays", shown)
    save_array(folder, "forms.pages", pages.astype(np.uint32))
    LexicalVocabulary.save_spelling(folder, analysed.form_words, pages, n_pages)
