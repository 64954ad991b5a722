"""What becomes of connections when an administrator says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dictd.processes.seats import Seats
from dictd.store.accounts import AccountQueries
from tests.store.databases import committed
from tests.support.house import Client, House, ImmediatePasswords

GONE = "421 your account was changed by the administrator, please connect again\r\n"


class SignedOut(SynchronousTestCase):
    """The account of a user has changed."""

    def setUp(self) -> None:
        self.house = House(Path(self.mktemp()))
        self.seats = Seats(self.house.factory, self.house.clock, 1)
        self.alice, self.bob = self.house.member("alice"), self.house.member("bob")
        self.user_id = self.user(self.alice).id

    def user(self, client: Client) -> Any:
        """Who it is."""
        return client.protocol.session.user

    def change(self, query: Any, *args: Any) -> None:
        """What dictctl does in the store."""
        committed(self.house.pool.connection, query, *args)

    def test_connections(self) -> None:
        """All of this user are told why and closed; nobody else is."""
        again, nobody = self.house.welcome(), self.house.welcome()
        self.assertEqual(again.codes("LOGIN alice correct-horse"), [230])
        self.assertEqual(self.seats.sign_out(self.user_id), 2)
        for client in (self.alice, again):
            self.assertEqual(client.heard().decode(), GONE)
            self.assertTrue(client.line.half_closed)
            self.assertIsNone(self.user(client))
        self.assertEqual((self.bob.codes("WHOAMI"), nobody.codes("WHOAMI")), ([285], [285]))
        self.assertEqual(self.seats.sign_out(self.user_id), 0)

    def test_closing(self) -> None:
        """One that has said QUIT is told nothing more."""
        self.alice.ask("QUIT")
        self.seats.sign_out(self.user_id)
        self.assertEqual(self.alice.heard(), b"")

    def test_what_is_asked_on(self) -> None:
        """Lines behind are not answered."""
        self.seats.sign_out(self.user_id)
        self.assertEqual(self.alice.ask("HISTORY").replace("\n", "\r\n"), GONE)

    def held(self) -> Deferred[None]:
        """Passwords wait from now on, until this is fired."""
        held: Deferred[None] = Deferred()
        verify = ImmediatePasswords.verify

        async def wait(self: ImmediatePasswords, passwd: str | None, secret: str) -> bool:
            await held
            return await verify(self, passwd, secret)

        self.patch(ImmediatePasswords, "verify", wait)
        return held

    def test_login_under_way(self) -> None:
        """One that has found the account as it was looks once more, and does not outlast the change."""
        queries = AccountQueries(self.house.pool.dialect)
        for query, *args in (
            (queries.set_passwd, "another", False),
            (lambda txn, user_id: queries.set_disabled(txn, [user_id], disabled=True),),
            (queries.delete,),
        ):
            held, late = self.held(), self.house.welcome()
            late.send(b"LOGIN alice correct-horse\r\n")
            self.change(query, self.user_id, *args)
            self.seats.sign_out(self.user_id)
            held.callback(None)
            self.assertEqual(late.heard().decode()[:4], "531 ", args)
            self.assertIsNone(self.user(late))
            self.change(queries.delete, self.user_id)
            self.user_id = self.user(self.house.member("alice")).id
            self.house.clock.advance(60)

    def test_others_are_not_held_up(self) -> None:
        """A login of somebody else that is under way goes on."""
        held, late = self.held(), self.house.welcome()
        late.send(b"LOGIN bob correct-horse\r\n")
        self.seats.sign_out(self.user_id)
        held.callback(None)
        self.assertEqual(late.heard().decode()[:4], "230 ")
