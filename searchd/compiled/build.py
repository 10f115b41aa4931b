"""Compiles a C file into a library, in the user's cache or beside its source."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import importlib.util
import logging
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from searchd.errors import UnfitError

log = logging.getLogger(__name__)

_FLAGS = ("-O3", "-std=gnu11", "-shared", "-fPIC")
_HINT = "install a C compiler (Debian: gcc), or: pip install ziglang"
_PATIENCE_S = 60
_DIGEST = hashlib.sha256().digest_size


def cache_base() -> Path:
    """The folder for what can be made again: XDG_CACHE_HOME/echolot (XDG base directories, 0.8).

    ``UnfitError`` when the user has no home either.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "echolot"
    except RuntimeError as error:
        raise UnfitError(f"no folder for the user's cache: {error}", "set XDG_CACHE_HOME") from error


def compiler() -> list[str]:
    """The command of a C compiler: CC, the usual names, the package ziglang. UnfitError when there is none."""
    wanted = os.environ.get("CC", "")
    if wanted:
        try:
            return shlex.split(wanted)
        except ValueError as error:
            raise UnfitError(f"CC is no command: {error}", "set CC to the name of a C compiler") from error
    found = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if found:
        return [found]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    raise UnfitError("there is no C compiler", _HINT)


@dataclass(frozen=True)
class Source:
    """A C file. what: it, in a sentence ("the encoder's kernel"). functions: those that are called.

    flags: those that it needs besides the usual.
    """

    path: Path
    what: str
    functions: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    def load(self) -> ctypes.CDLL:
        """Open the library, which is compiled when there is none. UnfitError says what is missing."""
        path = self.compiled()
        try:
            library = ctypes.CDLL(str(path))
            for name in self.functions:
                getattr(library, name)
        except (OSError, AttributeError) as error:
            raise UnfitError(f"{self.what} cannot be loaded: {error}", f"delete {path}") from error
        return library

    def compiled(self, folder: Path | None = None) -> Path:
        """The library's file, compiled when there is none; of two processes at once one compiles.

        folder: where it is to be; None: beside its source if it is there, else in the user's cache.
        ``UnfitError`` when there is no compiler, it fails, or the folder cannot be written.
        """
        code = self.path.read_bytes()
        flags = " ".join((*_FLAGS, *self.flags, platform.machine()))
        name = hashlib.sha256(b"\0".join([code, flags.encode()])).hexdigest()[:16] + ".so"
        beside = self.path.with_name(name)
        if folder is None and _is_whole(beside):
            return beside
        target = (folder or cache_base() / "kernels") / name
        if _is_whole(target):
            return target
        command = compiler()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with (target.parent / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not _is_whole(target):
                    self._compile(command, code, target)
        except OSError as error:
            raise UnfitError(f"{self.what} cannot be compiled: {error}", "set XDG_CACHE_HOME or CC") from error
        return target

    def _compile(self, command: list[str], source: bytes, target: Path) -> None:
        with tempfile.TemporaryDirectory(prefix=".compiling-", dir=target.parent) as work:
            code, made = Path(work) / self.path.name, Path(work) / "made.so"
            code.write_bytes(source)
            log.info("compiling %s with %s (once)", self.what, command[0])
            arguments = [*command, *_FLAGS, *self.flags, "-o", str(made), str(code)]
            try:
                done = subprocess.run(
                    arguments, capture_output=True, encoding="utf-8", errors="replace", check=False, timeout=_PATIENCE_S
                )
            except subprocess.TimeoutExpired as error:
                raise UnfitError(f"{command[0]} did not end within {_PATIENCE_S} s", _HINT) from error
            if done.returncode:
                said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
                reason = next((line for line in said if "error" in line), said[0])
                raise UnfitError(f"{command[0]} cannot compile {self.what}: {reason}", _HINT)
            library = made.read_bytes()
            with made.open("ab") as file:  # behind what a loader reads
                file.write(hashlib.sha256(library).digest())
                file.flush()
                os.fsync(file.fileno())
            made.replace(target)


def _is_whole(library: Path) -> bool:
    """Whether the file is there and is what was written: loading half a library would end the process."""
    try:
        data = library.read_bytes()
    except OSError:
        return False
    return hashlib.sha256(data[:-_DIGEST]).digest() == data[-_DIGEST:]


@cache
def library_or_none(source: Source) -> ctypes.CDLL | None:
    """``source.load()``, or None with one log line that says why not."""
    try:
        return source.load()
    except UnfitError as error:
        log.info("%s is not used: %s", source.what, error)
        return None
