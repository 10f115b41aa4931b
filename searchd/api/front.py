"""The WSGI layer around Flask: what every answer gets, and the short way for answers that are kept in memory.

Request ids, compression, CORS, security headers, metrics and the access log stand here once, for Flask's answers
and for kept ones alike. A kept answer is served only to callers without a key, while the snapshot that it was made
from is the one served, and it counts against the caller's rate like any other.
"""

from __future__ import annotations

import itertools
import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from gzip import compress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from searchd.api.auth import sent_secret
from searchd.api.cache import Entry, etag_matches
from searchd.api.context import Api
from searchd.api.dispatch import ENTRY, cache_headers
from searchd.api.errors import ApiError, body_of
from searchd.errors import EcholotError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

log = logging.getLogger("searchd.access")

Environ = dict[str, Any]
Headers = list[tuple[str, str]]

REQUEST_ID = "echolot.request_id"
MIN_ZIP_BYTES = 1000
_ZIPPABLE = ("application/json", "text/", "image/svg")
_GIVEN_ID = re.compile(r"[A-Za-z0-9._\-]{8,64}")
_PREFLIGHT: Headers = [
    ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
    ("Access-Control-Allow-Headers", "Content-Type, Authorization, X-Api-Key, If-None-Match"),
    ("Access-Control-Max-Age", "86400"),
]


@dataclass(slots=True)
class Outgoing:
    """An answer on its way out."""

    status: str
    headers: Headers
    body: bytes
    endpoint: str = "other"
    zipped: bytes | None = None

    @property
    def code(self) -> int:
        """The status as a number."""
        return int(self.status[:3])


