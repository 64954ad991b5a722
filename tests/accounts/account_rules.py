"""Rules of the state machine: what people do with their accounts."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from dictd.accounts.invites import hash_of
from dictd.config import Accounts as AccountSettings
from dictd.errors import InviteRefused, LoginFailed, NameTaken, OutcomeUnknown, StoreUnavailable
from tests.accounts.failing_pool import Trouble
from tests.accounts.ledger import Found, Member, fits, key_of_name
from tests.accounts.people import (
    NAMES,
    PEER,
    SECRETS,
    People,
    names,
    outcome_of,
    seats,
    secrets,
    spellings,
    tried,
    troubles,
)


class AccountRules(People):
    """What people do with their accounts."""

    @initialize(some=st.sampled_from((True, True, True, False)), invited=st.sampled_from((False, True, True)))
    def set_up(self, some: bool, invited: bool) -> None:
        """Either nobody is here yet, or everybody sits in a new account; then codes may be needed."""
        for number in range(3) if some else ():
            self.register(seat=number, name=number, spelling=0, secret=SECRETS[number], code=0, troubles=[])
        if invited:
            self.settings = self.process.registrar.settings = AccountSettings(registration="invite")

    @rule(seat=seats, name=names, spelling=spellings, secret=secrets, code=st.integers(0, 9), troubles=troubles)
    def register(
        self, seat: int, name: int, spelling: int, secret: str, code: int, troubles: Sequence[Trouble]
    ) -> None:
        """A name is had once, in whatever spelling; its id never came before; a code is used once."""
        self.expect(troubles)
        # The latest are the most likely to be good.
        plain = self.codes[-1 - code % len(self.codes)] if self.codes else "none"
        entry = self.ledger.invites.get(hash_of(plain)) if self.process.registrar.invited_only else None
        good = not self.process.registrar.invited_only or (entry is not None and entry[0] > 0 and entry[1] > self.now)
        outcome = outcome_of(
            self.process.registrar.register(NAMES[name][spelling], secret, PEER, self.seats[seat], plain)
        )
        key = key_of_name(NAMES[name][0])

        def made(found: Found) -> None:
            ids = [user_id for user_id, user in found.users.items() if user[0] == key]
            if ids:
                came(ids[0])

        def came(user_id: int) -> None:
            assert user_id not in self.store.ids
            self.store.ids.add(user_id)
            self.ledger.members[name] = Member(user_id, key, secret)
            if entry:
                entry[0] -= 1

        if isinstance(outcome, StoreUnavailable):
            if name not in self.ledger.members and good and self.pool.ended_as("add") is OutcomeUnknown:
                assert isinstance(outcome, OutcomeUnknown)
                self.ledger.doubts.append(made)
        elif not good:
            assert isinstance(outcome, InviteRefused)
        elif name in self.ledger.members:
            assert isinstance(outcome, NameTaken)
        else:
            assert not isinstance(outcome, Exception), outcome
            came(outcome.id)
            self.seated[seat] = self.ledger.members[name]
        self.calm()

    @rule(seat=seats, name=names, spelling=spellings, secret=tried, troubles=troubles)
    def log_in(self, seat: int, name: int, spelling: int, secret: str | None, troubles: Sequence[Trouble]) -> None:
        """The password that holds now logs in, no other does."""
        self.expect(troubles)
        member = self.ledger.members.get(name)
        said = self.said(member, secret)
        outcome = outcome_of(self.process.registrar.log_in(NAMES[name][spelling], said, PEER, self.seats[seat]))
        if isinstance(outcome, StoreUnavailable):
            assert self.pool.down or troubles
        elif member is not None and self.known(member, said):
            assert not isinstance(outcome, Exception), outcome
            assert (outcome.role, outcome.keeps) == (member.role, member.paused is None)
            self.seated[seat] = member
        else:
            assert isinstance(outcome, LoginFailed)
        self.calm()

    @rule(seat=seats)
    def log_out(self, seat: int) -> None:
        """Leaving is for one seat."""
        self.process.roster.leave(self.seats[seat])
        self.seated[seat] = None

    @rule(seat=seats, secret=tried, new=secrets, beside=st.booleans(), troubles=troubles)
    def change_password(
        self, seat: int, secret: str | None, new: str, beside: bool, troubles: Sequence[Trouble]
    ) -> None:
        """With the right password it changes, and everybody else of that account has to log in again.

        :param beside: whether somebody else is logged in to it surely.
        """
        _, member = self.somebody(seat)
        if beside and member and member.there:
            self.log_in(seat=(seat + 1) % 3, name=self.name_of(member), spelling=0, secret=None, troubles=[])
        _, member = self.somebody(seat)
        self.expect(troubles)
        said = self.said(member, secret)
        outcome = outcome_of(self.process.registrar.change_password(self.seats[seat], said, new, PEER))

        def changed(found: Found) -> None:
            assert member is not None
            known = [secret for secret in (new, member.secret) if fits(found.users[member.id][1], secret)]
            assert known
            member.secret = known[0]

        if isinstance(outcome, StoreUnavailable):
            assert self.pool.down or troubles
            if member is not None and self.pool.ended_as("change_passwd") is OutcomeUnknown:
                assert isinstance(outcome, OutcomeUnknown)
                self.ledger.doubts.append(changed)
                self.expelled(member, but=seat)
        elif member is None or not self.known(member, said):
            assert isinstance(outcome, LoginFailed)
        else:
            assert outcome is None
            member.secret = new
            self.expelled(member, but=seat)
        self.calm()

    @rule(seat=seats, secret=tried, troubles=troubles)
    def unregister(self, seat: int, secret: str | None, troubles: Sequence[Trouble]) -> None:
        """With the right password the account is gone, for everybody who sat in it."""
        _, member = self.somebody(seat)
        self.expect(troubles)
        said = self.said(member, secret)
        outcome = outcome_of(self.process.registrar.unregister(self.seats[seat], said, PEER))
        if isinstance(outcome, StoreUnavailable):
            assert self.pool.down or troubles
            if member is not None:
                self.forgotten(member, None, self.pool.ended_as("forget"))
                if self.pool.ended_as("delete") is OutcomeUnknown:
                    assert isinstance(outcome, OutcomeUnknown)
                    self.expelled(member)
                    self.ledger.doubts.append(
                        lambda found: None if member.id in found.users else self.is_gone(self.name_of(member))
                    )
        elif member is None or not self.known(member, said):
            assert isinstance(outcome, LoginFailed)
        else:
            assert outcome is None
            self.is_gone(self.name_of(member))
            self.expelled(member)
        self.calm()
