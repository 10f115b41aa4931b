"""Which addresses belong to the site. Pure.

Patterns speak the language of robots.txt (RFC 9309, 2.2.3): a prefix of path and query, ``*`` for anything, ``$`` for
the end. A pattern that starts with http:// or https:// matches the whole address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from indexer import urls


class Scope:
    """The site's origins and its include and exclude patterns."""

    def __init__(self, origins: Iterable[str], include: Iterable[str] = (), exclude: Iterable[str] = ()) -> None:
        self.origins = frozenset[str]()
        self._prefixes: tuple[str, ...] = ()
        self.take_in(origins)
        self.patterns = [list(include), list(exclude)]
        self._include = [(pattern, _compile(pattern)) for pattern in self.patterns[0]]
        self._exclude = [(pattern, _compile(pattern)) for pattern in self.patterns[1]]

    def take_in(self, origins: Iterable[str]) -> None:
        """Add origins to the site."""
        self.origins |= frozenset(origins)
        self._prefixes = tuple(f"{origin}/" for origin in sorted(self.origins))

    def on_site(self, url: str) -> bool:
        """Whether a normalised URL lies on one of the site's origins."""
        return url.startswith(self._prefixes)

    def reason(self, url: str, *, entry: bool = False) -> str:
        """Why a normalised URL is outside, in words; "" when it belongs to the site.

        An ``entry`` (a start page) needs no include pattern: it leads to what is included.
        """
        if not url.startswith(self._prefixes):
            return f"another host: {urls.origin(url)} is none of {', '.join(sorted(self.origins))}"
        if not self._include and not self._exclude:
            return ""
        path = urls.path(url)
        if self._include and not entry and not any(_matches(rule, path, url) for _, rule in self._include):
            return "no include pattern matches"
        for pattern, rule in self._exclude:
            if _matches(rule, path, url):
                return f"exclude pattern {pattern}"
        return ""


def siblings(one: str, other: str) -> bool:
    """Whether two addresses differ in nothing but scheme (and its port) and a leading www. in their origins."""
    return _bare_host(one) == _bare_host(other) and bool(_bare_host(one))


def _bare_host(url: str) -> str:
    origin = urls.origin(url)
    if origin.count(":") > 1:
        return ""  # a port was written: such a site is where it is
    return urls.host(url).removeprefix("www.")


def matches_any(patterns: Iterable[str], url: str) -> bool:
    """Whether one of the patterns matches a normalised URL."""
    path = urls.path(url)
    return any(_matches(_compile(pattern), path, url) for pattern in patterns)


def _matches(rule: tuple[bool, re.Pattern[str]], path: str, url: str) -> bool:
    absolute, regex = rule
    return regex.match(url if absolute else path) is not None


def _compile(pattern: str) -> tuple[bool, re.Pattern[str]]:
    end = pattern.endswith("$")
    body = ".*".join(re.escape(part) for part in pattern.removesuffix("$").split("*"))
    return pattern.startswith(("http://", "https://")), re.compile(body + ("$" if end else ""), re.DOTALL)
