"""What systemd is told of the server, sd_notify(3): that it serves, that it is alive, that it stops.

Nothing happens where nobody waits for it: ``NOTIFY_SOCKET`` and ``WATCHDOG_USEC``
are set by systemd for ``Type=notify`` and ``WatchdogSec=``.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from attrs import define, field
from twisted.application.service import Service

#: In the time that systemd waits for a word it hears so many.
_OFTEN = 3
#: How long systemd may have no room for the word that it starts by, seconds; any other can be lost.
_PATIENCE = 1.0


@define(eq=False)
class Notices(Service):
    """Tells systemd, where it asked to be told.

    :param reactor: or a ``Clock``.
    :param environment: of the process that systemd started.
    """

    _reactor: Any
    _environment: Mapping[str, str]
    _timer: Any = field(default=None, init=False)

    def startService(self) -> None:
        Service.startService(self)
        self._alive()

    def stopService(self) -> None:
        Service.stopService(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._tell("STOPPING=1")

    def serves(self, where: Sequence[str]) -> None:
        """People can connect."""
        self._tell(f"READY=1\nSTATUS=listening on {', '.join(where)}", _PATIENCE)

    @property
    def interval(self) -> float:
        """Seconds from one sign of life to the next; 0 where nobody watches."""
        if self._environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
            return 0.0
        try:
            return int(self._environment.get("WATCHDOG_USEC", "0")) / 1e6 / _OFTEN
        except ValueError:
            return 0.0

    def _alive(self) -> None:
        if self.interval > 0:
            self._tell("WATCHDOG=1")
            self._timer = self._reactor.callLater(self.interval, self._alive)

    def _tell(self, words: str, patience: float = 0.0) -> None:
        place = self._environment.get("NOTIFY_SOCKET", "")
        if place[:1] not in ("/", "@"):
            return
        if place.startswith("@"):
            place = "\0" + place[1:]  # an abstract one
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.settimeout(patience)
            sending.sendto(words.encode(), place)
