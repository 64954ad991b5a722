"""``python -m dictc``, and the program ``dictc``."""

from __future__ import annotations

import sys


def main() -> int:
    """Run it; Ctrl-C ends it quietly from the first moment on."""
    try:
        from dictc import program

        return program.main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