class Front:
    """WSGI middleware."""

    def __init__(self, inner: WSGIApplication, api: Api, endpoint_of: Callable[[str], str]) -> None:
        self._inner = inner
        self._api = api
        self._endpoint_of = endpoint_of
        self._origins = allowed_origins(api)
        self._id_prefix = secrets.token_hex(6)
        self._ids = itertools.count(1)
        self._log_requests = api.settings.api.access_log and log.isEnabledFor(logging.INFO)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        begun = time.perf_counter()
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if given and _GIVEN_ID.fullmatch(given) else f"{self._id_prefix}-{next(self._ids):x}"
        environ[REQUEST_ID] = request_id
        out = self._preflight(environ) or self._kept(environ) or self._ask_flask(environ)
        self._dress(environ, out, request_id)
        seconds = time.perf_counter() - begun
        self._api.metrics.observe(out.endpoint, out.code, seconds)
        if self._log_requests:
            self._write_line(environ, out, request_id, seconds)
        start_response(out.status, out.headers)
        return [out.body] if environ["REQUEST_METHOD"] != "HEAD" else []

    def _kept(self, environ: Environ) -> Outgoing | None:
        """Return the answer from memory, None when there is none that this caller may have."""
        if environ["REQUEST_METHOD"] != "GET" or sent_secret(environ):
            return None
        entry = self._api.cache.get(_key(environ))
        if entry is None:
            return None
        try:
            if self._api.live.engine(entry.site).snapshot_id != entry.snapshot:
                return None
            self._api.gatekeeper.admit(entry.scope, environ)
        except ApiError as error:
            return _refused(error, entry.endpoint)
        except EcholotError:
            return None  # Flask says it properly
        return self._from_entry(environ, entry)

    def _from_entry(self, environ: Environ, entry: Entry) -> Outgoing:
        self._api.metrics.cache_hits.inc()
        if entry.note is not None:
            self._api.count(entry.note)
        headers = list(cache_headers(self._api, entry.scope, entry.etag).items())
        if etag_matches(environ.get("HTTP_IF_NONE_MATCH", ""), entry.etag):
            return Outgoing("304 Not Modified", headers, b"", entry.endpoint)
        headers.append(("Content-Type", "application/json"))
        zipped = entry.zipped() if _wants_zip(environ, entry.body) else None
        return Outgoing("200 OK", headers, entry.body, entry.endpoint, zipped)

    def _ask_flask(self, environ: Environ) -> Outgoing:
        caught: list[Any] = ["500 Internal Server Error", []]

        def start(status: str, headers: Headers, _exc_info: object = None) -> Callable[[bytes], object]:
            caught[:] = [status, headers]
            return _no_write

        result = self._inner(environ, start)
        try:
            body = b"".join(result)
        finally:
            if close := getattr(result, "close", None):
                close()
        entry: Entry | None = environ.get(ENTRY)
        if entry is not None and not sent_secret(environ):
            self._api.cache.put(_key(environ), entry)
        return Outgoing(caught[0], caught[1], body, self._endpoint_of(environ.get("PATH_INFO", "")))

    def _preflight(self, environ: Environ) -> Outgoing | None:
        """Answer the browser's question whether another origin's page may call (Fetch standard, 4.8)."""
        if environ["REQUEST_METHOD"] != "OPTIONS" or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" not in environ:
            return None
        return Outgoing("204 No Content", list(_PREFLIGHT), b"", "preflight")

    def _dress(self, environ: Environ, out: Outgoing, request_id: str) -> None:
        """Add what every answer carries."""
        present = {name.lower() for name, _ in out.headers}
        out.headers.append(("X-Request-Id", request_id))
        out.headers.append(("X-Content-Type-Options", "nosniff"))
        if "referrer-policy" not in present:
            out.headers.append(("Referrer-Policy", "same-origin"))
        origin = environ.get("HTTP_ORIGIN")
        if origin and self._may_call(origin):
            out.headers.append(("Access-Control-Allow-Origin", origin))
            out.headers.append(("Access-Control-Expose-Headers", "ETag, Retry-After, X-Request-Id"))
        out.headers.append(("Vary", "Accept-Encoding, Origin"))
        self._compress(environ, out)

    def _may_call(self, origin: str) -> bool:
        return "*" in self._origins or origin in self._origins or self._api.live.serves_origin(origin)

    @staticmethod
    def _compress(environ: Environ, out: Outgoing) -> None:
        kind = next((value for name, value in out.headers if name.lower() == "content-type"), "")
        if environ["REQUEST_METHOD"] == "HEAD" or out.code in (204, 304):
            return
        encoded = any(name.lower() == "content-encoding" for name, _ in out.headers)
        if not encoded and kind.startswith(_ZIPPABLE) and _wants_zip(environ, out.body):
            out.body = out.zipped or compress(out.body, compresslevel=5, mtime=0)
            out.headers.append(("Content-Encoding", "gzip"))
        out.headers[:] = [(name, value) for name, value in out.headers if name.lower() != "content-length"]
        out.headers.append(("Content-Length", str(len(out.body))))

    @staticmethod
    def _write_line(environ: Environ, out: Outgoing, request_id: str, seconds: float) -> None:
        """One line a request. No address and no query string: both can be personal data."""
        log.info(
            "%s %s %s",
            environ["REQUEST_METHOD"],
            environ.get("PATH_INFO", "")[:200],
            out.code,
            extra={
                "request_id": request_id,
                "method": environ["REQUEST_METHOD"],
                "path": environ.get("PATH_INFO", "")[:200],
                "endpoint": out.endpoint,
                "status": out.code,
                "bytes": len(out.body),
                "duration_ms": round(seconds * 1000, 2),
            },
        )


def allowed_origins(api: Api) -> frozenset[str]:
    """Return the origins that the settings let call: those listed and the configured sites' own."""
    own = {"{0.scheme}://{0.netloc}".format(urlsplit(site.url)) for site in api.settings.site if site.url}
    return frozenset(own | {origin.rstrip("/") for origin in api.settings.api.cors_origins})


def _key(environ: Environ) -> str:
    return f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}?{environ.get('QUERY_STRING', '')}"


def _wants_zip(environ: Environ, body: bytes) -> bool:
    return len(body) >= MIN_ZIP_BYTES and "gzip" in environ.get("HTTP_ACCEPT_ENCODING", "")


def _refused(error: ApiError, endpoint: str) -> Outgoing:
    headers: Headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    headers += error.headers()
    return Outgoing(f"{error.body.status} {error.reason}", headers, error.body.encode(), endpoint)


def _no_write(_data: bytes) -> object:
    raise RuntimeError(body_of(500).message)
