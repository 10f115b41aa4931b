"""Compiles a C file into a library, in the user's cache or beside its source."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import importlib.util
import logging
import os
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
_PATIENCE_S = 300


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
        return shlex.split(wanted)
    found = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if found:
        return [found]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    raise UnfitError("there is no C compiler", _HINT)


@dataclass(frozen=True)
class Source:
    """A C file. what: it, in a sentence ("the encoder's kernel"). flags: those that it needs besides the usual."""

    path: Path
    what: str
    flags: tuple[str, ...] = ()

    def load(self) -> ctypes.CDLL:
        """Open the library, which is compiled when there is none. UnfitError says what is missing."""
        path = self.compiled()
        try:
            return ctypes.CDLL(str(path))
        except OSError as error:
            raise UnfitError(f"{self.what} cannot be loaded: {error}", f"delete {path}") from error

    def compiled(self, folder: Path | None = None) -> Path:
        """The library's file, compiled when there is none; of two processes at once one compiles.

        folder: where it is to be; None: beside its source if it is there, else in the user's cache.
        ``UnfitError`` when there is no compiler, it fails, or the folder cannot be written.
        """
        code = self.path.read_bytes()
        name = hashlib.sha256(b"\0".join([code, " ".join(_FLAGS + self.flags).encode()])).hexdigest()[:16] + ".so"
        beside = self.path.with_name(name)
        if folder is None and beside.is_file():
            return beside
        target = (folder or cache_base() / "kernels") / name
        if target.is_file():
            return target
        command = compiler()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with (target.parent / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not target.is_file():
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
                done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
            except subprocess.TimeoutExpired as error:
                raise UnfitError(f"{command[0]} did not end within {_PATIENCE_S} s", _HINT) from error
            if done.returncode:
                said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
                reason = next((line for line in said if "error" in line), said[0])
                raise UnfitError(f"{command[0]} cannot compile {self.what}: {reason}", _HINT)
            made.replace(target)


@cache
def library_or_none(source: Source) -> ctypes.CDLL | None:
    """``source.load()``, or None with one log line that says why not."""
    try:
        return source.load()
    except UnfitError as error:
        log.info("%s is not used: %s (%s)", source.what, error, error.hint)
        return None
