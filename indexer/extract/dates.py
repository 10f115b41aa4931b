"""Dates as sites write them -> ISO 8601."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dateparser.date import DateDataParser

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?")
_COMPACT = re.compile(r"(\d{4})[/.]?(\d{2})[/.]?(\d{2})(?!\d)")
_MAIL = re.compile(r"(?:[A-Z][a-z]{2}, ?)?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d")  # RFC 5322, 3.3: HTTP headers, feeds
_WORD = r"[^\W\d_]{3,12}\.?"
# 2019-11-18 - 2018/1/31 - 31.1.2018 - 2018年1月31日 - 31. Januar 2018, 31 de enero de 2018 - Jan 31st, 2018
_WRITTEN = re.compile(
    r"(?<!\d)(?:(?P<first>\d{4})[-/](?P<second>\d{1,2})[-/](?P<third>\d{1,2})"
    r"|(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})"
    r"|(?P<y>\d{4})\s?[年년]\s?(?P<m>\d{1,2})\s?[月월]\s?(?P<d>\d{1,2})\s?[日일]"
    rf"|(?P<words>\d{{1,2}}(?:st|nd|rd|th|er|\.|º)?\s+(?:de\s+)?{_WORD},?\s+(?:de\s+)?\d{{4}}))(?!\d)"
    rf"|(?P<english>\b{_WORD}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}(?!\d))"
)
_MAX_CHARS = 100  # what is longer says more than a date
_YEARS = range(1900, 2101)  # 0001-01-01 is what a database says for "none"


def iso_date(text: str) -> str:
    """Return YYYY-MM-DD, with time and offset when the text has them; "" when it is no date that is sure."""
    text = text.strip()[:_MAX_CHARS]
    if found := _ISO.match(text):
        return _from_iso(found)
    if found := _COMPACT.match(text):
        return _day(found[1], found[2], found[3])
    return (_MAIL.match(text) and _from_mail(text)) or written_date(text)[0]


def written_date(text: str, lang: str = "") -> tuple[str, str]:
    """Return the first date in a short text as YYYY-MM-DD, and the text without it; ("", text) where there is none.

    It names day, month and year, the month as a number or in English or ``lang``.
    """
    for found in _WRITTEN.finditer(text):
        parts = found.groupdict()
        if words := parts["words"] or parts["english"]:
            day = _in_words(words, lang)
        else:
            day = _day(
                parts["first"] or parts["year"] or parts["y"],
                parts["second"] or parts["month"] or parts["m"],
                parts["third"] or parts["day"] or parts["d"],
            )
        if day:
            return day, f"{text[: found.start()]} {text[found.end() :]}".strip()
    return "", text


def _from_iso(found: re.Match[str]) -> str:
    day = _day(found[1], found[2], found[3])
    if not day or found[4] is None or int(found[4]) > 23 or int(found[5]) > 59:
        return day
    zone = found[7] or ""
    if len(zone) == 5:
        zone = f"{zone[:3]}:{zone[3:]}"
    return f"{day}T{found[4]}:{found[5]}:{found[6] or '00'}{zone}"


def _from_mail(text: str) -> str:
    try:
        return parsedate_to_datetime(text).isoformat()
    except ValueError:  # the 32nd, or hour 25
        return ""


def _in_words(text: str, lang: str) -> str:
    found = _parser(lang).get_date_data(text).date_obj
    return found.date().isoformat() if found is not None and found.year in _YEARS else ""


@lru_cache(8)
def _parser(lang: str) -> DateDataParser:
    """dateparser for English and one more language. Imported late: it takes 0.2 s and few sites need it."""
    from dateparser.data.languages_info import language_order
    from dateparser.date import DateDataParser

    languages = ["en", lang] if lang in language_order and lang != "en" else ["en"]
    return DateDataParser(languages=languages, settings={"REQUIRE_PARTS": ["day", "month", "year"]})


def _day(year: str, month: str, day: str) -> str:
    try:
        return datetime(int(year), int(month), int(day)).date().isoformat() if int(year) in _YEARS else ""
    except ValueError:
        return ""
