"""``python -m searchd.compiled``: compile everything beside its source.

For images and packages: their users have no compiler, and no cache before the first start.
"""

from __future__ import annotations

import platform
import sys

from searchd.encoder.native.build import KERNEL
from searchd.errors import EcholotError
from searchd.index.lists import LISTS


def main() -> int:
    """Compile; print the files' paths, or why there is none."""
    sources = [LISTS]
    if platform.machine().lower() in ("x86_64", "amd64"):
        sources.append(KERNEL)
    try:
        for source in sources:
            print(source.compiled(source.path.parent))
    except EcholotError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
