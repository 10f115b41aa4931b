"""What visitors asked, opened and found helpful: counts per day in SQLite (WAL), and nothing about a visitor.

No address, no cookie, no time of day, no sequence of actions. What looks like an e-mail address, a phone number or
another long number in a query is replaced before it is counted. Counts are gathered in memory and written in
batches by one thread, so a search never waits for a disk; a killed process loses the last ``FLUSH_S`` seconds.
"""

from __future__ import annotations

import datetime
import logging
import re
import sqlite3
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from searchd.errors import StorageError

log = logging.getLogger(__name__)

FLUSH_S = 2.0
BUSY_S = 10.0  # to wait for another user of the file
# Different things that may be counted between two writes, and queries kept per day and site: a flood of invented
# queries must not fill memory or disk. What is above is counted as OTHER.
MAX_PENDING = 20_000
MAX_QUERIES_PER_DAY = 50_000
OTHER = "[other]"
FEEDBACK_FILE = "feedback.sqlite"  # in the data folder, for all sites
LATENCY_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 1_000_000)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS query(day TEXT, site TEXT, lang TEXT, q TEXT, n INTEGER, empty INTEGER, doubtful INTEGER,
    PRIMARY KEY(day, site, q, lang)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS click(day TEXT, site TEXT, q TEXT, url TEXT, n INTEGER, positions INTEGER,
    PRIMARY KEY(day, site, q, url)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vote(day TEXT, site TEXT, url TEXT, helpful INTEGER, unhelpful INTEGER,
    PRIMARY KEY(day, site, url)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS latency(day TEXT, site TEXT, up_to_ms INTEGER, n INTEGER,
    PRIMARY KEY(day, site, up_to_ms)) WITHOUT ROWID;
"""
_UPSERTS = {
    "query": "INSERT INTO query VALUES(?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET n=n+excluded.n, "
    "empty=empty+excluded.empty, doubtful=doubtful+excluded.doubtful",
    "click": "INSERT INTO click VALUES(?,?,?,?,?,?) ON CONFLICT DO UPDATE SET n=n+excluded.n, "
    "positions=positions+excluded.positions",
    "vote": "INSERT INTO vote VALUES(?,?,?,?,?) ON CONFLICT DO UPDATE SET helpful=helpful+excluded.helpful, "
    "unhelpful=unhelpful+excluded.unhelpful",
    "latency": "INSERT INTO latency VALUES(?,?,?,?) ON CONFLICT DO UPDATE SET n=n+excluded.n",
}
_KEY_COLUMNS = {"query": 4, "click": 4, "vote": 3, "latency": 3}

_EMAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
_NUMBER = re.compile(r"\+?\d(?:[\s().\-/]{0,3}\d){6,}")

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchNote:
    """One search, as it is counted."""

    site: str
    lang: str
    q: str
    empty: bool
    doubtful: bool
    took_ms: float | None = None  # None: not measured


@dataclass(frozen=True, slots=True)
class ClickCount:
    """How often a page was opened from the results of a query, and where it stood on average (0 = first)."""

    q: str
    url: str
    n: int
    mean_position: float


@dataclass(frozen=True, slots=True)
class QueryCount:
    """How often a query was asked, found nothing, found nothing relevant, and led to a click."""

    q: str
    lang: str
    n: int
    empty: int
    doubtful: int
    clicks: int


@dataclass(frozen=True, slots=True)
class VoteCount:
    """How often a page was called helpful and unhelpful."""

    url: str
    helpful: int
    unhelpful: int


@dataclass(frozen=True, slots=True)
class DayCount:
    """Searches and clicks of one day (YYYY-MM-DD, UTC)."""

    day: str
    searches: int
    empty: int
    clicks: int


def today() -> str:
    """Return the date in UTC."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def anonymous(query: str) -> str:
    """Return the query as it is stored: NFKC, lower case, single spaces, without addresses and long numbers."""
    text = " ".join(unicodedata.normalize("NFKC", query).casefold().split())
    return _NUMBER.sub("[number]", _EMAIL.sub("[e-mail]", text))[:200]


class FeedbackStore:
    """Counts of one data folder. Safe to call from many threads; readers may be other processes."""

    def __init__(self, path: Path, clock: Callable[[], str] = today, keep_days: int = 400) -> None:
        self.path = path
        self._clock = clock
        self._keep_days = keep_days
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._pending: dict[tuple[str, Key], list[int]] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.dropped = 0

    def note_search(self, note: SearchNote) -> None:
        """Count one search."""
        day = self._clock()
        key = (day, note.site, note.lang, anonymous(note.q))
        self._add("query", key, (1, int(note.empty), int(note.doubtful)))
        if note.took_ms is not None:
            self._note_latency(day, note.site, note.took_ms)

    def _note_latency(self, day: str, site: str, took_ms: float) -> None:
        bucket = next(limit for limit in LATENCY_MS if took_ms <= limit or limit == LATENCY_MS[-1])
        self._add("latency", (day, site, str(bucket)), (1,))

    def note_click(self, site: str, q: str, url: str, position: int) -> None:
        """Count that a result was opened; position 0 is the first result."""
        self._add("click", (self._clock(), site, anonymous(q), url), (1, position))

    def note_vote(self, site: str, url: str, helpful: bool) -> None:
        """Count an answer to "Was this article helpful?"."""
        self._add("vote", (self._clock(), site, url), (int(helpful), int(not helpful)))

    def _add(self, table: str, key: Key, amounts: tuple[int, ...]) -> None:
        with self._lock:
            counts = self._pending.get((table, key))
            if counts is None and len(self._pending) >= MAX_PENDING:
                self.dropped += 1
                return
            if counts is None:
                self._pending[(table, key)] = list(amounts)
            else:
                for i, amount in enumerate(amounts):
                    counts[i] += amount

    def start(self) -> None:
        """Begin to write every ``FLUSH_S`` seconds in the background."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="feedback", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop the thread and write what is pending, as far as the disk takes it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        try:
            self.flush()
        except StorageError as error:
            log.error("counts of the last queries, clicks and votes are lost: %s", error)

    def _run(self) -> None:
        trouble = ""
        while not self._stop.wait(FLUSH_S):
            try:
                self.flush()
            except StorageError as error:
                if str(error) != trouble:  # said once: lines every other second would fill what is left of the disk
                    log.warning("counts of queries, clicks and votes are kept in memory: %s", error)
                trouble = str(error)
            else:
                if trouble:
                    log.info("counts of queries, clicks and votes are written again")
                trouble = ""

    def flush(self) -> None:
        """Write what is pending. Raises StorageError; then nothing is lost, the next call tries again."""
        with self._writing:
            with self._lock:
                pending, self._pending = self._pending, {}
            if not pending:
                return
            try:
                with self._connection() as connection:
                    self._write(connection, pending)
            except sqlite3.Error as error:
                self._put_back(pending)
                raise StorageError(f"{self.path}: {error}", "check the data folder's owner and free space") from error

    def _put_back(self, pending: dict[tuple[str, Key], list[int]]) -> None:
        for (table, key), amounts in pending.items():
            self._add(table, key, tuple(amounts))

    def _write(self, connection: sqlite3.Connection, pending: dict[tuple[str, Key], list[int]]) -> None:
        room: dict[tuple[str, str], int] = {}
        for (table, key), amounts in pending.items():
            stored = self._capped(connection, key, room) if table == "query" else key
            connection.execute(_UPSERTS[table], (*stored, *amounts))
        oldest = datetime.date.fromisoformat(self._clock()) - datetime.timedelta(days=self._keep_days)
        for table in _UPSERTS:
            connection.execute(f"DELETE FROM {table} WHERE day < ?", (oldest.isoformat(),))  # noqa: S608 (our names)

    @staticmethod
    def _capped(connection: sqlite3.Connection, key: Key, room: dict[tuple[str, str], int]) -> Key:
        day, site, lang, _ = key
        if (day, site) not in room:
            sql = "SELECT COUNT(*) FROM query WHERE day = ? AND site = ?"
            room[day, site] = MAX_QUERIES_PER_DAY - connection.execute(sql, (day, site)).fetchone()[0]
        room[day, site] -= 1
        return key if room[day, site] >= 0 else (day, site, lang, OTHER)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Open the file, make its tables, commit at the end."""
        with closing(sqlite3.connect(self.path, timeout=BUSY_S)) as connection, connection:
            _write_ahead(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(_SCHEMA)
            yield connection

    def _rows(self, sql: str, values: tuple[object, ...]) -> list[tuple[object, ...]]:
        self.flush()
        if not self.path.exists():
            return []
        try:
            with self._connection() as connection:
                return connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise StorageError(f"{self.path}: {error}", "check the data folder's owner and free space") from error

    def _since(self, days: int) -> str:
        return (datetime.date.fromisoformat(self._clock()) - datetime.timedelta(days=days)).isoformat()

    def queries(self, site: str, days: int = 30, limit: int = 100) -> list[QueryCount]:
        """Return the queries of the last days, most frequent first."""
        sql = """SELECT q, MAX(lang), SUM(n), SUM(empty), SUM(doubtful), COALESCE((SELECT SUM(c.n) FROM click c
            WHERE c.site = query.site AND c.q = query.q AND c.day >= ?1), 0)
            FROM query WHERE site = ?2 AND day >= ?1 GROUP BY q ORDER BY SUM(n) DESC, q LIMIT ?3"""
        return [QueryCount(*row) for row in self._rows(sql, (self._since(days), site, limit))]  # type: ignore[arg-type]

    def clicks(self, site: str, days: int = 365) -> list[ClickCount]:
        """Return which pages were opened for which queries, most frequent first."""
        sql = """SELECT q, url, SUM(n), 1.0 * SUM(positions) / SUM(n) FROM click WHERE site = ? AND day >= ?
            GROUP BY q, url ORDER BY SUM(n) DESC, q, url"""
        return [ClickCount(*row) for row in self._rows(sql, (site, self._since(days)))]  # type: ignore[arg-type]

    def votes(self, site: str, days: int = 365) -> list[VoteCount]:
        """Return the votes per page, most votes first."""
        sql = """SELECT url, SUM(helpful), SUM(unhelpful) FROM vote WHERE site = ? AND day >= ? GROUP BY url
            ORDER BY SUM(helpful) + SUM(unhelpful) DESC, url"""
        return [VoteCount(*row) for row in self._rows(sql, (site, self._since(days)))]  # type: ignore[arg-type]

    def days(self, site: str, days: int = 30) -> list[DayCount]:
        """Return searches and clicks per day, oldest first; days without any are left out."""
        sql = """SELECT day, SUM(n), SUM(empty), COALESCE((SELECT SUM(c.n) FROM click c WHERE c.site = query.site
            AND c.day = query.day), 0) FROM query WHERE site = ? AND day >= ? GROUP BY day ORDER BY day"""
        return [DayCount(*row) for row in self._rows(sql, (site, self._since(days)))]  # type: ignore[arg-type]

    def latency(self, site: str, days: int = 30) -> list[tuple[int, int]]:
        """Return (upper bound in ms, searches) per bucket of ``LATENCY_MS``."""
        sql = "SELECT up_to_ms, SUM(n) FROM latency WHERE site = ? AND day >= ? GROUP BY up_to_ms ORDER BY up_to_ms"
        found = {int(str(bound)): int(str(n)) for bound, n in self._rows(sql, (site, self._since(days)))}
        return [(bound, found.get(bound, 0)) for bound in LATENCY_MS]

    def popular(self, site: str, days: int = 90, limit: int = 1000, at_least: int = 3) -> list[tuple[str, int]]:
        """Return (query, times asked) for queries worth suggesting to others.

        A query counts when it was asked and clicked often enough and holds nothing that was replaced: what one
        visitor typed once is never shown to another.
        """
        return [
            (row.q, row.n)
            for row in self.queries(site, days, limit * 2)
            if row.n >= at_least and row.clicks and not row.empty and "[" not in row.q
        ][:limit]


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging, which the file keeps. SQLite waits for other users in all but this."""
    until = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() >= until:
                raise
            time.sleep(0.01)
        else:
            return
