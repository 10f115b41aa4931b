"""What every answer carries: errors of one shape, headers, caching, compression, CORS, log."""

from __future__ import annotations

import gzip
import json
import logging
import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from searchd.api.endpoints import MAX_URL_CHARS
from searchd.errors import ConfigError, SnapshotError, StorageError
from tests.api.conftest import ADMIN, MakeApp
from tests.api.shelf import Shelf, ShelfLive

SEARCH = "/api/v1/search"


def error_of(response: Any, status: int) -> dict[str, str]:
    assert response.status_code == status, response.text
    assert response.mimetype == "application/json"
    error: dict[str, str] = response.get_json()["error"]
    assert set(error) == {"code", "message", "hint"}
    assert error["message"]
    return error


def test_the_longest_list_of_addresses_fits_into_a_body(client: FlaskClient) -> None:
    addresses = [f"https://town.example/{number}/".ljust(MAX_URL_CHARS, "\U0001f6a2") for number in range(20)]
    body = json.dumps({"url": addresses})  # a ship is twelve bytes of JSON
    assert len(body) > 400_000
    error_of(client.post("/api/v1/recommend", data=body, content_type="application/json"), 404)


def test_every_error_has_the_same_shape(client: FlaskClient, live: ShelfLive) -> None:
    error_of(client.get("/nowhere"), 404)
    assert "GET" in client.post("/healthz").headers["Allow"]
    error_of(client.post("/healthz"), 405)
    error_of(client.delete(SEARCH), 405)
    error_of(client.post(SEARCH, data=b"x" * 1_048_577, content_type="application/json"), 413)
    error_of(client.post(SEARCH, data=b"q=ferry"), 415)
    error_of(client.get("/api/v1/admin/report"), 401)
    live.shelves["town"] = None
    unready = client.get(SEARCH, query_string={"q": "ferry"})
    assert error_of(unready, 503)["code"] == "snapshot"
    assert int(unready.headers["Retry-After"]) > 0


def test_a_bug_is_a_500_that_tells_nothing_of_the_inside(
    client: FlaskClient, live: ShelfLive, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_query: object) -> None:
        raise ZeroDivisionError("/secret/path")

    monkeypatch.setattr(live.shelves["town"], "search", broken)
    response = client.get(SEARCH, query_string={"q": "ferry"})
    assert error_of(response, 500)["code"] == "internal"
    assert "secret" not in response.text
    assert response.headers["X-Request-Id"] in caplog.text


def test_a_storage_error_is_a_503(client: FlaskClient, live: ShelfLive, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_query: object) -> None:
        raise StorageError("the disk is gone")

    monkeypatch.setattr(live.shelves["town"], "search", broken)
    assert error_of(client.get(SEARCH, query_string={"q": "ferry"}), 503)["code"] == "storage"


def test_alive_is_not_ready(client: FlaskClient, live: ShelfLive) -> None:
    assert client.get("/readyz").get_json()["sites"][0]["snapshot"] == "shelf-1"
    live.shelves["town"] = None
    live.errors["town"] = "the snapshot is damaged"
    assert client.get("/healthz").status_code == 200
    response = client.get("/readyz")
    assert "damaged" in error_of(response, 503)["message"]
    assert response.get_json()["sites"][0]["error"] == "the snapshot is damaged"


def test_a_refused_snapshot_is_told_while_the_old_one_serves(client: FlaskClient, live: ShelfLive) -> None:
    live.errors["town"] = "the new snapshot X is damaged; shelf-1 keeps serving"
    response = client.get("/readyz")
    assert response.status_code == 200
    assert "damaged" in response.get_json()["sites"][0]["error"]
    assert 'echolot_swap_failed{site="town"} 1.0' in client.get("/metrics").text


