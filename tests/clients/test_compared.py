"""dictc beside dict(1), on dictd and on C dictd: the same octets and the same exit codes."""

from __future__ import annotations

import socket

from twisted.trial.unittest import SynchronousTestCase

from dictc.address import Address
from dictc.connection import Connection
from tests.clients.runs import dictc, ours, peer
from tests.support.programs import program, run

#: On any server.
QUESTIONS: tuple[tuple[str, ...], ...] = (
    ("penguin",),
    ("-d", "!", "penguin"),
    ("penguin", "turkey", "C++"),
    ("penguin", "zzzzqqq", "turkey"),
    ("zzzzqqq",),
    ("peng", "zzzzqqq", "helo"),
    ("-C", "peng"),
    ("-m", "-s", "prefix", "pen"),
    ("-m", "-s", "exact", "penguin", "turkey"),
    ("-m", "-s", "prefix", "zzzzqqq"),
    ("-m", "pengui", "helo"),
    ("-s", "prefix", "pengu"),
    ("-s", "prefix", "zzzzqqq"),
    ("-D",),
    ("-S",),
    ("-H",),
    ("-D", "-S", "penguin"),
    ("-f", "penguin"),
    ("-f", "-m", "-s", "prefix", "peng"),
    ("-f", "-D"),
    ("-f", "-S"),
    ("-f", "-H"),
    ("crow's nest",),
    ("ice cream",),
    ("你好",),
    ("Mädchen", "MÄDCHEN"),
    (".22",),
    ("100 grams",),
    ("--", "-foo"),
    ("",),
)


class Compared(SynchronousTestCase):
    """Each question is put to one server by both programs."""

    def both(self, port: int, *arguments: str) -> None:
        """Both answer the same."""
        theirs = run([program("dict"), "-P", "-", "-h", "127.0.0.1", "-p", str(port), *arguments])
        mine = dictc(*arguments, port=port)
        question = " ".join(arguments)
        self.assertEqual(mine.stdout.decode(), theirs.stdout.decode(), question)
        self.assertEqual(mine.stderr.decode(), theirs.stderr.decode(), question)
        self.assertEqual(mine.returncode, theirs.returncode, question)

    def test_dictd(self) -> None:
        """On ours."""
        for question in (
            *QUESTIONS,
            ("-i", "animals"),
            ("-d", "zoo", "zebra", "penguin"),
            ("-m", "-s", "prefix", "öl"),
        ):
            self.both(ours().port, *question)

    def test_dictd_says_how_it_is(self) -> None:
        """SHOW SERVER, but for the time that it is up."""
        for arguments in (["-I"], ["-f", "-I"]):
            port = str(ours().port)
            theirs = run([program("dict"), "-h", "127.0.0.1", "-p", port, *arguments]).stdout.decode().split("\n")
            mine = dictc(*arguments, port=ours().port).stdout.decode().split("\n")
            differing = [line for line, other in zip(mine, theirs, strict=True) if line != other]
            self.assertEqual([line for line in differing if ", up " not in line], [])

    def test_c_dictd(self) -> None:
        """On C dictd."""
        for question in (*QUESTIONS, ("-i", "wn"), ("-d", "jargon", "hacker", "penguin"), ("-m", "-s", "re", "^pe")):
            self.both(peer().port, *question)

    def test_what_does_not_exist(self) -> None:
        """A database or a strategy: the first line of dict(1) and its exit code, once and for all words."""
        for port in (ours().port, peer().port):
            for arguments, code, said in (
                (("-d", "nosuch", "a", "b"), 39, "nosuch is not a valid database, use -D for a list"),
                (("-m", "-d", "nosuch", "a"), 39, "nosuch is not a valid database, use -D for a list"),
                (("-i", "nosuch"), 39, "nosuch is not a valid database, use -D for a list"),
                (("-m", "-s", "nosuch", "a", "b"), 40, "nosuch is not a valid search strategy, use -S for a list"),
            ):
                theirs = run([program("dict"), "-h", "127.0.0.1", "-p", str(port), *arguments])
                mine = dictc(*arguments, port=port)
                self.assertEqual((theirs.returncode, mine.returncode), (code, code), arguments)
                self.assertEqual((mine.stdout, mine.stderr.decode()), (b"", f"dictc: {said}\n"))

    def test_words_that_dict_garbles(self) -> None:
        """dict(1) escapes neither quotes nor backslashes; here they arrive."""
        done = dictc('a"b\\c', port=ours().port)
        self.assertIn(b"a word that needs quoting", done.stdout)

    def test_match_of_the_long_option(self) -> None:
        """``--match STRATEGY`` is ``-m -s STRATEGY``."""
        long, short = (
            dictc(*arguments, "pen", port=ours().port).stdout
            for arguments in (("--match", "prefix"), ("-m", "-s", "prefix"))
        )
        self.assertEqual(long, short)
        self.assertIn(b"animals:  pen00  pen01", long)
        self.assertIn(b"\n\nzoo:", b"\n" + long.replace(b"\nzoo:", b"\n\nzoo:"))


class NoServer(SynchronousTestCase):
    """Exit code 41 and one line."""

    def test_nobody_listens(self) -> None:
        """It says what to do."""
        with socket.socket() as bound:  # and does not listen
            bound.bind(("127.0.0.1", 0))
            port = bound.getsockname()[1]
            for arguments in (("penguin",), ("-D",), ("-",), ("--json", "penguin")):
                done = dictc(*arguments, port=port)
                self.assertEqual((done.returncode, done.stdout), (41, b""))
                self.assertEqual(
                    done.stderr.decode(),
                    f"dictc: cannot reach 127.0.0.1:{port} (Connection refused); "
                    "is the server running? 'make run' starts one, --server names another\n",
                )

    def test_no_such_host(self) -> None:
        """A name that nobody has."""
        done = dictc("--server", "dict://no-such-host.invalid", "penguin")
        self.assertEqual((done.returncode, done.stdout), (41, b""))
        self.assertRegex(
            done.stderr.decode(), r"\Adictc: cannot find no-such-host.invalid:2628 \(.*\); --server names another\n\Z"
        )

    def test_several_addresses(self) -> None:
        """The next address is tried when one is dead."""
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in (_dead(), ours().port)]
        self.patch(socket, "getaddrinfo", lambda *arguments: found)
        connection = Connection.opened(Address())
        self.addCleanup(connection.close)
        connection.greet()
        self.assertIn("xaccount", connection.capabilities)

    def test_the_servers_name(self) -> None:
        """``--server``, ``DICTD_SERVER``, and -h and -p that win over them."""
        url = f"dict://localhost:{ours().port}/"
        for done in (
            dictc("--server", url, "penguin"),
            dictc("penguin", DICTD_SERVER=url),
            dictc("penguin", port=ours().port, DICTD_SERVER="dict://no-such-host.invalid:1"),
            dictc("-4", "--server", f"127.0.0.1:{ours().port}", "penguin"),
        ):
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertIn(b"2 definitions found", done.stdout)
        self.assertEqual(dictc("-6", "penguin", port=ours().port).returncode, 41)


def _dead() -> int:
    """A port where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port
