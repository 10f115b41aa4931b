"""Everything a crawl remembers, in one SQLite file (WAL): addresses, answers, bodies, links, runs.

Writes gather in a transaction until :meth:`State.commit`, so a ``kill -9`` loses the last moments and nothing else.
Other modules keep tables of their own in the same file, over connections of their own.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

from indexer import anchors, identity
from indexer.identity import Candidate, Identities
from indexer.links import Link
from searchd.errors import StorageError

Kind = Literal["new", "page", "redirect", "gone", "refused"]
OTHER_TYPE: Final = "the answer is "  # how the error of a page that is no document begins; its type follows
_ZLIB_OR_GZIP: Final = zlib.MAX_WBITS | 32
_LEVEL: Final = 1  # bodies are written once per change and read as often: speed counts more than a tenth of the size

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS pages (
  id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, depth INTEGER NOT NULL, source TEXT NOT NULL,
  hops INTEGER NOT NULL, kind TEXT NOT NULL, status INTEGER NOT NULL, error TEXT NOT NULL, skipped TEXT NOT NULL,
  done_run INTEGER NOT NULL, checked_at REAL NOT NULL, fetched_at REAL NOT NULL, changed_at REAL NOT NULL,
  gone_since REAL NOT NULL, sitemap_at REAL NOT NULL, interval_s REAL NOT NULL, etag TEXT NOT NULL,
  modified TEXT NOT NULL, content_type TEXT NOT NULL, charset TEXT NOT NULL, content_hash TEXT NOT NULL,
  lang TEXT NOT NULL, robots_header TEXT NOT NULL, noindex INTEGER NOT NULL, canonical TEXT NOT NULL,
  target TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS pages_waiting ON pages (done_run, depth, id);
CREATE TABLE IF NOT EXISTS bodies (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS links (id INTEGER PRIMARY KEY, links BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY, started_at REAL NOT NULL, finished_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS crawl_facts (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


@dataclass(slots=True)
class Page:
    """One address and what is known about it. Times are seconds since 1970, 0 = never.

    ``kind``: new (no answer yet), page (a copy is in hand, whatever the last answer was), redirect (to ``target``),
    gone (no page there), refused (a page we do not keep; ``error`` says why). ``skipped`` says why it is not asked for
    ("" = it is). ``gone_since``: first 404 or 410 of a page that still has its copy. ``lang``: html lang or hreflang.
    """

    id: int
    url: str
    depth: int
    source: str
    hops: int = 0
    kind: Kind = "new"
    status: int = 0
    error: str = ""
    skipped: str = ""
    done_run: int = 0
    checked_at: float = 0.0
    fetched_at: float = 0.0
    changed_at: float = 0.0
    gone_since: float = 0.0
    sitemap_at: float = 0.0
    interval_s: float = 0.0
    etag: str = ""
    modified: str = ""
    content_type: str = ""
    charset: str = ""
    content_hash: str = ""
    lang: str = ""
    robots_header: str = ""
    noindex: bool = False
    canonical: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A page that belongs in the index. ``body`` is decompressed, empty where documents were asked for without."""

    url: str
    body: bytes
    content_type: str
    charset: str
    content_hash: str
    fetched_at: float
    depth: int
    lang_hint: str
    anchor_texts: tuple[str, ...]
    aliases: tuple[str, ...]
    robots_header: str


_COLUMNS: Final = tuple(field.name for field in fields(Page))
_VALUES: Final = attrgetter(*_COLUMNS)
_INSERT: Final = f"INSERT OR IGNORE INTO pages ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_UPDATE: Final = f"UPDATE pages SET {', '.join(f'{name}=?' for name in _COLUMNS[1:])} WHERE id=?"  # noqa: S608
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM pages"  # noqa: S608
_CANDIDATES: Final = """
SELECT url, depth, content_hash, canonical, target, lang FROM pages
WHERE skipped='' AND (kind='page' AND noindex=0 OR kind='redirect') ORDER BY id
"""


