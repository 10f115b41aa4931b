"""Sentence boundaries with offsets, by rule.

The text is never changed: a sentence is ``text[start:end]``, so whatever is shown of it is verbatim. A newline always
ends a sentence (passages join their blocks by newlines). The rules follow the ideas of Unicode UAX #29 (sentence
boundaries) with lists of abbreviations for the languages at hand; unknown languages get the common rules.
"""

from __future__ import annotations

import re

Span = tuple[int, int]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMMON = _words(
    "dr prof st mr mrs ms jr sr vs etc al fig figs no nr vol pp ca cf ed eds inc ltd co corp dept approx e.g i.e "
    "resp max min incl tel hr"
)
_ABBREVIATIONS: dict[str, frozenset[str]] = {
    "en": _words("a.m p.m u.s u.k gen col capt lt sgt rev hon sen rep gov jan feb mar apr jun jul aug sep sept oct "
                 "nov dec ch sec eq viz"),
    "de": _words("z.b z d.h d.i u.a u.ä o.ä o.g u.u v.a v.chr n.chr s.o s.u i.d.r i.a m.e bzw usw vgl evtl ggf ggü "
                 "sog abs art abb tab str hrsg jh jhd mio mrd mind bspw zzgl inkl exkl einschl gem lt geb gest verh "
                 "dipl ing chr österr jan feb mär apr jun jul aug sep sept okt nov dez aufl bd kap ziff stk "
                 "std allg insb insbes ehem versch zw"),
    "fr": _words("m mm mme mlle p.ex c.-à-d env av apr chap éd art janv févr juil sept oct nov déc"),
    "es": _words("sr sra srta ud uds p.ej pág págs art núm ee uu ee.uu a.c d.c aprox admón avda depto ene feb abr "
                 "ago sept oct nov dic"),
    "it": _words("sig sig.ra dott p.es pag art a.c d.c ecc avv ing"),
    "nl": _words("bijv d.w.z m.b.t o.a enz dhr mevr blz ong evt"),
    "pt": _words("sr sra p.ex pág art núm aprox dra"),
}  # fmt: skip
_ORDINAL_LANGUAGES = frozenset({"de", "da", "nb", "no", "fi", "cs", "sk", "hu", "pl", "sl", "hr", "et"})
_TERMINAL = re.compile(r"(?:[.!?…]+[\"'”’»“)\]]*(?=\s|$))|(?:[。！？．][」』”’）]*)|\n+")
_WORD_BEFORE = re.compile(r"[\w.\-]*\Z", re.UNICODE)
_NEXT = re.compile(r"\s*[\"'„“”‘’«»(\[¿¡*•–—-]*\s*(\S)")


def spans(text: str, lang: str = "") -> list[Span]:
    """Return [start, end) of each sentence of ``text``, in order, outer white space left out; never raises."""
    found: list[Span] = []
    start = 0
    for match in _TERMINAL.finditer(text):
        if match.group()[0] != "\n" and not _ends_sentence(text, match, lang):
            continue
        _append(found, text, start, match.end())
        start = match.end()
    _append(found, text, start, len(text))
    return found


def split(text: str, lang: str = "") -> list[str]:
    """Return the sentences of ``text`` as they stand there."""
    return [text[start:end] for start, end in spans(text, lang)]


def _append(found: list[Span], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    piece = piece.strip()
    if any(map(str.isalnum, piece)):
        found.append((start + left, start + left + len(piece)))


def _ends_sentence(text: str, match: re.Match[str], lang: str) -> bool:
    mark = match.group()[0]
    if mark in "。！？．":
        return True
    following = _NEXT.match(text, match.end())
    if following is None:
        return True
    if following.group(1).islower():
        return False  # "e.g. this", "Who? me", "... and on": one sentence
    return mark != "." or match.group().startswith("..") or not _is_abbreviation(text, match.start(), lang)


def _is_abbreviation(text: str, dot: int, lang: str) -> bool:
    """Whether the dot at ``dot`` belongs to the word before it rather than to the sentence."""
    before = _WORD_BEFORE.search(text, max(0, dot - 20), dot)
    word = before.group() if before else ""
    if len(word) == 1 and word.isalpha():
        return True  # an initial or a letter of an abbreviation: "J. R. R. Tolkien", "v. Chr."
    if lang in _ORDINAL_LANGUAGES and word.isdecimal() and len(word) <= 2:
        return True  # an ordinal: "am 3. Oktober", "das 19. Jahrhundert"
    folded = word.lower().lstrip(".-")
    return folded in _COMMON or folded in _ABBREVIATIONS.get(lang, frozenset()) or _is_dotted(folded)


def _is_dotted(word: str) -> bool:
    """Whether the word is like ``u.s`` or ``z.b``: single letters with dots between them."""
    parts = word.split(".")
    return len(parts) > 1 and all(len(part) == 1 and part.isalpha() for part in parts)
