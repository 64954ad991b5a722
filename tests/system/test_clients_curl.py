"""curl's dict://, which prints the stream as it comes and ends when the server hangs up."""

from __future__ import annotations

import re
from urllib.parse import quote

from twisted.trial.unittest import SynchronousTestCase

from tests.support.house import final_codes
from tests.support.programs import program, run
from tests.system.shelf import BOOKS, ours, peer

#: What is asked -> the status of its answer, and a text in it.
PATHS: dict[str, tuple[int, str]] = {
    "d:penguin": (250, '151 "penguin" wn "WordNet (r) 3.0 (2006)"\r\npenguin\r\n'),
    "d:penguin:*": (250, '151 "penguin" quotes "Words that need quoting"\r\n'),
    "d:penguin:quotes": (250, "a word of two dictionaries"),
    "define:penguin": (250, '151 "penguin" wn '),
    "lookup:penguin": (250, '151 "penguin" wn '),
    "d:turkey:quotes": (552, "552 no match"),
    "d:penguin:nosuch": (550, "550 invalid database, use SHOW DB for list\r\n"),
    "d:": (552, "552 no match"),  # curl asks for the word "default"
    "m:pengui": (250, '152 1 matches found\r\nwn "penguin"\r\n.\r\n'),
    "m:pengui:quotes": (250, '152 1 matches found\r\nquotes "penguin"\r\n.\r\n'),
    "m:pen0:wn:prefix": (250, '152 10 matches found\r\nwn "pen00"\r\n'),
    "find:penguin:*:exact": (250, '152 2 matches found\r\nwn "penguin"\r\nquotes "penguin"\r\n'),
    "match:penguin:wn:nosuch": (551, "551 invalid strategy, use SHOW STRAT for list\r\n"),
    "m:penguin:nosuch:exact": (550, "550 invalid database"),
    "m::wn:exact": (552, "552 no match"),
    "show:db": (250, '110 2 databases present\r\nwn "WordNet (r) 3.0 (2006)"\r\n'),
    "show:databases": (250, '110 2 databases present\r\nwn "WordNet (r) 3.0 (2006)"\r\n'),
    "show:info:quotes": (250, "The book of quotes."),
    "show:strat": (250, "exact "),
    "show:server": (250, "114 server information"),
    "status": (210, "210 "),
    "help": (250, "113 help text follows"),
    "nonsense": (500, "500 "),
}
#: Not answered with the same words by C dictd.
OURS = ("match:penguin:wn:nosuch", "show:info:quotes", "show:strat", "show:server", "status", "help", "nonsense")


class Curl(SynchronousTestCase):
    """curl on dictd, and beside it on C dictd."""

    def got(self, port: int, path: str) -> str:
        """The stream after the banner, figures of C dictd left out."""
        done = run([program("curl"), "-s", "-m", "10", f"dict://127.0.0.1:{port}/{path}"])
        self.assertEqual((done.returncode, done.stderr), (0, b""), path)
        banner, _, rest = done.stdout.decode().partition("\r\n")
        self.assertTrue(banner.startswith("220 "), path)
        return re.sub(r" \[d/m/c = [^]]*\]", "", rest)

    def test_ours(self) -> None:
        """CLIENT, the question and QUIT come in one packet; three statuses, and the connection is closed."""
        for path, (code, said) in PATHS.items():
            text = self.got(ours().port, path)
            self.assertEqual(final_codes(text.encode()), [250, code, 221], (path, text))
            self.assertIn(said, text, path)

    def test_as_on_c_dictd(self) -> None:
        """The same octets."""
        for path in PATHS:
            if path not in OURS:
                self.assertEqual(self.got(ours().port, path), self.got(peer().port, path), path)

    def test_every_headword(self) -> None:
        """Each that needs quoting, as curl quotes it: a backslash before every octet that is not plain."""
        for name, book in BOOKS.items():
            for headword, text in book[:10]:
                got = self.got(ours().port, f"d:{quote(headword)}:{name}")
                stored = headword.replace("\\", "\\\\").replace('"', '\\"')
                self.assertTrue(
                    got.startswith(f'250 ok\r\n150 1 definitions retrieved\r\n151 "{stored}" {name} "'), got
                )
                if not headword.startswith((".", "1")):
                    self.assertIn(f'"\r\n{headword}\r\n    {text.splitlines()[0]}\r\n', got)
                    self.assertEqual(got, self.got(peer().port, f"d:{quote(headword)}:{name}"))
                matched = self.got(ours().port, f"m:{quote(headword)}:{name}:exact")
                self.assertIn(f'152 1 matches found\r\n{name} "{stored}"\r\n.\r\n250 ok\r\n221 ', matched)

    def test_login_in_the_url(self) -> None:
        """curl has no AUTH: a name and a password are not sent, and look-ups go on."""
        program_ = program("curl")
        done = run([program_, "-s", "-m", "10", f"dict://alice:secret@127.0.0.1:{ours().port}/d:turkey"])
        self.assertEqual(done.returncode, 0)
        self.assertIn(b'151 "turkey" wn', done.stdout)
