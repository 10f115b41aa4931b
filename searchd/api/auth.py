"""API keys with scopes, and rate limits per key and per address.

Only digests of the secrets stay in memory, and every configured key is compared, in constant time, whatever the
caller sends. Rates are counted in this process by ``limits``, the library under Flask-Limiter: answers from memory
never enter Flask, so its request hooks would not see them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import time
from dataclasses import dataclass
from typing import Any, Literal, get_args

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from searchd.api.errors import ApiError
from searchd.errors import ConfigError
from searchd.settings import ApiSettings

Scope = Literal["search", "feedback", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class Key:
    """One API key. ``digest`` is the SHA-256 of its secret."""

    name: str
    scopes: frozenset[str]
    digest: bytes


def parse_key(text: str) -> Key:
    """Read ``name:scope+scope:secret``. Raises ConfigError, which never repeats the secret."""
    parts = text.split(":", 2)
    name = parts[0]
    if len(parts) != 3 or not name or len(parts[2]) < 16:
        raise ConfigError(
            f"api.keys: the key {name!r} is not of the form name:scope+scope:secret",
            "for example ops:admin:SECRET, with a secret of 16 characters or more",
        )
    scopes = frozenset(parts[1].split("+"))
    if unknown := scopes - set(SCOPES):
        raise ConfigError(f"api.keys: the key {name!r} has an unknown scope {min(unknown)!r}", f"known: {SCOPES}")
    return Key(name, scopes, hashlib.sha256(parts[2].encode()).digest())


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, for limits and the log: a key's name, or the network address (never stored)."""

    address: str
    key: str = ""


def _is_local(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


class Gatekeeper:
    """Decides whether a caller may use a scope now."""

    def __init__(self, settings: ApiSettings) -> None:
        self._keys = tuple(parse_key(text) for text in settings.keys)
        self._public = frozenset(settings.public_scopes)
        if wrong := self._public - {"search", "feedback"}:
            raise ConfigError(f"api.public_scopes: {min(wrong)!r}", "only search and feedback can be public")
        self._per_address = _limits("rate_address", settings.rate_address)
        self._limits_local = settings.rate_local
        self._per_feedback = _limits("rate_feedback", settings.rate_feedback)
        self._per_key = _limits("rate_key", settings.rate_key)
        self._windows = FixedWindowRateLimiter(MemoryStorage())

    def is_public(self, scope: Scope) -> bool:
        """Return whether the scope needs no key."""
        return scope in self._public

    def admit(self, scope: Scope, environ: dict[str, Any]) -> Caller:
        """Return the caller. Raises ApiError: 401 or 403 without the right key, 429 above the rate."""
        caller = self._identify(scope, environ)
        if caller.key:
            self._count(self._per_key, "key", caller.key)
        elif scope == "feedback":
            self._count(self._per_feedback, "feedback", caller.address)
        elif self._limits_local or not _is_local(caller.address):
            self._count(self._per_address, "address", caller.address)
        return caller

    def _identify(self, scope: Scope, environ: dict[str, Any]) -> Caller:
        address = environ.get("REMOTE_ADDR") or "unknown"
        secret = sent_secret(environ, scope)
        if not secret and scope in self._public:
            return Caller(address)
        if not secret:
            raise self._missing(scope)
        key = self._find(secret)
        if key is None:
            # Guessing is slowed down like any other request.
            self._count(self._per_feedback, "wrong key", address)
            raise ApiError(401, "unknown API key", "check the key, or send none where none is needed")
        if scope not in key.scopes:
            raise ApiError(403, f"the key {key.name!r} does not have the scope {scope!r}")
        return Caller(address, key.name)

    def _missing(self, scope: Scope) -> ApiError:
        if not any(scope in key.scopes for key in self._keys):
            return ApiError(403, f"the scope {scope!r} is off: no key has it", "add one to api.keys in config.toml")
        return ApiError(401, f"this needs an API key with the scope {scope!r}")

    def _find(self, secret: str) -> Key | None:
        digest = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found

    def _count(self, items: tuple[RateLimitItem, ...], kind: str, who: str) -> None:
        for item in items:
            if not self._windows.hit(item, kind, who):
                wait_s = max(1.0, self._windows.get_window_stats(item, kind, who).reset_time - time.time())
                raise ApiError(429, f"more than {item.amount} requests per {item.get_expiry()} s", retry_after_s=wait_s)


def sent_secret(environ: dict[str, Any], scope: Scope = "search") -> str:
    """Return the API key that a request carries, "" when none.

    Authorization: Bearer (RFC 6750, section 2.1) or X-Api-Key. For the scope ``admin`` also the password of
    Authorization: Basic (RFC 7617), which lets an operator open the report in a browser; elsewhere Basic is left to
    a proxy that protects the whole website with it.
    """
    header = environ.get("HTTP_AUTHORIZATION")
    if header is None:
        return str(environ.get("HTTP_X_API_KEY", ""))
    kind, _, token = str(header).partition(" ")
    if kind.lower() == "basic" and scope == "admin":
        try:
            return base64.b64decode(token, validate=True).decode().partition(":")[2] or "not a key"
        except ValueError:
            return "not a key"
    if kind.lower() == "basic":
        return str(environ.get("HTTP_X_API_KEY", ""))
    return token.strip() or "not a key" if kind.lower() == "bearer" else "not a key"


def _limits(name: str, text: str) -> tuple[RateLimitItem, ...]:
    try:
        return tuple(parse_many(text)) if text else ()
    except ValueError as error:
        raise ConfigError(f"api.{name} = {text!r}", "for example 100/minute or 10/second;1000/hour") from error
