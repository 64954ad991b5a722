"""Keys on a running server, with dict(1) and with what anybody can write in ten lines."""

from __future__ import annotations

import hashlib
import re
import sqlite3
import stat
import subprocess

from dictd.store.sqlite import ACCOUNTS_FILE
from tests.support.house import final_codes
from tests.support.programs import CHECKOUT, environment, program, run
from tests.support.server import Caller, Server, twistd, until
from tests.system.test_server import Running


class WithAKey(Running):
    """Alice has a key."""

    def setUp(self) -> None:
        """Register, and make one."""
        super().setUp()
        self.alice = self.server.connect()
        self.assertEqual(self.alice.code("REGISTER alice correct-horse"), 280)
        answer = self.alice.ask("KEY NEW laptop")
        self.assertTrue(answer[0].startswith("184 ") and answer[-1] == "250 ok", answer)
        self.secret = answer[1]
        self.assertRegex(self.secret, "^[0-9a-f]{32}$")

    def dict_(self, secret: str, word: str) -> subprocess.CompletedProcess[bytes]:
        """dict(1) with a key."""
        login = ("-u", "alice", "-k", secret)
        return run([program("dict"), "-P", "-", "-h", "127.0.0.1", "-p", self.port, *login, word])

    def authenticated(self) -> Caller:
        """A program that knows AUTH."""
        caller = self.server.connect()
        message_id = caller.banner.split()[-1]
        answer = hashlib.md5((message_id + self.secret).encode(), usedforsecurity=False).hexdigest()
        self.assertEqual(caller.code(f"AUTH alice {answer}"), 230)
        return caller

    def start_again(self) -> None:
        """Stop the server, and start it on the same state."""
        self.server.stop()
        self.server = Server.started(self.state)
        self.addCleanup(self.server.kill)


class RealPrograms(WithAKey):
    """Programs log in for real."""

    def test_dict(self) -> None:
        """What dict(1) looks up is in the history; its banner names auth, which it looks for."""
        done = self.dict_(self.secret, "penguin")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"1 definition found", done.stdout)
        history = self.alice.ask("HISTORY")
        self.assertEqual(len(history), 4, history)
        self.assertRegex(history[1], r' animals "penguin" 1$')
        until("its use to be noted", lambda: not self.alice.ask("KEY LIST")[1].endswith(" never"))

    def test_dict_with_a_wrong_key(self) -> None:
        """It goes on without; nothing is in the history."""
        done = self.dict_("0" * 32, "penguin")
        self.assertIn(b"1 definition found", done.stdout)
        self.assertEqual(len(self.alice.ask("HISTORY")), 3)

    def test_dict_with_a_key_that_was_dropped(self) -> None:
        """The same."""
        self.assertEqual(self.alice.code("KEY DROP laptop"), 284)
        self.assertIn(b"1 definition found", self.dict_(self.secret, "penguin").stdout)
        self.assertEqual(len(self.alice.ask("HISTORY")), 3)

    def test_by_hand(self) -> None:
        """MD5 of the banner's last word and the key; everything after it in one packet."""
        caller = self.server.connect()
        self.assertRegex(caller.banner, r"^220 \S+ dictd \S+ <auth\.[a-z.]+> <[0-9a-f]{32}@\S+>$")
        answer = hashlib.md5((caller.banner.split()[-1] + self.secret).encode(), usedforsecurity=False).hexdigest()
        sent = f"AUTH alice {answer}\r\nDEFINE * penguin\r\nFORGET *\r\nHISTORY\r\nQUIT\r\n"
        caller.connection.sendall(sent.encode())
        rest = caller.rest()
        self.assertEqual(final_codes(rest), [230, 250, 530, 250, 221])
        self.assertIn(b'animals "penguin" 1\r\n', rest)

    def test_dropped_while_it_is_in(self) -> None:
        """Who came by the key is logged out at once, and the connection goes on."""
        caller = self.authenticated()
        self.assertEqual(self.alice.ask("KEY DROP laptop")[0][:6], "284 ke")
        self.assertEqual((caller.code("HISTORY"), caller.code("Q penguin")), (530, 250))


