"""A running server hears that an account has changed: its sessions end in all workers."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from dictd.ctl.root import Shared
from dictd.errors import DictError
from dictd.model import User
from dictd.processes import asking
from dictd.processes.asking import NoServer
from dictd.processes.state import Lock
from dictd.tables import count

_ELSEWHERE = "connections on other machines end within a few seconds"


@frozen
class SignedOut:
    """What became of the sessions of a user.

    :ivar connections: how many were ended; ``None`` where no server runs here, or was not told.
    :ivar trouble: why it was not told.
    :ivar elsewhere: whether servers on other machines have the store too; they look for themselves.
    """

    connections: int | None
    trouble: DictError | None = None
    elsewhere: bool = False

    @classmethod
    def everywhere(cls, shared: Shared, user: User, done: str, elsewhere: bool) -> SignedOut:
        """End them, after the store has been changed.

        :param done: what was changed, behind the name: ``is disabled``.
        """
        directory = shared.state.directory
        try:
            ended = int(asking.ask(directory, "sign_out", user=user.id, name=user.name, why=done))
            return cls(ended, elsewhere=elsewhere)
        except DictError as trouble:
            if isinstance(trouble, NoServer) and not Lock(directory / "lock").held():
                return cls(None, elsewhere=elsewhere)
            text = f"{user.name} {done} in the store, but the server could not be told: {trouble.text}."
            text += f" Connections of {user.name} may go on; type: dictctl kick {user.name}"
            text += "; if it does not answer that either, start the server again"
            return cls(None, DictError(text), elsewhere)

    def and_then(self, later: SignedOut) -> SignedOut:
        """Both together, where they were ended twice."""
        if self.connections is None or later.connections is None:
            return SignedOut(None, self.trouble or later.trouble, self.elsewhere)
        return SignedOut(self.connections + later.connections, elsewhere=self.elsewhere)

    @property
    def shown(self) -> dict[str, Any]:
        """For JSON."""
        return {"ended": self.connections}

    def __str__(self) -> str:
        """For people, behind what was done."""
        here = "" if self.connections is None else f"; {count(self.connections, 'connection')} ended"
        if not self.elsewhere:
            return here
        return f"{here}, on other machines within a few seconds" if here else f"; {_ELSEWHERE}"

    def ensure(self) -> None:
        """Be sure that they have ended.

        :raises DictError: the server was not told; the text says what holds now, and what to do.
        """
        if self.trouble is not None:
            raise self.trouble
