"""Engine processes: children of the daemon that compute, so that its answers use every core and no thread waits for
another's interpreter lock. ``pool`` runs them, ``worker`` is what they do, ``messages`` is what is said between them.
"""

from __future__ import annotations

import os

from searchd.settings import ServerSettings

MOST = 4  # processes without being told: about as many as one front can keep busy


def usable_cores() -> int:
    """Return the number of cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def wanted(settings: ServerSettings) -> int:
    """Return how many processes compute answers; 1 = the daemon's own, no other."""
    return settings.processes or min(usable_cores(), MOST)
