"""The prompt, on a real terminal."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.clients.runs import Scripted, Terminal, environment, ours, peer
from tests.clients.test_accounts import _NUMBERS, PASSWORD
from tests.support.programs import dictctl
from tests.support.server import Server, until

READY = "dictc>"


class AtATerminal(SynchronousTestCase):
    """dictc on a terminal."""

    def setUp(self) -> None:
        self.state = Path(self.mktemp()).absolute()

    def open(self, *arguments: str, port: int | None = None, variables: dict[str, str] | None = None) -> Terminal:
        """The prompt, ready."""
        where = ["-h", "127.0.0.1", "-p", str(ours().port if port is None else port)]
        terminal = Terminal.opened(self.state, [*where, *arguments], variables)
        self.addCleanup(terminal.close)
        return terminal

    def leave(self, terminal: Terminal) -> None:
        """Ctrl-D; nothing went wrong."""
        terminal.type("\x04")
        self.assertEqual(terminal.ended(), 0)
        self.assertNotIn(b"Traceback", terminal.plain)
        self.assertNotIn(b"Warning", terminal.plain)

    @property
    def kept(self) -> list[str]:
        """The history file."""
        return (self.state / "dictc" / "history").read_text().splitlines()


class Prompt(AtATerminal):
    """dictc without words."""

    def test_words(self) -> None:
        """Found, missed, suggested; Ctrl-C clears the line; what was typed is kept, for the owner alone."""
        terminal = self.open()
        terminal.expect(f"127.0.0.1:{ours().port}; a word looks it up")
        terminal.expect(READY)
        terminal.type("crow's nest\r")
        self.assertIn("1 definition found\n\nFrom Book of animals [animals]:\n", terminal.expect("on a mast\n"))
        terminal.expect(READY)
        terminal.type("zzzz\r")
        terminal.expect('No definitions found for "zzzz"\n')
        terminal.expect(READY)
        terminal.type("zebra\x03")
        terminal.expect(f"{READY} zebra")  # drawn once more before the next
        terminal.expect(READY)
        terminal.type("pengui\r")
        terminal.expect("perhaps you mean:\nanimals:  penguin\nzoo:  penguin\n")
        terminal.expect(READY)
        self.leave(terminal)
        self.assertEqual(self.kept, ["crow's nest", "zzzz", "pengui"])
        path = self.state / "dictc" / "history"
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(path.parent.stat().st_mode), 0o700)
        again = self.open()
        again.expect(READY)
        again.type("\x1b[A\x1b[A\r")  # up, up: the line before the last
        again.expect('No definitions found for "zzzz"\n')
        again.expect(READY)
        again.type(":quit\r")
        self.assertEqual(again.ended(), 0)

    def test_completion(self) -> None:
        """Headwords while typing, each once; commands after a colon."""
        for port in (ours().port, peer().port):
            terminal = self.open(port=port)
            terminal.expect(READY)
            terminal.type("pengu")
            terminal.expect("penguin")
            terminal.type("\t\r")
            terminal.expect("From ")
            terminal.expect(READY)
            terminal.type(":wh")
            terminal.expect("who you are here")
            terminal.type("\x03")
            terminal.expect(READY)
            self.leave(terminal)

    def test_a_server_too_slow_to_complete(self) -> None:
        """Typing goes on, and the look-up too."""

        def script(server: Scripted, connection: socket.socket, number: int) -> None:
            connection.sendall(b"220 x <1@x>\r\n" + (b"250 ok\r\n" if number == 0 else b""))
            if number == 0 and server.listen(connection, b"DEFINE"):
                connection.sendall(b'150 1 x\r\n151 "a" b "c"\r\nthe answer\r\n.\r\n250 ok\r\n')
            server.stopped.wait()

        server = Scripted.started(script)
        self.addCleanup(server.stop)
        terminal = self.open(port=server.port)
        terminal.expect(READY)
        terminal.type("peng")
        until("the completion to be asked for", lambda: server.clients == 2)
        terminal.type("uin\r")
        terminal.expect("the answer\n")
        terminal.expect(READY)
        self.assertIn(b"DEFINE * penguin\r\n", server.heard)
        self.leave(terminal)

    def test_commands(self) -> None:
        """:help, :db, :match, :strategies, :info, :server, and one that does not exist."""
        terminal = self.open()
        for typed, shown in (
            (":help", ":history [N [WORD]]"),
            (":db", " animals       Book of animals\n"),
            (":db nosuch", "nosuch is not a valid database"),
            (":match prefix zebr", "zoo:  zebra\n"),
            (":match prefix", ":match needs a strategy and a word"),
            (":match nosuch x", "nosuch is not a valid search strategy"),
            (":strategies", " prefix     "),
            (":info zoo", "Book of zoo"),
            (":server", "HELP lists what you can say."),
            (":whoami", "you are not logged in"),
            (":history", "access denied"),
            (":nosuch", "there is no :nosuch; :help"),
            (":db zoo", "words are looked up in zoo"),
            ("turkey", 'No definitions found for "turkey"'),
            ("zebra", "From Book of zoo [zoo]:"),
        ):
            terminal.expect(READY)
            terminal.type(f"{typed}\r")
            terminal.expect(shown)
        terminal.expect(READY)
        terminal.type("##\r")
        self.assertEqual(terminal.ended(), 0)

    def test_an_account(self) -> None:
        """Register, look up, history, forget, log out, log in; no secret is shown or kept."""
        name = f"carol{os.getpid()}-{next(_NUMBERS)}"
        mine = f"{name}>"
        terminal = self.open()
        terminal.expect(READY)
        terminal.type(f":register {name}\r")
        terminal.expect(f"New password of {name}: ")
        terminal.type(f"{PASSWORD}\r")
        terminal.expect("The same again: ")
        terminal.type(f"{PASSWORD}\r")
        terminal.expect(f"welcome, {name}")
        for typed, shown in (
            ("turkey", "see {penguin}"),
            ("zebra", "striped"),
            (":whoami", f"you are {name}"),
            (":history", "1  turkey\n"),
            (":history 1", "1  zebra\n"),
            (":history 5 turkey", "1  turkey\n"),
            (":forget", ":forget needs a word"),
            (":forget turkey", "1 look-ups forgotten"),
            (f":login {name} {PASSWORD}", ":login takes a name and nothing else"),
            (":forget *", "1 look-ups forgotten"),
        ):
            terminal.expect(mine)
            terminal.type(f"{typed}\r")
            terminal.expect(shown)
            if typed == ":forget turkey":
                self.assertEqual(self.kept, ["zebra", ":whoami", ":history", ":history 1", ":history 5 turkey"])
        terminal.expect(mine)
        self.assertEqual(self.kept, [])
        terminal.type(":passwd\r")
        terminal.expect(f"Password of {name}: ")
        terminal.type("\x03")
        terminal.expect(READY)
        terminal.type(f":login {name}\r")
        terminal.expect("Password of")
        terminal.type(f"{PASSWORD}\r")
        terminal.expect(mine)
        terminal.type(":logout\r")
        terminal.expect(f"good bye, {name}")
        terminal.expect(READY)
        self.leave(terminal)
        self.assertEqual(self.kept, [":logout"])
        self.assertNotIn(b"horse", terminal.plain.replace(f":login {name} {PASSWORD}".encode(), b""))

    def test_as_a_user(self) -> None:
        """``dictc -u NAME``: logged in from the start."""
        name = f"dave{os.getpid()}-{next(_NUMBERS)}"
        terminal = self.open("--register", name)
        for question in ("New password", "The same again"):
            terminal.expect(question)
            terminal.type(f"{PASSWORD}\r")
        self.assertEqual(terminal.ended(), 0)
        terminal = self.open("-u", name)
        terminal.expect("Password of")
        terminal.type(f"{PASSWORD}\r")
        terminal.expect(f"{name}>")
        self.leave(terminal)

    def test_no_accounts(self) -> None:
        """C dictd."""
        terminal = self.open(port=peer().port)
        for typed in (":login x", ":register x", ":history", ":whoami"):
            terminal.expect(READY)
            terminal.type(f"{typed}\r")
            terminal.expect("keeps no accounts")
        terminal.expect(READY)
        self.leave(terminal)

    def test_a_server_that_comes_back(self) -> None:
        """After a restart it connects anew, once, and says that nobody is logged in any more."""
        state = Path(self.mktemp()).absolute()
        book = Path(self.mktemp()).absolute()
        book.write_text("turkey\ta bird\n")
        self.assertEqual(dictctl(state, "import", str(book), "--name", "birds", "--title", "Birds").returncode, 0)
        server = Server.started(state)
        self.addCleanup(lambda: server.kill())
        terminal = self.open(port=server.port)
        terminal.expect(READY)
        terminal.type(":register erin\r")
        for question in ("New password", "The same again"):
            terminal.expect(question)
            terminal.type(f"{PASSWORD}\r")
        terminal.expect("erin>")
        server.stop()
        terminal.type("turkey\r")
        terminal.expect("you are no longer logged in; :login erin")
        terminal.expect("cannot reach 127.0.0.1:")
        terminal.expect(READY)
        server = Server.started(state, port=server.port)
        terminal.type("turkey\r")
        terminal.expect("a bird\n")
        terminal.expect(READY)
        self.leave(terminal)

    def test_interrupted(self) -> None:
        """Ctrl-C while the server thinks: the prompt comes back, and the late answer belongs to nobody."""

        def script(server: Scripted, connection: socket.socket, number: int) -> None:
            connection.sendall(b"220 x <1@x>\r\n250 ok\r\n")
            if server.listen(connection, b"DEFINE * second"):
                connection.sendall(b'150 1 x\r\n151 "a" b "c"\r\nsecond answer\r\n.\r\n250 ok\r\n')
            server.stopped.wait()

        server = Scripted.started(script)
        self.addCleanup(server.stop)
        terminal = self.open("--timeout", "60", port=server.port)
        terminal.expect(READY)
        terminal.type("first\r")
        until("the question", lambda: b"DEFINE * first" in server.heard)
        terminal.type("\x03")
        terminal.expect("interrupted\n")
        terminal.expect(READY)
        terminal.type("second\r")
        terminal.expect("second answer\n")
        terminal.expect(READY)
        self.leave(terminal)

    def test_a_dead_connection(self) -> None:
        """A server that drops the connection when it is asked is asked once more."""

        def script(server: Scripted, connection: socket.socket, number: int) -> None:
            connection.sendall(b"220 x <1@x>\r\n250 ok\r\n")
            if server.listen(connection, b"DEFINE") and number:
                connection.sendall(b'150 1 x\r\n151 "a" b "c"\r\nsecond answer\r\n.\r\n250 ok\r\n')

        server = Scripted.started(script)
        self.addCleanup(server.stop)
        terminal = self.open(port=server.port)
        terminal.expect(READY)
        terminal.type("x\r")  # too short to complete
        terminal.expect("second answer\n")
        terminal.expect(READY)
        self.leave(terminal)

    def test_pasted(self) -> None:
        """Several lines that are pasted are several words."""
        terminal = self.open()
        terminal.expect(READY)
        terminal.type("\x1b[200~zebra\nturkey\x1b[201~\r")
        terminal.expect("striped\n")
        terminal.expect("see {penguin}\n")
        terminal.expect(READY)
        self.leave(terminal)

    def test_no_server(self) -> None:
        """41 and one line, no prompt."""
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            terminal = self.open(port=bound.getsockname()[1])
            self.assertEqual(terminal.ended(), 41)
        self.assertRegex(terminal.plain.decode(), r"\Adictc: cannot reach .* --server names another\n\Z")

    def test_without_prompt_toolkit(self) -> None:
        """One line says what to install."""
        source = (
            "import sys; sys.modules['prompt_toolkit'] = None\n"
            "from dictc.troubles import Trouble\n"
            "try: import dictc.prompt\n"
            "except Trouble as trouble: print(trouble.text)"
        )
        done = subprocess.run(
            [sys.executable, "-c", source], capture_output=True, env=environment(), timeout=60, check=False
        )
        self.assertEqual(done.stdout, b"the prompt needs prompt_toolkit: pip install 'dictd[client]'\n", done.stderr)

    def test_a_history_that_cannot_be_kept(self) -> None:
        """Where no file can be written the prompt goes on without."""
        self.state.write_text("a file, not a directory")
        terminal = self.open()
        terminal.expect(READY)
        terminal.type("turkey\r")
        terminal.expect("see {penguin}\n")
        terminal.expect(READY)
        self.leave(terminal)


class Pages(AtATerminal):
    """One look-up on a terminal: pager and colour."""

    def test_pager(self) -> None:
        """Only for what is longer than the screen; DICTD_PAGER before PAGER, - and cat are none."""
        program = "sh -c 'echo PAGED; cat'"
        for arguments, variables, paged in (
            (["long"], {"PAGER": program}, True),
            (["long"], {"PAGER": "cat", "DICTD_PAGER": program}, True),
            (["long"], {"PAGER": program, "DICTD_PAGER": "cat"}, False),
            (["-P", "-", "long"], {"PAGER": program}, False),
            (["long"], {"PAGER": "/no/such/program"}, False),
            (["turkey"], {"PAGER": program}, False),
            (["turkey", "zzzz", "long"], {"PAGER": program}, True),
        ):
            terminal = self.open(*arguments, variables=variables)
            self.assertEqual(terminal.ended(), 20 if "zzzz" in arguments else 0)
            self.assertEqual(b"PAGED\n" in terminal.plain, paged, (arguments, variables))
            if "long" in arguments:
                self.assertIn(b"line 59\n", terminal.plain)
            if "zzzz" in arguments:
                order = [terminal.plain.index(text) for text in (b"PAGED", b"see {penguin}", b"zzzz", b"line 59")]
                self.assertEqual(order, sorted(order))

    def test_less(self) -> None:
        """The usual pager is less, and q leaves it."""
        terminal = self.open("long")
        terminal.expect("line 17\n")
        terminal.type("q")
        self.assertEqual(terminal.ended(), 0)
        self.assertNotIn(b"line 40", terminal.plain)

    def test_colour(self) -> None:
        """On a terminal, but for NO_COLOR, --color=never and a dumb one."""
        for arguments, variables, coloured in (
            ([], {}, True),
            ([], {"NO_COLOR": "1"}, False),
            (["--color=always"], {"NO_COLOR": "1"}, True),
            (["--color", "never"], {}, False),
            ([], {"TERM": "dumb"}, False),
            (["--json"], {}, False),
        ):
            terminal = self.open(*arguments, "turkey", variables=variables)
            self.assertEqual(terminal.ended(), 0)
            self.assertEqual(b"\x1b[" in terminal.seen, coloured, (arguments, variables))
            if coloured:
                self.assertIn(b"\x1b[1mFrom Book of animals [animals]:\x1b[0m", terminal.seen)
                self.assertIn(b"\x1b[4m{penguin}\x1b[0m", terminal.seen)
