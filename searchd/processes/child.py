"""The daemon's end of one engine process."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing import Pipe

from searchd.processes.cores import stay_on
from searchd.processes.messages import Close, Open, pack, unpack
from searchd.settings import Settings

# A process answers one call at a time, so libraries need no threads of their own.
_ONE_THREAD: Mapping[str, str] = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_END_S = 5.0
_ANSWER_S = 60.0  # a process that takes longer for one answer hangs, and is killed
_OPEN_S = 300.0  # the same for what reads whole files

log = logging.getLogger("searchd")


class EndedError(Exception):
    """The process has ended."""


class Child:
    """One process. Only one thread at a time may talk to it (``searchd.line`` sees to that).

    core: the core that it stays on; None = any. opened: numbers of the snapshots that it has open.
    """

    def __init__(self, settings: Settings, core: int | None = None) -> None:
        self.core = core
        self.opened: frozenset[int] = frozenset()
        self._connection, theirs = Pipe()
        with theirs:
            # Its own process group, so that Ctrl-C reaches the daemon only. It ends when it reads the end of the file:
            # after kill -9 of the daemon too, as nobody else has the other end.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "searchd.processes.worker", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                process_group=0,
                env={**os.environ, **_ONE_THREAD},
            )
        if core is not None:
            stay_on(core, self.pid)
        self._replies = select.poll()
        self._replies.register(self._connection.fileno(), select.POLLIN)
        self.tell(pack(settings))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it is known to have ended."""
        return self._process.poll() is not None

    def wait_ready(self) -> None:
        """Wait until it has started. ModelError when a cross-encoder cannot be opened, ``EndedError``."""
        unpack(self._hear(_OPEN_S))

    def open(self, opening: Open) -> None:
        """Let it open a snapshot. Raises what opening it raises, ``EndedError``."""
        self.tell(pack(opening))
        unpack(self._hear(_OPEN_S))
        self.opened |= {opening.number}

    def close(self, number: int) -> None:
        """Let it forget a snapshot. Raises ``EndedError``."""
        self.tell(pack(Close(number)))
        unpack(self.hear())
        self.opened -= {number}

    def tell(self, message: bytes) -> None:
        """Send a packed message, if the process lives; ``hear`` finds out."""
        with contextlib.suppress(OSError):
            self._connection.send_bytes(message)

    def hear(self) -> bytes:
        """Return the packed reply to what was told. Raises ``EndedError``; a process that hangs is ended."""
        return self._hear(_ANSWER_S)

    def end(self) -> int:
        """End it and return its exit status (minus the signal's number if one killed it)."""
        self._connection.close()
        try:
            return self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _hear(self, patience_s: float) -> bytes:
        try:
            if not self._replies.poll(1000 * patience_s):
                log.error("engine process %d has not answered for %.0f s and is killed", self.pid, patience_s)
                self._process.kill()
            return self._connection.recv_bytes()
        except (EOFError, OSError) as error:
            raise EndedError from error


def describe(status: int) -> str:
    """Return an exit status in words."""
    return f"signal {-status}" if status < 0 else f"status {status}"
