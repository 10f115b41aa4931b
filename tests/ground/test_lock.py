"""One indexer at a time on one site."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.lock import site_lock
from searchd.errors import LockedError

HOLD = """
import pathlib, sys, time
from indexer.lock import site_lock
with site_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_indexer_is_turned_away_and_told_who_holds_the_lock(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LockedError, match=str(holder.pid)), site_lock(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)


def test_the_lock_is_free_again_after_kill_9(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
    with site_lock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
