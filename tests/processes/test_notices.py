"""What systemd is told."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dictd.processes.notices import Notices
from tests.support.server import clear


class Systemd(SynchronousTestCase):
    """A socket where somebody listens."""

    def setUp(self) -> None:
        directory = Path(tempfile.mkdtemp(prefix="notices-"))
        self.addCleanup(clear, directory)
        self.place = str(directory / "notify")
        self.clock = Clock()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.setblocking(False)

    def told(self) -> list[str]:
        """What has come by now."""
        words = []
        while True:
            try:
                words.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return words

    def notices(self, **environment: str) -> Notices:
        """Notices that go there."""
        self.socket.bind(self.place.replace("@", "\0"))
        return Notices(self.clock, {"NOTIFY_SOCKET": self.place, **environment})

    def test_life(self) -> None:
        """It serves, it is alive three times in the patience of the watchdog, it stops and is silent."""
        notices = self.notices(WATCHDOG_USEC="30000000", WATCHDOG_PID=str(os.getpid()))
        notices.startService()
        self.assertEqual(self.told(), ["WATCHDOG=1"])
        notices.serves(["127.0.0.1:2628", "[::1]:2628"])
        self.assertEqual(self.told(), ["READY=1\nSTATUS=listening on 127.0.0.1:2628, [::1]:2628"])
        self.clock.pump([1] * 30)
        self.assertEqual(self.told(), ["WATCHDOG=1"] * 3)
        notices.stopService()
        self.clock.advance(60)
        self.assertEqual(self.told(), ["STOPPING=1"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_abstract(self) -> None:
        """A socket without a file is reached too."""
        self.place = f"@dictd-test-{os.getpid()}"
        self.notices().serves(["x"])
        self.assertEqual(self.told(), ["READY=1\nSTATUS=listening on x"])

    def test_nobody_watches(self) -> None:
        """Without a watchdog, or with that of another process, there is no timer."""
        for environment in ({}, {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}):
            notices = Notices(self.clock, environment)
            notices.startService()
            self.assertEqual(self.clock.getDelayedCalls(), [], environment)
            notices.stopService()

    def test_nobody_listens(self) -> None:
        """Where nobody waits, or nobody any more, nothing happens."""
        for place in ("", "relative", "/nowhere/notify", "vsock:2:1"):
            notices = Notices(self.clock, {"NOTIFY_SOCKET": place} if place else {})
            notices.startService()
            notices.serves(["x"])
            notices.stopService()
        notices = self.notices()
        self.socket.close()
        notices.serves(["x"])
