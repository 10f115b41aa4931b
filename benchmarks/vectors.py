"""An encoder that remembers on disk what it has encoded, so that a ranking experiment costs no second embedding."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from searchd.index.stores import Encoder, Floats


class RememberingEncoder:
    """Wraps an encoder; vectors are kept in ``folder`` by the model's fingerprint and the text's SHA-256."""

    BLOCK = 256  # texts encoded between two commits

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._encoder = encoder
        self._db = sqlite3.connect(folder / f"{encoder.fingerprint}.sqlite", isolation_level=None)
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("CREATE TABLE IF NOT EXISTS vectors(key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
        self.dim, self.fingerprint, self.max_tokens = encoder.dim, encoder.fingerprint, encoder.max_tokens
        self.encoded = 0

    def encode_passages(self, texts: Sequence[str]) -> Floats:
        """Return (len(texts), dim) float32; only texts never seen before are computed."""
        keys = [_key("passage", text) for text in texts]
        found = {key: self._get(key) for key in keys}
        missing = list({key: text for key, text in zip(keys, texts, strict=True) if found[key] is None}.items())
        for start in range(0, len(missing), self.BLOCK):
            block = missing[start : start + self.BLOCK]
            fresh = self._encoder.encode_passages([text for _, text in block])
            self._put([(key, vector.tobytes()) for (key, _), vector in zip(block, fresh, strict=True)])
            found.update({key: vector.tobytes() for (key, _), vector in zip(block, fresh, strict=True)})
        joined = b"".join(found[key] or b"" for key in keys)
        return np.frombuffer(joined, np.float32).reshape(len(texts), self.dim)

    def encode_query(self, text: str) -> Floats:
        """Return (dim,) float32."""
        key = _key("query", text)
        known = self._get(key)
        if known is not None:
            return np.frombuffer(known, np.float32)
        vector = self._encoder.encode_query(text)
        self._put([(key, vector.tobytes())])
        return vector

    def token_vectors(self, texts: Sequence[str], *, query: bool = False) -> list[Floats]:
        """Return the encoder's own, which are not kept: they are a hundred times as large."""
        return self._encoder.token_vectors(texts, query=query)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, as the encoder counts them."""
        return self._encoder.count_tokens(texts)

    def _get(self, key: bytes) -> bytes | None:
        row = self._db.execute("SELECT vector FROM vectors WHERE key=?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def _put(self, rows: list[tuple[bytes, bytes]]) -> None:
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR REPLACE INTO vectors VALUES(?,?)", rows)
        self._db.execute("COMMIT")
        self.encoded += len(rows)


def _key(kind: str, text: str) -> bytes:
    return hashlib.sha256(f"{kind}\0{text}".encode()).digest()
