"""An engine process: opens what the daemon names, answers one call at a time, ends when the daemon does.

``python -m searchd.processes.worker FD``: the daemon starts it; FD is its end of a pair of sockets.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from searchd import logs
from searchd.garbage import settle
from searchd.index import snapshot
from searchd.opening import Opener
from searchd.processes.messages import Ask, Close, Open, pack, packed_failure
from searchd.settings import Settings
from searchd.site_engine import SiteEngine


class Worker:
    """The engines that this process has open, by number."""

    def __init__(self, settings: Settings) -> None:
        self._data = Path(settings.data)
        self._opener = Opener(settings)
        self._opener.open_scorers()
        self._engines: dict[int, SiteEngine] = {}

    def reply(self, message: Open | Close | Ask) -> object:
        """Do what is asked and return what it came to. Raises what the engine raises."""
        match message:
            case Ask(number, method, arguments):
                return getattr(self._engines[number], method)(*arguments)
            case Open(number, site, identifier):
                folder = self._data / site / "snapshots" / identifier
                opened = snapshot.Snapshot(identifier, folder, snapshot.read_manifest(folder))  # the daemon verified it
                self._engines[number] = self._opener.open(site, opened)
            case Close(number):
                self._engines.pop(number, None)
        settle()  # a page store and an encoder are cycles; an idle process would keep their files for long
        return None


def serve(connection: Connection) -> None:
    """Answer until the daemon closes the connection or ends; the first reply says that this process is ready."""
    settings: Settings = connection.recv()
    logs.configure(settings.log)
    logging.getLogger().setLevel(max(logging.getLogger().level, logging.WARNING))  # the daemon tells the rest, once
    try:
        worker = Worker(settings)
    except Exception as error:  # noqa: BLE001 - it is raised again in the daemon
        return connection.send_bytes(packed_failure(error))
    connection.send_bytes(pack(None))
    while True:
        message = connection.recv()
        try:
            data = pack(worker.reply(message))
        except Exception as error:  # noqa: BLE001 - it is raised again where the call came from
            data = packed_failure(error)
        connection.send_bytes(data)


def main(argv: list[str]) -> int:
    """Serve the daemon at the other end of the socket that is named by its descriptor."""
    for number in (signal.SIGTERM, signal.SIGINT):  # sent to the whole group or service: the daemon says when to end
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(EOFError, ConnectionError):  # the daemon is gone
        serve(Connection(int(argv[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
