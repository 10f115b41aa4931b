"""What the daemon and its engine processes say to each other: pickled values over a pair of sockets.

The daemon speaks first; every message gets one reply. Both ends run the same code, so the form may change at any time.
"""

from __future__ import annotations

import pickle
import traceback
from typing import Any, Literal

from msgspec import Struct

from searchd.errors import EcholotError

Method = Literal["search", "search_json", "similar", "recommend", "random", "answer"]


class Open(Struct, frozen=True):
    """Open a snapshot; it is known by ``number`` from then on, which is never given twice."""

    number: int
    site: str
    snapshot_id: str


class Close(Struct, frozen=True):
    """Forget a snapshot."""

    number: int


class Ask(Struct, frozen=True):
    """Call one method of a snapshot's engine."""

    number: int
    method: Method
    arguments: tuple[Any, ...]


class Failed(Struct, frozen=True):
    """The reply when something was raised."""

    error: Exception


def pack(value: object) -> bytes:
    """Return a message as bytes."""
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def unpack(data: bytes) -> Any:  # noqa: ANN401 - it is what the method returned
    """Return what was packed. What was raised over there is raised here, as itself."""
    value = pickle.loads(data)  # noqa: S301 - from our own process, over a socket that nobody else has
    if isinstance(value, Failed):
        raise value.error
    return value


def packed_failure(error: Exception) -> bytes:
    """Return an exception as a reply. One that is not deliberate brings its traceback, as a note."""
    if not isinstance(error, EcholotError):
        error.add_note("in an engine process:\n" + "".join(traceback.format_exception(error)))
    try:
        packed = pack(Failed(error))
        pickle.loads(packed)  # noqa: S301 - made one line above: some exceptions pickle and cannot be read again
    except Exception:  # noqa: BLE001 - whatever an exception's own pickling raises
        plain = RuntimeError(repr(error))
        plain.__notes__ = list(error.__notes__)
        return pack(Failed(plain))
    return packed
