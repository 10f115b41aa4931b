"""robots.txt by RFC 9309. Pure: a status and a body in, decisions out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from protego import Protego

MAX_BYTES: Final = 512_000  # RFC 9309, 2.5: at least 500 KiB are parsed; what lies beyond is not read
MAX_REDIRECTS: Final = 5  # RFC 9309, 2.3.1.2


@dataclass(frozen=True, slots=True)
class Robots:
    """One host's answer to the question for robots.txt.

    ``status`` is the HTTP status, 0 for a network error. ``trouble`` says why everything is forbidden for now
    (RFC 9309, 2.3.1.4: server and network errors mean complete disallow), "" when the file could be obeyed.
    """

    agent: str
    status: int
    trouble: str = ""
    rules: Protego | None = field(default=None, repr=False)

    def allows(self, url: str) -> bool:
        """Whether the crawler may fetch the URL."""
        if self.trouble:
            return False
        return self.rules is None or bool(self.rules.can_fetch(url, self.agent))

    @property
    def delay_s(self) -> float:
        """Seconds between two requests that the site asks for (Crawl-delay or Request-rate); 0 when it does not."""
        if self.rules is None:
            return 0.0
        rate = self.rules.request_rate(self.agent)
        by_rate = rate.seconds / rate.requests if rate and rate.requests else 0.0
        return max(float(self.rules.crawl_delay(self.agent) or 0.0), by_rate)

    @property
    def sitemaps(self) -> tuple[str, ...]:
        """Addresses of the Sitemap lines."""
        return tuple(self.rules.sitemaps) if self.rules else ()

    def open_at(self, when: float) -> bool:
        """Whether the Visit-time line (hours in UTC) allows a request at ``when`` (seconds since 1970)."""
        window = self.rules.visit_time(self.agent) if self.rules else None
        if window is None:
            return True
        clock = datetime.fromtimestamp(when, UTC).time()
        if window.start_time <= window.end_time:
            return bool(window.start_time <= clock <= window.end_time)
        return bool(clock >= window.start_time or clock <= window.end_time)


def read(body: bytes) -> str:
    """The lines that count: what lies beyond the limit is dropped, a line that crosses it included."""
    text = body[:MAX_BYTES].decode("utf-8", "replace").removeprefix("\ufeff")
    text = re.sub(r"\r\n?", "\n", text)
    # Half a rule could forbid or allow more than the owner wrote.
    return text.rpartition("\n")[0] if len(body) > MAX_BYTES else text


def judge(status: int, text: str, agent: str, error: str = "") -> Robots:
    """Rules from an answer: 2xx is parsed, 4xx allows all, 5xx, 429, network errors and unreadable bodies forbid all.

    429 counts as trouble although it is a 4xx: a site that asks us to slow down has not said "go on". So does a 2xx
    with an ``error`` (damaged compression, megabytes): the site has rules, and we do not know them.
    """
    if 200 <= status < 300 and not error:
        return Robots(agent, status, rules=Protego.parse(text))
    if 400 <= status < 500 and status != 429:
        return Robots(agent, status)
    if 300 <= status < 400:  # RFC 9309, 2.3.1.2: more than five redirects may count as unavailable
        return Robots(agent, status)
    return Robots(agent, status, trouble=error or f"robots.txt answered {status}")


def meta_directives(values: Iterable[str], agent: str) -> frozenset[str]:
    """Directives (noindex, nofollow ...) of X-Robots-Tag values or robots meta tags that concern ``agent``.

    ``otherbot: noindex`` is another crawler's business; ``none`` means noindex and nofollow.
    """
    found: set[str] = set()
    for value in values:
        concerned = True
        for part in value.lower().split(","):
            name, colon, rest = part.partition(":")
            if colon and not name.strip().startswith(("max-", "unavailable_after")):
                concerned = name.strip() in (agent.lower(), "robots", "*")
                part = rest
            if concerned:
                found.add(part.strip())
    if "none" in found:
        found |= {"noindex", "nofollow"}
    return frozenset(found & {"noindex", "nofollow"})
