"""Who is logged in where, so that a change of an account reaches its open sessions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from weakref import WeakKeyDictionary, WeakSet

from attrs import define, evolve, field, frozen

from dictd.model import User


class SignedIn(Protocol):
    """A session of any front end.

    :ivar key: label of the key it came by; ``None`` when it came by the password.
    """

    user: User | None
    key: str | None


@frozen
class Change:
    """What a session does to its own account, and it is not known yet, or not for sure, whether it is done.

    :ivar passwd: the hash that it sets; empty: it deletes the account.
    :ivar epoch: of the account after that.
    """

    passwd: str = field(repr=False)
    epoch: int


@define
class Roster:
    """The sessions of each user; one that is gone leaves by itself.

    :ivar expulsions: how often anybody was logged out or changed; a login that is
        under way sees by it that an account may have changed meanwhile.
    """

    _sessions: dict[int, WeakSet[SignedIn]] = field(factory=dict)
    expulsions: int = 0
    _changes: WeakKeyDictionary[SignedIn, Change] = field(factory=WeakKeyDictionary, init=False)

    def enter(self, user: User, session: SignedIn, key: str | None = None) -> None:
        """A session is now this user's.

        :param key: label of the key it came by, if it did.
        """
        self.leave(session)
        session.user, session.key = user, key
        self._sessions.setdefault(user.id, WeakSet()).add(session)

    def leave(self, session: SignedIn) -> None:
        """A session is nobody's."""
        if session.user is None:
            return
        self._changes.pop(session, None)
        sessions = self._sessions.get(session.user.id)
        if sessions is not None:
            sessions.discard(session)
            if not sessions:
                del self._sessions[session.user.id]
        session.user = session.key = None

    def expel(self, user_id: int, but: SignedIn | None = None, key: str | None = None) -> int:
        """Log a user out everywhere, one session excepted; how many there were.

        :param key: only sessions that came by the key of this label.
        """
        self.expulsions += 1
        expelled = [
            session
            for session in self._sessions.get(user_id, ())
            if session is not but and (key is None or session.key == key)
        ]
        for session in expelled:
            self.leave(session)
        return len(expelled)

    def keep(self, user_id: int, keeps: bool) -> int:
        """Whether look-ups of a user are kept from now on; how many sessions were told."""
        self.expulsions += 1
        told = list(self._sessions.get(user_id, ()))
        for session in told:
            if session.user is not None:
                session.user = evolve(session.user, keeps=keeps)
        return len(told)

    # As the store has them -----------------------------------------------------------

    def users(self) -> list[int]:
        """The ids of those who are logged in."""
        return list(self._sessions)

    def sessions(self, user_ids: Iterable[int]) -> list[tuple[SignedIn, User]]:
        """The sessions of some users, each with whose it is just now."""
        return [
            (session, session.user)
            for user_id in user_ids
            for session in self._sessions.get(user_id, ())
            if session.user is not None
        ]

    def follow(self, session: SignedIn, user: User) -> None:
        """The store has the user of a session otherwise than the session knows."""
        self.expulsions += 1
        session.user = user

    def end(self, sessions: Iterable[SignedIn]) -> None:
        """Log some sessions out."""
        self.expulsions += 1
        for session in sessions:
            self.leave(session)

    # What a session does to its own account ---------------------------------------

    def changes(self, session: SignedIn, change: Change) -> None:
        """It is about to."""
        self._changes[session] = change

    def change_of(self, session: SignedIn) -> Change | None:
        """What a session does to its account, or perhaps did."""
        return self._changes.get(session)

    def changed(self, session: SignedIn, change: Change) -> None:
        """It is done: the session goes on."""
        self._changes.pop(session, None)
        if session.user is not None:
            session.user = evolve(session.user, epoch=change.epoch)

    def unchanged(self, session: SignedIn) -> None:
        """It is not done, for sure."""
        self._changes.pop(session, None)
