"""The demo site through the whole daemon: real crawl, real model, real index, real server, real browser."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from selenium.webdriver import Chrome

from tests.conftest import Published
from tests.conftest import daemon as serve
from tests.web.test_browser import field, hits, inside, press, texts, wait, write

GERMAN = "Wohin mit dem alten Sofa?"
ENGLISH = "How long do people wait for a permanent place for their yacht?"


@pytest.fixture(scope="module")
def town(demo: Published) -> Iterator[str]:
    with serve(demo.data, **{"api.rate_address": "", "api.cors_origins": "*"}) as url:
        yield url


def get(daemon: str, path: str, /, **params: Any) -> Any:
    query = urllib.parse.urlencode(params, doseq=True)
    with urllib.request.urlopen(f"{daemon}{path}?{query}") as response:
        return json.load(response)


@pytest.mark.parametrize(("question", "page"), [(GERMAN, "/abfall."), (ENGLISH, "/berth-waiting-list.")])
def test_a_question_in_other_words_finds_the_page(town: str, question: str, page: str) -> None:
    found = [hit["url"] for hit in get(town, "/api/v1/search", q=question)["results"]]
    assert any(page in url for url in found[:3]), found


def test_every_endpoint_answers_the_real_index_in_its_shape(town: str) -> None:
    spec = get(town, "/openapi.json")
    page = get(town, "/api/v1/search", q=GERMAN)["results"][0]
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("/api/v1/search", "", {"q": GERMAN, "explain": 1, "facets": 1}),
        ("/api/v1/search", "", {"q": "fee", "mode": "lexical", "sort": "date", "page_lang": ["en"], "sections": 5}),
        ("/api/v1/suggest", "", {"q": "haf"}),
        ("/api/v1/answer", "", {"q": GERMAN}),
        ("/api/v1/similar", "", {"url": page["url"]}),
        ("/api/v1/recommend", "", {"url": [page["url"]]}),
        ("/api/v1/random", "", {"limit": 3, "lang": "de"}),
        ("/api/v1/pages/{page}", str(page["page"]), {}),
        ("/api/v1/summary", "", {"url": page["url"]}),
        ("/readyz", "", {}),
    ]
    for path, number, params in calls:
        answer = get(town, path.replace("{page}", number), **params)
        described = spec["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        Draft202012Validator({**described, "components": spec["components"]}).validate(answer)
        for key in ("results", "suggestions"):
            assert answer.get(key, [1]), f"{path} found nothing"


def test_highlights_lie_inside_their_text(town: str) -> None:
    for question in (GERMAN, ENGLISH, "Hafen", "harbour fees"):
        for hit in get(town, "/api/v1/search", q=question, limit=20)["results"]:
            for section in hit["sections"]:
                length = len(section["snippet"]["text"])
                assert all(0 <= start < end <= length for start, end in section["snippet"]["highlights"])


@pytest.mark.parametrize(
    "q", ["(" * 500, '"' * 300, "a AND", "field:value", "*", "\u202e\u200d", "🚢" * 200, "%00", "^~[]{}"]
)
def test_no_question_breaks_the_engine(town: str, q: str) -> None:
    for path in ("/api/v1/search", "/api/v1/answer"):
        assert get(town, path, q=q)["snapshot"]
    assert get(town, "/api/v1/suggest", q=q[:200])["snapshot"]


def test_a_page_that_is_not_indexed_is_a_404(town: str) -> None:
    for path in ("similar", "pages", "summary", "recommend"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            get(town, f"/api/v1/{path}", url="https://elsewhere.example/")
        assert caught.value.code == 404
        caught.value.close()


@pytest.mark.browser
@pytest.mark.parametrize(("question", "folder"), [(GERMAN, "/de/"), (ENGLISH, "/en/")])
def test_a_visitor_types_a_question_on_the_demo_page_and_opens_the_section(
    browser: Chrome, town: str, question: str, folder: str
) -> None:
    browser.get(f"{town}/docs")
    field(browser)
    browser.execute_script(
        "addEventListener('echolot-select', (event) => { window.chosen = event.detail.href; event.preventDefault(); })"
    )
    write(browser, question)
    wait(browser, lambda: hits(browser))
    target = inside(browser, "a.hit")[0].get_attribute("href")
    while not inside(browser, "a.hit[aria-selected=true]"):
        press(browser, "\ue015")  # arrow down
    press(browser, "\ue007")  # enter
    assert wait(browser, lambda: browser.execute_script("return window.chosen")) == target
    assert folder in str(target)


@pytest.mark.browser
def test_suggestions_come_with_the_first_letters(browser: Chrome, town: str) -> None:
    browser.get(f"{town}/docs")
    write(browser, "Haf")
    wait(browser, lambda: any("haf" in text.lower() for text in texts(browser, "a.line [part=title]")))


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 375, 768, 1280])
def test_results_fit_every_screen(browser: Chrome, town: str, width: int) -> None:
    from tests.web.conftest import show

    show(browser, width)
    for question in (GERMAN, ENGLISH, "Hafen"):
        browser.get(f"{town}/search?{urllib.parse.urlencode({'q': question, 'explain': 1})}")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_the_pages_of_the_site_that_was_indexed_may_ask_without_any_setting(demo: Published) -> None:
    with serve(demo.data) as url:
        for origin, allowed in ((demo.url, demo.url), ("https://evil.example", None)):
            asked = urllib.request.Request(f"{url}/api/v1/search?q=ferry", headers={"Origin": origin})
            with urllib.request.urlopen(asked, timeout=30) as answer:
                assert answer.headers["Access-Control-Allow-Origin"] == allowed
