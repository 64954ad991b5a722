"""Threads that ask a database, each with a connection of its own: adbapi with our rules.

adbapi by itself goes on with a dead connection, waits for ever for a server
that hangs, and cannot end while a thread does (field notes: twisted #4964).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from typing import Any

from attrs import define, field
from twisted.enterprise import adbapi
from twisted.internet.defer import Deferred

from dictd.errors import StoreUnavailable
from dictd.store.databases import Database
from dictd.store.faults import ERRORS, Fault, fault_of

#: A connection that was not used for so long is asked whether it lives, seconds.
_IDLE = 1.0
#: Pauses before a transaction that was rolled back for another's sake begins again, seconds.
_PAUSES = (0.01, 0.05, 0.2)


#: What a query has that is under way when the end comes and nobody waits for it any more, seconds.
_MOMENT = 0.5
#: What threads have to end in when all they wait for was cut, seconds; whoever has not is left behind.
_END = 1.0


class _Abandoned(Exception):  # noqa: N818 - not an error: there is nothing left to do
    """Nobody waits for the answer any more."""


@define(eq=False)
class Question:
    """A query and how far it is.

    :ivar repeatable: whether it may run again though its COMMIT may have been done.
    :ivar connection: what it is asked on just now; read and set under the guard of :class:`Threads`,
        so that nobody cuts a connection that serves another question already.
    :ivar reached: whether there was a connection to ask it on.
    :ivar rolled_back: whether a database that answers has rolled it back.
    :ivar given_up: whether nobody waits for the answer any more.
    :ivar lost: whether the answer to a COMMIT was.
    """

    query: Callable[[Any], Any]
    repeatable: bool
    connection: Any = field(default=None, init=False)
    committing: bool = field(default=False, init=False)
    reached: bool = field(default=False, init=False)
    rolled_back: bool = field(default=False, init=False)
    given_up: bool = field(default=False, init=False)
    lost: bool = field(default=False, init=False)

    @property
    def unknown(self) -> bool:
        """Of one that has failed or was given up: whether it may have been done all the same."""
        return self.lost or (self.given_up and self.committing)


@define(eq=False)
class _Used:
    """A connection of one thread.

    :ivar last: when it was last found alive.
    """

    connection: Any
    last: float


class Threads(adbapi.ConnectionPool):
    """Runs questions.

    :param steady: seconds of a steady clock, asked on any thread.
    :param draw: a random number from 0 to 1.
    """

    def __init__(
        self, database: Database, subject: str, reactor: Any, steady: Callable[[], float], draw: Callable[[], float]
    ) -> None:
        self._database, self._subject, self._steady, self._draw = database, subject, steady, draw
        self._ours: dict[int, _Used] = {}
        self._guard = threading.Lock()
        self._asked: set[Question] = set()
        self._ending = threading.Event()
        self._ended = False
        #: When a connection was last found dead: all others are asked before they are used again.
        self._lost = 0.0
        super().__init__(database.driver, cp_min=1, cp_max=database.threads, cp_noisy=False, cp_reactor=reactor)
        # One that hangs in spite of all does not keep the process from its end.
        self.threadpool.threadFactory = partial(threading.Thread, daemon=True)  # type: ignore[assignment]

    def ask(self, question: Question) -> Deferred[Any]:
        """Ask on a thread; fires with what the query returned or raised, one of :data:`ERRORS` perhaps."""
        asked: Deferred[Any] = self.runInteraction(question)
        return asked

    def give_up(self, question: Question) -> None:
        """Nobody waits for this answer any more: its thread is free again as soon as may be."""
        with self._guard:
            question.given_up = True
            if question.connection is None:
                return
            self._lost = self._steady()
            if not question.rolled_back:  # a database that has said nothing all the time
                self._database.leave(question.connection)
            self._database.cut(question.connection)

    def finalClose(self) -> None:
        """Close the connections, once; queries have a moment to come to an end, then they are cut off."""
        if self._ended:
            return
        self._ended, self.shutdownID = True, None
        stopping = threading.Thread(target=self.threadpool.stop, daemon=True)
        stopping.start()
        stopping.join(min(self._database.answer_seconds, _MOMENT))
        if stopping.is_alive():
            self._cut_all()
            stopping.join(_END)
        self.running = False
        with self._guard:
            busy = [question.connection for question in self._asked]
        for used in list(self._ours.values()):
            if used.connection not in busy:
                with suppress(*ERRORS):
                    used.connection.close()
        self._ours.clear()

    def _cut_all(self) -> None:
        with self._guard:
            self._ending.set()
            for question in self._asked:
                self._database.cut(question.connection)

    # On a thread -------------------------------------------------------------

    def _runInteraction(self, question: Question) -> Any:
        tries: dict[Fault, int] = {}
        while True:
            try:
                return self._once(question)
            except _Abandoned:
                return None
            except ERRORS as error:
                fault = fault_of(error)
                question.lost |= question.committing and fault in (Fault.LOST, Fault.SLOW)
                tried = tries[fault] = tries.get(fault, 0) + 1
                if self._ending.is_set() or question.given_up or not self._helps(fault, tried, question):
                    raise
                if fault is Fault.AGAIN:
                    question.rolled_back = True
                    self._ending.wait(_PAUSES[tried - 1] * (0.5 + self._draw()))

    def _helps(self, fault: Fault, tried: int, question: Question) -> bool:
        """Whether another try can help, and does nothing twice."""
        if fault is Fault.AGAIN:
            return tried <= len(_PAUSES)
        # Whether the last COMMIT was done cannot be told; anything before it was not.
        if question.committing and not question.repeatable:
            return False
        if fault is Fault.LOST:
            return tried == 1
        return fault is Fault.ELSEWHERE and question.reached and tried < self._database.hosts

    def _once(self, question: Question) -> Any:
        question.committing = question.reached = False
        try:
            connection = self._connection(question)
            question.reached = True
            try:
                with closing(connection.cursor()) as cursor:
                    result = question.query(cursor)
                # In this order: whoever gives it up sees that it may be done, or it is not.
                question.committing = True
                if question.given_up:
                    raise _Abandoned
                connection.commit()
            except BaseException as error:
                self._undo(connection, error)
                raise
        finally:
            self._release(question)
        used = self._ours.get(threading.get_ident())
        if used is not None:
            used.last = self._steady()
        return result

    def _take(self, question: Question, connection: Any) -> None:
        """From here to :meth:`_release` the question is asked on this connection, and may be cut off there."""
        with self._guard:
            if self._ending.is_set():
                raise StoreUnavailable()
            if question.given_up:
                raise _Abandoned
            if connection is not None:
                question.connection = connection
                self._asked.add(question)

    def _release(self, question: Question) -> None:
        with self._guard:
            connection, question.connection = question.connection, None
            self._asked.discard(question)
            cut = question.given_up or self._ending.is_set()
        if cut and connection is not None:
            self._drop(connection)

    def _connection(self, question: Question) -> Any:
        """The connection of this thread, a new one if there is none that lives."""
        thread = threading.get_ident()
        used = self._ours.get(thread)
        self._take(question, used.connection if used else None)
        if used is not None:
            if used.last > self._lost and self._steady() - used.last < _IDLE:
                return used.connection
            asked = self._steady()
            if self._database.alive(used.connection):
                used.last = asked
                return used.connection
            self._drop(used.connection)
        asked = self._steady()
        connection = self._database.open(self._subject, partial(self._take, question))
        self._ours[thread] = _Used(connection, asked)
        return connection

    def _undo(self, connection: Any, error: BaseException) -> None:
        """After trouble: the transaction is rolled back, or its connection gone."""
        fault = fault_of(error) if isinstance(error, ERRORS) else None
        if fault is Fault.ELSEWHERE:
            self._database.leave(connection)
        if fault in (Fault.LOST, Fault.SLOW, Fault.ELSEWHERE):
            self._drop(connection)
            return
        try:
            connection.rollback()
        except ERRORS:
            self._drop(connection)

    def _drop(self, connection: Any) -> None:
        """Close it; all others may be dead too."""
        self._lost = self._steady()
        self._ours.pop(threading.get_ident(), None)
        with suppress(*ERRORS):
            connection.close()
