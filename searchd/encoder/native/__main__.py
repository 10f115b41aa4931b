"""``python -m searchd.encoder.native``: compile the kernel beside its source.

For images and packages: their users have no compiler, and no cache before the first start.
"""

from __future__ import annotations

import platform
import sys

from searchd.encoder.native.build import SOURCE, compiled
from searchd.errors import EcholotError


def main() -> int:
    """Compile; print the file's path, or why there is none."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        print("the kernel is for x86-64; ONNX Runtime computes here")
        return 0
    try:
        print(compiled(SOURCE))
    except EcholotError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
