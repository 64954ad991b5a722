"""Two hosts on one MariaDB: what ends a user's sessions on one ends them on the other, a few seconds later."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.store.databases import fresh_mysql
from tests.support.mariadb import MariaDB
from tests.support.programs import environment
from tests.support.server import Caller, Server, until

#: The other host looks every five seconds, give or take one; the rest is for a machine that is busy with tests.
SOON = 12.0
HERE = b"421 your account was changed by the administrator, please connect again\r\n"
THERE = b"421 your account was changed elsewhere, please connect again\r\n"
CHEAP = {"DICTD_ACCOUNTS_HASH_MEMORY_KIB": "8192", "DICTD_ACCOUNTS_HASH_PASSES": "1"}


class TwoHosts(SynchronousTestCase):
    """A state directory and a server for each, of which one has workers; Alice and Bob are on both."""

    def setUp(self) -> None:
        self.database = MariaDB.started(self)
        self.surroundings = {"DICTD_STORE_URL": fresh_mysql(self, self.database), **CHEAP}
        self.states = [Path(self.mktemp()).absolute() for _ in range(2)]
        book = self.states[0].with_name("words.tsv")
        book.write_text("emu\ta bird\n", "utf-8")
        self.ctl("import", str(book))
        for name in ("alice", "bob"):
            self.ctl("users", "add", name, "--password-stdin", sent="correct-horse")
        self.here, self.there = self.serve(self.states[0]), self.serve(self.states[1], "--workers", "2")
        # The workers of the other host take turns: two connections need not be of one, and need not be of two.
        self.alice, *self.alice_there = (self.login(server) for server in (self.here, self.there, self.there))
        self.bob, self.bob_there = (self.login(server, "bob") for server in (self.here, self.there))

    def serve(self, state: Path, *arguments: str) -> Server:
        """A server of the database."""
        server = Server.started(state, *arguments, surroundings=self.surroundings)
        self.addCleanup(server.kill)
        return server

    def ctl(self, *arguments: str, sent: str = "") -> str:
        """Run dictctl on the first host; what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "dictd.ctl", "--state-dir", str(self.states[0]), *arguments],
            input=sent.encode(), capture_output=True, timeout=120, check=False, env=environment() | self.surroundings,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode()

    def login(self, server: Server, name: str = "alice") -> Caller:
        """A connection of somebody, who may have to wait for the database."""
        callers: list[Caller] = []

        def logged_in() -> bool:
            callers.append(server.connect())
            return callers[-1].code(f"LOGIN {name} correct-horse") == 230

        until(f"{name} to be in", logged_in)
        for caller in callers:
            self.addCleanup(caller.close)
        return callers[-1]

    def ends_there(self, began: float) -> None:
        """Alice's connections to the other host are told why, and closed, soon; nobody else's are."""
        self.assertEqual([seat.rest() for seat in self.alice_there], [THERE, THERE])
        self.assertLess(time.monotonic() - began, SOON)
        self.assertEqual([seat.code("HISTORY") for seat in (self.bob, self.bob_there)], [250, 250])
        self.assertTrue(self.there.logged("changed in the store: alice"))
        for server in (self.here, self.there):
            self.assertFalse(server.logged("Traceback") or server.logged("account store fails"), server.said)

    def test_disable(self) -> None:
        """By dictctl on one host: at once there, and soon on the other."""
        self.assertIn("alice is disabled; 1 connection ended", self.ctl("users", "disable", "alice"))
        began = time.monotonic()
        self.assertEqual(self.alice.rest(), HERE)
        self.ends_there(began)
        caller = self.there.connect()
        self.assertEqual(caller.code("LOGIN alice correct-horse"), 531)
        caller.close()

    def test_passwd(self) -> None:
        """Said on one host it ends the sessions on the other, and goes on itself."""
        began = time.monotonic()
        self.assertEqual(self.alice.code("PASSWD correct-horse battery-staple"), 282)
        self.ends_there(began)
        # It has been looked here too by the time that somebody who is changed now has ended.
        self.ctl("users", "disable", "bob")
        self.assertEqual(self.bob_there.rest(), THERE)
        self.assertEqual(self.alice.code("HISTORY"), 250)

    def test_unregister(self) -> None:
        """The same, for all."""
        began = time.monotonic()
        self.assertEqual(self.alice.code("UNREGISTER correct-horse"), 286)
        self.ends_there(began)

    def kept(self) -> int:
        """How many look-ups of Alice there are, after one more on the other host."""
        seat = self.alice_there[0]
        self.assertEqual(seat.code("DEFINE * emu"), 250)
        return int(seat.ask("HISTORY")[0].split()[1])

    def test_history(self) -> None:
        """HISTORY OFF holds at once in the store, and HISTORY ON soon in sessions that began meanwhile."""
        self.assertEqual(self.kept(), 1)
        self.assertEqual(self.alice.code("HISTORY OFF"), 287)
        self.assertEqual(self.kept(), 1)
        self.alice_there[0] = self.login(self.there)
        self.assertEqual(self.kept(), 1)
        self.assertEqual(self.alice.code("HISTORY ON"), 287)
        began = time.monotonic()
        until("look-ups to be kept there", lambda: self.kept() > 1)
        self.assertLess(time.monotonic() - began, SOON)

    def test_away(self) -> None:
        """While the database is away nobody is thrown out; what was changed before that ends sessions after it."""
        self.database.kill(signal.SIGKILL)
        until("both to notice", lambda: all(one.logged("account store fails") for one in (self.here, self.there)))
        self.assertEqual([seat.code("DEFINE * emu") for seat in (self.alice, *self.alice_there)], [250] * 3)
        self.database.launch()
        until("both to be well", lambda: all(one.logged("store works again") for one in (self.here, self.there)))
        self.assertEqual([seat.code("DEFINE * emu") for seat in (self.alice, *self.alice_there)], [250] * 3)
        self.ctl("users", "passwd", "alice", "--generate")
        self.assertEqual([seat.rest() for seat in self.alice_there], [THERE, THERE])
