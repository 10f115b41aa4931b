"""As-you-type suggestions from titles, headings and popular queries.

Every word of an entry is a key, so a suggestion is found by the start of any of its words. Keys lie sorted and
their postings lie in the same order, so all entries for a prefix are one slice of one array; entries are numbered by
prominence, so the best of a slice are its smallest numbers. Words are folded (case, accents) and umlauts count both
as ``u`` and as ``ue``. One typing error (insertion, deletion, substitution, transposition: Damerau 1964) is forgiven
in words of four or more letters, never in words with digits.
"""

from __future__ import annotations

import io
import re
import unicodedata
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from searchd.errors import SnapshotError
from searchd.index.records import Page
from searchd.query import Suggestion
from searchd.text.spellings import WORD, highlights, plain_form, spellings

Kind = Literal["title", "heading", "query"]
Numbers = npt.NDArray[np.int32]

FORMAT = 1
_BLOBS = ("texts", "folded", "urls", "keys", "langs")
_KINDS: tuple[Kind, ...] = ("title", "query", "heading")
_LAST = "\U0010ffff"  # sorts behind every continuation of a prefix
_POOL = 24  # candidates of each kind of match that are looked at closely; the others lost on prominence
_MAXWORDS = 8
_MAX_CHARS = 200
_MIN_FUZZY = 4  # letters
_COMMON_HEADING = 3  # a heading of more pages than this and than 1 % of them says nothing ("See also")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be suggested; ``weight`` orders equals, larger first."""

    text: str
    url: str
    kind: Kind
    lang: str
    weight: float


class _Term(NamedTuple):
    """One word of what was typed, as the prefixes and key ranges that stand for it."""

    prefixes: tuple[str, ...]
    ranges: tuple[tuple[int, int], ...]
    exact: tuple[int, ...]  # keys equal to one of the spellings


class _Found(NamedTuple):
    """A candidate with its place in the order; smaller is better."""

    fuzzy: bool
    foreign: bool
    quality: int
    number: int


class _Strings:
    """Many short strings held as one: a tenth of the memory of a list of them."""

    def __init__(self, joined: str) -> None:
        self._joined = joined
        breaks = [match.end() for match in re.finditer("\n", joined)]
        self._starts = array("I", [0, *breaks, len(joined) + 1])

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, number: int) -> str:
        return self._joined[self._starts[number] : self._starts[number + 1] - 1]

    @property
    def joined(self) -> str:
        return self._joined


