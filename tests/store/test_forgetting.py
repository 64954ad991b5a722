"""What is forgotten by order or by age, on a real database."""

from __future__ import annotations

from dictd.model import DAY, LookUp, User, row_id
from dictd.store import history
from dictd.store.history import REMEMBERED
from tests.store.databases import on_both
from tests.store.test_history import NOW, HistoryCase, row


@on_both
class Forgetting(HistoryCase):
    """What was forgotten does not come back, and nothing else is forgotten."""

    def replay(self, *rows: LookUp, now: int = NOW) -> int:
        """Insert rows that have waited elsewhere."""
        return self.database.run(self.queries.replay, rows, now)

    def setUp(self) -> None:
        """Small slices."""
        super().setUp()
        self.patch(history, "SLICE", 3)

    def test_in_slices(self) -> None:
        """Each call deletes a slice at most, the oldest first, and says how many; a word, or all."""
        self.keep(*(row(self.anna, rid, "odd" if rid % 2 else "even") for rid in range(1, 9)), row(self.bert, 1, "odd"))
        self.assertEqual([self.forget(self.anna, b"odd"), self.forget(self.anna, b"odd")], [3, 1])
        self.assertEqual([one.rid for one in self.newest(self.anna)], [8, 6, 4, 2])
        self.assertEqual([self.forget(self.anna, None), self.forget(self.anna, None)], [3, 1])
        self.assertEqual((self.newest(self.anna), len(self.newest(self.bert))), ([], 1))

    def test_up_to_a_row(self) -> None:
        """Rows that were made after FORGET was said stay."""
        self.keep(*(row(self.anna, rid, "a") for rid in (1, 2, 3)))
        self.assertEqual(self.forget(self.anna, b"a", upto=2), 2)
        self.assertEqual([one.rid for one in self.newest(self.anna)], [3])
        self.assertEqual(self.forget(self.anna, None, upto=2), 0)

    def test_word_replayed(self) -> None:
        """Rows of the word that waited elsewhere stay out; later ones, other words and other users come in."""
        self.forget(self.anna, b"a", upto=5)
        later, other, his = row(self.anna, 6, "a"), row(self.anna, 4, "b"), row(self.bert, 4, "a")
        self.assertEqual(self.replay(row(self.anna, 4, "a"), row(self.anna, 5, "A"), later, other, his), 3)
        self.assertEqual((self.newest(self.anna), self.newest(self.bert)), ([later, other], [his]))

    def test_everything_replayed(self) -> None:
        """After all was forgotten nothing older comes in, whatever the word."""
        self.forget(self.anna, None, upto=5)
        later, his = row(self.anna, 6, "b"), row(self.bert, 4, "a")
        self.assertEqual(self.replay(row(self.anna, 4, "a"), row(self.anna, 5, ""), later, his), 2)
        self.assertEqual((self.newest(self.anna), self.newest(self.bert)), ([later], [his]))

    def test_empty_word_replayed(self) -> None:
        """A word that folds to nothing is one word here too."""
        self.forget(self.anna, b"", upto=5)
        self.assertEqual(self.replay(row(self.anna, 4, "a"), LookUp(self.anna.id, 3, NOW, "", b"", "d", 0)), 1)
        self.assertEqual([one.word for one in self.newest(self.anna)], ["a"])

    def test_forgotten_twice(self) -> None:
        """The highest row that was meant counts, in whichever order it was said."""
        for upto in (5, 3):
            self.forget(self.anna, b"a", upto=upto)
        self.assertEqual(self.replay(row(self.anna, 5, "a"), row(self.anna, 6, "a")), 1)
        self.forget(self.anna, b"a", upto=7)
        self.assertEqual(self.replay(row(self.anna, 7, "a")), 0)

    def test_too_long_elsewhere(self) -> None:
        """A row that waited for longer than FORGET is remembered does not come in."""
        rows = [row(self.anna, rid, "a") for rid in (1, 2)]
        self.assertEqual(self.replay(*rows, now=rows[1].time + REMEMBERED), 1)
        self.assertEqual(self.newest(self.anna), rows[1:])

    def test_replayed_as_kept(self) -> None:
        """Twice is once; those of users who are gone, or who had paused, stay out."""
        rows = [row(self.anna, rid, "a") for rid in (1, 2)]
        self.keep(rows[0])
        self.database.run(self.accounts.set_paused, self.bert.id, 1)
        for _ in range(2):
            self.replay(*rows, row(self.bert, 3, "paused"), row(User(4711, "ghost"), 4, "boo"))
        self.assertEqual((self.newest(self.anna), self.newest(self.bert)), (rows[::-1], []))
        self.assertEqual(self.replay(), 0)

    def test_ids_go_on_behind(self) -> None:
        """A row that comes after has a higher id than what was forgotten, where no row is left too."""
        self.keep(row(self.anna, 5, "a"))
        self.forget(self.anna, None, upto=7)
        self.assertEqual(self.database.run(self.queries.last_rid), 7)

    def test_forgotten_by_nobody(self) -> None:
        """A user who is gone forgets nothing, and nothing is remembered of that."""
        self.assertEqual(self.forget(User(4711, "ghost"), None), 0)
        self.assertEqual(self.database.rows("SELECT count(*) FROM forgotten"), [(0,)])

    def test_word_is_not_remembered(self) -> None:
        """What somebody wants forgotten stands nowhere in the clear."""
        self.forget(self.anna, b"secret")
        self.assertNotIn(b"secret", self.database.rows("SELECT k FROM forgotten")[0][0])


