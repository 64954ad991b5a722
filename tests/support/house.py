"""A whole server in memory: real lexicon, real queries, no threads, no sockets, time that stands still."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import argon2
from attrs import define, evolve, field
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts.commons import OneProcess
from dictd.accounts.invites import Invites
from dictd.accounts.keeping import Keeping
from dictd.accounts.keyring import Keyring
from dictd.accounts.keys import ServerKey
from dictd.accounts.misses import Misses
from dictd.accounts.passwords import Passwords, normal
from dictd.accounts.recorder import Recorder
from dictd.accounts.registrar import Registrar
from dictd.accounts.roster import Roster
from dictd.accounts.rowids import RowIds
from dictd.config import Settings
from dictd.doors import Doors
from dictd.errors import StoreUnavailable
from dictd.lexicon import catalogue, folding, publisher
from dictd.lexicon.arrangement import arrangement
from dictd.lexicon.reader import Lexicon
from dictd.limits import Guesses, Rate
from dictd.lookups import LookUps, Searches
from dictd.model import Dictionary
from dictd.server.certificates import Certificates
from dictd.server.factory import DictFactory
from dictd.server.protocol import DictProtocol
from dictd.server.service import Service
from dictd.store import schema
from dictd.store.accounts import AccountQueries
from dictd.store.dialect import SQLITE, Dialect, Transaction
from dictd.store.history import HistoryQueries
from dictd.store.invites import InviteQueries
from dictd.store.keys import KeyQueries
from dictd.store.misses import MissQueries
from dictd.tally import Tally
from tests.store.databases import Database, is_mariadb

P = ParamSpec("P")
T = TypeVar("T")

#: Wall clock of the house at its start: 2026-01-02T03:04:05Z.
MORNING = 1_767_323_045.0

BOOKS = {
    "wn": (
        "WordNet",
        [
            ("penguin", "penguin\n    n 1: a flightless bird"),
            ("pengo", "pengo\n    n 1: money"),
            ("crow's nest", "crow's nest\n    n 1: a platform"),
            ("computer program", "computer program\n    n 1: a list of instructions"),
            (".22", ".22\n    n 1: a firearm"),
            ('say "hi"', 'say "hi"\n    a phrase'),
            ("Mädchen", "Mädchen\n    n 1: girl"),
            ("100 grams", "100 grams\n    weight"),
            ("你好", "你好\n    hello"),
            ("C++", "C++\n    a language"),
            ("long", "long\n" + "word " * 400),
        ],
    ),
    "jargon": ("The Jargon File", [("penguin", "penguin\n    the mascot"), ("foo", "foo\n    bar")]),
}


def publish(directory: Path, books: dict[str, tuple[str, list[tuple[str, str]]]], generation: int = 1) -> None:
    """Publish dictionaries: name -> (title, [(headword, text)])."""
    directory.mkdir(parents=True, exist_ok=True)
    listings = []
    for name, (title, entries) in books.items():
        articles = [(no, text, "", "") for no, (_, text) in enumerate(entries)]
        words = sorted(
            (folding.key(folding.exact(word)), word, folding.key(folding.loose(word)), no, 0)
            for no, (word, _) in enumerate(entries)
        )
        dictionary = Dictionary(name, title, info=f"About {name}.")
        listings.append(publisher.publish(directory, dictionary, generation, articles, words))
    catalogue.write(directory, catalogue.Catalogue(tuple(listings)))


@define
class ImmediatePool:
    """Runs each query at once, on one connection in memory, committed or rolled back as adbapi does."""

    connection: Any
    dialect: Dialect = SQLITE
    away: bool = False

    @classmethod
    def empty(cls) -> ImmediatePool:
        """With the schema and nothing in it."""
        connection = sqlite3.connect(":memory:", isolation_level=None)
        connection.execute("PRAGMA foreign_keys = ON")
        schema.migrate(connection, "accounts")
        return cls(connection)

    @classmethod
    def of(cls, case: SynchronousTestCase) -> ImmediatePool:
        """On the kind of database that the test wants: see :func:`tests.store.databases.on_both`."""
        if not is_mariadb(case):
            return cls.empty()
        database = Database.fresh(case, "accounts")
        return cls(database.connection, database.dialect)

    def ensure(self) -> None:
        """As :meth:`dictd.store.pool.Pool.ensure`."""
        if self.away:
            raise StoreUnavailable

    async def run(self, query: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As :meth:`dictd.store.pool.Pool.run`."""
        self.ensure()
        try:
            result = query(self.connection.cursor(), *args, **kwargs)
            self.connection.commit()
        except BaseException:
            self.connection.rollback()
            raise
        return result


class ImmediatePasswords(Passwords):
    """Hashes at once, and cheaply."""

    @classmethod
    def cheap(cls) -> ImmediatePasswords:
        """argon2id that takes less than a millisecond."""
        hasher = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        return cls(None, hasher, 32, None)  # type: ignore[arg-type]

    async def hash(self, secret: str) -> str:
        return self._hasher.hash(normal(secret))

    async def verify(self, passwd: str | None, secret: str) -> bool:
        return self._matches(self._nobody if passwd is None else passwd, normal(secret)) and passwd is not None


class Line(StringTransport):
    """A connection whose both halves can be closed, as TCP's can."""

    half_closed = False
    aborted = False
    protocol: DictProtocol

    def loseWriteConnection(self) -> None:
        """Our half is flushed at once."""
        self.half_closed = True
        self.protocol.writeConnectionLost()

    def abortConnection(self) -> None:
        """Cut."""
        self.aborted = True
        self.loseConnection()


