"""What is counted of look-ups that find nothing, as it comes of lines."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dictd.config import DictionarySettings, GroupSettings, Settings
from tests.support.house import BOOKS, House, publish

ARRANGED = Settings(
    dictionaries={"jargon": DictionarySettings(users=("alice",))},
    groups={"english": GroupSettings(("wn",), "All English")},
)


class Missed(SynchronousTestCase):
    """A server of two dictionaries, one of them for one user."""

    def setUp(self) -> None:
        self.house = self.made(ARRANGED)
        self.client = self.house.welcome()

    def made(self, settings: Settings) -> House:
        """A server."""
        directory = Path(self.mktemp()).absolute()
        publish(directory, BOOKS)
        house = House(directory, settings)
        self.addCleanup(house.lexicon.close)
        return house

    def counted(self) -> list[tuple[str, str, int]]:
        """What has come into the store."""
        self.assertTrue(self.successResultOf(Deferred.fromCoroutine(self.house.misses.flush())))
        select = "SELECT word, dictionary, count FROM miss ORDER BY k, dictionary"
        return list(self.house.pool.connection.execute(select))

    def test_verbs(self) -> None:
        """DEFINE and QUERY are counted by what was asked where; MATCH is not, nor what was found."""
        self.client.ask("DEFINE * pinguin", "Q Pinguin", "DEFINE ! PINGUIN", 'D WN "pin guin"', "D English pinguin")
        self.client.ask("MATCH * exact pinguin", "M wn prefix pinguin", "DEFINE * penguin", "Q penguin", "D wn pengo")
        self.assertEqual(self.counted(), [("pin guin", "wn", 1), ("PINGUIN", "*", 3), ("pinguin", "english", 1)])

    def test_refused(self) -> None:
        """What was no look-up is no miss: another database, nothing, too much, a fault."""
        self.client.ask("DEFINE nowhere pinguin", "D jargon pinguin", 'D * ""', f"Q {'x' * 600}", "DEFINE * a b", "Q")
        self.assertEqual(self.counted(), [])

    def test_users(self) -> None:
        """Users are counted as everybody is, in the dictionaries that they alone see; who they are is not kept."""
        alice = self.house.member()
        alice.ask("DEFINE jargon pinguin", "DEFINE * pinguin")
        self.client.ask("DEFINE * pinguin")
        self.assertEqual(self.counted(), [("pinguin", "*", 2), ("pinguin", "jargon", 1)])
        columns = [row[1] for row in self.house.pool.connection.execute("PRAGMA table_info(miss)")]
        self.assertEqual(columns, ["k", "dictionary", "word", "count", "first", "last"])

    def test_history_off(self) -> None:
        """Who wants nothing to be kept is not counted, in any session, until that ends."""
        alice = self.house.member()
        other = self.house.welcome()
        self.assertEqual(other.codes("LOGIN alice correct-horse"), [230])
        self.assertEqual(alice.codes("HISTORY OFF"), [287])
        alice.ask("DEFINE * pinguin", "Q pinguin")
        other.ask("DEFINE wn pinguin")
        self.assertEqual(self.counted(), [])
        alice.ask("HISTORY ON", "DEFINE * pinguin")
        self.assertEqual(self.counted(), [("pinguin", "*", 1)])

    def test_off(self) -> None:
        """Where the settings say so nothing is counted."""
        self.house = self.made(evolve(ARRANGED, history=evolve(ARRANGED.history, misses=False)))
        self.house.welcome().ask("DEFINE * pinguin", "Q pinguin")
        self.house.member().ask("DEFINE * pinguin")
        self.assertEqual(self.counted(), [])

    def test_store_away(self) -> None:
        """Answers are as ever while the store is away."""
        self.house.pool.away = True
        self.assertEqual(self.client.codes("DEFINE * pinguin", "D wn pinguin"), [552, 552])
        self.assertEqual(self.house.misses.waiting, 2)
