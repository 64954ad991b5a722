"""Parts of dictc that need no server: addresses, colour, pager, screens, standard input, exit codes, options."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictc.address import Address, address
from dictc.connection import Connection
from dictc.exits import BY_CODE, Exit, exit_for
from dictc.layout import Layout
from dictc.lookups import Entry, LookUp
from dictc.options import parsed
from dictc.program import server_of
from dictc.recent import MOST, Recent, place
from dictc.source import Source
from dictc.terminal import coloured, fits, pager
from dictc.troubles import Trouble


class Addresses(SynchronousTestCase):
    """What people write for a server."""

    def test_examples(self) -> None:
        """URLs, hosts, ports, IPv6."""
        for text, host, port in (
            ("", "localhost", "2628"),
            ("dict://", "localhost", "2628"),
            ("dict://example.org", "example.org", "2628"),
            ("DICT://example.org:2629/d:word", "example.org", "2629"),
            ("example.org:1", "example.org", "1"),
            (" example.org/ ", "example.org", "2628"),
            ("[::1]:2629", "::1", "2629"),
            ("dict://[fe80::1%eth0]", "fe80::1%eth0", "2628"),
            ("::1", "::1", "2628"),
            ("bücher.example", "bücher.example", "2628"),
        ):
            self.assertEqual(address(text), Address(host, port), text)
        for text, host, port in (
            ("dicts://", "localhost", "2629"),
            ("DICTS://example.org/d:word", "example.org", "2629"),
            ("dicts://[::1]:1", "::1", "1"),
            ("dicts://::1", "::1", "2629"),
        ):
            self.assertEqual(address(text), Address(host, port, secure=True), text)
        self.assertEqual(str(Address("::1", "1")), "[::1]:1")
        self.assertIn("--user", self.assertRaises(Trouble, address, "u:p@x").text)
        for text in (
            "http://x",
            "dict://u:p@x",
            "a b",
            "x:port",
            "x:70000",
            "[::1",
            "[x]y:1",
            "x:123456",
            "dicts://x:70000",
        ):
            self.assertEqual(self.assertRaises(Trouble, address, text).exit, Exit.USAGE, text)

    def test_what_wins(self) -> None:
        """-h and -p, then --server, then DICTD_SERVER."""
        for arguments, variables, server in (
            ([], {}, Address("localhost", "2628")),
            ([], {"DICTD_SERVER": "dict://a:1"}, Address("a", "1")),
            (["--server", "b:2"], {"DICTD_SERVER": "dict://a:1"}, Address("b", "2")),
            (["--server", "b:2", "-h", "c"], {}, Address("c", "2")),
            (["-p", "3"], {"DICTD_SERVER": "dict://a:1"}, Address("a", "3")),
            (["-h", "c"], {"DICTD_SERVER": "dicts://a"}, Address("c", "2629", secure=True)),
            (["-p", "3"], {"DICTD_SERVER": "dicts://a"}, Address("a", "3", secure=True)),
            (["--server", "b"], {"DICTD_SERVER": "dicts://a"}, Address("b", "2628")),
        ):
            self.assertEqual(server_of(parsed([*arguments, "x"]), variables), server)


class Terminals(SynchronousTestCase):
    """Colour and pager."""

    def test_colour(self) -> None:
        """--color, then NO_COLOR, then CLICOLOR_FORCE, then whether it is a terminal."""
        for choice, terminal, variables, expected in (
            ("auto", True, {"TERM": "xterm"}, True),
            ("auto", False, {"TERM": "xterm"}, False),
            ("auto", True, {}, False),
            ("auto", True, {"TERM": "dumb"}, False),
            ("auto", True, {"TERM": "xterm", "NO_COLOR": ""}, True),  # https://no-color.org: "not an empty string"
            ("auto", True, {"TERM": "xterm", "NO_COLOR": "0"}, False),
            ("auto", False, {"CLICOLOR_FORCE": "1"}, True),
            ("auto", False, {"CLICOLOR_FORCE": "0"}, False),
            ("auto", False, {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
            ("always", False, {"NO_COLOR": "1"}, True),
            ("never", True, {"TERM": "xterm", "CLICOLOR_FORCE": "1"}, False),
        ):
            self.assertEqual(coloured(choice, terminal, variables), expected, (choice, terminal, variables))

    def test_pager(self) -> None:
        """--pager, then DICTD_PAGER, then PAGER, then less."""
        for choice, variables, expected in (
            (None, {}, ["less", "-FRX"]),
            (None, {"PAGER": "more -d"}, ["more", "-d"]),
            (None, {"PAGER": "more", "DICTD_PAGER": "most"}, ["most"]),
            ("vi -", {"PAGER": "more", "DICTD_PAGER": "most"}, ["vi", "-"]),
            ("-", {"PAGER": "more"}, []),
            (None, {"PAGER": ""}, []),
            (None, {"PAGER": "cat"}, []),
            (None, {"PAGER": "broken '"}, []),
        ):
            self.assertEqual(pager(choice, variables), expected)

    def test_fits(self) -> None:
        """Long lines take several rows, and the last row is for the shell."""
        self.assertTrue(fits("a\n" * 23, 80, 24))
        self.assertFalse(fits("a\n" * 24, 80, 24))
        self.assertTrue(fits("x" * 80 + "\n", 80, 2))
        self.assertFalse(fits("x" * 81 + "\n", 80, 2))

    def test_colours(self) -> None:
        """They add nothing but themselves, also to a reference that goes over the end of a line."""
        look_up = LookUp("x", [Entry("wn", "WordNet", "x", ["see {crow's", "   nest} and {y}"])])
        plain, colour = Layout().definitions(look_up), Layout(colour=True).definitions(look_up)
        self.assertIn("see \x1b[4m{crow's\x1b[0m\n     \x1b[4mnest}\x1b[0m and \x1b[4m{y}\x1b[0m\n", colour)
        stripped = colour
        for code in ("\x1b[1m", "\x1b[4m", "\x1b[0m"):
            stripped = stripped.replace(code, "")
        self.assertEqual(stripped, plain)


class Lines(SynchronousTestCase):
    """Standard input."""

    def source(self) -> tuple[Source, io.FileIO]:
        """A source and what it reads from."""
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        file = io.FileIO(writing, "w")
        self.addCleanup(file.close)
        return Source(reading), file

    def test_no_further_than_wanted(self) -> None:
        """It waits for the first word only, takes no more than there is room for, and knows its end."""
        source, file = self.source()
        self.assertEqual(source.take(5, wait=False), [])
        file.write(b"a\nb\nc\nhal")
        self.assertEqual(source.take(2, wait=True), ["a", "b"])
        self.assertEqual(source.take(5, wait=True), ["c"])
        self.assertFalse(source.ended)
        file.write(b"f")
        file.close()
        self.assertEqual(source.take(5, wait=True), ["half"])
        self.assertEqual((source.take(5, wait=True), source.ended), ([], True))

    def test_a_line_before_the_words(self) -> None:
        """A password is a line as it stands; an empty one is one."""
        source, file = self.source()
        file.write(b" pass word \r\n\nx\n")
        file.close()
        self.assertEqual((source.line(), source.line()), (" pass word ", ""))
        self.assertEqual(source.take(5, wait=True), ["x"])
        self.assertIsNone(source.line())

    @given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff")), max_size=8))
    def test_any_words(self, words: list[str]) -> None:
        """What is not blank arrives."""
        source, file = self.source()
        file.write("\n".join(words).encode())
        file.close()
        taken: list[str] = []
        while not source.ended:
            taken += source.take(3, wait=True)
        self.assertEqual(taken, [word.strip() for word in words if word.strip()])

    def test_endless_line(self) -> None:
        """Of a line without an end only the start is kept."""
        source, file = self.source()
        for _ in range(40):
            file.write(b"x" * 30_000)
            self.assertEqual(source.take(1, wait=False), [])
        self.assertLessEqual(len(source._rest), 1 << 16)


class Codes(SynchronousTestCase):
    """Exit codes."""

    def test_table(self) -> None:
        """Those of dict(1)."""
        self.assertEqual([exit_for(code) for code in (420, 421, 500, 501, 502, 503)], [31, 32, 33, 34, 35, 36])
        self.assertEqual(
            [exit_for(code) for code in (530, 531, 532, 550, 551, 552, 554, 555)], [37, 38, 38, 39, 40, 20, 22, 23]
        )
        self.assertEqual(exit_for(599), 30)
        self.assertLessEqual({580, 581, 582, 583, 584, 480, 481}, set(BY_CODE))


class Options(SynchronousTestCase):
    """The command line."""

    def test_words_and_options_in_any_order(self) -> None:
        """And what follows -- is a word."""
        options = parsed(["a", "-d", "wn", "b", "--", "-c", "--", "-"])
        self.assertEqual((options.words, options.database, options.stream), (["a", "b", "-c", "--", "-"], "wn", False))
        self.assertTrue(parsed(["-"]).stream)

    def test_history(self) -> None:
        """Its number may be left out, and its word not be taken for it."""
        for arguments, count, words in (
            (["--history"], "20", []),
            (["--history", "5"], "5", []),
            (["--history", "ice", "cream"], "20", ["ice", "cream"]),
            (["--history", "5", "ice"], "5", ["ice"]),
        ):
            options = parsed(["-u", "a", *arguments])
            self.assertEqual((options.history, options.words), (count, words))

    def test_wrong(self) -> None:
        """What cannot be meant ends with 2."""
        for arguments in (
            ["--history"], ["--forget", "x"], ["--passwd"], ["--password-stdin", "x"], ["-", "x"], ["-4", "-6", "x"],
            ["--register", "a", "-u", "b"], ["--register", "a", "--passwd"], ["--timeout", "nan", "x"], ["--hist"],
            ["-u", "a", "--password-stdin", "--password-command", "x"],
            ["-u", "a", "--passwd", "--password-command", "x"],
        ):  # fmt: skip
            with contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(self.assertRaises(SystemExit, parsed, arguments).code, 2, arguments)


class Kept(SynchronousTestCase):
    """The history of the prompt."""

    def test_place(self) -> None:
        """XDG's, unless it is not absolute."""
        self.assertEqual(place({"XDG_STATE_HOME": "/x"}), Path("/x/dictc/history"))
        for variables in ({}, {"XDG_STATE_HOME": ""}, {"XDG_STATE_HOME": "relative"}):
            self.assertEqual(place(variables), Path.home() / ".local/state/dictc/history")

    def test_bounded(self) -> None:
        """The newest lines stay."""
        path = Path(self.mktemp()).absolute()
        path.write_text("".join(f"word {number}\n" for number in range(MOST + 10)))
        recent = Recent(path)
        self.assertEqual(len(path.read_text().splitlines()), MOST)
        self.assertEqual(next(iter(recent.load_history_strings())), f"word {MOST + 9}")

    def test_forgotten(self) -> None:
        """A word goes from the file and from what the arrow keys show; commands about passwords never come."""
        path = Path(self.mktemp()).absolute()
        recent = Recent(path)
        for line in (
            "penguin",
            "Zebra",
            ":login a secret",
            ":register a secret",
            ":forget x",
            ":passwd",
            "zebra",
            ":help",
        ):
            recent.append_string(line)
        recent.forget("zebra")
        self.assertEqual(path.read_text().splitlines(), ["penguin", ":help"])
        self.assertEqual(recent.get_strings(), ["penguin", ":help"])


class Capabilities(SynchronousTestCase):
    """What a banner says."""

    def test_examples(self) -> None:
        """The first brackets; the message-id is none of it."""
        for banner, expected in {
            "x dictd <mime.xaccount> <1@x>": {"mime", "xaccount"},
            "x dictd <auth.mime> <4.xaccount.2@x>": {"auth", "mime"},
            "x dictd <4.xaccount@x>": set(),
            "x": set(),
        }.items():
            self.assertEqual(Connection(Address(), banner=banner).capabilities, expected, banner)
