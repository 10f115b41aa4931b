from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from searchd import feedback
from searchd.errors import StorageError
from searchd.feedback import FeedbackStore, SearchNote, anonymous
from tests.api.conftest import ADMIN, MakeApp
from tests.api.shelf import HOST

FERRY = f"{HOST}/ferry"


def note(q: str, *, empty: bool = False, took_ms: float | None = 3.0) -> SearchNote:
    return SearchNote("town", "en", q, empty, False, took_ms)


@pytest.fixture
def store(tmp_path: Path) -> FeedbackStore:
    return FeedbackStore(tmp_path / "feedback.sqlite", clock=lambda: "2026-11-22")


def store_of(app: Flask) -> FeedbackStore:
    found: FeedbackStore = app.extensions["echolot"].feedback
    return found


def report_of(client: FlaskClient) -> Any:
    return client.get("/api/v1/admin/report", headers={"X-Api-Key": ADMIN}).get_json()


def test_searches_clicks_and_votes_come_back_in_the_report(client: FlaskClient) -> None:
    for _ in range(3):
        client.get("/api/v1/search", query_string={"q": "Ferry"})
    client.get("/api/v1/search", query_string={"q": "zeppelin"})
    client.get("/api/v1/search", query_string={"q": "museum"})
    client.get("/api/v1/search", query_string={"q": "museum"})
    assert client.post("/api/v1/click", json={"q": "ferry", "url": f"{FERRY}#details"}).status_code == 202
    assert client.post("/api/v1/feedback", json={"url": FERRY, "helpful": True}).status_code == 202
    assert client.post("/api/v1/feedback", json={"url": f"{HOST}/waste", "helpful": False}).status_code == 202
    report = report_of(client)
    assert report["top"][0] == {"q": "ferry", "lang": "en", "n": 3, "empty": 0, "doubtful": 0, "clicks": 1}
    assert [row["q"] for row in report["empty"]] == ["zeppelin"]
    assert [row["q"] for row in report["unclicked"]] == ["museum"]
    assert report["helpful"] == [{"url": FERRY, "helpful": 1, "unhelpful": 0}]
    assert report["unhelpful"] == [{"url": f"{HOST}/waste", "helpful": 0, "unhelpful": 1}]
    assert (report["searches"], report["without_result"], report["clicks"]) == (6, 1, 1)
    assert sum(row["searches"] for row in report["latency"]) == 6


def test_a_click_that_ends_the_typing_counts_its_search_once(client: FlaskClient) -> None:
    for q in ("fe", "fer", "ferry"):
        client.get("/api/v1/search", query_string={"q": q, "typing": 1})
    client.post("/api/v1/click", json={"q": "ferry", "url": FERRY, "typing": True})
    assert [(row["q"], row["n"], row["clicks"]) for row in report_of(client)["top"]] == [("ferry", 1, 1)]


def test_leafing_through_the_results_is_one_search(client: FlaskClient) -> None:
    for offset in (0, 10, 20):
        client.get("/api/v1/search", query_string={"q": "harbour", "offset": offset})
    assert report_of(client)["searches"] == 1


def test_only_indexed_pages_can_be_voted_for_or_clicked(client: FlaskClient) -> None:
    for path, body in (("feedback", {"helpful": True}), ("click", {"q": "x"})):
        response = client.post(f"/api/v1/{path}", json={"url": "https://spam.example/", **body})
        assert response.status_code == 404
    assert report_of(client)["helpful"] == []


def test_an_operator_can_turn_counting_off(make_app: MakeApp) -> None:
    client = make_app(query_log=False).test_client()
    client.get("/api/v1/search", query_string={"q": "ferry"})
    client.post("/api/v1/click", json={"q": "ferry", "url": FERRY, "typing": True})
    assert report_of(client)["searches"] == 0


def test_votes_are_rate_limited_on_their_own(make_app: MakeApp) -> None:
    client = make_app(rate_feedback="2/minute").test_client()
    vote = {"url": FERRY, "helpful": True}
    assert [client.post("/api/v1/feedback", json=vote).status_code for _ in range(3)] == [202, 202, 429]
    assert client.get("/api/v1/search", query_string={"q": "ferry"}).status_code == 200


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("  Öffnungs­zeiten  MUSEUM ", "öffnungs­zeiten museum"),
        ("mail to jane.doe+x@example.org please", "mail to [e-mail] please"),
        ("call +49 (421) 123-4567 now", "call [number] now"),
        ("iban DE12 5001 0517 5407 3249 31", "iban de[number]"),
        ("error 404 in rfc 9110", "error 404 in rfc 9110"),
        ("x" * 5000, "x" * 200),
    ],
)
def test_what_names_a_person_is_replaced_before_it_is_counted(query: str, kept: str) -> None:
    assert anonymous(query) == kept
    assert anonymous(kept) == kept


def test_nothing_about_a_visitor_is_on_the_disk(app: Flask, tmp_path: Path) -> None:
    client = app.test_client()
    visitor = {"REMOTE_ADDR": "203.0.113.7", "HTTP_USER_AGENT": "Firefox-of-Jane", "HTTP_COOKIE": "id=jane"}
    client.get("/api/v1/search", query_string={"q": "ferry jane@example.org"}, environ_base=visitor)
    client.post("/api/v1/feedback", json={"url": FERRY, "helpful": True}, environ_base=visitor)
    store_of(app).close()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"ferry [e-mail]" in stored
    assert not any(word in stored.lower() for word in (b"203.0.113.7", b"jane", b"firefox"))


