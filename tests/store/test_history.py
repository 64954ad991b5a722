"""Queries on the history, on a real database."""

from __future__ import annotations

import os

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dictd.lexicon import folding
from dictd.model import LookUp, User
from dictd.store.accounts import AccountQueries
from dictd.store.history import HIGHEST, HistoryQueries
from tests.store.databases import Database, on_both

NOW = 1_760_000_100_000


def row(user: User, rid: int, word: str) -> LookUp:
    """A look-up of a word under its real key."""
    return LookUp(user.id, rid, 1_760_000_000_000 + rid, word, folding.key(folding.exact(word)), "wordnet", 2)


class HistoryCase(SynchronousTestCase):
    """A history of two users."""

    def setUp(self) -> None:
        """A fresh database with two users."""
        self.database = Database.fresh(self, "accounts")
        self.queries = HistoryQueries(self.database.dialect)
        self.accounts = AccountQueries(self.database.dialect)
        self.anna, self.bert = self.added("anna"), self.added("bert")

    def added(self, name: str) -> User:
        """An account that is there."""
        return self.database.run(self.accounts.add, name, name.encode(), "hash", 0, os.urandom(16))

    def keep(self, *rows: LookUp) -> None:
        """Insert rows as one group."""
        self.database.run(self.queries.keep, rows)

    def newest(self, user: User, count: int = 100, k: bytes | None = None, before: int = HIGHEST) -> list[LookUp]:
        """A user's rows, newest first."""
        return self.database.run(self.queries.newest, user.id, count, k, NOW, before)

    def forget(self, user: User, k: bytes | None, upto: int = HIGHEST, now: int = NOW) -> int:
        """Forget a word or all of a user."""
        return self.database.run(self.queries.forget, user.id, k, upto, now)


