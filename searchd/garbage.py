"""Pauses of Python's cyclic garbage collector, kept short. Leaf module."""

from __future__ import annotations

import gc


def settle() -> None:
    """Free what a replaced snapshot left behind, and keep later collections from looking at all that lives now.

    A collection stops every thread of a process, for 20 to 50 ms with a snapshot open, whenever enough has piled up.
    What lives when a snapshot has been opened mostly lives as long as the snapshot, so this is the time to look.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
