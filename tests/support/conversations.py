"""Whole conversations with a server in memory, said in any pieces, with any pauses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from attrs import define, field, frozen
from twisted.internet.task import Clock, deferLater

from dictd.server.commands import VERBS
from dictd.store.dialect import Transaction
from tests.support.house import BOOKS, Client, House, ImmediatePool

P = ParamSpec("P")
T = TypeVar("T")

#: Every name a verb has, from the table that runs them: what is added there is said here.
NAMES = tuple(name for verb in VERBS for name in (verb.name, *verb.aliases))

#: Headwords that are nothing but what RFC 2229 2.2 has a meaning for; no two fold to the same.
SIGNS = ('"', "'", "\\", '""', "''", "\\\\", "\\'", '\\"', "'\"", "\"'\\")
#: Headwords and texts with everything in them that the protocol has a meaning for.
ODD = (
    'Odd "things" \\ of 2229',
    [
        (".", ".\n..\n...\n. a dot\n.\n100 grams\n250 ok\n552"),
        ("250 ok", "250 ok\n250\n250 ok\n.\n\n\n.hidden"),
        ("\\", "\\\n\tone\ttab\n\\"),
        ('"', "\"\nsay '\"'"),
        ("'", "'\r\nends\rof lines\r\n.\r\n"),
        ("long", "long\n" + "x" * 3000 + "\n" + "." * 1100 + "\n" + "100 " * 700),
        ("שלום", "שלום\n\u202eturned\u202c \u2028 \x1b[2J\x00\x7f\x85\n."),
        ("Straße", "Straße\n" + "ß" * 1023 + "\n" + "ß" * 1021 + " ."),
        ("x" * 512, "x\nthe longest word"),
    ],
)
LIBRARY = {**BOOKS, "odd": ODD}

#: What may happen after a piece has arrived: turns of the reactor, none, or a client that stops to read.
TURNS, NOTHING, SLOW = "turns", "nothing", "slow"


@define
class LatePool(ImmediatePool):
    """Answers in the next turn of the reactor."""

    clock: Clock = field(factory=Clock)

    async def run(self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As :meth:`dictd.store.pool.Pool.run`."""
        await deferLater(self.clock, 0, lambda: None)
        return await ImmediatePool.run(self, query, *args, **kwargs)


@frozen
class Said:
    """What came of a conversation.

    :ivar heard: every byte of the server.
    :ivar closed: the server closed its half before the client did.
    """

    heard: bytes
    closed: bool


def pump(clock: Clock) -> None:
    """Turns of the reactor until nothing more is due now."""
    for _ in range(100_000):
        if not any(call.getTime() <= clock.seconds() for call in clock.getDelayedCalls()):
            return
        clock.advance(0)
    raise AssertionError("turns of the reactor without end")


def converse(directory: Path, pieces: Iterable[bytes], moments: Iterable[str] = (), late: bool = False) -> Said:
    """Say pieces of a stream to a new server with new accounts, then the end of input.

    :param directory: a lexicon that was published.
    :param moments: what happens after each piece; no more of them is :data:`TURNS`.
    :param late: the store answers in later turns.
    :raises AssertionError: the server does not serve the next client, or does not end.
    """
    clock, pool = Clock(), ImmediatePool.empty()
    house = House(directory, clock=clock, pool=LatePool(pool.connection, clock=clock) if late else pool)
    try:
        client = house.connect()
        following = iter(moments)
        for piece in pieces:
            client.protocol.dataReceived(piece)
            _let_happen(client, next(following, TURNS))
        if client.line.producer is not None:
            client.protocol.resumeProducing()
        pump(clock)
        closed = client.line.half_closed
        client.protocol.readConnectionLost()
        pump(clock)
        assert client.line.disconnecting, "the connection does not end"
        heard = client.heard()
        assert house.welcome().codes("STATUS") == [210], "the next client is not served"
        return Said(heard, closed)
    finally:
        house.lexicon.close()
        pool.connection.close()


def _let_happen(client: Client, moment: str) -> None:
    if moment == SLOW and client.line.producer is not None:
        client.protocol.pauseProducing()
    elif moment == TURNS:
        if client.line.producer is not None:
            client.protocol.resumeProducing()
        pump(client.clock)
