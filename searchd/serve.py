"""The production WSGI server: waitress, one process whose threads share one index."""

from __future__ import annotations

import logging
import signal
import threading
from types import FrameType

import waitress
from flask import Flask

from searchd.errors import ConfigError
from searchd.settings import ServerSettings

log = logging.getLogger("searchd")


def serve(app: Flask, settings: ServerSettings) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered first. Raises ConfigError for a taken port."""
    try:
        server = waitress.create_server(
            app, host=settings.host, port=settings.port, threads=settings.threads, ident="Echolot"
        )
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror or error}",
            "choose another --port, or stop the program that has it",
        ) from error

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
    port = getattr(server, "effective_port", settings.port)
    log.info("listening on http://%s:%s/", settings.host, port)
    server.run()