class SuggestIndex:
    """Immutable and safe to share between threads. Made by ``build``, ``from_entries`` or ``open``."""

    def __init__(
        self, texts: str, folded: str, urls: str, keys: list[str], langs: list[str], arrays: dict[str, Numbers]
    ) -> None:
        self._texts, self._folded, self._urls = _Strings(texts), _Strings(folded), _Strings(urls)
        self._keys, self._langs, self._arrays = keys, langs, arrays
        self._starts, self._postings = arrays["starts"], arrays["postings"]
        self._by_text, self._lang_of, self._kind_of = arrays["by_text"], arrays["lang_of"], arrays["kind_of"]
        self._queries: SuggestIndex | None = None

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._lang_of)

    @classmethod
    def build(cls, pages: Iterable[Page]) -> SuggestIndex:
        """Index the titles and the telling headings of ``pages``. Same pages in the same order, same index."""
        return cls.from_entries(page_entries(list(pages)))

    @classmethod
    def from_entries(cls, entries: Iterable[Entry]) -> SuggestIndex:
        """Index any entries; of those with the same text, kind and language the heaviest stays."""
        ordered = _without_repeats(sorted(entries, key=lambda e: (_KINDS.index(e.kind), -e.weight, e.text, e.url)))
        langs = sorted({entry.lang for entry in ordered})
        postings: dict[str, list[int]] = {}
        for number, entry in enumerate(ordered):
            for key in {form for word in WORD.findall(entry.text) for form in spellings(word)}:
                postings.setdefault(key, []).append(number)
        keys = sorted(postings)
        sizes = [len(postings[key]) for key in keys]
        folded = [plain_form(entry.text) for entry in ordered]
        arrays = {
            "starts": np.cumsum([0, *sizes], dtype=np.int32),
            "postings": np.array([number for key in keys for number in postings[key]], dtype=np.int32),
            "by_text": np.array(sorted(range(len(ordered)), key=folded.__getitem__), dtype=np.int32),
            "lang_of": np.array([langs.index(entry.lang) for entry in ordered], dtype=np.int32),
            "kind_of": np.array([_KINDS.index(entry.kind) for entry in ordered], dtype=np.int32),
        }
        texts, urls = "\n".join(entry.text for entry in ordered), "\n".join(entry.url for entry in ordered)
        return cls(texts, "\n".join(folded), urls, keys, langs, arrays)

    @classmethod
    def open(cls, path: Path) -> SuggestIndex:
        """Read what ``save`` wrote; raise SnapshotError when it is damaged or of another format."""
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
                if int(stored["format"]) != FORMAT:
                    raise SnapshotError(f"{path.name} has another format", "build a new snapshot: indexer build")
                texts, folded, urls, keys, langs = (stored[name].tobytes().decode() for name in _BLOBS)
                arrays = {name: stored[name] for name in ("starts", "postings", "by_text", "lang_of", "kind_of")}
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise SnapshotError(
                f"{path.name} cannot be read: {error}", "build a new snapshot: indexer build"
            ) from error
        return cls(texts, folded, urls, keys.split("\n") if keys else [], langs.split("\n"), arrays)

    def save(self, path: Path) -> None:
        """Write the index as one file (numpy's npz without pickles); same index, same bytes."""
        strings = (part.joined for part in (self._texts, self._folded, self._urls))
        blobs = zip(_BLOBS, (*strings, "\n".join(self._keys), "\n".join(self._langs)), strict=True)
        packed = {name: np.frombuffer(blob.encode(), dtype=np.uint8) for name, blob in blobs}
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, format=np.int32(FORMAT), **packed, **self._arrays)

    def with_queries(self, counts: Iterable[tuple[str, int]]) -> SuggestIndex:
        """Return an index that also suggests these past queries (text, how often asked); this one stays as it is."""
        both = copy(self)
        both._queries = SuggestIndex.from_entries(Entry(_clean(text), "", "query", "", n) for text, n in counts)
        return both

    def suggest(self, text: str, limit: int = 8, lang: str = "") -> tuple[Suggestion, ...]:
        """Return at most ``limit`` entries that continue ``text``, best first; none for an empty text.

        Order: without a typing error, in the visitor's language, by match (equal, begins so, words in this order,
        whole words, word starts), then by prominence.
        """
        words = WORD.findall(_clean(text))[:_MAXWORDS]
        if not words or limit < 1:
            return ()
        sources = [self] if self._queries is None else [self, self._queries]
        ranked = [(found, source, terms) for source in sources for found, terms in source._find(words, limit, lang)]
        ranked.sort(key=lambda item: (item[0][:3], item[1] is not self, item[0].number))
        chosen: dict[str, Suggestion] = {}
        for found, source, terms in ranked:
            folded = source._folded[found.number]
            if folded not in chosen:
                chosen[folded] = source._suggestion(found.number, terms)
            if len(chosen) == limit:
                break
        return tuple(chosen.values())

    def _find(self, words: list[str], limit: int, lang: str) -> list[tuple[_Found, list[_Term]]]:
        typed = [spellings(word) for word in words]
        terms = [self._term(forms) for forms in typed]
        phrase = " ".join(forms[0] for forms in typed)
        found = self._ranked(terms, phrase, lang, fuzzy=False)
        if len(found) >= min(limit, 3) or not any(map(_may_err, words)):
            return [(item, terms) for item in found]
        loose = [self._loosened(term) if _may_err(word) else term for word, term in zip(words, terms, strict=True)]
        known = {item.number for item in found}
        more = [item for item in self._ranked(loose, phrase, lang, fuzzy=True) if item.number not in known]
        return [(item, terms) for item in found] + [(item, loose) for item in more]

    def _ranked(self, terms: list[_Term], phrase: str, lang: str, fuzzy: bool) -> list[_Found]:
        wanted = self._langs.index(lang) if lang in self._langs and len(self._langs) > 1 else -1
        whole = [_Term(term.prefixes, tuple((key, key + 1) for key in term.exact), ()) for term in terms]
        pools = [self._matching(terms), self._matching(whole), self._beginning(phrase)]
        numbers = {int(n) for pool in pools for n in self._best(pool, wanted)}
        exact = {form for term in whole for form in term.prefixes}
        found = []
        for number in numbers:
            foreign = wanted >= 0 and self._langs[self._lang_of[number]] not in (lang, "")
            found.append(_Found(fuzzy, foreign, self._quality(number, phrase, exact), number))
        return sorted(found)

    def _best(self, pool: Numbers, wanted: int) -> list[int]:
        """Return the most prominent of a pool, and those in the wanted language besides."""
        best = _smallest(pool)
        return best if wanted < 0 else best + _smallest(pool[self._lang_of[pool] == wanted])

    def _matching(self, terms: Sequence[_Term]) -> Numbers:
        """Return the entries that hold all terms."""
        slices = sorted((self._entries(term) for term in terms), key=len)
        kept = slices[0]
        for other in slices[1:]:
            if not len(kept):
                break
            mask = np.zeros(len(self._texts), dtype=np.bool_)
            mask[other] = True
            kept = kept[mask[kept]]
        return kept

    def _entries(self, term: _Term) -> Numbers:
        parts = [self._postings[self._starts[low] : self._starts[high]] for low, high in term.ranges]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int32)

    def _quality(self, number: int, phrase: str, exact: set[str]) -> int:
        """0 the same text, 1 begins with the phrase, 2 has it at a word's start, 3 has all whole words, 4 their starts.

        A heading counts one less than a title that matches equally well.
        """
        folded = self._folded[number]
        worse = int(_KINDS[self._kind_of[number]] == "heading")
        if folded.startswith(phrase):
            return worse + (folded != phrase)
        if f" {phrase}" in folded:
            return worse + 2
        return worse + (3 if exact.issubset(folded.split()) else 4)

    def _beginning(self, phrase: str) -> Numbers:
        """Return the entries whose whole text begins with the phrase."""
        low = bisect_left(self._by_text, phrase, key=self._folded.__getitem__)
        high = bisect_left(self._by_text, phrase + _LAST, low, key=self._folded.__getitem__)
        return self._by_text[low:high]

    def _term(self, forms: tuple[str, ...]) -> _Term:
        ranges = tuple(found for form in forms if (found := self._range(form)))
        exact = tuple(low for low, _ in ranges if self._keys[low] in forms)
        return _Term(forms, ranges, exact)

    def _range(self, prefix: str) -> tuple[int, int] | None:
        low = bisect_left(self._keys, prefix)
        high = bisect_left(self._keys, prefix + _LAST, low)
        return (low, high) if high > low else None

    def _loosened(self, term: _Term) -> _Term:
        """Return the term with all key prefixes one typing error away besides its own."""
        ranges = {prefix: self._range(prefix) for form in term.prefixes for prefix in self._near(form)}
        near = {prefix: found for prefix, found in ranges.items() if found is not None}
        merged = _merged([*term.ranges, *near.values()])
        return _Term((*term.prefixes, *near), merged, term.exact)

    def _near(self, word: str) -> Iterator[str]:
        """Yield prefixes at edit distance one from ``word`` for which keys may exist."""
        for at in range(len(word) + 1):
            head, tail = word[:at], word[at:]
            keys = self._range(head)
            if keys is None:
                return
            if tail:
                yield head + tail[1:]
            if len(tail) > 1:
                yield head + tail[1] + tail[0] + tail[2:]
            for letter in self._next_letters(head, *keys):
                yield head + letter + tail
                yield head + letter + tail[1:]

    def _next_letters(self, head: str, low: int, high: int) -> Iterator[str]:
        while low < high:
            letter = self._keys[low][len(head) : len(head) + 1]
            if letter.isalpha():
                yield letter
            low = bisect_left(self._keys, head + letter + _LAST, low, high) if letter else low + 1

    def _suggestion(self, number: int, terms: list[_Term]) -> Suggestion:
        text = self._texts[number]
        kind = _KINDS[self._kind_of[number]]
        return Suggestion(
            text,
            self._urls[number],
            kind,
            highlights(text, tuple({prefix for term in terms for prefix in term.prefixes})),
        )


