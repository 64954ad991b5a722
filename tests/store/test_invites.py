"""Queries on invites, on a real database."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import InviteRefused, NameTaken
from dictd.model import User
from dictd.store.accounts import AccountQueries
from dictd.store.invites import InviteQueries, StoredInvite
from tests.store.databases import Database, again, on_both

CODE = b"\x00" * 31 + b"\xff"
INVITE = StoredInvite(CODE, "ABCD", 1000, 9000, 2)


@on_both
class Invites(SynchronousTestCase):
    """Codes by which one may register."""

    def setUp(self) -> None:
        """One of two uses."""
        self.database = Database.fresh(self, "accounts")
        self.queries = InviteQueries(self.database.dialect)
        self.accounts = AccountQueries(self.database.dialect)
        self.database.run(self.queries.add, INVITE)

    def register(self, name: str, now: int = 2000, nonce: bytes = b"", code: bytes = CODE) -> User:
        """Register by a code."""
        return self.database.run(
            self.accounts.add, name, name.encode(), "hash", now, nonce or os.urandom(16), invite=code
        )

    def uses(self) -> int:
        """How many are left."""
        return self.database.run(self.queries.listed)[0].uses

    def test_listed(self) -> None:
        """All of them, oldest first, and whole."""
        more = StoredInvite(b"b", "EFGH", 500, 9000, 1)
        self.database.run(self.queries.add, more)
        self.assertEqual(self.database.run(self.queries.listed), [more, INVITE])

    def test_used_up(self) -> None:
        """Each registration takes one use; when there is none left, the next is refused and makes no account."""
        self.register("anna")
        self.assertEqual(self.uses(), 1)
        self.register("bert")
        self.assertRaises(InviteRefused, self.register, "clara")
        self.assertEqual(self.uses(), 0)
        self.assertEqual(self.database.rows("SELECT name FROM user ORDER BY name"), [("anna",), ("bert",)])

    def test_expired(self) -> None:
        """From its last moment on it is none."""
        self.assertRaises(InviteRefused, self.register, "anna", now=9000)
        self.register("anna", now=8999)

    def test_unknown(self) -> None:
        """A code that nobody has made."""
        self.assertRaises(InviteRefused, self.register, "anna", code=b"\x00" * 31 + b"\xfe")
        self.assertEqual(self.uses(), 2)

    def test_registered_again(self) -> None:
        """A call whose COMMIT was lost on the way takes one use, also where that was the last."""
        for name in ("anna", "bert"):
            user = self.register(name, nonce=name.encode())
            self.assertEqual(self.register(name, nonce=name.encode()), user)
        self.assertEqual(self.uses(), 0)

    def test_name_taken(self) -> None:
        """Who could not register has used nothing."""
        self.register("anna")
        self.assertRaises(NameTaken, self.register, "anna")
        self.assertEqual(self.uses(), 1)

    def test_last_use(self) -> None:
        """Of eight who register at the same moment as many get in as there are uses."""
        together = Barrier(8, timeout=20)

        def register(name: str) -> bool:
            connection = self.database.another()
            together.wait()
            try:
                again(connection, self.accounts.add, name, name.encode(), "hash", 2000, os.urandom(16), CODE)
            except InviteRefused:
                return False
            finally:
                connection.close()
            return True

        with ThreadPoolExecutor(8) as threads:
            self.assertEqual(sum(threads.map(register, "abcdefgh")), 2)
        self.assertEqual((self.uses(), self.database.rows("SELECT count(*) FROM user")), (0, [(2,)]))

    def test_dropped(self) -> None:
        """By its label; the second time there is none."""
        self.assertEqual(self.database.run(self.queries.drop, "EFGH"), 0)
        self.assertEqual(self.database.run(self.queries.drop, "ABCD"), 1)
        self.assertRaises(InviteRefused, self.register, "anna")

    def test_over(self) -> None:
        """A new one clears away those that are used up or over, and no others."""
        over = evolve(INVITE, code=b"over", label="OVER", expires=4000)
        used = evolve(INVITE, code=b"used", label="USED", uses=0)
        for invite in (over, used):
            self.database.run(self.queries.add, invite)
        new = evolve(INVITE, code=b"new", label="NEW", made=4000)
        self.database.run(self.queries.add, new)
        self.assertEqual(self.database.run(self.queries.listed), [INVITE, new])
