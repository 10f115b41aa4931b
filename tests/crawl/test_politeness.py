"""How the site is treated: robots.txt by RFC 9309, one rate, pauses when asked for, an honest name."""

from __future__ import annotations

import time
from email.utils import formatdate
from itertools import pairwise

import pytest

from indexer.throttle import Throttle
from indexer.window import Window
from searchd.errors import ConfigError, SiteError
from tests.crawl.conftest import Clock, Crawler
from tests.crawl.server import Asked, Reply, Web


def small_site(web: Web) -> None:
    web.page("/", "x", "/a", "/b")
    web.page("/a")
    web.page("/b")


def test_disallowed_pages_are_not_asked_for_and_leave_the_index(web: Web, site: Crawler) -> None:
    small_site(web)
    site()
    web.robots("User-agent: echolot\nDisallow: /a\n\nUser-agent: *\nDisallow: /")
    report = site()
    assert site.paths() == ["/", "/b"]
    assert web.asked("/a") == []
    assert report.skipped == {"robots": 1}


@pytest.mark.parametrize("status", [500, 503, 429])
def test_troubled_robots_forbids_everything_and_keeps_every_copy(web: Web, site: Crawler, status: int) -> None:
    small_site(web)
    site()
    web.pages["/robots.txt"] = Reply(status)
    report = site(retries=0)
    assert web.paths() == []
    assert not report.robots_ok
    assert not report.complete
    assert str(status) in report.problems[0]
    assert site.paths() == ["/", "/a", "/b"]


def test_robots_without_an_answer_forbids_everything(web: Web, site: Crawler) -> None:
    small_site(web)
    web.pages["/robots.txt"] = Reply(drop=True)
    with pytest.raises(SiteError, match=r"robots\.txt"):
        site(retries=0)
    assert web.paths() == []


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_missing_or_forbidden_robots_allows_everything(web: Web, site: Crawler, status: int) -> None:
    small_site(web)
    web.pages["/robots.txt"] = Reply(status)
    report = site()
    assert report.robots_ok
    assert site.paths() == ["/", "/a", "/b"]


def test_robots_is_read_to_500_kib_and_believed_for_the_recheck_time(web: Web, site: Crawler, clock: Clock) -> None:
    small_site(web)
    web.robots("User-agent: *\nDisallow: /a\n" + "# filling\n" * 60_000 + "Disallow: /b\n")
    site(recheck_s=900.0)
    assert site.paths() == ["/", "/b"]
    site(recheck_s=900.0)
    assert web.asked("/robots.txt") == []
    clock.pass_by(900)
    site(recheck_s=900.0)
    assert len(web.asked("/robots.txt")) == 1


