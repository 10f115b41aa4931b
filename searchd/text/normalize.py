"""One form for each word: Unicode NFKC, lower case, and a fold that takes accents and umlauts away.

The fold serves comparison only. What is shown keeps its accents.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

#: Invisible characters that publishers put inside words: soft hyphen, zero-width space, joiners, BOM.
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
#: Letters that Unicode does not decompose, as people without that key on their keyboard type them.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "æ": "ae", "œ": "oe", "ß": "ss", "ŋ": "n", "ħ": "h"}
)
#: Marks that may go: Latin, Greek and Cyrillic accents, Hebrew points, Arabic vowel signs. Japanese voicing marks and
#: the vowels of Indic scripts are not among them: without them it is another word.
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670]")
_DIGRAPHS = re.compile("(?<![aeiouq])(?:ae|oe)|(?<![aeoq])ue")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_TURKISH = str.maketrans({"I": "ı", "İ": "i"})


def normal(word: str, lang: str = "") -> str:
    """NFKC, lower case, invisible characters removed; Turkish dots respected."""
    if word.isascii() and lang != "tr":
        return word.lower()
    if lang == "tr":
        word = word.translate(_TURKISH)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", word).translate(_INVISIBLE).lower())


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """``word`` (already ``normal``) without accents: "müller" -> "muller", "ærø" -> "aero", "ёлка" -> "елка"."""
    if word.isascii():
        return word
    bare = _MARKS.sub("", unicodedata.normalize("NFD", word.translate(_LETTERS)))
    return unicodedata.normalize("NFC", bare)


def without_digraphs(folded: str) -> str:
    """ "mueller" -> "muller": what a folded word looks like when its umlauts had been typed as two letters."""
    return _DIGRAPHS.sub(lambda match: match.group()[0], folded)


def with_digraphs(word: str) -> str:
    """ "müller" -> "mueller": how a ``normal`` word is typed without umlauts on the keyboard."""
    return unicodedata.normalize("NFC", word).translate(_UMLAUTS)
