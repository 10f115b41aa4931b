"""The site's own words, as a written index knows them (implements ``searchd.text.vocabulary.Vocabulary``)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from searchd.index.lexical_postings import Postings
from searchd.index.lexical_terms import SortedWords, Words, open_array, save_array
from searchd.text.distance import edit_distance, signatures
from searchd.text.vocabulary import Near

_LARGE_SITE = 1000  # pages
_MAX_SPELT = 40  # letters of a word that may be a correction
_MAX_COMPARED = 64  # words whose distance is counted letter by letter, of those that share most letters and pairs


class LexicalVocabulary:
    """Terms and forms with their frequencies, memory-mapped. Safe to share between threads."""

    def __init__(self, folder: Path, pages: Postings, languages: tuple[str, ...]) -> None:
        self.languages = languages
        self._terms = SortedWords(folder, "terms")
        self._forms = SortedWords(folder, "forms")
        self._displays = Words(folder, "displays")
        self._pages = open_array(folder, "forms.pages")  # (n_forms,) uint32
        self._spelt: npt.NDArray[np.uint32] = open_array(folder, "spelling.forms")  # numbers of forms, by length
        self._spelt_starts: npt.NDArray[np.int64] = open_array(folder, "spelling.starts")  # where each length begins
        self._signatures: npt.NDArray[np.uint64] = open_array(folder, "spelling.signatures")  # (2, n) of self._spelt
        self._postings = pages
        # bound caches, so that a closed snapshot takes its words with it
        self.term_number = lru_cache(maxsize=16384)(self._terms.number)
        self._form_number = lru_cache(maxsize=16384)(self._forms.number)

    @staticmethod
    def save_spelling(folder: Path, forms: Sequence[str], pages: npt.NDArray[np.int64], n_pages: int) -> None:
        """Write which forms a slip may be corrected to, by length, with what ``near`` filters by.

        On a large site a word that stands on one page only is as likely a slip as what the visitor typed.
        """
        least = 2 if n_pages >= _LARGE_SITE else 1
        spelt = [
            number
            for number, form in enumerate(forms)
            if pages[number] >= least and form.isalpha() and len(form) <= _MAX_SPELT
        ]
        spelt.sort(key=lambda number: len(forms[number]))
        lengths = np.array([len(forms[number]) for number in spelt], dtype=np.int64)
        pairs = [signatures(forms[number]) for number in spelt]
        save_array(folder, "spelling.forms", np.array(spelt, dtype=np.uint32))
        save_array(folder, "spelling.starts", np.searchsorted(lengths, np.arange(_MAX_SPELT + 2)))
        save_array(folder, "spelling.signatures", np.array(pairs, dtype=np.uint64).reshape(-1, 2).T)

    def __len__(self) -> int:
        return len(self._forms)

    def pages_with_term(self, term: str) -> int:
        """Number of pages that hold an index term."""
        return self._postings.frequency(self.term_number(term))

    def form_number(self, form: str) -> int:
        """Number of a form, -1 when the site does not have it."""
        return self._form_number(form)

    def pages_with(self, form: str) -> int:
        """Number of pages that hold a form."""
        number = self._form_number(form)
        return int(self._pages[number]) if number >= 0 else 0

    def display(self, form: str) -> str:
        """The form as the site mostly writes it."""
        number = self._form_number(form)
        return (self._displays.word(number) or form) if number >= 0 else form

    def near(self, form: str, max_distance: int, limit: int) -> list[Near]:
        """Forms within ``max_distance`` edits, nearest first, then most frequent."""
        low, high = max(1, len(form) - max_distance), min(_MAX_SPELT, len(form) + max_distance)
        if low > high:
            return []
        span = slice(int(self._spelt_starts[low]), int(self._spelt_starts[high + 1]))
        letters, pairs = (np.uint64(value) for value in signatures(form))
        apart = np.bitwise_count(self._signatures[0, span] ^ letters)
        close = np.flatnonzero(apart <= 2 * max_distance)  # one edit changes at most two letters
        apart = apart[close] + np.bitwise_count(self._signatures[1, span][close] ^ pairs)
        nearest = close[np.argsort(apart, kind="stable")[:_MAX_COMPARED]]
        found = []
        for number in self._spelt[span][nearest].tolist():
            word = self._forms.word(number)
            distance = edit_distance(form, word, max_distance)
            if 0 < distance <= max_distance:
                found.append(Near(word, distance, int(self._pages[number])))
        return sorted(found, key=lambda near: (near.distance, -near.pages, near.form))[:limit]

    def starting_with(self, prefix: str, limit: int) -> list[str]:
        """Forms that start with ``prefix`` and are longer, most frequent first."""
        low, high = self._forms.prefix_range(prefix)
        if low < high and self._forms.word(low) == prefix:
            low += 1
        pages = self._pages[low:high].astype(np.int64)
        best = np.argsort(-pages, kind="stable")[:limit]
        return [self._forms.word(low + number) for number in best.tolist()]
