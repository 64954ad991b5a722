"""dictc in pipes: words from standard input, JSON, readers that leave, servers that misbehave."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

from twisted.trial.unittest import SynchronousTestCase

from tests.clients.runs import Scripted, command, dictc, environment, ours, peer
from tests.support.programs import CHECKOUT
from tests.support.server import until

BANNER = b"220 scripted <1@x>\r\n250 ok\r\n"


class Streams(SynchronousTestCase):
    """Words from standard input."""

    def test_words(self) -> None:
        """One a line, blank ones left out, LF or CRLF, with or without an end to the last."""
        for sent in (b"penguin\nturkey\n", b"\xef\xbb\xbfpenguin\r\n\r\n  turkey  \r\n", b"\n\npenguin\nturkey"):
            for arguments in (("-",), ()):
                done = dictc(*arguments, port=ours().port, sent=sent)
                self.assertEqual(done.stdout, dictc("penguin", "turkey", port=ours().port).stdout)
                self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_a_dash_that_is_a_word(self) -> None:
        """After -- it is looked up."""
        done = dictc("--", "-", port=ours().port, sent=b"penguin\n")
        self.assertEqual(done.returncode, 21)
        self.assertTrue(done.stderr.startswith(b'No definitions found for "-", perhaps you mean:\n'), done.stderr)

    def test_thousands(self) -> None:
        """Ten thousand words, found, missed, suggested: each is answered, in its order."""
        words = [
            f"{word}{number if word == 'zzz' else ''}"
            for number in range(2500)
            for word in ("penguin", "zzz", "pen0", "C++")
        ]
        done = dictc("--json", "-", port=ours().port, sent="\n".join(words).encode())
        got = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([one["query"] for one in got], words)
        self.assertEqual([one["found"] for one in got], [True, False, False, True] * 2500)
        self.assertEqual(done.returncode, 20)
        self.assertEqual({bool(one["suggestions"]) for one in got if one["query"] == "pen0"}, {True})

    def test_more_than_c_dictd_answers(self) -> None:
        """C dictd closes after 2,000 questions; it is asked on."""
        words = ["penguin", "crow"] * 1500
        done = dictc("--json", "-", port=peer().port, sent="\n".join(words).encode())
        got = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual([one["query"] for one in got], words)
        self.assertTrue(all(one["found"] for one in got))

    def test_an_answer_at_once(self) -> None:
        """A word is answered before the next one comes."""
        process = subprocess.Popen(
            command("-p", str(ours().port), "-h", "127.0.0.1", "-"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
        )
        assert process.stdin is not None and process.stdout is not None
        with process:
            for word in (b"turkey", b"C++"):
                process.stdin.write(word + b"\n")
                process.stdin.flush()
                self.assertEqual(process.stdout.readline(), b"1 definition found\n")
                for _ in range(5):
                    process.stdout.readline()
            process.stdin.close()
        self.assertEqual(process.returncode, 0)

    def test_words_that_cannot_be_asked(self) -> None:
        """Too long, or with control characters: said, and the others go on."""
        sent = b"turkey\n" + b"x" * 200_000 + b"\nC\x01\nC++\n"
        done = dictc("-", port=ours().port, sent=sent)
        self.assertEqual(done.stdout, dictc("turkey", "C++", port=ours().port).stdout)
        self.assertEqual(
            done.stderr.decode(),
            "dictc: this is longer than a word can be\ndictc: control characters cannot be looked up or sent\n",
        )
        self.assertEqual(done.returncode, 34)

    def test_a_reader_that_leaves(self) -> None:
        """``| head -1`` ends it quietly."""
        for arguments in ("penguin", "--json -", "--match prefix pen"):
            program = " ".join(command("-h", "127.0.0.1", "-p", str(ours().port), arguments))
            line = f"yes penguin | head -50000 | {program} | head -1"
            done = subprocess.run(line, shell=True, capture_output=True, timeout=60, env=environment(), check=False)  # noqa: S602
            self.assertEqual(done.stderr, b"", arguments)
            self.assertEqual(done.stdout.count(b"\n"), 1)

    def test_a_full_disk(self) -> None:
        """One line; and with standard output or input closed it does what it can."""
        program = " ".join(command("-h", "127.0.0.1", "-p", str(ours().port)))
        for line, code, said in (
            (f"{program} penguin >/dev/full", 1, b"dictc: cannot write: No space left on device\n"),
            (f"{program} penguin >&-", 1, b"dictc: standard output is closed\n"),
            (f"{program} penguin <&- >/dev/null", 0, b""),
        ):
            done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=60, env=environment(), check=False)
            self.assertEqual((done.returncode, done.stderr), (code, said), line)

    def test_interrupted(self) -> None:
        """Ctrl-C ends it with 130 and no traceback, while it waits for words and while it waits for a server."""

        def script(server: Scripted, connection: socket.socket, number: int) -> None:
            server.stopped.wait()

        silent = Scripted.started(script)
        self.addCleanup(silent.stop)
        for port, arguments in ((ours().port, ["-"]), (silent.port, ["--timeout", "60", "penguin"])):
            process = subprocess.Popen(
                command("-h", "127.0.0.1", "-p", str(port), *arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(),
            )
            self.addCleanup(process.kill)
            # Connected is what it is when its socket is there.
            folder = f"/proc/{process.pid}/fd"
            until("a connection", lambda folder=folder: any("socket" in link for link in _links(folder)))  # type: ignore[misc]
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=20)
            self.assertEqual((process.returncode, out, errors), (130, b"", b""))


def _links(folder: str) -> list[str]:
    links = []
    for name in os.listdir(folder):
        try:
            links.append(os.readlink(f"{folder}/{name}"))
        except OSError:
            continue
    return links


class Json(SynchronousTestCase):
    """``--json``."""

    def objects(self, *arguments: str) -> list[dict[str, object]]:
        """What comes, line by line."""
        return [json.loads(line) for line in dictc("--json", *arguments, port=ours().port).stdout.splitlines()]

    def test_definitions(self) -> None:
        """One object a word, text as it is."""
        (found, missed) = self.objects("turkey", "penguins")
        self.assertEqual(
            found,
            {
                "query": "turkey",
                "found": True,
                "entries": [
                    {
                        "dictionary": "animals",
                        "title": "Book of animals",
                        "headword": "turkey",
                        "definition": "turkey\n    n. see {penguin}",
                    }
                ],
                "suggestions": [],
            },
        )
        self.assertEqual((missed["found"], missed["entries"]), (False, []))
        (close,) = self.objects("pengui")
        self.assertIn({"dictionary": "zoo", "headword": "penguin"}, close["suggestions"])

    def test_matches(self) -> None:
        """One object a word."""
        (found, none) = self.objects("--match", "prefix", "penguin", "zzzz")
        self.assertEqual(
            found,
            {
                "query": "penguin",
                "strategy": "prefix",
                "matches": [{"dictionary": name, "headword": "penguin"} for name in ("animals", "zoo")],
            },
        )
        self.assertEqual(none, {"query": "zzzz", "strategy": "prefix", "matches": []})

    def test_lists(self) -> None:
        """Databases, a text."""
        self.assertEqual(self.objects("-D")[0], {"name": "animals", "title": "Book of animals"})
        (text,) = self.objects("-I")
        self.assertIn("HELP lists", str(text["server"]))

    def test_exit_codes(self) -> None:
        """The same as without; errors go to standard error all the same."""
        for arguments, code in ((("turkey",), 0), (("zzzz",), 20), (("pengui",), 21), (("-d", "nosuch", "x"), 39)):
            done = dictc("--json", *arguments, port=ours().port)
            self.assertEqual(done.returncode, code)
            self.assertEqual(bool(done.stderr), code == 39)


class Misbehaving(SynchronousTestCase):
    """Servers that nobody should have."""

    def against(
        self, *sent: bytes, wait: bool = False, arguments: tuple[str, ...] = ("penguin",)
    ) -> subprocess.CompletedProcess[bytes]:
        """dictc with a server that sends something to whoever asks, and closes."""

        def script(server: Scripted, connection: socket.socket, number: int) -> None:
            server.listen(connection, b"\n")
            for piece in sent:
                connection.sendall(piece)
            if wait:
                server.stopped.wait()

        self.server = Scripted.started(script)
        try:
            return dictc("--timeout", "1", *arguments, port=self.server.port)
        finally:
            self.server.stop()

    def one_line(self, done: subprocess.CompletedProcess[bytes], code: int, *words: str) -> None:
        """One line, nothing else, and the exit code."""
        self.assertEqual((done.returncode, done.stdout, done.stderr.count(b"\n")), (code, b"", 1), done.stderr)
        for word in ("dictc: ", *words):
            self.assertIn(word, done.stderr.decode())

    def test_silent(self) -> None:
        """It is waited for no longer than was said."""
        started = time.monotonic()
        self.one_line(self.against(wait=True), 41, "has not answered for 1 s")
        self.assertLess(time.monotonic() - started, 5)

    def test_closes(self) -> None:
        """Before the banner, after it, in the middle of a text."""
        for sent in (b"", b"220 x\r\n", BANNER, BANNER + b'150 1 x\r\n151 "a" b "c"\r\nhalf a'):
            self.one_line(self.against(sent), 41, "closed the connection")

    def test_garbage(self) -> None:
        """HTTP, noise, a reply of another kind, a reply from another verb."""
        for sent in (
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"\xff\xfe\0\r\n",
            BANNER + b"garbage\r\n",
            b"354 go on\r\n",
            BANNER + b"331 pass\r\n",
        ):
            self.one_line(self.against(sent), 30)

    def test_refusals(self) -> None:
        """Each code has its exit code, and the words of the server."""
        for code, exit in {
            420: 31,
            421: 32,
            500: 33,
            501: 34,
            502: 35,
            503: 36,
            530: 37,
            531: 38,
            554: 22,
            599: 30,
        }.items():
            self.one_line(
                self.against(BANNER + b"%d told you so\r\n" % code), exit, "" if code == 554 else "told you so"
            )
            if code in (420, 421, 530):
                self.one_line(self.against(b"%d told you so\r\n" % code), exit, "told you so")

    def test_endless_line(self) -> None:
        """A line that never ends."""
        self.one_line(self.against(BANNER, b"250 " + b"x" * (1 << 21)), 30, "more than an answer can be")

    def test_trickle(self) -> None:
        """A reply that comes a little at a time, for ever."""

        def script(server: Scripted, connection: socket.socket, number: int) -> None:
            connection.sendall(BANNER + b"112 text\r\n")
            while not server.stopped.wait(0.05):
                connection.sendall(b"x\r\n")

        server = Scripted.started(script)
        self.addCleanup(server.stop)
        self.one_line(dictc("--timeout", "0.4", "penguin", port=server.port), 41, "takes too long")

    def test_escapes(self) -> None:
        """What a terminal would obey is not shown, wherever it comes."""
        evil = b"\x1b]0;owned\x07\x1b[2J\xc2\x9b31m\xe2\x80\xae"
        sent = BANNER + b'150 1 x\r\n151 "a" b "c' + evil + b'"\r\nx' + evil + b"y\r\n.\r\n250 ok\r\n"
        done = self.against(sent)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(
            done.stdout.decode(), "1 definition found\n\nFrom c]0;owned[2J31m [b]:\n\n  x]0;owned[2J31my\n"
        )
        refused = self.against(BANNER + b"530 " + evil + b"\r\n")
        self.assertNotIn(b"\x1b", refused.stderr)

    def test_pipelined(self) -> None:
        """All words are sent before the banner comes, and only whole verbs."""

        def script(server: Scripted, connection: socket.socket, number: int) -> None:
            if server.listen(connection, b"DEFINE * c\r\n"):
                connection.sendall(BANNER + b"552 no match\r\n" * 3)
            if server.listen(connection, b"MATCH * . c\r\n"):
                connection.sendall(b"552 no match\r\n" * 3)

        server = Scripted.started(script)
        self.addCleanup(server.stop)
        self.assertEqual(dictc("a", "b", "c", port=server.port).returncode, 20)
        self.assertRegex(server.heard.split(b"\r\n")[0], rb'\ACLIENT "dictc \d')
        self.assertEqual(
            server.heard.split(b"\r\n")[1:7],
            [b"DEFINE * a", b"DEFINE * b", b"DEFINE * c", b"MATCH * . a", b"MATCH * . b", b"MATCH * . c"],
        )

    def test_no_way_out_but_once(self) -> None:
        """A server that closes after one answer is asked again as long as it answers, then no more."""

        def script(server: Scripted, connection: socket.socket, number: int) -> None:
            server.listen(connection, b"DEFINE")
            connection.sendall(BANNER + (b"552 no match\r\n" if number < 2 else b""))
            connection.shutdown(socket.SHUT_WR)
            server.listen(connection, b"QUIT")

        server = Scripted.started(script)
        self.addCleanup(server.stop)
        done = dictc("-C", "a", "b", "c", "d", port=server.port)
        self.assertEqual(done.returncode, 41)
        self.assertEqual(done.stderr.decode().split("\n")[:2], [f'No definitions found for "{word}"' for word in "ab"])
        self.assertEqual(server.clients, 3)


class Program(SynchronousTestCase):
    """The program as such."""

    def test_usage(self) -> None:
        """Wrong usage is 2; --help and --version are 0; -h is the host, as for dict(1)."""
        for arguments in (
            ("--nonsense",),
            ("-", "penguin"),
            ("--server", "http://x", "a"),
            ("--server", "dict://u:p@h", "a"),
            ("--timeout", "0", "a"),
            ("--history",),
            ("--password-stdin", "a"),
            ("-h", "x", "-p", "70000x", "--json"),
        ):
            done = dictc(*arguments)
            self.assertIn(done.returncode, (2, 41), arguments)
            self.assertEqual(done.stdout, b"")
        self.assertEqual(dictc("--nonsense").returncode, 2)
        self.assertIn(b"--register NAME", dictc("--help").stdout)
        self.assertRegex(dictc("--version").stdout, rb"\Adictc \d")

    def test_nothing_of_the_server(self) -> None:
        """To look a word up it loads neither dictd nor Twisted nor prompt_toolkit, and little else."""
        source = (
            "import sys; from dictc.program import main; main(); "
            "loaded = {name.partition('.')[0] for name in sys.modules}; "
            "unwanted = {'dictd', 'twisted', 'prompt_toolkit', 'attr', 'json', 'subprocess', 'asyncio', 'ssl'}; "
            "print(loaded & unwanted, file=sys.stderr)"
        )
        done = subprocess.run(
            [sys.executable, "-c", source, "-h", "127.0.0.1", "-p", str(ours().port), "turkey"],
            capture_output=True,
            env=environment(),
            timeout=60,
            check=False,
        )
        self.assertEqual(done.stderr, b"set()\n")

    def test_only_the_standard_library(self) -> None:
        """Without any package installed a word is looked up all the same."""
        done = subprocess.run(
            [sys.executable, "-S", "-m", "dictc", "-h", "127.0.0.1", "-p", str(ours().port), "turkey"],
            capture_output=True,
            env=environment(),
            timeout=60,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_imports(self) -> None:
        """No file of it mentions dictd's modules or Twisted's."""
        for path in (CHECKOUT / "clients" / "dictc").glob("*.py"):
            self.assertNotRegex(path.read_text("utf-8"), r"(?m)^\s*(from|import) (dictd|twisted)\b", path.name)

    def test_version(self) -> None:
        """It has the version of the distribution it comes in."""
        import dictc as package
        import dictd

        self.assertEqual(package.__version__, dictd.__version__)