class ServerKeys(WithAKey):
    """server.key of a running server."""

    def test_start_again(self) -> None:
        """The key of the state directory stays, so keys go on; its file is for its owner alone."""
        path = self.state / "server.key"
        before = path.read_bytes()
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.start_again()
        self.assertEqual(path.read_bytes(), before)
        self.authenticated()
        self.assertFalse(self.server.logged("server key"))

    def test_nothing_secret_on_the_disk_or_in_the_log(self) -> None:
        """Neither the key nor the server key is in the database or the log."""
        self.authenticated()
        self.server.stop()
        server_key = (self.state / "server.key").read_bytes().strip()
        secrets = [self.secret.encode(), bytes.fromhex(self.secret), server_key, bytes.fromhex(server_key.decode())]
        files = [path.read_bytes() for path in (self.state / "store").iterdir()]
        for secret in secrets:
            self.assertFalse([1 for text in (*files, self.server.said) if secret in text])
        self.assertNotIn(b"Traceback", self.server.said)

    def test_server_key_is_gone(self) -> None:
        """One warning line at the start; AUTH is refused, the password is not, and the list says why."""
        self.server.stop()
        (self.state / "server.key").unlink()
        self.server = Server.started(self.state)
        self.addCleanup(self.server.kill)
        until("the warning", lambda: self.server.logged("1 keys for AUTH cannot be used"))
        self.assertEqual(len(re.findall(rb"(?m)^.*server key.*$", self.server.said)), 1)
        self.assertIn(b"1 definition found", self.dict_(self.secret, "penguin").stdout)
        until("the penalty's end", lambda: self.server.connect().code("LOGIN alice correct-horse") == 230)
        alice = self.server.connect()
        self.assertEqual(alice.code("LOGIN alice correct-horse"), 230)
        self.assertIn("cannot be used", alice.ask("KEY LIST")[1])
        self.assertEqual(len(alice.ask("HISTORY")), 3)

    def test_refused_starts(self) -> None:
        """One line, exit code 1, nothing changed: others may read it; it is no key."""
        self.server.stop()
        path = self.state / "server.key"
        content = path.read_bytes()
        path.chmod(0o644)
        self.assertIn(f"can be read by others; type: chmod 600 {path}", self.refused())
        path.chmod(0o600)
        path.write_bytes(content[:20])
        said = self.refused()
        self.assertIn(f"{path} is not a server key", said)
        self.assertNotIn(content[:20].decode(), said)
        path.write_bytes(content)
        self.server = Server.started(self.state)
        self.addCleanup(self.server.kill)
        self.authenticated()

    def refused(self) -> str:
        """What a server says that cannot start."""
        command = twistd("--pidfile=", "-n", "dictd", "--state-dir", str(self.state), "--port", "0")
        done = subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=CHECKOUT, env=environment())
        said = (done.stdout + done.stderr).decode()
        self.assertEqual((done.returncode, said.count("\n")), (1, 1), said)
        return said

    def test_database_of_the_first_version(self) -> None:
        """One that has accounts and no table of keys gets it, and keeps its accounts."""
        self.server.stop()
        with sqlite3.connect(self.state / "store" / ACCOUNTS_FILE) as connection:
            connection.execute("DROP TABLE user_key")
            for table in ("worker_lease", "forgotten", "invite", "store_identity", "miss"):
                connection.execute(f"DROP TABLE {table}")
            connection.execute("DROP INDEX hist_rid")
            for column in ("nonce", "paused", "keep_days", "epoch"):
                connection.execute(f"ALTER TABLE user DROP COLUMN {column}")
            connection.execute("DELETE FROM schema_version WHERE subject = 'accounts' AND version > 1")
        connection.close()
        self.server = Server.started(self.state)
        self.addCleanup(self.server.kill)
        alice = self.server.connect()
        self.assertEqual(alice.code("LOGIN alice correct-horse"), 230)
        self.assertEqual(len(alice.ask("KEY LIST")), 3)
        self.assertEqual(alice.code("KEY NEW laptop"), 250)
