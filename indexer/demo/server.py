"""Serve the demo site on loopback: for a first look at Echolot, and as a real web server in tests.

The files below ``site/`` are plain HTML that also reads well from a disk. Two things depend on where they are
served: absolute addresses (canonical, hreflang, sitemap), which carry the placeholder :data:`SITE_ORIGIN`, and the
search field, which waits inside ``<!--search ... search-->`` comments until a search address is known.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import mimetypes
import re
import signal
import sys
import threading
from collections.abc import Sequence
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, unquote, urlsplit

SITE_ROOT = Path(__file__).with_name("site")
SITE_ORIGIN = "https://www.grauwiek.example"  # stands in the files wherever an address must be absolute
SEARCH_ADDRESS = "{search_url}"  # stands in the search blocks of the pages

_SEARCH_BLOCK = re.compile(r"<!--search\s*(.*?)\s*search-->", re.DOTALL)
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FILLED_IN = {".html", ".xml", ".txt"}
_IDLE_S = 30.0  # a kept-alive connection that says nothing for so long is closed


def fill_in(text: str, origin: str, search_url: str = "") -> str:
    """Return a page's text with its addresses filled in; without ``search_url`` the search blocks disappear."""

    def block(found: re.Match[str]) -> str:
        return found[1].replace(SEARCH_ADDRESS, html.escape(search_url)) if search_url else ""

    return _SEARCH_BLOCK.sub(block, text).replace(SITE_ORIGIN, origin)


def content_type(path: Path) -> str:
    """Return the Content-Type of a file by its suffix."""
    return _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def find_file(root: Path, url_path: str) -> Path | None:
    """Return the file (or folder) below ``root`` that a URL path names; None for nothing there or a way out of root."""
    wanted = unquote(url_path)
    if "\0" in wanted:
        return None
    base = root.resolve()
    path = (base / wanted.lstrip("/")).resolve()
    try:
        if not path.is_relative_to(base) or not path.exists():
            return None
    except OSError:  # a name longer than the file system allows
        return None
    if path.is_dir():
        return path / "index.html" if wanted.endswith("/") and (path / "index.html").is_file() else path
    return None if wanted.endswith("/") else path


class DemoServer:
    """The demo site behind a real HTTP server in a thread of its own.

    ``root`` may be another folder (a changed copy of the site) and may be replaced while serving; ``log`` holds
    ``(status, method, path)`` of every request answered. Raises ValueError for a ``search_url`` that is not http(s)
    and OSError when the port is taken.

    >>> with DemoServer() as demo:
    ...     demo.url.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, *, root: Path | None = None, search_url: str = ""
    ) -> None:
        if search_url and urlsplit(search_url).scheme not in {"http", "https"}:
            raise ValueError(f"search_url must start with http:// or https://, not {search_url!r}")
        self.root = root or SITE_ROOT
        self.search_url = search_url.rstrip("/")
        self.log: list[tuple[int, str, str]] = []
        self._http = _Server((host, port), self)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address of the site, without a slash at its end."""
        host, port = self._http.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> DemoServer:
        """Answer requests from a thread; return at once."""
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="demo-site", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop answering and free the port; a second call does nothing."""
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join()
            self._thread = None
        self._http.server_close()

    def __enter__(self) -> DemoServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], demo: DemoServer) -> None:
        self.demo = demo
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away in the middle; anything else is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_S
    server: _Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        path = find_file(self.server.demo.root, url.path)
        if path is None:
            self._not_found()
        elif path.is_dir():
            self._redirect(url.path) if not url.path.endswith("/") else self._not_found()
        else:
            self._file(path)

    do_HEAD = do_GET  # noqa: N815  # the name that http.server looks for

    def _file(self, path: Path) -> None:
        body = self._rendered(path)
        headers = {
            "Content-Type": content_type(path),
            "ETag": f'"{hashlib.sha256(body).hexdigest()[:24]}"',
            "Last-Modified": formatdate(path.stat().st_mtime, usegmt=True),
            "Cache-Control": "no-cache",
        }
        if self._fresh(headers["ETag"], int(path.stat().st_mtime)):
            self._send(HTTPStatus.NOT_MODIFIED, headers, None)
        else:
            self._send(HTTPStatus.OK, headers, body)

    def _fresh(self, etag: str, modified: int) -> bool:
        """RFC 9110, 13.2.2: If-Modified-Since counts only where If-None-Match is absent."""
        tags = self.headers.get("If-None-Match")
        if tags is not None:
            return tags.strip() == "*" or etag in {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        since = self.headers.get("If-Modified-Since")
        if since is None:
            return False
        try:
            return modified <= parsedate_to_datetime(since).timestamp()
        except ValueError:  # RFC 9110, 13.1.3: a date that cannot be read is ignored
            return False

    def _redirect(self, url_path: str) -> None:
        # One leading slash only: //elsewhere would be an address on another host.
        location = "/" + quote(unquote(url_path).lstrip("/"), safe="/") + "/"
        self._send(HTTPStatus.MOVED_PERMANENTLY, {"Location": location}, b"")

    def _not_found(self) -> None:
        page = self.server.demo.root / "404.html"
        body = self._rendered(page) if page.is_file() else b"<!doctype html><title>Not found</title><p>Not found\n"
        self._send(HTTPStatus.NOT_FOUND, {"Content-Type": _TYPES[".html"]}, body)

    def _rendered(self, path: Path) -> bytes:
        if path.suffix not in _FILLED_IN:
            return path.read_bytes()
        host = self.headers.get("Host", "")
        origin = f"http://{host}" if _HOST.fullmatch(host) else self.server.demo.url
        return fill_in(path.read_text(encoding="utf-8"), origin, self.server.demo.search_url).encode()

    def _send(self, status: HTTPStatus, headers: dict[str, str], body: bytes | None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002  # the base class's
        status = int(code) if not isinstance(code, str) or code.isdigit() else 0
        self.server.demo.log.append((status, self.command or "", getattr(self, "path", "")))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Stay quiet: ``DemoServer.log`` holds what was asked."""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the demo site until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m indexer.demo.server",
        description="Serve the demo site (a fictional harbour town) over HTTP.",
        epilog="example: python -m indexer.demo.server --port 8080 --search-url http://127.0.0.1:8765",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="port, 0 = pick a free one (default: %(default)s)")
    parser.add_argument("--root", type=Path, default=SITE_ROOT, help="another folder to serve instead")
    parser.add_argument("--search-url", default="", help="address of searchd; puts a search field on every page")
    args = parser.parse_args(argv)
    try:
        server = DemoServer(args.host, args.port, root=args.root, search_url=args.search_url)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"demo site: {error}\n")
        return 2
    done = threading.Event()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    with server:
        sys.stdout.write(f"{server.url}/\n")
        sys.stdout.flush()
        done.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
