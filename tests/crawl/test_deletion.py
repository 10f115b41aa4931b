"""When a page leaves the index, and when it must not."""

from __future__ import annotations

import pytest

from indexer.guard import Counts, judge
from searchd.errors import SiteError
from searchd.settings import CrawlSettings
from tests.crawl.conftest import Clock, Crawler
from tests.crawl.server import Reply, Web

PATHS = [f"/p{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
HTML = {"Content-Type": "text/html"}


@pytest.fixture(autouse=True)
def site_of_27_pages(web: Web) -> None:
    web.page("/", "x", *PATHS)
    for path in PATHS:
        web.page(path)


def refused(site: Crawler, report: object) -> list[str]:
    from indexer.crawl_report import CrawlReport

    assert isinstance(report, CrawlReport)
    after = Counts(len(site.paths()), 10 * len(site.paths()))
    return judge(report, Counts(27, 270), after, CrawlSettings())


@pytest.mark.parametrize("status", [404, 410])
def test_a_removed_page_is_gone_after_a_second_look_in_the_same_run(web: Web, site: Crawler, status: int) -> None:
    site()
    web.pages["/pb"] = Reply(status)
    report = site()
    assert len(web.asked("/pb")) == 2
    assert report.gone == 1
    assert report.suspect == 0
    assert "/pb" not in site.paths()
    assert refused(site, report) == []


def test_one_404_is_not_enough(web: Web, site: Crawler) -> None:
    site()
    found = web.pages["/pb"]
    answers = [Reply(404)]
    web.pages["/pb"] = lambda asked: answers.pop() if answers else found(asked)  # type: ignore[operator]
    report = site()
    assert report.gone == 0
    assert "/pb" in site.paths()


def test_a_longer_confirmation_time_waits_for_a_later_run(web: Web, site: Crawler, clock: Clock) -> None:
    day = 86_400.0
    site()
    del web.pages["/pb"]
    report = site(gone_confirm_s=day)
    assert (report.suspect, report.gone) == (1, 0)
    clock.pass_by(day / 2)
    site(gone_confirm_s=day)
    assert "/pb" in site.paths()
    clock.pass_by(day)
    report = site(gone_confirm_s=day)
    assert report.gone == 1
    assert "/pb" not in site.paths()


def test_a_page_that_comes_back_starts_anew(web: Web, site: Crawler, clock: Clock) -> None:
    site()
    found = web.pages.pop("/pb")
    site(gone_confirm_s=86_400.0)
    web.pages["/pb"] = found
    clock.pass_by(86_400)
    site(gone_confirm_s=86_400.0)
    del web.pages["/pb"]
    site(gone_confirm_s=86_400.0)
    assert "/pb" in site.paths()


def test_many_pages_missing_at_once_are_not_confirmed_in_the_same_run(web: Web, site: Crawler) -> None:
    site()
    for path in PATHS[:9]:
        del web.pages[path]
    report = site()
    assert report.gone == 0
    assert len(site.paths()) == 27
    assert any("9 of 27" in problem for problem in report.problems)
    assert site().gone == 9


def test_noindex_deletes_at_once(web: Web, site: Crawler) -> None:
    site()
    web.page("/pb", head='<meta name="robots" content="noindex">')
    site()
    assert "/pb" not in site.paths()


def test_a_noindex_header_on_an_unchanged_body_deletes(web: Web, site: Crawler) -> None:
    web.pages["/pb"] = Reply(200, "b", HTML)
    site()
    web.pages["/pb"] = Reply(200, "b", {**HTML, "X-Robots-Tag": "noindex"})
    site()
    assert "/pb" not in site.paths()


def test_a_canonical_elsewhere_deletes(web: Web, site: Crawler) -> None:
    site()
    web.page("/pb", "b", head='<link rel="canonical" href="/pa">')
    site()
    assert "/pb" not in site.paths()


def test_a_redirect_to_another_page_deletes(web: Web, site: Crawler) -> None:
    site()
    web.redirect("/pb", "/pa")
    site()
    assert "/pb" not in site.paths()
    assert site.documents()["/pa"].aliases == (web.url("/pb"),)


def test_a_redirect_off_the_site_deletes_only_when_seen_twice(web: Web, site: Crawler) -> None:
    site()
    web.redirect("/pb", "http://login.test/", 302)
    site(gone_confirm_s=86_400.0)
    assert "/pb" in site.paths()
    site()
    assert "/pb" not in site.paths()


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(500),
        Reply(503),
        Reply(429),
        Reply(403),
        Reply(400),
        Reply(drop=True),
        Reply(200, "", HTML),
        Reply(200, "  \n", HTML),
        Reply(200, b"\0\1", {"Content-Type": "application/octet-stream"}),
        Reply(200, "x" * 2000, HTML),
        Reply(200, "no gzip", {**HTML, "Content-Encoding": "gzip"}),
        Reply(301, headers={"Location": "mailto:x@example.org"}),
    ],
    ids=lambda reply: f"{reply.status}-{len(reply.body)}-{reply.headers.get('Location', '')}-{reply.drop}",
)
def test_troubles_keep_the_old_copy_for_ever(web: Web, site: Crawler, clock: Clock, trouble: Reply) -> None:
    site()
    before = site.documents()["/pb"]
    web.pages["/pb"] = trouble
    for _ in range(3):
        clock.pass_by(86_400)
        report = site(retries=0, max_body_bytes=1500)
        assert report.failures == 1
    assert site.documents()["/pb"].content_hash == before.content_hash


