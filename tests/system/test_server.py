"""The whole server in its own process, with the programs people use."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from dictd.store.sqlite import ACCOUNTS_FILE
from tests.support.house import final_codes
from tests.support.programs import CHECKOUT, dictctl, environment, program, run
from tests.support.server import Caller, Server, twistd, until

WORDBOOK = """penguin\tn. a bird that swims\t企鹅
crow's nest\tn. a platform on a mast
a"b\\\\c\ta word that needs quoting
C++\ta language
你好\thello
ice cream\tn. frozen and sweet
"""


class Running(SynchronousTestCase):
    """A server with one small dictionary."""

    def setUp(self) -> None:
        self.state = Path(self.mktemp()).absolute()
        self.book("animals", WORDBOOK)
        self.server = Server.started(self.state)
        self.addCleanup(self.server.kill)

    def book(self, name: str, text: str) -> None:
        """Import a wordbook."""
        path = Path(self.mktemp()).absolute()
        path.write_text(text, "utf-8")
        done = dictctl(self.state, "import", str(path), "--name", name, "--title", f"Book of {name}")
        self.assertEqual(done.returncode, 0, done.stderr)

    @property
    def port(self) -> str:
        """The port, for command lines."""
        return str(self.server.port)


class RealClients(Running):
    """nc, dict and curl."""

    def test_nc(self) -> None:
        """What is piped into nc -N is answered to the last line, thirty times of thirty."""
        nc = program("nc")
        sent = b"Q penguin\nREGISTER n%d correct-horse\nQ ice cream\nH\nQ nothing\nSTATUS\n"
        for i in range(30):
            done = run([nc, "-N", "127.0.0.1", self.port], sent % i)
            banner, _, rest = done.stdout.partition(b"\r\n")
            self.assertTrue(banner.startswith(b"220 "))
            self.assertEqual(final_codes(rest), [250, 280, 250, 250, 552, 210])

    def test_nc_quit(self) -> None:
        """With QUIT in the middle nc gets all answers before it and no reset."""
        done = run([program("nc"), "127.0.0.1", self.port], b"SHOW DB\r\nQUIT\r\n" + b"STATUS\r\n" * 2000)
        self.assertEqual(final_codes(done.stdout.partition(b"\r\n")[2]), [250, 221])
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_nc_over_ipv6(self) -> None:
        """::1 is served on the same port."""
        if not socket.has_ipv6 or "[::1]" not in self.server.said.decode():
            return
        done = run([program("nc"), "-N", "::1", self.port], b"STATUS\r\n")
        self.assertEqual(final_codes(done.stdout.partition(b"\r\n")[2]), [210])

    def dict_(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """dict(1) against this server."""
        return run([program("dict"), "-P", "-", "-h", "127.0.0.1", "-p", self.port, *arguments])

    def test_dict_define(self) -> None:
        """A word, in the words of dict(1)."""
        done = self.dict_("penguin")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"1 definition found", done.stdout)
        self.assertIn(b"From Book of animals [animals]:", done.stdout)
        self.assertIn("企鹅".encode(), done.stdout)

    def test_dict_words_that_need_quoting(self) -> None:
        """Each is answered, found or not: dict(1) escapes nothing, so ``a"b\\c`` comes as abc, its loose key."""
        for word, code in {"crow's nest": 0, "C++": 0, "你好": 0, 'a"b\\c': 0, 'x"y\\z': 20, "": 20}.items():
            self.assertEqual(self.dict_(word).returncode, code, word)

    def test_dict_modes(self) -> None:
        """Match, databases, strategies, info, server, MIME, no match."""
        self.assertIn(b"animals:  penguin", self.dict_("-m", "-s", "prefix", "peng").stdout)
        self.assertIn(b"animals    Book of animals", self.dict_("-D").stdout)
        self.assertIn(b"prefix", self.dict_("-S").stdout)
        self.assertIn(b"Book of animals", self.dict_("-i", "animals").stdout)
        self.assertIn(b"HELP lists", self.dict_("-I").stdout)
        self.assertIn(b"penguin", self.dict_("-M", "penguin").stdout)
        self.assertIn(b"penguin", self.dict_("-d", "animals", "PENGUIN").stdout)
        missed, near = self.dict_("xyzzy"), self.dict_("pengiun")
        self.assertEqual((missed.returncode, near.returncode), (20, 21))
        self.assertIn(b'No definitions found for "xyzzy"', missed.stdout + missed.stderr)
        self.assertIn(b"animals:  penguin", near.stdout + near.stderr)

    def test_dict_with_a_key_nobody_gave(self) -> None:
        """AUTH is 531 and dict(1) goes on without."""
        done = self.dict_("-u", "joe", "-k", "secret", "penguin")
        self.assertIn(b"1 definition found", done.stdout)

    def test_curl(self) -> None:
        """curl's three forms, with a blank and a quote in the word."""
        curl = program("curl")
        for path, found in {
            "d:penguin": b'151 "penguin" animals',
            "d:crow's%20nest": b'151 "crow\'s nest" animals',
            "d:C++:animals": b'151 "C++" animals',
            "m:pengiun": b'animals "penguin"',
            "show:db": b'animals "Book of animals"',
        }.items():
            done = run([curl, "-s", "-m", "10", f"dict://127.0.0.1:{self.port}/{path}"])
            self.assertEqual(done.returncode, 0, path)
            self.assertIn(found, done.stdout, path)
            self.assertTrue(done.stdout.endswith(b"221 bye\r\n"), path)

    def test_one_write_an_answer(self) -> None:
        """The banner comes alone; an answer comes in one piece."""
        with socket.create_connection(("127.0.0.1", self.server.port), 10) as connection:
            banner = connection.recv(65536)
            self.assertTrue(banner.startswith(b"220 ") and banner.count(b"\n") == 1)
            for _ in range(20):
                connection.sendall(b"DEFINE * penguin\r\n")
                self.assertTrue(connection.recv(65536).endswith(b"250 ok\r\n"))


