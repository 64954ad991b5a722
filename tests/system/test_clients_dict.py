"""dict(1) in all its modes, on dictd and on C dictd."""

from __future__ import annotations

import subprocess

from twisted.trial.unittest import SynchronousTestCase

from tests.support.programs import program, run
from tests.system.shelf import member, ours, peer

WORDS: dict[str, tuple[int, str]] = {
    "penguin": (0, "2 definitions found"),
    "crow's nest": (0, "a platform on a mast"),
    'a"b\\c': (0, "what is left of it without"),  # dict(1) escapes nothing: what arrives is abc
    "C++": (0, "a language"),
    "你好": (0, "hello"),
    "Mädchen": (0, "n 1: girl"),
    "back\\slash": (0, "with one"),
    "ice cream": (0, "frozen dessert"),
    "pengui": (21, 'No definitions found for "pengui", perhaps you mean:\nwn:  penguin\nquotes:  penguin\n'),
    "zzzqq": (20, 'No definitions found for "zzzqq"'),
}
#: What is said is the same on both servers.
SAME: tuple[tuple[tuple[str, ...], int, str], ...] = (
    *((("--", word), code, said) for word, (code, said) in WORDS.items()),
    (("penguin", "turkey", "C++"), 0, "Meleagris"),
    (("zzzqq", "turkey", "zzzqq"), 20, "Meleagris"),
    (("turkey", "zzzqq"), 20, 'No definitions found for "zzzqq"'),
    (("-d", "wn", "penguin"), 0, "1 definition found"),
    (("-d", "!", "penguin"), 0, "1 definition found"),
    (("-d", "quotes", "turkey"), 20, 'No definitions found for "turkey"'),
    (("-d", "nosuch", "penguin"), 39, "nosuch is not a valid database, use -D for a list"),
    (("-m", "-s", "prefix", "pen"), 0, "pen69  penguin\nquotes:  penguin\n"),
    (("-m", "-s", "exact", "penguin"), 0, "wn:  penguin\nquotes:  penguin\n"),
    (("-m", "-d", "wn", "-s", "exact", "penguin", "turkey"), 0, "turkey"),
    (("-m", "pengui"), 0, "wn:  penguin\nquotes:  penguin\n"),
    (("-m", "-s", "prefix", "zzzqq"), 20, 'No matches found for "zzzqq"'),
    (("-m", "-s", "nosuch", "penguin"), 40, "nosuch is not a valid search strategy, use -S for a list"),
    (("-s", "prefix", "turk"), 0, "Meleagris"),
    (("-C", "pengui"), 20, 'No definitions found for "pengui"\n'),
    (("-C", "--", 'a"b\\c'), 0, "what is left of it without"),
    (("-D",), 0, " wn         WordNet (r) 3.0 (2006)\n quotes     Words that need quoting\n"),
    (("-f", "-D"), 0, "127.0.0.1\tPORT\twn\tWordNet (r) 3.0 (2006)\n"),
    (("-f", "penguin"), 0, "127.0.0.1\tPORT\tquotes\tWords that need quoting\n"),
    (("-f", "-m", "-s", "prefix", "penguin"), 0, "127.0.0.1\tPORT\tquotes\tpenguin\n"),
    (("-f", "zzzqq"), 20, "No definitions found"),
    (("-a", "penguin"), 0, "2 definitions found"),
    (("--client", "a program", "penguin"), 0, "2 definitions found"),
    (("--pipesize", "1", "penguin", "turkey"), 0, "Meleagris"),
    (("--pipesize", "20000", "penguin", "turkey"), 0, "Meleagris"),
    (("-i", "nosuch"), 39, "invalid database, use SHOW DB for list"),
    (("-D", "penguin"), 0, "Databases available:"),
    (("x" * 300,), 20, "No definitions found"),
)
#: What is said is ours.
DIFFERENT: tuple[tuple[tuple[str, ...], int, str], ...] = (
    (("-S",), 0, " prefix     "),
    (("-f", "-S"), 0, "127.0.0.1\tPORT\tprefix\t"),
    (("-I",), 0, "HELP lists what you can say."),
    (("-H",), 0, "DEFINE database word"),
    (("-i", "wn"), 0, "The book of wn."),
    (("-M", "penguin"), 0, "  Content-type: text/plain; charset=utf-8\n"),
    (("-M", "zzzqq"), 20, "No definitions found"),
    (("-M", "-m", "-s", "prefix", "turk"), 0, "wn:  turkey\n"),
    (("-M", "-D"), 0, " quotes     Words that need quoting\n"),
    (("-M", "-S"), 0, " prefix     "),
    # Nothing is near to nothing; C dictd suggests words of one letter.
    (("",), 20, 'No definitions found for ""'),
    # Every headword begins with nothing; C dictd counts those that tell of the dictionary.
    (("-m", "-s", "prefix", ""), 0, 'wn:  .22  "100 grams"  "ice cream"'),
    # A dot is doubled at the beginning of every line, and the empty last line of a text is left out.
    ((".22",), 0, "\n  .22\n      n 1: a firearm\n  .\n  .. two dots\n"),
    (("100 grams",), 0, "250 ok, says the weight\n   552 no match\n"),
    # The compact and the loose key find what C dictd does not.
    (("icecream",), 0, "frozen dessert"),
    (("MADCHEN",), 0, "n 1: girl"),
)


