"""How the process of a server ends."""

from __future__ import annotations

from twisted.internet.error import ReactorNotRunning
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dictd.processes.ending import end_soon


class Runs(Clock):
    """A reactor, until it is stopped."""

    running = True

    def stop(self) -> None:
        """As a reactor's."""
        if not self.running:
            raise ReactorNotRunning
        self.running = False


class Soon(SynchronousTestCase):
    """Told to end."""

    def test_twice(self) -> None:
        """Not before the answer has left; two who say so at the same time are no trouble."""
        reactor = Runs()
        end_soon(reactor)
        end_soon(reactor)
        self.assertTrue(reactor.running)
        reactor.advance(1.0)
        self.assertFalse(reactor.running)
