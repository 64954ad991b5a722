"""Searches that take long: in slices, in turn, bounded, given up when nobody waits for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb
from attrs import evolve
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dictd.config import Settings
from dictd.lexicon import forms, records, search
from dictd.lexicon.work import Work
from dictd.lookups import SLICE, Searches
from tests.support.house import Client, House, publish

#: Words whose blocks a search has to read one by one.
MANY = [f"{first}{second}{third}" for first in "abcdefgh" for second in "ijklmn" for third in "opqrstuv"]


def say(client: Client, *lines: str) -> None:
    """Lines, without the turns of the reactor that they take."""
    client.protocol.dataReceived("".join(f"{line}\r\n" for line in lines).encode())


class Rounds:
    """A reactor whose rounds are made by hand, one at a time."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def callLater(self, delay: float, call: Callable[[], None]) -> None:
        """Call it in the next round."""
        self.due.append(call)

    def turn(self, times: int = 1) -> None:
        """Rounds, as long as there is something to do."""
        for _ in range(times):
            due, self.due = self.due, []
            for call in due:
                call()


class Searching(SynchronousTestCase):
    """A server whose clock runs on whenever a search looks at it."""

    settings = Settings()

    def setUp(self) -> None:
        self.patch(records, "BLOCK", 16)
        self.patch(forms, "_STRETCH", 16)
        directory = Path(self.mktemp()).absolute()
        publish(directory, {"many": ("Many", [(word, word) for word in MANY])})
        self.directory = directory
        self.house = House(directory, self.settings)
        self.addCleanup(self.house.lexicon.close)
        self.step = SLICE / 4
        searches: Any = self.house.factory.service.lookups.searches
        self.looks = 0
        searches.steady = self.steadily
        self.searches = searches
        searches.clock = self.rounds = Rounds()
        self.now = 0.0

    def steadily(self) -> float:
        self.now += self.step
        self.looks += 1
        return self.now

    def test_in_slices(self) -> None:
        """A long search takes several turns of the reactor, in which others are served; then it is whole."""
        client, other = self.house.welcome(), self.house.welcome()
        say(client, "MATCH many re a.o")
        self.assertEqual(client.heard(), b"")
        self.rounds.turn(3)
        self.assertIn("150 1 definitions", other.ask("DEFINE many aio"))
        self.assertEqual(client.heard(), b"")
        self.rounds.turn(400)
        self.assertEqual(client.heard().decode().splitlines()[0], "152 6 matches found")

    def test_answers_stay_in_order(self) -> None:
        """What is asked behind a long search is answered behind it."""
        client = self.house.welcome()
        say(client, "MATCH many re a.o", "DEFINE many aio", "STATUS")
        self.assertEqual(client.heard(), b"")
        self.rounds.turn(400)
        self.house.turn()
        codes = [line[:3] for line in client.heard().decode().splitlines() if line[:3].isdigit() and line[3:4] == " "]
        self.assertEqual(codes, ["152", "250", "150", "151", "250", "210"])

    def test_told_to_administrators(self) -> None:
        """While it goes on what is asked, how, and for how long; then how long it took and whether it found any."""
        client = self.house.welcome()
        say(client, "MATCH many re a.o", "DEFINE many nothing")
        ((word, how, seconds),) = self.searches.under_way()
        self.assertEqual((word, how), ("a.o", "match re"))
        self.assertEqual(self.searches.recent.rows(10), [])
        self.rounds.turn(3)
        ((_, _, more),) = self.searches.under_way()
        self.assertGreater(more, seconds)
        self.rounds.turn(400)
        self.assertEqual(self.searches.under_way(), [])
        self.house.turn()
        found, missed = self.searches.recent.rows(10)
        self.assertEqual((found[:4], missed), (("a.o", "match re", 1, 0), ("nothing", "define", 1, 1, 0.0)))
        self.assertGreater(found[4], 2 * SLICE)

    def test_turn_by_turn(self) -> None:
        """Searches of many clients go on side by side: none waits for another's end."""
        clients = [self.house.welcome() for _ in range(3)]
        for client in clients:
            say(client, "MATCH many re a.o")
        turns = 0
        ended: list[int] = []
        while len(ended) < 3:
            self.rounds.turn()
            turns += 1
            ended += [turns] * sum(1 for client in clients if client.heard())
            self.assertLess(turns, 2000)
        self.assertLessEqual(ended[-1] - ended[0], 3)

    def test_stopped(self) -> None:
        """A search that takes too long gives what it has, and says so."""
        self.searches.most_seconds = 6 * SLICE
        client = self.house.welcome()
        say(client, "MATCH many re [ab].[op]")
        self.rounds.turn(400)
        said = client.heard().decode().splitlines()
        self.assertRegex(said[0], "^152 [0-9]+ matches found$|^552")
        self.assertIn("stopped after 1 s of search", said[-1])
        self.assertIn("210", client.ask("STATUS"))

    def test_stopped_in_the_middle(self) -> None:
        """What was found of the dictionary that is being searched is given too."""
        self.searches.most_seconds = 2 * SLICE
        client = self.house.welcome()
        say(client, "MATCH many re [ab].o")
        self.rounds.turn(3)
        said = client.heard().decode().splitlines()
        self.assertRegex(said[0], "^152 [1-9] matches found$")
        self.assertEqual(said[1], 'many "aio"')
        self.assertIn("stopped after 1 s of search", said[-1])

    def test_stopped_with_nothing(self) -> None:
        """A search that was stopped before it found anything says so too; what was listed is counted."""
        self.searches.most_seconds = 2 * SLICE
        client = self.house.welcome()
        say(client, "MATCH many re h.[v]$")
        self.rounds.turn(3)
        self.assertEqual(client.heard(), b"552 no match, stopped after 1 s of search\r\n")
        self.assertIn(", 0 matches", client.ask("STATUS"))
        self.assertIn("152 6 ", client.ask("MATCH many prefix aio", "MATCH many nprefix 0#6#a"))
        self.assertIn(", 7 matches", client.ask("STATUS"))

    def test_lexicon_is_closed_meanwhile(self) -> None:
        """A search whose lexicon is closed reads on in files that are open, and lets them go at its end."""
        client = self.house.welcome()
        say(client, "MATCH many re a.o")
        (generation,) = self.house.lexicon._live
        self.house.lexicon.close()
        self.assertEqual(generation.head(b"aio")[1], 0)
        self.rounds.turn(400)
        self.assertEqual(client.heard().decode().splitlines()[0], "152 6 matches found")
        self.assertRaises(lmdb.Error, generation.head, b"aio")

    def test_gone_with_the_dictionary(self) -> None:
        """Neither a client that goes nor a search that fails keeps a file open that was replaced."""
        gone, failing = self.house.welcome(), self.house.welcome()
        for client in (gone, failing):
            say(client, "MATCH many re a.o")
        (generation,) = self.house.lexicon._live
        self.house.lexicon.close()
        gone.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertTrue(generation.has(b"aio"))
        self.patch(search.records, "length_of", lambda span: 1 // 0)
        self.rounds.turn(400)
        self.assertIn("something went wrong", failing.heard().decode())
        self.assertRaises(lmdb.Error, generation.has, b"aio")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_damaged_meanwhile(self) -> None:
        """Of a dictionary that turns out to be damaged in one search, what another found until then is listed."""
        client = self.house.welcome()
        say(client, "MATCH many re [ab].o")
        self.rounds.turn(30)
        (generation,) = self.house.lexicon._live
        self.house.lexicon._give_up(generation, ValueError("for a test"))
        self.assertEqual(self.house.welcome().codes("MATCH many re a.o"), [550])
        self.rounds.turn(400)
        self.assertEqual(client.heard().decode().splitlines()[0], "152 12 matches found")
        self.assertRaises(lmdb.Error, generation.has, b"aio")

    def test_suggestions_of_somebody(self) -> None:
        """The miss of a user whose suggestions take several slices is history, and no other answer overtakes it."""
        client = self.house.member()
        client.heard()
        self.step = SLICE
        say(client, "QUERY ajx", "HISTORY 1")
        self.assertEqual(client.heard(), b"")
        self.rounds.turn(400)
        self.house.turn()
        said = client.heard().decode().splitlines()
        self.assertRegex(said[0], "^552 no match, perhaps: ")
        self.assertRegex(said[2], '\\* "ajx" 0$')

    def test_nobody_waits(self) -> None:
        """The search of a client that has gone is given up at once."""
        client = self.house.welcome()
        say(client, "MATCH many re a.o")
        client.protocol.connectionLost(Failure(ConnectionDone()))
        self.rounds.turn(2)
        looks = self.looks
        self.rounds.turn(50)
        self.assertEqual(self.looks, looks)

    def test_dictionary_replaced_meanwhile(self) -> None:
        """A search goes on in the file it began with, which is closed when it ends."""
        client = self.house.welcome()
        say(client, "MATCH many re a.o")
        publish(self.directory, {"many": ("Many", [("axo", "new")])}, generation=2)
        self.assertTrue(self.house.lexicon.refresh())
        self.assertIn("new", self.house.welcome().ask("DEFINE many axo"))
        self.rounds.turn(400)
        self.assertEqual(client.heard().decode().splitlines()[0], "152 6 matches found")

    def test_suggestions_in_slices(self) -> None:
        """The headwords of a miss are looked for in slices too."""
        client = self.house.welcome()
        self.step = SLICE
        say(client, "QUERY ajx")
        self.rounds.turn(400)
        said = client.heard().decode()
        self.assertRegex(said, '^552 no match, perhaps: ("aj[o-v]" ?){5}\n$'.replace("\n", "\r\n"))


class Pipelined(SynchronousTestCase):
    """Many short searches in one piece of input."""

    def test_turn_ends(self) -> None:
        """They are not all done in one turn, though each takes less than a slice and finds nothing."""
        directory = Path(self.mktemp()).absolute()
        publish(directory, {"one": ("One", [("penguin", "bird")])})
        house = House(directory)
        self.addCleanup(house.lexicon.close)
        begun: list[Work] = []

        def begin(work: Work) -> bool:
            begun.append(work)
            house.clock.rightNow += 0.9 * SLICE  # of which no time comes that was put off
            return work.run(lambda: True)

        self.patch(Searches, "begin", lambda _, work: begin(work))
        client = house.welcome()
        client.protocol.dataReceived(b"MATCH one exact nobody\r\n" * 40)
        self.assertLess(len(begun), 5)
        for _ in range(40):
            house.turn()
        self.assertEqual(len(begun), 40)
        self.assertEqual(client.heard(), b"552 no match\r\n" * 40)


class Bounded(SynchronousTestCase):
    """How many matches one answer has."""

    def test_long_suggestions(self) -> None:
        """Suggestions leave a line of at most 1,024 characters: what is too long for it is left out."""
        directory = Path(self.mktemp()).absolute()
        words = ["x" * 400 + letter for letter in "abcde"]
        publish(directory, {"one": ("One", [(word, word) for word in words])})
        house = House(directory)
        self.addCleanup(house.lexicon.close)
        said = house.welcome().ask("QUERY " + "x" * 400 + "z")
        self.assertLessEqual(len(said), 1023)
        self.assertEqual(said, "552 no match, perhaps: " + " ".join(f'"{word}"' for word in words[:2]) + "\n")

    def test_more(self) -> None:
        """The last line says when there were more, of every strategy; just as many are not more."""
        directory = Path(self.mktemp()).absolute()
        publish(directory, {name: (name, [(word, word) for word in MANY[:20]]) for name in ("one", "two")})
        limits = Settings().limits
        house = House(directory, evolve(Settings(), limits=evolve(limits, matches=25)))
        self.addCleanup(house.lexicon.close)
        client = house.welcome()
        for line in (
            "MATCH * all x",
            "MATCH * prefix a",
            "MATCH * re .",
            "MATCH * substring a",
            "MATCH * nprefix 0##a",
        ):
            said = client.ask(line).splitlines()
            self.assertEqual((said[0], said[-1]), ("152 25 matches found", "250 ok, the first 25 of more"), line)
            self.assertEqual(len(said), 28)
        self.assertEqual(client.ask("MATCH one prefix a").splitlines()[-1], "250 ok")

    def test_nprefix(self) -> None:
        """skip#count#prefix, counted in each dictionary, as C dictd does."""
        directory = Path(self.mktemp()).absolute()
        publish(directory, {name: (name, [(word, word) for word in MANY[:5]]) for name in ("one", "two")})
        house = House(directory)
        self.addCleanup(house.lexicon.close)
        client = house.welcome()
        cases = {
            "0#2#a": ["aio", "aip"],
            "3#9#a": ["air", "ais"],
            "3##a": ["air", "ais"],
            "4#1#ai": ["ais"],
            "2#1#aiq": [],
            "0#0#a": [],
            "aiq": ["aiq"],
        }
        for asked, words in cases.items():
            said = client.ask(f"MATCH * nprefix {asked}")
            lines = [f'{name} "{word}"' for name in ("one", "two") for word in words]
            self.assertEqual(said.splitlines()[1:-2], lines, asked)
            self.assertTrue(said.endswith("250 ok\n") if words else said == "552 no match\n", said)
