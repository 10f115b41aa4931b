"""Which pages are found, and which belong to the site."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from indexer.scope import siblings
from searchd.errors import ConfigError, SiteError
from tests.crawl.conftest import Crawler
from tests.crawl.server import Reply, Web

SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"


def sitemap(web: Web, *paths: str) -> str:
    entries = "".join(f"<url><loc>{web.url(path)}</loc></url>" for path in paths)
    return f'<?xml version="1.0"?><urlset xmlns="{SITEMAP}">{entries}</urlset>'


def test_pages_are_found_by_anchors_areas_and_rel_next(web: Web, site: Crawler) -> None:
    web.page("/", '<map><area href="/area"></map>', "/a", head='<link rel="next" href="/next">')
    for path in ("/a", "/area", "/next"):
        web.page(path)
    site()
    assert site.paths() == ["/", "/a", "/area", "/next"]


def test_links_are_resolved_against_the_base_element(web: Web, site: Crawler) -> None:
    web.page("/", "x", "page.html", head='<base href="/docs/">')
    web.page("/docs/page.html")
    site()
    assert site.paths() == ["/", "/docs/page.html"]


def test_a_sitemap_is_found_without_being_named(web: Web, site: Crawler) -> None:
    web.page("/")
    web.page("/orphan")
    web.document("/sitemap.xml", sitemap(web, "/orphan"), "application/xml")
    site()
    assert site.paths() == ["/", "/orphan"]


def test_sitemap_indexes_gzip_and_translations_are_followed_from_robots_txt(web: Web, site: Crawler) -> None:
    web.robots(f"User-agent: *\nSitemap: {web.url('/index.xml')}\n")
    child = (
        f'<urlset xmlns="{SITEMAP}" xmlns:xhtml="http://www.w3.org/1999/xhtml"><url><loc>{web.url("/en")}</loc>'
        f'<xhtml:link rel="alternate" hreflang="de" href="{web.url("/de")}"/></url></urlset>'
    )
    web.document("/index.xml", f"<sitemapindex><sitemap><loc>{web.url('/c.xml.gz')}</loc></sitemap></sitemapindex>")
    web.document("/c.xml.gz", gzip.compress(child.encode()), "application/gzip")
    for path in ("/", "/en", "/de"):
        web.page(path)
    site()
    assert site.paths() == ["/", "/de", "/en"]
    assert site.documents()["/de"].lang_hint == "de"


def test_a_feed_that_the_start_page_names_is_read_in_every_run(web: Web, site: Crawler) -> None:
    web.page("/", head='<link rel="alternate" type="application/rss+xml" href="/feed">')
    web.page("/news/1")
    web.page("/news/2")
    item = "<item><link>{}</link></item>"
    web.document("/feed", f"<rss><channel>{item.format(web.url('/news/1'))}</channel></rss>", "application/rss+xml")
    site()
    assert site.paths() == ["/", "/news/1"]
    web.document("/feed", f"<rss><channel>{item.format(web.url('/news/2'))}</channel></rss>", "application/rss+xml")
    site()
    assert site.paths() == ["/", "/news/1", "/news/2"]


def test_a_configured_atom_feed_is_read(web: Web, site: Crawler) -> None:
    web.page("/")
    web.page("/entry")
    web.document("/atom", f'<feed><entry><link href="{web.url("/entry")}"/></entry></feed>', "application/atom+xml")
    site(feeds=(web.url("/atom"),))
    assert site.paths() == ["/", "/entry"]


def test_a_list_of_addresses_is_crawled_without_following_links(web: Web, site: Crawler, tmp_path: Path) -> None:
    web.page("/", "x", "/linked")
    web.page("/listed")
    web.page("/linked")
    (tmp_path / "list.txt").write_text(f"# ours\n{web.url('/listed')}\n\n")
    site(url_list=str(tmp_path / "list.txt"), follow_links=False)
    assert site.paths() == ["/", "/listed"]


def test_a_list_that_cannot_be_read_says_so(web: Web, site: Crawler, tmp_path: Path) -> None:
    web.page("/")
    with pytest.raises(ConfigError, match="url_list"):
        site(url_list=str(tmp_path / "missing.txt"))


def test_other_hosts_and_excluded_paths_stay_outside(web: Web, site: Crawler) -> None:
    web.page("/", "x", "http://other.test/x", "/in/a", "/in/private/b", "/out/c", "/in/d?print=1")
    for path in ("/in/a", "/in/private/b", "/out/c", "/in/d?print=1"):
        web.page(path)
    report = site(include_paths=("/$", "/in/"), exclude_paths=("/in/private/", "*print="))
    assert site.paths() == ["/", "/in/a"]
    assert report.skipped == {"scope": 3}
    assert "other.test" not in str(web.paths())


def test_a_start_page_needs_no_include_pattern(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/docs/a", "/blog/b")
    web.page("/docs/a")
    for _ in range(2):
        report = site(include_paths=("/docs/",))
        assert site.paths() == ["/", "/docs/a"]
    assert report.complete


def test_a_sitemap_of_another_site_is_reported(web: Web, site: Crawler) -> None:
    web.page("/", "x", "https://example.org/elsewhere")
    web.document("/sitemap.xml", "https://example.org/a\nhttps://example.org/b", "text/plain")
    report = site()
    assert report.skipped == {"elsewhere": 2}
    assert "https://example.org/a" in report.examples["elsewhere"]


def test_widening_the_scope_later_finds_pages_on_unchanged_pages(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/a", "/b")
    web.page("/a")
    web.page("/b")
    site(exclude_paths=("/b",))
    assert site.paths() == ["/", "/a"]
    site()
    assert site.paths() == ["/", "/a", "/b"]


def test_narrowing_the_scope_takes_pages_out_of_the_index_at_once(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/a", "/b")
    web.page("/a")
    web.page("/b")
    site()
    site(exclude_paths=("/b",))
    assert site.paths() == ["/", "/a"]
    assert "/b" not in web.paths()


def test_several_start_pages_are_crawled(web: Web, site: Crawler) -> None:
    for path in ("/", "/de/", "/fr/"):
        web.page(path)
    site(start=(web.url("/de/"), web.url("/fr/")))
    assert site.paths() == ["/", "/de/", "/fr/"]


def test_a_redirected_page_is_one_page_with_an_alias(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/old")
    web.redirect("/old", "/older")
    web.redirect("/older", "/new")
    web.page("/new")
    report = site()
    assert site.documents()["/new"].aliases == (web.url("/old"), web.url("/older"))
    assert site.paths() == ["/", "/new"]
    assert report.redirects == 2


def test_a_meta_refresh_is_a_redirect(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/old")
    web.page("/old", head='<meta http-equiv="Refresh" content="0; URL=\'/new\'">')
    web.page("/new")
    site()
    assert site.documents()["/new"].aliases == (web.url("/old"),)


def test_redirects_in_a_circle_end(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/a")
    web.redirect("/a", "/b")
    web.redirect("/b", "/a")
    report = site()
    assert site.paths() == ["/"]
    assert report.complete
    assert web.paths().count("/a") == 1


def test_a_canonical_elsewhere_folds_the_page(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/a?view=print")
    web.page("/a?view=print", "print", head='<link rel="canonical" href="/a">')
    web.page("/a", "the page", head='<link rel="canonical" href="/a">')
    site()
    assert site.paths() == ["/", "/a"]
    assert site.documents()["/a"].aliases == (web.url("/a?view=print"),)


def test_a_canonical_in_the_link_header_counts(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/b")
    web.page("/b", "b", Link="</a>; rel=canonical")
    web.page("/a", "a")
    site()
    assert site.paths() == ["/", "/a"]


def test_a_canonical_to_a_missing_page_or_in_a_circle_loses_nothing(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/a", "/b", "/c")
    web.page("/a", "a", head='<link rel="canonical" href="/missing">')
    web.page("/b", "b", head='<link rel="canonical" href="/c">')
    web.page("/c", "c", head='<link rel="canonical" href="/b">')
    site()
    assert site.paths() == ["/", "/a", "/b", "/c"]


def test_a_template_that_makes_the_home_page_everybodys_canonical_is_not_believed(web: Web, site: Crawler) -> None:
    paths = [f"/p{letter}" for letter in "abcdefghijkl"]
    web.page("/", "x", *paths)
    for path in paths:
        web.page(path, head='<link rel="canonical" href="/">')
    report = site()
    assert len(site.paths()) == 13
    assert any("canonical" in problem for problem in report.problems)


def test_a_copy_of_a_site_under_another_address_is_indexed_all_the_same(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/a", "/b", head='<link rel="canonical" href="https://example.org/browse/">')
    for path in ("/a", "/b"):
        web.page(path, head=f'<link rel="canonical" href="https://example.org/browse{path}">')
    report = site()
    assert site.paths() == ["/", "/a", "/b"]
    assert any("https://example.org" in problem for problem in report.problems)


def test_a_single_page_with_its_original_elsewhere_stays_out(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/a", "/b", "/c", "/d")
    web.page("/a", head='<link rel="canonical" href="https://example.org/original">')
    for path in ("/b", "/c", "/d"):
        web.page(path)
    site()
    assert site.paths() == ["/", "/b", "/c", "/d"]


def test_equal_bytes_under_two_languages_stand_under_their_own(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/da/a", "/en/a")
    for path in ("/da/a", "/en/a"):
        web.document(path, '<html lang="en"><p>English all the same</p></html>')
    site()
    assert site.paths() == ["/", "/en/a"]


def test_equal_bytes_are_one_page(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/a", "/b?x=1", "/c")
    for path in ("/a", "/b?x=1"):
        web.page(path, "the same")
    web.page("/c", "other")
    site()
    assert site.paths() == ["/", "/a", "/c"]
    assert site.documents()["/a"].aliases == (web.url("/b?x=1"),)
    assert site.state.counts()["pages"] == 4


@pytest.mark.parametrize(
    ("head", "headers"),
    [
        ('<meta name="robots" content="noindex">', {}),
        ('<meta name="ROBOTS" content="None">', {}),
        ('<meta name="echolot" content="noindex">', {}),
        ("", {"X_Robots_Tag": "noindex"}),
        ("", {"X_Robots_Tag": "otherbot: nofollow\necholot: noindex"}),
    ],
)
def test_noindex_keeps_a_page_out(web: Web, site: Crawler, head: str, headers: dict[str, str]) -> None:
    web.page("/", "x", "/a")
    web.page("/a", "a", head=head, **headers)
    site()
    assert site.paths() == ["/"]


def test_noindex_for_another_crawler_is_not_ours(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/a")
    web.page("/a", "a", X_Robots_Tag="otherbot: noindex, nofollow")
    site()
    assert site.paths() == ["/", "/a"]


def test_noindex_pages_still_lead_to_others_and_nofollow_ones_do_not(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/list", "/dead-end")
    web.page("/list", "x", "/a", head='<meta name="robots" content="noindex">')
    web.page("/dead-end", "x", "/b", head='<meta name="robots" content="nofollow">')
    web.page("/a")
    web.page("/b")
    site()
    assert site.paths() == ["/", "/a", "/dead-end"]


def test_rel_nofollow_links_are_not_followed(web: Web, site: Crawler) -> None:
    web.page("/", '<a rel="external nofollow" href="/a">a</a>')
    web.page("/a")
    site()
    assert site.paths() == ["/"]


def test_translations_named_by_hreflang_are_found(web: Web, site: Crawler) -> None:
    web.page("/", head='<link rel="alternate" hreflang="de" href="/de/">')
    web.document("/de/", "<p>Guten Tag</p>")
    site()
    assert site.documents()["/de/"].lang_hint == "de"


def test_texts_of_links_from_other_pages_are_known_without_the_menu(web: Web, site: Crawler) -> None:
    pages = [f"/p{letter}" for letter in "abcdefgh"]
    web.page("/", '<nav><a href="/target">Menu</a></nav><a href="/target"><b>How to</b> moor</a>', *pages)
    for path in pages:
        web.page(
            path, '<div><a href="/target">Everywhere</a></div><div data-echolot-ignore><a href="/target">ad</a></div>'
        )
    web.page("/target", '<a href="/target">myself</a>')
    site()
    assert site.documents()["/target"].anchor_texts == ("How to moor",)


def test_only_scheme_and_www_make_siblings() -> None:
    assert siblings("http://example.org/", "https://www.example.org/")
    assert not siblings("http://example.org/", "https://example.com/")
    assert not siblings("http://127.0.0.1:8000/", "http://127.0.0.1:9000/")


def test_a_start_page_that_moved_to_a_sibling_is_followed_and_remembered(
    web: Web, site: Crawler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.survey.siblings", lambda *_: True)
    monkeypatch.setattr("indexer.addresses.is_internal", lambda _: False)
    with Web("127.0.0.2") as sibling:
        web.redirect("/", sibling.url("/"))
        sibling.page("/", "x", "/a")
        sibling.page("/a")
        sibling.robots("User-agent: *\nDisallow: /b")
        for _ in range(2):
            report = site()
            assert site.paths() == [sibling.url("/"), sibling.url("/a")]
            assert report.start_page_ok
        assert sibling.asked("/robots.txt") != []


def test_trouble_with_the_robots_of_a_second_host_keeps_its_copies_unasked(
    web: Web, site: Crawler, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Web("127.0.0.2") as second:
        web.page("/", "x", second.url("/a"))
        second.page("/a")
        site(hosts=(second.origin,))
        second.pages["/robots.txt"] = Reply(503)
        second.log.clear()
        report = site(hosts=(second.origin,), retries=0)
        assert second.asked("/a") == []
        assert report.failed == {"robots": 1}
        assert second.url("/a") in site.paths()


def test_a_start_page_that_redirects_to_another_site_is_an_error(web: Web, site: Crawler) -> None:
    web.redirect("/", "http://other.test/")
    with pytest.raises(SiteError, match=r"other\.test"):
        site()


def test_a_start_page_that_is_no_html_is_an_error(web: Web, site: Crawler) -> None:
    web.document("/", b"%PDF-1.7", "application/pdf")
    with pytest.raises(SiteError, match="not HTML"):
        site()


def test_a_start_page_that_is_missing_is_an_error(web: Web, site: Crawler) -> None:
    with pytest.raises(SiteError, match="404"):
        site()


def test_a_site_that_does_not_answer_is_an_error(web: Web, site: Crawler) -> None:
    with pytest.raises(SiteError, match="connect"):
        site(url="http://127.0.0.1:9/")


def test_an_address_that_is_none_is_an_error(site: Crawler) -> None:
    with pytest.raises(ConfigError, match="no web address"):
        site(url="ftp://example.org/")


def test_pdf_and_other_documents_are_kept_by_type(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/a.pdf", "/b.txt", "/c.png")
    web.document("/a.pdf", b"%PDF-1.7 x", "application/pdf")
    web.document("/b.txt", "text", "text/plain")
    web.document("/c.png", b"\x89PNG", "image/png")
    report = site()
    assert site.paths() == ["/", "/a.pdf"]
    assert report.refused == 2
    site(content_types=("text/html", "text/plain"))
    assert "/b.txt" in site.paths()


def test_a_page_that_forbids_entry_is_reported(web: Web, site: Crawler) -> None:
    web.page("/", "x", "/members")
    web.pages["/members"] = Reply(403)
    report = site()
    assert report.skipped == {"forbidden": 1}
    assert not report.failed