def test_counts_survive_a_restart_and_add_up(store: FeedbackStore) -> None:
    for _ in range(2):
        store.note_search(note("ferry"))
        store.note_click("town", "ferry", FERRY, 2)
        store.flush()
    again = FeedbackStore(store.path, clock=lambda: "2026-11-23")
    again.note_click("town", "ferry", FERRY, 5)
    assert [(row.n, row.clicks) for row in again.queries("town")] == [(2, 3)]
    assert [(row.n, row.mean_position) for row in again.clicks("town")] == [(3, 3.0)]
    assert again.queries("other") == []


def test_counts_of_many_threads_add_up(store: FeedbackStore) -> None:
    def ask() -> None:
        for n in range(200):
            store.note_search(note(f"q{n % 5}"))
            if n % 50 == 0:
                store.flush()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(row.n for row in store.queries("town")) == 1600


def test_old_counts_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "feedback.sqlite"
    old = FeedbackStore(path, clock=lambda: "2025-01-01", keep_days=30)
    old.note_search(note("old"))
    old.flush()
    new = FeedbackStore(path, clock=lambda: "2026-01-01", keep_days=30)
    new.note_search(note("new"))
    assert [row.q for row in new.queries("town", days=9999)] == ["new"]


def test_a_flood_of_invented_queries_fills_neither_memory_nor_disk(
    store: FeedbackStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback, "MAX_PENDING", 50)
    monkeypatch.setattr(feedback, "MAX_QUERIES_PER_DAY", 10)
    for n in range(100):
        store.note_search(note(f"spam {n}"))
    assert store.dropped > 0
    rows = {row.q: row.n for row in store.queries("town")}
    assert len(rows) == 11
    assert rows[feedback.OTHER] > 1


def test_a_broken_disk_keeps_the_counts_in_memory(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    store = FeedbackStore(folder / "feedback.sqlite", clock=lambda: "2026-11-22")
    store.note_search(note("ferry"))
    with pytest.raises(StorageError):
        store.flush()
    folder.mkdir()
    store.flush()
    assert [row.n for row in store.queries("town")] == [1]


def wait_for(caplog: pytest.LogCaptureFixture, words: str) -> None:
    for _ in range(1000):
        if any(words in line for line in caplog.messages):
            return
        threading.Event().wait(0.01)
    pytest.fail(f"nobody said {words!r}")


def test_a_disk_in_trouble_is_named_once_and_so_is_its_recovery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(feedback, "FLUSH_S", 0.001)
    caplog.set_level("INFO")
    folder = tmp_path / "data"
    store = FeedbackStore(folder / "feedback.sqlite")
    store.note_search(note("ferry"))
    store.start()
    wait_for(caplog, "kept in memory")
    threading.Event().wait(0.05)  # some fifty further attempts
    folder.mkdir()
    wait_for(caplog, "written again")
    store.close()
    assert len(caplog.messages) == 2
    assert [row.n for row in store.queries("town")] == [1]


def test_a_daemon_that_ends_on_a_broken_disk_says_what_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = FeedbackStore(tmp_path / "missing" / "feedback.sqlite")
    store.note_search(note("ferry"))
    store.close()
    (line,) = caplog.messages
    assert "are lost" in line


def test_another_process_reads_while_the_daemon_writes(store: FeedbackStore) -> None:
    store.note_search(note("ferry"))
    store.flush()
    with sqlite3.connect(store.path) as reader:
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        rows = reader.execute("SELECT q FROM query").fetchall()
        store.note_search(note("museum"))
        store.flush()
    reader.close()
    assert rows == [("ferry",)]


def test_only_queries_that_several_asked_and_someone_clicked_are_suggested(store: FeedbackStore) -> None:
    for _ in range(3):
        store.note_search(note("ferry times"))
        store.note_search(note("an insult"))
        store.note_search(note("jane@example.org ferry"))
    store.note_click("town", "ferry times", FERRY, 0)
    store.note_click("town", "jane@example.org ferry", FERRY, 0)
    store.note_search(note("once"))
    store.note_click("town", "once", FERRY, 0)
    assert store.popular("town") == [("ferry times", 3)]


def test_a_new_file_is_made_by_many_at_once(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def first(path: Path) -> list[feedback.QueryCount]:
        store = FeedbackStore(path)
        together.wait()
        return store.queries("town")

    with ThreadPoolExecutor(8) as pool:
        for number in range(60):
            path = tmp_path / f"{number}.sqlite"
            path.touch()
            assert list(pool.map(first, [path] * 8)) == [[]] * 8


def test_the_background_thread_writes_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "FLUSH_S", 0.01)
    store = FeedbackStore(tmp_path / "feedback.sqlite")
    store.start()
    store.note_search(note("ferry"))
    for _ in range(1000):
        if store.path.exists() and FeedbackStore(store.path).queries("town"):
            break
        threading.Event().wait(0.01)
    else:
        pytest.fail("nothing was written")
    store.close()
