"""The daemon and its snapshots: swapped without a failed request, refused when damaged."""

from __future__ import annotations

import datetime
import gc
import json
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from searchd import config
from searchd.errors import QueryError, SnapshotError
from searchd.feedback import FEEDBACK_FILE
from searchd.garbage import settle
from searchd.index import snapshot
from searchd.live import Live
from searchd.query import Query
from tests.conftest import Published, daemon


@pytest.fixture
def copy(demo: Published, tmp_path: Path) -> Published:
    """A copy of the demo's data folder that a test may damage."""
    shutil.copytree(demo.data, tmp_path / "data")
    return Published(tmp_path / "data", demo.site, demo.url)


def live_of(published: Published) -> Live:
    return Live(config.load(environment={}, flags={"data": str(published.data), "server.swap_interval_s": "0.1"}))


def republish(published: Published, number: int) -> str:
    """Publish the served snapshot's files again under another id."""
    root = published.data / published.site
    shutil.copytree(root / "snapshots" / snapshot.current(root), root / "staged")
    when = datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC) + datetime.timedelta(seconds=number)
    return snapshot.publish(root, root / "staged", when)


def get(address: str) -> dict[str, object]:
    with urllib.request.urlopen(address, timeout=30) as response:
        answer: dict[str, object] = json.load(response)
        return answer


@pytest.mark.parametrize("processes", ["1", "2"])
def test_requests_under_way_never_fail_while_snapshots_are_swapped(copy: Published, processes: str) -> None:
    failures: list[str] = []
    seen: set[object] = set()
    stop = threading.Event()
    with daemon(copy.data, **{"server.swap_interval_s": "0.05", "server.processes": processes}) as address:

        def ask() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    seen.add(get(f"{address}/api/v1/search?q=ferry+{number}")["snapshot"])
                except OSError as error:
                    failures.append(repr(error))

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        wanted = {republish(copy, number) for number in range(5)}
        last = snapshot.current(copy.data / copy.site)
        until = time.monotonic() + 60
        while last not in seen and time.monotonic() < until:
            time.sleep(0.02)
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    assert last in wanted & seen


def test_a_damaged_new_snapshot_is_named_and_the_old_one_serves(copy: Published) -> None:
    live = live_of(copy)
    live.look(copy.site)
    old = live.engine().snapshot_id
    new = republish(copy, 1)
    file = copy.data / copy.site / "snapshots" / new / "vectors.faiss"
    file.write_bytes(file.read_bytes()[:-1])
    assert not live.look(copy.site)
    assert live.engine().snapshot_id == old
    (status,) = live.status()
    assert status.snapshot_id == old
    assert "vectors.faiss" in status.error
    assert live.engine().search(Query("ferry")).hits


def test_a_repaired_snapshot_is_served_after_a_reload(copy: Published) -> None:
    live = live_of(copy)
    live.look(copy.site)
    new = republish(copy, 1)
    file = copy.data / copy.site / "snapshots" / new / "vectors.faiss"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    live.look(copy.site)
    file.write_bytes(whole)
    live.reload()
    assert live.engine().snapshot_id == new
    assert live.status()[0].error == ""


def test_a_daemon_that_starts_on_a_damaged_snapshot_serves_the_one_before(copy: Published) -> None:
    old = snapshot.current(copy.data / copy.site)
    new = republish(copy, 1)
    (copy.data / copy.site / "snapshots" / new / "pages.sqlite").write_bytes(b"")
    live = live_of(copy)
    live.look(copy.site)
    assert live.engine().snapshot_id == old
    assert "pages.sqlite" in live.status()[0].error


def test_a_site_is_searched_although_what_visitors_asked_cannot_be_read(
    copy: Published, caplog: pytest.LogCaptureFixture
) -> None:
    (copy.data / FEEDBACK_FILE).write_bytes(b"no database " * 100)
    live = live_of(copy)
    assert live.look(copy.site)
    assert live.engine().search(Query("ferry")).hits
    assert live.engine().suggest("fer")
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert FEEDBACK_FILE in said


def test_an_unknown_site_is_the_callers_mistake_and_a_missing_snapshot_is_ours(copy: Published, tmp_path: Path) -> None:
    live = live_of(copy)
    with pytest.raises(SnapshotError, match="nothing was published yet"):
        live.engine()
    live.look(copy.site)
    with pytest.raises(QueryError, match=r"elsewhere\.example"):
        live.engine("elsewhere.example")


def test_a_daemon_that_has_answered_holds_no_crawler_no_parser_and_no_torch(demo: Published) -> None:
    script = (
        "import sys\n"
        "from searchd import __main__ as daemon\n"
        f"assert daemon.main(['--data', {str(demo.data)!r}, 'query', 'ferry']) == 0\n"
        "banned = {'indexer', 'bs4', 'lxml', 'aiohttp', 'selectolax', 'trafilatura', 'torch', 'transformers', 'onnx'}\n"
        "sys.exit(repr(sorted(banned & set(sys.modules))) if banned & set(sys.modules) else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_query_on_the_command_line_prints_the_answer_as_json(
    demo: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    from searchd.__main__ import main

    assert main(["--data", str(demo.data), "query", "ferry", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["hits"]
    assert main(["--data", str(demo.data), "query", " "]) == 9


def test_a_replaced_snapshot_is_closed_although_the_collector_was_not_to_look_at_it(copy: Published) -> None:
    settled = threading.Event()
    settings = live_of(copy).settings

    def note() -> None:
        settle()
        settled.set()

    live = Live(settings, settle=note)
    live.start()
    try:
        assert settled.wait(30)  # the first snapshot is out of the collector's sight
        settled.clear()
        old, new = live.engine().snapshot_id, republish(copy, 1)
        assert settled.wait(30)
        mapped = Path("/proc/self/maps").read_text()
        assert live.engine().snapshot_id == new
        assert f"{new}/pages.sqlite" in mapped
        assert f"{old}/pages.sqlite" not in mapped
    finally:
        live.stop()
        gc.unfreeze()
