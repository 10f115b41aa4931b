"""From an answer to what is remembered: the rules for keeping, replacing and deleting a page's copy.

An address loses its copy by being answered 404 or 410 twice (or its likes: soft 404, a redirect off the site), by
noindex, by a redirect or a canonical to another page. Nothing else deletes: not a time-out, a 5xx, a 429, a 403, an
empty body, a body too large or of a foreign type.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from indexer import charset, links, urls
from indexer.complexity import too_complex
from indexer.crawl_report import CrawlReport
from indexer.fetch import Fetched
from indexer.frontier import Frontier
from indexer.gate import REDIRECTS
from indexer.links import PageLinks
from indexer.soft404 import Soft404
from indexer.state import OTHER_TYPE, Page, State
from searchd.settings import CrawlSettings

HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
_GROW, _SHRINK = 2.0, 0.5  # adaptive interval after an unchanged, a changed answer


class Settler:
    """Applies one answer to one page, and offers what the page leads to."""

    def __init__(
        self,
        state: State,
        settings: CrawlSettings,
        frontier: Frontier,
        soft_404: Soft404,
        report: CrawlReport,
        run: int,
    ) -> None:
        self.state, self.settings, self.frontier = state, settings, frontier
        self.soft_404, self.report, self.run = soft_404, report, run
        self.feeds: dict[str, None] = {}
        self.accepted = frozenset(kind.lower() for kind in settings.content_types)

    def settle(self, page: Page, fetched: Fetched, now: float) -> None:
        """Record the answer. A second look in the same run counts in place of the first."""
        if page.done_run == self.run:
            self.report.suspect -= 1
        else:
            self.report.fetched += 1
        page.done_run, page.checked_at, page.status = self.run, now, fetched.status
        status = fetched.status
        if status == 304 and page.kind == "page":
            self._unchanged(page, fetched, now)
            self.report.not_modified += 1
        elif status in REDIRECTS:
            self._redirect(page, fetched.headers.get("Location", ""), now)
        elif status in (404, 410):
            self._missing(page, f"status {status}", now)
        elif 200 <= status < 300 and not fetched.error:
            self._good(page, fetched, now)
        else:
            self._failed(page, *_reason(fetched))
        self.state.save(page)

    def _good(self, page: Page, fetched: Fetched, now: float) -> None:
        kind = fetched.content_type or _sniff(fetched.body)
        if kind not in self.accepted:
            self._failed(page, "type", f"{OTHER_TYPE}{kind or 'of no known type'}")
            return
        if not fetched.body or fetched.body.isspace():
            self._failed(page, "empty", "the answer is empty")
            return
        digest = hashlib.blake2b(fetched.body, digest_size=16).hexdigest()
        if page.kind == "page" and digest == page.content_hash and self._header(fetched) == page.robots_header:
            self._unchanged(page, fetched, now)
            return
        if kind in HTML and (why := too_complex(fetched.body)):
            self._failed(page, "complex", why)
            return
        found = self._parse(page, fetched, kind)
        if self.soft_404.matches(page.url, fetched.body if kind in HTML else b""):
            self._missing(page, "soft 404: it looks like the answer for a page that cannot exist", now)
            return
        if found.refresh and found.refresh != page.url:
            self._redirect(page, found.refresh, now)
            return
        self._count_change(page, now)
        page.kind, page.error, page.gone_since, page.target = "page", "", 0.0, ""
        page.fetched_at, page.content_hash, page.content_type = now, digest, kind
        page.charset = charset.header_charset(fetched.headers.get("Content-Type", ""))
        page.lang = found.lang or fetched.headers.get("Content-Language", "") or page.lang
        page.noindex, page.canonical = found.noindex, found.canonical
        self._validators(page, fetched)
        self.state.put_body(page, fetched.body, found.links, fetched.packed)
        self._follow(page, found)

    def _unchanged(self, page: Page, fetched: Fetched, now: float) -> None:
        self.report.unchanged += 1
        page.fetched_at, page.error, page.gone_since = now, "", 0.0
        page.interval_s = min(self.settings.max_interval_s, page.interval_s * _GROW)
        if fetched.status != 304:
            self._validators(page, fetched)

    def _count_change(self, page: Page, now: float) -> None:
        fresh = page.kind != "page"
        self.report.new += fresh
        self.report.changed += not fresh
        page.changed_at = now
        shorter = self.settings.min_interval_s if fresh else page.interval_s * _SHRINK
        page.interval_s = max(self.settings.min_interval_s, shorter)

    def _validators(self, page: Page, fetched: Fetched) -> None:
        page.etag = _validator(fetched.headers.get("ETag", ""))
        page.modified = _validator(fetched.headers.get("Last-Modified", ""))
        page.robots_header = self._header(fetched)

    @staticmethod
    def _header(fetched: Fetched) -> str:
        return "\n".join(links.header_values(fetched.headers, "X-Robots-Tag"))

    def _parse(self, page: Page, fetched: Fetched, kind: str) -> PageLinks:
        headers: Mapping[str, str] = fetched.headers
        body = fetched.body if kind in HTML else b""
        return links.parse(body, page.url, headers, agent=self.settings.user_agent, drop=self.frontier.drop)

    def _follow(self, page: Page, found: PageLinks) -> None:
        self.frontier.offer_links(page, found.links)
        for lang, url in found.alternates:
            self.frontier.offer(url, page.depth + 1, "hreflang", lang=lang)
        if found.canonical and found.canonical != page.url:
            self.frontier.offer(found.canonical, page.depth, "canonical")
        if page.depth == 0 and found.feeds:
            self.feeds.update(dict.fromkeys(found.feeds))
        if found.truncated:
            self.report.skip("many links", f"{page.url}: only the first {links.MAX_LINKS} links are read")

    def _redirect(self, page: Page, location: str, now: float) -> None:
        target = urls.normalise(location, page.url, self.frontier.drop) if location else ""
        if not target:
            self._failed(page, "redirect", f"redirect to {location[:200]!r}, which is no web address")
            return
        if target == page.url:
            self._failed(page, "redirect", "redirects to itself")
            return
        if page.hops >= self.settings.max_redirects:
            self._failed(page, "redirect", f"more than {self.settings.max_redirects} redirects in a row")
            return
        trusted = page.depth == 0
        if not self.frontier.offer(target, page.depth, "redirect", hops=page.hops + 1, trusted=trusted):
            self._missing(page, f"redirects off the site or to where we may not go: {target}", now)
            return
        self.report.redirects += 1
        self._drop_copy(page)
        page.kind, page.target, page.error, page.gone_since = "redirect", target, "", 0.0

    def _missing(self, page: Page, why: str, now: float) -> None:
        """One sighting of a missing page; a copy goes with the second one, ``gone_confirm_s`` after the first."""
        if page.kind != "page":
            self.report.missing += 1
            page.kind, page.error, page.target = "gone", why, ""
            return
        page.error = why
        if not page.gone_since:
            page.gone_since = now
            self.report.suspect += 1
            return
        if now - page.gone_since >= self.settings.gone_confirm_s:
            self.report.gone += 1
            self._drop_copy(page)
            page.kind = "gone"
        else:
            self.report.suspect += 1

    def _failed(self, page: Page, reason: str, why: str) -> None:
        """The copy stays. A page that was never in hand and is refused for good is no failure of the site."""
        page.error = why
        if page.kind != "page" and reason in ("type", "forbidden", "too_large", "complex", "blocked", "redirect"):
            page.kind = "refused"
            self.report.refused += 1
            if reason != "type":
                self.report.skip(reason, f"{page.url}: {why}")
        else:
            self.report.fail(reason, f"{page.url}: {why}")

    def _drop_copy(self, page: Page) -> None:
        if page.kind == "page":
            self.state.drop_body(page)
        page.etag = page.modified = page.content_hash = page.canonical = page.robots_header = ""
        page.noindex, page.gone_since = False, 0.0


def _validator(value: str) -> str:
    """A validator that can be sent back; others are none."""
    return value if value.isascii() and value.isprintable() else ""


def _reason(fetched: Fetched) -> tuple[str, str]:
    """A short name for counting and a sentence."""
    if fetched.error:
        return fetched.error.partition(":")[0], fetched.error
    status = fetched.status
    if status in (401, 403, 407, 451):
        return "forbidden", f"status {status}"
    if 400 <= status < 500 and status != 429:
        return "client error", f"status {status}"
    return f"status {status}", f"status {status}"


def _sniff(body: bytes) -> str:
    head = body[:512].lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "text/html"
    return "application/pdf" if head.startswith(b"%pdf-") else ""
