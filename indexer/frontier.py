"""Which addresses a run asks for: everything found is offered here and judged once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from indexer import urls
from indexer.crawl_report import CrawlReport
from indexer.links import Link
from indexer.robots import Robots
from indexer.scope import Scope
from indexer.sitemaps import Entry
from indexer.state import Page, State
from indexer.traps import Traps
from searchd.settings import CrawlSettings

LEFT_OUT = "left_out"  # the state's fact: reason -> [addresses that a bound cut off, one with the bound]
_BATCH = 1000  # addresses taken from the state at once
_DAY_S = 86_400.0


class Frontier:
    """Judges addresses by scope, robots.txt, traps and limits, and hands out those that wait for their visit.

    The queue itself is in the state, so it survives the process. ``robots`` maps an origin to its rules.
    """

    def __init__(
        self,
        state: State,
        settings: CrawlSettings,
        scope: Scope,
        robots: Callable[[str], Robots],
        report: CrawlReport,
        run: int,
    ) -> None:
        self.state, self.settings, self.scope, self.robots = state, settings, scope, robots
        self.report, self.run = report, run
        self.drop = frozenset(name.lower() for name in settings.drop_parameters)
        self._known: set[str] = set()
        self._resting: set[str] = set()
        self._rejected: dict[str, str] = {}
        self._new: list[Page] = []
        self._ready: list[Page] = []
        self._busy: set[int] = set()
        self._room = settings.max_pages
        self._traps = Traps(settings)
        self.waiting = 0

    def load(self, now: float, *, resumed: bool = False) -> None:
        """Take up the known addresses: judge them again by today's rules, let rest what need not be asked for."""
        if resumed:
            self.report.failed.clear()
            self.report.suspect = 0
        for page in self.state.pages():
            self._known.add(page.url)
            reason = self._forbidden(page.url, entry=page.source == "start")
            if reason != page.skipped:
                page.skipped = reason
                self.state.save(page)
            if reason:
                if not resumed:
                    self.report.skip(reason.partition(":")[0], page.url)
                continue
            self._room -= page.kind in ("page", "new")
            if resumed and page.done_run == self.run and page.error and page.kind in ("page", "new"):
                self._ask_again(page)
            if page.done_run < self.run and self._rests(page, now):
                page.done_run = self.run
                self.state.save(page)
                self._resting.add(page.url)
        self._traps = Traps(self.settings, self._known)
        self._offer_again()
        self.waiting = self.state.count_waiting(self.run)

    def _offer_again(self) -> None:
        """After a change of the rules, look again at the links of all pages: what was outside may be inside now."""
        limits = self.settings
        rules = [
            sorted(self.scope.origins), self.scope.patterns, sorted(self.drop), limits.follow_links, limits.max_pages,
            limits.max_depth, limits.max_url_length, limits.max_path_segments, limits.max_segment_repeats,
            limits.max_per_pattern, limits.max_facets_per_path,
        ]  # fmt: skip
        if self.state.get_fact("rules") == rules:
            return
        if limits.follow_links:
            for _, depth, found in self.state.links():
                for link in found:
                    self.offer(link.url, depth + 1, "link")
        self.state.put_fact("rules", rules)
        self.state.put_fact(LEFT_OUT, {})

    def seed(self, addresses: Iterable[str], source: str) -> None:
        """Offer start pages and listed addresses: at depth 0, past the traps, since a person wrote them down."""
        for address in addresses:
            url = urls.normalise(address, drop=self.drop)
            if url:
                self.offer(url, 0, source, trusted=True)

    def offer_entries(self, entries: Iterable[Entry], base: str, source: str) -> int:
        """Offer what a sitemap or feed names; how many were addresses of the site. Lastmod is a hint to go."""
        accepted = 0
        for entry in entries:
            url = urls.normalise(entry.url, base, self.drop)
            if url and self.offer(url, 1, source, trusted=True, lastmod=entry.lastmod):
                accepted += 1
            for lang, href in entry.alternates:
                other = urls.normalise(href, base, self.drop)
                if other:
                    self.offer(other, 1, source, trusted=True, lang=lang)
        return accepted

    def offer_links(self, page: Page, found: Iterable[Link]) -> None:
        """Offer the links of a page."""
        if self.settings.follow_links:
            for link in found:
                self.offer(link.url, page.depth + 1, "link")

    def offer(
        self,
        url: str,
        depth: int,
        source: str,
        *,
        hops: int = 0,
        trusted: bool = False,
        lang: str = "",
        lastmod: float = 0.0,
    ) -> bool:
        """Queue a normalised address unless it is known or not wanted; whether it belongs to the site."""
        if url in self._known:
            self._wake(url, lastmod)
            return True
        if url in self._rejected and not (trusted and self._pardoned(url)):
            return False
        reason = self._unwanted(url, depth, source, trusted=trusted)
        if reason:
            self._reject(url, reason, trusted=trusted)
            return False
        self._known.add(url)
        self._room -= 1
        self.waiting += 1
        self._new.append(Page(0, url, depth, source, hops, lang=lang, sitemap_at=lastmod))
        return True

    def known(self, url: str) -> bool:
        """Whether an address is in the state or about to be."""
        return url in self._known

    def next(self) -> Page | None:
        """An address to visit, None when all are answered or under way."""
        if not self._ready:
            self.flush()
            waiting = self.state.waiting(self.run, _BATCH)
            self._ready = [page for page in reversed(waiting) if page.id not in self._busy]
        if not self._ready:
            return None
        page = self._ready.pop()
        self._busy.add(page.id)
        return page

    def done(self, page: Page) -> None:
        """A visit has ended and is recorded."""
        self._busy.discard(page.id)
        self.waiting = max(0, self.waiting - 1)

    def flush(self) -> None:
        """Write newly found addresses down."""
        if self._new:
            self.state.add(self._new)
            self._new.clear()

    def _wake(self, url: str, lastmod: float) -> None:
        """A changed page or a sitemap points to an address that rests: it gets its visit after all."""
        if url not in self._resting:
            return
        self.flush()
        page = self.state.page(url)
        if page is None or (page.kind == "page" and lastmod <= page.fetched_at):
            return
        self._resting.discard(url)
        page.done_run, page.sitemap_at = self.run - 1, max(lastmod, page.sitemap_at)
        self.state.save(page)
        self.waiting += 1

    def _ask_again(self, page: Page) -> None:
        """What failed before the run was cut short may be well now."""
        page.done_run = self.run - 1
        self.state.save(page)
        self.report.fetched -= 1

    def _rests(self, page: Page, now: float) -> bool:
        if page.depth == 0 or (page.error and page.kind in ("page", "new")):
            return False
        age = now - page.checked_at
        if page.kind in ("redirect", "gone", "refused"):
            return age < min(self.settings.recheck_s, _DAY_S)
        adaptive = self.settings.recrawl == "adaptive" and page.kind == "page" and not page.gone_since
        return adaptive and age < page.interval_s and page.sitemap_at <= page.fetched_at

    def _unwanted(self, url: str, depth: int, source: str, *, trusted: bool) -> str:
        reason = self._forbidden(url, entry=source == "start")
        if reason:
            return reason
        if not trusted:
            verdict = self._traps.judge(url, depth)
            if verdict is not None:
                return f"trap {verdict.kind}: {verdict.why}; {verdict.setting}"
        if self._room <= 0:
            return f"limit: {self.settings.max_pages} pages are known; max_pages"
        return ""

    def _forbidden(self, url: str, *, entry: bool = False) -> str:
        reason = self.scope.reason(url, entry=entry)
        if reason:
            return ("elsewhere: " if not self.scope.on_site(url) else "scope: ") + reason
        rules = self.robots(urls.origin(url))
        return "" if rules.trouble or rules.allows(url) else "robots: robots.txt disallows it"

    def _pardoned(self, url: str) -> bool:
        """A link looked like a trap, and now a sitemap vouches for it."""
        kind = self._rejected[url]
        if not kind.startswith("trap"):
            return False
        del self._rejected[url]
        self.report.unskip(kind)
        return True

    def _reject(self, url: str, reason: str, *, trusted: bool) -> None:
        kind, _, why = reason.partition(": ")
        if len(self._rejected) < self.settings.max_pages:  # bounded: a trap's addresses are without end
            self._rejected[url] = kind
        if trusted or kind != "elsewhere":  # links to other sites are no news, a sitemap full of them is
            self.report.skip(kind, f"{url}: {why}")
