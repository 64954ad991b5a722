"""dictctl users beside a server with two workers: what it ends has ended in both when the command is done."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading

from twisted.trial.unittest import SynchronousTestCase

from tests.support.crew import Crew
from tests.support.programs import environment
from tests.support.server import Caller, until

GONE = b"421 your account was changed by the administrator, please connect again\r\n"
CHEAP = {"DICTD_ACCOUNTS_HASH_MEMORY_KIB": "8192", "DICTD_ACCOUNTS_HASH_PASSES": "1"}


class People(SynchronousTestCase):
    """Alice and Bob, each with a connection to both workers."""

    def setUp(self) -> None:
        """Alice has a key."""
        self.crew = Crew.started(self)
        self.ctl("users", "add", "alice", "--password-stdin", sent="correct-horse")
        self.ctl("users", "add", "bob", "--password-stdin", sent="correct-horse")
        self.alice, self.bob = self.seated("alice", 2), self.seated("bob", 100)
        self.key = self.alice[0].ask("KEY NEW laptop")[1]

    def ctl(self, *arguments: str, sent: str = "", code: int = 0) -> str:
        """Run dictctl with the settings of the server; what it prints."""
        command = [sys.executable, "-m", "dictd.ctl", "--config", str(self.crew.settings)]
        done = subprocess.run(
            [*command, "--state-dir", str(self.crew.state), *arguments],
            input=sent.encode(), capture_output=True, timeout=120, check=False, env=environment() | CHEAP,
        )  # fmt: skip
        self.assertEqual(done.returncode, code, done.stderr)
        return (done.stdout + done.stderr).decode()

    def seated(self, name: str, first: int) -> list[Caller]:
        """A connection of somebody to each worker."""
        seats = [*self.crew.seated(first).values()]
        for seat in seats:
            self.assertEqual(seat.code(f"LOGIN {name} correct-horse"), 230)
        return seats

    def auth(self, host: str = "127.0.2.1") -> int:
        """What a program that has Alice's key is answered; it waits a second after each wrong answer of its host."""
        caller = self.crew.connect(host)
        answer = hashlib.md5((caller.banner.split()[-1] + self.key).encode(), usedforsecurity=False).hexdigest()
        return caller.code(f"AUTH alice {answer}")

    def login(self, secret: str = "correct-horse") -> int:  # noqa: S107 - a test's
        """What somebody who types Alice's password is answered."""
        return self.crew.connect("127.0.2.2").code(f"LOGIN alice {secret}")

    def ended(self) -> None:
        """Both of Alice's are told why, and closed; both of Bob's go on."""
        self.assertEqual([seat.rest() for seat in self.alice], [GONE, GONE])
        self.assertEqual([seat.code("HISTORY") for seat in self.bob], [250, 250])
        self.assertEqual(self.crew.complaints(), [])

    def test_disable(self) -> None:
        """Neither password nor key lets in until it is enabled; the history is there again."""
        self.assertEqual(self.alice[1].code("DEFINE * penguin"), 250)
        self.assertEqual(self.ctl("users", "disable", "alice"), "alice is disabled; 2 connections ended.\n")
        self.ended()
        self.assertEqual((self.login(), self.auth()), (531, 531))
        self.ctl("users", "enable", "alice")
        self.assertEqual(self.auth("127.0.2.4"), 230)
        caller = self.crew.connect("127.0.2.3")
        self.assertEqual(caller.code("LOGIN alice correct-horse"), 230)
        self.assertIn('"penguin"', caller.ask("HISTORY")[1])
        self.assertTrue(self.crew.server.logged("dictctl: sign_out"))

    def test_passwd(self) -> None:
        """The old password lets nobody in any more, the new one does, and the key does until it is dropped."""
        out = self.ctl("users", "passwd", "alice", "--password-stdin", sent="battery-staple\n")
        self.assertIn("alice has another password; 2 connections ended. 1 key for AUTH still lets in", out)
        self.ended()
        self.assertEqual((self.auth(), self.login("battery-staple"), self.login()), (230, 230, 531))
        self.ctl("users", "passwd", "alice", "--generate", "--drop-keys")
        self.assertEqual(self.auth(), 531)

    def test_delete(self) -> None:
        """Nothing is left, and another of that name begins anew."""
        self.assertEqual(self.alice[0].code("DEFINE * penguin"), 250)
        value = json.loads(self.ctl("--json", "users", "delete", "alice", "--yes"))
        self.assertEqual((value["lookups"], value["keys"], value["ended"]), (1, 1, 2))
        self.ended()
        self.assertEqual((self.login(), self.auth()), (531, 531))
        self.ctl("users", "add", "alice", "--password-stdin", sent="correct-horse")
        caller = self.crew.connect("127.0.2.4")
        self.assertEqual(caller.code("LOGIN alice correct-horse"), 230)
        self.assertEqual(caller.ask("HISTORY")[0][:6], "180 0 ")

    def test_role(self) -> None:
        """It holds in sessions that are open."""
        self.ctl("users", "role", "alice", "admin")
        self.assertIn("admin", self.alice[0].ask("WHOAMI")[0])
        self.ctl("users", "role", "alice", "user")
        self.assertNotIn("admin", self.alice[1].ask("WHOAMI")[0])

    def test_logins_meanwhile(self) -> None:
        """Of those who go on logging in while the account is disabled none is in afterwards."""
        over = threading.Event()
        callers: list[Caller] = []

        def come() -> None:
            while not over.is_set():
                caller = self.crew.connect()
                callers.append(caller)
                with contextlib.suppress(EOFError, OSError):
                    caller.ask("LOGIN alice correct-horse")

        threads = [threading.Thread(target=come) for _ in range(4)]
        for thread in threads:
            thread.start()
        until("some to be in", lambda: len(callers) > 20)
        self.ctl("users", "disable", "alice")
        seated = [row for row in self.crew.ask("sessions") if row["user"] == "alice"]
        over.set()
        for thread in threads:
            thread.join(30)
        self.assertEqual(seated, [])
        self.assertEqual([row for row in self.crew.ask("sessions") if row["user"] == "alice"], [])
        for caller in callers:
            caller.close()

    def test_worker_that_hangs(self) -> None:
        """It is killed, and its connections with it, before the command says that they have ended."""
        pid = self.crew.process_of("worker 1")
        os.kill(pid, signal.SIGSTOP)
        self.assertIn("alice is disabled; 1 connection ended.", self.ctl("users", "disable", "alice"))
        until("the other to be gone", lambda: pid not in self.crew.pids())
        rests = []
        for seat in self.alice:
            with contextlib.suppress(ConnectionResetError):
                rests.append(seat.rest())
        self.assertIn(GONE, rests)
        self.assertEqual([row for row in self.crew.ask("sessions") if row["user"] == "alice"], [])
