"""Queries on users, on a real file."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from dictd.model import Account, LookUp, User
from dictd.store.accounts import AccountQueries
from dictd.store.dialect import SQLITE
from dictd.store.history import HistoryQueries
from tests.store.databases import Database


class Users(SynchronousTestCase):
    """Every query on users."""

    def setUp(self) -> None:
        """A fresh database of accounts."""
        self.database = Database.fresh(self, "accounts")
        self.run_ = self.database.run
        self.queries = AccountQueries(SQLITE)
        self.history = HistoryQueries(SQLITE)

    def added(self, name: str, stored: str = "hash") -> User:
        """An account that is there."""
        user = self.run_(self.queries.add, name, name.casefold().encode(), stored, 1_760_000_000_000)
        assert user is not None
        return user

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
        self.database.connection.execute("UPDATE user SET disabled = 1")
        account = self.run_(self.queries.find, b"anna")
        assert account is not None
        self.assertIs(account.disabled, True)

    def test_taken_name_is_none_and_changes_nothing(self) -> None:
        """Adding a name that is taken answers None; the account that has it keeps its spelling and its hash."""
        user = self.added("Anna", "first")
        self.assertIsNone(self.run_(self.queries.add, "ANNA", b"anna", "second", 2))
        self.assertEqual(self.run_(self.queries.find, b"anna"), Account(user, "first"))
        self.assertEqual(self.database.rows("SELECT count(*) FROM user"), [(1,)])

    def test_id_of_a_deleted_account_is_never_given_again(self) -> None:
        """A session that is still open cannot come to read the history of a stranger who got its id."""
        self.added("first")
        last = self.added("last")
        self.assertTrue(self.run_(self.queries.delete, last.id))
        self.assertGreater(self.added("stranger").id, last.id)
        self.database.run(lambda txn: txn.execute("DELETE FROM user"))
        self.assertGreater(self.added("stranger still").id, last.id + 1)

    def test_password_is_compared_and_set(self) -> None:
        """The hash changes only while it is the one the caller has seen: of two changes one wins."""
        user = self.added("anna", "old")
        self.assertIs(self.run_(self.queries.change_passwd, user.id, "old", "new"), True)
        self.assertIs(self.run_(self.queries.change_passwd, user.id, "old", "late"), False)
        self.assertEqual(self.run_(self.queries.find, b"anna"), Account(user, "new"))

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
        self.assertEqual(self.run_(self.history.newest, again.id, 10, None), [])
