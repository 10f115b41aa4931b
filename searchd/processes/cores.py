"""Which core each process stays on.

Where every core has its engine process, the system's moving them about costs answers: caches go cold, two engines share
a core while another idles, and the interpreter's lock is handed from core to core. Where there are
more cores than processes the system is left alone: it knows which of them share hardware and what else runs.
"""

from __future__ import annotations

import logging
import os

from searchd.processes import wanted
from searchd.settings import ServerSettings

log = logging.getLogger("searchd")


def cores_of(settings: ServerSettings) -> tuple[int, ...]:
    """Return the numbers of the cores that processes are kept on, first the one of the process that listens.

    None of them when processes may run anywhere.
    """
    if not settings.keep_cores or not hasattr(os, "sched_getaffinity"):
        return ()
    cores = tuple(sorted(os.sched_getaffinity(0)))
    return cores if wanted(settings) >= len(cores) > 1 else ()


def stay_on(core: int, process: int = 0) -> None:
    """Keep a process that has one thread yet, or (0) this thread, on a core, and the threads that it starts later."""
    try:
        os.sched_setaffinity(process, {core})
    except OSError as error:  # forbidden here, or the process has ended
        log.info("process %d may run on any core: %s", process or os.getpid(), error)
