"""What is read out of a page: links, head, encoding; and that no page can hurt the reader."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import charset, links, urls
from indexer.complexity import too_complex
from indexer.soft404 import Soft404, probes, visible_text, word_pairs
from tests.crawl.conftest import Crawler
from tests.crawl.server import Web

URL = "http://example.org/docs/page.html"


def parse(html: str, **headers: str) -> links.PageLinks:
    return links.parse(html.encode(), URL, {name.replace("_", "-"): value for name, value in headers.items()})


def found(html: str) -> list[str]:
    return [link.url.removeprefix("http://example.org") for link in parse(html).links]


def test_each_address_counts_once_and_without_its_fragment() -> None:
    assert found('<a href="a">1</a><a href="a#x">2</a><a href="#y">3</a><a href="./a">4</a>') == ["/docs/a"]


def test_the_text_of_a_content_link_wins_over_that_of_a_menu() -> None:
    html = '<nav><a href="/a">A</a></nav><p><a href="/a"> About \n us </a></p><footer><a href="/b">B</a></footer>'
    assert {link.url: link.text for link in parse(html).links} == {
        "http://example.org/a": "About us",
        "http://example.org/b": "",
    }


def test_links_in_comments_scripts_and_templates_are_none() -> None:
    html = (
        '<!-- <a href="/c">x</a> --><script>"<a href=/s>x</a>"</script><textarea><a href="/t"></textarea><a href="/r">r'
    )
    assert found(html) == ["/r"]


def test_the_page_itself_is_no_link() -> None:
    assert found('<a href="page.html">here</a><a href="">here</a>') == []


def test_refresh_is_a_redirect_when_it_is_quick_and_not_for_browsers_without_scripts() -> None:
    assert parse('<meta http-equiv="refresh" content="0;url=/new">').refresh == "http://example.org/new"
    assert parse("<meta http-equiv='REFRESH' content=\"5; URL='new'\">").refresh == "http://example.org/docs/new"
    assert parse('<meta http-equiv="refresh" content="600;url=/new">').refresh == ""
    assert parse('<head><noscript><meta http-equiv="refresh" content="0;url=/nojs"></noscript></head>').refresh == ""


def test_a_robots_tag_in_the_body_is_still_obeyed() -> None:
    assert parse('<p>x</p><meta name="robots" content="NOINDEX, follow">').noindex


def test_canonical_in_the_body_is_ignored() -> None:
    """Visitors may write comments, but not into the head."""
    assert parse('<body><link rel="canonical" href="/spam"></body>').canonical == ""


def test_links_deep_inside_navigation_bring_no_anchor_text() -> None:
    html = (
        '<footer><div><p><a href="/imprint">Imprint</a></p></div></footer><div role="navigation"><ul><li>'
        '<a href="/menu">Menu</a></ul></div><div data-echolot-ignore><b><a href="/ad">Ad</a></b></div>'
        '<div><ul><li><a href="/kept">Kept</a><p><a href="/too">Too</a></ul></div>'
    )
    assert {urls.path(url): text for url, text in parse(html).links} == {
        "/imprint": "", "/menu": "", "/ad": "", "/kept": "Kept", "/too": "Too",
    }  # fmt: skip


def test_language_and_translations_are_read() -> None:
    page = parse('<html lang="de-AT"><head><link rel="alternate" hreflang="en" href="/en/"></head></html>')
    assert page.lang == "de-AT"
    assert page.alternates == (("en", "http://example.org/en/"),)


@given(st.binary(max_size=400))
def test_no_bytes_hurt_the_reader(body: bytes) -> None:
    links.parse(body, URL)
    charset.decode(body)
    too_complex(body * 200)


@given(st.text(alphabet="<>/ab=\"! '-", max_size=200))
def test_no_tag_soup_hurts_the_reader(text: str) -> None:
    parse(text)


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("ä".encode(), "text/html; charset=utf-8", "ä"),
        ("ä".encode("latin-1"), "text/html; charset=ISO-8859-1", "ä"),
        ("€".encode("cp1252"), "text/html; charset=iso-8859-1", "€"),
        ("ä".encode("latin-1"), "", "ä"),
        ("ä".encode(), "text/html; charset=latin1", "ä"),
        (b'<meta charset="windows-1251">' + "я".encode("cp1251"), "", '<meta charset="windows-1251">я'),
        (b'<meta charset="utf-16"> x', "", '<meta charset="utf-16"> x'),
        ("\ufeffä".encode("utf-16-le"), "text/html; charset=utf-8", "ä"),
        ("\ufeffä".encode(), "text/html; charset=latin1", "ä"),
        ("日本".encode("shift_jis"), "text/html; charset=Shift_JIS", "日本"),
        ("日本".encode("euc_jp"), "text/html; charset=x-euc-jp", "日本"),
        ("中".encode("gb18030"), "text/html; charset=gb2312", "中"),
        ("ą".encode("iso8859-2"), 'text/html; charset="iso-8859-2"', "ą"),
        (b"abc", "text/html; charset=rot13", "abc"),
        (b"abc", "text/html; charset=zlib", "abc"),
        (b"a\xffb", "text/html; charset=utf-8", "a\ufffdb"),
        (b"<?xml version='1.0' encoding='iso-8859-2'?>\xb1", "", "<?xml version='1.0' encoding='iso-8859-2'?>ą"),
    ],
)
def test_encodings_are_found_as_browsers_find_them(body: bytes, content_type: str, text: str) -> None:
    assert charset.decode(body, content_type) == text


BOMBS = {
    "nested": b"<div>" * 100_000,
    "nested and closed": b"<span>" * 100_000 + b"</span>" * 100_000,
    "attributes": b"<a " + b" ".join(b"a%d" % n for n in range(200_000)) + b">",
    "attributes with values": b"<a " + b" ".join(b"a%d='>'" % n for n in range(200_000)) + b">",
    "paragraphs": b"<p>" * 3_000_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_pages_that_would_stall_the_parser_are_not_parsed(web: Web, site: Crawler, name: str) -> None:
    web.page("/", "x", "/bomb", "/a")
    web.page("/a")
    web.document("/bomb", BOMBS[name])
    began = time.process_time()
    report = site()
    assert time.process_time() - began < 5.0  # without the look at its tags: minutes
    assert site.paths() == ["/", "/a"]
    assert "complex" in report.skipped


def test_ordinary_large_pages_are_not_complex() -> None:
    row = "<tr><td>1<td><p>cell<br><img src=x></tr>" * 5000
    assert too_complex(f"<table>{row}</table><ul>{'<li>x' * 20_000}</ul>".encode()) == ""
    assert too_complex(f'<svg><path d="{"1 2 " * 60_000}"/></svg>{"<p>text" * 10_000}'.encode()) == ""
    assert too_complex(f"<pre>{'text without tags ' * 10_000}</pre>".encode()) == ""


def test_soft_404_compares_what_is_beyond_the_frame() -> None:
    frame = "Harbour of Nordhaven, office hours, contact, imprint, sitemap, search, news, tides and weather"
    soft = Soft404()
    soft.template = word_pairs(visible_text(URL, frame.encode()))
    soft.learn(URL + "1", f"{frame} Sorry, this page does not exist, try our search".encode())
    assert soft.matches(URL, f"{frame} Sorry, this page does not exist, try our search".encode())
    assert not soft.matches(URL, f"{frame} Pier 3 is closed".encode())
    assert not soft.matches(URL, b"")


def test_probes_are_beside_the_start_page_too() -> None:
    assert len(probes("http://h/")) == 1
    assert len(probes("http://h/docs/index.html")) == 2
