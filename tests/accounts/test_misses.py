"""Words that nobody finds, counted in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts import misses
from dictd.accounts.misses import EVERY, LONGEST, Listed, Misses, Sought, is_found
from dictd.config import DictionarySettings, GroupSettings, Settings
from dictd.lexicon.arrangement import arrangement
from dictd.lexicon.reader import Lexicon
from dictd.processes.missed import table
from dictd.store.dialect import SQLITE
from dictd.store.misses import SLICE, MissedWord, MissQueries, Wanted
from tests.support.house import BOOKS, MORNING, ImmediatePool, publish


class Counting(SynchronousTestCase):
    """One process with a store in memory."""

    def setUp(self) -> None:
        """Nothing was looked up yet."""
        self.clock, self.pool = Clock(), ImmediatePool.empty()
        self.misses = self.made()
        directory = Path(self.mktemp()).absolute()
        publish(directory, BOOKS)
        self.lexicon = Lexicon(directory, self.fail)
        self.lexicon.refresh()
        self.addCleanup(self.lexicon.close)

    def made(self, **how: Any) -> Misses:
        """Another process."""
        pool: Any = self.pool
        return Misses(pool, MissQueries(SQLITE), self.clock, lambda: MORNING + self.clock.seconds(), **how)

    def kept(self) -> dict[tuple[str, str], int]:
        """What the store has."""
        rows = self.pool.connection.execute("SELECT word, dictionary, count FROM miss").fetchall()
        return {(word, dictionary): count for word, dictionary, count in rows}

    def now(self, work: Any) -> Any:
        """What comes of it at once."""
        return self.successResultOf(Deferred.fromCoroutine(work))

    def listed(self, most: int = 100, **wanted: Any) -> Listed:
        """What is told."""
        listed: Listed = self.now(self.misses.listed(self.lexicon, Wanted(**wanted), most))
        return listed

    def test_each_minute(self) -> None:
        """They are in the store within a minute, by every spelling as one, and only once."""
        for word in ("Pinguin", "  PINGUIN ", "pinguin"):
            self.misses.count(word, "*")
        self.misses.count("pinguin", "!")
        self.misses.count("pinguin", "wn")
        self.clock.advance(EVERY - 0.1)
        self.misses.look()
        self.assertEqual((self.kept(), self.misses.waiting), ({}, 2))
        self.clock.advance(0.1)
        self.misses.look()
        self.assertEqual(self.kept(), {("pinguin", "*"): 4, ("pinguin", "wn"): 1})
        self.clock.advance(EVERY)
        self.misses.look()
        self.assertEqual((self.kept()["pinguin", "*"], self.misses.waiting), (4, 0))

    def test_no_word(self) -> None:
        """What has nothing in it that could be found is none."""
        for word in ("", "  ", "\u3000"):
            self.misses.count(word, "*")
        self.assertEqual(self.misses.waiting, 0)

    def test_bounded(self) -> None:
        """More different words than there may be are counted together, those that are there go on."""
        self.misses = self.made(most=3)
        for number in range(10):
            self.misses.count(f"word {number % 5}", "*")
        self.misses.count("x" * (LONGEST + 1), "wn")
        self.assertLessEqual(self.misses.waiting, 4)
        self.now(self.misses.flush())
        self.assertEqual(self.kept(), {("word 0", "*"): 2, ("word 1", "*"): 2, ("word 2", "*"): 2, ("", "*"): 5})
        self.assertEqual(self.listed().others, 5)

    def test_long_ones(self) -> None:
        """A whole sentence is counted, and not kept."""
        self.misses.count("x" * LONGEST, "*")
        self.misses.count("x" * LONGEST + "y", "*")
        self.now(self.misses.flush())
        self.assertEqual(self.kept(), {("x" * LONGEST, "*"): 1, ("", "*"): 1})

    def test_away(self) -> None:
        """While the store is away they wait, in the same bounds, and are told from here."""
        self.misses = self.made(most=2)
        self.pool.away = True
        for word in ("rare", "often", "often", "penguin"):
            self.misses.count(word, "*")
        self.assertFalse(self.now(self.misses.flush()))
        self.misses.count("often", "*")
        listed = self.listed(least=2)
        self.assertEqual([(word.word, word.count) for word in listed.words], [("often", 3), ("rare", 1)])
        self.assertEqual((listed.stored, listed.others), (False, 1))
        self.pool.away = False
        self.assertTrue(self.now(self.misses.flush()))
        self.assertEqual(self.kept(), {("often", "*"): 3, ("rare", "*"): 1, ("", "*"): 1})
        self.assertTrue(self.listed().stored)

    def test_away_halfway(self) -> None:
        """What was added before the store went away is not added again."""
        for number in range(SLICE + 1):
            self.misses.count(f"word {number}", "*")
        run, asked = self.pool.run, []

        async def once(*what: Any) -> Any:
            asked.append(what)
            self.pool.away = len(asked) > 1
            return await run(*what)

        self.patch(ImmediatePool, "run", lambda pool, *what: once(*what))
        self.assertFalse(self.now(self.misses.flush()))
        self.assertEqual(self.misses.waiting, 1)
        asked.clear()
        self.pool.away = False
        self.patch(ImmediatePool, "run", lambda pool, *what: run(*what))
        self.assertTrue(self.now(self.misses.flush()))
        self.assertEqual(set(self.kept().values()), {1})
        self.assertEqual(len(self.kept()), SLICE + 1)

    def test_trouble(self) -> None:
        """A fault of ours is logged, and what it was about is not tried for ever."""
        self.misses.count("pinguin", "*")
        self.pool.connection.execute("ALTER TABLE miss RENAME TO gone")
        self.clock.advance(EVERY)
        self.misses.look()
        self.assertEqual(len(self.flushLoggedErrors()), 1)
        self.assertEqual(self.misses.waiting, 0)

    def test_one_after_the_other(self) -> None:
        """Who asks for it while it is done waits until all is there, also what was counted meanwhile."""
        run, gates = self.pool.run, list[Deferred[None]]()

        async def gated(*what: Any) -> Any:
            gates.append(Deferred())
            await gates[-1]
            return await run(*what)

        self.patch(ImmediatePool, "run", lambda pool, *what: gated(*what))
        self.misses.count("one", "*")
        first = Deferred.fromCoroutine(self.misses.flush())
        self.misses.count("two", "*")
        second = Deferred.fromCoroutine(self.misses.flush())
        self.assertEqual(len(gates), 1)
        for gate in gates:  # it grows
            gate.callback(None)
        self.assertTrue(self.successResultOf(first))
        self.assertTrue(self.successResultOf(second))
        self.assertEqual(self.kept(), {("one", "*"): 1, ("two", "*"): 1})

    def test_thinned(self) -> None:
        """A flood of words does not fill the store, though the hour is not over."""
        self.patch(misses, "SLICE", 100)
        from dictd.store import misses as store

        self.patch(store, "MOST", 1000)
        self.patch(store, "_MORE", 100)
        for _ in range(3):
            self.misses.count("often", "*")
        for number in range(4000):
            self.misses.count(f"word {number}", "*")
        self.now(self.misses.flush())
        self.assertEqual(len(self.kept()), 1000)
        self.assertEqual(self.kept()["often", "*"], 3)
        self.now(self.misses.expire())
        self.assertEqual(len(self.kept()), 1000)

    def test_found_now(self) -> None:
        """What a dictionary has by now is left out, and counted; pages are read until there are enough."""
        self.patch(misses, "PAGE", 3)
        for word, count in (("penguin", 9), ("foo", 8), ("pengo", 7), ("pinguin", 6), ("bar", 5), ("baz", 4)):
            for _ in range(count):
                self.misses.count(word, "wn")
        self.now(self.misses.flush())
        listed = self.listed(most=2)
        self.assertEqual([word.word for word in listed.words], ["pinguin", "bar"])
        self.assertEqual(listed.found_now, 3)
        # In that one dictionary foo is missed all the same.
        listed = self.listed(dictionary="wn")
        self.assertEqual([word.word for word in listed.words], ["foo", "pinguin", "bar", "baz"])
        self.assertEqual(self.listed(most=0).words, [])

    def test_enough(self) -> None:
        """Nothing is sought any more once there is enough."""
        words = [MissedWord(b"x", f"x{number}", 1, ("*",), 0, 0) for number in range(200)]
        sought = Sought(self.lexicon, Wanted(), 150)
        sought.take(words[:100])
        self.assertTrue(sought.done)  # the page was short
        sought = Sought(self.lexicon, Wanted(), 200)
        sought.take(words)
        self.assertEqual((sought.done, len(sought.words)), (True, 200))


class Found(SynchronousTestCase):
    """Whether somebody would find a word now."""

    def test_views(self) -> None:
        """A dictionary of some users is asked as one of them; what nobody has been shown has nothing."""
        settings = Settings(
            dictionaries={"jargon": DictionarySettings(users=("Teacher",)), "wn": DictionarySettings(hidden=True)},
            groups={"english": GroupSettings(("wn",), "English")},
        )
        directory = Path(self.mktemp()).absolute()
        publish(directory, BOOKS)
        lexicon = Lexicon(directory, self.fail, arrangement(settings))
        lexicon.refresh()
        self.addCleanup(lexicon.close)
        for word, database, found in (
            ("foo", "jargon", True),
            ("fu", "jargon", False),
            ("foo", "*", False),  # not by everybody
            ("pengo", "english", True),
            ("pengo", "wn", False),
            ("pengo", "gone", False),
        ):
            self.assertEqual(is_found(lexicon, word, database), found, (word, database))


class Shown(SynchronousTestCase):
    """What people read."""

    def test_table(self) -> None:
        """A word in a line, and what else there is to know."""
        words = [MissedWord(b"x", "Pinguin", 1200, ("*", "wn"), 0, 1_767_323_045_000)]
        listed = Listed(words, 1, 2500)
        self.assertEqual(
            repr(table(listed.rows(), listed.found_now, listed.others)),
            "word     times  asked in  last (UTC)\n"
            "Pinguin  1,200  *, wn     2026-01-02 03:04\n"
            "Left out: 1 word that would be found now.\n"
            "Besides, 2,500 look-ups found nothing, of words too many or too long to be listed.",
        )
        self.assertIn("The store is away", repr(table([], stored=False)))
        self.assertEqual(repr(table([])), "No word was missed.")
        self.assertEqual(repr(table([], least=2, rarer="this")), "No word was missed twice or more; this shows all.")
        self.assertEqual(evolve(listed, words=[]).rows(), [])