@define(eq=False)
class Client:
    """Somebody who is connected."""

    protocol: DictProtocol
    line: Line
    clock: Clock

    def send(self, data: bytes) -> None:
        """Bytes, as they are, and the turns of the reactor they take."""
        self.protocol.dataReceived(data)
        for _ in range(data.count(b"\n")):
            self.clock.advance(0)

    def heard(self) -> bytes:
        """What came since the last time."""
        value: bytes = self.line.value()
        self.line.clear()
        return value

    def ask(self, *lines: str) -> str:
        """Lines, and what was answered to them, with LF."""
        self.send("".join(f"{line}\r\n" for line in lines).encode())
        return self.heard().decode().replace("\r\n", "\n")

    def codes(self, *lines: str | bytes) -> list[int]:
        """The final status of each line; every line must have exactly one."""
        self.send(b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n" for line in lines))
        return final_codes(self.heard())


def final_codes(data: bytes) -> list[int]:
    """The final statuses in a stream of replies, texts skipped."""
    codes: list[int] = []
    in_text = False
    for line in data.decode().split("\r\n")[:-1]:
        if in_text:
            in_text = line != "."
            continue
        assert re.match(r"\d\d\d ", line), f"no status line: {line!r}"
        code = int(line[:3])
        if code in (110, 111, 112, 113, 114, 151, 152, 180, 184):
            in_text = True
        elif code >= 200:
            codes.append(code)
    assert not in_text, "a text has no end"
    return codes


@define(eq=False)
class House:
    """A server's parts, put together as :mod:`dictd.processes.wiring` does.

    :ivar later: seconds that the wall clock was put on.
    """

    directory: Path
    settings: Settings = Settings()
    clock: Clock = field(factory=Clock)
    pool: ImmediatePool = field(factory=ImmediatePool.empty)
    complaints: list[str] = field(factory=list)
    server_key: ServerKey = field(factory=ServerKey.made)
    certificates: Certificates | None = None
    later: float = 0.0
    lexicon: Lexicon = field(init=False)
    recorder: Recorder = field(init=False)
    misses: Misses = field(init=False)
    registrar: Registrar = field(init=False)
    keyring: Keyring = field(init=False)
    factory: DictFactory = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.settings = evolve(self.settings, site=evolve(self.settings.site, name="dict.example"))
        self.lexicon = Lexicon(self.directory, self.complaints.append, arrangement(self.settings))
        self.lexicon.refresh()
        pool: Any = self.pool
        history = HistoryQueries(pool.dialect)
        limits = self.settings.limits
        guesses = Guesses(limits.guesses, limits.penalty_seconds)
        commons = OneProcess(guesses, Rate(self.settings.accounts.registrations_per_hour, 3600.0), self.clock.seconds)
        self.recorder = Recorder(pool, history, RowIds(0), self.clock, self.wall, commons)
        self.misses = Misses(pool, MissQueries(pool.dialect), self.clock, self.wall)
        roster = Roster()
        self.registrar = Registrar(
            settings=self.settings.accounts,
            roster=roster,
            recorder=self.recorder,
            pool=pool,
            queries=AccountQueries(pool.dialect),
            passwords=ImmediatePasswords.cheap(),
            commons=commons,
            wall=self.wall,
        )
        self.keyring = Keyring(roster, self.server_key, pool, KeyQueries(pool.dialect), commons, self.wall)
        keeping = Keeping(roster, pool, AccountQueries(pool.dialect), commons, self.wall)
        service = Service(
            settings=self.settings,
            doors=Doors.of(limits),
            lookups=LookUps(
                self.lexicon,
                self.recorder,
                limits.matches,
                Searches(self.clock, self.clock.seconds, limits.match_seconds),
                self.misses if self.settings.history.misses else None,
            ),
            registrar=self.registrar,
            keyring=self.keyring,
            keeping=keeping,
            invites=Invites(keeping, pool, InviteQueries(pool.dialect), self.wall),
            tally=Tally(started=0.0),
            steady=self.clock.seconds,
            certificates=self.certificates,
        )
        self.factory = DictFactory(service, self.clock)
        self.factory.doStart()

    def wall(self) -> float:
        """The wall clock."""
        return MORNING + self.clock.seconds() + self.later

    def connect(self, host: str = "127.0.0.1") -> Client:
        """A client that has not read its banner."""
        protocol: Any = self.factory.buildProtocol(IPv4Address("TCP", host, 40000))
        line = Line()
        line.protocol = protocol
        protocol.makeConnection(line)
        return Client(protocol, line, self.clock)

    def welcome(self, host: str = "127.0.0.1") -> Client:
        """A client that has."""
        client = self.connect(host)
        client.heard()
        return client

    def member(self, name: str = "alice", host: str = "127.0.0.1") -> Client:
        """A client that has registered."""
        client = self.welcome(host)
        assert client.codes(f"REGISTER {name} correct-horse") == [280]
        return client

    def turn(self, times: int = 1) -> None:
        """Let what was put off to the next turns happen."""
        for _ in range(times):
            self.clock.advance(0)


def in_pieces(data: bytes, sizes: Iterable[int]) -> list[bytes]:
    """The same bytes in pieces of these sizes, the rest in the last."""
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [piece for piece in (*pieces, data[at:]) if piece]
