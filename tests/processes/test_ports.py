"""Sockets that are listened on, and stay whose they are."""

from __future__ import annotations

import shutil
import socket
import stat
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase

from dictd.processes import asking, control, ports


class Unix(SynchronousTestCase):
    """A unix socket that somebody else has opened."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="dictd-ports-"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = self.directory / asking.FILE
        self.listening = control.bound(self.directory)
        self.addCleanup(self.listening.close)

    def adopted(self) -> Any:
        """Listen."""
        factory = Factory()
        factory.noisy = False
        port = ports.adopted(MemoryReactor(), self.listening.fileno(), socket.AF_UNIX, factory)
        self.addCleanup(lambda: port.connected and port.connectionLost(None))
        return port

    def test_mode(self) -> None:
        """Who may connect is not changed: nobody but the owner says anything to a server."""
        self.adopted()
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_no_file(self) -> None:
        """A file that somebody took away does not keep the next worker from its other ports."""
        self.path.unlink()
        self.assertTrue(self.adopted().connected)

    def test_queue(self) -> None:
        """It is as long as before."""
        self.listening.listen(0)
        self.adopted()
        with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
            for client in (first, second):
                client.setblocking(False)
            first.connect(str(self.path))
            self.assertRaises(BlockingIOError, second.connect, str(self.path))

    def test_end(self) -> None:
        """The file stays, and others can go on."""
        port = self.adopted()
        port.connectionLost(None)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.path))
            self.listening.accept()[0].close()