def test_a_rule_that_crosses_the_500_kib_counts_neither_whole_nor_half(web: Web, site: Crawler) -> None:
    small_site(web)
    web.page("/beyond")
    web.page("/", "x", "/a", "/b", "/beyond")
    rules, crossing = b"User-agent: *\nDisallow: /a\n", b"Disallow: /beyond\nDisallow: /b\n"
    cut = len("Disallow: /b")
    filling = b"#\xff\xff" * ((512_000 - len(rules) - cut) // 3)  # no UTF-8: kept for later, it takes more bytes
    filling += b"#" * (512_000 - len(rules) - cut - 1 - len(filling)) + b"\n"
    assert (rules + filling + crossing)[:512_000].endswith(b"\nDisallow: /b")
    web.pages["/robots.txt"] = Reply(200, rules + filling + crossing, {"Content-Type": "text/plain"})
    for _ in range(2):  # as it came, and as it was kept
        site(recheck_s=900.0)
        assert site.paths() == ["/", "/b", "/beyond"]


@pytest.mark.parametrize("headers", [{"Content-Encoding": "gzip"}, {"Content-Encoding": "br"}])
def test_robots_that_cannot_be_read_forbids_everything(web: Web, site: Crawler, headers: dict[str, str]) -> None:
    small_site(web)
    site()
    web.pages["/robots.txt"] = Reply(200, "User-agent: *\nDisallow: /a", headers)
    report = site()
    assert web.paths() == []
    assert not report.robots_ok
    assert "encoding" in report.problems[0]
    assert site.paths() == ["/", "/a", "/b"]


def test_robots_may_redirect_five_times(web: Web, site: Crawler) -> None:
    small_site(web)
    for hop in range(5):
        web.redirect("/robots.txt" if hop == 0 else f"/r{hop}", f"/r{hop + 1}")
    web.document("/r5", "User-agent: *\nDisallow: /a", "text/plain")
    site()
    assert site.paths() == ["/", "/b"]


def test_the_crawl_delay_lies_between_any_two_requests(web: Web, site: Crawler) -> None:
    small_site(web)
    web.robots("User-agent: *\nCrawl-delay: 0.1")
    site()
    starts = [asked.at for asked in web.log]
    assert len(starts) >= 4
    assert min(b - a for a, b in pairwise(starts[1:])) > 0.09
    assert web.most_at_once == 1


def test_the_rate_setting_holds_for_every_request(web: Web, site: Crawler) -> None:
    small_site(web)
    site(requests_per_s=20.0)
    starts = [asked.at for asked in web.log]
    assert starts[-1] - starts[0] > 0.045 * (len(starts) - 1)


def test_no_more_requests_at_once_than_set(web: Web, site: Crawler) -> None:
    paths = [f"/p{letter}" for letter in "abcdefghijkl"]
    web.page("/", "x", *paths)
    for path in paths:
        web.pages[path] = Reply(200, path, {"Content-Type": "text/html"}, wait_s=0.02)
    site(max_concurrency=3)
    assert web.most_at_once <= 3


def test_concurrency_grows_while_the_site_is_well_and_halves_under_strain() -> None:
    throttle = Throttle(16, 0.0)
    for _ in range(200):
        throttle.answered(0.01)
    assert throttle.limit == 16
    throttle.strained(0.0)
    assert throttle.limit == 8
    for _ in range(3):
        throttle.answered(2.0)
    assert throttle.limit < 8


def test_a_pause_holds_back_everybody_even_those_with_a_place_in_the_queue() -> None:
    throttle = Throttle(4, 0.5)
    assert throttle.reserve(10.0) == 0.0
    assert throttle.reserve(10.0) == 0.5
    throttle.strained(10.1, 30.0)
    assert throttle.paused_s(10.5) == pytest.approx(29.6)
    assert throttle.reserve(10.5) == pytest.approx(29.6)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_waited_for(web: Web, site: Crawler, clock: Clock, status: int, form: str) -> None:
    small_site(web)
    wish = "1" if form == "seconds" else formatdate(clock.now + 2, usegmt=True)
    answers = [Reply(status, headers={"Retry-After": wish}), Reply(200, "a", {"Content-Type": "text/html"})]
    web.pages["/a"] = lambda _: answers.pop(0)
    report = site()
    first, second = web.asked("/a")
    assert second.at - first.at > 0.9
    assert report.new == 3


def test_a_site_that_asks_for_a_long_pause_ends_the_run(web: Web, site: Crawler) -> None:
    small_site(web)
    web.pages["/a"] = Reply(503, headers={"Retry-After": "3600"})
    report = site()
    assert not report.complete
    assert "3600" in report.problems[-1]
    assert len(web.asked("/a")) == 1


def test_passing_troubles_are_retried_and_counted_once(web: Web, site: Crawler) -> None:
    small_site(web)
    web.pages["/a"] = Reply(500)
    web.pages["/b"] = Reply(drop=True)
    report = site(retries=2)
    assert len(web.asked("/a")) == 3
    assert report.failed == {"status 500": 1, "protocol": 1}


def test_a_site_that_breaks_down_is_left_alone(web: Web, site: Crawler) -> None:
    paths = [f"/p{letter}{other}" for letter in "abcdefgh" for other in "abcdefgh"]
    web.page("/", "x", *paths)
    web.default = Reply(500)
    web.pages["/robots.txt"] = web.pages["/sitemap.xml"] = Reply(404)
    report = site(max_failures_in_row=5, retries=0)
    assert len(web.log) < 20
    assert not report.complete
    assert "in a row failed" in report.problems[-1]


def test_the_user_agent_names_us_and_whom_to_ask(web: Web, site: Crawler) -> None:
    small_site(web)
    site(contact="https://example.org/bot")
    assert {asked.headers["User-Agent"].partition("/")[0] for asked in web.log} == {"Echolot"}
    assert all("+https://example.org/bot" in asked.headers["User-Agent"] for asked in web.log)


def test_a_remote_site_is_asked_slowly_and_a_missing_contact_pointed_out(
    web: Web, site: Crawler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.crawl.is_loopback", lambda _: False)
    small_site(web)
    report = site()
    assert "crawl.contact" in report.problems[0]
    starts = [asked.at for asked in web.log]
    assert starts[-1] - starts[0] > 0.09 * (len(starts) - 1)
    assert site(contact="https://example.org/bot", requests_per_s=1000.0).problems == []


def test_outside_of_the_time_window_nothing_is_asked_for(web: Web, site: Crawler, clock: Clock) -> None:
    small_site(web)
    site()
    hour = time.localtime(clock.now).tm_hour
    report = site(window=f"{(hour + 2) % 24:02}:00-{(hour + 3) % 24:02}:00")
    assert web.log == []
    assert not report.complete
    assert site.paths() == ["/", "/a", "/b"]


def test_the_window_closing_ends_the_run_and_the_next_one_continues(web: Web, site: Crawler, clock: Clock) -> None:
    small_site(web)

    def slow(asked: Asked) -> Reply:
        clock.pass_by(3600)
        return Reply(200, "a", {"Content-Type": "text/html"})

    web.pages["/a"] = slow
    hour = time.localtime(clock.now).tm_hour
    report = site(window=f"{hour:02}:00-{(hour + 1) % 24:02}:00", max_concurrency=1)
    assert not report.complete
    report = site()
    assert report.complete
    assert web.paths() == ["/b"]
    assert site.paths() == ["/", "/a", "/b"]


def test_windows_may_pass_midnight() -> None:
    night = Window.parse("22:00-06:00")
    moments = [time.mktime((2026, 5, 4, hour, 30, 0, 0, 0, -1)) for hour in (21, 22, 3, 6)]
    assert [night.open_at(moment) for moment in moments] == [False, True, True, False]
    with pytest.raises(ConfigError, match="22:00-06:00"):
        Window.parse("at night")


def test_robots_visit_time_is_obeyed(web: Web, site: Crawler, clock: Clock) -> None:
    small_site(web)
    hour = time.gmtime(clock.now).tm_hour
    web.robots(f"User-agent: *\nVisit-time: {(hour + 2) % 24:02}00-{(hour + 3) % 24:02}00")
    with pytest.raises(SiteError, match="visit time"):
        site()
    assert web.paths() == []
