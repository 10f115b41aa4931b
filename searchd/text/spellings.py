"""The written forms under which words of titles, headings and past queries are found as they are typed. Pure."""

from __future__ import annotations

import re
import unicodedata

from searchd.text.normalize import fold, normal

# A word: letters and digits with their combining marks; one ideograph or kana is a word of its own (no spaces there).
WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff]|(?:[^\W_\u3040-\u30ff\u3400-\u9fff]|[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0e4e])+"
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa"})


def spellings(word: str) -> tuple[str, ...]:
    """Return the folded forms of a word: the plain one, and with umlauts written out when it has any."""
    lower = normal(word)
    plain = fold(lower)
    if word.isascii():
        return (plain,)
    written_out = fold(unicodedata.normalize("NFC", lower).translate(_UMLAUTS))
    return (plain,) if written_out == plain else (plain, written_out)


def plain_form(text: str) -> str:
    """Return the plain forms of a text's words, one space between them."""
    return " ".join(fold(normal(word)) for word in WORD.findall(text))


def highlights(text: str, prefixes: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Return [start, end) of the parts of ``text`` that begin so: for each word its longest matching prefix."""
    found = ((match.start(), _marked(match.group(), prefixes)) for match in WORD.finditer(text))
    return tuple((start, start + length) for start, length in found if length)


def _marked(word: str, prefixes: tuple[str, ...]) -> int:
    """Return how many characters of ``word`` the longest matching prefix covers; 0 = none."""
    for form, written_out in zip(spellings(word), (False, True), strict=False):
        if form.startswith(prefixes):
            return _covered(word, max(len(prefix) for prefix in prefixes if form.startswith(prefix)), written_out)
    return 0


def _covered(word: str, length: int, written_out: bool) -> int:
    """Return how many characters of ``word`` make up ``length`` characters of its folded form."""
    if word.isascii():
        return length
    done = 0
    for count, letter in enumerate(word, start=1):
        done += len(spellings(letter)[-1 if written_out else 0])
        if done >= length:
            return count
    return len(word)
