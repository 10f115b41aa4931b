"""One run over one site: robots.txt, start pages, sitemaps, then every address that waits, and a report.

The network is asynchronous, everything else happens between two awaits in one thread, so there are no locks.
"""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from indexer import urls
from indexer.addresses import is_loopback
from indexer.browser import needs_scripts
from indexer.crawl_report import CrawlReport, Progress
from indexer.explain import site_scope
from indexer.fetch import Fetched, Secrets
from indexer.frontier import LEFT_OUT, Frontier
from indexer.gate import Gate, Halt, passing
from indexer.settle import HTML, Settler
from indexer.soft404 import Soft404
from indexer.sources import open_source
from indexer.state import Page, State
from indexer.survey import Survey
from indexer.throttle import Throttle
from indexer.window import Window
from searchd.errors import ConfigError, SiteError
from searchd.settings import CrawlSettings, SiteSettings

__all__ = ["CrawlReport", "Progress", "crawl"]

REMOTE_DELAY_S: Final = 0.1  # between two requests to a host that is not this machine, unless the owner says otherwise
COMMIT_EVERY_S: Final = 0.5
COMMIT_EVERY_PAGES: Final = 16  # so many answers at most are asked for again after a kill -9
IN_RUN_CONFIRMATION_S: Final = 60.0  # a longer gone_confirm_s waits for a later run
SHARE_ASKED_OUT: Final = 0.2  # of a site's pages, from which it is worth a line that they ask to be left out
MIN_ASKED_OUT: Final = 10
SITE_IS_UP: Final = "is the site up, and the address right?"


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
    if not urls.normalise(site.url):
        raise ConfigError(f"{site.url!r} is no web address", "start it with https:// or http://")
    halt = Halt(Window.parse(settings.window), now, stop or threading.Event())
    try:
        return asyncio.run(_go(site, settings, state, halt, now, progress))
    finally:
        state.commit()


async def _go(
    site: SiteSettings,
    settings: CrawlSettings,
    state: State,
    halt: Halt,
    now: Callable[[], float],
    progress: Callable[[Progress], None] | None,
) -> CrawlReport:
    began = time.monotonic()
    scope = site_scope(site)
    async with open_source(site, settings, scope.origins, Secrets.from_environment(settings)) as source:
        gate = Gate(source, settings, Throttle(settings.max_concurrency, _delay(site, settings)), halt, now)
        run, resumed = state.begin_run(now(), settings.resume_within_s)
        report = CrawlReport.from_facts(state.get_fact("report") or {}) if resumed else CrawlReport()
        report.problems[:] = _advice(site, settings)
        survey = Survey(gate, state, site, settings, scope, report, now)
        frontier = Frontier(state, settings, scope, survey.rules_of, report, run)
        work = Run(survey, frontier, run, progress)
        if not halt:
            await work.go(resumed=resumed)
        report.requests = source.requests
    report.duration_s = time.monotonic() - began
    work.conclude()
    return report


