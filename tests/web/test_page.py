"""The search page without a browser: what it says, where its links lead, that texts stay texts."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from msgspec import structs

from searchd.query import Hit, Snippet
from searchd.web.texts import TEXTS
from searchd.web.view import crumbs, href, marked
from tests.api.conftest import MakeApp, app, client, live, make_app
from tests.api.shelf import HOST, Book, Shelf, ShelfLive

__all__ = ["app", "client", "live", "make_app"]

XSS = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&lt;svg onload=alert(1)&gt;"


def links(page: str) -> list[str]:
    return [html.unescape(found) for found in re.findall(r'href="([^"]*)"', page)]


@pytest.mark.parametrize("path", ["/", "/search", "/search?q=", "/search?q=%20"])
def test_without_a_question_the_page_shows_the_field_and_something_to_read(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert 'name="q"' in response.text
    assert "Ferry timetable" in response.text


@pytest.mark.parametrize("path", ["/", "/search"])
def test_results_link_to_the_section_and_mark_the_words(client: FlaskClient, path: str) -> None:
    page = client.get(path, query_string={"q": "ferry"}).text
    assert f"{HOST}/ferry#details" in links(page)
    assert "<mark>ferry</mark>" in page


def test_the_policy_allows_no_inline_script_and_no_foreign_resource(client: FlaskClient) -> None:
    response = client.get("/search", query_string={"q": "ferry"})
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|javascript:", response.text)
    for address in re.findall(r'(?:src|<link[^>]*href)="([^"]*)"', response.text):
        assert address.startswith("/"), address


@pytest.mark.parametrize("q", [XSS, html.escape(XSS), "\u202e<b>", "{{7*7}}"])
def test_a_hostile_question_stays_text(client: FlaskClient, q: str) -> None:
    page = client.get("/search", query_string={"q": q}).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<svg onload" not in page
    assert "49" not in re.sub(r"[0-9a-f]{8}", "", page.split("<main")[1].split("took")[0])


def test_hostile_pages_stay_text_and_only_web_addresses_are_links(client: FlaskClient, live: ShelfLive) -> None:
    class Hostile(Shelf):
        def hit(self, number: int, words: Sequence[str] = (), score: float = 1.0) -> Hit:
            found = super().hit(number, words, score)
            section = structs.replace(found.sections[0], headings=(XSS,), anchor=XSS)
            return structs.replace(
                found, url="javascript:alert(1)//https://x", title=XSS, category=XSS, lang=XSS, sections=(section,) * 2
            )

    live.shelves["town"] = Hostile([Book("/x", XSS, f"{XSS} ferry", lang=XSS, category=XSS, tags=(XSS,))], "evil")
    for path in ("/search?q=ferry&explain=1", "/"):
        page = client.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<svg onload" not in page
        assert not any(urlsplit(address).scheme in ("javascript", "data") for address in links(page))
    answer = client.get("/api/v1/search?q=ferry").get_json()["results"][0]
    assert (answer["url"], answer["link"]) == ("", "")


def test_errors_are_shown_on_the_page_with_their_status(client: FlaskClient, live: ShelfLive) -> None:
    overlong = client.get("/search", query_string={"q": "x" * 10_240})
    assert overlong.status_code == 400
    assert "at most 1000 are allowed" in overlong.text
    assert client.get("/search", query_string={"q": "a\x00b"}).status_code == 400
    assert client.get("/search", query_string={"q": "ferry", "site": "nowhere"}).status_code == 404
    live.shelves["town"] = None
    unready = client.get("/search", query_string={"q": "ferry"})
    assert unready.status_code == 503
    assert TEXTS["en"]["unready"] in unready.text


def test_the_page_ignores_what_analytics_add_to_addresses(client: FlaskClient) -> None:
    response = client.get("/search?q=ferry&utm_source=newsletter&tag=&from=")
    assert response.status_code == 200
    assert "Ferry timetable" in response.text


def test_filters_are_links_that_can_be_set_and_removed(client: FlaskClient) -> None:
    page = client.get("/search", query_string={"q": "ferry museum"}).text
    choose = next(link for link in links(page) if "category=transport" in link)
    filtered = client.get("/search" + choose).text
    assert "Museum opening hours" not in filtered
    remove = [link for link in links(filtered) if parse_qs(link[1:]) == {"q": ["ferry museum"]}]
    assert remove


def test_result_pages_follow_one_another(client: FlaskClient) -> None:
    seen: list[str] = []
    path = "/search?q=harbour"
    for _ in range(10):
        page = client.get(path).text
        seen += re.findall(r'<h2><a href="([^"]+)"', page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        if not following:
            break
        path = "/search" + html.unescape(following[1])
    assert len(seen) == len(set(seen)) == 30


@pytest.mark.parametrize(
    ("accept", "query", "lang"),
    [("de-AT,de;q=0.9,en;q=0.5", "", "de"), ("fr,en;q=0.5", "", "en"), ("fr", "", "en"), ("en", "&lang=de", "de")],
)
def test_the_page_speaks_the_visitors_language(client: FlaskClient, accept: str, query: str, lang: str) -> None:
    response = client.get(f"/search?q=ferry{query}", headers={"Accept-Language": accept})
    assert f'<html lang="{lang}">' in response.text
    assert TEXTS[lang]["newest"] in response.text
    assert "Accept-Language" in response.headers["Vary"]


def test_both_languages_have_the_same_texts() -> None:
    assert set(TEXTS["de"]) == set(TEXTS["en"])


def test_behind_a_proxy_with_a_prefix_all_addresses_carry_it(make_app: MakeApp) -> None:
    client = make_app(server={"trusted_proxies": 1}).test_client()
    headers = {"X-Forwarded-Prefix": "/suche", "X-Forwarded-For": "203.0.113.1"}
    page = client.get("/search?q=ferry", headers=headers).text
    own = [link for link in links(page) if not link.startswith(("http", "?", "#"))]
    assert own
    assert all(link.startswith("/suche/") for link in own)


def test_files_have_a_version_that_lets_browsers_keep_them(client: FlaskClient) -> None:
    page = client.get("/").text
    address = re.search(r'href="(/static/page\.css\?v=\w+)"', page)
    assert address
    response = client.get(address[1])
    assert "immutable" in response.headers["Cache-Control"]
    assert client.get(address[1], headers={"If-None-Match": response.headers["ETag"]}).status_code == 304
    assert "immutable" not in client.get("/static/page.css").headers["Cache-Control"]


@pytest.mark.parametrize("name", ["../pages.py", "..%2fpages.py", "%2e%2e/pages.py", "nothing.css", ""])
def test_only_the_static_files_are_served(client: FlaskClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404


def test_the_documentation_names_every_endpoint_parameter_and_setting_of_the_widget(client: FlaskClient) -> None:
    page = client.get("/docs").text
    for endpoint in client.application.extensions["echolot"].endpoints:
        section = page.split(f'id="{endpoint.name}"')[1].split("</section>")[0]
        assert endpoint.path in section
        assert all(f"<code>{param.name}</code>" in section for param in endpoint.params)
    script = (Path(__file__).parents[2] / "searchd/web/static/widget.js").read_text()
    attributes = set(re.findall(r'(?:getAttribute|hasAttribute|number)\("([a-z-]+)"', script)) - {"action", "href"}
    assert len(attributes) > 8
    for name in attributes:
        assert re.search(rf"[^a-z-]{name.rstrip('-')}[^a-z]", page), name


def test_the_widget_is_one_small_file_that_loads_nothing_else(client: FlaskClient) -> None:
    response = client.get("/widget.js", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert len(response.data) <= 15 * 1024
    script = client.get("/widget.js").text
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|\bimport\b", script)


@pytest.mark.parametrize(
    ("text", "spans", "pieces"),
    [
        ("abc", (), [("abc", False)]),
        ("abc", ((0, 3),), [("abc", True)]),
        ("abcdef", ((4, 5), (1, 2)), [("a", False), ("b", True), ("cd", False), ("e", True), ("f", False)]),
        ("abcdef", ((0, 3), (2, 4)), [("abc", True), ("d", True), ("ef", False)]),
        ("abc", ((2, 99), (5, 7), (1, 1)), [("ab", False), ("c", True)]),
        ("🚢 ahoi", ((2, 6),), [("🚢 ", False), ("ahoi", True)]),
        ("", ((0, 1),), []),
    ],
)
def test_marks_cover_exactly_their_offsets(
    text: str, spans: tuple[tuple[int, int], ...], pieces: list[tuple[str, bool]]
) -> None:
    assert list(marked(Snippet(text, spans))) == pieces


def test_an_ellipsis_stands_where_an_excerpt_was_cut() -> None:
    cut = Snippet("the harbour", ((4, 11),), before=True, after=True)
    assert list(marked(cut)) == [("… ", False), ("the ", False), ("harbour", True), (" …", False)]


def test_addresses_keep_what_was_chosen_and_drop_defaults() -> None:
    args = {"q": "a&b", "tag": ("x", "y"), "mode": "hybrid", "sort": "date", "explain": True, "offset": 20}
    assert href(args) == "?q=a%26b&tag=x&tag=y&sort=date&explain=1"
    assert parse_qs(href(args, offset=10, tag=None)[1:]) == {
        "q": ["a&b"], "sort": ["date"], "explain": ["1"], "offset": ["10"]
    }  # fmt: skip


def test_addresses_are_shown_in_words() -> None:
    assert crumbs("https://www.example.org/b%C3%BCrger/%C3%A4mter/?x=1") == "www.example.org › bürger › ämter"
