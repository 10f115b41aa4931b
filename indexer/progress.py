"""Progress: a bar on a terminal, now and then a plain line in a log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from tqdm import tqdm

log = logging.getLogger("indexer")
Clock = Callable[[], float]
LINE_EVERY_S = 10.0


class Progress:
    """Shows ``done`` of ``total`` of one stage; a context manager.

    On a terminal a tqdm bar, elsewhere a log line at most every ten seconds and one at the end.
    """

    def __init__(self, stage: str, unit: str, *, terminal: bool | None = None, clock: Clock = time.monotonic) -> None:
        self.stage, self.unit, self.clock = stage, unit, clock
        self.started = self.last = clock()
        self.done, self.total = 0, 0
        show = sys.stderr.isatty() if terminal is None else terminal
        self.bar: tqdm[Any] | None = tqdm(desc=f"{stage:<8}", unit=f" {unit}", leave=True) if show else None

    def __call__(self, done: int, total: int) -> None:
        """Report the state; ``total`` may grow, 0 = unknown."""
        self.done, self.total = done, total
        if self.bar is not None:
            self.bar.total = total or None
            self.bar.n = done
            self.bar.refresh()
        elif self.clock() - self.last >= LINE_EVERY_S:
            self.last = self.clock()
            log.info("%s: %s %s", self.stage, f"{done} of {total}" if total else done, self.unit)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()
        elif kind is None and self.done:
            log.info("%s: %d %s in %.1f s", self.stage, self.done, self.unit, self.clock() - self.started)