class State:
    """One site's crawl state. Raises StorageError when the file cannot be used."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=30.0)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(f"{path}: {error}", "check free space and permissions, or restore the file") from error
        self._identities: tuple[int, Identities] | None = None
        self._anchors: tuple[int, dict[str, tuple[str, ...]]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Commit and close."""
        self.commit()
        self._db.close()

    @property
    def connection(self) -> sqlite3.Connection:
        """The open database, in autocommit mode outside of the crawler's own transactions."""
        return self._db

    def commit(self) -> None:
        """Make everything since the last commit safe from ``kill -9``."""
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    # runs

    def begin_run(self, now: float, resume_within_s: float) -> tuple[int, bool]:
        """Number of the run to work on, and whether it continues one that was cut short."""
        last = self._db.execute("SELECT id, started_at, finished_at FROM runs ORDER BY id DESC LIMIT 1").fetchone()
        if last and not last[2] and now - last[1] <= resume_within_s:
            return int(last[0]), True
        self._write()
        cursor = self._db.execute("INSERT INTO runs (started_at, finished_at) VALUES (?, 0)", (now,))
        return int(cursor.lastrowid or 0), False

    def finish_run(self, run: int, now: float) -> None:
        """Every address of the run has its answer."""
        self._write()
        self._db.execute("UPDATE runs SET finished_at=? WHERE id=?", (now, run))

    def put_fact(self, key: str, value: object) -> None:
        """Remember a JSON value."""
        self._write()
        self._db.execute("INSERT OR REPLACE INTO crawl_facts VALUES (?, ?)", (key, json.dumps(value)))

    def get_fact(self, key: str) -> Any:  # noqa: ANN401 - any JSON value
        """A remembered value, None without one."""
        row = self._db.execute("SELECT value FROM crawl_facts WHERE key=?", (key,)).fetchone()
        return json.loads(row[0]) if row else None

    # addresses

    def add(self, pages: Iterable[Page]) -> None:
        """Remember new addresses (their ``id`` is chosen here); known ones stay as they are."""
        self._write()
        self._db.executemany(_INSERT, ((None, *_VALUES(page)[1:]) for page in pages))

    def save(self, page: Page) -> None:
        """Write an address back."""
        self._write()
        values = _VALUES(page)
        self._db.execute(_UPDATE, (*values[1:], values[0]))

    def page(self, url: str) -> Page | None:
        """What is known about an address."""
        row = self._db.execute(f"{_SELECT} WHERE url=?", (url,)).fetchone()
        return Page(*row) if row else None

    def pages(self) -> Iterator[Page]:
        """All addresses in the order of their discovery; they may be saved on the way."""
        last = 0
        while rows := self._db.execute(f"{_SELECT} WHERE id > ? ORDER BY id LIMIT 1000", (last,)).fetchall():
            yield from (Page(*row) for row in rows)
            last = rows[-1][0]

    def waiting(self, run: int, limit: int) -> list[Page]:
        """Addresses without an answer in this run, nearest to the start pages first."""
        rows = self._db.execute(
            f"{_SELECT} WHERE done_run < ? AND skipped='' ORDER BY done_run=0, depth, id LIMIT ?", (run, limit)
        )
        return [Page(*row) for row in rows]

    def count_known(self) -> int:
        """Addresses that are pages, or may turn out to be."""
        return self._count("kind IN ('page', 'new')")

    def count_waiting(self, run: int) -> int:
        """How many addresses have no answer in this run."""
        sql = "SELECT count(*) FROM pages WHERE done_run < ? AND skipped=''"
        return int(self._db.execute(sql, (run,)).fetchone()[0])

    def suspects(self, run: int) -> list[Page]:
        """Pages answered 404 or 410 in this run that still have their copy."""
        rows = self._db.execute(f"{_SELECT} WHERE kind='page' AND gone_since > 0 AND done_run=? ORDER BY id", (run,))
        return [Page(*row) for row in rows]

    # contents

    def put_body(self, page: Page, body: bytes, links: Iterable[Link], packed: bytes = b"") -> None:
        """Store a page's copy and its links; ``packed`` is the body as gzip, if it came so."""
        self._write()
        self._db.execute(
            "INSERT OR REPLACE INTO bodies VALUES (?, ?)", (page.id, packed or zlib.compress(body, _LEVEL))
        )
        self._db.execute("INSERT OR REPLACE INTO links VALUES (?, ?)", (page.id, anchors.pack(links)))

    def drop_body(self, page: Page) -> None:
        """Forget a page's copy and its links."""
        self._write()
        self._db.execute("DELETE FROM bodies WHERE id=?", (page.id,))
        self._db.execute("DELETE FROM links WHERE id=?", (page.id,))

    def body(self, page: Page) -> bytes:
        """A page's copy, empty without one."""
        row = self._db.execute("SELECT body FROM bodies WHERE id=?", (page.id,)).fetchone()
        return zlib.decompress(row[0], _ZLIB_OR_GZIP) if row else b""

    def links(self) -> Iterator[tuple[str, int, tuple[Link, ...]]]:
        """(address, depth, links) of every page in hand."""
        rows = self._db.execute(
            "SELECT url, depth, links FROM pages JOIN links USING (id) WHERE kind='page' AND skipped='' ORDER BY id"
        )
        return ((url, depth, anchors.unpack(packed)) for url, depth, packed in rows)

    # what the index is made of

    def documents(self, *, bodies: bool = True) -> Iterator[Document]:
        """The pages that belong in the index, in the order of their addresses."""
        identities, texts = self.identities(), self._anchor_texts()
        for url in sorted(identities.aliases):
            page = self.page(url)
            if page is not None:
                yield self._document(page, identities, texts, bodies)

    def document(self, url: str) -> Document | None:
        """The document at an address, None when it is none (missing, noindex, an alias ...)."""
        page = self.page(url)
        identities = self.identities()
        if page is None or url not in identities.aliases:
            return None
        return self._document(page, identities, self._anchor_texts(), True)

    def identities(self) -> Identities:
        """Which addresses are one page (cached until something is written)."""
        if self._identities is None or self._identities[0] != self._db.total_changes:
            rows = self._db.execute(_CANDIDATES)
            candidates = (Candidate(*row) for row in rows)
            self._identities = self._db.total_changes, identity.resolve(candidates)
        return self._identities[1]

    def counts(self) -> dict[str, int]:
        """Addresses by what they are. ``pages`` = ``documents`` + ``duplicates``, pages folded onto a document;
        ``elsewhere`` are pages left out because their canonical is a page of another site."""
        identities = self.identities()
        sql = "SELECT kind, count(*) FROM pages WHERE skipped='' GROUP BY kind"
        kinds = dict(self._db.execute(sql))
        redirects = {row[0] for row in self._db.execute("SELECT url FROM pages WHERE kind='redirect'")}
        duplicates = sum(url not in redirects for url in identities.of)
        pages = len(identities.aliases) + duplicates
        return {
            "pages": pages,
            "documents": len(identities.aliases),
            "duplicates": duplicates,
            "noindex": self._count("kind='page' AND skipped='' AND noindex=1"),
            "elsewhere": self._count("kind='page' AND skipped='' AND noindex=0") - pages,
            "redirects": int(kinds.get("redirect", 0)),
            "gone": int(kinds.get("gone", 0)),
            "refused": int(kinds.get("refused", 0)),
            "failing": self._count("error!='' AND skipped='' AND kind IN ('page', 'new')"),
            "skipped": self._count("skipped!=''"),
            "waiting": self._count("kind='new' AND skipped='' AND error=''"),
        }

    def _count(self, where: str) -> int:
        return int(self._db.execute(f"SELECT count(*) FROM pages WHERE {where}").fetchone()[0])  # noqa: S608

    def _document(
        self, page: Page, identities: Identities, texts: dict[str, tuple[str, ...]], with_body: bool
    ) -> Document:
        aliases = identities.aliases[page.url]
        found = dict.fromkeys(text for url in (page.url, *aliases) for text in texts.get(url, ()))
        return Document(
            page.url,
            self.body(page) if with_body else b"",
            page.content_type,
            page.charset,
            page.content_hash,
            page.fetched_at,
            page.depth,
            page.lang,
            tuple(found),
            aliases,
            page.robots_header,
        )

    def _anchor_texts(self) -> dict[str, tuple[str, ...]]:
        if self._anchors is None or self._anchors[0] != self._db.total_changes:
            texts = anchors.invert((url, found) for url, _, found in self.links())
            self._anchors = self._db.total_changes, texts
        return self._anchors[1]

    def _write(self) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")
