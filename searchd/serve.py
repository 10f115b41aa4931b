"""The production WSGI server: waitress, one process whose threads share one index."""

from __future__ import annotations

import logging
import signal
from types import FrameType

import waitress
from flask import Flask
from waitress.server import BaseWSGIServer

from searchd.errors import ConfigError
from searchd.processes.cores import cores_of, stay_on
from searchd.settings import ServerSettings

log = logging.getLogger("searchd")


def listen(app: Flask, settings: ServerSettings) -> BaseWSGIServer:
    """Return a server whose port is open; ``run()`` answers. Raises ConfigError when the port cannot be had."""
    try:
        server = waitress.create_server(
            app, host=settings.host, port=settings.port, threads=settings.threads, ident="Echolot"
        )
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror or error}",
            "choose another --port, or stop the program that has it",
        ) from error
    app.extensions["echolot"].gate.backlog = lambda: len(server.task_dispatcher.queue)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue is the gate's business, not a line each
    log.info("listening on http://%s:%s/", settings.host, getattr(server, "effective_port", settings.port))
    return server


def serve(app: Flask, settings: ServerSettings) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered first. Raises ConfigError as ``listen``."""
    if cores := cores_of(settings):
        # these threads and those of waitress: only one runs at a time (the interpreter's lock), wherever they are
        stay_on(cores[0])
    server = listen(app, settings)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    server.run()
