"""One run over one site: robots.txt, start pages, sitemaps, then every address that waits, and a report.

The network is asynchronous, everything else happens between two awaits in one thread, so there are no locks.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from indexer import robots, sitemaps, soft404, urls
from indexer.addresses import is_loopback
from indexer.crawl_report import CrawlReport, Progress
from indexer.fetch import Fetched, Secrets
from indexer.frontier import Frontier
from indexer.robots import Robots
from indexer.scope import Scope
from indexer.settle import HTML, REDIRECTS, Settler
from indexer.soft404 import Soft404
from indexer.sources import Source, open_source
from indexer.state import Page, State
from indexer.throttle import Throttle
from indexer.window import Window
from searchd.errors import ConfigError, SiteError
from searchd.settings import CrawlSettings, SiteSettings

__all__ = ["CrawlReport", "Progress", "crawl"]

REMOTE_DELAY_S = 0.1  # between two requests to a host that is not this machine, unless the owner says otherwise
COMMIT_EVERY_S = 0.5
IN_RUN_CONFIRMATION_S = 60.0  # a longer gone_confirm_s waits for a later run
_RETRY = frozenset({"timeout", "connect", "protocol"})


def crawl(
    site: SiteSettings,
    settings: CrawlSettings,
    state: State,
    *,
    now: Callable[[], float] = time.time,
    progress: Callable[[Progress], None] | None = None,
    stop: threading.Event | None = None,
) -> CrawlReport:
    """Fetch what is new or changed and remember it in ``state``. ``stop`` set: finish soon; the next run continues.

    Raises SiteError when the site does not answer, its start page is not HTML, or it has no page at all; ConfigError
    when the address or the settings make no sense.
    """
    start = urls.normalise(site.url)
    if not start:
        raise ConfigError(f"{site.url!r} is no web address", "start it with https:// or http://")
    run = Run(site, settings, state, start, now, progress, stop or threading.Event())
    try:
        return asyncio.run(run.go())
    finally:
        state.commit()


class Run:
    """The state of one crawl while it runs."""

    def __init__(
        self,
        site: SiteSettings,
        settings: CrawlSettings,
        state: State,
        start: str,
        now: Callable[[], float],
        progress: Callable[[Progress], None] | None,
        stop: threading.Event,
    ) -> None:
        self.site, self.settings, self.state, self.start = site, settings, state, start
        self.now, self.progress, self.stop = now, progress, stop
        self.window = Window.parse(settings.window)
        seeds = [urls.normalise(address) for address in (*site.start, *site.hosts)]
        self.scope = Scope({urls.origin(url) for url in (start, *seeds) if url}, site.include_paths, site.exclude_paths)
        self.report = CrawlReport()
        self.run, self.resumed = state.begin_run(now(), settings.resume_within_s)
        self.rules: dict[str, Robots] = {}
        self.soft_404 = Soft404()
        self.frontier = Frontier(state, settings, self.scope, self._rules, self.report, self.run)
        self.settler = Settler(state, settings, self.frontier, self.soft_404, self.report, self.run)
        self.throttle = Throttle(settings.max_concurrency, self._own_delay())
        self.failures_in_row = 0
        self.cut = ""
        self._committed = time.monotonic()

    async def go(self) -> CrawlReport:
        """Do all of it."""
        began = time.monotonic()
        if not self.window.open_at(self.now()):
            self.cut = f"outside of the time window {self.settings.window}"
        else:
            secrets = Secrets.from_environment(self.settings)
            async with open_source(self.site, self.settings, self.scope.origins, secrets) as source:
                self.source: Source = source
                await self._work()
                self.report.requests = source.requests
        self._conclude(time.monotonic() - began)
        return self.report

    async def _work(self) -> None:
        await self._read_robots()
        self.frontier.load(self.now())
        if not self.report.robots_ok:
            return
        self.frontier.seed((self.start, *self.site.start), "start")
        self.frontier.seed(self.source.listed(), "list")
        await self._start_page()
        await self._probe()
        await self._read_sitemaps()
        await self._visit_all()
        if not self.cut:
            await self._confirm_gone()

    # before the pages

    async def _read_robots(self) -> None:
        for origin in sorted(self.scope.origins):
            self.rules[origin] = await self._robots_of(origin)
        main = self.rules[urls.origin(self.start)]
        self.report.robots_ok = not main.trouble
        if main.trouble:
            self.report.problems.append(f"robots.txt: {main.trouble}; nothing may be fetched (RFC 9309, 2.3.1.4)")
        self.throttle.delay_s = max(self.throttle.delay_s, *(rules.delay_s for rules in self.rules.values()))
        if not main.open_at(self.now()):
            self.cut = "outside of the visit time that robots.txt names"

    async def _robots_of(self, origin: str) -> Robots:
        if not self.source.has_robots:
            return Robots(self.settings.user_agent, 404)
        fact = self.state.get_fact(f"robots {origin}")
        if fact and self.now() - fact["at"] < min(self.settings.recheck_s, 86_400.0):
            return robots.judge(fact["status"], fact["body"].encode(), self.settings.user_agent)
        fetched = await self._follow(f"{origin}/robots.txt", robots.MAX_REDIRECTS, robots.MAX_BYTES * 2)
        rules = robots.judge(fetched.status, fetched.body, self.settings.user_agent, fetched.error)
        if not rules.trouble:
            body = fetched.body[: robots.MAX_BYTES].decode("utf-8", "replace")
            self.state.put_fact(f"robots {origin}", {"at": self.now(), "status": fetched.status, "body": body})
        return rules

    async def _start_page(self) -> None:
        """Fetch the start page before anything else: a site that is down is not knocked at a thousand times."""
        self.frontier.flush()
        page = self.state.page(self.start)
        if page is None or page.skipped:
            reason = page.skipped if page else self.report.examples.get("robots", "outside of the scope")
            raise SiteError(f"{self.start} may not be crawled: {reason}", "look at robots.txt and exclude_paths")
        for _ in range(self.settings.max_redirects + 1):
            if page.done_run < self.run:
                await self._visit(page)
            following = self.state.page(page.target) if page.kind == "redirect" else None
            if following is None:
                break
            page = following
        self.report.start_page_ok = page.kind == "page" and not page.error
        if not self.report.start_page_ok and not self._has_pages():
            raise SiteError(f"{self.start}: {page.error or 'redirects without end'}", _hint(page))
        if not self.report.start_page_ok:
            self.report.problems.append(f"start page {page.url}: {page.error}")
        elif page.content_type not in HTML:
            raise SiteError(f"{page.url} is {page.content_type}, not HTML", _hint(page))

    def _has_pages(self) -> bool:
        return self.state.counts()["pages"] > 0

    async def _probe(self) -> None:
        """Learn what the site answers for pages that cannot exist."""
        stored = self.state.get_fact("soft 404")
        if stored and self.now() - stored["at"] < self.settings.recheck_s:
            self.soft_404.texts.extend(stored["texts"])
        else:
            for url in soft404.probes(self.start):
                fetched = await self._follow(url, self.settings.max_redirects)
                if 200 <= fetched.status < 300 and fetched.body.strip():
                    self.soft_404.learn(url, fetched.body)
            self.state.put_fact("soft 404", {"at": self.now(), "texts": self.soft_404.texts})
        home = self.state.page(self.start)
        if self.soft_404.texts and home is not None and home.kind == "page":
            self.soft_404.template = soft404.word_pairs(soft404.visible_text(home.url, self.state.body(home)))
            self.report.problems.append(
                "the site answers 200 for a page that cannot exist; pages that look like that answer are left out"
            )

    async def _read_sitemaps(self) -> None:
        queue = [url for rules in self.rules.values() for url in rules.sitemaps] + list(self.site.sitemaps)
        asked_for = set(queue)
        guessed = f"{urls.origin(self.start)}/sitemap.xml"
        if not queue and self.settings.autodetect_sitemap and self.source.has_robots and not self._absent(guessed):
            queue = [guessed]
        queue += self.site.feeds
        seen: set[str] = set()
        while queue and not self._should_stop():
            url = urls.normalise(queue.pop(0), self.start)
            if not url or url in seen:
                continue
            if len(seen) >= self.settings.max_sitemaps:
                self.report.skip("sitemap limit", f"{url}: {self.settings.max_sitemaps} files were read; max_sitemaps")
                continue
            seen.add(url)
            queue += await self._read_sitemap(url, wanted=url in asked_for)

    async def _read_sitemap(self, url: str, *, wanted: bool) -> list[str]:
        fetched = await self._follow(url, self.settings.max_redirects, sitemaps.MAX_BYTES)
        if fetched.status != 200 or fetched.error:
            self.state.put_fact(f"absent {url}", self.now())
            if wanted:
                self.report.problems.append(f"sitemap {url}: {fetched.error or f'status {fetched.status}'}")
            return []
        found = sitemaps.parse(fetched.body)
        if found.problem and (wanted or found.entries):
            self.report.problems.append(f"sitemap {url}: {found.problem}")
        self.frontier.offer_entries(found.entries, url, "sitemap")
        return found.children

    def _absent(self, url: str) -> bool:
        return self.now() - (self.state.get_fact(f"absent {url}") or 0.0) < self.settings.recheck_s

    async def _follow(self, url: str, hops: int, limit: int = 0) -> Fetched:
        """Fetch something that is no page (robots.txt, a sitemap, a probe), with its redirects."""
        fetched = await self.source.get(url, limit=limit)
        for _ in range(hops):
            target = urls.normalise(fetched.headers.get("Location", ""), fetched.url)
            if fetched.status not in REDIRECTS or not target:
                break
            fetched = await self.source.get(target, limit=limit)
        return fetched

    # the pages

    async def _visit_all(self) -> None:
        tasks: set[asyncio.Task[None]] = set()
        while True:
            wait = self._launch(tasks)
            if not tasks and (wait is None or self._should_stop()):
                return
            if tasks:
                _, tasks = await asyncio.wait(tasks, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            elif wait:
                await asyncio.sleep(min(wait, 1.0))
            self._breathe()

    def _launch(self, tasks: set[asyncio.Task[None]]) -> float | None:
        """Start as many visits as the throttle allows; seconds until the next may start, None when nothing waits."""
        while len(tasks) < self.throttle.limit and not self._should_stop():
            wait = self.throttle.wait_s(time.monotonic())
            if wait > 0:
                return wait
            page = self.frontier.next()
            if page is None:
                return None
            tasks.add(asyncio.create_task(self._visit(page)))
        return None

    async def _visit(self, page: Page) -> None:
        try:
            fetched = await self._get(page)
            self.settler.settle(page, fetched, self.now())
        finally:
            self.frontier.done(page)

    async def _get(self, page: Page) -> Fetched:
        """Ask, and ask again after passing troubles."""
        etag, modified = (page.etag, page.modified) if page.kind == "page" else ("", "")
        for attempt in range(self.settings.retries + 1):
            self.throttle.started(time.monotonic())
            fetched = await self.source.get(page.url, etag=etag, modified=modified)
            if not _passing(fetched):
                self.failures_in_row = 0
                self.throttle.answered(fetched.elapsed_s)
                return fetched
            pause = self._pause(fetched, attempt)
            self.throttle.strained(time.monotonic(), pause)
            if attempt == self.settings.retries or self._should_stop():
                break
            await asyncio.sleep(pause)
        self.failures_in_row += 1
        if self.failures_in_row >= self.settings.max_failures_in_row:
            why = fetched.error or f"status {fetched.status}"
            self.cut = f"{self.failures_in_row} fetches in a row failed, the last with {why}"
        return fetched

    def _pause(self, fetched: Fetched, attempt: int) -> float:
        asked = retry_after(fetched.headers.get("Retry-After", ""), self.now())
        if asked > self.settings.max_retry_after_s:
            self.cut = f"the site asks for a pause of {asked:.0f} s (max_retry_after_s)"
            return 0.0
        return max(asked, self.settings.retry_wait_s * float(1 << attempt))

    async def _confirm_gone(self) -> None:
        """Ask a second time for pages that were missing, when the rest of the site is well."""
        suspects = self.state.suspects(self.run)
        if not suspects or self.settings.gone_confirm_s > IN_RUN_CONFIRMATION_S:
            return
        pages = self.state.counts()["pages"]
        if len(suspects) > max(self.settings.guard_min_pages, self.settings.guard_shrink_share * pages):
            self.report.problems.append(
                f"{len(suspects)} of {pages} pages were not found; they keep them until a later run confirms it"
            )
            return
        wait = max(page.gone_since for page in suspects) + self.settings.gone_confirm_s - self.now()
        if wait > 0:
            await asyncio.sleep(wait)
        for page in suspects:
            if self._should_stop():
                return
            self.report.suspect -= 1
            self.report.fetched -= 1
            await self._visit(page)

    # around it

    def _should_stop(self) -> bool:
        if not self.cut and self.stop.is_set():
            self.cut = "stopped"
        if not self.cut and not self.window.open_at(self.now()):
            self.cut = f"the time window {self.settings.window} closed"
        return bool(self.cut)

    def _breathe(self) -> None:
        """Commit now and then, and say how far we are."""
        if time.monotonic() - self._committed < COMMIT_EVERY_S:
            return
        self.frontier.flush()
        self.state.commit()
        self._committed = time.monotonic()
        self._tell()

    def _tell(self) -> None:
        if self.progress is not None:
            self.progress(Progress(self.report.fetched, self.frontier.waiting))

    def _conclude(self, duration_s: float) -> None:
        report = self.report
        report.duration_s = duration_s
        if self.cut:
            report.problems.append(f"cut short: {self.cut}")
        report.complete = not self.cut and report.robots_ok
        self.frontier.flush()
        if report.complete:
            self.state.finish_run(self.run, self.now())
        self.state.commit()
        self._tell()
        if not self._has_pages():
            raise SiteError(f"{self.start}: no page to index", "; ".join(report.problems) or "see explain-url")

    def _own_delay(self) -> float:
        if self.settings.requests_per_s > 0:
            return 1.0 / self.settings.requests_per_s
        return 0.0 if self.site.folder or is_loopback(urls.host(self.start)) else REMOTE_DELAY_S

    def _rules(self, origin: str) -> Robots:
        return self.rules.get(origin) or Robots(self.settings.user_agent, 404)


def retry_after(value: str, now: float) -> float:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3): a number or a date; 0 without one."""
    value = value.strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now) if value else 0.0
    except ValueError:
        return 0.0


def _passing(fetched: Fetched) -> bool:
    if fetched.status == 0:
        return fetched.error.partition(":")[0] in _RETRY
    return fetched.status == 429 or (fetched.status >= 500 and fetched.status not in (501, 505))


def _hint(page: Page) -> str:
    if page.status in (401, 403):
        return "set auth_env, headers_env or cookies_env if the site needs a login"
    if page.kind in ("page", "refused"):
        return "set url to an HTML page that links to the others"
    return "is the site up, and the address right?"
