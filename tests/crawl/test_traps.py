"""Addresses without end are bounded, and every bound that bites is reported with the setting that moves it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.crawl.conftest import Crawler
from tests.crawl.server import Asked, Reply, Web

HTML = {"Content-Type": "text/html"}


def answer_everything_with(web: Web, links: object) -> None:
    """Every address is a page of its own whose links the function makes of the request."""

    def page(asked: Asked) -> Reply:
        assert callable(links)
        anchors = "".join(f'<a href="{href}">x</a>' for href in links(asked))
        return Reply(200, f"<title>{asked.path}</title>unlike {hash(asked.path)} {anchors}", HTML)

    web.default = page
    web.pages["/robots.txt"] = web.pages["/sitemap.xml"] = Reply(404)
    for path in ("/echolot-probe-of-a-page-that-cannot-exist", "/echolot-probe-of-a-page-that-cannot-exist.html"):
        web.pages[path] = Reply(404)


def test_a_calendar_without_end_is_cut_at_the_pattern_limit(web: Web, site: Crawler) -> None:
    def neighbours(asked: Asked) -> list[str]:
        year, month = ([int(part) for part in asked.path.split("/")[2:4]]) if asked.path != "/" else (2026, 1)
        return [f"/calendar/{year + month // 12}/{month % 12 + 1}", f"/calendar/{year - 1}/{month}"]

    answer_everything_with(web, neighbours)
    report = site(max_per_pattern=30)
    assert len(site.paths()) == 31
    assert report.skipped["trap pattern"] > 0
    assert "/calendar/#/#" in report.examples["trap pattern"]
    assert "max_per_pattern" in report.examples["trap pattern"]


def test_facets_are_cut_however_their_parameters_combine(web: Web, site: Crawler) -> None:
    def combinations(asked: Asked) -> list[str]:
        chosen = parse_qs(urlsplit(asked.path).query)
        names = {**{name: values[0] for name, values in chosen.items()}}
        out = []
        for facet in ("colour", "size", "brand", "sort"):
            for value in ("a", "b", "c"):
                query = "&".join(f"{name}={v}" for name, v in sorted({**names, facet: value}.items()))
                out.append(f"/shop?{query}")
        return out

    answer_everything_with(web, combinations)
    report = site(max_facets_per_path=25)
    assert len(site.paths()) <= 1 + 12 + 25
    assert "max_facets_per_path" in report.examples["trap facets"]


def test_a_self_appending_path_ends_at_the_third_repetition(web: Web, site: Crawler) -> None:
    answer_everything_with(web, lambda asked: [asked.path.rstrip("/") + "/more/stuff/"])
    report = site()
    assert site.paths() == ["/", "/more/stuff/", "/more/stuff/more/stuff/"]
    assert "max_segment_repeats" in report.examples["trap repeated_segments"]


def test_a_path_that_grows_by_new_names_ends_at_the_folder_limit(web: Web, site: Crawler) -> None:
    answer_everything_with(web, lambda asked: [asked.path + f"x{chr(97 + asked.path.count('/'))}/"])
    report = site(max_path_segments=6)
    assert len(site.paths()) == 7
    assert "max_path_segments" in report.examples["trap path_segments"]


def test_an_address_that_grows_ends_at_the_length_limit(web: Web, site: Crawler) -> None:
    answer_everything_with(web, lambda asked: [asked.path + "y"])
    report = site(max_url_length=40, max_per_pattern=1000)
    assert len(site.paths()) > 10
    assert max(len(web.url(path)) for path in site.paths()) == 40
    assert "max_url_length" in report.examples["trap url_length"]


def test_links_deeper_than_the_limit_are_reported(web: Web, site: Crawler) -> None:
    answer_everything_with(web, lambda asked: [f"/{'z' * (len(asked.path))}"])
    report = site(max_depth=5)
    assert len(site.paths()) == 6
    assert "max_depth" in report.examples["trap depth"]


def test_session_ids_do_not_multiply_pages(web: Web, site: Crawler) -> None:
    count = iter(range(10**6))

    def fresh_session(asked: Asked) -> list[str]:
        n = next(count)
        return [f"/a;jsessionid={n:032x}", f"/b?PHPSESSID={n}", f"/c?sid={n}&utm_source=mail&x=1"]

    answer_everything_with(web, fresh_session)
    site()
    assert site.paths() == ["/", "/a", "/b", "/c?x=1"]


def test_the_page_limit_is_reported_not_silent(web: Web, site: Crawler) -> None:
    paths = [f"/p{letter}" for letter in "abcdefghij"]
    web.page("/", "x", *paths)
    for path in paths:
        web.page(path)
    report = site(max_pages=4)
    assert len(site.paths()) == 4
    assert report.skipped == {"limit": 7}
    assert "max_pages" in report.examples["limit"]
    site()
    assert len(site.paths()) == 11


@pytest.mark.parametrize(("count", "said"), [(9, "4 addresses were left out"), (6, "1 address was left out")])
def test_what_a_bound_left_out_is_a_problem_until_the_bound_is_moved(
    web: Web, site: Crawler, count: int, said: str
) -> None:
    numbers = [f"/n/{n}" for n in range(count)]
    web.page("/", "x", *numbers)
    for path in numbers:
        web.page(path)
    (problem,) = site(max_per_pattern=5).problems
    assert problem.startswith(said)
    assert "/n/#" in problem
    assert "max_per_pattern" in problem
    assert site(max_per_pattern=5).problems == [problem], "unchanged pages are not read again"
    assert site(max_per_pattern=5, exclude_paths=("/n/*",)).problems == []
    assert site(max_per_pattern=9).problems == []
    assert len(site.paths()) == count + 1


def test_pages_that_the_sitemap_names_are_no_trap(web: Web, site: Crawler) -> None:
    numbers = [f"/n/{n}" for n in range(12)]
    web.page("/", "x", *numbers)
    for path in numbers:
        web.page(path)
    web.document("/sitemap.xml", "\n".join(web.url(path) for path in numbers), "text/plain")
    report = site(max_per_pattern=5)
    assert len(site.paths()) == 13
    assert report.skipped == {}


def test_a_page_with_too_many_links_is_reported(web: Web, site: Crawler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.links.MAX_LINKS", 3)
    web.page("/", "x", "/a", "/b", "/c", "/d")
    report = site()
    assert report.skipped == {"many links": 1}


def test_redirects_without_end_stop_at_the_limit(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/r")
    web.default = lambda asked: Reply(302, headers={"Location": asked.path + "r"})
    web.pages["/robots.txt"] = web.pages["/sitemap.xml"] = Reply(404)
    report = site(max_redirects=4)
    assert report.complete
    assert "4 redirects" in report.examples["redirect"]
    assert [path for path in web.paths() if path.startswith("/r")] == ["/r", "/rr", "/rrr", "/rrrr", "/rrrrr"]
