"""Dates as sites write them -> ISO 8601."""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import parsedate_to_datetime

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?")
_COMPACT = re.compile(r"(\d{4})[/.]?(\d{2})[/.]?(\d{2})(?!\d)")
_EUROPEAN = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.(\d{4})(?!\d)")
_FORMATS = ("%B %d, %Y", "%b %d, %Y", "%b. %d, %Y", "%d %B %Y", "%d %b %Y", "%B %d %Y")
_ORDINAL = re.compile(r"(?<=\d)(st|nd|rd|th)\b", re.IGNORECASE)


def iso_date(text: str) -> str:
    """Return YYYY-MM-DD, with time and offset when the text has them; "" when it is no date that is sure."""
    text = text.strip()
    found = _ISO.match(text)
    if found:
        return _from_iso(found)
    for pattern, order in ((_COMPACT, (1, 2, 3)), (_EUROPEAN, (3, 2, 1))):
        numbers = pattern.match(text)
        if numbers:
            return _day(*(int(numbers[group]) for group in order))
    return _from_words(text)


def _from_iso(found: re.Match[str]) -> str:
    day = _day(int(found[1]), int(found[2]), int(found[3]))
    if not day or found[4] is None or int(found[4]) > 23 or int(found[5]) > 59:
        return day
    zone = found[7] or ""
    if len(zone) == 5:
        zone = f"{zone[:3]}:{zone[3:]}"
    return f"{day}T{found[4]}:{found[5]}:{found[6] or '00'}{zone}"


def _from_words(text: str) -> str:
    plain = " ".join(_ORDINAL.sub("", text).split())
    for pattern in _FORMATS:
        try:
            return datetime.strptime(plain, pattern).date().isoformat()
        except ValueError:
            continue
    try:
        return parsedate_to_datetime(plain).isoformat()
    except (TypeError, ValueError, IndexError):
        return ""


def _day(year: int, month: int, day: int) -> str:
    if not 1900 <= year <= 2100:  # 0001-01-01 is what a database says for "none"
        return ""
    try:
        return datetime(year, month, day).date().isoformat()
    except ValueError:
        return ""
