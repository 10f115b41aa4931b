from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.shelf import HOST, Shelf, ShelfLive

SEARCH = "/api/v1/search"


def ask(client: FlaskClient, **params: Any) -> Any:
    response = client.get(SEARCH, query_string=params)
    assert response.status_code == 200, response.text
    return response.get_json()


def test_a_search_answers_with_pages_sections_and_highlights(client: FlaskClient) -> None:
    answer = ask(client, q="ferry")
    best = answer["results"][0]
    assert best["url"] == f"{HOST}/ferry"
    assert best["section"] == {"headings": ["Ferry timetable", "Details"], "anchor": "details"}
    assert best["link"] == f"{HOST}/ferry#details"
    start, end = best["snippet"]["highlights"][0]
    assert best["snippet"]["text"][start:end] == "ferry"
    assert answer["snapshot"] == "shelf-1"
    assert answer["total"] == 1
    assert answer["took_ms"] >= 0


def test_get_and_post_answer_alike(client: FlaskClient) -> None:
    got = ask(client, q="harbour", limit=3, offset=2, category="news", facets=1)
    body = {"q": "harbour", "limit": 3, "offset": 2, "category": ["news"], "facets": True}
    posted = client.post(SEARCH, json=body).get_json()
    got.pop("took_ms"), posted.pop("took_ms")
    assert got == posted


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("x" * 10_240, "characters"),
        ("a\x00b", "control"),
        ("a\x1b[31m", "control"),
        ("a\nb", "control"),
    ],
)
def test_an_empty_overlong_or_control_character_query_is_refused(client: FlaskClient, query: str, word: str) -> None:
    for response in (client.get(SEARCH, query_string={"q": query}), client.post(SEARCH, json={"q": query})):
        assert response.status_code == 400
        error = response.get_json()["error"]
        assert set(error) == {"code", "message", "hint"}
        assert word in error["message"]


def test_a_lone_surrogate_in_json_is_refused(client: FlaskClient) -> None:
    response = client.post(SEARCH, data=b'{"q": "a\\ud800"}', content_type="application/json")
    assert response.status_code == 400


def test_a_missing_query_says_what_is_missing(client: FlaskClient) -> None:
    error = client.get(SEARCH).get_json()["error"]
    assert error["message"] == "q is missing"


@pytest.mark.parametrize(("name", "hint"), [("limitt", "limit"), ("section", "category"), ("query", "q")])
def test_an_unknown_parameter_gets_the_nearest_known_one_as_hint(client: FlaskClient, name: str, hint: str) -> None:
    response = client.get(SEARCH, query_string={"q": "ferry", name: "1"})
    assert response.status_code == 400
    assert repr(hint) in response.get_json()["error"]["hint"]


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "ten"},
        {"limit": "1.5"},
        {"offset": "-1"},
        {"mode": "magic"},
        {"sort": "random"},
        {"explain": "maybe"},
        {"from": "2026-02-30"},
        {"from": "yesterday"},
        {"from": "1969-12-31"},
        {"lang": "german!"},
        {"type": "doc"},
        {"path": "news"},
        {"tag": ""},
        {"q": ["a", "b"]},
    ],
)
def test_a_wrong_value_is_a_400_that_names_the_parameter(client: FlaskClient, params: dict[str, Any]) -> None:
    response = client.get(SEARCH, query_string={"q": "ferry"} | params)
    assert response.status_code == 400
    assert response.get_json()["error"]["message"].startswith(next(iter(params)))


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"q"', b'{"q": 1}', b'{"q": "a", "limit": true}', b'{"q": NaN}', b"\xff"]
)
def test_a_wrong_body_is_a_400(client: FlaskClient, body: bytes) -> None:
    response = client.post(SEARCH, data=body, content_type="application/json")
    assert response.status_code == 400
    assert "error" in response.get_json()


def test_pages_follow_one_another_without_gap_or_repetition(client: FlaskClient) -> None:
    everything = [hit["url"] for hit in ask(client, q="harbour", limit=50)["results"]]
    pieces = [hit["url"] for at in range(0, 35, 7) for hit in ask(client, q="harbour", limit=7, offset=at)["results"]]
    assert pieces == everything


def test_filters_restrict_and_may_be_repeated(client: FlaskClient) -> None:
    found = ask(client, q="ferry harbour museum", category=["transport", "town"])["results"]
    assert {hit["category"] for hit in found} == {"transport", "town"}
    assert [hit["lang"] for hit in ask(client, q="ferry Fähre", page_lang="DE-at")["results"]] == ["de"]
    assert all(hit["url"].startswith(f"{HOST}/news/1") for hit in ask(client, q="harbour", path="/news/1")["results"])


def test_facets_evidence_and_notes_come_only_when_asked_for(client: FlaskClient) -> None:
    plain = ask(client, q="harbour")
    assert not {"facets", "notes", "timings_ms"} & set(plain)
    assert "evidence" not in plain["results"][0]
    full = ask(client, q="harbour", facets=1, explain=1)
    assert full["facets"]["category"][0] == {"value": "news", "count": 30}
    assert full["results"][0]["evidence"][0]["name"] == "words"


def test_each_site_is_asked_by_its_name(client: FlaskClient, live: ShelfLive) -> None:
    live.shelves["other"] = Shelf(live.shelves["town"].books[:1], "other-1")  # type: ignore[union-attr]
    assert ask(client, q="ferry", site="other")["snapshot"] == "other-1"
    assert ask(client, q="ferry")["snapshot"] == "shelf-1"
    for name in ("nowhere", ""):
        response = client.get(SEARCH, query_string={"q": "ferry", "site": name})
        assert response.status_code == 404
        assert response.get_json()["error"]["code"] == "unknown_site"


def test_the_other_endpoints_answer(client: FlaskClient) -> None:
    ferry = f"{HOST}/ferry"

    def get(path: str, **params: Any) -> Any:
        return client.get(f"/api/v1/{path}", query_string=params).get_json()

    assert get("suggest", q="mus")["suggestions"][0]["text"] == "Museum opening hours"
    assert get("similar", url=f"{ferry}#details")["results"][0]["url"] == ferry
    assert get("recommend", url=[ferry])["results"]
    assert get("random", seen=[ferry])["results"][0]["url"] != ferry
    assert get("pages/0")["url"] == get("pages", url=ferry)["url"] == ferry
    assert get("summary", url=ferry)["summary"] == ["The ferry leaves at nine. Dogs travel free on the ferry."]
    assert get("answer", q="when does the ferry leave")["answers"][0]["link"] == f"{ferry}#details"


@pytest.mark.parametrize(
    "path",
    ["pages/99", "pages?url=https://a.example/", "similar?url=https://a.example/", "summary?url=https://a.example/",
     "recommend?url=https://a.example/"],
)  # fmt: skip
def test_an_unknown_page_is_a_404(client: FlaskClient, path: str) -> None:
    response = client.get(f"/api/v1/{path}")
    assert response.status_code == 404
    assert response.get_json()["error"]["code"] == "unknown_page"
