"""A child that is kept alive, in memory."""

from __future__ import annotations

import signal

from twisted.internet.error import ProcessExitedAlready
from twisted.trial.unittest import SynchronousTestCase

from dictd.processes.children import Child
from tests.support.machine import Machine


class Ends(SynchronousTestCase):
    """How it is ended."""

    def setUp(self) -> None:
        self.machine = Machine()
        self.child = Child(self.machine, "dictd.processes.publish", (), "publisher", lambda: self.greeting)
        self.greeting = b"one\n"
        self.child.start()
        (self.process,) = self.machine.processes

    def test_again(self) -> None:
        """One that ends by itself is started again after a second, one that was stopped is not."""
        self.process.end(signal.SIGKILL)
        self.machine.pass_(1.0)
        self.assertEqual(self.machine.spawned, 2)
        stopped = self.child.stop()
        self.machine.pass_(0.1)
        self.successResultOf(stopped)
        self.machine.pass_(60.0)
        self.assertEqual(self.machine.spawned, 2)

    def test_renewed(self) -> None:
        """One that is to be told something else ends, is started again at once, and is told it."""
        self.assertEqual(self.process.written, b"one\n")
        self.greeting = b"two\n"
        self.child.renew()
        self.machine.pass_(0.1)
        (again,) = self.machine.processes
        self.assertEqual((again.written, self.machine.spawned), (b"two\n", 2))
        again.end(signal.SIGKILL)
        self.machine.pass_(0.5)
        self.assertEqual(self.machine.processes, [], "later ends are ends")
        self.machine.pass_(1.0)
        self.assertEqual(self.machine.spawned, 3)

    def test_renewed_while_it_waits(self) -> None:
        """One that has ended by itself is told when it is started again, and not twice."""
        self.process.end(signal.SIGKILL)
        self.greeting = b"two\n"
        self.child.renew()
        self.machine.pass_(1.0)
        (again,) = self.machine.processes
        self.assertEqual((again.written, self.machine.spawned), (b"two\n", 2))

    def test_killed_too_late(self) -> None:
        """What has ended already, though its output is still open, is no trouble: the stop of the server goes on."""

        class Ended:
            """What is left of a process."""

            def signalProcess(self, name: str) -> None:
                raise ProcessExitedAlready

        self.process.protocol.transport = Ended()
        self.child.kill()
