"""Pages and passages in one SQLite file, written once and then only read.

Texts are fetched by number for the few pages that are shown. What ranking needs of *every* page (language, date,
which page a passage belongs to ...) lies in ``columns`` as plain arrays, so that a query touches no row of it.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
from msgspec import defstruct, structs
from msgspec.json import Decoder

from searchd.errors import SnapshotError
from searchd.index.records import Page, Passage

_SCHEMA = """
CREATE TABLE pages(page INTEGER PRIMARY KEY, url TEXT NOT NULL, path TEXT NOT NULL, body TEXT NOT NULL,
                   summary TEXT NOT NULL DEFAULT '[]', keyphrases TEXT NOT NULL DEFAULT '[]');
CREATE TABLE passages(row INTEGER PRIMARY KEY, page INTEGER NOT NULL, headings TEXT NOT NULL,
                      anchor TEXT NOT NULL, n_tokens INTEGER NOT NULL, text TEXT NOT NULL);
CREATE TABLE urls(url TEXT PRIMARY KEY, page INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE columns(name TEXT PRIMARY KEY, dtype TEXT NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE names(kind TEXT NOT NULL, code INTEGER NOT NULL, name TEXT NOT NULL,
                   PRIMARY KEY(kind, code)) WITHOUT ROWID;
"""
_INDEXES = "CREATE INDEX pages_path ON pages(path);"
_CODED = ("lang", "kind", "category", "tag")
#: Bytes of the file that are mapped: reading them is a little quicker, but the kernel maps the neighbours of each text
#: that is shown too, and they count as an engine's memory.
_MAPPED = 16 << 20
_AT_ONCE = 500  # parameters of a statement; SQLite before 3.32 takes 999

# columns of their own, or known anyway
_ELSEWHERE = {"page", "url", "first_row", "n_passages", "summary", "keyphrases", "links"}
#: Those fields of a ``Page`` that are stored as one JSON object.
_Body = defstruct("_Body", [(name, kind) for name, kind in get_type_hints(Page).items() if name not in _ELSEWHERE])
_body = Decoder(_Body).decode
_strings = Decoder(tuple[str, ...]).decode


@dataclass(frozen=True, slots=True)
class Columns:
    """What ranking and filters know of every page; arrays are read-only and in page (or row) order.

    page_of_row (rows,) i32; first_row (pages + 1,) i64; section_of_row (rows,) i32, a number that the passages of one
    section have in common; lang, kind, category (pages,) i32 codes into ``names``;
    day (pages,) i32, days since 1970-01-01 of the newest known date, -1 = unknown; links (pages,) f32, ``Page.links``;
    tags of page p are tag[tag_start[p]:tag_start[p + 1]].
    """

    page_of_row: npt.NDArray[np.int32]
    first_row: npt.NDArray[np.int64]
    section_of_row: npt.NDArray[np.int32]
    lang: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int32]
    category: npt.NDArray[np.int32]
    day: npt.NDArray[np.int32]
    links: npt.NDArray[np.float32]
    tag: npt.NDArray[np.int32]
    tag_start: npt.NDArray[np.int64]
    names: dict[str, tuple[str, ...]]  # "lang" -> ("de", "en") ...

    def code(self, kind: str, name: str) -> int:
        """The code of a name in its column, -1 when no page has it."""
        known = self.names[kind]
        return known.index(name) if name in known else -1

    def tags_of(self, page: int) -> list[int]:
        """Codes of a page's tags."""
        found: list[int] = self.tag[self.tag_start[page] : self.tag_start[page + 1]].tolist()
        return found


def day_number(text: str) -> int:
    """Days since 1970-01-01 of an ISO 8601 date or date-time; -1 when it is none or lies before."""
    try:
        return max(-1, (date.fromisoformat(text[:10]) - date(1970, 1, 1)).days)
    except ValueError:
        return -1


class PageWriter:
    """Writes one store, page after page; ``close`` finishes it."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + _SCHEMA)
        self._db.execute("BEGIN")
        self._codes: dict[str, dict[str, int]] = {kind: {} for kind in _CODED}
        self._columns: dict[str, list[int]] = {name: [] for name in (*_CODED, "day", "section_of_row")}
        self._sections = 0
        self._links: list[float] = []
        self._first_row = [0]
        self._tag_start = [0]

    def add(self, page: Page, passages: Sequence[Passage]) -> None:
        """Append one page; its number and first row must follow those of the page before."""
        if page.page != len(self._first_row) - 1 or page.first_row != self._first_row[-1]:
            raise ValueError("pages must be added in order")
        body = {name: getattr(page, name) for name in _Body.__struct_fields__}
        self._db.execute(
            "INSERT INTO pages(page,url,path,body) VALUES(?,?,?,?)",
            (page.page, page.url, url_path(page.url), json.dumps(body, ensure_ascii=False, separators=(",", ":"))),
        )
        self._db.executemany(
            "INSERT INTO passages VALUES(?,?,?,?,?,?)",
            [
                (
                    page.first_row + i,
                    page.page,
                    json.dumps(p.headings, ensure_ascii=False),
                    p.anchor,
                    p.n_tokens,
                    p.text,
                )
                for i, p in enumerate(passages)
            ],
        )
        self._db.executemany(
            "INSERT OR IGNORE INTO urls VALUES(?,?)", [(url, page.page) for url in (page.url, *page.aliases)]
        )
        self._remember(page, passages)

    def close(self) -> None:
        """Write the columns, then finish the file."""
        rows = np.diff(np.asarray(self._first_row, np.int64)).astype(np.int64)
        arrays: dict[str, npt.NDArray[Any]] = {k: np.asarray(v, np.int32) for k, v in self._columns.items()}
        arrays["page_of_row"] = np.repeat(np.arange(len(rows), dtype=np.int32), rows)
        arrays["first_row"] = np.asarray(self._first_row, np.int64)
        arrays["links"] = np.asarray(self._links, np.float32)
        arrays["tag_start"] = np.asarray(self._tag_start, np.int64)
        self._db.executemany(
            "INSERT INTO columns VALUES(?,?,?)", [(k, v.dtype.str, v.tobytes()) for k, v in sorted(arrays.items())]
        )
        self._db.executemany(
            "INSERT INTO names VALUES(?,?,?)",
            [(kind, code, name) for kind, codes in self._codes.items() for name, code in codes.items()],
        )
        self._db.execute(_INDEXES)
        self._db.execute("COMMIT")
        self._db.close()

    def _remember(self, page: Page, passages: Sequence[Passage]) -> None:
        for kind in ("lang", "kind", "category"):
            self._columns[kind].append(self._code(kind, getattr(page, kind)))
        self._columns["day"].append(max(day_number(page.modified), day_number(page.published)))
        self._links.append(page.links)
        self._columns["tag"].extend(self._code("tag", tag) for tag in page.tags)
        self._tag_start.append(len(self._columns["tag"]))
        self._first_row.append(self._first_row[-1] + len(passages))
        sections: dict[tuple[tuple[str, ...], str], int] = {}
        self._columns["section_of_row"].extend(
            sections.setdefault((passage.headings, passage.anchor), self._sections + len(sections))
            for passage in passages
        )
        self._sections += len(sections)

    def _code(self, kind: str, name: str) -> int:
        codes = self._codes[kind]
        return codes.setdefault(name, len(codes))


def add_enrichment(path: Path, found: Iterable[tuple[Sequence[str], Sequence[str]]]) -> None:
    """Add summary and keyphrases of every page, in order, to a closed store."""
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;")
    db.execute("BEGIN")
    db.executemany(
        "UPDATE pages SET summary=?, keyphrases=? WHERE page=?",
        (
            (json.dumps(summary, ensure_ascii=False), json.dumps(keyphrases, ensure_ascii=False), page)
            for page, (summary, keyphrases) in enumerate(found)
        ),
    )
    db.execute("COMMIT")
    db.close()


class Pages:
    """An opened store. Every thread gets its own connection, so none waits for another."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._opening = threading.Lock()
        try:
            self.columns = self._read_columns()
        except sqlite3.DatabaseError as error:
            raise SnapshotError(f"{path} is no page store", "publish again: indexer build") from error

    def __len__(self) -> int:
        return len(self.columns.lang)

    @property
    def rows(self) -> int:
        """Number of passages."""
        return len(self.columns.page_of_row)

    def page(self, number: int) -> Page:
        """One page; KeyError when there is none."""
        return self.pages((number,))[0]

    def pages(self, numbers: Iterable[int]) -> list[Page]:
        """Several pages, in the order asked for; KeyError when there is none of such a number."""
        wanted = [int(number) for number in numbers]
        found = self._found("SELECT page,url,body,summary,keyphrases FROM pages WHERE page IN (?)", wanted)
        return [self._page(*found[number]) for number in wanted]

    def all_pages(self) -> Iterator[Page]:
        """Every page, in order."""
        for found in self._db().execute("SELECT page,url,body,summary,keyphrases FROM pages ORDER BY page"):
            yield self._page(*found)

    def by_url(self, url: str) -> Page | None:
        """The page at this URL or the one that it is an alias of."""
        found = self._db().execute("SELECT page FROM urls WHERE url=?", (url,)).fetchone()
        return None if found is None else self.page(found[0])

    def by_path(self, path: str) -> list[int]:
        """Numbers of the pages whose URL path (with query) is exactly this."""
        return [n for (n,) in self._db().execute("SELECT page FROM pages WHERE path=? ORDER BY page", (path,))]

    def below(self, prefix: str) -> npt.NDArray[np.int64]:
        """Numbers of the pages whose URL path starts with ``prefix``."""
        rows = self._db().execute("SELECT page FROM pages WHERE path>=? AND path<?", (prefix, prefix + "\U0010ffff"))
        return np.fromiter((n for (n,) in rows), dtype=np.int64)

    def passage(self, row: int) -> Passage:
        """One passage; KeyError when there is none."""
        sql = "SELECT headings,anchor,text,n_tokens FROM passages WHERE row=?"
        found = self._db().execute(sql, (int(row),)).fetchone()
        if found is None:
            raise KeyError(row)
        return Passage(_strings(found[0]), *found[1:])

    def passages(self, rows: Iterable[int]) -> list[Passage]:
        """Several passages, in the order asked for; KeyError when one is missing."""
        wanted = [int(row) for row in rows]
        found = self._found("SELECT row,headings,anchor,text,n_tokens FROM passages WHERE row IN (?)", wanted)
        return [Passage(_strings(headings), *rest) for _, headings, *rest in map(found.__getitem__, wanted)]

    def close(self) -> None:
        """Close every thread's connection; the store must not be used afterwards."""
        with self._opening:
            for connection in self._connections:
                connection.close()
            self._connections.clear()

    def _found(self, sql: str, numbers: Sequence[int]) -> dict[int, tuple[Any, ...]]:
        """The rows with these numbers, by their first column.

        A list of parameters costs a sixth less than one in JSON, but has an end.
        """
        found: dict[int, tuple[Any, ...]] = {}
        for at in range(0, len(numbers), _AT_ONCE):
            some = numbers[at : at + _AT_ONCE]
            marks = ",".join("?" * len(some))
            found.update((row[0], row) for row in self._db().execute(sql.replace("?", marks), some))
        return found

    def _page(self, number: int, url: str, body: str, summary: str, keyphrases: str) -> Page:
        first, end = self.columns.first_row[number : number + 2].tolist()
        return Page(
            page=number,
            url=url,
            first_row=first,
            n_passages=end - first,
            summary=_strings(summary),
            keyphrases=_strings(keyphrases),
            links=float(self.columns.links[number]),
            **structs.asdict(_body(body)),
        )

    def _db(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?immutable=1", uri=True, check_same_thread=False
            )
            connection.execute(f"PRAGMA mmap_size={_MAPPED}")
            with self._opening:
                self._connections.append(connection)
            self._local.connection = connection
        return connection

    def _read_columns(self) -> Columns:
        db = self._db()
        arrays = {n: np.frombuffer(data, dtype=np.dtype(t)) for n, t, data in db.execute("SELECT * FROM columns")}
        names: dict[str, list[str]] = {kind: [] for kind in _CODED}
        for kind, _, name in db.execute("SELECT kind,code,name FROM names ORDER BY kind,code"):
            names[kind].append(name)
        return Columns(**arrays, names={kind: tuple(found) for kind, found in names.items()})


def url_path(url: str) -> str:
    """Path and query of a URL, "/" at least; a bare path stays what it is."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
