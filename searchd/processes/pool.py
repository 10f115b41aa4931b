"""The daemon's engine processes: calls go to a free one in the order they came, one that dies is replaced."""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from searchd.errors import EcholotError, SnapshotError
from searchd.line import Line
from searchd.processes import wanted
from searchd.processes.child import Child, EndedError, describe
from searchd.processes.cores import cores_of
from searchd.processes.messages import Ask, Method, Open, pack, unpack
from searchd.processes.remote import RemoteEngine
from searchd.settings import Settings

log = logging.getLogger("searchd")

_WAIT_S = 30.0  # for a process, when all of them have died and new ones start
_LOOK_S = 0.5  # between two looks for processes that died while they had nothing to do
_PATIENCE_S = 5.0  # between two tries to start a process, at most


class NoProcessError(SnapshotError):
    """No engine process could be had; it says nothing about the snapshot."""


class Pool:
    """``size`` processes, each with every served snapshot open.

    The thread "engine-minder" buries and replaces those that died and closes what nobody refers to any more.
    """

    def __init__(self, settings: Settings, size: int) -> None:
        self._settings, self._size = settings, size
        self._cores = cores_of(settings.server)
        self._line: Line[Child] = Line(spare=lambda child: child.core in self._cores[:1])  # the front's core
        self._lock = threading.Lock()  # guards the next three; held for moments
        self._children: list[Child] = []
        self._wanted: dict[int, Open] = {}
        self.died = 0  # since the start
        self._released: deque[int] = deque()  # no lock: the garbage collector adds to it, whoever holds what
        self._closing: set[int] = set()  # dropped, but open in some process; the minder's own
        self._numbers = itertools.count(1)
        self._lost: queue.SimpleQueue[Child | None] = queue.SimpleQueue()  # None: stop
        self._pause_s, self._next_try = 0.0, 0.0
        self._minder = threading.Thread(target=self._mind, name="engine-minder", daemon=True)

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that answer."""
        with self._lock:
            return [child.pid for child in self._children]

    def start(self) -> None:
        """Start the processes and wait until they can open snapshots. ModelError as ``Opener.open_scorers``."""
        started: list[Child] = []
        for _ in range(self._size):
            started.append(Child(self._settings, self._free_core(started)))
        try:
            for child in started:
                child.wait_ready()
        except (EcholotError, EndedError) as error:
            statuses = [describe(child.end()) for child in started]
            if isinstance(error, EndedError):
                raise EcholotError(f"an engine process ended while it started ({', '.join(statuses)})") from error
            raise
        for child in started:
            self._admit(child)
        self._minder.start()

    def stop(self) -> None:
        """End the processes; calls under way must have ended."""
        if self._minder.is_alive():
            self._lost.put(None)
            self._minder.join()
        with self._lock:
            children, self._children = self._children, []
        while not self._lost.empty():
            if (lost := self._lost.get()) is not None:
                children.append(lost)
        for child in children:
            child.end()

    def open(self, site: str, snapshot_id: str) -> RemoteEngine:
        """Open a published snapshot, whose files the caller has verified, in every process, one after the other.

        It is closed there when nothing refers to the returned engine any more. Raises what opening raises, and
        NoProcessError.
        """
        opening = Open(next(self._numbers), site, snapshot_id)
        try:
            self._open_everywhere(opening)
        except Exception:
            self._released.append(opening.number)
            raise
        engine = RemoteEngine(self, opening.number)
        weakref.finalize(engine, self._released.append, opening.number).atexit = False
        return engine

    def ask(self, number: int, method: Method, *arguments: object) -> Any:  # noqa: ANN401 - what the method returns
        """Call a method of an opened snapshot's engine in the next free process; return or raise what it does.

        A call whose process dies is made once more. Raises NoProcessError when none can be had.
        """
        message = pack(Ask(number, method, arguments))
        for _ in range(2):
            data = None
            child = self._line.take(_WAIT_S, partial(_has, number), lambda child: child.tell(message))
            if child is None:
                break
            with self._borrowed(child):
                data = child.hear()
            if data is not None:
                return unpack(data)
        raise NoProcessError("no engine process could answer", "the log says why they end")

    @contextmanager
    def _borrowed(self, child: Child) -> Iterator[None]:
        """Bring a process that was taken from the line back to it, or report that it has died."""
        try:
            yield
        except EndedError:
            self._lose(child)
        except BaseException:
            self._line.give(child)
            raise
        else:
            self._line.give(child)

    def _open_everywhere(self, opening: Open) -> None:
        until = time.monotonic() + _WAIT_S
        while time.monotonic() < until:
            with self._lock:
                if self._children and all(opening.number in child.opened for child in self._children):
                    self._wanted[opening.number] = opening  # a process admitted later opens it first
                    return
            child = self._line.take(_LOOK_S, lambda child: opening.number not in child.opened)
            if child is not None:
                with self._borrowed(child):
                    child.open(opening)
        raise NoProcessError(f"snapshot {opening.snapshot_id}: no engine process could open it", "the log says why")

    def _lose(self, child: Child) -> None:
        with self._lock:
            self._children = [other for other in self._children if other is not child]
            self.died += 1
        self._lost.put(child)

    def _admit(self, child: Child) -> None:
        """Let a new process open what is served, then answer."""
        self._drop_released()
        failed: set[int] = set()
        while True:
            with self._lock:
                missing = [one for one in self._wanted.values() if one.number not in child.opened | failed]
                if not missing:
                    self._children.append(child)
                    break
            for opening in missing:
                try:
                    child.open(opening)
                except EndedError:
                    raise
                except Exception as error:  # noqa: BLE001 - deleted since; the other processes have it open
                    failed.add(opening.number)
                    log.error("engine process %d cannot open %s: %s", child.pid, opening.snapshot_id, error)
        self._line.give(child)

    def _mind(self) -> None:
        while True:
            try:
                lost = self._lost.get(timeout=_LOOK_S)
                if lost is None:
                    return
                log.warning("engine process %d ended (%s); a new one takes its place", lost.pid, describe(lost.end()))
            except queue.Empty:
                dead = self._line.take(0, lambda child: child.ended)
                if dead is not None:
                    self._lose(dead)
            try:
                self._close_released()
                self._refill()
            except Exception:
                log.exception("looking after the engine processes failed. This is a bug.")

    def _drop_released(self) -> None:
        while self._released:
            number = self._released.popleft()
            with self._lock:
                self._wanted.pop(number, None)
            self._closing.add(number)

    def _close_released(self) -> None:
        """Close what nobody refers to; a process that is busy for long is left for the next time."""
        self._drop_released()
        for number in tuple(self._closing):
            while any(number in child.opened for child in self._children):
                child = self._line.take(_LOOK_S, partial(_has, number))
                if child is None:
                    break
                with self._borrowed(child):
                    child.close(number)
            else:
                self._closing.discard(number)

    def _refill(self) -> None:
        """Start what is missing; after a failure not at once again."""
        while len(self._children) < self._size and time.monotonic() >= self._next_try:
            try:
                child = Child(self._settings, self._free_core(self._children))
            except OSError as error:
                self._put_off(str(error))
                return
            try:
                child.wait_ready()
                self._admit(child)
            except (EcholotError, EndedError) as error:
                status = describe(child.end())
                self._put_off(str(error) or status)
                return
            self._pause_s = 0.0

    def _free_core(self, others: Sequence[Child]) -> int | None:
        """The core that the fewest of the others stay on; None where processes are not kept on cores."""
        taken = [*self._cores[:1], *(child.core for child in others)]
        return min(self._cores, key=taken.count, default=None)

    def _put_off(self, why: str) -> None:
        self._pause_s = min(_PATIENCE_S, max(1.0, 2 * self._pause_s))
        self._next_try = time.monotonic() + self._pause_s
        log.error("an engine process could not be started (%s); next try in %.0f s", why, self._pause_s)


def pool_of(settings: Settings) -> Pool | None:
    """Return the pool that the settings ask for; None when the daemon's own process computes."""
    size = wanted(settings.server)
    return Pool(settings, size) if size > 1 else None


def _has(number: int, child: Child) -> bool:
    return number in child.opened
