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

    def test_what_others_can_read(self) -> None:
        """A secret that others can read is refused with the command to type; the workers stay."""
        crew = Crew.started(self)
        pids = crew.pids()
        key = crew.state / "server.key"
        key.chmod(0o644)
        done = dictctl(crew.state, "reload")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        said = f"dictctl: {key} can be read by others; type: chmod 600 {key}\n"
        self.assertEqual(done.stderr.decode(), said)
        self.assertEqual((crew.wait_for(2), oct(key.stat().st_mode & 0o777)), (pids, "0o644"))
        key.chmod(0o600)
        self.assertEqual(dictctl(crew.state, "reload").returncode, 0)


class Away(SynchronousTestCase):
    """Settings that are good, and a store that is not there."""

    def test_store_away(self) -> None:
        """The reload is done, and says that accounts wait; status tells which store that is."""
        crew = Crew.started(self)
        self.assertIn(f"\nstore SQLite in {crew.state / 'store'}\n", dictctl(crew.state, "status").stdout.decode())
        crew.configure('[store]\nurl = "mysql://nobody@127.0.0.1:1/none"\n')
        done = dictctl(crew.state, "reload")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        said = done.stdout.decode()
        self.assertRegex(said, "^Done: .*; the database none at 127.0.0.1:1 does not answer: .*; accounts wait for it")
        self.assertEqual(said.count("\n"), 1)

        def told() -> bool:
            return "\nstore none at 127.0.0.1:1\n" in dictctl(crew.state, "status").stdout.decode()

        until("status to tell of the other store", told)