@on_both
class Rows(HistoryCase):
    """Every query on the history."""

    def test_kept_row_comes_back_whole(self) -> None:
        """Every field of a row is what it was, also where the word is not ASCII."""
        one = LookUp(self.anna.id, 7 << 22, 1_760_000_000_123, "Straße 日本", "strasse 日本".encode(), "eng-deu", 0)
        self.keep(one)
        self.assertEqual(self.newest(self.anna), [one])

    def test_newest_come_first(self) -> None:
        """The order is that of the row ids, whatever the order of insertion, and the count is kept to."""
        rows = [row(self.anna, rid, f"word {rid}") for rid in range(1, 8)]
        self.keep(*rows[3:], *rows[:3])
        self.assertEqual(self.newest(self.anna), rows[::-1])
        self.assertEqual(self.newest(self.anna, 3), rows[:3:-1])

    def test_newest_of_a_word_come_first(self) -> None:
        """With a word only its rows are listed, in every spelling that folds to it, newest first."""
        spelled = [row(self.anna, 1, "Straße"), row(self.anna, 3, "STRASSE"), row(self.anna, 5, "strasse")]
        self.keep(row(self.anna, 2, "Strass"), *spelled, row(self.anna, 4, "strassen"), row(self.bert, 6, "Straße"))
        self.assertEqual(self.newest(self.anna, 100, b"strasse"), spelled[::-1])
        self.assertEqual(self.newest(self.anna, 2, b"strasse"), spelled[:0:-1])
        self.assertEqual(self.newest(self.anna, 2, b"Strasse"), [])

    def test_users_do_not_see_each_other(self) -> None:
        """Two users may have the same row id, and each reads only what is theirs."""
        mine, his = row(self.anna, 1, "mine"), row(self.bert, 1, "his")
        self.keep(mine, his)
        self.assertEqual(self.newest(self.anna), [mine])
        self.assertEqual(self.newest(self.bert), [his])

    def test_row_of_nobody_does_not_fail_the_group(self) -> None:
        """A user deleted while rows waited: theirs are left out, those of all others are kept."""
        ghost = User(4711, "ghost")
        first, last = row(self.anna, 1, "first"), row(self.bert, 3, "last")
        self.keep(first, row(ghost, 2, "boo"), last)
        self.assertEqual(self.newest(self.anna), [first])
        self.assertEqual(self.newest(self.bert), [last])
        self.assertEqual(self.newest(ghost), [])

    def test_same_row_twice_is_kept_once(self) -> None:
        """A group that is committed again, because its answer was lost, doubles nothing and changes nothing."""
        rows = [row(self.anna, rid, f"word {rid}") for rid in (1, 2)]
        self.keep(*rows)
        self.keep(evolve(rows[0], word="another", found=9), rows[1], row(self.anna, 3, "new"))
        self.assertEqual(self.newest(self.anna), [row(self.anna, 3, "new"), *rows[::-1]])

    def test_same_row_twice_in_one_group_is_kept_once(self) -> None:
        """The same holds inside one group."""
        one = row(self.anna, 1, "one")
        self.keep(one, one)
        self.assertEqual(self.newest(self.anna), [one])

    def test_word_is_forgotten_in_every_spelling(self) -> None:
        """Forgetting a word takes all rows with its folded key, of this user alone, and counts them."""
        other = row(self.anna, 3, "strassen")
        self.keep(row(self.anna, 1, "Straße"), row(self.anna, 2, "STRASSE"), other, row(self.bert, 1, "Straße"))
        self.assertEqual(self.forget(self.anna, b"strasse"), 2)
        self.assertEqual(self.newest(self.anna), [other])
        self.assertEqual(len(self.newest(self.bert)), 1)
        self.assertEqual(self.forget(self.anna, b"strasse"), 0)

    def test_everything_is_forgotten(self) -> None:
        """Forgetting all takes all rows of this user alone, and counts them."""
        self.keep(*(row(self.anna, rid, f"word {rid}") for rid in range(5)), row(self.bert, 1, "his"))
        self.assertEqual(self.forget(self.anna, None), 5)
        self.assertEqual(self.newest(self.anna), [])
        self.assertEqual(len(self.newest(self.bert)), 1)
        self.assertEqual(self.forget(self.anna, None), 0)

    def test_clock_of_another_host_is_ahead(self) -> None:
        """What is there is forgotten, though its ids are higher than those that this host knows."""
        self.keep(row(self.anna, 1001, "one"), row(self.anna, 1002, "two"), row(self.bert, 1003, "his"))
        latest = self.database.run(self.queries.latest, self.anna.id)
        self.assertEqual(latest, 1002)
        self.assertEqual(self.database.run(self.queries.forget, self.anna.id, b"one", 1000, NOW, latest), 1)
        self.assertEqual(self.database.run(self.queries.forget, self.anna.id, None, 1000, NOW, latest), 1)

    def test_empty_key_is_a_word_and_not_everything(self) -> None:
        """A word that folds to nothing is one word: it does not wipe the whole history."""
        self.keep(row(self.anna, 1, "stays"))
        self.assertEqual(self.forget(self.anna, b""), 0)
        self.assertEqual(self.newest(self.anna, 100, b""), [])
        self.assertEqual(len(self.newest(self.anna)), 1)

    def test_highest_row_id_is_that_of_all_users(self) -> None:
        """Where row ids go on is told over all users; 0 in an empty history."""
        self.assertEqual(self.database.run(self.queries.last_rid), 0)
        self.keep(row(self.bert, 1 << 60, "high"), row(self.anna, 5, "low"))
        self.assertEqual(self.database.run(self.queries.last_rid), 1 << 60)

    def test_no_rows_are_no_trouble(self) -> None:
        """An empty group is committed like any other."""
        self.keep()
        self.assertEqual(self.newest(self.anna), [])

    def test_pages(self) -> None:
        """Each page ends before the last row of the one before, of all words or of one."""
        rows = [row(self.anna, rid, "odd" if rid % 2 else "even") for rid in range(1, 8)]
        self.keep(*rows, row(self.bert, 4, "odd"))
        self.assertEqual(self.newest(self.anna, 3, before=6), rows[4:1:-1])
        self.assertEqual(self.newest(self.anna, 3, before=3), rows[1::-1])
        self.assertEqual(self.newest(self.anna, 3, before=1), [])
        self.assertEqual(self.newest(self.anna, 2, b"odd", before=5), [rows[2], rows[0]])

    def test_made_while_paused(self) -> None:
        """What is looked up while the user has paused is not kept; what was before, and what comes after, is."""
        since = row(self.anna, 5, "").time
        self.database.run(self.accounts.set_paused, self.anna.id, since)
        kept = row(self.anna, 4, "before")
        self.keep(kept, row(self.anna, 5, "at"), row(self.anna, 6, "after"), row(self.bert, 6, "his"))
        self.assertEqual((self.newest(self.anna), len(self.newest(self.bert))), ([kept], 1))
        self.database.run(self.accounts.set_paused, self.anna.id, None)
        self.keep(row(self.anna, 7, "again"))
        self.assertEqual([one.word for one in self.newest(self.anna)], ["again", "before"])
