"""Who is logged in where, so that a change of an account reaches its open sessions."""

from __future__ import annotations

from typing import Protocol
from weakref import WeakSet

from attrs import define, evolve, field

from dictd.model import User


class SignedIn(Protocol):
    """A session of any front end.

    :ivar key: label of the key it came by; ``None`` when it came by the password.
    """

    user: User | None
    key: str | None


@define
class Roster:
    """The sessions of each user; one that is gone leaves by itself.

    :ivar expulsions: how often anybody was logged out or changed; a login that is
        under way sees by it that an account may have changed meanwhile.
    """

    _sessions: dict[int, WeakSet[SignedIn]] = field(factory=dict)
    expulsions: int = 0

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
