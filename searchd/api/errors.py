"""One shape for every error, and the one table that turns errors into statuses.

The shape is ``{"error": {"code", "message", "hint"}}``, for 404, 405, 413 and 500 too.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from http import HTTPStatus

from searchd.errors import (
    ConfigError,
    EcholotError,
    ExtractionError,
    GuardError,
    LockedError,
    ModelError,
    QueryError,
    SiteError,
    SnapshotError,
    StorageError,
)

# Deliberate errors that may reach a request. The class nearest to the raised one counts.
STATUS_OF: dict[type[EcholotError], int] = {
    QueryError: 400,
    SnapshotError: 503,
    ModelError: 503,
    StorageError: 503,
    LockedError: 503,
    ConfigError: 500,
    SiteError: 500,
    GuardError: 500,
    ExtractionError: 500,
    EcholotError: 500,
}

# Every status that the API answers with, its code and what a caller may do.
STATUSES: dict[int, tuple[str, str, str]] = {
    400: ("bad_request", "The request makes no sense.", "Compare it with /openapi.json."),
    401: ("unauthorised", "This needs an API key.", "Send it as 'Authorization: Bearer KEY'."),
    403: ("forbidden", "This API key does not allow that.", "Use a key with the scope that /docs names."),
    404: ("not_found", "There is nothing at this address.", "The endpoints are listed at /docs."),
    405: ("method_not_allowed", "This address does not take that method.", "The Allow header lists those it takes."),
    413: ("too_large", "The request body is too large.", "Send less; api.max_body_bytes is the limit."),
    415: ("unsupported_media_type", "The body is not JSON.", "Send Content-Type: application/json."),
    429: ("too_many_requests", "Too many requests.", "Wait as long as Retry-After says."),
    500: ("internal", "Something went wrong inside. This is a bug.", "Tell the operator the request id."),
    503: ("unavailable", "The service cannot answer now.", "Try again as Retry-After says."),
}


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """A status and the three texts of an error."""

    status: int
    code: str
    message: str
    hint: str

    def payload(self) -> dict[str, dict[str, str]]:
        """Return the JSON object."""
        return {"error": {"code": self.code, "message": self.message, "hint": self.hint}}

    def encode(self) -> bytes:
        """Return the JSON text."""
        return json.dumps(self.payload(), ensure_ascii=False).encode("utf-8", "replace")


class ApiError(Exception):
    """An error that only HTTP knows: a missing key, a full house, an unknown page."""

    def __init__(
        self, status: int, message: str = "", hint: str = "", code: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.body = body_of(status, message, hint, code)
        self.retry_after_s = retry_after_s

    @property
    def reason(self) -> str:
        """The status in words, for the status line."""
        return HTTPStatus(self.body.status).phrase

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers that belong to the error (RFC 9110, 10.2.3 and 11.6.1)."""
        if self.body.status == 401:
            return [("WWW-Authenticate", "Bearer")]
        return [] if self.retry_after_s is None else [("Retry-After", str(math.ceil(self.retry_after_s)))]


def body_of(status: int, message: str = "", hint: str = "", code: str = "") -> ErrorBody:
    """Return the error for a status; empty texts get the table's."""
    row = STATUSES.get(status, ("http_error", "The request failed.", ""))
    return ErrorBody(status, code or row[0], message or row[1], hint or row[2])


def body_of_error(error: EcholotError) -> ErrorBody:
    """Return what a deliberate error becomes over HTTP.

    What is not the caller's doing keeps its text inside, since that may name folders of the machine; the log has it.
    """
    status = next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)
    if status == 503:
        return body_of(503, "no index is served at the moment", code=error.code)
    return body_of(500) if status == 500 else body_of(status, error.message, error.hint, error.code)
