"""Queries on keys, on a real database."""

from __future__ import annotations

import os
from typing import Any

from attrs import define, evolve
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import NameTaken, TooManyKeys
from dictd.model import Account, StoredKey, User
from dictd.store.accounts import AccountQueries
from dictd.store.keys import KeyQueries
from tests.store.databases import REFUSALS, Database, is_mariadb, on_both

MOST = 3


@define
class Counted:
    """A cursor that counts its statements."""

    cursor: Any
    statements: int = 0

    def execute(self, *given: Any) -> None:
        """One more."""
        self.statements += 1
        self.cursor.execute(*given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)


@on_both
class Keys(SynchronousTestCase):
    """Every query on keys."""

    def setUp(self) -> None:
        """Two users without keys."""
        self.database = Database.fresh(self, "accounts")
        self.run_ = self.database.run
        self.accounts, self.queries = AccountQueries(self.database.dialect), KeyQueries(self.database.dialect)
        self.anna, self.bert = self.user("anna"), self.user("bert")

    def user(self, name: str) -> User:
        """An account that is there."""
        return self.run_(self.accounts.add, name, name.encode(), "hash", 0, os.urandom(16))

    def added(self, user: User, label: str, created: int = 1000, key_id: str = "one") -> StoredKey:
        """A key that is there."""
        key = StoredKey(user.id, label, f"sealed {label}".encode() + b"\0\xff", key_id, created)
        self.assertIs(self.run_(self.queries.add, key, MOST), True)
        return key

    def of(self, user: User) -> list[StoredKey]:
        """The keys of a user."""
        return self.run_(self.queries.of, user.id)

    def test_added_keys_come_back_whole(self) -> None:
        """All of it, oldest first, of one user alone."""
        late, early = self.added(self.anna, "laptop", 2000), self.added(self.anna, "手机", 1000)
        his = self.added(self.bert, "laptop")
        self.assertEqual(self.of(self.anna), [early, late])
        self.assertEqual(self.of(self.bert), [his])
        self.assertEqual(self.of(User(0, "nobody")), [])

    def test_by_name(self) -> None:
        """The account with its keys; an unknown name is nobody with none."""
        key = self.added(self.anna, "laptop")
        self.assertEqual(self.run_(self.queries.of_name, b"anna"), (Account(self.anna, "hash"), [key]))
        self.assertEqual(self.run_(self.queries.of_name, b"bert"), (Account(self.bert, "hash"), []))
        self.assertEqual(self.run_(self.queries.of_name, b"nobody"), (None, []))

    def test_unknown_name_takes_the_same_queries(self) -> None:
        """As many statements for a name that nobody has as for one with keys."""
        self.added(self.anna, "laptop")
        counts = []
        for name in (b"anna", b"bert", b"nobody"):
            counted = Counted(self.database.connection.cursor())
            self.queries.of_name(counted, name)
            counts.append(counted.statements)
        self.assertEqual(counts, [2, 2, 2])

    def test_taken_label(self) -> None:
        """Refused, also when the user has as many keys as there may be; the key that is there stays."""
        keys = [self.added(self.anna, label) for label in "abc"]
        self.assertRaises(NameTaken, self.run_, self.queries.add, evolve(keys[0], sealed=b"other"), MOST)
        self.assertEqual(self.of(self.anna), keys)

    def test_added_again(self) -> None:
        """A call whose COMMIT was lost on the way and that is repeated adds nothing, at the limit neither."""
        keys = [self.added(self.anna, label) for label in "abc"]
        self.assertIs(self.run_(self.queries.add, keys[2], MOST), True)
        self.assertEqual(self.of(self.anna), keys)

    def test_too_many(self) -> None:
        """One more than there may be is refused; of another user it is not."""
        for label in "abc":
            self.added(self.anna, label)
        more = StoredKey(self.anna.id, "d", b"", "one", 0)
        self.assertRaises(TooManyKeys, self.run_, self.queries.add, more, MOST)
        self.assertEqual(len(self.of(self.anna)), 3)
        self.added(self.bert, "d")

    def test_key_of_nobody(self) -> None:
        """Where the user has been deleted meanwhile nothing is kept, and that is no error."""
        self.assertIs(self.run_(self.queries.add, StoredKey(4711, "a", b"", "one", 0), MOST), False)
        self.assertEqual(self.database.rows("SELECT count(*) FROM user_key"), [(0,)])

    def test_dropped(self) -> None:
        """One key of one user; the second time there is none."""
        self.added(self.anna, "a")
        kept, his = self.added(self.anna, "b"), self.added(self.bert, "a")
        self.assertIs(self.run_(self.queries.drop, self.anna.id, "a"), True)
        self.assertIs(self.run_(self.queries.drop, self.anna.id, "a"), False)
        self.assertEqual((self.of(self.anna), self.of(self.bert)), ([kept], [his]))

    def test_use_is_noted_now_and_then(self) -> None:
        """The first time, and again when enough time has passed; never backwards, never of another key."""
        key, other = self.added(self.anna, "a"), self.added(self.anna, "b")
        for now, noted in ((100_000, 100_000), (159_999, 100_000), (50_000, 100_000), (160_000, 160_000)):
            self.run_(self.queries.used, key, now, 60_000)
            self.assertEqual(self.of(self.anna), [evolve(key, last_used=noted), other])

    def test_use_of_a_key_that_is_gone(self) -> None:
        """A new key of the same label is not the one that was used."""
        old = self.added(self.anna, "a", 1000)
        self.run_(self.queries.drop, self.anna.id, "a")
        new = self.added(self.anna, "a", 2000)
        self.run_(self.queries.used, old, 100_000, 60_000)
        self.assertEqual(self.of(self.anna), [new])

    def test_deleted_with_the_user(self) -> None:
        """By our statement and by the database itself."""
        for label in "ab":
            self.added(self.anna, label)
        his = self.added(self.bert, "a")
        switch = "SET foreign_key_checks = {}" if is_mariadb(self) else "PRAGMA foreign_keys = {}"
        self.database.do(switch.format(0))
        self.run_(self.accounts.delete, self.anna.id)
        self.database.do(switch.format(1))
        self.assertEqual(self.database.rows("SELECT user_id FROM user_key"), [(his.user_id,)])
        self.database.do("DELETE FROM user")
        self.assertEqual(self.database.rows("SELECT count(*) FROM user_key"), [(0,)])

    def test_label_is_unique_in_the_table(self) -> None:
        """Also for who writes past these queries."""
        self.added(self.anna, "a")
        again = "INSERT INTO user_key (user_id, label, sealed, key_id, created) VALUES (?, 'a', x'', '', 0)"
        self.assertRaises(REFUSALS, self.database.do, again, self.anna.id)

    def test_sealed_elsewhere(self) -> None:
        """How many cannot be used with this server key."""
        self.added(self.anna, "a")
        self.added(self.anna, "b", key_id="two")
        self.added(self.bert, "a", key_id="three")
        for key_id, count in (("one", 2), ("two", 2), ("four", 3)):
            self.assertEqual(self.run_(self.queries.sealed_elsewhere, key_id), count)
