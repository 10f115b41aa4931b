"""Engine processes: same answers, same errors, nothing lost when one dies, none left behind."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec import structs

from searchd import config, processes
from searchd.api import serialise
from searchd.errors import ModelError, QueryError, SnapshotError
from searchd.index import snapshot
from searchd.live import Live
from searchd.processes import child
from searchd.processes.cores import cores_of, stay_on
from searchd.processes.pool import Pool
from searchd.query import Answer, Filters, Query
from searchd.settings import RankingSettings, ServerSettings, Settings
from tests.conftest import Published, daemon, engine_of
from tests.pipeline.test_live import republish


def settings_of(data: Path) -> Settings:
    return config.load(environment={}, flags={"data": str(data), "server.swap_interval_s": "0.1"})


@pytest.fixture(scope="module")
def pool(demo: Published) -> Iterator[Pool]:
    pool = Pool(settings_of(demo.data), 2)
    pool.start()
    yield pool
    pool.stop()


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def without_times(answer: Answer) -> Answer:
    return structs.replace(answer, took_ms=0.0, timings_ms=())


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def children(pid: int) -> list[int]:
    """Processes that a process has started."""
    return [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]


def test_another_process_gives_the_same_answers(pool: Pool, demo: Published) -> None:
    here = engine_of(demo.data)
    there = pool.open(demo.site, here.snapshot_id)
    for query in (
        Query("How long do people wait for a permanent place for their yacht?", facets=True, explain=True),
        Query("Wo kann ich mein Auto abstellen?", limit=3, offset=2),
        Query("ferry", mode="lexical", filters=Filters(lang=("de",)), sort="date"),
    ):
        expected = here.search(query)
        assert without_times(there.search(query)) == without_times(expected)
        found = there.search_json(query, 2, query.explain)
        assert json.loads(found.body)["results"] == serialise.answer(expected, 2)["results"]
        assert found.took_ms > 0
        assert there.answer(query) == here.answer(query)
    url = here.search(Query("ferry")).hits[0].url
    assert without_times(there.similar(url, 3)) == without_times(here.similar(url, 3))
    assert without_times(there.recommend([url], 4)) == without_times(here.recommend([url], 4))
    assert len({hit.page for hit in there.random([url], 5, "de")}) == 5


def test_an_error_arrives_as_itself(pool: Pool, demo: Published) -> None:
    there = pool.open(demo.site, snapshot.current(demo.data / demo.site))
    with pytest.raises(QueryError) as raised:
        there.similar("https://nowhere.example/")
    assert "https://nowhere.example/" in raised.value.message
    assert raised.value.hint
    with pytest.raises(AttributeError) as bug:
        there.search(None)  # type: ignore[arg-type]
    assert "engine.py" in "".join(traceback.format_exception_only(bug.value))


def test_what_cannot_be_opened_is_said_and_the_rest_goes_on(pool: Pool, demo: Published) -> None:
    there = pool.open(demo.site, snapshot.current(demo.data / demo.site))
    with pytest.raises(SnapshotError, match=r"manifest\.json"):
        pool.open(demo.site, "20260101T000000Z-00000000")
    assert there.search(Query("ferry")).hits


def test_no_call_is_lost_when_processes_are_killed(pool: Pool, demo: Published) -> None:
    there = pool.open(demo.site, snapshot.current(demo.data / demo.site))
    expected = without_times(there.search(Query("ferry")))
    wrong: list[object] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                if without_times(there.search(Query("ferry"))) != expected:
                    wrong.append("another answer")
            except Exception as error:  # noqa: BLE001 - whatever it is, the test reports it
                wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    before = set(pool.pids)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda pid=pid: pid not in pool.pids and len(pool.pids) == 2)  # type: ignore[misc]
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not before & set(pool.pids)


def test_a_process_that_hangs_is_replaced_and_its_call_answered(
    pool: Pool, demo: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = pool.open(demo.site, engine_of(demo.data).snapshot_id)
    monkeypatch.setattr(child, "_ANSWER_S", 1.0)
    hanging = pool.pids[0]
    os.kill(hanging, signal.SIGSTOP)
    while hanging in pool.pids:  # the other process may take the first calls
        with ThreadPoolExecutor(2) as callers:
            found = list(callers.map(there.search, [Query("ferry"), Query("harbour")]))
        assert all(answer.hits for answer in found)
    wait_for(lambda: len(pool.pids) == 2)
    assert not alive(hanging)


def test_a_process_that_dies_idle_is_replaced_before_anybody_asks(pool: Pool) -> None:
    victim, died = pool.pids[0], pool.died
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in pool.pids and len(pool.pids) == 2)
    assert pool.died == died + 1


def test_a_swap_opens_the_new_snapshot_first_and_closes_the_old_one_last(demo: Published, tmp_path: Path) -> None:
    shutil.copytree(demo.data, tmp_path / "data")
    copy = Published(tmp_path / "data", demo.site, demo.url)
    pool = Pool(settings_of(copy.data), 2)
    live = Live(settings_of(copy.data), pool=pool)
    live.start()
    try:
        held = live.engine()
        new = republish(copy, 1)
        wait_for(lambda: live.engine().snapshot_id == new)
        assert held.search(Query("ferry")).snapshot == held.snapshot_id != new
        assert live.engine().search(Query("ferry")).snapshot == new
        old = held.snapshot_id

        def mapped() -> set[str]:
            """What the processes have open of the old snapshot."""
            lines = [line for pid in pool.pids for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
            return {line.rpartition(old)[2].split("/")[1] for line in lines if old in line}

        assert {"lexical", "vectors.faiss", "pages.sqlite", "model"} <= mapped()
        del held
        gc.collect()
        wait_for(lambda: mapped() <= {"model"})  # the new snapshot goes on with the encoder
    finally:
        live.stop()


def test_a_missing_cross_encoder_keeps_the_processes_from_starting(demo: Published, tmp_path: Path) -> None:
    ranking = RankingSettings(rerank_model=str(tmp_path / "nothing"))
    with pytest.raises(ModelError, match="nothing"):
        Pool(dataclasses.replace(settings_of(demo.data), ranking=ranking), 2).start()


def test_the_api_answers_as_without_processes(demo: Published) -> None:
    def get(address: str, path: str) -> dict[str, object]:
        with urllib.request.urlopen(address + path, timeout=30) as response:
            body: dict[str, object] = json.load(response)
            return {name: value for name, value in body.items() if name not in ("took_ms", "timings_ms")}

    paths = (
        "/api/v1/search?q=ferry+to+the+mainland&facets=true",
        "/api/v1/suggest?q=fe",
        "/api/v1/answer?q=When+does+the+ferry+leave%3F",
        "/api/v1/pages/3",
    )
    with daemon(demo.data) as alone:
        expected = [get(alone, path) for path in paths]
    with daemon(demo.data, **{"server.processes": "2"}) as address:
        assert [get(address, path) for path in paths] == expected
        with pytest.raises(urllib.error.HTTPError, match="404") as refused:
            get(address, "/api/v1/similar?url=https://nowhere.example/")
        refused.value.close()


@contextlib.contextmanager
def searchd(data: Path, **flags: object) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The daemon as its own process, and its address."""
    command = [sys.executable, "-m", "searchd", "--data", str(data), "--port", "0"]
    settings = [part for name, value in flags.items() for part in ("--set", f"{name}={value}")]
    with subprocess.Popen([*command, *settings], stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if b"listening on" in line).decode()
        yield process, line.split("listening on ")[1].strip()
        process.kill()


