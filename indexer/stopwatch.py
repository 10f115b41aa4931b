"""What each stage of a run costs, in seconds of CPU and of the wall clock."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class Spent:
    """Seconds: ``cpu_s`` is that of all threads and of worker processes that have ended."""

    wall_s: float = 0.0
    cpu_s: float = 0.0


class Stopwatch:
    """Times stages by name. A stage within a stage takes its time away from the outer one, so the sum is the whole."""

    def __init__(self) -> None:
        self.spent: dict[str, Spent] = {}
        self._open: list[str] = []
        self._mark = _clocks()

    @contextlib.contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time the block as part of ``stage``, which may come several times."""
        self._settle()
        self._open.append(stage)
        try:
            yield
        finally:
            self._settle()
            self._open.pop()

    def summary(self) -> str:
        """One line for the log: the stages in the order in which they began."""
        whole = sum(spent.cpu_s for spent in self.spent.values()) or 1.0
        parts = (
            f"{stage} {spent.wall_s:.1f} s ({100 * spent.cpu_s / whole:.0f} % of the CPU)"
            for stage, spent in self.spent.items()
        )
        return ", ".join(parts)

    def _settle(self) -> None:
        """Give the time since the last change of stages to the stage that was open."""
        now = _clocks()
        if self._open:
            spent = self.spent.setdefault(self._open[-1], Spent())
            spent.wall_s += now.wall_s - self._mark.wall_s
            spent.cpu_s += now.cpu_s - self._mark.cpu_s
        self._mark = now


def _clocks() -> Spent:
    used = os.times()
    return Spent(time.monotonic(), used.user + used.system + used.children_user + used.children_system)