class Run:
    """Visits every address that waits."""

    def __init__(
        self, survey: Survey, frontier: Frontier, run: int, progress: Callable[[Progress], None] | None
    ) -> None:
        self.survey, self.frontier, self.run, self.progress = survey, frontier, run, progress
        self.gate, self.state, self.settings = survey.gate, survey.state, survey.settings
        self.report, self.now, self.halt = survey.report, survey.now, survey.gate.halt
        self.soft_404 = Soft404()
        self.settler = Settler(self.state, self.settings, frontier, self.soft_404, self.report, run)
        self._committed, self._uncommitted = time.monotonic(), 0

    async def go(self, *, resumed: bool) -> None:
        """Do all of it. Raises SiteError when there is nothing to crawl."""
        survey, frontier = self.survey, self.frontier
        await survey.robots()
        if not self.report.robots_ok:
            self._give_up()
            return
        first = await survey.adopt_sibling()
        frontier.load(self.now(), resumed=resumed)
        frontier.seed((survey.start, *survey.site.start), "start")
        frontier.seed(self.gate.source.listed(), "list")
        await self._start_page(first)
        if self.halt:
            return
        await survey.probe(self.soft_404)
        await survey.sitemaps(frontier, self._feeds())
        await self._visit_all()
        if not self.halt:
            await self._confirm_gone()

    def conclude(self) -> None:
        """Write everything down. Raises SiteError when the site has no page at all."""
        report = self.report
        if self.halt.reason:
            report.problems.append(f"cut short: {self.halt.reason}")
        report.problems += [
            f"most pages name {target} as their canonical: not believed, the pages stay"
            for target in self.state.identities().broken_templates
        ]
        report.problems += self._left_out()
        asked_out = self._asked_out()
        report.problems += asked_out
        report.complete = not self.halt.reason and report.robots_ok
        self.frontier.flush()
        if report.complete:
            self.state.finish_run(self.run, self.now())
        self._commit()
        hint = "is this the site that visitors see, or a copy under test?" if asked_out else SITE_IS_UP
        self._require_pages(self.survey.start, "; ".join(report.problems) or "no page to index", hint)

    def _asked_out(self) -> list[str]:
        """What the pages themselves say against an index, where many do: a template's mistake looks the same."""
        counts = self.state.counts()
        in_hand = counts["pages"] + counts["noindex"] + counts["elsewhere"]
        reasons = {"noindex": "ask not to be indexed (noindex)", "elsewhere": "name another site's page as canonical"}
        return [
            f"{counts[key]} of {in_hand} pages {reason} and are left out"
            for key, reason in reasons.items()
            if counts[key] == in_hand > 0 or counts[key] >= max(MIN_ASKED_OUT, SHARE_ASKED_OUT * in_hand)
        ]

    def _left_out(self) -> list[str]:
        """What the bounds of the crawl cut off, in this run or, while its pages rest unread, in an earlier one."""
        cut: dict[str, list[Any]] = self.state.get_fact(LEFT_OUT) or {}
        for reason, count in self.report.skipped.items():
            if reason.startswith(("trap ", "limit")):
                cut[reason] = [max(count, cut.get(reason, [0])[0]), self.report.examples[reason]]
        self.state.put_fact(LEFT_OUT, cut)
        return [
            f"{count} {'address was' if count == 1 else 'addresses were'} left out, like {example}: "
            "raise that setting of [crawl] for articles, name others in exclude_paths"
            for count, example in cut.values()
        ]

    async def _start_page(self, first: Fetched | None) -> None:
        """Fetch the start page before anything else: a site that is down is not knocked at a thousand times.

        ``first`` is its answer if it was asked for already.
        """
        self.frontier.flush()
        start = self.survey.start
        page = self.state.page(start)
        if page is None or page.skipped:
            why = page.skipped if page else "; ".join(self.report.examples.values())
            raise SiteError(f"{start} may not be crawled: {why}", "look at robots.txt, include_paths and exclude_paths")
        for _ in range(self.settings.max_redirects + 1):
            if page.done_run < self.run:
                await self._visit(page, first)
                self.frontier.flush()
                first = None
            following = self.state.page(page.target) if page.kind == "redirect" else None
            if following is None:
                break
            page = following
        if not self.halt:
            self._judge_start(page)

    def _give_up(self) -> None:
        """Robots.txt forbids everything: a site that says nothing at all is down, a 5xx is for the guard to judge."""
        rules = self.survey.rules_of(urls.origin(self.survey.start))
        if not rules.status and not self.halt:
            raise SiteError(f"{self.survey.start} does not answer: robots.txt: {rules.trouble}", "is the site up?")
        self._require_pages(self.survey.start, rules.trouble)

    def _judge_start(self, page: Page) -> None:
        self.report.start_page_ok = page.kind == "page" and not page.error
        if not self.gate.source.has_robots:
            self.report.start_page_ok = True  # a folder lists its pages; it may do without a first one
            return
        if self.report.start_page_ok:
            if page.content_type not in HTML:
                raise SiteError(f"{page.url} is {page.content_type}, not HTML", _hint(page))
            rendered = self.settings.browser_when_empty or self.settings.browser_patterns
            if not rendered and needs_scripts(self.state.body(page)):
                self.report.problems.append(
                    f"start page {page.url} has next to no text without JavaScript: if visitors see more there, set "
                    "crawl.browser_when_empty and install echolot[js] and chromium"
                )
            return
        why = page.error or "redirects without end"
        if passing(Fetched(page.url, page.status, error=page.error)):
            raise SiteError(f"{page.url} does not answer: {why}", _hint(page))
        self._require_pages(page.url, why, _hint(page))
        self.report.problems.append(f"start page {page.url}: {why}")

    def _require_pages(self, url: str, why: str, hint: str = SITE_IS_UP) -> None:
        if not self.state.counts()["pages"]:
            raise SiteError(f"{url}: {why}", hint)

    def _feeds(self) -> list[str]:
        """Feeds that the start pages name; remembered, since an unchanged page is not parsed again."""
        if self.settler.feeds:
            self.state.put_fact("feeds", list(self.settler.feeds))
        return list(self.state.get_fact("feeds") or [])

    # the pages

    async def _visit_all(self) -> None:
        tasks: set[asyncio.Task[None]] = set()
        done: set[asyncio.Task[None]] = set()
        try:
            while True:
                while len(tasks) < self.gate.throttle.limit and not self.halt and (page := self.frontier.next()):
                    tasks.add(asyncio.create_task(self._visit(page)))
                if not tasks:
                    return
                done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                self._uncommitted += len(done)
                if self._uncommitted >= COMMIT_EVERY_PAGES or time.monotonic() - self._committed > COMMIT_EVERY_S:
                    self._commit()
        finally:  # tasks are left when one failed, as on a full disk
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, *done, return_exceptions=True)

    async def _visit(self, page: Page, fetched: Fetched | None = None) -> None:
        fetched = fetched or await self._ask(page)
        if fetched.status or not self.halt.reason:  # what was given up half-way waits for the next run
            self.settler.settle(page, fetched, self.now())
        self.frontier.done(page)

    async def _ask(self, page: Page) -> Fetched:
        trouble = self.survey.rules_of(urls.origin(page.url)).trouble
        if trouble:
            return Fetched(page.url, 0, error=f"robots: {trouble}")
        etag, modified = (page.etag, page.modified) if page.kind == "page" else ("", "")
        return await self.gate.get(page.url, etag=etag, modified=modified)

    async def _confirm_gone(self) -> None:
        """Ask a second time for pages that were missing, when the rest of the site is well."""
        suspects = self.state.suspects(self.run)
        if not suspects or self.settings.gone_confirm_s > IN_RUN_CONFIRMATION_S:
            return
        pages = self.state.counts()["pages"]
        if len(suspects) > max(self.settings.guard_min_pages, self.settings.guard_shrink_share * pages):
            self.report.problems.append(
                f"{len(suspects)} of {pages} pages were not found; their copies stay until a later run confirms it"
            )
            return
        await self.gate.rest(max(page.gone_since for page in suspects) + self.settings.gone_confirm_s - self.now())
        for page in suspects:
            if self.halt:
                return
            await self._visit(page)

    def _commit(self) -> None:
        """Make what we have safe, and say how far we are."""
        self.frontier.flush()
        self.state.put_fact("report", dataclasses.asdict(self.report))
        self.state.commit()
        self._committed, self._uncommitted = time.monotonic(), 0
        if self.progress is not None:
            self.progress(Progress(self.report.fetched, self.frontier.waiting))


def _advice(site: SiteSettings, settings: CrawlSettings) -> list[str]:
    if settings.contact or not _remote(site):
        return []
    return ["no contact is set (crawl.contact): whoever runs the site cannot ask you about these requests"]


def _remote(site: SiteSettings) -> bool:
    return not site.folder and not is_loopback(urls.host(urls.normalise(site.url)))


def _delay(site: SiteSettings, settings: CrawlSettings) -> float:
    """Seconds between two requests, before robots.txt has its say."""
    if settings.requests_per_s > 0:
        return 1.0 / settings.requests_per_s
    return REMOTE_DELAY_S if _remote(site) else 0.0


def _hint(page: Page) -> str:
    if page.status in (401, 403):
        return "set auth_env, headers_env or cookies_env if the site needs a login"
    if page.kind in ("page", "refused"):
        return "set url to an HTML page that links to the others"
    return "is the site up, and the address right?"
