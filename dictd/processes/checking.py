"""A preflight of the supervisor's: a process of its own, which may hang or fail."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TimedOut
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from dictd.errors import SettingsRefused
from dictd.processes import logs, preflight
from dictd.processes.lines import Lines
from dictd.processes.preflight import Origin

#: How long a check may take, seconds; dictctl waits longer.
LONGEST = 60.0


class Checking(ProcessProtocol):
    """One check."""

    transport: Any = None

    def __init__(self) -> None:
        self._answered: Deferred[bytes] = Deferred()
        self._said = b""
        self._complaints = Lines(lambda line: logs.relay(line, "preflight"))

    async def ask(self, reactor: Any, origin: Origin) -> bytes:
        """Start it, and wait for what it says.

        :raises SettingsRefused: it cannot be started, or takes too long.
        """
        command = preflight.command()
        try:
            reactor.spawnProcess(self, command[0], command, env=os.environ)
        except OSError as error:
            raise SettingsRefused(f"the settings could not be checked: {error.strerror}") from None
        self.transport.write(origin.text().encode())
        self.transport.closeStdin()
        try:
            return await self._answered.addTimeout(LONGEST, reactor)
        except TimedOut:
            self.kill()
            raise SettingsRefused(f"the settings could not be checked in {LONGEST:.0f} s") from None

    def kill(self) -> None:
        """End it now."""
        if self.transport is not None:
            with suppress(ProcessExitedAlready):
                self.transport.signalProcess("KILL")

    def outReceived(self, data: bytes) -> None:
        self._said += data

    def errReceived(self, data: bytes) -> None:
        self._complaints.feed(data)

    def processEnded(self, reason: Failure) -> None:
        self._complaints.end()
        if not self._answered.called:
            self._answered.callback(self._said)
