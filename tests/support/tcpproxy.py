"""The wire between a pool and its database: passes everything, until a test says what goes wrong.

Plain sockets and a thread of its own, so that it works for blocking code, for
threads and for whole processes alike. It understands as much of MySQL's protocol
as it needs to find a statement: a packet is three bytes of length, one of its number in
the exchange, and what it says. In TLS it finds no statements.
"""

from __future__ import annotations

import contextlib
import queue
import selectors
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from attrs import Factory, define, field
from twisted.trial.unittest import SynchronousTestCase

from tests.support.ports import port_of_its_own
from tests.support.tcplink import Link

T = TypeVar("T")

_PATIENCE = 30.0
_PIECE = 65_536
#: So much of one direction waits here at most, unless the wire is stalled.
_FULL = 1 << 20
#: Number 0, and COM_QUERY.
_STATEMENT = b"\x00\x03"
_ABORT = struct.pack("ii", 1, 0)


@define(eq=False)
class Wire:
    """What listens in front of a server; every order has been carried out when it returns.

    :ivar server: the port behind.
    :ivar port: where it listens.
    :ivar lost: how many questions and answers it has lost so far.
    """

    server: int
    port: int = Factory(port_of_its_own)
    lost: int = field(default=0, init=False)
    _links: list[Link] = field(factory=list, init=False)
    _listening: socket.socket | None = field(default=None, init=False)
    _questions: Counter[bytes] = field(factory=Counter, init=False)
    _answers: Counter[bytes] = field(factory=Counter, init=False)
    _stalled: bool = field(default=False, init=False)
    _delay: float = field(default=0.0, init=False)
    _orders: queue.SimpleQueue[Callable[[], None]] = field(factory=queue.SimpleQueue, init=False)
    _bell: tuple[socket.socket, socket.socket] = field(factory=socket.socketpair, init=False)
    _ended: bool = field(default=False, init=False)
    _thread: threading.Thread = field(init=False)

    @classmethod
    def to(cls, server: int, case: SynchronousTestCase | None = None) -> Wire:
        """A wire that passes everything to a port of 127.0.0.1; with a test it ends by itself."""
        wire = cls(server)
        wire._open()
        wire._thread = threading.Thread(target=wire._run, name=f"wire to {server}", daemon=True)
        wire._thread.start()
        if case is not None:
            case.addCleanup(wire.stop)
        return wire

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *trouble: object) -> None:
        self.stop()

    def pass_all(self) -> None:
        """Everything goes through again, what was taken while stalled first; nothing is to be lost any more."""

        def change() -> None:
            self._stalled, self._delay = False, 0.0
            self._questions.clear()
            self._answers.clear()
            for link in self._links:
                link.losing = False

        self._order(change)

    def stall(self) -> None:
        """Connections and bytes are taken, and nothing is passed on to either side, the end of a connection neither."""

        def change() -> None:
            self._stalled = True

        self._order(change)

    def delay(self, seconds: float) -> None:
        """From now on every piece waits, in each direction."""

        def change() -> None:
            self._delay = seconds

        self._order(change)

    def reset(self) -> None:
        """All present connections are reset, on both sides; what was on its way is gone."""

        def change() -> None:
            for link in self._links[:]:
                self._cut(link)

        self._order(change)

    def refuse(self) -> None:
        """New connections are refused; present ones stay."""
        self._order(self._shut)

    def listen(self) -> None:
        """New connections are taken again, on the same port."""
        self._order(self._open)

    def lose_answer_to(self, statement: bytes, times: int = 1) -> None:
        """The next of these statements reach the server, and when it has answered, the connection is reset instead.

        :param statement: exactly as it is sent.
        """

        def change() -> None:
            self._answers[statement] = times

        self._order(change)

    def lose_question(self, statement: bytes, times: int = 1) -> None:
        """The connection is reset instead of passing on the next of these statements.

        :param statement: exactly as it is sent.
        """

        def change() -> None:
            self._questions[statement] = times

        self._order(change)

    def connections(self) -> int:
        """How many there are just now."""
        return self._order(lambda: len(self._links))

    def stop(self) -> None:
        """Its end: everything is reset, its thread is gone; again does nothing."""
        if not self._thread.is_alive():
            return

        def change() -> None:
            self._ended = True

        self._order(change)
        self._thread.join(_PATIENCE)
        for end in self._bell:
            end.close()

    def _order(self, change: Callable[[], T]) -> T:
        """Have something done between two rounds."""
        assert self._thread.is_alive(), "the wire has ended"
        done: Future[T] = Future()

        def carry_out() -> None:
            try:
                done.set_result(change())
            except BaseException as trouble:  # noqa: BLE001 - it is raised where the order was given
                done.set_exception(trouble)

        self._orders.put(carry_out)
        self._bell[1].send(b"!")
        return done.result(_PATIENCE)

    def _open(self) -> None:
        if self._listening is None:
            self._listening = socket.create_server(("127.0.0.1", self.port), backlog=128)
            self._listening.setblocking(False)

    def _shut(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def _run(self) -> None:
        try:
            while not self._ended:
                self._round()
        finally:
            self._shut()
            for link in self._links[:]:
                self._cut(link)

    def _round(self) -> None:
        """Wait until something may be done, and do it; orders first, when all who have called are here."""
        with selectors.PollSelector() as selector:
            selector.register(self._bell[0], selectors.EVENT_READ)
            if self._listening is not None:
                selector.register(self._listening, selectors.EVENT_READ)
            timeout = self._watch(selector)
            ready = {key.fileobj for key, _ in selector.select(timeout)}
        if self._listening is not None:
            self._take(self._listening)
        if self._bell[0] in ready:
            self._bell[0].recv(1)
            self._orders.get()()
            return
        for link in self._links[:]:
            try:
                self._move(link, ready)
            except OSError:
                self._cut(link)

    def _watch(self, selector: selectors.BaseSelector) -> float | None:
        """Ask for all that may happen to the connections; the seconds until more of it may."""
        now, soonest = time.monotonic(), None
        for link in self._links:
            events = {link.client: 0, link.server: 0}
            for way in (link.up, link.down):
                if not way.ended and (self._stalled or way.size() < _FULL):
                    events[way.source] |= selectors.EVENT_READ
                due = None if self._stalled else way.due()
                if due is not None and due <= now:
                    events[way.sink] |= selectors.EVENT_WRITE
                elif due is not None:
                    soonest = due if soonest is None else min(due, soonest)
            for end, wanted in events.items():
                if wanted:
                    selector.register(end, wanted)
        return None if soonest is None else soonest - now

    def _take(self, listening: socket.socket) -> None:
        """All who have called."""
        while True:
            try:
                client, _ = listening.accept()
            except BlockingIOError:
                return
            server = socket.socket()
            for end in (client, server):
                end.setblocking(False)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.connect_ex(("127.0.0.1", self.server))  # a refusal is read later
            self._links.append(Link(client, server))

    def _move(self, link: Link, ready: set[Any]) -> None:
        """Take in what is there, pass on what may go.

        :raises OSError: one of the two is gone, or something is lost.
        """
        for way, sort in ((link.up, self._said), (link.down, self._answered)):
            now = time.monotonic()
            if way.source in ready and not way.ended:
                with contextlib.suppress(BlockingIOError):
                    piece = way.source.recv(_PIECE)
                    way.ended = not piece
                    way.held.extend((now + self._delay, part) for part in sort(link, piece))
            if not self._stalled:
                way.send(now)
        if link.up.closed and link.down.closed:
            self._links.remove(link)
            link.client.close()
            link.server.close()

    def _said(self, link: Link, piece: bytes) -> Iterator[bytes]:
        """What of the client's goes on: whole packets, but at its end the rest."""
        link.packets += piece
        while (packet := link.packet()) is not None:
            statement = packet[5:] if packet[3:5] == _STATEMENT and not link.unseen else None
            if statement is not None and self._questions[statement] > 0:
                self._questions[statement] -= 1
                self.lost += 1
                raise ConnectionResetError
            if statement is not None and self._answers[statement] > 0:
                self._answers[statement] -= 1
                link.losing = True
            yield packet
        if not piece and link.packets:
            yield link.packets

    def _answered(self, link: Link, piece: bytes) -> Iterator[bytes]:
        """What of the server's goes on; it answers when it has done what it was asked."""
        if piece and link.losing:
            self.lost += 1
            raise ConnectionResetError
        if piece:
            yield piece

    def _cut(self, link: Link) -> None:
        """Reset both sides."""
        self._links.remove(link)
        for end in (link.client, link.server):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            end.close()
