"""The encoder's kernel: whether this processor can run it, and the library that ``kernel.c`` is compiled to."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

from searchd.compiled.build import Source
from searchd.errors import UnfitError

_NEEDED = ("avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_vnni", "fma")  # as Linux names them
KERNEL = Source(
    Path(__file__).with_name("kernel.c"),
    "the encoder's kernel",
    ("echolot_room", "echolot_encode"),
    tuple(f"-m{name.replace('_', '')}" for name in _NEEDED),
)


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


@cache
def library() -> ctypes.CDLL:
    """The compiled kernel, with the types of its functions. UnfitError says what is missing."""
    if not is_able():
        raise UnfitError("this processor has no AVX-512 VNNI", "set model.device to auto or cpu")
    opened = KERNEL.load()
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
