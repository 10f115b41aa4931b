"""The site's own words, as a written index knows them (implements ``searchd.text.vocabulary.Vocabulary``)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from searchd.index.lexical_postings import Postings
from searchd.index.lexical_terms import SortedWords, open_array, save_array
from searchd.text.distance import edit_distance, signatures
from searchd.text.vocabulary import Near


class LexicalVocabulary:
    """Terms and forms with their frequencies, memory-mapped. Safe to share between threads."""

    def __init__(self, folder: Path, pages: Postings, languages: tuple[str, ...]) -> None:
        self.languages = languages
        self._terms = SortedWords(folder, "terms")
        self._forms = SortedWords(folder, "forms")
        self._displays = SortedWords(folder, "displays")
        self._pages = open_array(folder, "forms.pages")  # (n_forms,) uint32
        self._signatures: npt.NDArray[np.uint64] = open_array(folder, "forms.signatures")  # (2, n_forms)
        self._lengths: npt.NDArray[np.uint8] = open_array(folder, "forms.lengths")
        self._postings = pages
        # bound caches, so that a closed snapshot takes its words with it
        self.term_number = lru_cache(maxsize=16384)(self._terms.number)
        self._form_number = lru_cache(maxsize=16384)(self._forms.number)

    @staticmethod
    def save_signatures(folder: Path, forms: Sequence[str]) -> None:
        """Write what ``near`` filters by: letters, pairs of letters and length of each form."""
        pairs = [signatures(form) for form in forms]
        save_array(folder, "forms.signatures", np.array(pairs, dtype=np.uint64).reshape(-1, 2).T)
        save_array(folder, "forms.lengths", np.array([min(len(form), 255) for form in forms], dtype=np.uint8))

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
        letters, pairs = (np.uint64(value) for value in signatures(form))
        length = len(form)
        low, high = max(0, length - max_distance), length + max_distance
        # one edit changes at most two letters and, a swap, six pairs; sets of 64 can only hide differences
        close = np.flatnonzero((self._lengths >= low) & (self._lengths <= high))
        close = close[np.bitwise_count(self._signatures[0, close] ^ letters) <= 2 * max_distance]
        close = close[np.bitwise_count(self._signatures[1, close] ^ pairs) <= 6 * max_distance]
        found = []
        for number in close.tolist():
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
