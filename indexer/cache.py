"""What was computed once and need not be again: extracted articles and vectors, beside the crawl's state.

Both are kept by the hash of what they were made from and the fingerprint of what made them, so that going back
to an earlier model or setting costs nothing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from indexer.stopwatch import Stopwatch
from searchd.errors import StorageError
from searchd.index.records import Article, Block, Section
from searchd.index.stores import Encoder, Floats

log = logging.getLogger("indexer")
_CHUNK = 512  # texts embedded between two commits: what a kill -9 can cost
_SCHEMA = """
CREATE TABLE IF NOT EXISTS articles (
    content_hash TEXT NOT NULL, url TEXT NOT NULL, fingerprint TEXT NOT NULL, article TEXT NOT NULL,
    PRIMARY KEY (content_hash, url, fingerprint)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vectors (
    fingerprint TEXT NOT NULL, text_hash BLOB NOT NULL, vector BLOB NOT NULL, used INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, text_hash)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class Cache:
    """Tables of its own in the site's SQLite file (WAL)."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.db = sqlite3.connect(path, isolation_level=None)
            self.db.execute("PRAGMA journal_mode=WAL")
            self.db.execute("PRAGMA synchronous=NORMAL")
            self.db.execute("PRAGMA busy_timeout=30000")
            self.db.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"{path}: {error}", "check free space and permissions, or restore the file") from error

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    def article(self, content_hash: str, url: str, fingerprint: str) -> Article | None:
        """The article that was extracted from this content under these settings, if it was."""
        row = self.db.execute(
            "SELECT article FROM articles WHERE content_hash = ? AND url = ? AND fingerprint = ?",
            (content_hash, url, fingerprint),
        ).fetchone()
        return article_from_json(row[0]) if row else None

    def put_articles(self, entries: Iterable[tuple[str, str, str, Article]]) -> None:
        """Keep (content hash, URL, fingerprint, article)."""
        rows = [(digest, url, fingerprint, article_to_json(article)) for digest, url, fingerprint, article in entries]
        with self.db:
            self.db.executemany("INSERT OR REPLACE INTO articles VALUES (?, ?, ?, ?)", rows)

    def keep_articles(self, live: Iterable[tuple[str, str]]) -> None:
        """Forget the articles of contents that no page has any more; ``live`` holds (content hash, URL)."""
        with self.db:
            self.db.execute("CREATE TEMP TABLE live (content_hash TEXT, url TEXT, PRIMARY KEY (content_hash, url))")
            self.db.executemany("INSERT OR IGNORE INTO live VALUES (?, ?)", live)
            self.db.execute(
                "DELETE FROM articles WHERE (content_hash, url) NOT IN (SELECT content_hash, url FROM live)"
            )
            self.db.execute("DROP TABLE live")

    def get_fact(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - any JSON value
        """A small JSON value kept between runs."""
        row = self.db.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else default

    def put_fact(self, key: str, value: object) -> None:
        """Keep a small JSON value between runs."""
        self.db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, json.dumps(value)))

    def vectors(self, fingerprint: str, hashes: Sequence[bytes], generation: int) -> dict[bytes, bytes]:
        """The known vectors among ``hashes`` as float32 bytes; they count as used by this build."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(hashes), _CHUNK):
            part = hashes[start : start + _CHUNK]
            marks = ",".join("?" * len(part))
            found.update(
                self.db.execute(
                    f"SELECT text_hash, vector FROM vectors WHERE fingerprint = ? AND text_hash IN ({marks})",  # noqa: S608 - question marks only
                    (fingerprint, *part),
                )
            )
        with self.db:
            self.db.executemany(
                "UPDATE vectors SET used = ? WHERE fingerprint = ? AND text_hash = ? AND used != ?",
                [(generation, fingerprint, digest, generation) for digest in found],
            )
        return found

    def put_vectors(self, fingerprint: str, entries: Iterable[tuple[bytes, bytes]], generation: int) -> None:
        """Keep (text hash, float32 bytes)."""
        with self.db:
            self.db.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)",
                [(fingerprint, digest, vector, generation) for digest, vector in entries],
            )

    def forget_vectors(self, fingerprint: str, before: int) -> int:
        """Delete this model's vectors that no build since ``before`` used; other models' vectors stay."""
        return self.db.execute("DELETE FROM vectors WHERE fingerprint = ? AND used < ?", (fingerprint, before)).rowcount


class CachedEncoder:
    """An ``Encoder`` that asks the cache first and embeds only texts that are new."""

    def __init__(
        self,
        encoder: Encoder,
        cache: Cache,
        generation: int,
        progress: Callable[[int, int], None] | None = None,
        watch: Stopwatch | None = None,
    ) -> None:
        self.encoder, self.cache, self.generation = encoder, cache, generation
        self.watch = watch or Stopwatch()
        self.embedded = self.reused = 0
        self.progress = progress

    @property
    def dim(self) -> int:
        """Components per vector."""
        return self.encoder.dim

    @property
    def fingerprint(self) -> str:
        """The model's fingerprint."""
        return self.encoder.fingerprint

    @property
    def max_tokens(self) -> int:
        """Tokens of a passage that the model reads."""
        return self.encoder.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count with the model's own tokenizer."""
        return self.encoder.count_tokens(texts)

    def encode_query(self, text: str) -> Floats:
        """Return (dim,) float32; queries are not kept."""
        return self.encoder.encode_query(text)

    def token_vectors(self, texts: Sequence[str], *, query: bool = False) -> list[Floats]:
        """Return the encoder's own; they are not kept."""
        return self.encoder.token_vectors(texts, query=query)

    def encode_passages(self, texts: Sequence[str]) -> Floats:
        """Return (len(texts), dim) float32 in the caller's order; equal texts are embedded once."""
        hashes = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:20] for text in texts]
        known = self.cache.vectors(self.fingerprint, list(dict.fromkeys(hashes)), self.generation)
        missing = {digest: text for digest, text in zip(hashes, texts, strict=True) if digest not in known}
        self.reused += len(texts) - len(missing)
        for chunk in _chunks(list(missing.items()), _CHUNK):
            with self.watch("embed"):
                vectors = self.encoder.encode_passages([text for _, text in chunk])
            fresh = {digest: vector.tobytes() for (digest, _), vector in zip(chunk, vectors, strict=True)}
            self.cache.put_vectors(self.fingerprint, fresh.items(), self.generation)
            known |= fresh
            self.embedded += len(chunk)
            if self.progress is not None:
                self.progress(self.embedded, 0)
        out = np.empty((len(texts), self.dim), dtype=np.float32)
        for row, digest in enumerate(hashes):
            out[row] = np.frombuffer(known[digest], dtype=np.float32)
        return out


def _chunks(items: list[tuple[bytes, str]], size: int) -> Iterator[list[tuple[bytes, str]]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def article_to_json(article: Article) -> str:
    """Write an article as JSON."""
    return json.dumps(dataclasses.asdict(article), ensure_ascii=False)


def article_from_json(text: str) -> Article:
    """Read what ``article_to_json`` wrote."""
    values = json.loads(text)
    values["sections"] = tuple(
        Section(tuple(item["headings"]), item["anchor"], tuple(Block(**block) for block in item["blocks"]))
        for item in values["sections"]
    )
    values["tags"] = tuple(values["tags"])
    return Article(**values)