def test_a_repeated_question_is_answered_from_memory_until_the_snapshot_changes(
    client: FlaskClient, live: ShelfLive
) -> None:
    shelf = live.shelves["town"]
    assert shelf is not None
    first = client.get(SEARCH, query_string={"q": "ferry"})
    second = client.get(SEARCH, query_string={"q": "ferry"})
    assert (first.data, first.headers["ETag"]) == (second.data, second.headers["ETag"])
    assert shelf.searches == 1
    live.shelves["town"] = Shelf(shelf.books[:1], "shelf-2")
    third = client.get(SEARCH, query_string={"q": "ferry"})
    assert third.get_json()["snapshot"] == "shelf-2"
    assert third.headers["ETag"] != first.headers["ETag"]


def test_a_caller_who_has_the_answer_gets_304_without_a_search(client: FlaskClient, live: ShelfLive) -> None:
    shelf = live.shelves["town"]
    assert shelf is not None
    first = client.get(SEARCH, query_string={"q": "ferry"})
    assert first.headers["Cache-Control"] == "public, max-age=60"
    tag = {"If-None-Match": f'"other", {first.headers["ETag"]}'}
    again = client.get(SEARCH, query_string={"q": "ferry"}, headers=tag)
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    fresh = Shelf(shelf.books, "shelf-2")
    live.shelves["town"] = fresh
    assert client.get(SEARCH, query_string={"q": "ferry"}, headers=tag).status_code == 200


