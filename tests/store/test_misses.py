"""Queries on words that nobody found, on a real database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.lexicon.folding import MAX_KEY
from dictd.model import DAY
from dictd.store import misses
from dictd.store.misses import Miss, MissedWord, MissQueries, Wanted, gathered
from tests.store.databases import Database, committed, on_both


def miss(word: str, count: int = 1, first: int = 1000, last: int = 2000, dictionary: str = "*") -> Miss:
    """A word whose key is the word."""
    return Miss(word.lower().encode(), dictionary, word, count, first, last)


ROWS = st.lists(
    st.builds(miss, st.sampled_from("aAbB"), st.integers(1, 9), st.just(1000), st.integers(1000, 1003))
    | st.builds(miss, st.sampled_from("abc"), dictionary=st.sampled_from(["wn", "jargon"])),
    max_size=8,
)


@on_both
class Misses(SynchronousTestCase):
    """The table of them."""

    def setUp(self) -> None:
        """Empty."""
        self.database = Database.fresh(self, "accounts")
        self.queries = MissQueries(self.database.dialect)

    def add(self, *rows: Miss) -> None:
        """What a process does once a minute."""
        self.database.run(self.queries.add, rows)

    def kept(self) -> list[tuple[object, ...]]:
        """All rows."""
        return self.database.rows("SELECT word, dictionary, count, first, last FROM miss ORDER BY k, dictionary")

    def words(self, wanted: Wanted = Wanted(), most: int = 100, skip: int = 0) -> list[MissedWord]:  # noqa: B008
        """What is told."""
        return self.database.run(self.queries.most_missed, wanted, most, skip)

    def named(self, **wanted: object) -> list[str]:
        """The words of it."""
        return [word.word for word in self.words(Wanted(**wanted))]  # type: ignore[arg-type]

    def test_added(self) -> None:
        """Counts add up; the spelling is the last one, first and last are of all."""
        self.add(miss("Pinguin", 2, 1000, 2000), miss("Pinguin", 5, 1500, 1500, "wn"))
        self.add(miss("PINGUIN", 3, 2500, 3000))
        self.add(miss("pinguin", 1, 500, 600))  # it had waited
        self.assertEqual(self.kept(), [("PINGUIN", "*", 6, 500, 3000), ("Pinguin", "wn", 5, 1500, 1500)])

    def test_told(self) -> None:
        """The most missed first, with all places, where it was missed most first."""
        self.add(miss("a", 2, 1, 2), miss("a", 3, 3, 4, "wn"), miss("b", 6), miss("A", 1, 5, 9, "jargon"), miss("c", 1))
        expected = [
            MissedWord(b"a", "A", 6, ("wn", "*", "jargon"), 1, 9),
            MissedWord(b"b", "b", 6, ("*",), 1000, 2000),
            MissedWord(b"c", "c", 1, ("*",), 1000, 2000),
        ]
        self.assertEqual(self.words(), expected)
        self.assertEqual(self.words(most=1), expected[:1])
        self.assertEqual(self.words(most=5, skip=1), expected[1:])
        self.assertEqual(self.words(skip=3), [])

    def test_wanted(self) -> None:
        """Those that were missed since then, there, as often: of these places alone."""
        self.add(miss("a", 2, 1, 2), miss("a", 3, 3, 4, "wn"), miss("b", 2, 1, 4), miss("c", 1, 1, 9, "wn"))
        self.assertEqual(self.named(), ["a", "b", "c"])
        self.assertEqual(self.named(least=4), ["a"])
        self.assertEqual(self.named(since=5), ["c"])
        self.assertEqual(self.named(dictionary="wn"), ["a", "c"])
        self.assertEqual(self.named(dictionary="*"), ["a", "b"])
        self.assertEqual(self.words(Wanted(3, "", 1))[0], MissedWord(b"a", "a", 3, ("wn",), 3, 4))
        self.assertEqual(self.words(Wanted(0, "wn", 1))[0], MissedWord(b"a", "a", 3, ("wn",), 3, 4))

    def test_others(self) -> None:
        """Those that were too many are no word of the list, and have a sum."""
        self.add(Miss(b"", "*", "", 7, 1000, 2000), miss("a"))
        self.assertEqual([word.word for word in self.words(most=1)], ["a"])
        self.assertEqual([self.database.run(self.queries.others, since) for since in (2000, 2001)], [7, 0])

    def test_any_word(self) -> None:
        """Keys and words of every length that there is, and of every script."""
        longest = "\N{PENGUIN}" * 100
        rows = [Miss(b"\xff" * (MAX_KEY + 1), "x" * 64, longest, 1, 1, 1), miss("ß"), miss("ss"), miss("嗯")]
        self.add(*rows)
        self.assertEqual({word.word for word in self.words()}, {longest, "ß", "ss", "嗯"})

    def test_dropped(self) -> None:
        """One word everywhere, or in one place, or all."""
        self.add(miss("a"), miss("a", dictionary="wn"), miss("b"), miss("b", dictionary="wn"), miss("c"))
        run, queries = self.database.run, self.queries
        self.assertEqual([run(queries.drop, b"a"), run(queries.drop, b"a"), run(queries.drop, b"b", "wn")], [2, 0, 1])
        self.assertEqual([row[:2] for row in self.kept()], [("b", "*"), ("c", "*")])
        self.assertEqual((run(queries.clear), self.kept()), (2, []))

    def expire(self, now: int = 0) -> None:
        """What a process does once an hour."""
        while self.database.run(self.queries.expire, now):
            pass

    def test_old(self) -> None:
        """What nobody has missed for ninety days goes, however often it was missed; a slice at a time."""
        self.patch(misses, "SLICE", 2)
        self.add(*(miss(word, 99, 0, 1000) for word in "abcde"), miss("f", 1, 0, 1001))
        self.expire(90 * DAY + 1000)
        self.assertEqual(len(self.kept()), 6)
        self.expire(90 * DAY + 1001)
        self.assertEqual([row[0] for row in self.kept()], ["f"])

    def test_too_much(self) -> None:
        """Of too many the rarest go first, of these the oldest; a slice at a time."""
        self.patch(misses, "MOST", 4)
        self.patch(misses, "_THINNED", 3)
        self.patch(misses, "_MORE", 2)
        self.add(miss("a", 1, 1, 3), miss("b", 2, 1, 1), miss("c", 1, 1, 5), miss("d", 1, 1, 4), miss("e", 9, 1, 1))
        self.add(miss("f", 1, 1, 4, "wn"))
        self.assertFalse(self.database.run(self.queries.thin))
        self.assertEqual(len(self.kept()), 6)
        self.add(miss("g", 1, 1, 9))
        self.assertFalse(self.database.run(self.queries.thin))
        self.assertEqual([row[0] for row in self.kept()], ["b", "c", "e", "g"])
        self.add(*(miss(word, 1, 1, 1) for word in "hijk"))
        self.expire()
        self.assertEqual([row[0] for row in self.kept()], ["b", "c", "e", "g"])

    def test_together(self) -> None:
        """Of several who add the same words at the same moment, in whatever order, nothing is lost."""
        together = Barrier(4, timeout=20)
        words = [miss(f"word {number}") for number in range(200)]

        def add(number: int) -> None:
            connection = self.database.another()
            together.wait()
            try:
                for _ in range(5):
                    committed(connection, self.queries.add, words if number % 2 else words[::-1])
            finally:
                connection.close()

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(add, range(4)))
        self.assertEqual({word.count for word in self.words(most=1000)}, {20})
        self.assertEqual(len(self.words(most=1000)), 200)

    @settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.differing_executors])
    @given(ROWS, ROWS, st.builds(Wanted, st.integers(999, 2001), st.sampled_from(["", "*", "wn"]), st.integers(1, 9)))
    def test_as_in_memory(self, earlier: list[Miss], later: list[Miss], wanted: Wanted) -> None:
        """The store tells what the same rows in memory tell."""
        self.database.run(self.queries.clear)
        whole: dict[tuple[bytes, str], Miss] = {}
        for rows in (earlier, later):
            part: dict[tuple[bytes, str], Miss] = {}
            for row in rows:
                place = row.k, row.dictionary
                part[place] = part[place].plus(row) if place in part else row
            self.add(*part.values())
            for place, row in part.items():
                whole[place] = whole[place].plus(row) if place in whole else row
        self.assertEqual(self.words(wanted), gathered(whole.values(), wanted))
