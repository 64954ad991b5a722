"""Accounts and histories in every order, with a server and a store that may die at any moment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import Enum

from argon2 import PasswordHasher
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from dictd.accounts.invites import ADMIN
from dictd.errors import AccessDenied, OutcomeUnknown, StoreUnavailable
from dictd.model import DAY
from dictd.store.accounts import AccountQueries
from tests.accounts.failing_pool import Trouble
from tests.accounts.history_rules import Asked, HistoryRules
from tests.accounts.ledger import Found, Member
from tests.accounts.people import NAMES, SECRETS, asked, first_troubles, names, outcome_of, seats, secrets, troubles
from tests.store.databases import committed

_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Change(Enum):
    """What a user may want otherwise."""

    FORGET = "forget"
    FORGET_AND_LOOK_UP = "forget and look up"
    PAUSE = "pause"
    UNREGISTER = "unregister"


class Machine(HistoryRules):
    """All rules."""

    # Roles and codes --------------------------------------------------------------

    @rule(name=names, role=st.sampled_from(("user", ADMIN)))
    def set_role(self, name: int, role: str) -> None:
        """As dictctl does."""
        member = self.ledger.members.get(name)
        if member is None or self.pool.down:
            return
        connection = self.store.connect()
        assert committed(connection, AccountQueries(self.store.dialect).set_role, member.key, role)
        connection.close()
        member.role = role

    @rule(seat=seats, uses=st.integers(1, 2), admin=st.booleans(), troubles=troubles)
    def invite(self, seat: int, uses: int, admin: bool, troubles: Sequence[Trouble]) -> None:
        """An admin, and nobody else, makes a code."""
        _, member = self.somebody(seat)
        if member and member.there and admin and not self.pool.down:
            self.set_role(self.name_of(member), ADMIN)
        self.expect(troubles)
        outcome = outcome_of(self.process.invites.issue(self.seats[seat], uses))

        def perhaps(found: Found) -> None:
            for code in set(found.invites) - set(self.ledger.invites):
                self.ledger.invites[code] = [found.invites[code], self.now + 7 * DAY]

        if isinstance(outcome, StoreUnavailable):
            assert self.pool.down or troubles
            if self.pool.ended_as("add") is OutcomeUnknown:
                self.ledger.doubts.append(perhaps)
        elif member is None or not member.there or member.role != ADMIN:
            assert isinstance(outcome, AccessDenied)
        else:
            assert not isinstance(outcome, Exception)
            code, stored = outcome
            assert (stored.uses, stored.expires) == (uses, self.now + 7 * DAY)
            self.ledger.invites[stored.code] = [uses, stored.expires]
            self.codes.append(code)
        self.calm()

    # What happens around them -------------------------------------------------------

    @rule(seconds=st.sampled_from((-3600.0, -0.001, 0.0, 0.001, 3600.0)))
    def set_wall_clock(self, seconds: float) -> None:
        """The wall clock goes on, stands still, or is put back; not behind rows that another process has left."""
        if seconds > 0 or (self.process.drained and not self.pool.down):
            self.wall += seconds

    @rule(days=st.sampled_from((1, 1, 2, 31)))
    def days_pass(self, days: int) -> None:
        """Nobody does anything for some days."""
        self.wall += days * DAY / 1000

    @rule(troubles=troubles)
    def expire(self, troubles: Sequence[Trouble]) -> None:
        """What users do not want to be kept so long goes, each hour."""
        self.expect(troubles)
        outcome = outcome_of(self.process.recorder.expire())
        if outcome is None:
            self.eye = self.eye or self.store.connect()
            found = Found.by(self.eye)
            for member in self.ledger.members.values():
                over = {row.rid for row in member.history if member.over(row, self.now)}
                assert not over & set(found.rows.get(member.id, ()))
        else:
            assert isinstance(outcome, StoreUnavailable)
        self.calm()

    @rule(name=names, again=st.booleans())
    def delete_elsewhere(self, name: int, again: bool) -> None:
        """Another server deletes an account, and somebody has its name and its password after that."""
        member = self.ledger.members.get(name)
        if member is None or self.pool.down:
            return
        connection, queries = self.store.connect(), AccountQueries(self.store.dialect)
        committed(connection, queries.delete, member.id)
        self.is_gone(name)
        if again:
            passwd = _HASHER.hash(member.secret)
            user = committed(connection, queries.add, NAMES[name][0], member.key, passwd, self.now, os.urandom(16))
            assert user.id not in self.store.ids
            self.store.ids.add(user.id)
            self.ledger.members[name] = Member(user.id, member.key, member.secret)
        connection.close()

    @rule(name=names, secret=st.none() | secrets, new=secrets)
    def act_for_another(self, name: int, secret: str | None, new: str) -> None:
        """Somebody whose account another has anew changes nothing of that, with the right password."""
        self.somebody(name)
        self.delete_elsewhere(name=name, again=True)
        self.change_password(seat=name, secret=None, new=new, beside=False, troubles=[])
        self.unregister(seat=name, secret=secret, troubles=[])

    @rule(name=names, uses=st.sampled_from((2, 2, 1)), days=st.sampled_from((0, 0, 0, 8)), troubles=first_troubles)
    def register_anew(self, name: int, uses: int, days: int, troubles: list[Trouble]) -> None:
        """A name that was given up is had again, by a new code where one is needed, as often as that lasts."""
        for seat in range(3) if self.process.registrar.invited_only else ():
            self.invite(seat=seat, uses=uses, admin=True, troubles=[])
        self.days_pass(days=days)
        # A code is looked at before; it is the account that goes wrong.
        checked = [Trouble.NONE] if self.process.registrar.invited_only else []
        for others in range(2):
            self.delete_elsewhere(name=(name + others) % 3, again=False)
            self.register(
                seat=name,
                name=(name + others) % 3,
                spelling=1,
                secret=SECRETS[others],
                code=0,
                troubles=[] if others else [*checked, *troubles],
            )
            self.the_store_is_as_the_ledger()

    @rule(late=st.booleans())
    def restart(self, late: bool) -> None:
        """The server stops in order: what it has not confirmed is in its spool, or was never promised."""
        self.process.stop()
        self.dead.append(self.process)
        self.start(begin=not late)

    @rule(late=st.booleans(), power=st.booleans())
    def die(self, late: bool, power: bool) -> None:
        """The server is killed, perhaps with the machine; the next one finds what it left at once, or later."""
        self.process.die()
        self.dead.append(self.process)
        if power and self.disk:
            self.disk.fail()
        self.start(begin=not late)

    @rule(seat=seats, asked=asked, done=st.integers(0, 2), late=st.booleans(), power=st.booleans())
    def look_up_and_die(self, seat: int, asked: Asked, done: int, late: bool, power: bool) -> None:
        """The server dies in an outage, while rows are on their way into the spool: what was answered is there."""
        user, member = self.somebody(seat)
        if user is None or member is None or not user.keeps:
            return
        self.expect([Trouble.AWAY] * 20)
        thread = self.process.thread
        thread.gated = True
        waiting = [self.recorded(user, member, word, spelling, n) for n, (word, spelling) in enumerate(asked)]
        for _ in range(done):
            if thread.busy:
                thread.work()
        for kept, row in waiting:
            row.confirmed = kept == [True]
        self.pool.troubles = []
        self.die(late=late, power=power)

    @rule(
        seat=seats,
        asked=asked,
        whole=st.booleans(),
        change=st.sampled_from(Change),
        late=st.booleans(),
        put_back=st.booleans(),
        troubles=troubles,
    )
    def change_before_it_is_found(
        self,
        seat: int,
        asked: Asked,
        whole: bool,
        change: Change,
        late: bool,
        put_back: bool,
        troubles: list[Trouble],
    ) -> None:
        """What waits in a file of a dead process is not found before its user has changed their mind.

        :param put_back: whether the clock was, so that the ids of its rows are ahead.
        """
        word, spelling = asked[0]
        if put_back:
            self.look_up(seat=seat, asked=asked, told=True, troubles=[])
            self.the_store_is_as_the_ledger()
            self.set_wall_clock(seconds=-3600.0)
        self.look_up_and_die(seat=seat, asked=asked, done=2, late=True, power=False)
        if change is Change.UNREGISTER:
            self.unregister(seat=seat, secret=None, troubles=troubles)
        elif change is Change.PAUSE:
            self.pause_or_go_on(seat=seat, keeps=False, troubles=troubles)
        else:
            self.forget(seat=seat, word=None if whole else word, spelling=spelling, troubles=troubles)
        if change is Change.FORGET_AND_LOOK_UP:
            self.look_up(seat=seat, asked=asked, told=True, troubles=[])
        if not late and not self.pool.down:
            self.expire(troubles=[])
            self.find_files()

    @rule(seat=seats, asked=asked, days=st.integers(1, 4), later=st.integers(0, 5), gone=st.booleans())
    def grow_old(self, seat: int, asked: Asked, days: int, later: int, gone: bool) -> None:
        """What is looked up gets older than its user wants; that is seen before it is deleted, and after."""
        self.keep_days(seat=seat, days=days, troubles=[])
        self.look_up(seat=seat, asked=asked, told=True, troubles=[])
        if self.pool.down:
            return
        self.the_store_is_as_the_ledger()
        self.days_pass(days=later)
        if gone:
            self.expire(troubles=[])
            self.the_store_is_as_the_ledger()
        self.read_history(seat=seat, size=1000, word=None, spelling=0, troubles=[])

    @rule()
    def find_files(self) -> None:
        """What dead processes left is found, and nothing waits after it."""
        self.expect(())
        if not self.pool.down:
            self.process.begin()
            assert self.process.drained

    @precondition(lambda self: not self.pool.down)
    @rule()
    def kill_the_store(self) -> None:
        """The database is killed while nobody asks it anything; it is there again some steps later."""
        self.pool.kill()