def test_a_304_needs_no_search_even_in_a_daemon_that_just_started(make_app: MakeApp, live: ShelfLive) -> None:
    tag = make_app().test_client().get(SEARCH, query_string={"q": "ferry"}).headers["ETag"]
    shelf = live.shelves["town"]
    assert shelf is not None
    before = shelf.searches
    again = make_app().test_client().get(SEARCH, query_string={"q": "ferry"}, headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert shelf.searches == before


def test_errors_and_chance_are_never_kept(client: FlaskClient) -> None:
    assert client.get(SEARCH).headers["Cache-Control"] == "no-store"
    assert client.get("/api/v1/random").headers["Cache-Control"] == "no-store"


def test_answers_are_compressed_for_those_who_can_read_it(client: FlaskClient) -> None:
    for _ in range(2):  # from Flask, then from memory
        plain = client.get(SEARCH, query_string={"q": "harbour"})
        packed = client.get(SEARCH, query_string={"q": "harbour"}, headers={"Accept-Encoding": "br, gzip"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.data) == plain.data
        assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) / 2
        assert "Accept-Encoding" in packed.headers["Vary"]


def test_head_has_the_headers_and_no_body(client: FlaskClient) -> None:
    response = client.head(SEARCH, query_string={"q": "ferry"})
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["ETag"]


def test_only_listed_origins_may_call(make_app: MakeApp) -> None:
    client = make_app(cors_origins=("https://shop.example",)).test_client()
    for origin in ("https://shop.example", "https://www.harbour.example", "https://indexed.example"):
        response = client.get(SEARCH, query_string={"q": "ferry"}, headers={"Origin": origin})
        assert response.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in response.headers["Vary"]
    foreign = client.get(SEARCH, query_string={"q": "ferry"}, headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in foreign.headers
    preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    response = client.options("/api/v1/feedback", headers=preflight)
    assert response.status_code == 204
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in response.headers["Access-Control-Allow-Headers"]


def test_request_ids_are_kept_when_they_are_harmless_and_made_otherwise(client: FlaskClient) -> None:
    given = client.get("/healthz", headers={"X-Request-Id": "proxy-12345678"})
    assert given.headers["X-Request-Id"] == "proxy-12345678"
    evil = client.get("/healthz", headers={"X-Request-Id": 'x" forged=1 ' + "y" * 99})
    assert evil.headers["X-Request-Id"] != given.headers["X-Request-Id"]
    assert " " not in evil.headers["X-Request-Id"]


def test_the_access_log_holds_neither_query_nor_address_nor_forged_lines(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    from searchd.logs import JsonFormatter

    with caplog.at_level(logging.INFO, "searchd.access"):
        client = make_app().test_client()
        client.get(SEARCH, query_string={"q": "my-secret-illness"}, environ_base={"REMOTE_ADDR": "203.0.113.7"})
        client.get("/x%0a%22forged", environ_base={"REMOTE_ADDR": "203.0.113.7"})
    lines = [JsonFormatter().format(record) for record in caplog.records if record.name == "searchd.access"]
    assert [json.loads(line)["status"] for line in lines] == [200, 404]
    assert all("\n" not in line for line in lines)
    assert not any("secret" in line or "203.0.113.7" in line for line in lines)
    assert json.loads(lines[0])["endpoint"] == "search"


def test_metrics_count_requests_by_endpoint_and_not_by_address(client: FlaskClient) -> None:
    client.get(SEARCH, query_string={"q": "ferry"})
    client.get("/wp-login.php")
    text = client.get("/metrics").text
    assert 'echolot_requests_total{endpoint="search",status="200"} 1.0' in text
    assert 'echolot_requests_total{endpoint="other",status="404"} 1.0' in text
    assert "wp-login" not in text
    assert "echolot_processes 2.0" in text
    assert "echolot_processes_died_total 5.0" in text


def test_a_full_house_is_told_to_come_back(make_app: MakeApp, live: ShelfLive, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(server={"concurrency": 1, "queue": 0})
    shelf = live.shelves["town"]
    assert shelf is not None
    inside, leave = threading.Event(), threading.Event()
    search = shelf.search

    def slow(query: Any) -> Any:
        inside.set()
        assert leave.wait(10)
        return search(query)

    monkeypatch.setattr(shelf, "search", slow)
    statuses: list[int] = []
    first = threading.Thread(
        target=lambda: statuses.append(app.test_client().get(SEARCH, query_string={"q": "ferry"}).status_code)
    )
    first.start()
    assert inside.wait(10)
    refused = app.test_client().get(SEARCH, query_string={"q": "museum"})
    assert error_of(refused, 503)["code"] == "overloaded"
    assert int(refused.headers["Retry-After"]) >= 1
    assert app.test_client().get("/healthz").status_code == 200
    leave.set()
    first.join()
    assert statuses == [200]
    assert app.test_client().get(SEARCH, query_string={"q": "museum"}).status_code == 200


def test_who_waits_too_long_is_told_so(make_app: MakeApp) -> None:
    app = make_app(server={"concurrency": 1, "queue": 5, "queue_timeout_s": 0.05})
    with app.extensions["echolot"].gate.enter():
        response = app.test_client().get(SEARCH, query_string={"q": "museum"})
    assert error_of(response, 503)["code"] == "overloaded"


def test_without_a_key_search_is_open_and_admin_is_not(make_app: MakeApp) -> None:
    client = make_app(keys=()).test_client()
    assert client.get(SEARCH, query_string={"q": "ferry"}).status_code == 200
    assert error_of(client.get("/api/v1/admin/report"), 403)["code"] == "forbidden"


@pytest.mark.parametrize("header", [{"Authorization": f"Bearer {ADMIN}"}, {"X-Api-Key": ADMIN}])
def test_a_key_opens_its_own_scopes_only(client: FlaskClient, header: dict[str, str]) -> None:
    assert client.get("/api/v1/admin/report", headers=header).status_code == 200
    assert "scope" in error_of(client.get(SEARCH, query_string={"q": "ferry"}, headers=header), 403)["message"]


def test_a_wrong_or_foreign_key_opens_nothing(client: FlaskClient) -> None:
    for secret in ("guess", "website-website-website"):
        response = client.get("/api/v1/admin/report", headers={"Authorization": f"Bearer {secret}"})
        error_of(response, 401 if secret == "guess" else 403)  # noqa: S105 (no secret)
    assert client.get("/api/v1/admin/report").headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("authorization", ["Digest x", "Bearer", "Bearer x", "Basic eDp5", "Basic %%%", "x", ""])
def test_a_second_wrong_key_is_not_outweighed_by_a_right_one(client: FlaskClient, authorization: str) -> None:
    headers = {"X-Api-Key": ADMIN, "Authorization": authorization}
    error_of(client.get("/api/v1/admin/report", headers=headers), 401)


def test_a_website_behind_a_password_of_its_proxy_can_be_searched(client: FlaskClient) -> None:
    response = client.get(SEARCH, query_string={"q": "ferry"}, auth=("editor", "the proxy's password"))
    assert response.status_code == 200


def test_an_operator_opens_the_report_in_a_browser(client: FlaskClient) -> None:
    asked = client.get("/api/v1/admin/report?format=html")
    assert asked.headers["WWW-Authenticate"].startswith("Basic")
    assert client.get("/api/v1/admin/report?format=html", auth=("anyone", ADMIN)).status_code == 200


def test_a_closed_search_needs_its_key_and_is_never_kept_by_proxies(make_app: MakeApp) -> None:
    client = make_app(public_scopes=()).test_client()
    error_of(client.get(SEARCH, query_string={"q": "ferry"}), 401)
    assert client.get("/search", query_string={"q": "ferry"}).status_code == 401
    key = {"X-Api-Key": "website-website-website"}
    response = client.get(SEARCH, query_string={"q": "ferry"}, headers=key)
    assert response.headers["Cache-Control"] == "private, max-age=60"
    error_of(client.get(SEARCH, query_string={"q": "ferry"}), 401)


@pytest.mark.parametrize(
    "wrong",
    [
        {"keys": ("admin-secret",)},
        {"keys": ("ops:root:0123456789abcdef",)},
        {"keys": ("ops:admin:short",)},
        {"public_scopes": ("admin",)},
        {"rate_address": "often"},
    ],
)
def test_a_wrong_key_scope_or_rate_stops_the_start_without_telling_the_secret(
    make_app: MakeApp, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_app(**wrong)
    assert "0123456789abcdef" not in str(caught.value)


def test_who_asks_too_often_is_told_when_to_come_back(make_app: MakeApp) -> None:
    client = make_app(rate_address="3/minute", rate_local=True).test_client()
    answers = [client.get(SEARCH, query_string={"q": "ferry"}) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]  # the last ones came from memory
    assert error_of(answers[3], 429)["code"] == "too_many_requests"
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
    other = client.get(SEARCH, query_string={"q": "ferry"}, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert other.status_code == 200
    keyed = client.get(SEARCH, query_string={"q": "ferry"}, headers={"X-Api-Key": "website-website-website"})
    assert keyed.status_code == 200


def test_forwarded_addresses_count_only_behind_a_trusted_proxy(make_app: MakeApp) -> None:
    def statuses(app: Flask) -> list[int]:
        client = app.test_client()
        return [
            client.get(SEARCH, query_string={"q": "ferry"}, headers={"X-Forwarded-For": f"203.0.113.{n}"}).status_code
            for n in range(3)
        ]

    assert statuses(make_app(rate_address="1/minute", rate_local=True)) == [200, 429, 429]
    assert statuses(make_app(rate_address="1/minute")) == [200, 200, 200]
    assert statuses(make_app(rate_address="1/minute", server={"trusted_proxies": 1})) == [200, 200, 200]


def test_reload_looks_for_a_new_snapshot(client: FlaskClient, live: ShelfLive) -> None:
    response = client.post("/api/v1/admin/reload", json={}, headers={"X-Api-Key": ADMIN})
    assert response.get_json()["status"] == "ready"
    assert live.reloads == [""]


def test_a_snapshot_error_of_the_engine_keeps_no_answer(client: FlaskClient, live: ShelfLive) -> None:
    client.get(SEARCH, query_string={"q": "ferry"})
    live.shelves["town"] = None
    with pytest.raises(SnapshotError):
        live.engine()
    error_of(client.get(SEARCH, query_string={"q": "ferry"}), 503)
