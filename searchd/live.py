"""The snapshots in service: one for each site, swapped when the indexer publishes, without dropping a request.

A request takes the engine once and keeps it until it has answered; the old one goes when its last request has
ended. A new snapshot that is damaged is reported and not tried again until CURRENT changes; the old one serves.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from searchd.errors import EcholotError, QueryError, SnapshotError, StorageError
from searchd.feedback import FEEDBACK_FILE, FeedbackStore
from searchd.index import snapshot
from searchd.index.files import PAGES, SUGGESTIONS
from searchd.index.pages import Pages
from searchd.processes.pool import NoProcessError, Pool
from searchd.served import Computing, Served
from searchd.settings import Settings
from searchd.suggest import SuggestIndex

if TYPE_CHECKING:
    from searchd.opening import Opener

log = logging.getLogger("searchd")


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """What is served for one site, and what went wrong last ("" = nothing)."""

    site: str
    snapshot_id: str = ""
    pages: int = 0
    passages: int = 0
    created_at: str = ""
    loaded_at: float = 0.0  # seconds since the epoch
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Serving:
    engine: Served
    status: SiteStatus
    origin: str  # scheme://host[:port] of the site that was indexed, "" = unknown


class Live:
    """Opens each site's CURRENT snapshot and looks for a new one every ``server.swap_interval_s`` seconds.

    pool: processes that compute the answers, started and stopped with this; None: this process computes them. settle:
    called a look after a snapshot was opened, when requests that began with the one before have mostly ended.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        pool: Pool | None = None,
        now: Callable[[], float] = time.time,
        settle: Callable[[], object] = lambda: None,
    ) -> None:
        self.settings, self.now = settings, now
        self._pool, self._settle = pool, settle
        self._opener: Opener | None = None
        self.data = Path(settings.data)
        self._serving: dict[str, _Serving] = {}
        self._refused: dict[str, tuple[str, str]] = {}  # site -> (id that could not be opened, why)
        self._swap = threading.Lock()  # one opener at a time; requests never take it
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None
        self._watched: list[str] = []  # names of the sites when the watcher looked last
        self._unsettled = False  # whether a snapshot was opened since then
        self.listeners: list[Callable[[str], None]] = []

    def sites(self) -> list[str]:
        """Names of the configured sites, else of the folders in the data folder that hold snapshots."""
        return list(self._watched) if self._watched else self._list()

    def _list(self) -> list[str]:
        configured = [site.name for site in self.settings.site]
        if configured or not self.data.is_dir():
            return configured
        return sorted(path.name for path in self.data.iterdir() if (path / "snapshots").is_dir())

    def engine(self, site: str = "") -> Served:
        """Return the engine that serves a site ("" = the first one). Raises QueryError, SnapshotError."""
        serving = self._serving.get(site) if site else next(iter(self._serving.values()), None)
        if serving is not None:
            return serving.engine
        names = self.sites()
        if site and site not in names:
            raise QueryError(f"no site is named {site!r}", f"known: {', '.join(names) or 'none'}")
        reason = self._refused.get(site or (names[0] if names else ""), ("", "nothing was published yet"))[1]
        raise SnapshotError(f"no snapshot is served: {reason}", "run `indexer run`, then this daemon picks it up")

    def serves_origin(self, origin: str) -> bool:
        """Whether a site that is served was indexed from this origin (RFC 6454), so that its own pages may call."""
        return any(serving.origin == origin for serving in list(self._serving.values()))

    def processes(self) -> tuple[int, int]:
        """Return how many processes compute answers now, and how many have died and were replaced."""
        return (1, 0) if self._pool is None else (len(self._pool.pids), self._pool.died)

    def status(self) -> list[SiteStatus]:
        """Return one line for each site."""
        lines = []
        for site in self.sites():
            serving = self._serving.get(site)
            status = serving.status if serving else SiteStatus(site)
            lines.append(dataclasses.replace(status, error=self._refused.get(site, ("", ""))[1]))
        return lines

    def reload(self, site: str = "") -> None:
        """Look for new snapshots now, also at those refused before; errors land in ``status()``."""
        for name in [site] if site else self._list():
            self._refused.pop(name, None)
            self.look(name)

    def look(self, site: str) -> bool:
        """Swap to the site's CURRENT snapshot if it is another than the one served; True when it did."""
        with self._swap:
            served = self._serving.get(site)
            try:
                wanted = snapshot.current(self.data / site)
            except EcholotError as error:
                self._refuse(site, "", str(error))
                return False
            if not wanted or (served and served.status.snapshot_id == wanted):
                if served:
                    self._refused.pop(site, None)
                return False
            if self._refused.get(site, ("", ""))[0] == wanted:
                return False
            try:
                self._serving[site] = self._open(site, wanted)
            except EcholotError as error:
                tried = "" if isinstance(error, NoProcessError) else wanted  # "": to be tried again
                self._refuse(site, tried, str(error))
                if served is None:
                    self._fall_back(site, wanted)
                return False
            self._refused.pop(site, None)
        log.info("%s: serving snapshot %s", site, wanted)
        for listener in self.listeners:
            listener(site)
        return True

    def _fall_back(self, site: str, damaged: str) -> None:
        """At the start, with CURRENT damaged, serve the newest older snapshot that opens."""
        for identifier in reversed([name for name in snapshot.published(self.data / site) if name != damaged]):
            try:
                self._serving[site] = self._open(site, identifier)
            except EcholotError as error:
                log.error("%s: snapshot %s cannot be opened either: %s", site, identifier, error)
            else:
                log.warning("%s: serving the older snapshot %s instead", site, identifier)
                return

    def _refuse(self, site: str, identifier: str, why: str) -> None:
        if self._refused.get(site) != (identifier, why):
            served = self._serving.get(site)
            stays = f"; {served.status.snapshot_id} keeps serving" if served else ""
            log.error("%s: %s%s", site, why, stays)
        self._refused[site] = (identifier, why)

    def _open(self, site: str, identifier: str) -> _Serving:
        opened = snapshot.open_snapshot(self.data / site, identifier)
        facts = opened.manifest.facts
        try:
            suggestions = SuggestIndex.open(opened.folder / SUGGESTIONS)
            engine, pages = self._engine_of(site, opened)
        except (OSError, ValueError, KeyError, RuntimeError) as error:  # what FAISS, SQLite and numpy raise
            raise SnapshotError(f"snapshot {identifier} cannot be opened: {error}", "build it again") from error
        status = SiteStatus(
            site, identifier, int(facts["pages"]), int(facts["passages"]), str(facts["created_at"]), self.now()
        )
        self._unsettled = True
        site_url = urlsplit(str(facts.get("url", "")))
        origin = f"{site_url.scheme}://{site_url.netloc}" if site_url.netloc else ""
        return _Serving(
            Served(identifier, engine, pages, suggestions.with_queries(self._popular(site))), status, origin
        )

    def _popular(self, site: str) -> list[tuple[str, int]]:
        """Queries worth suggesting; none when they cannot be read, for without them the site is still searched."""
        try:
            return FeedbackStore(self.data / FEEDBACK_FILE).popular(site)
        except StorageError as error:
            log.warning("%s: suggestions come without what visitors asked: %s", site, error)
            return []

    def _engine_of(self, site: str, opened: snapshot.Snapshot) -> tuple[Computing, Pages]:
        if self._pool is not None:
            return self._pool.open(site, opened.id), Pages(opened.folder / PAGES)
        engine = self._own().open(site, opened)
        return engine, engine.index.pages

    def open_scorers(self) -> None:
        """Open each site's cross-encoder in this process, if any. ModelError when one is missing or foreign."""
        self._own().open_scorers()

    def _own(self) -> Opener:
        """What opens snapshots in this process. Imported late: with a pool this process needs no encoder library."""
        if self._opener is None:
            from searchd.opening import Opener

            self._opener = Opener(self.settings)
        return self._opener

    def start(self) -> None:
        """Open what is there and begin to watch. ModelError when a site's cross-encoder cannot be opened."""
        if self._pool is not None:
            self._pool.start()
        else:
            self.open_scorers()
        self._watched = self._list()
        for site in self._watched:
            self.look(site)
        self._watcher = threading.Thread(target=self._watch, name="snapshot-watcher", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Stop watching and end the processes."""
        self._stop.set()
        if self._watcher is not None:
            self._watcher.join()
        if self._pool is not None:
            self._pool.stop()

    def _watch(self) -> None:
        while not self._stop.wait(self.settings.server.swap_interval_s):
            if self._unsettled:
                self._unsettled = False
                self._settle()
            self._watched = self._list()
            for site in self._watched:
                try:
                    self.look(site)
                except Exception:
                    log.exception("%s: looking for a new snapshot failed. This is a bug; the old one serves.", site)
