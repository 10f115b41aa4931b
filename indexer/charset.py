"""Bytes of a page -> text, as browsers do it (HTML standard, 13.2.3.2 "Determining the character encoding").

Leaf module: pure, never raises.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

PRESCAN_BYTES: Final = 4096  # the standard asks for 1024; real pages put the declaration later
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META: Final = re.compile(rb"""<meta\s[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_XML: Final = re.compile(rb"""^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)""", re.IGNORECASE)
_HEADER: Final = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)

# Labels whose WHATWG meaning differs from Python's, or that Python does not know (encoding.spec.whatwg.org).
_WHATWG: Final = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "ansi_x3.4-1968": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "l1": "cp1252",
    "x-cp1252": "cp1252",
    "iso-8859-9": "cp1254",
    "latin5": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "iso-8859-8-i": "iso-8859-8",
    "logical": "iso-8859-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "chinese": "gb18030",
    "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "x-x-big5": "big5hkscs",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "ms_kanji": "cp932",
    "windows-31j": "cp932",
    "x-euc-jp": "euc_jp",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601-1989": "cp949",
    "ksc5601": "cp949",
    "korean": "cp949",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "unicode-1-1-utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-16": "utf-16-le",
    "dos-874": "cp874",
}
# What browsers decode; Python's registry also holds codecs (rot13, idna, utf-7, zip) that no page may ask for.
_NAMES: Final = """
utf-8 utf-16-le utf-16-be cp866 cp874 cp932 cp949 gb18030 big5hkscs euc_jp iso2022_jp koi8-r koi8-u mac-roman
mac-cyrillic iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-10 iso8859-13 iso8859-14
iso8859-15 iso8859-16 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
"""
_ALLOWED: Final = frozenset(_NAMES.split())


def codec(label: str) -> str:
    """Python's codec name for an encoding label of the web, "" when browsers know no such encoding."""
    label = label.strip().lower()
    try:
        name = codecs.lookup(_WHATWG.get(label, label)).name
    except (LookupError, ValueError):
        return ""
    return name if name in _ALLOWED else ""


def header_charset(content_type: str) -> str:
    """The codec that a Content-Type header names, "" without one."""
    found = _HEADER.search(content_type)
    return codec(found[1]) if found else ""


def declared(body: bytes) -> str:
    """The codec that the page itself declares (meta, XML declaration), "" without one."""
    head = body[:PRESCAN_BYTES]
    found = _META.search(head) or _XML.match(head)
    name = codec(found[1].decode("ascii", "replace")) if found else ""
    return "utf-8" if name.startswith("utf-16") else name  # a page we could read as ASCII is no UTF-16


def detect(body: bytes, content_type: str = "") -> str:
    """The codec of a page: byte order mark, header, declaration, UTF-8 if it is valid, else windows-1252.

    One step beyond the standard: a body that is valid UTF-8 beyond ASCII is UTF-8 even where a header or a
    declaration says Latin-1, since servers add that as a default and such text never looks like UTF-8 by accident.
    """
    for mark, name in _BOMS:
        if body.startswith(mark):
            return name
    name = header_charset(content_type) or declared(body)
    if name in ("", "cp1252") and _is_utf8(body):
        return "utf-8"
    return name or "cp1252"


def decode(body: bytes, content_type: str = "") -> str:
    """The page's text; undecodable bytes become U+FFFD, a byte order mark is dropped."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    return body.decode(detect(body, content_type), "replace")


def as_utf8(body: bytes, content_type: str = "") -> bytes:
    """The page in UTF-8, the very bytes where they are that already; undecodable bytes become U+FFFD."""
    name = detect(body, content_type)
    if name == "utf-8" and not body.startswith(codecs.BOM_UTF8) and _is_utf8(body):
        return body
    return decode(body, content_type).encode("utf-8", "ignore")


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
