"""A disk that is full, read-only or broken can show in any write: recognised here, at the programs' edge.

Where one file is at stake, the code that opens it raises StorageError with the file's name itself.
"""

from __future__ import annotations

import errno
import sqlite3

from searchd.errors import StorageError

_REFUSED = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM})
#: Primary result codes (https://www.sqlite.org/rescode.html): the low byte of an extended one.
_SQLITE_REFUSED = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }
)
_HINT = "check free space, permissions and health of the disk, then run it again: what was served is served still"


def refusal(error: Exception) -> StorageError | None:
    """Return what to tell the administrator if the disk is to blame for ``error``, None if it is not."""
    if isinstance(error, OSError) and error.errno in _REFUSED:
        return StorageError(f"{error.filename2 or error.filename or 'a file'}: {error.strerror}", _HINT)
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _SQLITE_REFUSED:
        return StorageError(f"a database: {error}", _HINT)
    return None
