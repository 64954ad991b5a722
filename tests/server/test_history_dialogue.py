"""What users keep of their look-ups, and how they come to the old ones, as they meet it on the line."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dictd.accounts.roster import Roster
from dictd.errors import StoreUnavailable
from dictd.model import LookUp
from dictd.server.paging import MOST
from dictd.store import history
from dictd.store.history import HistoryQueries
from tests.server.test_dialogues import Dialogue
from tests.store.databases import committed, count_ids, on_both
from tests.support.house import Client

_OLDER = re.compile(r"^250 ok, older ones: (HISTORY .*)\n\Z", re.MULTILINE)
_WORD = re.compile(r'^\S+ \S+ "(.*)" \d+$', re.MULTILINE)


class Keeping(Dialogue):
    """Somebody who has looked up a thing or two."""

    def setUp(self) -> None:
        count_ids(self)
        super().setUp()
        self.alice = self.house.member()

    def words(self, client: Client | None = None, line: str = "HISTORY 1000") -> list[str]:
        """What is in the history, oldest first."""
        return _WORD.findall((client or self.alice).ask(line))[::-1]

    def pages(self, line: str) -> list[list[str]]:
        """The words of all pages from a line on, each newest first, by what the last line says."""
        found = []
        while line:
            answer = self.alice.ask(line)
            found.append(_WORD.findall(answer))
            older = _OLDER.search(answer)
            line = older[1] if older else ""
            self.assertTrue(older or answer.endswith("\n250 ok\n"), answer)
        return found

    def other(self) -> Client:
        """Another session of hers."""
        client = self.house.welcome()
        self.assertEqual(client.codes("LOGIN alice correct-horse"), [230])
        return client


@on_both
class Pausing(Keeping):
    """HISTORY OFF, HISTORY ON."""

    def test_off_and_on(self) -> None:
        """Nothing is kept in between, and what was kept stays."""
        self.alice.codes("Q one")
        self.assertEqual(
            self.alice.ask("HISTORY OFF"),
            "287 what you look up is not kept from now on; what was kept stays, FORGET * deletes it\n",
        )
        self.assertEqual(self.alice.ask("Q two"), "552 no match\n")
        self.assertEqual(
            self.alice.ask("WHOAMI"), "285 you are alice; what you look up is not kept, HISTORY ON changes that\n"
        )
        self.assertEqual(self.words(), ["one"])
        self.assertEqual(self.alice.ask("h on"), "287 what you look up is kept from now on\n")
        self.alice.codes("Q three")
        self.assertEqual(self.words(), ["one", "three"])
        self.assertEqual(self.alice.ask("WHOAMI"), "285 you are alice; what you look up is kept\n")

    def test_in_one_packet(self) -> None:
        """What stands before OFF is kept, what stands behind is not, whatever the clock says."""
        self.alice.codes("Q one", "HISTORY OFF", "Q two", "HISTORY ON", "Q three", "H OFF", "H OFF", "Q four")
        self.assertEqual(self.words(), ["one", "three"])

    def test_row_on_its_way(self) -> None:
        """What was looked up in the very millisecond before OFF is kept, though it comes into the store after."""
        self.alice.codes("HISTORY OFF")
        now = int(self.house.wall() * 1000)
        rows = [LookUp(1, number + 1, now + number, f"word{number}", b"", "wn", 1) for number in range(2)]
        committed(self.house.pool.connection, HistoryQueries(self.house.pool.dialect).keep, rows)
        self.assertEqual(self.words(), ["word0"])

    def test_every_session(self) -> None:
        """Those that are open are told, and those that log in later know."""
        other, bob = self.other(), self.house.member("bob")
        self.alice.codes("HISTORY OFF")
        later = self.other()
        for client in (other, later, bob):
            client.codes("Q penguin")
        self.assertEqual((self.words(), self.words(bob)), ([], ["penguin"]))
        self.assertIn("is not kept", other.ask("WHOAMI"))
        other.codes("HISTORY ON")
        for client in (self.alice, other, later):
            client.codes("Q foo")
        self.assertEqual(self.words(), ["foo"] * 3)

    def test_session_that_nobody_told(self) -> None:
        """The store leaves out what another host still records; WHOAMI mends the session."""
        other = self.other()
        self.patch(Roster, "keep", lambda *_: 0)
        self.alice.codes("HISTORY OFF")
        self.house.clock.advance(1)
        self.assertEqual(other.codes("Q foo"), [250])
        assert other.protocol.session.user is not None
        self.assertTrue(other.protocol.session.user.keeps)
        self.assertEqual(self.words(), [])
        other.ask("WHOAMI")
        self.assertFalse(other.protocol.session.user.keeps)

    def test_words_off_and_on(self) -> None:
        """Behind a number they are words; OFF takes nothing behind it."""
        self.alice.codes("Q off", "Q foo")
        self.assertEqual(self.words(line="HISTORY 20 off"), ["off"])
        self.assertEqual(self.words(line="HISTORY 20 OFF"), ["off"])
        self.assertEqual(self.alice.codes("HISTORY OFF now", "HISTORY OF", "HISTORY KEEP"), [501] * 3)
        self.alice.codes("Q bar")
        self.assertEqual(self.words(), ["off", "foo", "bar"])

    def test_store_away(self) -> None:
        """480, and nothing has changed; WHOAMI says what it knows."""
        self.house.pool.away = True
        self.assertEqual(self.alice.codes("HISTORY OFF", "HISTORY ON", "HISTORY KEEP 3"), [480] * 3)
        self.assertEqual(self.alice.ask("WHOAMI"), "285 you are alice; accounts are unavailable just now\n")
        self.house.pool.away = False
        self.alice.codes("Q foo")
        self.assertEqual(self.words(), ["foo"])

    def test_nobody(self) -> None:
        """530 before login."""
        self.assertEqual(self.client.codes("HISTORY OFF", "HISTORY ON", "HISTORY KEEP 3"), [530] * 3)

    def test_help(self) -> None:
        """HELP HISTORY shows each form."""
        told = self.client.ask("HELP history")
        for form in ("HISTORY [n [<older] [word]]", "HISTORY OFF ", "HISTORY ON ", "HISTORY KEEP days"):
            self.assertIn(f"\n{form}", told)
        self.assertEqual(self.client.ask("HELP history off").count("HISTORY"), 1)


@on_both
class ForSomeDays(Keeping):
    """HISTORY KEEP."""

    def test_keep(self) -> None:
        """What is older goes at once, and what grows older later is not shown."""
        self.alice.codes("Q old")
        self.house.later += 3 * 86400
        self.alice.codes("Q new")
        self.assertEqual(self.alice.ask("HISTORY KEEP 2"), "287 look-ups are kept for 2 days, older ones are deleted\n")
        self.assertEqual(self.rows(), [("new",)])
        self.assertEqual(self.alice.ask("WHOAMI"), "285 you are alice; what you look up is kept for 2 days\n")
        self.house.later += 2 * 86400 + 1
        self.assertEqual((self.words(), self.rows()), ([], [("new",)]))
        self.assertEqual(self.alice.ask("history keep all"), "287 look-ups are kept for ever\n")
        self.assertEqual(self.words(), ["new"])
        self.assertEqual(self.alice.ask("WHOAMI"), "285 you are alice; what you look up is kept\n")

    def test_long_history(self) -> None:
        """It goes in slices."""
        self.alice.codes(*["Q old"] * 5)
        self.house.later += 3 * 86400
        self.patch(history, "SLICE", 2)
        self.alice.codes("HISTORY KEEP 2")
        self.assertEqual(self.rows(), [])

    def test_others_keep_theirs(self) -> None:
        """Only hers goes."""
        bob = self.house.member("bob")
        for client in (self.alice, bob):
            client.codes("Q foo")
        self.house.later += 86401
        self.assertEqual(self.alice.ask("HISTORY KEEP 1"), "287 look-ups are kept for 1 day, older ones are deleted\n")
        self.assertEqual((self.words(), self.words(bob)), ([], ["foo"]))

    def test_days(self) -> None:
        """From 1 to a hundred years."""
        refused = ("0", "36501", "-1", "x", "1.5", "٣", "99999999999999999999", "1 2", "")
        self.assertEqual(self.alice.codes(*(f"HISTORY KEEP {days}" for days in refused)), [501] * len(refused))
        self.assertEqual(self.alice.codes("HISTORY KEEP 1", "HISTORY KEEP 36500", "HISTORY KEEP 007"), [287] * 3)

    def test_while_paused(self) -> None:
        """It says that nothing new is kept."""
        self.alice.codes("HISTORY OFF")
        self.assertIn("nothing new is kept before HISTORY ON", self.alice.ask("HISTORY KEEP 3"))

    def test_store_that_goes_away_in_the_middle(self) -> None:
        """The wish is kept; what could not be deleted is not shown."""
        self.alice.codes("Q old")
        self.house.later += 3 * 86400

        def gone(*_: object) -> None:
            raise StoreUnavailable

        self.patch(HistoryQueries, "expire", gone)
        self.assertEqual(self.alice.codes("HISTORY KEEP 2"), [287])
        self.assertEqual((self.words(), self.rows()), ([], [("old",)]))

    def rows(self) -> list[tuple[str]]:
        """What the store has."""
        cursor = self.house.pool.connection.cursor()
        cursor.execute("SELECT word FROM hist ORDER BY rid")
        return [tuple(row) for row in cursor.fetchall()]


@on_both
class OlderOnes(Keeping):
    """Pages."""

    def test_pages(self) -> None:
        """The last line says what to say for older ones, as long as there are any."""
        self.alice.codes(*(f"Q word{number}" for number in range(7)))
        self.assertEqual(self.pages("H 3"), [["word6", "word5", "word4"], ["word3", "word2", "word1"], ["word0"]])
        self.assertEqual([len(page) for page in self.pages("H 7")], [7])
        self.assertRegex(self.alice.ask("H 6"), r"\n250 ok, older ones: HISTORY 6 <[0-9a-z]{9,13}\n\Z")

    def test_of_one_word(self) -> None:
        """The word goes along, in quotes where it came in quotes."""
        self.alice.codes(*["Q crow's nest", "Q <1z", "Q foo"] * 3)
        self.assertEqual(self.pages("H 2 Crow's Nest"), [["crow's nest"] * 2, ["crow's nest"]])
        self.assertEqual(self.pages('H 1 "<1z"'), [["<1z"]] * 3)
        self.assertTrue(self.alice.ask('H 1 "<1z"').endswith(' "<1z"\n'))

    def test_bad_mark(self) -> None:
        """501 with what to do."""
        answer = self.alice.ask("HISTORY 20 <?!")
        self.assertTrue(answer.startswith("501 ") and "last line" in answer and "quotes" in answer, answer)
        self.assertEqual(self.alice.codes("HISTORY 20 <", "HISTORY <1z", "HISTORY 20 <zzzzzzzzzzzzz"), [501] * 3)

    def test_mark_of_somebody_else(self) -> None:
        """It shows nothing but one's own."""
        bob = self.house.member("bob")
        bob.codes("Q foo", "Q bar")
        line = _OLDER.findall(bob.ask("H 1"))[0]
        self.assertEqual(self.alice.ask(line), "180 0 look-ups, newest first\n.\n250 ok\n")

    def test_longest_page(self) -> None:
        """A thousand, and one more."""
        for _ in range(7):
            self.alice.codes(*["Q foo"] * 143)
        self.assertEqual([len(page) for page in self.pages(f"HISTORY {MOST}")], [MOST, 1])

    def test_on_their_way(self) -> None:
        """What is not in the store yet is said, here by the number, elsewhere as it may be."""
        recorder = self.house.recorder
        for here, said in ((1, " (1 more is on its way)"), (3, " (3 more are on their way)"), (0, "")):
            with_rows = dict.fromkeys([1], here)
            self.patch(type(recorder), "on_its_way", lambda _, user_id, rows=with_rows: rows[user_id])
            self.assertTrue(self.alice.ask("H").startswith(f"180 0 look-ups, newest first{said}\n"))
        self.house.factory.service.tally.elsewhere = {"spooled_rows": 2}
        self.assertIn("newest first (some may still be on their way)\n", self.alice.ask("H"))


class AnyPages(Keeping):
    """Pages of any length, while look-ups come in."""

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.integers(0, 30), st.lists(st.tuples(st.integers(1, 8), st.integers(0, 3)), min_size=1, max_size=9))
    def test_each_exactly_once(self, before: int, steps: list[tuple[int, int]]) -> None:
        """What was there at first comes once, newest first; what comes in between does not."""
        self.alice.codes("FORGET *", *(f"Q word{number}" for number in range(before)))
        seen: list[str] = []
        line = f"HISTORY {steps[0][0]}"
        for count, coming in steps + [(3, 1)] * 9:
            answer = self.alice.ask(re.sub(r" \d+", f" {count}", line, count=1))
            seen += _WORD.findall(answer)
            older = _OLDER.search(answer)
            if older is None:
                break
            line = older[1]
            self.house.clock.advance(coming / 1000)
            self.alice.codes(*["Q new"] * coming)
        self.assertEqual(seen, [f"word{number}" for number in reversed(range(before))])
