"""dictc and accounts: passwords from a terminal, from standard input, from a program, and from nowhere else."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.clients.runs import Scripted, Terminal, command, dictc, ours, peer
from tests.support.server import until

_NUMBERS = itertools.count()
#: With everything that a quoted string has to quote.
PASSWORD = 'correct "horse" \\ bätteryé 企'


class Members(SynchronousTestCase):
    """Somebody with an account."""

    def setUp(self) -> None:
        self.name = f"alice{os.getpid()}-{next(_NUMBERS)}"
        done = self.dictc("--register", self.name, "--password-stdin", sent=f"{PASSWORD}\n".encode())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.decode(), f"welcome, {self.name}: you are registered and logged in\n")

    def dictc(self, *arguments: str, sent: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """On the server with accounts."""
        return dictc(*arguments, port=ours().port, sent=sent)

    def mine(self, *arguments: str, sent: str = "") -> subprocess.CompletedProcess[bytes]:
        """As the member."""
        return self.dictc("-u", self.name, "--password-stdin", *arguments, sent=f"{PASSWORD}\n{sent}".encode())

    def rows(self, *arguments: str) -> list[tuple[str, str, int]]:
        """The history: dictionary, word, how many."""
        done = self.mine("--json", *(arguments or ("--history",)))
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([set(row) for row in rows], [{"time", "dictionary", "word", "found"}] * len(rows))
        return [(row["dictionary"], row["word"], row["found"]) for row in rows]

    def test_history(self) -> None:
        """What is looked up is kept, found or not, by words and by stream; all of it, a number, a word."""
        self.assertEqual(self.mine("penguin", "crow's nest").returncode, 0)
        self.assertEqual(self.mine("-", sent='zzzz\na"b\\c\n').returncode, 20)
        expected = [
            ("animals", 'a"b\\c', 1),
            ("*", "zzzz", 0),
            ("animals", "crow's nest", 1),
            ("animals", "penguin", 2),
        ]
        self.assertEqual(self.rows(), expected)
        self.assertEqual(self.rows("--history", "2"), expected[:2])
        self.assertEqual(self.rows("--history", "penguin"), expected[3:])
        self.assertEqual(self.rows("--history", "5", "crow's nest"), expected[2:3])
        text = self.mine("--history").stdout.decode()
        self.assertRegex(text.splitlines()[3], r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  animals      2  penguin\Z")

    def test_more_history_than_a_page(self) -> None:
        """It comes in pages, each row once."""
        words = [f"word{number}" for number in range(1003)]
        self.mine("-C", "-", sent="".join(f"{word}\n" for word in words))
        self.assertEqual([word for _, word, _ in self.rows("--history", "1002")], words[:0:-1])
        self.assertEqual([word for _, word, _ in self.rows("--history", "9999")], words[::-1])
        self.assertEqual(len(self.rows("--history", "1001", "word7")), 1)

    def test_invite(self) -> None:
        """The code goes behind the password; this server wants none, and says how one registers."""
        done = self.dictc("--register", "bobby", "--code", "AAAA-BBBB", "--password-stdin", sent=b"correct-horse\n")
        self.assertIn(b"say REGISTER, a name and a password", done.stderr)
        self.assertEqual(self.dictc("--code", "AAAA-BBBB", "penguin").returncode, 2)

    def test_forget(self) -> None:
        """A word, a star that was looked up, everything."""
        self.mine("penguin", "*", "crow's nest", "zebra")
        self.assertEqual(self.mine("--forget", "crow's nest").stderr, b"1 look-ups forgotten\n")
        self.assertEqual([word for _, word, _ in self.rows()], ["zebra", "*", "penguin"])
        self.assertEqual(self.mine("--forget", "*", "--forget", "zebra").returncode, 0)
        self.assertEqual([word for _, word, _ in self.rows()], ["penguin"])
        self.assertEqual(self.mine("--forget-all").stderr, b"1 look-ups forgotten\n")
        self.assertEqual(self.rows(), [])

    def test_not_let_in(self) -> None:
        """A wrong password is 38 and nothing is looked up; a name that is taken is 1; no password is 2."""
        done = self.dictc("-u", self.name, "--password-stdin", "penguin", sent=b"wrong-horse\n")
        self.assertEqual((done.returncode, done.stdout), (38, b""))
        self.assertEqual(done.stderr, b"dictc: access denied, wrong name or password\n")
        done = self.dictc("--register", self.name, "--password-stdin", sent=b"other-horse\n")
        self.assertEqual((done.returncode, done.stderr), (1, b"dictc: this name is taken, please choose another\n"))
        done = self.dictc("--user", self.name, "--password-stdin", "penguin")
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        done = self.dictc("--login", self.name, "penguin")  # in a session without a terminal
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertIn(b"--password-stdin", done.stderr)

    def test_a_program_knows(self) -> None:
        """``--password-command``: its first line."""
        path = Path(self.mktemp()).absolute()
        path.write_text(f"{PASSWORD}\nlogin: {self.name}\n")
        done = self.dictc("-u", self.name, "--password-command", f"cat '{path}'", "--history", "1")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        for program in ("false", "/no/such/program", "'"):
            done = self.dictc("-u", self.name, "--password-command", program, "penguin")
            self.assertEqual((done.returncode, done.stdout, done.stderr.count(b"\n")), (2, b"", 1))

    def test_passwd(self) -> None:
        """The old one, then the new one."""
        done = self.mine("--passwd", sent="new horse\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.mine("penguin").returncode, 38)
        done = self.dictc("-u", self.name, "--password-stdin", "penguin", sent=b"new horse\n")
        until("the guesser's second to pass", lambda: self._in(b"new horse\n"))

    def _in(self, sent: bytes) -> bool:
        return self.dictc("-u", self.name, "--password-stdin", "penguin", sent=sent).returncode == 0

    def test_at_a_terminal(self) -> None:
        """It asks, shows nothing of what is typed, and the command line never has it."""
        where = ["-h", "127.0.0.1", "-p", str(ours().port)]
        terminal = Terminal.opened(Path(self.mktemp()).absolute(), [*where, "-u", self.name, "turkey"])
        self.addCleanup(terminal.close)
        terminal.expect(f"Password of {self.name}: ")
        line = Path(f"/proc/{terminal.process}/cmdline").read_bytes()
        self.assertNotIn(b"horse", line)
        terminal.type(f"{PASSWORD}\r")
        terminal.expect("see {penguin}\n")
        self.assertEqual(terminal.ended(), 0)
        self.assertNotIn(b"horse", terminal.seen)

    def test_register_at_a_terminal(self) -> None:
        """It asks twice, and two that differ change nothing; Ctrl-C and Ctrl-D leave."""
        where = ["-h", "127.0.0.1", "-p", str(ours().port), "--register", f"{self.name}x"]
        for keys, code, said in (
            (("one horse\r", "other horse\r"), 1, "two different passwords"),
            (("\x03",), 130, ""),
            (("\x04",), 2, "no password was given"),
            (("one horse\r", "one horse\r"), 0, "welcome"),
        ):
            terminal = Terminal.opened(Path(self.mktemp()).absolute(), where)
            self.addCleanup(terminal.close)
            for question, answer in zip((f"New password of {self.name}x: ", "The same again: "), keys, strict=False):
                terminal.expect(question)
                terminal.type(answer)
            self.assertEqual(terminal.ended(), code)
            self.assertIn(said.encode(), terminal.plain)
            self.assertNotIn(b"Traceback", terminal.plain)
            self.assertNotIn(b"horse", terminal.plain)


class WithoutAccounts(SynchronousTestCase):
    """Servers that know nothing of them."""

    def test_c_dictd(self) -> None:
        """One line, and the password is neither asked for nor sent."""
        port = peer().port
        for arguments in (("-u", "alice", "x"), ("--register", "alice"), ("-u", "alice", "--history")):
            done = dictc(*arguments, port=port)
            self.assertEqual((done.returncode, done.stdout), (35, b""))
            self.assertEqual(done.stderr.decode(), f"dictc: 127.0.0.1:{port} keeps no accounts\n")

    def test_the_password_stays(self) -> None:
        """A banner that only speaks of accounts in its text gets no password."""

        def script(server: Scripted, connection: socket.socket, number: int) -> None:
            connection.sendall(b"220 xaccount <mime.yaccount> <1.xaccount@x>\r\n250 ok\r\n")
            server.listen(connection, b"LOGIN")

        server = Scripted.started(script)
        self.addCleanup(server.stop)
        done = dictc("-u", "alice", "--password-stdin", "x", port=server.port, sent=b"correct-horse\n")
        self.assertEqual(done.returncode, 35)
        self.assertNotIn(b"horse", server.heard)

    def test_not_in_the_clear(self) -> None:
        """584 is shown as the server says it."""

        def script(server: Scripted, connection: socket.socket, number: int) -> None:
            connection.sendall(b"220 x <mime.xaccount> <1@x>\r\n250 ok\r\n")
            server.listen(connection, b"LOGIN")
            connection.sendall(b"584 this needs TLS, or the same machine as the server\r\n")

        server = Scripted.started(script)
        self.addCleanup(server.stop)
        done = dictc("-u", "alice", "--password-stdin", "x", port=server.port, sent=b"correct-horse\n")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertEqual(done.stderr, b"dictc: this needs TLS, or the same machine as the server\n")

    def test_no_option_takes_a_password(self) -> None:
        """Not even under the names that others use."""
        for option in ("--password", "-k", "--key", "--pass"):
            self.assertEqual(dictc("-u", "alice", option, "secret", "x").returncode, 2)
        self.assertNotIn("password", " ".join(command("x")))
