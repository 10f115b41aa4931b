"""One page, one address."""

from __future__ import annotations

import ada_url
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import urls
from indexer.scope import Scope, matches_any

BASE = "http://example.org/docs/page.html?x=1"


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("other.html", "http://example.org/docs/other.html"),
        ("../up", "http://example.org/up"),
        ("/root", "http://example.org/root"),
        ("//cdn.example.org/x", "http://cdn.example.org/x"),
        ("?y=2", "http://example.org/docs/page.html?y=2"),
        (" \n?y=2", "http://example.org/docs/page.html?y=2"),
        ("", "http://example.org/docs/page.html?x=1"),
        ("#part", "http://example.org/docs/page.html?x=1"),
        ("a#part", "http://example.org/docs/a"),
        ("HTTP://EXAMPLE.org:80/A/./B/../C", "http://example.org/A/C"),
        ("https://example.org:443/", "https://example.org/"),
        ("http://münchen.example/", "http://xn--mnchen-3ya.example/"),
        ("http://user:secret@example.org/x", "http://example.org/x"),
        ("/Groß", "http://example.org/Gro%C3%9F"),
        ("/%7euser/%c3%9f%2f", "http://example.org/~user/%C3%9F%2F"),
        ("/a?utm_source=x&id=3&fbclid=9", "http://example.org/a?id=3"),
        ("/a?gclid=1", "http://example.org/a"),
        ("/a?PHPSESSID=1&B=2", "http://example.org/a?B=2"),
        ("/a;jsessionid=0A1B?x=1", "http://example.org/a?x=1"),
        ("/(S(abcdefghijklmnopqrstuvwx))/a", "http://example.org/a"),
        ("/a?x=1&amp;y=2", "http://example.org/a?x=1&y=2"),
        ("/a?", "http://example.org/a"),
        ("/a?&&x", "http://example.org/a?x"),
        ("http:\\\\example.org\\a", "http://example.org/a"),
        ("mailto:a@example.org", ""),
        ("JavaScript:void(0)", ""),
        ("tel:123", ""),
        ("data:text/html,x", ""),
        ("ftp://example.org/x", ""),
        ("file:///etc/passwd", ""),
        ("\x01javascript:void(0)", ""),
        ("java\tscript:void(0)", ""),
        ("http://", ""),
        ("http://[::1", ""),
        ("http://a b/", ""),
        ("x" * 10_000, ""),
    ],
)
def test_addresses_take_one_spelling(href: str, expected: str) -> None:
    assert urls.normalise(href, BASE) == expected


@pytest.mark.parametrize("base", ["ftp://example.org/docs/", "file:///srv/www/"])
@pytest.mark.parametrize("href", ["x.html", "/x", "", "?y"])
def test_nothing_but_the_web_is_reached_from_another_base(base: str, href: str) -> None:
    assert urls.normalise(href, base) == ""
    assert urls.normalise("http://example.org/x", base) == "http://example.org/x"


def test_the_case_of_the_path_stays() -> None:
    assert urls.normalise("http://Example.ORG/ReadMe") == "http://example.org/ReadMe"


def test_parameters_that_the_owner_calls_meaningless_go() -> None:
    assert urls.normalise("/a?Ref=home&x=1", BASE, {"ref"}) == "http://example.org/a?x=1"


@given(st.text(max_size=80))
def test_normalising_never_raises_and_twice_equals_once(href: str) -> None:
    once = urls.normalise(href, BASE)
    assert urls.normalise(once) == once if once else True


@given(st.text(alphabet="abc/.?#&=%;:@\\ \t20", max_size=30))
def test_folders_resolve_like_pages(href: str) -> None:
    """The cache looks at the folder of a page; the answer must be that for the page."""
    try:
        direct = urls.normalise(ada_url.join_url(BASE, href))
    except ValueError:
        direct = ""
    assert urls.normalise(href, BASE) == direct


@pytest.mark.parametrize(
    ("url", "origin", "host", "path"),
    [
        ("http://example.org/", "http://example.org", "example.org", "/"),
        ("https://example.org:8443/a?b", "https://example.org:8443", "example.org", "/a?b"),
        ("http://[::1]:80/x", "http://[::1]:80", "::1", "/x"),
    ],
)
def test_parts(url: str, origin: str, host: str, path: str) -> None:
    assert (urls.origin(url), urls.host(url), urls.path(url)) == (origin, host, path)


def test_patterns_speak_the_language_of_robots() -> None:
    scope = Scope(["http://h"], ["/docs/", "/*.pdf$", "http://h/exact$"], ["/docs/old*draft"])
    inside = ["/docs/a", "/x/y.pdf", "/exact"]
    outside = ["/x", "/x/y.pdf?a", "/exactly", "/docs/old/my-draft-2"]
    assert [scope.reason(f"http://h{path}") for path in inside] == ["", "", ""]
    assert all(scope.reason(f"http://h{path}") for path in outside)
    assert scope.reason("http://h:81/docs/a").startswith("another host")
    assert matches_any(("/a*c",), "http://h/abc")