@pytest.fixture
def outside(demo: Published) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The daemon with two engine processes."""
    with searchd(demo.data, **{"server.processes": 2, "api.rate_address": ""}) as started:
        yield started


def test_processes_end_with_a_daemon_that_was_killed(outside: tuple[subprocess.Popen[bytes], str]) -> None:
    process, _ = outside
    engines = children(process.pid)
    assert len(engines) == 2
    process.kill()
    wait_for(lambda: not any(alive(pid) for pid in engines))


@pytest.mark.parametrize("to_all", [False, True])
def test_sigterm_answers_what_is_under_way_and_ends_everything(
    outside: tuple[subprocess.Popen[bytes], str], to_all: bool
) -> None:
    process, address = outside
    engines = children(process.pid)
    os.kill(engines[0], signal.SIGSTOP)  # the last one used stays free
    os.kill(engines[1], signal.SIGSTOP)
    answers: list[object] = []

    def ask() -> None:
        with urllib.request.urlopen(f"{address}api/v1/search?q=ferry", timeout=30) as response:
            answers.append(json.load(response)["total"])

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.3)  # the request is with a process that does not move
    for pid in [process.pid, *(engines if to_all else [])]:
        os.kill(pid, signal.SIGTERM)
    for pid in engines:
        os.kill(pid, signal.SIGCONT)
    thread.join()
    assert process.wait(20) == 0
    assert answers[0]
    wait_for(lambda: not any(alive(pid) for pid in engines))


@pytest.fixture
def two_cores() -> Iterator[set[int]]:
    """This thread, and what it starts, sees two cores."""
    every = os.sched_getaffinity(0)
    if len(every) < 2:
        pytest.skip("needs two cores")
    cores = set(sorted(every)[:2])
    os.sched_setaffinity(0, cores)
    yield cores
    os.sched_setaffinity(0, every)


def test_each_process_stays_on_a_core_of_its_own(demo: Published, two_cores: set[int]) -> None:
    pool = Pool(settings_of(demo.data), 2)
    pool.start()
    try:
        kept = {pid: os.sched_getaffinity(pid) for pid in pool.pids}
        assert sorted(map(tuple, kept.values())) == [(core,) for core in sorted(two_cores)]
        victim = pool.pids[-1]
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: victim not in pool.pids and len(pool.pids) == 2)
        (new,) = set(pool.pids) - set(kept)
        assert os.sched_getaffinity(new) == kept[victim]
    finally:
        pool.stop()


@pytest.mark.parametrize("kept", [True, False])
def test_what_reads_requests_stays_on_one_core(demo: Published, two_cores: set[int], kept: bool) -> None:
    flags = {"server.processes": 2, "server.keep_cores": str(kept).lower()}
    with searchd(demo.data, **flags) as (process, _):
        threads = [int(thread.name) for thread in Path(f"/proc/{process.pid}/task").iterdir()]
        on = [os.sched_getaffinity(thread) for thread in threads]
        reading = ServerSettings().threads + 1  # and the one that listens
        assert [len(found) for found in on].count(1) == (reading if kept else 0)
        assert on.count(two_cores) == len(threads) - (reading if kept else 0) > 0  # what watches and writes stays free


@pytest.mark.parametrize(
    ("cores", "size", "kept"), [(2, 2, (0, 1)), (2, 5, (0, 1)), (4, 2, ()), (64, 4, ()), (1, 2, ()), (2, 1, ())]
)
def test_processes_are_kept_on_cores_only_where_each_core_has_one(
    monkeypatch: pytest.MonkeyPatch, cores: int, size: int, kept: tuple[int, ...]
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(cores)))
    assert cores_of(ServerSettings(processes=size)) == kept
    assert cores_of(ServerSettings(processes=size, keep_cores=False)) == ()


def test_a_system_that_forbids_it_leaves_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_pid: int, _cores: set[int]) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    with caplog.at_level("INFO"):
        stay_on(0)
    assert "may run on any core" in caplog.text


@pytest.mark.parametrize(("cores", "setting", "size"), [(1, 0, 1), (2, 0, 2), (64, 0, 4), (2, 1, 1), (1, 3, 3)])
def test_as_many_processes_as_cores_unless_told(
    monkeypatch: pytest.MonkeyPatch, cores: int, setting: int, size: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(cores)))
    assert processes.wanted(ServerSettings(processes=setting)) == size
