"""Why is my page not found? Each answer names the cause."""

from __future__ import annotations

import dataclasses

import pytest

from indexer.explain import broken_links, crawl_facts, unread
from searchd.settings import SiteSettings
from tests.crawl.conftest import QUICK, Clock, Crawler
from tests.crawl.server import Reply, Web


@pytest.fixture(autouse=True)
def crawled(web: Web, site: Crawler) -> None:
    web.robots("User-agent: *\nDisallow: /private")
    links = ("/a", "/b", "/private", "/missing", "/old", "/dup", "/hidden", "/broken", "/x/x/x", "/members", "/off")
    web.page("/", "x", *links, "/copied")
    web.page("/a", "a")
    web.page("/b", "b", head='<link rel="canonical" href="/a">')
    web.redirect("/old", "/a")
    web.page("/dup", "a")
    web.document("/dup", "<html><head></head><body><p>a</p></body></html>")
    web.page("/hidden", head='<meta name="robots" content="noindex">')
    web.page("/copied", head='<link rel="canonical" href="https://other.test/original">')
    web.pages["/broken"] = Reply(500)
    web.pages["/members"] = Reply(403)
    site()


def explain(web: Web, site: Crawler, path: str, **settings: object) -> str:
    owner = SiteSettings(url=web.url("/"), exclude_paths=("/off",))
    limits = dataclasses.replace(QUICK, **settings)  # type: ignore[arg-type]
    url = path if "//" in path else web.url(path)
    return "\n".join(crawl_facts(site.state, url, owner, limits))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", "found: a start page, 0 links"),
        ("/a", "document: yes, also for"),
        ("/a#part", "(normalised)"),
        ("/b", "canonical: names"),
        ("/dup", "it is the same page as"),
        ("/old", "redirect: to"),
        ("/private", "robots.txt: disallows it"),
        ("/missing", "there is no page"),
        ("/missing", "1 link from a start page; linked from http"),
        ("/hidden", "noindex"),
        ("/copied", "document: no, its canonical is a page of another site"),
        ("/broken", "status 500"),
        ("/members", "not kept"),
        ("/x/x/x", "max_segment_repeats"),
        ("/off", "exclude pattern /off"),
        ("/never-linked", "no crawled page links to it"),
        ("http://other.test/", "another host"),
        ("mailto://x", "no web address"),
    ],
)
def test_the_cause_is_named(web: Web, site: Crawler, path: str, words: str) -> None:
    assert words in explain(web, site, path)


def test_a_stale_page_says_why(web: Web, site: Crawler) -> None:
    web.pages["/a"] = Reply(503)
    site()
    assert "stale: the last fetch failed" in explain(web, site, "/a")


def test_a_suspect_says_when_it_will_go(web: Web, site: Crawler, clock: Clock) -> None:
    del web.pages["/a"]
    site(gone_confirm_s=86_400.0)
    assert "missing since" in explain(web, site, "/a")


def test_the_page_limit_is_named(web: Web, site: Crawler) -> None:
    assert "max_pages" in explain(web, site, "/never-linked", max_pages=3)


def test_broken_links_are_named_with_the_page_to_mend(web: Web, site: Crawler) -> None:
    assert broken_links(site.state) == [(web.url(path), web.url("/")) for path in ("/missing", "/off")]
    web.page("/", "mended", "/a", "/missing")
    web.page("/missing", "here at last")
    site()
    assert broken_links(site.state) == []


def test_pages_that_could_not_be_read_are_named_with_the_cause_and_other_files_are_not(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/a", "/broken", "/members", "/long", "/archive.zip")
    web.document("/long", "<p>" + "long " * 900)
    web.document("/archive.zip", b"PK", "application/zip")
    site(max_body_bytes=2000)
    assert [(url.removeprefix(web.origin), why.partition(":")[0]) for url, why in unread(site.state)] == [
        ("/broken", "status 500"),
        ("/members", "status 403"),
        ("/long", "too_large"),
    ]