def page_entries(pages: Sequence[Page]) -> Iterator[Entry]:
    """Yield the entries of a site: each title, and each heading that does not repeat on many pages.

    Prominence is what a snapshot knows of a page without asking its readers: near the site's root, then long.
    """
    often = max(_COMMON_HEADING, len(pages) // 100)
    spread = Counter(text for page in pages for text in {plain_form(path[-1]) for path, _ in page.headings if path})
    for page in pages:
        weight = _prominence(page)
        if title := _clean(page.title):
            yield Entry(title, page.url, "title", page.lang, weight)
        for path, anchor in page.headings:
            if not path or spread[plain_form(path[-1])] > often:
                continue
            text = _clean(path[-1])
            if text and plain_form(text) != plain_form(title):
                url = f"{page.url}#{anchor}" if anchor else page.url
                yield Entry(text, url, "heading", page.lang, weight - len(path))


def _prominence(page: Page) -> float:
    depth = urlsplit(page.url).path.strip("/").count("/")
    return -4.0 * depth + float(np.log1p(page.n_words))


def _without_repeats(entries: Iterable[Entry]) -> list[Entry]:
    kept: dict[tuple[str, str, str], Entry] = {}
    for entry in entries:
        if WORD.findall(entry.text):
            kept.setdefault((plain_form(entry.text), entry.kind, entry.lang), entry)
    return list(kept.values())


def _may_err(word: str) -> bool:
    return len(word) >= _MIN_FUZZY and word.isalpha()


def _smallest(pool: Numbers) -> list[int]:
    """Return the ``_POOL`` smallest numbers; some may come twice."""
    best: list[int] = (np.partition(pool, _POOL)[:_POOL] if len(pool) > _POOL else pool).tolist()
    return best


def _merged(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Join overlapping key ranges so that no posting is read twice."""
    joined: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


def _clean(text: str) -> str:
    """One line of composed characters, cut at 200."""
    return " ".join(unicodedata.normalize("NFC", text[: 4 * _MAX_CHARS]).split())[:_MAX_CHARS]
