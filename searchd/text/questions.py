"""What kind of thing a question asks for, and whether a sentence holds such a thing. Pure; five languages.

Answer types by cue words (after Voorhees 2001, "The TREC question answering track"): a number, a time, a person, a
place, a reason. What the question itself names is no answer to it.
"""

from __future__ import annotations

import re
from typing import Literal

from searchd.text.normalize import fold, normal
from searchd.text.stopwords import is_stop_word

Kind = Literal["number", "time", "person", "place", "reason", "other"]
KINDS: tuple[Kind, ...] = ("number", "time", "person", "place", "reason")

# Tried in this order: "what year" is a time though "how many years" is a number.
_CUE_WORDS: tuple[tuple[Kind, str], ...] = (
    (
        "time",
        (
            r"when|(?:what|which) (?:year|date|day|month|century|decade)|wann"
            r"|welche[mnrs]? (?:jahr|datum|tag|monat|jahrhundert|jahrzehnt)\w*|cu[aá]ndo|qu[eé] (?:a[nñ]o|fecha|siglo)"
            r"|quand|(?:quelle|en quelle) (?:ann[eé]e|date)|quando|(?:che|quale) anno"
        ),
    ),
    (
        "number",
        (
            r"how (?:many|much|old|long|far|tall|high|large|big|often|deep|fast|wide|heavy)"
            r"|wie ?viele?n?|wie (?:alt|lange?|weit|hoch|gro(?:ss|ß)|oft|tief|schnell|breit|schwer|teuer)"
            r"|cu[aá]nt[oa]s?|combien|quant[eio]|percentage|prozent(?:satz)?|porcentaje|pourcentage|percentuale|anzahl"
        ),
    ),
    ("person", r"who|whom|whose|wer|wem|wen|wessen|qui[eé]n(?:es)?|qui|chi"),
    (
        "place",
        (
            r"where|(?:what|which) (?:city|country|state|county|place|town)|wo|woher|wohin"
            r"|welche[mnrs]? (?:stadt|land|ort|bundesland|bundesstaat)|d[oó]nde|où|dove"
        ),
    ),
    ("reason", r"why|warum|weshalb|wieso|por qu[eé]|pourquoi|perch[eé]"),
)
_CUES = tuple((kind, re.compile(rf"\b(?:{cues})\b", re.IGNORECASE)) for kind, cues in _CUE_WORDS)
_NUMBER = re.compile(r"(?<![\d.,])(?!(?:1[5-9]|20)\d\d(?![\d.,]*\d))\d[\d.,]*")  # a bare year is no amount
_TIME = re.compile(
    r"\b[12]\d{3}\b|\b\d{3,4}s\b|\b\d\d?(?:th|st|nd|rd) century"
    r"|\d\d?\. Jahrhundert|\bsiglo [IVX]+"
    r"|\d\d?[:.]\d\d (?:Uhr|[ap]\.?m)"
    r"|\b(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sep|Oct|Nov|Dec)(?:uary|ruary|ch|il|ust|tember|ober|ember)?\b"
    r"|\b(?:Januar|Februar|März|Mai|Juni|Juli|Oktober|Dezember)\b"
    r"|\b(?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre)\b"
    r"|\b(?:janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre)\b"
    r"|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b|\b(?:Mon|Diens|Donners|Frei|Sams|Sonn)tags?\b|\bMittwochs?\b"
)
_NAME = re.compile(r"\b[^\W\d_a-zäöüß][\w'’.-]+(?: (?:von|van|de|der|of|bin|al|la|di))*(?: [^\W\d_a-zäöüß][\w'’-]+)+")
_CAPITAL = re.compile(r"(?<=[^.!?] )[^\W\d_a-zäöüß][\w'’-]+")
_REASON = re.compile(
    r"\b(?:because|since|due to|so that|in order to|as a result|weil|denn|aufgrund|wegen|damit|da|um|porque|debido"
    r"|ya que|parce que|car|afin|pour|perché|poiché)\b",
    re.IGNORECASE,
)
_NUMBER_WORDS = {
    *("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "dozen", "twenty"),
    *("thirty", "forty", "fifty", "hundred", "thousand", "million", "billion", "half", "third", "quarter"),
    *("zwei", "drei", "vier", "funf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwolf", "zwanzig", "dreissig"),
    *("hundert", "tausend", "millionen", "milliarden", "halfte", "drittel", "viertel"),
    *("dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce", "veinte", "cien"),
    *("mil", "millones", "deux", "trois", "quatre", "cinq", "sept", "huit", "neuf", "dix", "vingt", "cent", "mille"),
    *("due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "dieci"),
}
# Words that, at a sentence's beginning, stand for something in the sentence before.
_BACK = {
    "en": r"it|its|he|his|she|her|they|their|this|that|these|those|such|the latter|the former",
    "de": r"er|sie|es|seine?[nrms]?|ihre?[nrms]?|dies\w*|solche\w*|jene\w*|da(?:bei|durch|für|mit|nach|her|von|zu)",
    "fr": r"il|elle|ils|elles|son|sa|ses|leur|leurs|ce|cet|cette|ces|celui-ci|celle-ci",
    "es": r"él|ella|ellos|ellas|este|esta|estos|estas|ese|esa|eso|esto|su|sus",
    "it": r"egli|esso|essa|essi|questo|questa|questi|queste|quello|quella|suo|sua|loro",
}
_POINTS_BACK = {lang: re.compile(rf"(?:{words})\b", re.IGNORECASE) for lang, words in _BACK.items()}
_WORD = re.compile(r"\w+")


def kind_of(question: str) -> Kind:
    """Return what the question asks for; "other" when no cue word says."""
    return next((kind for kind, cues in _CUES if cues.search(question)), "other")


def holds(kind: Kind, question: str, sentence: str, lang: str = "") -> bool:
    """Whether the sentence names something of this kind that the question does not name itself.

    lang: the sentence's language; in German every noun has a capital, so a name there is two of them in a row.
    """
    if kind == "number":
        return _new(_NUMBER, question, sentence) or _has_number_word(question, sentence)
    if kind == "time":
        return _new(_TIME, question, sentence)
    if kind == "person":
        capital = lang != "de" and _new_name(_CAPITAL, question, sentence, lang)
        return capital or _new_name(_NAME, question, sentence, lang, words=2)
    if kind == "place":
        return _new_name(_CAPITAL, question, sentence, lang)
    return kind == "reason" and _REASON.search(sentence) is not None


def points_back(sentence: str, lang: str) -> bool:
    """Whether the sentence begins with a word that only the sentence before it explains."""
    pattern = _POINTS_BACK.get(lang)
    return pattern is not None and pattern.match(sentence) is not None


def _new(pattern: re.Pattern[str], question: str, sentence: str) -> bool:
    return any(match.group() not in question for match in pattern.finditer(sentence))


def _new_name(pattern: re.Pattern[str], question: str, sentence: str, lang: str, words: int = 1) -> bool:
    """Whether a match has at least so many words that are no stop words, one of them new."""
    for match in pattern.finditer(sentence):
        parts = [part for part in match.group().split() if not is_stop_word(fold(normal(part)), lang)]
        if len(parts) >= words and any(part not in question for part in parts):
            return True
    return False


def _has_number_word(question: str, sentence: str) -> bool:
    asked = question.lower()
    return any(fold(normal(word)) in _NUMBER_WORDS and word.lower() not in asked for word in _WORD.findall(sentence))
