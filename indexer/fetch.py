"""One GET: no redirects followed, bounded in time and size, never raising for what a server does.

Redirects are the caller's business, since each hop is an address of its own that scope, robots.txt and the address
check have to see.
"""

from __future__ import annotations

import base64
import os
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from types import TracebackType
from typing import Final, Self

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from indexer import urls
from indexer.addresses import BlockedAddressError, PinnedResolver
from searchd.errors import ConfigError
from searchd.settings import CrawlSettings

ACCEPT: Final = "text/html,application/xhtml+xml,application/pdf;q=0.9,application/xml;q=0.8,*/*;q=0.1"
_NO_HEADERS: Final[Mapping[str, str]] = CIMultiDict()
_CHUNK: Final = 1 << 16
_GZIP: Final = b"\x1f\x8b"


@dataclass(slots=True)
class Fetched:
    """One answer. ``status`` 0 means that there was none; ``error`` then says why in one word and a sentence.

    ``error`` starts with its kind: timeout, dns, connect, tls, protocol, blocked, too_large, encoding. The last two
    come with the server's status and an empty body. ``body`` is decompressed; ``packed`` is the same as one gzip member
    if it came so, to be stored without packing it again. Header names ignore case.
    """

    url: str
    status: int
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS)
    body: bytes = b""
    error: str = ""
    elapsed_s: float = 0.0
    packed: bytes = b""

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Secrets:
    """What proves to the site that we may read it; sent to the site's origins only, never written anywhere."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls, settings: CrawlSettings, environ: Mapping[str, str] = os.environ) -> Secrets:
        """Read what the ``*_env`` settings name. Raises ConfigError when a named variable is missing or malformed."""
        headers: dict[str, str] = {}
        for line in _variable(settings.headers_env, "headers_env", environ).splitlines():
            name, colon, value = line.partition(":")
            if line.strip() and not (colon and name.strip()):
                raise ConfigError(f"{settings.headers_env} holds a line that is no header", "write 'Name: value' lines")
            if line.strip():
                headers[name.strip()] = value.strip()
        if cookies := _variable(settings.cookies_env, "cookies_env", environ):
            headers["Cookie"] = cookies.strip()
        if auth := _variable(settings.auth_env, "auth_env", environ):
            if ":" not in auth:
                raise ConfigError(f"{settings.auth_env} is not of the form user:password")
            headers["Authorization"] = f"Basic {base64.b64encode(auth.encode()).decode()}"
        return cls(headers)


class Fetcher:
    """A client session for one site."""

    def __init__(self, settings: CrawlSettings, origins: frozenset[str], secrets: Secrets) -> None:
        self.settings, self.origins, self.secrets = settings, origins, secrets
        self.resolver = PinnedResolver(urls.host(f"{origin}/") for origin in origins)
        self.requests = 0
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=self.resolver, use_dns_cache=False, limit=self.settings.max_concurrency, ttl_dns_cache=None
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self.settings.timeout_s),
            headers={"User-Agent": user_agent(self.settings), "Accept": ACCEPT, "Accept-Encoding": "gzip, deflate"},
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, url: str, *, etag: str = "", modified: str = "", limit: int = 0) -> Fetched:
        """Ask for a normalised URL, conditionally when validators are given. ``limit``: bytes, 0 = the setting."""
        if self._session is None:
            raise RuntimeError("This is a bug: the fetcher is used outside its context.")
        headers = dict(self.secrets.headers) if urls.origin(url) in self.origins else {}
        if etag:
            headers["If-None-Match"] = etag
        if modified:
            headers["If-Modified-Since"] = modified
        limit = limit or self.settings.max_body_bytes
        started = time.perf_counter()
        self.requests += 1
        try:
            self.resolver.check_literal(urls.host(url))
            async with self._session.get(URL(url, encoded=True), headers=headers, allow_redirects=False) as answer:
                body, packed, error = await _read(answer, limit)
                fetched = Fetched(url, answer.status, _readable(answer.headers), body, error, packed=packed)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            fetched = Fetched(url, 0, error=_why(error, self.settings.timeout_s))
        fetched.elapsed_s = time.perf_counter() - started
        return fetched


def user_agent(settings: CrawlSettings) -> str:
    """The User-Agent header: product, version and whom to ask."""
    about = f"+{settings.contact}" if settings.contact else "site search indexer"
    return f"{settings.user_agent}/{version('echolot')} ({about})"


async def _read(answer: aiohttp.ClientResponse, limit: int) -> tuple[bytes, bytes, str]:
    """Read and decompress at most ``limit`` bytes; return (body, the body as gzip or nothing, error)."""
    coding = answer.headers.get("Content-Encoding", "").strip().lower()
    if coding in ("", "identity"):
        inflate = None
    elif coding in ("gzip", "x-gzip", "deflate"):
        inflate = _Inflater(coding == "deflate", limit)
    else:
        return b"", b"", f"encoding: the answer is {coding}-encoded, which was not asked for"
    chunks: list[bytes] = []
    raw: list[bytes] = []
    size = 0
    async for chunk in answer.content.iter_chunked(_CHUNK):
        try:
            piece = inflate.feed(chunk) if inflate else chunk
        except zlib.error as error:
            return b"", b"", f"encoding: damaged {coding} data ({error})"
        size += len(piece)
        if size > limit:
            return b"", b"", f"too_large: more than {limit} bytes"
        chunks.append(piece)
        if inflate:
            raw.append(chunk)
    if inflate and size and not inflate.complete:
        return b"", b"", f"encoding: {coding} data cut short"
    return b"".join(chunks), b"".join(raw) if inflate and inflate.is_one_gzip_member else b"", ""


class _Inflater:
    """gzip or deflate with a bound: stops producing once more than ``limit`` bytes came out."""

    def __init__(self, deflate: bool, limit: int) -> None:
        self._deflate, self._left = deflate, limit + 1
        self._machine = zlib.decompressobj(zlib.MAX_WBITS if deflate else zlib.MAX_WBITS | 16)
        self._first, self._members = True, 1

    @property
    def complete(self) -> bool:
        """Whether the data fed so far ended where it should."""
        return self._machine.eof

    @property
    def is_one_gzip_member(self) -> bool:
        """Whether the data fed so far is one complete gzip member and nothing else."""
        return not self._deflate and self._members == 1 and self._machine.eof and not self._machine.unused_data

    def feed(self, data: bytes) -> bytes:
        """The next piece of output. Raises zlib.error on damaged data."""
        out = self._inflate(data)
        while self._machine.eof and self._machine.unused_data.startswith(_GZIP) and self._left > 0:
            rest = self._machine.unused_data
            self._machine = zlib.decompressobj(zlib.MAX_WBITS | 16)
            self._members += 1
            out += self._inflate(rest)
        return out

    def _inflate(self, data: bytes) -> bytes:
        if self._left <= 0 or self._machine.eof:
            return b""
        try:
            out = self._machine.decompress(data, self._left)
        except zlib.error:
            if not (self._deflate and self._first):
                raise
            self._machine = zlib.decompressobj(-zlib.MAX_WBITS)  # servers that send raw deflate are common
            out = self._machine.decompress(data, self._left)
        self._first = False
        self._left -= len(out)
        return out


def inflate_bounded(data: bytes, limit: int) -> bytes | None:
    """A gzip file's content (a sitemap.xml.gz), or None when it is damaged or larger than ``limit`` bytes."""
    try:
        out = _Inflater(False, limit).feed(data)
    except zlib.error:
        return None
    return out if len(out) <= limit else None


def _readable(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Headers as text that can be stored and sent: bytes that are no UTF-8 are read as Latin-1."""
    if all(map(str.isascii, headers.values())):
        return headers
    pairs = ((name, value.encode("utf-8", "surrogateescape")) for name, value in headers.items())
    return CIMultiDict((name, _text(value)) for name, value in pairs)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _variable(name: str, setting: str, environ: Mapping[str, str]) -> str:
    if not name:
        return ""
    if name not in environ:
        raise ConfigError(f"{setting} names the environment variable {name}, which is not set", f"export {name}=...")
    return environ[name]


def _why(error: BaseException, timeout_s: float) -> str:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, BlockedAddressError):
        return f"blocked: {cause}"
    if isinstance(error, TimeoutError):
        return f"timeout: no complete answer within {timeout_s:g} s"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"dns: {cause}"
    if isinstance(error, (aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError)):
        return f"tls: {cause}"
    if isinstance(error, OSError):
        return f"connect: {cause}"
    return f"protocol: {type(error).__name__} {error}"
