"""The guard's arithmetic: what is refused, and what a small site may do."""

from __future__ import annotations

import dataclasses

import pytest

from indexer.crawl_report import CrawlReport
from indexer.guard import Counts, judge
from searchd.settings import CrawlSettings

GOOD = CrawlReport(fetched=200, start_page_ok=True, robots_ok=True, complete=True)
LIMITS = CrawlSettings()


def reasons(before: tuple[int, int] | None, after: tuple[int, int], **changes: object) -> list[str]:
    report = CrawlReport.from_facts({**dataclasses.asdict(GOOD), **changes})
    return judge(report, Counts(*before) if before else None, Counts(*after), LIMITS)


def test_a_good_crawl_is_published() -> None:
    assert reasons((200, 1000), (200, 1000)) == []
    assert reasons((200, 1000), (181, 905)) == []
    assert reasons(None, (3, 9)) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start_page_ok": False}, "start page"),
        ({"robots_ok": False}, "robots.txt"),
        ({"complete": False}, "cut short"),
        ({"failed": {"timeout": 8, "status 500": 3}}, "11 of 200 fetches failed (5.5 %: 8 timeout, 3 status 500"),
        ({"suspect": 21}, "21 of 200 pages were not found"),
    ],
)
def test_a_bad_crawl_is_refused_with_its_reason(changes: dict[str, object], words: str) -> None:
    (reason,) = reasons((200, 1000), (200, 1000), **changes)
    assert words in reason


def test_five_per_cent_of_failures_are_borne() -> None:
    assert reasons((200, 1000), (200, 1000), failed={"timeout": 10}) == []


def test_pages_or_passages_that_fell_are_refused() -> None:
    assert reasons((200, 1000), (179, 1000)) == ["pages fell from 200 to 179 (by 10.5 %; guard_shrink_share)"]
    assert reasons((200, 1000), (200, 899)) == ["passages fell from 1000 to 899 (by 10.1 %; guard_shrink_share)"]


def test_a_tiny_site_may_lose_a_page_but_not_all() -> None:
    assert reasons((3, 9), (2, 5), fetched=3) == []
    assert reasons((3, 9), (0, 0), fetched=3) == ["no pages are left of 3", "no passages are left of 9"]
    assert reasons((3, 9), (3, 9), fetched=3, failed={"timeout": 1}) == []


def test_the_limits_are_settings() -> None:
    strict = dataclasses.replace(LIMITS, guard_shrink_share=0.01, guard_failed_share=0.001, guard_min_pages=1)
    report = dataclasses.replace(GOOD, failed={"timeout": 1})
    assert len(judge(report, Counts(200, 1000), Counts(190, 950), strict)) == 3


def test_a_report_survives_being_written_down() -> None:
    report = dataclasses.replace(GOOD, failed={"timeout": 1}, skipped={"robots": 2})
    assert CrawlReport.from_facts({**dataclasses.asdict(report), "unknown": 1}) == report
    assert "1 timeout" in report.summary()
    assert "2 robots" in report.summary()
