"""Which words of a text answer a query: the same analysis that found the page marks the words.

Where to look is decided by a quick search for the beginnings of the query's words; the exact analysis, which knows
stems, compounds and corrections, then reads what stands there between blanks.
"""

from __future__ import annotations

import re
from functools import lru_cache

from searchd.text.analysis import NO_STOP_WORD, analyse
from searchd.text.chunks import places
from searchd.text.language import primary
from searchd.text.normalize import fold
from searchd.text.query import ParsedQuery

Finds = list[tuple[int, int, str]]  # start, end and index term, ascending

_STEM = 5  # code points of a word's beginning that the quick search compares
_SHORT = 40  # code points of a word with its punctuation, which comes again: not of a sentence in Chinese
#: What stands at the end of a term and not of its words: "using" -> "use", "tries" -> "tri".
_RESTORED = "eiy" + NO_STOP_WORD


def _bare_letters() -> dict[str, str]:
    """Accented letters of Latin, Greek and Cyrillic, and the one bare letter that stands for each."""
    found = {}
    for code in (*range(0xC0, 0x250), *range(0x370, 0x530), *range(0x1E00, 0x2000)):
        bare = fold(chr(code).lower())
        if bare and bare[0] != chr(code).lower():
            found[chr(code)] = bare[0]
    return found | {"ς": "σ"}


_BARE = _bare_letters()
_ACCENTED = re.compile(f"[{''.join(map(re.escape, _BARE))}]")


def lowered(text: str) -> str:
    """Lower case without accents, character by character: offsets stay those of the text."""
    return text.lower() if text.isascii() else _ACCENTED.sub(lambda match: _BARE[match.group()], text).lower()


class Highlighter:
    """Reads any number of texts for one query: what a word holds of it is found out once."""

    def __init__(self, parsed: ParsedQuery) -> None:
        heaviest = max((term.weight for term in parsed.terms), default=0.0)
        telling = [term for term in parsed.terms if term.weight >= min(1.0, heaviest)]
        self._wanted = {alternative.term for term in telling for alternative in term.alternatives}
        self._beginnings = _beginnings(self._wanted, {term.text.casefold() for term in telling})
        self._known: dict[str, dict[str, Finds]] = {}  # language -> what stands between blanks -> what it holds

    def finds(self, text: str, lang: str) -> Finds:
        """Return start and end, in code points of ``text``, and index term of each word that answers the query.

        Ascending, not overlapping. lang: the text's language. Stems, accents, corrections and synonyms count as they
        did in the search; words that only carry the question (stop words) count only when the query holds nothing
        else.
        """
        tag = primary(lang)
        known = self._known.setdefault(tag, {})
        flat = lowered(text).replace("\n", " ") + " "
        found: Finds = []
        end = 0
        for at in self._places(flat):
            if at < end:
                continue
            start = flat.rfind(" ", end, at) + 1
            end = flat.find(" ", at)
            piece = text[start:end]
            held = known.get(piece)
            if held is None:
                held = known[piece] = self._of_piece(piece, tag)
            found += [(start + first, start + last, term) for first, last, term in held]
        return found

    def _places(self, flat: str) -> list[int]:
        """Where a ``lowered`` text reads like the beginning of a query's word, ascending."""
        found: list[int] = []
        for word in self._beginnings:
            at = flat.find(word)
            while at >= 0:
                found.append(at)
                at = flat.find(word, at + len(word))
        return sorted(found)

    def _of_piece(self, piece: str, lang: str) -> Finds:
        read = _remembered if len(piece) <= _SHORT else _terms
        found = [one for one in read(piece, lang) if one[2] in self._wanted]
        return _merged(found) if len(found) > 1 else found


def _terms(piece: str, lang: str) -> tuple[tuple[int, int, str], ...]:
    """Start, end and index term of everything that stands in a stretch without blanks."""
    return tuple(
        (at + term.start, at + term.end, term.term) for chunk, at in places(piece) for term in analyse(chunk, lang)
    )


_remembered = lru_cache(maxsize=16384)(_terms)


def _beginnings(terms: set[str], typed: set[str]) -> list[str]:
    """What to search a ``lowered`` text for: every word that may stand for one of these holds one of them."""
    spelt = {fold(word)[:_STEM] for word in typed} | {lowered(word)[:_STEM] for word in typed}
    spelt |= {term[:_STEM].rstrip(_RESTORED) if len(term) > 2 else term for term in terms}
    spelt |= {word.replace("ss", "s") for word in spelt}  # ß, which is one letter of the text
    spelt |= {f"{word[0]}-{word[1:]}" for word in spelt if len(word) == _STEM}  # e-mail, T-Shirt
    # what holds another one need not be searched for
    return [word for word in spelt if word and not any(other != word and other in word for other in spelt if other)]


def _merged(finds: Finds) -> Finds:
    merged: Finds = []
    for start, end, term in sorted(finds):
        if merged and start <= merged[-1][1] and (start < merged[-1][1] or end == start):
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]), merged[-1][2])
        else:
            merged.append((start, end, term))
    return merged