class Gone(Running):
    """Clients that ask much, read nothing and go."""

    def test_nobody_answers_them(self) -> None:
        """Their connections end, whatever they have asked: nothing is answered into the void."""
        self.book("many", "".join(f"a word that is long {number}\tx\n" for number in range(2000)))
        caller = self.server.connect()
        until("the dictionary to be served", lambda: caller.code("SHOW INFO many") == 250)
        asked = b"MATCH many all x\r\n" * 200_000
        for _ in range(2):
            address = "127.0.0.1", self.server.port
            with contextlib.suppress(TimeoutError), socket.create_connection(address, timeout=0.5) as client:
                client.sendall(asked)
        until("all others to be gone", lambda: " 1 of 3 connections" in caller.ask("STATUS")[0])
        answered = re.search(r"(\d+) commands", caller.ask("STATUS")[0])
        assert answered is not None
        self.assertLess(int(answered[1]), 5000)  # the sockets hold a few hundred answers


class Dictionaries(Running):
    """Dictionaries come and go while the server runs."""

    def test_import_replace_and_remove(self) -> None:
        """Within two seconds, and the connection never notices."""
        caller = self.server.connect()
        self.addCleanup(caller.close)
        self.assertEqual(caller.code("Q zebra"), 552)
        self.book("zoo", "zebra\tstriped\n")
        until("the new dictionary", lambda: caller.code("Q zebra") == 250, 2)
        self.assertEqual(caller.ask("SHOW DB")[0], "110 2 databases present")
        self.book("zoo", "zebra\tvery striped\n")
        until("the new edition", lambda: any("very striped" in line for line in caller.ask("Q zebra")), 2)
        self.assertEqual(dictctl(self.state, "remove", "zoo").returncode, 0)
        until("its end", lambda: caller.code("Q zebra") == 552, 2)
        self.assertEqual(caller.code("Q penguin"), 250)

    def test_lost_and_damaged_files_are_built_again(self) -> None:
        """The server goes on, the publisher says what it does and does it."""
        caller = self.server.connect()
        self.addCleanup(caller.close)
        (file,) = (self.state / "lexicon").glob("animals-*.lmdb")
        file.unlink()
        until("the file", lambda: self.server.logged("is built again") and file.exists())
        until("the word", lambda: caller.code("Q penguin") == 250)
        self.server.stop()
        file.write_bytes(b"\0" * file.stat().st_size)
        again = Server.started(self.state)
        self.addCleanup(again.kill)
        until("the file", lambda: again.logged("is damaged: it is built again"))
        caller = again.connect()
        self.addCleanup(caller.close)
        until("the word", lambda: caller.code("Q penguin") == 250, 5)

    def test_damaged_while_it_is_served(self) -> None:
        """One file goes bad: the others are served all the time, and it is built again without a restart."""
        self.book("zoo", "".join(f"zebra{n}\tstriped {n}\n" for n in range(2000)))
        caller = self.server.connect()
        self.addCleanup(caller.close)
        until("the new dictionary", lambda: caller.code("Q zebra7") == 250)
        (file,) = (self.state / "lexicon").glob("zoo-*.lmdb")
        with open(file, "r+b") as damaged:
            damaged.seek(8192)
            damaged.write(b"\0" * (file.stat().st_size - 8192))
        self.assertEqual(caller.code("Q penguin"), 250)
        until("the zebra", lambda: caller.code("Q zebra7") == 250, 10)
        self.assertEqual(caller.code("Q penguin"), 250)
        self.assertTrue(self.server.logged("is not served until it is built again"))
        self.assertNotIn(b"Traceback", self.server.said)

    def test_lexicon_deleted(self) -> None:
        """The lexicon is derived: without it the server builds it anew."""
        self.server.stop()
        for file in (self.state / "lexicon").iterdir():
            file.unlink()
        again = Server.started(self.state)
        self.addCleanup(again.kill)
        caller = again.connect()
        self.addCleanup(caller.close)
        until("the word", lambda: caller.code("Q penguin") == 250, 10)