def test_a_time_out_keeps_the_old_copy(web: Web, site: Crawler) -> None:
    site()
    web.pages["/pb"] = Reply(200, "late", HTML, wait_s=2.5)
    report = site(timeout_s=2.0, retries=0)
    assert report.failed == {"timeout": 1}
    assert "/pb" in site.paths()


def test_a_page_that_nothing_links_to_any_more_is_fetched_not_inferred_gone(web: Web, site: Crawler) -> None:
    site()
    web.page("/", "x", *PATHS[:-1])
    site()
    assert web.asked("/pz") != []
    assert "/pz" in site.paths()


def test_a_sitemap_that_no_longer_names_a_page_proves_nothing(web: Web, site: Crawler) -> None:
    web.page("/orphan")
    web.document("/sitemap.xml", f"<urlset><url><loc>{web.url('/orphan')}</loc></url></urlset>", "application/xml")
    site()
    web.document("/sitemap.xml", "<urlset></urlset>", "application/xml")
    site()
    assert "/orphan" in site.paths()


def test_pages_that_say_not_found_with_status_200_are_missing(web: Web, site: Crawler) -> None:
    frame = "<p>Harbour of Nordhaven</p><p>{}</p><p>Imprint and contact</p>"
    sorry = "We are sorry, the page that you asked for is not here any more. Try the search."
    web.page("/", frame.format("Welcome"), *PATHS, "/news")
    web.page("/news", frame.format("News"))
    web.default = lambda asked: Reply(200, frame.format(f"{sorry} {asked.path}"), HTML)
    web.pages["/robots.txt"] = web.pages["/sitemap.xml"] = Reply(404)
    site()
    assert len(site.paths()) == 28
    del web.pages["/pb"]
    report = site()
    assert report.gone == 1
    assert "/pb" not in site.paths()
    assert "/news" in site.paths()


def test_a_short_page_about_missing_pages_is_no_soft_404(web: Web, site: Crawler) -> None:
    web.page("/pb", "404 not found is what a server says when a page is missing")
    site()
    assert "/pb" in site.paths()


def test_a_site_where_everything_fails_is_an_error_and_loses_nothing(web: Web, site: Crawler) -> None:
    site()
    web.fail_all(Reply(503))
    web.pages["/robots.txt"] = Reply(404)
    with pytest.raises(SiteError, match="503"):
        site()
    assert len(site.paths()) == 27


def test_empty_answers_everywhere_are_refused_by_the_guard(web: Web, site: Crawler) -> None:
    site()
    web.fail_all(Reply(200, "", HTML))
    report = site()
    assert len(site.paths()) == 27
    assert any("start page" in reason for reason in refused(site, report))


def test_a_login_page_everywhere_is_refused_by_the_guard(web: Web, site: Crawler) -> None:
    site()
    web.fail_all(Reply(200, "<form>Please log in</form>", HTML))
    web.pages["/robots.txt"] = Reply(404)
    report = site()
    assert refused(site, report) != []


def test_a_redirect_to_a_login_page_everywhere_is_refused_by_the_guard(web: Web, site: Crawler) -> None:
    site()
    web.fail_all(Reply(302, headers={"Location": "/login"}))
    web.pages["/robots.txt"] = Reply(404)
    web.page("/login", "Please log in")
    report = site()
    assert refused(site, report) != []


def test_a_dead_name_server_is_an_error_and_loses_nothing(web: Web, site: Crawler) -> None:
    site()
    with pytest.raises(SiteError, match="dns"):
        site(url="http://nowhere.invalid/", hosts=(web.origin,))
    assert site.paths() == sorted(["/", *PATHS])
