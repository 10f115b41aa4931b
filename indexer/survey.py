"""What a run learns before it visits pages: robots.txt, where the site lives, its soft 404s, sitemaps and feeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from indexer import robots, sitemaps, soft404, urls
from indexer.complexity import too_complex
from indexer.crawl_report import CrawlReport
from indexer.fetch import Fetched
from indexer.frontier import Frontier
from indexer.gate import REDIRECTS, Gate
from indexer.robots import Robots
from indexer.scope import Scope, siblings
from indexer.soft404 import Soft404
from indexer.state import State
from searchd.settings import CrawlSettings, SiteSettings

_DAY_S: Final = 86_400.0


class Survey:
    """Asks the site about itself. Answers without validators are believed for ``recheck_s`` seconds."""

    def __init__(
        self,
        gate: Gate,
        state: State,
        site: SiteSettings,
        settings: CrawlSettings,
        scope: Scope,
        report: CrawlReport,
        now: Callable[[], float],
    ) -> None:
        self.gate, self.state, self.site, self.settings = gate, state, site, settings
        self.scope, self.report, self.now = scope, report, now
        self.start = urls.normalise(site.url)
        self.rules: dict[str, Robots] = {}

    def rules_of(self, origin: str) -> Robots:
        """The rules of one of the site's origins."""
        return self.rules.get(origin) or Robots(self.settings.user_agent, 404)

    # robots.txt

    async def robots(self) -> None:
        """Read robots.txt of every origin, and slow down as far as it asks."""
        self.scope.take_in(self.state.get_fact("siblings") or [])
        for origin in sorted(self.scope.origins):
            await self._read_robots(origin)
        trouble = self.rules[urls.origin(self.start)].trouble
        self.report.robots_ok = not trouble
        if trouble:
            self.report.problems.append(f"robots.txt: {trouble}; nothing may be fetched (RFC 9309, 2.3.1.4)")

    async def _read_robots(self, origin: str) -> None:
        rules = await self._robots_of(origin)
        self.rules[origin] = rules
        throttle = self.gate.throttle
        if rules.delay_s > throttle.delay_s:
            throttle.delay_s = rules.delay_s
            if rules.delay_s >= 5:
                self.report.problems.append(f"robots.txt of {origin} asks for {rules.delay_s:g} s between requests")
        if rules.delay_s:
            throttle.max_concurrency = 1  # a site that counts seconds means one request at a time
        if not rules.open_at(self.now()):
            self.gate.halt.reason = f"outside of the visit time that robots.txt of {origin} names"

    async def _robots_of(self, origin: str) -> Robots:
        if not self.gate.source.has_robots:
            return Robots(self.settings.user_agent, 404)
        fact = self.state.get_fact(f"robots {origin}")
        if fact and self._fresh(fact["at"]):
            return robots.judge(fact["status"], fact["body"], self.settings.user_agent)
        fetched = await self.gate.follow(f"{origin}/robots.txt", robots.MAX_REDIRECTS)
        text = robots.read(fetched.body)
        rules = robots.judge(fetched.status, text, self.settings.user_agent, fetched.error)
        if not rules.trouble:
            self.state.put_fact(f"robots {origin}", {"at": self.now(), "status": fetched.status, "body": text})
        return rules

    # where the site lives

    async def adopt_sibling(self) -> Fetched | None:
        """Follow a start page that moved to https or to www.: the site is there now.

        Asked once, while the start page is no page in hand; the start page's answer is returned, to be used once more.
        """
        page = self.state.page(self.start)
        if page is not None and page.kind in ("page", "redirect"):
            return None
        fetched = await self.gate.get(self.start)
        target = urls.normalise(fetched.headers.get("Location", ""), self.start)
        if fetched.status not in REDIRECTS or not target or self.scope.on_site(target):
            return fetched
        if siblings(self.start, target):
            origin = urls.origin(target)
            self.scope.take_in([origin])
            self.state.put_fact("siblings", [*(self.state.get_fact("siblings") or []), origin])
            self.report.problems.append(f"{self.start} redirects to {target}: crawling that; set url to it")
            await self._read_robots(origin)
        return fetched

    # soft 404s

    async def probe(self, soft_404: Soft404) -> None:
        """Learn what the site answers for pages that cannot exist."""
        stored = self.state.get_fact("soft 404")
        if stored and self._fresh(stored["at"]):
            soft_404.texts.extend(stored["texts"])
        else:
            for url in soft404.probes(self.start):
                fetched = await self.gate.follow(url, self.settings.max_redirects)
                if 200 <= fetched.status < 300 and fetched.body.strip() and not too_complex(fetched.body):
                    soft_404.learn(url, fetched.body)
            self.state.put_fact("soft 404", {"at": self.now(), "texts": soft_404.texts})
        home = self.state.page(self.start)
        if soft_404.texts and home is not None and home.kind == "page":
            soft_404.template = soft404.word_pairs(soft404.visible_text(home.url, self.state.body(home)))
            self.report.problems.append(
                "the site answers 200 for a page that cannot exist; pages that look like that answer are left out"
            )

    # sitemaps and feeds

    async def sitemaps(self, frontier: Frontier, page_feeds: Iterable[str]) -> None:
        """Offer every page that sitemaps and feeds name."""
        wanted = [url for rules in self.rules.values() for url in rules.sitemaps] + list(self.site.sitemaps)
        queue = [*wanted, *self.site.feeds, *page_feeds]
        guessed = f"{urls.origin(self.start)}/sitemap.xml"
        if not wanted and self.settings.autodetect_sitemap and self.gate.source.has_robots:
            queue.append(guessed)
        seen: set[str] = set()
        while queue and not self.gate.halt:
            url = urls.normalise(queue.pop(0), self.start)
            if not url or url in seen or self._fresh(self.state.get_fact(f"absent {url}") or 0.0):
                continue
            if len(seen) >= self.settings.max_sitemaps:
                self.report.skip("limit sitemaps", f"{url}: {self.settings.max_sitemaps} files were read; max_sitemaps")
                continue
            seen.add(url)
            queue += await self._sitemap(url, frontier, silent=url == guessed)

    async def _sitemap(self, url: str, frontier: Frontier, *, silent: bool) -> list[str]:
        """Read one file; its child sitemaps."""
        fetched = await self.gate.follow(url, self.settings.max_redirects, sitemaps.MAX_BYTES)
        if fetched.status != 200 or fetched.error:
            if silent and 400 <= fetched.status < 500:
                self.state.put_fact(f"absent {url}", self.now())
            else:
                self.report.problems.append(f"sitemap {url}: {fetched.error or f'status {fetched.status}'}")
            return []
        found = sitemaps.parse(fetched.body)
        if found.problem and (not silent or found.entries):
            self.report.problems.append(f"sitemap {url}: {found.problem}")
        frontier.offer_entries(found.entries, url, "sitemap")
        return found.children

    def _fresh(self, at: float) -> bool:
        return self.now() - at < min(self.settings.recheck_s, _DAY_S)
