"""Every error that Echolot raises on purpose, drawn at one place.

    EcholotError
    |-- ConfigError           a setting, flag or environment variable is wrong            exit 2
    |-- LockedError           another indexer works on the same site                      exit 3
    |-- SiteError             the site did not answer, is not HTML or has no pages        exit 4
    |-- GuardError            the publish guard refused; the served snapshot stays        exit 5
    |-- ModelError            a model is missing, foreign or damaged                      exit 6
    |   `-- UnfitError        a device cannot run it here; another may
    |-- SnapshotError         a snapshot is missing, damaged or of another format         exit 7
    |-- StorageError          the data folder cannot be read or written                   exit 8
    |-- QueryError            a request makes no sense (HTTP 400)                         exit 9
    `-- ExtractionError       one page could not be parsed; it keeps its old copy         exit 10

``message`` says what is wrong, ``hint`` what to do about it. The exit status belongs to the class,
so cron and the README's table agree by construction.
"""

from __future__ import annotations

from typing import ClassVar


class EcholotError(Exception):
    """Base of all deliberate errors: a message, a hint and an exit status."""

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "internal"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class ConfigError(EcholotError):
    """A setting, a flag or an environment variable is wrong."""

    exit_code, code = 2, "config"


class LockedError(EcholotError):
    """Another indexer holds the site's lock."""

    exit_code, code = 3, "locked"


class SiteError(EcholotError):
    """The site did not answer, is not HTML or has no pages."""

    exit_code, code = 4, "site"


class GuardError(EcholotError):
    """The publish guard refused a new snapshot; the served one stays."""

    exit_code, code = 5, "guard"


class ModelError(EcholotError):
    """A model is missing, foreign or damaged."""

    exit_code, code = 6, "model"


class UnfitError(ModelError):
    """A device cannot run a model here; another may."""


class SnapshotError(EcholotError):
    """A snapshot is missing, damaged or of another format."""

    exit_code, code = 7, "snapshot"


class StorageError(EcholotError):
    """The data folder cannot be read or written."""

    exit_code, code = 8, "storage"


class QueryError(EcholotError):
    """A request makes no sense: empty, too long, unknown page or parameter."""

    exit_code, code = 9, "bad_request"


class ExtractionError(EcholotError):
    """One page could not be parsed in its limits; the page keeps its old copy."""

    exit_code, code = 10, "extraction"
