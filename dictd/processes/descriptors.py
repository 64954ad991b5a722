"""Open files: as many as there may be connections, or doors that close before they run out."""

from __future__ import annotations

import os
import resource

from twisted.logger import Logger

#: Open files that are not connections: the store, dictionaries, the log, the publisher. So many are
#: kept where there are plenty, and no fewer than the second where there are few.
BESIDE, _LEAST_BESIDE = 256, 64
#: Files that may be opened beside those that are open when the server begins to serve.
_SPARE = 32

_log = Logger()


def make_room(connections: int) -> None:
    """Raise the soft limit, as far as the system lets us, to serve so many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + BESIDE
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    if hard < wanted:
        _log.warn(
            "{wanted} connections are allowed, but the system allows {hard} open files (ulimit -n)",
            wanted=connections,
            hard=hard,
        )


def places() -> int:
    """How many connections this process can have, now that everything else is open."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    beside = min(BESIDE, max(_LEAST_BESIDE, most // 8))
    return max(1, most - max(beside, _open() + _SPARE))


def _open() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0  # no Linux
