"""The second run asks politely whether anything changed, and touches nothing else."""

from __future__ import annotations

import pytest

from indexer import links
from tests.crawl.conftest import Clock, Crawler
from tests.crawl.server import Asked, Reply, Web

HTML = {"Content-Type": "text/html"}
DAY = 86_400.0


@pytest.fixture(autouse=True)
def site_of_four_pages(web: Web) -> None:
    web.page("/", "x", "/a", "/b", "/missing")
    web.page("/a", "a", "/b")
    web.page("/b", "b")


def test_when_nothing_changed_every_answer_is_304_and_nothing_is_parsed(
    web: Web, site: Crawler, monkeypatch: pytest.MonkeyPatch
) -> None:
    site(recheck_s=900.0)
    monkeypatch.setattr(links, "parse", None)
    report = site(recheck_s=900.0)
    assert sorted(asked.path for asked in web.log) == ["/", "/a", "/b"]
    assert all("If-None-Match" in asked.headers for asked in web.log)
    assert report.not_modified == report.fetched == 3


def test_one_page_changed_one_removed_one_added(web: Web, site: Crawler) -> None:
    site(recheck_s=900.0)
    web.page("/a", "changed", "/b", "/c")
    web.page("/c", "new")
    del web.pages["/b"]
    report = site(recheck_s=900.0)
    assert (report.new, report.changed, report.gone, report.unchanged) == (1, 1, 1, 1)
    assert site.paths() == ["/", "/a", "/c"]
    assert b"changed" in site.documents()["/a"].body


def test_a_broken_link_is_tried_again_when_a_page_that_has_it_changes(web: Web, site: Crawler) -> None:
    site(recheck_s=900.0)
    web.page("/missing")
    site(recheck_s=900.0)
    assert "/missing" not in site.paths()
    web.page("/", "edited", "/a", "/b", "/missing")
    site(recheck_s=900.0)
    assert "/missing" in site.paths()


def test_a_broken_link_is_tried_again_after_the_recheck_time(web: Web, site: Crawler, clock: Clock) -> None:
    site(recheck_s=900.0)
    web.page("/missing")
    clock.pass_by(901)
    site(recheck_s=900.0)
    assert "/missing" in site.paths()


def test_last_modified_serves_where_there_is_no_etag(web: Web, site: Crawler) -> None:
    when = "Mon, 04 May 2026 08:00:00 GMT"

    def answer(asked: Asked) -> Reply:
        known = asked.headers.get("If-Modified-Since") == when
        return Reply(304) if known else Reply(200, "a", {**HTML, "Last-Modified": when})

    web.pages["/a"] = answer
    site()
    assert site().not_modified == 3


def test_a_server_without_validators_is_compared_by_content(web: Web, site: Crawler) -> None:
    web.pages["/a"] = Reply(200, "a", HTML)
    site()
    report = site()
    assert (report.changed, report.unchanged) == (0, 3)


def test_a_new_etag_for_the_same_content_is_remembered(web: Web, site: Crawler) -> None:
    web.pages["/a"] = Reply(200, "a", {**HTML, "ETag": '"1"'})
    site()
    web.pages["/a"] = Reply(200, "a", {**HTML, "ETag": '"2"'})
    site()
    site()
    assert web.asked("/a")[0].headers["If-None-Match"] == '"2"'


def test_pages_return_to_the_index_when_noindex_is_taken_back(web: Web, site: Crawler) -> None:
    web.page("/a", "a", "/b", head='<meta name="robots" content="noindex">')
    site()
    web.page("/a", "a", "/b")
    site()
    assert "/a" in site.paths()


def test_adaptive_visits_are_rarer_for_pages_that_never_change(web: Web, site: Crawler, clock: Clock) -> None:
    def visited() -> bool:
        site(recrawl="adaptive")
        return web.asked("/a") != []

    assert visited()
    clock.pass_by(DAY / 2)
    assert not visited()
    clock.pass_by(DAY)
    assert visited()
    clock.pass_by(1.5 * DAY)
    assert not visited()
    clock.pass_by(DAY)
    assert visited()


def test_adaptive_visits_become_frequent_again_after_a_change(web: Web, site: Crawler, clock: Clock) -> None:
    site(recrawl="adaptive")
    for _ in range(6):
        clock.pass_by(40 * DAY)
        site(recrawl="adaptive")
    page = site.state.page(web.url("/a"))
    assert page is not None
    assert page.interval_s == 30 * DAY
    web.page("/a", "changed")
    clock.pass_by(40 * DAY)
    site(recrawl="adaptive")
    page = site.state.page(web.url("/a"))
    assert page is not None
    assert page.interval_s == 15 * DAY


def test_a_sitemap_date_is_a_hint_to_go_and_never_one_to_stay(web: Web, site: Crawler, clock: Clock) -> None:
    def sitemap(lastmod: str) -> str:
        return f"<urlset><url><loc>{web.url('/a')}</loc><lastmod>{lastmod}</lastmod></url></urlset>"

    web.document("/sitemap.xml", sitemap("2020-01-01"), "application/xml")
    site(recrawl="adaptive")
    site(recrawl="adaptive")
    assert web.asked("/a") == []
    web.document("/sitemap.xml", sitemap("2033-01-01"), "application/xml")
    site(recrawl="adaptive")
    assert web.asked("/a") != []
    web.document("/sitemap.xml", sitemap("1999-01-01"), "application/xml")
    clock.pass_by(3 * DAY)
    site(recrawl="adaptive")
    assert web.asked("/a") != []


def test_every_run_asks_for_every_page_by_default(web: Web, site: Crawler) -> None:
    site()
    site()
    assert set(web.paths()) == {"/", "/a", "/b", "/missing"}
