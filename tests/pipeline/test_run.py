"""The main job: a real site is crawled over HTTP, published and searched; then again, when something changed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from indexer.__main__ import main
from indexer.demo.server import DemoServer
from indexer.pipeline import Pipeline
from indexer.report import status_text, validate
from searchd import config
from searchd.engine import Engine
from searchd.errors import ConfigError, ModelError
from searchd.index import snapshot
from searchd.live import Live
from searchd.query import Query
from searchd.settings import ExtractSettings, ModelSettings, RankingSettings, Settings, SiteSettings
from tests.conftest import PAGES, Published, engine_of, write_page


@pytest.fixture
def server(small_site: Path) -> Iterator[DemoServer]:
    with DemoServer(root=small_site) as running:
        yield running


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(server: DemoServer, data: Path, *flags: str, verb: str = "run") -> int:
    return main([verb, "--url", server.url + "/", "--data", str(data), *flags])


def root(server: DemoServer, data: Path) -> Path:
    return data / config.site_name(server.url)


def titles(data: Path, question: str) -> list[str]:
    return [hit.title for hit in engine_of(data).search(Query(question)).hits]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_visitors_find_a_page_by_words_that_it_does_not_use(server: DemoServer, data: Path) -> None:
    assert run(server, data) == 0
    assert titles(data, "when does the boat to shore depart")[0] == "Ferry timetable"
    assert titles(data, "how much to keep my yacht overnight")[0] == "Mooring fees"


def test_a_second_run_of_an_unchanged_site_asks_conditionally_and_changes_nothing(
    server: DemoServer, data: Path
) -> None:
    run(server, data)
    before = tree(root(server, data) / "snapshots")
    server.log.clear()
    assert run(server, data) == 0
    pages = Counter(status for status, _, path in server.log if path.endswith(".html") or path == "/")
    assert pages == {304: len(PAGES) + 1}, server.log
    assert tree(root(server, data) / "snapshots") == before


def test_only_what_changed_is_fetched_whole_and_published(server: DemoServer, data: Path, small_site: Path) -> None:
    run(server, data)
    first = snapshot.current(root(server, data))
    write_page(small_site, "fees", "Mooring fees", "The guest jetty costs fifteen euros now.", tuple(PAGES))
    write_page(small_site, "market", "Fish market", "Fresh herring is sold every Saturday morning.")
    write_page(small_site, "index", "Harbour office", PAGES["index"][1], (*PAGES, "market"))
    (small_site / "library.html").unlink()
    server.log.clear()
    assert run(server, data) == 0
    whole = {path for status, _, path in server.log if status == 200 and path.endswith(".html")}
    assert whole == {"/fees.html", "/market.html", "/index.html"}
    assert snapshot.current(root(server, data)) != first
    urls = {hit.url.rsplit("/", 1)[1] for hit in engine_of(data).search(Query("page", limit=50, mode="semantic")).hits}
    assert "library.html" not in urls
    assert titles(data, "where can I buy fish")[0] == "Fish market"


def test_passages_whose_text_is_known_are_not_embedded_again(
    server: DemoServer, data: Path, small_site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(server, data)
    write_page(small_site, "fees", "Mooring fees", "The guest jetty costs fifteen euros now.", tuple(PAGES))
    capsys.readouterr()
    run(server, data, "--log-format", "json")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    (built,) = [line["message"] for line in lines if line["message"].startswith("build:")]
    assert "1 pages parsed" in built
    embedded = int(built.split(";")[1].split()[0])
    assert 0 < embedded < 10, built


def test_the_stages_run_one_by_one(server: DemoServer, data: Path) -> None:
    assert run(server, data, verb="crawl") == 0
    assert snapshot.current(root(server, data)) == ""
    assert run(server, data, verb="build") == 0
    assert snapshot.current(root(server, data)) == ""
    assert run(server, data, verb="publish") == 0
    assert snapshot.current(root(server, data)) != ""


def test_publishing_nothing_is_an_error_with_its_own_status(server: DemoServer, data: Path) -> None:
    assert run(server, data, verb="publish") == 7


def test_a_site_that_is_down_keeps_the_served_snapshot_byte_for_byte(server: DemoServer, data: Path) -> None:
    run(server, data)
    before = tree(root(server, data) / "snapshots")
    server.stop()
    assert run(server, data) == 4
    assert tree(root(server, data) / "snapshots") == before


def _age(data: Path, server: DemoServer, **facts: object) -> str:
    """Make the served snapshot one of an older version; return its id."""
    identifier = snapshot.current(root(server, data))
    path = root(server, data) / "snapshots" / identifier / snapshot.MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["format"] = snapshot.FORMAT - 1
    manifest["facts"] |= {"digest": "of another version", **facts}
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return identifier


def test_a_new_version_replaces_the_snapshot_of_an_older_one(server: DemoServer, data: Path) -> None:
    run(server, data)
    older = _age(data, server)
    assert run(server, data, verb="publish") == 7
    assert run(server, data) == 0
    assert snapshot.current(root(server, data)) != older
    assert titles(data, "when does the boat to shore depart")[0] == "Ferry timetable"


def test_golden_questions_do_not_open_the_model_of_an_older_version(
    server: DemoServer, data: Path, tmp_path: Path
) -> None:
    questions = tmp_path / "questions.toml"
    questions.write_text('[[question]]\nquestion = "when does the boat depart"\npages = ["/ferry.html"]\n')
    asked = ("--set", f"ranking.questions={questions}")
    assert run(server, data, *asked) == 0
    older = _age(data, server)
    model = root(server, data) / "snapshots" / older / "model" / "encoder.json"
    facts = json.loads(model.read_text(encoding="utf-8"))
    model.unlink()  # a link to what the cache holds
    model.write_text(json.dumps(facts | {"format": facts["format"] - 1}), encoding="utf-8")
    assert run(server, data, *asked) == 0
    assert snapshot.current(root(server, data)) != older


def test_the_guard_compares_with_what_an_older_version_published(server: DemoServer, data: Path) -> None:
    run(server, data)
    older = _age(data, server, pages=1000)
    assert run(server, data) == 5
    assert snapshot.current(root(server, data)) == older


def test_a_rollback_serves_the_older_snapshot_and_the_next_run_leaves_it(
    server: DemoServer, data: Path, small_site: Path
) -> None:
    run(server, data)
    first = snapshot.current(root(server, data))
    write_page(small_site, "fees", "Mooring fees", "The guest jetty costs fifteen euros now.", tuple(PAGES))
    run(server, data)
    assert run(server, data, verb="rollback") == 0
    assert snapshot.current(root(server, data)) == first
    run(server, data)
    assert snapshot.current(root(server, data)) == first
    write_page(small_site, "ferry", "Ferry timetable", "The ferry leaves at eight now.", tuple(PAGES))
    run(server, data)
    assert snapshot.current(root(server, data)) not in ("", first)


def test_a_second_indexer_exits_with_its_own_status(server: DemoServer, data: Path) -> None:
    from indexer.lock import site_lock

    with site_lock(root(server, data)):
        assert run(server, data) == 3


def test_a_wrong_setting_exits_before_anything_is_written(server: DemoServer, data: Path) -> None:
    assert run(server, data, "--set", "crawl.max_pagse=3") == 2
    assert not data.exists()


def test_a_data_folder_that_cannot_be_written_is_a_storage_error(server: DemoServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert run(server, tmp_path / "file") == 8


def test_status_and_snapshots_say_what_is_served(
    server: DemoServer, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(server, data)
    capsys.readouterr()
    assert run(server, data, "--json", verb="status") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["snapshot"] == snapshot.current(root(server, data))
    assert (facts["pages"], facts["model"]["name"]) == (5, "all-MiniLM-L6-v2")
    assert facts["problems"] == []
    assert facts["broken_links"] == []
    assert main(["snapshots", "--data", str(data)]) == 0
    assert facts["snapshot"] in capsys.readouterr().out


def test_status_names_the_first_broken_links_and_counts_the_others() -> None:
    broken = [(f"https://example.org/{place}", "https://example.org/") for place in range(8)]
    text = status_text({"site": "a", "url": "u", "snapshot": "", "problems": [], "broken_links": broken})
    assert "https://example.org/4, linked from https://example.org/" in text
    assert "https://example.org/5" not in text
    assert "3 more" in text


def test_status_names_the_pages_that_could_not_be_read() -> None:
    unread = [("https://example.org/b.pdf", "too_large: more than 10000000 bytes")]
    text = status_text({"site": "a", "url": "u", "snapshot": "", "problems": [], "unread": unread})
    assert "unread     https://example.org/b.pdf: too_large: more than 10000000 bytes" in text.splitlines()


def test_explain_url_follows_a_page_from_crawl_to_snapshot(
    server: DemoServer, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(server, data)
    capsys.readouterr()
    assert main(["explain-url", server.url + "/fees.html", "--url", server.url + "/", "--data", str(data)]) == 0
    assert "Mooring fees" in capsys.readouterr().out


def test_the_demo_site_answers_across_languages(demo: Published) -> None:
    live = Live(config.load(environment={}, flags={"data": str(demo.data)}))
    live.look(demo.site)
    found = live.engine().search(Query("Wo kann ich mein Auto abstellen?"))
    assert found.hits
    assert not found.nothing_relevant


def test_an_owners_synonyms_find_pages_by_words_that_no_page_has(server: DemoServer, data: Path) -> None:
    run(server, data)
    found = engine_of(data)
    assert found.search(Query("quay berth dues", mode="lexical")).nothing_relevant
    known = RankingSettings(synonyms=(("dues", "fees"),))
    taught = Engine(found.index, found.encoder, known).search(Query("quay berth dues", mode="lexical"))
    assert taught.hits[0].title == "Mooring fees"


def ask(server: DemoServer, data: Path, capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """Run a command that prints; return what it printed."""
    capsys.readouterr()
    assert main([*command, "--url", server.url + "/", "--data", str(data)]) == 0
    return capsys.readouterr().out


def test_diff_names_what_the_next_publish_would_change(
    server: DemoServer, data: Path, small_site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(server, data)
    assert ask(server, data, capsys, "diff").startswith("nothing")
    _age(data, server)
    assert ask(server, data, capsys, "diff").startswith("nothing")
    write_page(small_site, "fees", "Mooring fees", "The guest jetty costs fifteen euros now.", tuple(PAGES))
    write_page(small_site, "market", "Fish market", "Fresh herring is sold every Saturday morning.")
    write_page(small_site, "index", "Harbour office", PAGES["index"][1], (*PAGES, "market"))
    run(server, data, verb="crawl")
    changes = {line[0] + line.rsplit("/", 1)[1] for line in ask(server, data, capsys, "diff").splitlines()}
    assert changes >= {"+market.html", "~fees.html"}
    assert not {line for line in changes if line.startswith("-")}


def test_validate_reaches_the_site_and_keeps_nothing(
    server: DemoServer, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "answers" in ask(server, data, capsys, "validate")
    assert not data.exists()
    server.stop()
    assert run(server, data, verb="validate") == 4


@pytest.mark.parametrize(
    "settings",
    [
        {"extract": ExtractSettings(include=("main[",))},
        {"ranking": RankingSettings(weights={"lede": 1.0})},
        {"model": ModelSettings(device="cuda")},
    ],
)
def test_what_settings_name_is_tried_before_the_site_is_asked(settings: dict[str, Any], tmp_path: Path) -> None:
    site = SiteSettings(url="http://127.0.0.1:9/", name="site", **settings)
    for attempt in (partial(validate, site), Pipeline(Settings(data=str(tmp_path)), site).run):
        with pytest.raises((ConfigError, ModelError), match=r"main\[|lede|cuda"):
            attempt()


def test_explain_url_says_where_a_page_stands_for_a_question(
    server: DemoServer, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(server, data)
    said = ask(server, data, capsys, "explain-url", server.url + "/fees.html", "--query", "mooring fees")
    assert "number 1," in said
    assert "passage vector" in said


def test_a_snapshot_that_fails_the_golden_questions_is_not_published(
    server: DemoServer, data: Path, small_site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = tmp_path / "questions.toml"
    questions.write_text('[[question]]\nquestion = "what does a night at the jetty cost"\npages = ["/fees.html"]\n')
    flags = ("--set", f"ranking.questions={questions}")
    assert run(server, data, *flags) == 0
    first = snapshot.current(root(server, data))
    assert "hit@1 1.000" in ask(server, data, capsys, "eval", *flags)
    write_page(small_site, "fees", "Opening hours", "The counter is open on weekdays.", tuple(PAGES))
    assert run(server, data, *flags) == 5
    assert snapshot.current(root(server, data)) == first
    assert "jetty" in capsys.readouterr().err
    assert run(server, data, "--force", *flags) == 0
    assert snapshot.current(root(server, data)) != first
