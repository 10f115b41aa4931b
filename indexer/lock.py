"""One indexer at a time on one site."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from searchd.errors import LockedError, StorageError


@contextlib.contextmanager
def site_lock(folder: Path) -> Iterator[None]:
    """Hold the site's lock; the kernel gives it back when the process ends, however it ends.

    Raises LockedError at once when another process holds it, StorageError when the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StorageError(f"{error.filename}: {error.strerror}", "check the data folder's permissions") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "?"
            raise LockedError(
                f"{folder.name}: another indexer (process {holder}) is at work", "wait until it ends; cron tries again"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
