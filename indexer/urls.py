"""URLs as the crawler compares them. Leaf module: pure, never raises.

Parsing is the WHATWG URL standard's (ada). On top of it: fragments, credentials, tracking and session parameters go,
percent-escapes take one spelling (RFC 3986, 6.2.2), the path's case stays.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

import ada_url

MAX_INPUT: Final = 8192  # an href longer than this is data, not an address

_TRACKING_NAMES: Final = """
gclid gclsrc dclid gbraid wbraid fbclid msclkid yclid twclid ttclid igshid mc_cid mc_eid _ga _gl _hsenc _hsmi mkt_tok
vero_id oly_anon_id oly_enc_id wickedid s_cid icid ncid epik srsltid
"""
_SESSION_NAMES: Final = "phpsessid jsessionid sid sessionid session_id aspsessionid cfid cftoken zenid"
TRACKING: Final = frozenset(_TRACKING_NAMES.split())
SESSION: Final = frozenset(_SESSION_NAMES.split())
_TRACKING_PREFIXES: Final = ("utm_", "pk_", "mtm_", "hsa_", "aspsessionid")
_PATH_SESSION: Final = re.compile(r";(?:jsessionid|phpsessid|sid|sessionid)=[^/?#;]*", re.IGNORECASE)
_ASP_SESSION: Final = re.compile(r"/\([SAF]\([a-z0-9]{20,}\)\)(?=/)", re.IGNORECASE)
_ESCAPE: Final = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_STRIPPED: Final = "".join(map(chr, range(0x21)))  # C0 controls and space, as the standard has it


def normalise(href: str, base: str | None = None, drop: Collection[str] = ()) -> str:
    """The address that ``href`` means on the page ``base``, in its one spelling; "" when it is no web address.

    ``drop`` names query parameters (lower case) that mean nothing on this site.
    """
    if len(href) > MAX_INPUT:
        return ""
    href = href.strip(_STRIPPED)
    if href[:1] in ("", "?", "#"):
        return _resolved(href, base or "", drop)
    return _in_folder(href, folder(base) if base else "", tuple(drop))


@lru_cache(maxsize=65_536)
def _in_folder(href: str, base: str, drop: tuple[str, ...]) -> str:
    """Pages of one folder have the same links again and again."""
    return _resolved(href, base, drop)


def _resolved(href: str, base: str, drop: Collection[str]) -> str:
    try:
        url = ada_url.join_url(base, href) if base else ada_url.URL(href).href
    except (ValueError, UnicodeError):
        return ""
    if not url.startswith(("http://", "https://")):
        return ""
    url = url.partition("#")[0]
    if "@" in url:
        url = _without_credentials(url)
    if "%" in url:
        url = _ESCAPE.sub(_one_spelling, url)
    if ";" in url or "/(" in url:
        url = _ASP_SESSION.sub("", _PATH_SESSION.sub("", url.replace("&amp;", "&")))
    if "?" in url:
        url = _without_tracking(url, drop)
    return url


def origin(url: str) -> str:
    """Scheme, host and port of a normalised URL: ``https://example.org``."""
    end = url.find("/", url.find("//") + 2)
    return url if end < 0 else url[:end]


@lru_cache(maxsize=1024)
def folder(url: str) -> str:
    """The address up to the last slash of its path, against which most links resolve."""
    start = len(origin(url))
    return url[:start] + (url[start:].partition("?")[0].rpartition("/")[0] + "/")


def host(url: str) -> str:
    """The host name of a normalised URL, without port and brackets."""
    netloc = origin(url).partition("//")[2]
    if netloc.startswith("["):
        return netloc[1:].partition("]")[0]
    return netloc.partition(":")[0]


def path(url: str) -> str:
    """Path and query of a normalised URL, the part that patterns match."""
    return url[len(origin(url)) :] or "/"


def _without_credentials(url: str) -> str:
    scheme, _, rest = url.partition("//")
    netloc, slash, tail = rest.partition("/")
    return f"{scheme}//{netloc.rpartition('@')[2]}{slash}{tail}"


def _one_spelling(escape: re.Match[str]) -> str:
    char = chr(int(escape[1], 16))
    return char if char in _UNRESERVED else escape[0].upper()


def _without_tracking(url: str, drop: Collection[str]) -> str:
    head, _, query = url.partition("?")
    kept = [part for part in query.split("&") if part and not _is_noise(part, drop)]
    return f"{head}?{'&'.join(kept)}" if kept else head


def _is_noise(parameter: str, drop: Collection[str]) -> bool:
    name = parameter.partition("=")[0].lower()
    return name in TRACKING or name in SESSION or name in drop or name.startswith(_TRACKING_PREFIXES)
