"""A reload whose settings cannot be changes nothing."""

from __future__ import annotations

import signal

from twisted.trial.unittest import SynchronousTestCase

from tests.support.crew import Crew
from tests.support.programs import dictctl
from tests.support.server import until


class Refused(SynchronousTestCase):
    """Settings that cannot be."""

    def test_bad_file(self) -> None:
        """A bad file changes nothing, and the line that is wrong is named: by dictctl, and in the log on SIGHUP."""
        crew = Crew.started(self)
        pids = crew.pids()
        crew.configure("[listen]\nport = 0\nbacklog = -1\n")
        line = crew.settings.read_text("utf-8").splitlines().index("backlog = -1") + 1
        done = dictctl(crew.state, "reload")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(f"{crew.settings}:{line}: listen.backlog must lie between", done.stderr.decode())
        self.assertEqual(len(done.stderr.splitlines()), 1)
        crew.server.signal(signal.SIGHUP)
        until("the log to say so", lambda: crew.server.logged(f"dictd.toml:{line}: listen.backlog"))
        self.assertEqual(crew.wait_for(2), pids)
        self.assertEqual(crew.complaints(), [])

    def test_what_needs_a_start(self) -> None:
        """Another state directory and no workers at all are refused; so is an address of another machine."""
        crew = Crew.started(self)
        pids, before = crew.pids(), crew.ask("status")["listening"]
        for settings, said in (
            ('[listen]\naddresses = ["127.0.0.1", "192.0.2.1"]\n', "192.0.2.1 is not an address of this machine"),
            (f'[listen]\nunix = "{crew.settings}"\n', "cannot be listened on"),
        ):
            crew.configure(settings)
            done = dictctl(crew.state, "reload")
            self.assertEqual(done.returncode, 1, done)
            self.assertIn(said, done.stderr.decode())
            self.assertEqual((crew.wait_for(2), crew.ask("status")["listening"]), (pids, before))
