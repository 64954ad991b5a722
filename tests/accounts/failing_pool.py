"""A pool that answers at once, and to whom anything may happen at a COMMIT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any, Concatenate, ParamSpec, TypeVar

from attrs import define, field

from dictd.errors import OutcomeUnknown, StoreUnavailable
from dictd.store.dialect import Transaction, is_repeatable
from dictd.store.faults import ERRORS
from tests.accounts.mortal import MortalStore

P = ParamSpec("P")
T = TypeVar("T")


class Trouble(Enum):
    """What happens to one try of one query."""

    NONE = "none"
    #: It cannot be asked.
    AWAY = "away"
    #: The COMMIT was sent; it is not done, or it is done, and no answer comes.
    UNDONE = "undone"
    DONE = "done"
    #: The same, and the database is dead.
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"


class _Lost(Exception):  # noqa: N818 - of the wire
    """No answer comes."""


@define(eq=False)
class FailingPool:
    """Runs each query at once, in a transaction, and again where :mod:`dictd.store.threads` would.

    :ivar troubles: of the next tries of queries, in order.
    :ivar down: whether the database is dead.
    :ivar ended: each query that has ended, and how: None is well.
    :ivar again: whether one was tried again.
    """

    store: MortalStore
    troubles: list[Trouble] = field(factory=list)
    down: bool = False
    ended: list[tuple[str, type[Exception] | None]] = field(factory=list)
    again: bool = False
    _connection: Any = None

    def expect(self, troubles: Sequence[Trouble]) -> None:
        """What happens next; what has happened is past."""
        self.troubles, self.ended, self.again = list(troubles), [], False

    def ended_as(self, name: str) -> type[Exception] | None | bool:
        """How the last query of a name ended; False where there was none."""
        return next((how for ended, how in reversed(self.ended) if ended == name), False)

    def ensure(self) -> None:
        """As :meth:`dictd.store.pool.Pool.ensure`."""
        if self.down:
            raise StoreUnavailable()

    async def run(self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As :meth:`dictd.store.pool.Pool.run`."""
        name, lost = query.__name__, False
        for _ in range(2):
            trouble = self.troubles.pop(0) if self.troubles else Trouble.NONE
            try:
                result = self._once(trouble, lambda txn: query(txn, *args, **kwargs))
            except _Lost:
                lost = self.again = True
                if not is_repeatable(query):
                    break
            except StoreUnavailable:
                continue
            else:
                self.ended.append((name, None))
                return result
        how = OutcomeUnknown if lost else StoreUnavailable
        self.ended.append((name, how))
        raise how()

    def _once(self, trouble: Trouble, query: Callable[[Any], T]) -> T:
        self.ensure()
        if trouble is Trouble.AWAY:
            raise StoreUnavailable()
        if self._connection is None:
            self._connection = self.store.connect()
        connection = self._connection
        try:
            result = query(connection.cursor())
            if trouble is Trouble.KILLED_BEFORE:
                self.kill()
            elif trouble is Trouble.UNDONE:
                connection.rollback()
            else:
                connection.commit()
        except BaseException:
            if self._connection is not None:
                connection.rollback()
            raise
        if trouble is Trouble.KILLED_AFTER:
            self.kill()
        if trouble is not Trouble.NONE:
            raise _Lost
        return result

    def kill(self) -> None:
        """The database dies."""
        self.down = True
        self.store.kill()
        self.close()

    def launch(self) -> None:
        """It is there again."""
        self.store.launch()
        self.down = False

    def close(self) -> None:
        """As when this process ends: nothing is committed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*ERRORS):
                connection.close()
