"""Answers kept as bytes until the next snapshot: a repeated question costs a dictionary look-up."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from searchd.api.auth import Scope
from searchd.feedback import SearchNote


@dataclass(slots=True)
class Entry:
    """One answer as it leaves, and what it is valid for.

    The gzip form is made when it is first wanted. ``note`` is counted again each time the answer is served.
    """

    body: bytes
    etag: str
    site: str
    snapshot: str
    endpoint: str
    scope: Scope
    note: SearchNote | None = None
    _zipped: bytes = field(default=b"", repr=False)

    def zipped(self) -> bytes:
        """Return the body compressed (two threads may both do it; the bytes are the same)."""
        if not self._zipped:
            self._zipped = gzip.compress(self.body, compresslevel=5, mtime=0)
        return self._zipped


class AnswerCache:
    """Least recently used answers, by raw path and query string."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Entry | None:
        """Return the entry and mark it as used."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._entries.move_to_end(key)
        return entry

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry; the least recently used goes when there are too many."""
        if self._size <= 0:
            return
        with self._lock:
            self._entries[key] = entry
            self._entries.move_to_end(key)
            if len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._entries)


def etag_of(*parts: str) -> str:
    """Return a weak entity tag (RFC 9110, 8.8.3): answers with it are equivalent, took_ms may differ."""
    digest = hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=12)
    return f'W/"{digest.hexdigest()}"'


def etag_matches(header: str, etag: str) -> bool:
    """Return whether If-None-Match names the tag (weak comparison)."""
    if not header:
        return False
    bare = etag.removeprefix("W/")
    return header.strip() == "*" or any(part.strip().removeprefix("W/") == bare for part in header.split(","))
