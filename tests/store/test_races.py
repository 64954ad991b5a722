"""Threads and the reactor at the same moment, on a database that does what the test says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pymysql
from attrs import define, field
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from dictd.store.dialect import MYSQL
from dictd.store.threads import Question, Threads
from tests.store.pools import LONG

_LOST = pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")


@define
class Cursor:
    """Knows its connection."""

    connection: Connection

    def close(self) -> None:
        """Nothing to do."""


@define(eq=False)
class Connection:
    """Remembers what is done with it."""

    host: int
    was_cut: threading.Event = field(factory=threading.Event)
    done: list[str] = field(factory=list)

    def cursor(self) -> Cursor:
        """Leads back here."""
        return Cursor(self)

    def commit(self) -> None:
        """Fails where it was cut."""
        self.done.append("commit")
        if self.was_cut.is_set():
            raise _LOST

    def rollback(self) -> None:
        """The same."""
        self.done.append("rollback")
        if self.was_cut.is_set():
            raise _LOST

    def close(self) -> None:
        """Whatever was before."""
        self.done.append("close")


@define(eq=False)
class Database:
    """One that the test answers for."""

    threads: int = 1
    hosts: int = 1
    answer_seconds: float = 0.2
    opened: list[Connection] = field(factory=list)
    left: list[Connection] = field(factory=list)
    cutting: Callable[[], None] = lambda: None
    opening: Callable[[Connection], None] = lambda connection: None
    dialect = MYSQL
    driver = "pymysql"

    def open(self, subject: str, entered: Callable[[Any], None]) -> Connection:
        """One after the other is tried."""
        for host in range(self.hosts):
            connection = Connection(host)
            entered(connection)
            self.opened.append(connection)
            try:
                self.opening(connection)
            except pymysql.err.OperationalError:
                if host == self.hosts - 1:
                    raise
                continue
            break
        return connection

    def alive(self, connection: Connection) -> bool:
        """Unless it was cut."""
        return not connection.was_cut.is_set()

    def cut(self, connection: Connection) -> None:
        """What the test says, before and after."""
        self.cutting()
        connection.was_cut.set()

    def leave(self, connection: Connection) -> None:
        """Written down."""
        self.left.append(connection)


class Races(TestCase):
    """What must hold whoever comes first."""

    timeout = LONG

    def setUp(self) -> None:
        """One thread."""
        self.open()

    def open(self, **wanted: Any) -> None:
        """Threads on a database of this kind."""
        self.database = Database(**wanted)
        self.threads = Threads(self.database, "accounts", reactor, time.monotonic, lambda: 0.5)  # type: ignore[arg-type]
        self.addCleanup(self.threads.close)
        self.begun: list[int] = []

    def asked(self, number: int, work: Callable[[Connection], Any] = lambda _: None) -> tuple[Question, Deferred[Any]]:
        """A question under way."""

        def query(cursor: Cursor) -> Any:
            self.begun.append(number)
            return work(cursor.connection)

        question = Question(query, repeatable=True)
        return question, self.threads.ask(question)

    async def test_cut_is_of_the_question(self) -> None:
        """While a connection is cut for one question its thread does not go on to the next one with it."""
        entered, go = threading.Event(), threading.Event()
        served: list[bool] = []

        def first(connection: Connection) -> str:
            entered.set()
            go.wait(LONG)
            return "first"

        def slowly() -> None:
            # The thread comes to its end just now; it has all the time to take the next question.
            go.set()
            self.assertFalse(next_one.wait(0.2), "the next question is served by a connection that is being cut")

        next_one = threading.Event()
        await self.asked(0)[1]
        question, one = self.asked(1, first)

        def second(connection: Connection) -> str:
            served.append(connection.was_cut.is_set())
            next_one.set()
            return "second"

        _, two = self.asked(2, second)
        entered.wait(LONG)
        self.database.cutting = slowly
        self.threads.give_up(question)
        await one
        self.assertEqual((await two, served), ("second", [False]))
        self.assertEqual(len(self.database.opened), 2)
        self.assertIn("close", self.database.opened[0].done)

    async def test_not_begun(self) -> None:
        """What nobody waits for is not begun, and no connection is made for it."""
        go = threading.Event()
        await self.asked(0)[1]
        _, one = self.asked(1, lambda _: go.wait(LONG))
        waiting = [self.asked(number) for number in range(2, 50)]
        for question, _ in waiting:
            self.threads.give_up(question)
        go.set()
        await one
        for _, answer in waiting:
            self.assertIsNone(await answer)
        self.assertEqual((self.begun, len(self.database.opened)), ([0, 1], 1))
        self.assertFalse(self.database.opened[0].was_cut.is_set())

    async def test_given_up_just_before_its_commit(self) -> None:
        """Nothing is committed of what nobody waits for any more."""

        def work(connection: Connection) -> None:
            self.threads.give_up(question)

        question, answer = self.asked(1, work)
        await answer
        self.assertNotIn("commit", self.database.opened[0].done)

    async def test_given_up_while_it_connects(self) -> None:
        """The next host is not tried, and the one that hangs is left."""
        self.open(hosts=2)

        def hang(connection: Connection) -> None:
            hanging.set()
            connection.was_cut.wait(LONG)
            raise _LOST

        hanging = threading.Event()
        self.database.opening = hang
        question, answer = self.asked(1)
        await deferToThread(hanging.wait, LONG)
        self.threads.give_up(question)
        await answer
        self.assertEqual(([one.host for one in self.database.opened], self.begun), ([0], []))
        self.assertEqual(self.database.left, self.database.opened)

    async def test_host_without_a_quorum(self) -> None:
        """One that lets us in and serves nobody is left, and another one is asked, as often as there are hosts."""
        self.open(hosts=2)

        def work(connection: Connection) -> None:
            raise pymysql.err.OperationalError(1047, "WSREP has not yet prepared node for application use")

        with self.assertRaises(pymysql.err.OperationalError):
            await self.asked(1, work)[1]
        self.assertEqual((self.begun, self.database.left), ([1, 1], self.database.opened))

    async def test_given_up_between_two_tries(self) -> None:
        """There is no further one."""

        def work(connection: Connection) -> None:
            question.given_up = True  # as if it were, just behind the look of the thread
            raise _LOST

        question, answer = self.asked(1, work)
        await answer.addErrback(lambda failure: failure.trap(pymysql.err.OperationalError) and None)
        self.assertEqual(self.begun, [1])

    async def test_given_up_twice_or_late(self) -> None:
        """A question that has its answer cuts nothing, and a second time is none."""
        question, answer = self.asked(1)
        await answer
        for _ in range(2):
            self.threads.give_up(question)
        await self.asked(2)[1]
        self.assertEqual(len(self.database.opened), 1)
        self.assertFalse(self.database.opened[0].was_cut.is_set())

    async def test_every_connection_is_closed(self) -> None:
        """Those that fail, those that are cut and those that serve to the end."""
        self.open(threads=3)
        failures = iter([_LOST, None, _LOST, None, pymysql.err.OperationalError(1213, "Deadlock found")])

        def work(connection: Connection) -> None:
            trouble = next(failures, None)
            if trouble is not None:
                raise trouble

        for number in range(6):
            await self.asked(number, work)[1]
        self.threads.close()
        self.assertGreater(len(self.database.opened), 2)
        for connection in self.database.opened:
            self.assertEqual(connection.done[-1], "close")

    async def test_thread_that_cannot_be_cut(self) -> None:
        """The end does not wait for it longer than for others, and does not take its connection from it."""
        go = threading.Event()
        self.addCleanup(go.set)
        await self.asked(0)[1]
        begun = threading.Event()

        def hang(_: Connection) -> None:
            begun.set()
            go.wait(LONG)

        _, answer = self.asked(1, hang)
        begun.wait(LONG)
        before = time.monotonic()
        self.threads.close()
        self.assertLess(time.monotonic() - before, 0.2 + 1.0 + 0.3)
        (connection,) = self.database.opened
        self.assertTrue(connection.was_cut.is_set())
        self.assertNotIn("close", connection.done)
        self.assertTrue(all(thread.daemon for thread in self.threads.threadpool.threads))
        go.set()
        with self.assertRaises(pymysql.err.OperationalError):
            await answer
        self.assertIn("close", connection.done)