@on_both
class Days(HistoryCase):
    """Histories that are kept for a number of days."""

    def setUp(self) -> None:
        """Anna keeps two days, and small slices."""
        super().setUp()
        self.patch(history, "SLICE", 3)
        self.database.run(self.accounts.set_keep_days, self.anna.id, 2)

    def aged(self, user: User, age: int, word: str = "a") -> LookUp:
        """A row that was made so many milliseconds ago."""
        made = LookUp(user.id, row_id(NOW - age, 3, 7), NOW - age, word, word.encode(), "d", 1)
        self.keep(made)
        return made

    def expired(self) -> list[int]:
        """Expire until nobody is left; who was asked."""
        asked = [0]
        while after := self.database.run(self.queries.expire, NOW, asked[-1]):
            asked.append(after)
        return asked

    def test_older_is_not_shown(self) -> None:
        """Also before it is deleted; of a user who keeps all it is."""
        young = self.aged(self.anna, 2 * DAY)
        for user in (self.anna, self.bert):
            self.aged(user, 2 * DAY + 1)
        self.assertEqual(self.newest(self.anna), [young])
        self.assertEqual(self.newest(self.anna, k=b"a"), [young])
        self.assertEqual(len(self.newest(self.bert)), 1)

    def test_older_is_deleted(self) -> None:
        """In slices, user by user; what is young enough and what others keep stays."""
        clara = self.added("clara")
        self.database.run(self.accounts.set_keep_days, clara.id, 1)
        for number in range(7):
            for user in (self.anna, self.bert, clara):
                self.aged(user, 2 * DAY + 1 + number)
        self.aged(self.anna, 2 * DAY)
        self.aged(clara, 2 * DAY)
        asked = self.expired()
        self.assertEqual(len(asked), 1 + 3 + 3, "two full slices and a part of one for each of two users")
        left = self.database.rows("SELECT user_id, count(*) FROM hist GROUP BY user_id")
        self.assertEqual(dict(left), {self.anna.id: 1, self.bert.id: 7})

    def test_slices_are_small(self) -> None:
        """A call deletes no more than one."""
        for number in range(5):
            self.aged(self.anna, 3 * DAY + number)
        self.assertTrue(self.database.run(self.queries.expire, NOW), "the end")
        self.assertEqual(self.database.rows("SELECT count(*) FROM hist"), [(2,)])

    def test_remembered_for_a_time(self) -> None:
        """What was forgotten is remembered as long as rows may wait elsewhere, and not longer."""
        self.forget(self.anna, b"a", now=NOW - REMEMBERED)
        self.forget(self.bert, b"a", now=NOW - REMEMBERED - 1)
        self.expired()
        self.assertEqual(self.database.rows("SELECT user_id FROM forgotten"), [(self.anna.id,)])

    def test_for_ever(self) -> None:
        """Who keeps all again loses nothing more."""
        self.assertEqual(self.database.run(self.accounts.standing, self.anna.id), (self.anna, 2))
        self.database.run(self.accounts.set_keep_days, self.anna.id, None)
        self.assertEqual(self.database.run(self.accounts.standing, self.anna.id), (self.anna, None))
        self.aged(self.anna, 100 * DAY)
        self.expired()
        self.assertEqual(len(self.newest(self.anna)), 1)
