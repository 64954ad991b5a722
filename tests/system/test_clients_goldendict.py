"""A client that does what goldendict-ng does on the wire, on dictd and on C dictd."""

from __future__ import annotations

import socket

from twisted.trial.unittest import SynchronousTestCase

from tests.support.goldendict import MOST, Article, GoldenDict
from tests.support.house import final_codes
from tests.system.shelf import PENS, ours, peer

_WN, _QUOTES = "WordNet (r) 3.0 (2006)[wn]", "Words that need quoting[quotes]"
#: What is typed -> the matches and the article that are shown.
SAME: dict[str, tuple[list[str], list[Article]]] = {
    "crow's nest": (["crow's nest"], [Article(_QUOTES, "crow's nest\n    n 1: a platform on a mast\n")]),
    "turk": (["turkey"], []),
    "你好": (["你好"], [Article(_QUOTES, "你好\n    hello\n")]),
    "Mädch": (["Mädchen"], []),
    "back\\slash": (["back\\\\slash"], [Article(_QUOTES, "back\\slash\n    with one\n")]),
    "C++": (["C++"], [Article(_QUOTES, "C++\n    a language\n")]),
    "zzzqq": ([], []),
}
DIFFERENT: dict[str, tuple[list[str], list[Article]]] = {
    # Every headword begins with nothing; C dictd counts those that tell of the dictionary.
    "": ([".22", "100 grams", "ice cream", "Mädchen", *PENS[: MOST - 4]], []),
    # Its quotes are no quoted-pairs, so that abc arrives; what begins so only without its signs comes after.
    'a"b\\c': (["abc", 'a\\"b\\\\c'], [Article(_QUOTES, "abc\n    what is left of it without\n")]),
    ".22": ([".22"], [Article(_WN, "..22\n    n 1: a firearm\n..\n... two dots\n")]),
    "100 grams": (["100 grams"], [Article(_WN, " 100 grams\n    250 ok, says the weight\n 552 no match\n")]),
}


class Shown(SynchronousTestCase):
    """What a user of it gets to see."""

    def test_starting(self) -> None:
        """SHOW DB goes out before the banner is read, and every line of the answer comes."""
        for _ in range(20):
            described = GoldenDict(ours().port).describe()
            self.assertEqual(described, ['wn "WordNet (r) 3.0 (2006)"', 'quotes "Words that need quoting"'])

    def test_looking_up(self) -> None:
        """Matches and article, on two sockets at once, for every word that is typed."""
        golden = GoldenDict(ours().port)
        for word, shown in {**SAME, **DIFFERENT}.items():
            self.assertEqual(golden.look_up(word), shown, word)

    def test_as_on_c_dictd(self) -> None:
        """It shows the same, but for what is listed."""
        golden = GoldenDict(peer().port, patient=True)
        for word, shown in SAME.items():
            self.assertEqual(golden.look_up(word), shown, word)
        for word, shown in DIFFERENT.items():
            self.assertNotEqual(golden.look_up(word), shown, word)

    def test_many_matches(self) -> None:
        """It takes sixty of more and goes on with its next word."""
        golden = GoldenDict(ours().port)
        self.assertEqual(golden.look_up("pe"), (list(PENS[:MOST]), []))
        self.assertEqual(golden.look_up("turk"), (["turkey"], []))

    def test_a_match_looked_up(self) -> None:
        """It shows quoted-pairs as they came, and sends them back so: the right article comes."""
        golden = GoldenDict(ours().port, databases=("quotes",))
        matches, _ = golden.look_up("a")
        self.assertEqual(matches, ['a\\"b\\\\c', "abc"])
        (_, (article,)) = golden.look_up(matches[0])
        self.assertEqual(article.text, 'a"b\\c\n    with a quote and a backslash\n')

    def test_several_databases_and_strategies(self) -> None:
        """Asked for one after the other on the same socket, misses among them."""
        golden = GoldenDict(ours().port, ("wn", "quotes", "wn"), ("exact", "prefix"))
        matches, articles = golden.look_up("penguin")
        self.assertEqual(matches, ["penguin"])
        self.assertEqual([article.source for article in articles], [_WN, _QUOTES, _WN])
        self.assertEqual(golden.look_up("turke"), (["turkey"], []))


class BeforeTheBanner(SynchronousTestCase):
    """What is sent at once after connecting is answered behind the banner, as dict(1), curl and this one do."""

    def test_all_in_one_packet(self) -> None:
        """Nothing is lost and the order holds, twenty times of twenty."""
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", ours().port), 20) as connection:
                connection.sendall(b"SHOW DB\r\nCLIENT GoldenDict\r\nDEFINE wn turkey\r\nQUIT\r\n")
                said = b""
                while piece := connection.recv(65536):
                    said += piece
            banner, _, rest = said.partition(b"\r\n")
            self.assertTrue(banner.startswith(b"220 "))
            self.assertEqual(final_codes(rest), [250, 250, 250, 221])
            self.assertTrue(rest.startswith(b"110 2 databases present\r\n"))
