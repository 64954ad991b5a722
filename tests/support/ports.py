"""Ports for servers that come and go on them."""

from __future__ import annotations

import random
import socket

#: Below those the system hands out, and apart from those of :func:`tests.support.peer.free_port`:
#: the port of a server that a test has killed stays its own until it is started again.
_RANGE = range(10_000, 20_000)
_given: set[int] = set()


def port_of_its_own() -> int:
    """A port of 127.0.0.1 that nobody has, and that this process is given once.

    :raises OSError: none is free.
    """
    for port in random.sample(_RANGE, len(_RANGE)):
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port
    raise OSError("no port is free")
