"""Small things about sorted arrays that NumPy has no quick word for. Leaf module."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def begins(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where a new value begins in a sorted (n,) array: (n,) bool."""
    first = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return first
