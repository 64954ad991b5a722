"""Queries on users, on a real database."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import NameTaken
from dictd.model import Account, LookUp, User
from dictd.store.accounts import AccountQueries
from dictd.store.dialect import SQLITE
from dictd.store.history import HistoryQueries
from tests.store.databases import Database, again, on_both


@on_both
class Users(SynchronousTestCase):
    """Every query on users."""

    def setUp(self) -> None:
        """A fresh database of accounts."""
        self.database = Database.fresh(self, "accounts")
        self.run_ = self.database.run
        self.queries = AccountQueries(self.database.dialect)
        self.history = HistoryQueries(self.database.dialect)

    def added(self, name: str, stored: str = "hash") -> User:
        """An account that is there."""
        return self.run_(self.queries.add, name, name.casefold().encode(), stored, 1_760_000_000_000, os.urandom(16))

    def kept(self, user: User, rid: int, word: str) -> None:
        """A row of history that is there."""
        self.run_(self.history.keep, [LookUp(user.id, rid, 0, word, word.encode(), "d", 1)])

    def test_added_account_is_found_by_name_and_by_id(self) -> None:
        """What was added comes back whole, by its folded name and by its id."""
        user = self.added("Zoë", "secret hash")
        self.assertEqual(user, User(user.id, "Zoë", "user"))
        wanted = Account(user, "secret hash", disabled=False)
        self.assertEqual(self.run_(self.queries.find, "zoë".encode()), wanted)
        self.assertEqual(self.database.rows("SELECT created FROM user"), [(1_760_000_000_000,)])

    def test_unknown_account_is_none(self) -> None:
        """Neither an unknown name nor an unknown id is anybody."""
        self.added("anna")
        self.assertIsNone(self.run_(self.queries.find, b"ann"))
        self.assertIsNone(self.run_(self.queries.find, b"Anna"))

    def test_disabled_account_says_so(self) -> None:
        """The mark of a disabled account is read."""
        self.added("anna")
        self.database.do("UPDATE user SET disabled = 1")
        account = self.run_(self.queries.find, b"anna")
        assert account is not None
        self.assertIs(account.disabled, True)

    def test_taken_name_changes_nothing(self) -> None:
        """Adding a name that is taken is refused; the account that has it keeps its spelling and its hash."""
        user = self.added("Anna", "first")
        self.assertRaises(NameTaken, self.run_, self.queries.add, "ANNA", b"anna", "second", 2, b"other")
        self.assertEqual(self.run_(self.queries.find, b"anna"), Account(user, "first"))
        self.assertEqual(self.database.rows("SELECT count(*) FROM user"), [(1,)])

    def test_id_of_a_lost_account_is_never_given_again(self) -> None:
        """A session that is still open cannot come to read the history of a stranger who got its id.

        Also where the database has lost the account and all that it knew of it: a backup was
        restored, a second host had not heard of it.
        """
        lost = self.added("anna")
        self.assertLess(lost.id, 1 << 53)  # JSON has no more
        self.run_(lambda txn: txn.execute("DELETE FROM user"))
        if self.database.dialect is SQLITE:
            self.run_(lambda txn: txn.execute("DELETE FROM sqlite_sequence"))
        again = [self.added(name).id for name in ("bert", "clara", "dora")]
        self.run_(lambda txn: txn.execute("DELETE FROM user"))
        self.assertNotEqual(self.added("anna").id, lost.id)
        self.assertEqual(len({lost.id, *again}), 4)

    def test_password_is_compared_and_set(self) -> None:
        """The hash changes only while it is the one the caller has seen: of two changes one wins."""
        user = self.added("anna", "old")
        self.assertIs(self.run_(self.queries.change_passwd, user.id, "old", "new"), True)
        self.assertIs(self.run_(self.queries.change_passwd, user.id, "old", "late"), False)
        self.assertEqual(self.run_(self.queries.find, b"anna"), Account(evolve(user, epoch=1), "new"))

    def test_password_of_others_stays(self) -> None:
        """A change is of one account, also where two hashes are equal; nobody's is of none."""
        anna, bert = self.added("anna", "same"), self.added("bert", "same")
        self.assertTrue(self.run_(self.queries.change_passwd, anna.id, "same", "new"))
        self.assertFalse(self.run_(self.queries.change_passwd, 4711, "same", "new"))
        self.assertEqual(self.run_(self.queries.find, b"bert"), Account(bert, "same"))

    def test_deleting_takes_the_history_along(self) -> None:
        """Nothing of a deleted account is left, and nothing of another is touched."""
        anna, bert = self.added("anna"), self.added("bert")
        for rid in (1, 2, 3):
            self.kept(anna, rid, "mine")
            self.kept(bert, rid, "his")
        self.assertIs(self.run_(self.queries.delete, anna.id), True)
        self.assertIsNone(self.run_(self.queries.find, b"anna"))
        self.assertEqual(self.database.rows("SELECT DISTINCT user_id, word FROM hist"), [(bert.id, "his")])
        self.assertEqual(self.database.rows("SELECT count(*) FROM hist"), [(3,)])

    def test_deleting_nobody_is_false(self) -> None:
        """An account that is not there cannot be deleted, and the second of two deletions says so."""
        user = self.added("anna")
        self.assertTrue(self.run_(self.queries.delete, user.id))
        self.assertIs(self.run_(self.queries.delete, user.id), False)

    def test_name_may_be_had_again_after_deletion(self) -> None:
        """A deleted name is free, and whoever takes it begins with an empty history."""
        user = self.added("anna")
        self.kept(user, 1, "old")
        self.run_(self.queries.delete, user.id)
        again = self.added("anna")
        self.assertEqual(self.run_(self.history.newest, again.id, 10, None, 1_760_000_000_000), [])

    def test_added_again(self) -> None:
        """A call whose COMMIT was lost on the way and that is repeated has made one account, and is told of it."""
        user = self.run_(self.queries.add, "anna", b"anna", "hash", 1, b"mine")
        self.assertEqual(self.run_(self.queries.add, "anna", b"anna", "hash", 1, b"mine"), user)
        self.assertEqual(self.database.rows("SELECT count(*) FROM user"), [(1,)])
        self.assertRaises(NameTaken, self.run_, self.queries.add, "anna", b"anna", "hash", 1, b"his")

    def test_account_of_old(self) -> None:
        """An account from before there were nonces is nobody's who registers now."""
        self.added("anna")
        self.database.do("UPDATE user SET nonce = NULL")
        self.assertRaises(NameTaken, self.run_, self.queries.add, "anna", b"anna", "hash", 1, b"")

    def test_registered_at_once(self) -> None:
        """Of eight who want one name at the same moment one has it."""
        together = Barrier(8, timeout=20)

        def register(nonce: bytes) -> User | None:
            connection = self.database.another()
            together.wait()
            try:
                return again(connection, self.queries.add, "anna", b"anna", "hash", 1, nonce)
            except NameTaken:
                return None
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(register, (bytes([number]) for number in range(8))))
        self.assertEqual(len([user for user in made if user]), 1)

    def test_password_set_again(self) -> None:
        """A change whose COMMIT was lost on the way is done when it is repeated; a later one is not undone."""
        user = self.added("anna", "old")
        for _ in range(2):
            self.assertIs(self.run_(self.queries.change_passwd, user.id, "old", "new"), True)
        self.run_(self.queries.change_passwd, user.id, "new", "newer")
        self.assertIs(self.run_(self.queries.change_passwd, user.id, "old", "new"), False)

    def test_roles(self) -> None:
        """An account is given a role, as often as one likes; one that is not there is not."""
        anna, bert = self.added("anna"), self.added("bert")
        for _ in range(2):
            self.assertIs(self.run_(self.queries.set_role, b"anna", "admin"), True)
        self.assertIs(self.run_(self.queries.set_role, b"nobody", "admin"), False)
        found = [self.run_(self.queries.find, name) for name in (b"anna", b"bert")]
        self.assertEqual([one.user for one in found if one], [evolve(anna, role="admin"), bert])

    def test_paused(self) -> None:
        """The account says so; said twice, the first time counts; of others nothing is changed."""
        anna, bert = self.added("anna"), self.added("bert")
        for since in (1000, 2000):
            self.run_(self.queries.set_paused, anna.id, since)
        self.assertEqual(self.database.rows("SELECT paused FROM user ORDER BY name"), [(1000,), (None,)])
        found = [self.run_(self.queries.find, name) for name in (b"anna", b"bert")]
        self.assertEqual([one.user for one in found if one], [evolve(anna, keeps=False), bert])
        self.run_(self.queries.set_paused, anna.id, None)
        self.assertEqual(self.run_(self.queries.find, b"anna"), Account(anna, "hash"))

    def epoch(self, name: str = "anna") -> int:
        """Of an account, as a login reads it."""
        account = self.run_(self.queries.find, name.encode())
        assert account is not None
        return account.user.epoch

    def test_epoch(self) -> None:
        """What ends sessions makes it another, of this account alone; what does not leaves it."""
        anna = self.added("anna", "old")
        self.added("bert")
        changes: list[tuple[Any, ...]] = [
            (self.queries.change_passwd, anna.id, "old", "new"),
            (self.queries.set_passwd, anna.id, "newer", False),
            (self.queries.set_passwd, anna.id, "newest", True),
            (self.queries.set_disabled, [anna.id], True),
        ]
        for change in changes:
            before = self.epoch()
            self.run_(*change)
            self.assertNotEqual(self.epoch(), before, change)
        others: list[tuple[Any, ...]] = [
            (self.queries.set_disabled, [anna.id], False),
            (self.queries.rehash, anna.id, "newest", "rehashed"),
            (self.queries.change_passwd, anna.id, "not this", "other"),
            (self.queries.set_role, b"anna", "admin"),
            (self.queries.set_paused, anna.id, 1),
            (self.queries.set_keep_days, anna.id, 1),
        ]
        before = self.epoch()
        for change in others:
            self.run_(*change)
            self.assertEqual(self.epoch(), before, change)
        self.assertEqual((self.epoch("bert"), anna.epoch), (0, 0))

    def test_epoch_is_the_next(self) -> None:
        """Who changes the password knows it without asking, also where that was done twice for a lost COMMIT."""
        user = self.added("anna", "old")
        for _ in range(2):
            self.assertTrue(self.run_(self.queries.change_passwd, user.id, "old", "new"))
            self.assertEqual(self.epoch(), user.epoch + 1)
        self.assertTrue(self.run_(self.queries.has_passwd, user.id, "new"))
        self.assertFalse(self.run_(self.queries.has_passwd, user.id, "old"))
        self.assertFalse(self.run_(self.queries.has_passwd, 4711, "new"))

    def test_rehash(self) -> None:
        """It is compared and set as a change is."""
        user = self.added("anna", "old")
        for old, done in (("old", True), ("old", True), ("other", False)):
            self.assertIs(self.run_(self.queries.rehash, user.id, old, "new" if done else "late"), done)
        self.assertEqual(self.run_(self.queries.find, b"anna"), Account(user, "new"))

    def test_made_again(self) -> None:
        """A registration that is done twice tells the epoch that there is."""
        self.run_(self.queries.add, "anna", b"anna", "hash", 1, b"mine")
        self.database.do("UPDATE user SET epoch = 7")
        self.assertEqual(self.run_(self.queries.add, "anna", b"anna", "hash", 1, b"mine").epoch, 7)

    def test_as_they_are(self) -> None:
        """Those who are there and not disabled, whole; others are left out."""
        anna, bert, clara = (self.added(name) for name in ("anna", "bert", "clara"))
        self.added("dora")
        self.run_(self.queries.set_role, b"anna", "admin")
        self.run_(self.queries.set_paused, anna.id, 1)
        self.run_(self.queries.change_passwd, anna.id, "hash", "new")
        self.run_(self.queries.set_disabled, [bert.id], True)
        found = self.run_(self.queries.as_they_are, [anna.id, bert.id, clara.id, 4711])
        self.assertEqual(found, {anna.id: User(anna.id, "anna", "admin", False, 1), clara.id: clara})
        standing = self.run_(self.queries.standing, anna.id)
        assert standing is not None
        self.assertEqual(standing[0], found[anna.id])
