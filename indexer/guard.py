"""The publish guard: an index is never emptied because the site had a bad hour. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from indexer.crawl_report import CrawlReport, counted
from searchd.settings import CrawlSettings


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a snapshot holds."""

    pages: int
    passages: int


def judge(report: CrawlReport, before: Counts | None, after: Counts, settings: CrawlSettings) -> list[str]:
    """Reasons not to publish, in words; none = go. ``before`` is the served snapshot, None when there is none.

    Shares count once ``guard_min_pages`` pages, or as many passages as those have, are concerned: a site of three pages
    may lose one of them, or it could never change. A site that loses all its pages is refused whatever its size.
    """
    reasons: list[str] = []
    if not report.robots_ok:
        reasons.append("robots.txt could not be read, so nothing may be fetched")
    if not report.start_page_ok:
        reasons.append("the start page failed")
    if not report.complete:
        reasons.append("the crawl was cut short")
    asked, failed = report.fetched, report.failures
    if failed >= settings.guard_min_pages and failed > settings.guard_failed_share * asked:
        share = f"{100 * failed / asked:.1f} %"
        reasons.append(f"{failed} of {asked} fetches failed ({share}: {counted(report.failed)}; guard_failed_share)")
    if report.suspect >= settings.guard_min_pages and report.suspect > settings.guard_shrink_share * asked:
        reasons.append(f"{report.suspect} of {asked} pages were not found this time (guard_shrink_share)")
    if before is not None:
        reasons += _shrunk("pages", before.pages, after.pages, 1.0, settings)
        reasons += _shrunk("passages", before.passages, after.passages, before.passages / (before.pages or 1), settings)
    return reasons


def _shrunk(what: str, before: int, after: int, per_page: float, settings: CrawlSettings) -> list[str]:
    if before and not after:
        return [f"no {what} are left of {before}"]
    lost = before - after
    if lost < settings.guard_min_pages * per_page or lost <= settings.guard_shrink_share * before:
        return []
    return [f"{what} fell from {before} to {after} (by {100 * lost / before:.1f} %; guard_shrink_share)"]
