"""Compiles ``kernel.c`` once per machine, version of it and compiler."""

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
from functools import cache
from pathlib import Path

from searchd.errors import UnfitError

log = logging.getLogger(__name__)

_NEEDED = ("avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_vnni", "fma")  # as Linux names them
_FLAGS = ("-O3", "-std=gnu11", "-shared", "-fPIC", *(f"-m{name.replace('_', '')}" for name in _NEEDED))
_HINT = "install a C compiler (Debian: gcc), or: pip install ziglang"
_PATIENCE_S = 300
SOURCE = Path(__file__).parent


def cache_base() -> Path:
    """The folder for what can be made again: XDG_CACHE_HOME/echolot (XDG base directories, 0.8).

    ``UnfitError`` when the user has no home either.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "echolot"
    except RuntimeError as error:
        raise UnfitError(f"no folder for the user's cache: {error}", "set XDG_CACHE_HOME") from error


@cache
def processor_flags() -> frozenset[str]:
    """What the processor can do, as Linux tells it; nothing where it does not."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.is_file() else []
    return frozenset(next((line.partition(":")[2] for line in lines if line.startswith("flags")), "").split())


def is_able() -> bool:
    """Whether the processor has the instructions that the kernel is made of."""
    return processor_flags().issuperset(_NEEDED)


def adds_bytes_wrongly() -> bool:
    """Whether the processor's sums of products of bytes stop at 16 bits unless asked not to: x86 without VNNI."""
    return "ssse3" in processor_flags() and processor_flags().isdisjoint({"avx512_vnni", "avx_vnni"})


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
    raise UnfitError("there is no C compiler for the encoder's kernel", _HINT)


@cache
def library() -> ctypes.CDLL:
    """The compiled kernel, with the types of its functions. UnfitError says what is missing."""
    if not is_able():
        raise UnfitError("this processor has no AVX-512 VNNI", "set model.device to auto or cpu")
    path = compiled()
    try:
        opened = ctypes.CDLL(str(path))
    except OSError as error:
        raise UnfitError(f"the encoder's kernel cannot be loaded: {error}", f"delete {path}") from error
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    opened.echolot_room.argtypes, opened.echolot_room.restype = (pointer, size, size), size
    opened.echolot_encode.argtypes = (pointer, pointer, size, size, pointer, pointer, pointer)
    opened.echolot_encode.restype = None
    return opened


def missing() -> str:
    """Why the kernel cannot be had here; "" when it can."""
    try:
        library()
    except UnfitError as error:
        return str(error)
    return ""


def compiled(folder: Path | None = None) -> Path:
    """The kernel's file, compiled when there is none; of two processes at once one compiles.

    folder: where it is to be; None: wherever it is, else in the user's cache.
    ``UnfitError`` when there is no compiler, it fails, or the folder cannot be written.
    """
    source = (SOURCE / "kernel.c").read_bytes()
    name = hashlib.sha256(b"\0".join([source, " ".join(_FLAGS).encode()])).hexdigest()[:16] + ".so"
    if folder is None and (SOURCE / name).is_file():
        return SOURCE / name
    target = (folder or cache_base() / "kernels") / name
    if target.is_file():
        return target
    command = compiler()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (target.parent / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.is_file():
                _compile(command, source, target)
    except OSError as error:
        raise UnfitError(f"the encoder's kernel cannot be compiled: {error}", "set XDG_CACHE_HOME or CC") from error
    return target


def _compile(command: list[str], source: bytes, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".compiling-", dir=target.parent) as work:
        code, made = Path(work) / "kernel.c", Path(work) / "kernel.so"
        code.write_bytes(source)
        log.info("compiling the encoder's kernel with %s (once)", command[0])
        arguments = [*command, *_FLAGS, "-o", str(made), str(code)]
        try:
            done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired as error:
            raise UnfitError(f"{command[0]} did not end within {_PATIENCE_S} s", _HINT) from error
        if done.returncode:
            reason = next(iter(done.stderr.strip().splitlines()), f"status {done.returncode}")
            raise UnfitError(f"{command[0]} cannot compile the encoder's kernel: {reason}", _HINT)
        made.replace(target)
