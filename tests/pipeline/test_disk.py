"""A disk that takes no more, at any stage of a run: the limit that the system sets on files stands for it."""

from __future__ import annotations

import contextlib
import errno
import resource
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.demo.server import DemoServer
from searchd import disk
from searchd.errors import StorageError
from searchd.index import dense_build, snapshot
from tests.conftest import write_page
from tests.pipeline.test_run import root, run, titles, tree


@pytest.fixture
def server(small_site: Path) -> Iterator[DemoServer]:
    with DemoServer(root=small_site) as running:
        yield running


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Refuse to let any file of this process grow beyond ``size`` bytes (setrlimit(2): EFBIG)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 10_000, 100_000])
def test_a_disk_that_takes_no_more_keeps_what_is_served(
    server: DemoServer, small_site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], size: int
) -> None:
    data = tmp_path / "data"
    assert run(server, data) == 0
    site = root(server, data)
    before, served = tree(site / "snapshots"), snapshot.current(site)
    write_page(small_site, "fees", "Mooring fees", "The guest jetty costs fifteen euros now. " * 2_000)
    capsys.readouterr()
    with files_of_at_most(size):
        assert run(server, data) == StorageError.exit_code
    said = capsys.readouterr().err
    assert "what to do: check free space" in said
    assert "Traceback" not in said
    assert tree(site / "snapshots") == before
    assert snapshot.current(site) == served
    assert not (site / "staged").exists()
    assert run(server, data) == 0, "with room again it goes on from there"
    assert snapshot.current(site) != served
    assert titles(data, "how much to keep my yacht overnight")[0] == "Mooring fees"


def test_a_snapshot_that_does_not_fit_leaves_nothing_behind(
    server: DemoServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    assert run(server, data) == 0
    site = root(server, data)
    before = tree(site / "snapshots")
    with files_of_at_most(40_000):  # nothing is to be extracted or embedded: the snapshot is what grows
        assert run(server, data, "--always", verb="build") == StorageError.exit_code
    assert "what to do: check free space" in capsys.readouterr().err
    assert not (site / "staged").exists()
    assert tree(site / "snapshots") == before


def test_vectors_that_do_not_fit_are_a_storage_error(tmp_path: Path) -> None:
    vectors = np.eye(64, dtype=np.float32)
    with files_of_at_most(4_096), pytest.raises(StorageError, match="cannot be written"):
        dense_build.write(tmp_path / "vectors.faiss", vectors, "flat", 1.0, 0.98)


def test_only_the_disks_own_errors_are_blamed_on_it() -> None:
    copied = OSError(errno.ENOSPC, "No space left on device", "/cache/model.data", None, "/data/model.data")
    refused = disk.refusal(copied)
    assert refused is not None
    assert refused.message == "/data/model.data: No space left on device"
    assert disk.refusal(FileNotFoundError(errno.ENOENT, "No such file or directory", "x")) is None
    assert disk.refusal(ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")) is None
    with sqlite3.connect(":memory:") as db, pytest.raises(sqlite3.OperationalError) as mistake:
        db.execute("SELECT nothing FROM nowhere")
    assert disk.refusal(mistake.value) is None
