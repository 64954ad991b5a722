"""Where the log goes."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

from twisted.application.service import Application, MultiService, Service
from twisted.internet.task import Clock
from twisted.logger import ILogObserver
from twisted.python.logfile import LogFile
from twisted.trial.unittest import SynchronousTestCase

from dictd.config import Settings
from dictd.errors import SettingsRefused
from dictd.processes import journal
from dictd.processes.journal import Logged, destination
from dictd.sections import Log


class Destinations(SynchronousTestCase):
    """What twistd's options mean."""

    def setUp(self) -> None:
        self.opened: list[str] = []
        self.terminal = io.StringIO()
        self.patch(sys, "stdout", self.terminal)

        def opened(_: Any, name: str) -> io.StringIO:
            self.opened.append(name)
            return io.StringIO()

        self.patch(LogFile, "fromFullPath", classmethod(opened))
        self.patch(journal.signal, "signal", lambda *_: None)

    def test_twistds_own(self) -> None:
        """syslog, an observer of somebody's and what twistd refuses are left to it; no file is opened."""
        for options in (
            {"syslog": True},
            {"syslog": True, "nodaemon": True},
            {"logger": "somebody.observer", "logfile": "log"},
            {"logfile": "-"},
        ):
            self.assertIsNone(destination(options, Clock()), options)
        self.assertEqual(self.opened, [])

    def test_terminal(self) -> None:
        """In the foreground it is the terminal, unless a file is named."""
        for options in ({"nodaemon": True}, {"nodaemon": True, "logfile": "-"}, {"nodaemon": True, "logfile": None}):
            write = destination(options, Clock())
            assert write is not None
            write("x\n")
        self.assertEqual((self.terminal.getvalue(), self.opened), ("x\nx\nx\n", []))

    def test_files(self) -> None:
        """A file that is named, or twistd.log."""
        for options in ({"logfile": "log"}, {"logfile": "log", "nodaemon": True}, {}):
            self.assertIsNotNone(destination(options, Clock()))
        self.assertEqual(self.opened, ["log", "log", "twistd.log"])

    def test_file_that_cannot_be(self) -> None:
        """A file that cannot be written is refused in one line."""

        def refuse(_: Any, name: str) -> None:
            raise PermissionError(13, "Permission denied")

        self.patch(LogFile, "fromFullPath", classmethod(refuse))
        trouble = self.assertRaises(SettingsRefused, destination, {"logfile": "/root/log"}, Clock())
        self.assertEqual(trouble.text, "the log /root/log cannot be written: Permission denied")


class Services(SynchronousTestCase):
    """The service that has the log."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.file = Path(self.mktemp())
        self.options = {"logfile": str(self.file)}
        self.patch(journal.signal, "signal", lambda *_: None)

    def test_observer(self) -> None:
        """twistd finds the observer in its application, before anything starts; other parents have none."""
        application = Application("x")
        logged = Logged(Settings(), self.options, "server", self.clock)
        logged.setServiceParent(application)
        self.assertIs(application.getComponent(ILogObserver), logged.observer)
        other = Application("x")
        Logged(Settings(), {"syslog": True}, "server", self.clock).setServiceParent(other)
        self.assertIsNone(other.getComponent(ILogObserver, None))
        Logged(Settings(), self.options, "server", self.clock).setServiceParent(MultiService())

    def test_kept_back(self) -> None:
        """What was kept back is told when its time is over and at the end; no timer is left."""
        logged = Logged(Settings(log=Log(repeats=1)), self.options, "server", self.clock)
        assert logged.observer is not None
        logged.observer._steady = self.clock.seconds
        child = Service()
        child.setServiceParent(logged)
        logged.startService()
        self.assertTrue(child.running)
        event = {"log_format": "same", "log_namespace": "x", "log_time": 0.0}
        for _ in range(3):
            logged.observer(event)
        self.clock.pump([1.0] * 11)
        self.assertEqual(self.file.read_text().count("... and 2 more like this: same"), 1)
        for _ in range(2):
            logged.observer(event)
        logged.stopService()
        self.assertEqual(self.file.read_text().count("... and 1 more like this: same"), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_new_settings(self) -> None:
        """New settings hold at once; without an observer of ours there is nothing to set."""
        logged = Logged(Settings(), self.options, "server", self.clock)
        logged.follow(Settings(log=Log(format="json")))
        assert logged.observer is not None
        logged.observer({"log_format": "x", "log_time": 0.0})
        self.assertTrue(self.file.read_text().startswith("{"))
        Logged(Settings(), {"syslog": True}, "server", self.clock).follow(Settings())
