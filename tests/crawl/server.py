"""A web site in a thread, scripted by the test: slow, broken, redirecting and lying pages included."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    path: str
    headers: Mapping[str, str]
    at: float


@dataclass
class Reply:
    """What the server says: ``raw`` replaces everything, ``drop`` closes the connection without a word."""

    status: int = 200
    body: bytes | str = b""
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    raw: bytes = b""
    drop: bool = False


Script = Reply | Callable[[Asked], Reply]


class Web:
    """The site: paths and their replies; everything else is 404. ``log`` holds what was asked."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.pages: dict[str, Script] = {}
        self.default: Script = Reply(404, "<title>Not found</title>", {"Content-Type": "text/html"})
        self.log: list[Asked] = []
        self.under_way = self.most_at_once = 0
        self._lock = threading.Lock()
        self._server = _Server((host, 0), self)
        self.origin = f"http://{host}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def url(self, path: str) -> str:
        return self.origin + path

    def page(self, path: str, html: str = "", *links: str, head: str = "", **headers: str) -> None:
        """An HTML page with an ETag; ``links`` are hrefs of anchors put below the text."""
        anchors = "".join(f'<a href="{link}">to {link}</a> ' for link in links)
        self.document(path, f"<html><head>{head}</head><body><p>{html or path}</p>{anchors}</body></html>", **headers)

    def document(self, path: str, body: str | bytes, kind: str = "text/html; charset=utf-8", **headers: str) -> None:
        """Any document with an ETag, answered 304 when the client has it."""
        data = body.encode() if isinstance(body, str) else body
        tag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        def answer(asked: Asked) -> Reply:
            if asked.headers.get("If-None-Match") == tag:
                return Reply(304, headers={"ETag": tag})
            return Reply(200, data, {"Content-Type": kind, "ETag": tag, **named})

        self.pages[path] = answer

    def redirect(self, path: str, to: str, status: int = 301) -> None:
        self.pages[path] = Reply(status, headers={"Location": to})

    def robots(self, text: str) -> None:
        self.pages["/robots.txt"] = Reply(200, text, {"Content-Type": "text/plain"})

    def fail_all(self, reply: Reply) -> None:
        """The whole site gives one answer from now on."""
        self.pages.clear()
        self.default = reply

    def asked(self, path: str) -> list[Asked]:
        return [asked for asked in self.log if asked.path == path]

    def paths(self) -> list[str]:
        """What was asked for, without what every run asks for besides pages."""
        noise = ("/robots.txt", "/sitemap.xml")
        return [asked.path for asked in self.log if asked.path not in noise and "cannot-exist" not in asked.path]

    def answer(self, asked: Asked) -> Reply:
        with self._lock:
            self.log.append(asked)
        script = self.pages.get(asked.path, self.default)
        return script if isinstance(script, Reply) else script(asked)

    def enter(self, change: int) -> None:
        with self._lock:
            self.under_way += change
            self.most_at_once = max(self.most_at_once, self.under_way)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], web: Web) -> None:
        self.web = web
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may hang up when they have had enough; that is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        web = self.server.web
        web.enter(+1)
        try:
            self._reply(web.answer(Asked(self.path, dict(self.headers), time.monotonic())))
        finally:
            web.enter(-1)

    def _reply(self, reply: Reply) -> None:
        time.sleep(reply.wait_s)
        if reply.drop:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if reply.raw:
            self.close_connection = True
            self.wfile.write(reply.raw)
            return
        body = reply.body.encode() if isinstance(reply.body, str) else reply.body
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            for one in value.split("\n"):
                self.send_header(name, one)
        if reply.status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if reply.status != 304:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Tests read ``log``."""