class Starting(Running):
    """What is in the way is one line and exit code 1."""

    def refused(self, *arguments: str) -> str:
        """What a server says that cannot start."""
        done = subprocess.run(
            twistd("--pidfile=", "-n", "dictd", *arguments),
            capture_output=True,
            timeout=60,
            check=False,
            cwd=CHECKOUT,
            env=environment(),
        )
        self.assertEqual(done.returncode, 1, done)
        said = (done.stdout + done.stderr).decode()
        self.assertEqual(said.count("\n"), 1, said)
        return said

    def test_second_server_on_the_state(self) -> None:
        """It says which process has it."""
        said = self.refused("--state-dir", str(self.state), "--port", "0")
        self.assertIn(f"process {self.server.process.pid}", said)
        self.assertEqual(self.server.connect().code("STATUS"), 210)

    def test_port_taken_by_a_dict_server(self) -> None:
        """It says by whom and what to do."""
        said = self.refused("--state-dir", str(Path(self.mktemp()).absolute()), "--port", self.port)
        self.assertIn(f"port {self.port} of 127.0.0.1 is taken by a DICT server (dictd ", said)
        self.assertIn("--port", said)

    def test_port_taken_by_something_else(self) -> None:
        """Something that says nothing is only another program."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = str(other.getsockname()[1])
            said = self.refused("--state-dir", str(Path(self.mktemp()).absolute()), "--port", port)
        self.assertIn("is taken by another program", said)

    def test_settings_with_faults(self) -> None:
        """Every fault with its line; several faults are several lines, so this has one."""
        path = Path(self.mktemp()).absolute()
        path.write_text("[listen]\nprot = 1\n", "utf-8")
        said = self.refused("--config", str(path), "--state-dir", str(self.state))
        self.assertIn(f"{path}:2: unknown key listen.prot", said)

    def test_mysql(self) -> None:
        """A store that cannot be one is refused with a plain sentence."""
        for url, sentence in (
            ("mysql://localhost/dictd", "must say as which user"),
            ("mysql://dictd:secret@localhost/dictd", "must not hold a password"),
            ("postgres://dictd@localhost/dictd", 'must be "sqlite" or mysql://'),
        ):
            said = self.refused("--store", url, "--state-dir", str(self.state))
            self.assertIn(sentence, said)
            self.assertNotIn("secret", said)

    def test_workers(self) -> None:
        """A number, or auto."""
        self.assertIn("listen.workers", self.refused("--workers", "many", "--state-dir", str(self.state)))

    def test_state_directory_that_cannot_be(self) -> None:
        """A path below a file."""
        path = Path(self.mktemp()).absolute()
        path.write_text("x")
        self.assertIn("--state-dir", self.refused("--state-dir", str(path / "below")))

    def test_database_of_a_newer_program(self) -> None:
        """A schema that this program does not know is left alone."""
        state = Path(self.mktemp()).absolute()
        self.assertEqual(dictctl(state, "list").returncode, 0)
        with sqlite3.connect(state / "store" / "dictionaries.sqlite") as connection:
            connection.execute("INSERT INTO schema_version VALUES ('dictionaries', 999, 0)")
        self.assertIn("newer dictd", self.refused("--state-dir", str(state), "--port", "0"))

    def test_daemonised(self) -> None:
        """Without -n it goes into the background, serves, and stops; a second start fails before it does."""
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        state = directory / "state"
        arguments = (f"--pidfile={directory}/pid", f"--logfile={directory}/log", "dictd", "--state-dir", str(state))
        done = run_here(twistd(*arguments, "--port", "0"))
        self.assertEqual(done.returncode, 0, done.stderr)
        until("the pidfile", lambda: (directory / "pid").exists() and (directory / "pid").read_text().strip() != "")
        pid = int((directory / "pid").read_text())
        self.addCleanup(_end, pid)
        until("the log", lambda: b"listening on" in (directory / "log").read_bytes())
        again = run_here(twistd(f"--pidfile={directory}/pid2", *arguments[1:], "--port", "0"))
        self.assertEqual(again.returncode, 1)
        self.assertIn(f"process {pid}".encode(), again.stderr + again.stdout)
        self.assertFalse((directory / "pid2").exists())
        os.kill(pid, signal.SIGTERM)
        until("its end", lambda: not (directory / "pid").exists())


class Signals(Running):
    """Stopping, and what must not stop it."""

    def test_hangup(self) -> None:
        """SIGHUP does not kill it."""
        self.server.signal(signal.SIGHUP)
        until("the log", lambda: self.server.logged("SIGHUP"))
        self.assertEqual(self.server.connect().code("Q penguin"), 250)

    def test_clean_stop(self) -> None:
        """Open connections hear 421, the history is written, no process is left, nothing is unhandled."""
        caller = self.server.connect()
        self.assertEqual(caller.code("REGISTER alice correct-horse"), 280)
        self.assertEqual(caller.code("Q penguin"), 250)
        self.server.stop()
        self.assertTrue(caller.rest().startswith(b"421 "))
        self.assertNotIn(b"Traceback", self.server.said)
        self.assertNotIn(b"Unhandled", self.server.said)
        self.assertIn(b"good bye", self.server.said)
        until("the publisher's end", lambda: not _publishers(self.state))

    def test_control_c(self) -> None:
        """Ctrl-C in a terminal goes to all processes of the server; none complains."""
        for pid in (self.server.process.pid, *_publishers(self.state)):
            os.kill(pid, signal.SIGINT)
        self.server.process.wait(30)
        self.server.stop()
        self.assertNotIn(b"Traceback", self.server.said)

    def test_publisher_dies_with_the_server(self) -> None:
        """kill -9 of the server leaves nobody behind, and a new server starts at once."""
        until("the publisher", lambda: bool(_publishers(self.state)))
        self.server.kill()
        again = Server.started(self.state, port=self.server.port)
        self.addCleanup(again.kill)
        self.assertEqual(again.connect().code("Q penguin"), 250)
        until("one publisher", lambda: len(_publishers(self.state)) == 1)

    def test_publisher_is_started_again(self) -> None:
        """kill -9 of the publisher: another one does its work."""
        until("the publisher", lambda: bool(_publishers(self.state)))
        (first,) = _publishers(self.state)
        os.kill(first, signal.SIGKILL)
        until("another", lambda: bool(_publishers(self.state)) and _publishers(self.state) != [first])


class KilledUnderLoad(Running):
    """Answered means kept: kill -9 under the load of logged-in clients."""

    CLIENTS, ROUNDS, PIPELINED = 12, 3, 8

    def test_nothing_answered_is_lost(self) -> None:
        """Every look-up whose last line a client has read is in the history, and none is there twice."""
        answered: list[str] = []
        for round_ in range(self.ROUNDS):
            if round_:
                self.server = Server.started(self.state)
                self.addCleanup(self.server.kill)
            answered += self.round(round_)
        with sqlite3.connect(self.state / "store" / ACCOUNTS_FILE) as connection:
            rows = [word for (word,) in connection.execute("SELECT word FROM hist")]
        self.assertGreater(len(answered), 100)
        self.assertEqual(set(answered) - set(rows), set())
        self.assertEqual(len(rows), len(set(rows)))

    def round(self, number: int) -> list[str]:
        """Load until the server is killed; the words whose answers were read to the end."""
        callers = [self.server.connect() for _ in range(self.CLIENTS)]
        for i, caller in enumerate(callers):
            verb = "LOGIN" if number else "REGISTER"
            self.assertIn(caller.code(f"{verb} user{i} correct-horse"), (230, 280))
        answered: list[list[str]] = [[] for _ in callers]
        threads = [
            threading.Thread(target=self.load, args=(caller, f"w{number}-{i}-", answered[i]))
            for i, caller in enumerate(callers)
        ]
        for thread in threads:
            thread.start()
        until("some load", lambda: sum(map(len, answered)) > 400)
        self.server.kill()
        for thread in threads:
            thread.join(30)
        return [word for words in answered for word in words]

    def load(self, caller: Caller, prefix: str, answered: list[str]) -> None:
        """Look words up, some at a time, until the connection ends."""
        with contextlib.suppress(OSError, EOFError):
            for n in range(0, 1_000_000, self.PIPELINED):
                words = [f"{prefix}{n + i}" for i in range(self.PIPELINED)]
                caller.connection.sendall("".join(f"DEFINE * {word}\r\n" for word in words).encode())
                answered.extend(word for word in words if caller.line() == "552 no match")


class Installing(SynchronousTestCase):
    """What pip installs."""

    def test_plugin_is_listed(self) -> None:
        """A plain and an editable install both let twistd know of dictd, and leave Twisted whole."""
        for how in ((), ("-e",)):
            directory = Path(self.mktemp()).absolute()
            source = directory / "source"
            self.copy(source)
            # The packages of these tests, and beside them only what this install puts there.
            made = run([sys.executable, "-m", "venv", "--without-pip", str(directory / "venv")], seconds=120)
            self.assertEqual(made.returncode, 0, made.stderr)
            python = str(directory / "venv" / "bin" / "python")
            (site,) = (directory / "venv" / "lib").glob("python*/site-packages")
            pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "install", "-q"]
            done = run([*pip, "--no-deps", *how, str(source)], seconds=300)
            self.assertEqual(done.returncode, 0, done.stderr)
            ours = next(path for path in map(Path, sys.path) if (path / "twisted" / "__init__.py").exists())
            (site / "tests-packages.pth").write_text(f"{ours}\n")
            listed = run_there([python, "-c", "from twisted.scripts.twistd import run; run()", "--help"], directory)
            self.assertRegex(listed.stdout.decode(), r"(?m)^\s+dictd ", listed.stderr)
            where = run_there([python, "-c", "import dictd; print(dictd.__file__)"], directory)
            self.assertTrue(Path(where.stdout.decode().strip()).is_relative_to(directory), where)
            code = "from dictd.store import schema, dialect; print(len(schema.migrations('accounts', dialect.SQLITE)))"
            self.assertGreaterEqual(int(run_there([python, "-c", code], directory).stdout), 1)

    def copy(self, directory: Path) -> None:
        """This checkout's files, without what is not in it."""
        listed = run(["git", "-C", str(CHECKOUT), "ls-files", "-co", "--exclude-standard"])
        self.assertEqual(listed.returncode, 0, listed.stderr)
        for name in listed.stdout.decode().splitlines():
            if (
                re.match(r"(dictd|twisted|clients)/|setup\.py|pyproject\.toml|README\.rst", name)
                and (CHECKOUT / name).exists()
            ):
                (directory / name).parent.mkdir(parents=True, exist_ok=True)
                (directory / name).write_bytes((CHECKOUT / name).read_bytes())


def run_here(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Run a program of this checkout."""
    return subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=CHECKOUT, env=environment())


def run_there(command: list[str], directory: Path) -> subprocess.CompletedProcess[bytes]:
    """Run a program that knows nothing of this checkout."""
    bare = {name: value for name, value in environment().items() if name != "PYTHONPATH"}
    return subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=directory, env=bare)


def _publishers(state: Path) -> list[int]:
    """The publishers that work on a state directory."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                command = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"dictd.processes.publish" in command and str(state).encode() in command:
                found.append(int(process.name))
    return found


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