class Modes(SynchronousTestCase):
    """Every mode, to its exit code."""

    def asked(self, port: int, *arguments: str) -> tuple[int, str]:
        """The exit code, and all it said."""
        done = self.dict_(port, *arguments)
        return done.returncode, (done.stdout + done.stderr).decode().replace(str(port), "PORT")

    def dict_(self, port: int, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """dict(1) on a server of this machine."""
        return run([program("dict"), "-P", "-", "-h", "127.0.0.1", "-p", str(port), *arguments])

    def test_ours(self) -> None:
        """Each has its exit code, and says what it should."""
        for arguments, code, said in (*SAME, *DIFFERENT):
            got, text = self.asked(ours().port, *arguments)
            self.assertEqual(got, code, (arguments, text))
            self.assertIn(said, text, arguments)

    def test_as_on_c_dictd(self) -> None:
        """Nobody can tell which server it was."""
        for arguments, _, _ in SAME:
            self.assertEqual(self.asked(ours().port, *arguments), self.asked(peer().port, *arguments), arguments)

    def test_really_different(self) -> None:
        """What is listed as different is."""
        for arguments, _, _ in DIFFERENT:
            if arguments not in (("-M", "-D"), ("-M", "zzzqq"), ("-M", "-m", "-s", "prefix", "turk")):
                theirs = self.asked(peer().port, *arguments)
                self.assertNotEqual(self.asked(ours().port, *arguments), theirs, arguments)

    def test_a_word_of_a_match(self) -> None:
        """Whatever -m lists can be looked up as listed, but for quotes, which dict(1) loses on both sides."""
        done = self.dict_(ours().port, "-f", "-m", "-d", "quotes", "-s", "prefix", "c")
        words = [line.split("\t")[3] for line in done.stdout.decode().splitlines() if "\t" in line]
        self.assertEqual(sorted(words), ["C++", "c", "crow's nest"])
        for word in words:
            self.assertEqual(self.asked(ours().port, "-d", "quotes", word)[0], 0, word)

    def test_login(self) -> None:
        """``-u NAME -k KEY`` is AUTH; what is looked up then is history."""
        caller, key = member("dict-user")
        self.addCleanup(caller.close)
        code, said = self.asked(ours().port, "-u", "dict-user", "-k", key, "turkey")
        self.assertEqual(code, 0, said)
        self.assertIn('wn "turkey" 1', "\n".join(caller.ask("HISTORY")))
        code, said = self.asked(ours().port, "-u", "dict-user", "-k", "0" * 32, "penguin")
        self.assertIn("2 definitions found", said)  # it goes on without
        self.assertNotIn("penguin", "\n".join(caller.ask("HISTORY")))
