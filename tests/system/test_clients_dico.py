"""GNU dico, which waits for each answer and logs in with a key."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.dico import dico
from tests.system.shelf import member, ours, peer

_PENGUIN = (
    "From wn, WordNet (r) 3.0 (2006):\npenguin\n"
    "    n 1: short-legged flightless birds of cold southern especially\n    Antarctic regions\n\n"
)
_OTHER_PENGUIN = "From quotes, Words that need quoting:\npenguin\n    a word of two dictionaries\n\n"
#: What is asked -> what it prints.
SAME: tuple[tuple[tuple[str, ...], str], ...] = (
    (("penguin",), _PENGUIN),
    (("-d", "*", "penguin"), _PENGUIN + _OTHER_PENGUIN),
    (("-d", "quotes", "PENGUIN"), _OTHER_PENGUIN),
    (("-d", "nosuch", "penguin"), "Error: 550 invalid database, use SHOW DB for list"),
    (("--", "crow's nest"), "From quotes, Words that need quoting:\ncrow's nest\n    n 1: a platform on a mast\n\n"),
    (("--", "C++"), "From quotes, Words that need quoting:\nC++\n    a language\n\n"),
    (("--", "你好"), "From quotes, Words that need quoting:\n你好\n    hello\n\n"),
    (("--", "Mädchen"), "From wn, WordNet (r) 3.0 (2006):\nMädchen\n    n 1: girl\n\n"),
    (("--", ""), "No match"),
    (("zzzqq",), "No match"),
    (("-s", "prefix", "pen0"), "".join(f'wn "pen0{number}"\n' for number in range(10))),
    (("-m", "pengui"), 'wn "penguin"\n'),
    (("-m", "-d", "*", "-s", "exact", "penguin"), 'wn "penguin"\nquotes "penguin"\n'),
    (("-m", "-s", "prefix", "zzzqq"), "No match"),
    (("-D",), 'wn "WordNet (r) 3.0 (2006)"\nquotes "Words that need quoting"\n'),
    # dico writes numbers of its own instead of the octets that need a backslash: whatever it asks for, it is not there.
    (("--", 'a"b\\c'), "No match"),
    (("--", "back\\slash"), "No match"),
)
#: Another thing on C dictd.
DIFFERENT: tuple[tuple[tuple[str, ...], str], ...] = (
    (("-s", "nosuch", "penguin"), "Error: 551 invalid strategy, use SHOW STRAT for list"),
    (("-i", "quotes"), "Words that need quoting\nSource: quotes.index\n\nThe book of quotes.\n"),
    # Dots are doubled by us and put right by dico; C dictd forgets the doubling, and dico takes one too many.
    (("--", ".22"), "From wn, WordNet (r) 3.0 (2006):\n.22\n    n 1: a firearm\n.\n.. two dots\n\n"),
    # It quotes without a quoted-pair; empty strings around a word are still that word, or else the loose key finds it.
    (("--", '"quoted"'), 'From quotes, Words that need quoting:\n"quoted"\n    in quotes\n\n'),
)
#: One connection, and commands that are typed.
TYPED = (
    "penguin\n/pengui\n.ld\n.database quotes\n.strategy prefix\n/crow's n\ncrow's nest\nC++\nzzzqq\n.database *\n"
    "penguin\n.quit\n"
)


class Dico(SynchronousTestCase):
    """On dictd, and beside it on C dictd."""

    def setUp(self) -> None:
        self.home = Path(self.mktemp()).absolute()

    def asked(self, port: int, *arguments: str, sent: str = "", code: int = 0) -> tuple[str, str]:
        """What it printed, and what went over the wire."""
        done = dico(port, self.home, *arguments, sent=sent)
        wire = done.stderr.decode()
        self.assertEqual(done.returncode, code, (arguments, wire))
        return done.stdout.decode(), wire

    def test_ours(self) -> None:
        """With --noauth and without it: it finds no mechanism of SASL in the banner that would stop it."""
        for arguments, printed in (*SAME, *DIFFERENT):
            for how in (("--noauth",), ()):
                text, wire = self.asked(ours().port, *how, *arguments)
                self.assertEqual(text.strip("\n"), printed.strip("\n"), (arguments, wire))
                self.assertNotIn("AUTH", wire.replace("--noauth", "").split("C:CLIENT")[1], arguments)

    def test_as_on_c_dictd(self) -> None:
        """It prints the same, but for what is listed."""
        for arguments, printed in SAME:
            self.assertEqual(self.asked(peer().port, "--noauth", *arguments)[0].strip("\n"), printed.strip("\n"))
        for arguments, printed in DIFFERENT:
            self.assertNotEqual(self.asked(peer().port, "--noauth", *arguments)[0].strip("\n"), printed.strip("\n"))

    def test_lists(self) -> None:
        """Strategies, what the server is, its help: every line of the answer."""
        caller = ours().connect()
        self.addCleanup(caller.close)
        for option, question in (("-S", "SHOW STRAT"), ("-I", "SHOW SERVER"), ("-H", "HELP")):
            text, _ = self.asked(ours().port, option)
            wanted = caller.ask(question)[1:-2]
            self.assertEqual(*(re.sub(r"up \d.*", "", "\n".join(lines)) for lines in (text.splitlines(), wanted)))

    def test_typed(self) -> None:
        """A session on one connection stays in step, and is what it is on C dictd."""
        text, wire = self.asked(ours().port, sent=TYPED)
        self.assertEqual(wire.count("S:220 "), 1)
        self.assertIn("a language\n\n" + _PENGUIN + _OTHER_PENGUIN, text)
        self.assertEqual(text.count("No match"), 1)
        self.assertEqual(text, self.asked(peer().port, "--noauth", sent=TYPED)[0])

    def test_login(self) -> None:
        """``--user`` and ``--key`` are AUTH, ``.dicologin`` too; what is looked up then is history."""
        caller, key = member("dico-user")
        self.addCleanup(caller.close)
        text, wire = self.asked(ours().port, "--user", "dico-user", "--key", key, "--", "turkey")
        self.assertRegex(wire, r"C:AUTH dico-user [0-9a-f]{32}\n.*S:230 ")
        self.assertIn("Meleagris", text)
        self.assertNotIn(key, wire)
        self.home.joinpath(".dicologin").write_text(f"machine 127.0.0.1\n  login dico-user\n  password {key}\n")
        text, wire = self.asked(ours().port, "--", "crow's nest")
        self.assertRegex(wire, r"C:AUTH dico-user [0-9a-f]{32}\n.*S:230 ")
        self.asked(ours().port, "--noauth", "C++")
        history = [line.partition(" ")[2] for line in caller.ask("HISTORY")[1:-2]]
        self.assertEqual(history, ['quotes "crow\'s nest" 1', 'wn "turkey" 1'])

    def test_login_refused(self) -> None:
        """A wrong key ends it, with one clear line and without a look-up."""
        caller, key = member("dico-other")
        self.addCleanup(caller.close)
        for name, secret in (("dico-other", "0" * 32), ("dico-nobody", key)):
            text, wire = self.asked(ours().port, "--user", name, "--key", secret, "--", "turkey", code=1)
            self.assertIn("S:531 ", wire)
            self.assertIn("Authentication failed", wire)
            self.assertEqual(text, "")
        self.assertEqual(caller.ask("HISTORY")[0].split()[:2], ["180", "0"])
