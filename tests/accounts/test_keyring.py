"""What happens while a query on keys is under way: the test decides when each one ends."""

from __future__ import annotations

import hashlib
from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts.commons import OneProcess
from dictd.accounts.keyring import Keyring
from dictd.accounts.keys import ServerKey
from dictd.accounts.roster import Roster
from dictd.errors import AccessDenied, LoginFailed, StoreUnavailable, Unavailable, UnknownKey
from dictd.limits import Guesses, Peer, Rate
from dictd.model import User
from dictd.store.accounts import AccountQueries
from dictd.store.dialect import SQLITE
from dictd.store.keys import KeyQueries
from tests.accounts.gated_pool import Flight, GatedPool
from tests.accounts.test_roster import Seat
from tests.store.databases import Database, committed

HERE = Peer.at("192.0.2.1")
CHALLENGE = "<1@dict.example>"
WALL = 1_767_323_045.0


class UnderWay(SynchronousTestCase):
    """A keyring whose queries wait."""

    def setUp(self) -> None:
        """An account with one key, and the session of its owner."""
        self.database = Database.fresh(self, "accounts")
        self.pool, self.roster, self.guesses = GatedPool(), Roster(), Guesses()
        pool: Any = self.pool
        self.wall = WALL
        self.keyring = Keyring(
            self.roster, ServerKey.made(), pool, KeyQueries(SQLITE), self.commons(), lambda: self.wall
        )
        anna = self.database.run(AccountQueries(SQLITE).add, "anna", b"anna", "hash", 0, b"nonce")
        self.anna: User = anna
        self.owner, self.seat = Seat(), Seat()
        self.roster.enter(anna, self.owner)
        self.secret: str = self.done(self.keyring.new(anna, "laptop", self.owner))

    def commons(self) -> OneProcess:
        """With these guesses."""
        return OneProcess(self.guesses, Rate(1000, 3600.0), lambda: 0.0)

    def begun(self, work: Coroutine[Any, Any, Any]) -> Deferred[Any]:
        """Something that is under way."""
        return Deferred.fromCoroutine(work)

    def done(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What something comes to when each of its queries is executed at once."""
        waiting = self.begun(work)
        while not waiting.called:
            self.pool.only.execute(self.database.connection)
        return self.successResultOf(waiting)

    def executed(self, flight: Flight) -> Any:
        """Execute a query; its result is still on the way."""
        return committed(self.database.connection, flight.query, *flight.args)

    def authenticate(self, seat: Seat | None = None, secret: str = "") -> Deferred[Any]:
        """An AUTH with the right answer, or that of another secret."""
        answer = hashlib.md5((CHALLENGE + (secret or self.secret)).encode(), usedforsecurity=False).hexdigest()
        return self.begun(self.keyring.authenticate("anna", answer, CHALLENGE, HERE, seat or self.seat))

    def test_straight(self) -> None:
        """When nothing comes between, it logs in and the session knows by which key."""
        under_way = self.authenticate()
        self.pool.only.execute(self.database.connection)
        self.assertEqual(self.successResultOf(under_way), self.anna)
        self.assertEqual((self.seat.user, self.seat.key), (self.anna, "laptop"))

    def test_key_dropped_after_it_was_read(self) -> None:
        """AUTH has read the key, then it is dropped, then AUTH gets what it read: refused."""
        under_way = self.authenticate()
        flight = self.pool.only
        read = self.executed(flight)
        dropping = self.begun(self.keyring.drop(self.anna, "laptop"))
        self.pool.under_way[1].execute(self.database.connection)
        self.assertEqual(self.successResultOf(dropping), 0)
        flight.finish(read)
        self.assertNoResult(under_way)
        self.pool.only.execute(self.database.connection)
        self.failureResultOf(under_way, LoginFailed)
        self.assertIsNone(self.seat.user)

    def test_key_dropped_whose_answer_comes_after_the_login(self) -> None:
        """The key is gone, AUTH still gets what it read before: in, and out when the drop is known."""
        under_way = self.authenticate()
        first = self.pool.only
        read = self.executed(first)
        dropping = self.begun(self.keyring.drop(self.anna, "laptop"))
        second = self.pool.under_way[1]
        dropped = self.executed(second)
        first.finish(read)
        self.assertEqual(self.successResultOf(under_way), self.anna)
        second.finish(dropped)
        self.assertEqual(self.successResultOf(dropping), 1)
        self.assertEqual((self.seat.user, self.seat.key), (None, None))
        self.assertIs(self.owner.user, self.anna)

    def test_drop_whose_answer_was_lost(self) -> None:
        """Dropping it again ends the sessions that came by it, and says that it is gone."""
        under_way = self.authenticate()
        self.pool.only.execute(self.database.connection)
        self.successResultOf(under_way)
        self.pool.only.execute(self.database.connection)
        dropping = self.begun(self.keyring.drop(self.anna, "laptop"))
        self.pool.only.execute(self.database.connection, lost=StoreUnavailable())
        self.failureResultOf(dropping, StoreUnavailable)
        again = self.begun(self.keyring.drop(self.anna, "laptop"))
        self.pool.only.execute(self.database.connection)
        self.failureResultOf(again, UnknownKey)
        self.assertIsNone(self.seat.user)

    def test_account_changed_while_it_was_read(self) -> None:
        """Deleted or disabled: refused. A new password leaves keys as they are. Somebody else's change: in."""
        for change, let_in in (
            ("UPDATE user SET passwd = 'new'", True),
            ("UPDATE user SET disabled = 1", False),
            ("UPDATE user SET disabled = 0", True),
            ("DELETE FROM user", False),
        ):
            seat = Seat()
            under_way = self.authenticate(seat)
            flight = self.pool.only
            read = self.executed(flight)
            self.database.connection.execute(change)
            self.roster.expel(self.anna.id)
            flight.finish(read)
            self.pool.only.execute(self.database.connection)
            if let_in:
                self.assertEqual(self.successResultOf(under_way), self.anna, change)
            else:
                self.failureResultOf(under_way, LoginFailed)
            self.assertEqual(seat.user is not None, let_in, change)
            for noting in self.pool.under_way:
                noting.execute(self.database.connection)
            self.guesses = Guesses()
            self.keyring._commons = self.commons()

    def test_use_is_noted_once_a_minute_and_nobody_waits(self) -> None:
        """The answer is there before the note is; within a minute there is no other."""
        for later, noted in ((0.0, 1), (59.9, 0), (0.1, 1), (1.0, 0)):
            self.wall += later
            under_way = self.authenticate()
            self.pool.only.execute(self.database.connection)
            self.assertEqual(self.successResultOf(under_way), self.anna)
            self.assertEqual(len(self.pool.under_way), noted)
            for flight in self.pool.under_way:
                flight.execute(self.database.connection)
        self.assertEqual(self.database.rows("SELECT last_used FROM user_key"), [(int((WALL + 60) * 1000),)])

    def test_note_that_fails(self) -> None:
        """A store that is away is no trouble; a fault of ours is logged, without the secret."""
        for trouble in (StoreUnavailable(), RuntimeError("broken")):
            under_way = self.authenticate()
            self.pool.only.execute(self.database.connection)
            self.assertEqual(self.successResultOf(under_way), self.anna)
            self.pool.only.fail(trouble)
        (logged,) = self.flushLoggedErrors(RuntimeError)
        self.assertNotIn(self.secret, logged.getTraceback())

    def test_store_away(self) -> None:
        """420, never 48x, and no guess: the next try begins at once."""
        for _ in range(5):
            under_way = self.authenticate()
            self.pool.only.fail(StoreUnavailable())
            self.assertEqual(self.failureResultOf(under_way, Unavailable).value.code, 420)
        self.assertEqual(self.guesses.penalty("anna", HERE, 0.0), 0)

    def test_fault_of_ours_is_no_guess(self) -> None:
        """Whatever breaks, the try has ended."""
        for _ in range(5):
            under_way = self.authenticate()
            self.pool.only.fail(RuntimeError())
            self.failureResultOf(under_way, RuntimeError)
        self.assertEqual(self.guesses.penalty("anna", HERE, 0.0), 0)

    def test_tries_at_once_are_bounded(self) -> None:
        """Of guesses sent all at once three are looked at, as with LOGIN."""
        tries = [self.authenticate(Seat(), "wrong") for _ in range(10)]
        self.assertEqual(len(self.pool.under_way), 3)
        for flight in self.pool.under_way:
            flight.execute(self.database.connection)
        for one in tries:
            self.failureResultOf(one, LoginFailed)
        self.assertEqual(self.guesses.penalty("anna", HERE, 0.0), 8)

    def test_key_made_by_a_session_that_is_thrown_out(self) -> None:
        """A new password comes while KEY NEW is under way: no secret is told and no key stays."""
        making = self.begun(self.keyring.new(self.anna, "backdoor", self.owner))
        self.roster.expel(self.anna.id)
        self.pool.only.execute(self.database.connection)
        self.pool.only.execute(self.database.connection)
        self.failureResultOf(making, AccessDenied)
        self.assertEqual(self.database.rows("SELECT label FROM user_key"), [("laptop",)])

    def test_key_made_while_the_history_is_paused(self) -> None:
        """Another session says HISTORY OFF while KEY NEW is under way: this one is told its key."""
        making = self.begun(self.keyring.new(self.anna, "phone", self.owner))
        self.roster.keep(self.anna.id, keeps=False)
        self.pool.only.execute(self.database.connection)
        self.assertEqual(len(self.successResultOf(making)), 32)

    def test_login_that_reads_what_was_kept_before(self) -> None:
        """AUTH has read the account, then the history is paused: it reads again, and knows."""
        under_way = self.authenticate()
        flight = self.pool.only
        read = self.executed(flight)
        self.database.connection.execute("UPDATE user SET paused = 1")
        self.roster.keep(self.anna.id, keeps=False)
        flight.finish(read)
        self.pool.only.execute(self.database.connection)
        self.assertFalse(self.successResultOf(under_way).keeps)

    def test_key_of_a_deleted_account(self) -> None:
        """The account goes while KEY NEW is under way: no key, no trouble."""
        making = self.begun(self.keyring.new(self.anna, "phone", self.owner))
        self.database.connection.execute("DELETE FROM user")
        self.pool.only.execute(self.database.connection)
        self.failureResultOf(making, AccessDenied)

    def test_nothing_secret_is_shown(self) -> None:
        """The repr of all there is."""
        shown = repr(self.keyring) + repr(self.pool.flights)
        self.assertNotIn(self.secret, shown)
        self.assertNotIn(self.keyring._server_key.line().decode().strip(), shown)
