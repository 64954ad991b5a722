"""No secret reaches the log, whatever breaks."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from dictd.processes.logs import Observer
from dictd.sections import Log
from dictd.server.commands import VERBS
from dictd.server.session import Session
from dictd.wire import grammar
from dictd.wire.grammar import Command
from tests.support.house import BOOKS, House, publish

PASSWORDS = ("correct-horse", "wrong-horse-7", "newer-horse-8")


class Broken(Exception):
    """What a part of ours says that has the client's line at hand."""


class Secrets(SynchronousTestCase):
    """Conversations with secrets, and the log of both forms."""

    def setUp(self) -> None:
        directory = Path(self.mktemp())
        publish(directory, BOOKS)
        self.house = House(directory)
        self.written: list[str] = []
        for form in ("text", "json"):
            observer = Observer(Log(level="debug", repeats=10_000, format=form), self.written.append, "server")
            globalLogPublisher.addObserver(observer)
            self.addCleanup(globalLogPublisher.removeObserver, observer)

    def logged(self) -> str:
        """All that was written."""
        return "".join(self.written)

    def lines(self, message_id: str, key: str) -> list[str]:
        """Lines with secrets in them, right and wrong ones, and with verbs mistyped."""
        digest = hashlib.md5((message_id + key).encode(), usedforsecurity=False).hexdigest()
        good, wrong, newer = PASSWORDS
        return [
            f"LOGIN alice {wrong}",
            f"LOGIN alice {good}",
            f'LOGIN alice "{good}',
            f"LGOIN alice {good}",
            f"REGISTER alice {good}",
            f"REGISTER bob {wrong} more",
            f"PASSWD {good} {newer}",
            f"PASSWD {newer}",
            f"AUTH alice {digest}",
            f"AUTH alice {digest} more",
            f"UNREGISTER {newer}",
            "KEY NEW laptop",
        ]

    def secrets(self, message_id: str, key: str) -> list[str]:
        """What must be nowhere."""
        digest = hashlib.md5((message_id + key).encode(), usedforsecurity=False).hexdigest()
        return [*PASSWORDS, key, digest]

    def key(self) -> tuple[str, str]:
        """A message id and a key of alice's."""
        alice = self.house.member("alice")
        key = re.search("(?m)^([0-9a-f]{32})$", alice.ask("KEY NEW phone"))
        assert key is not None
        return alice.protocol.session.message_id, key[1]

    def test_working(self) -> None:
        """Where everything works nothing of it is logged."""
        message_id, key = self.key()
        client = self.house.welcome()
        for line in self.lines(message_id, key):
            client.ask(line)
            self.house.clock.advance(20)
        for secret in self.secrets(message_id, key):
            self.assertFalse(secret in self.logged(), secret)

    def test_broken(self) -> None:
        """Where the method of a verb breaks and says the whole line, the log says where and of what kind, not what."""
        message_id, key = self.key()
        member = self.house.welcome()
        member.ask(f"LOGIN alice {PASSWORDS[0]}")
        user = member.protocol.session.user
        self.assertIsNotNone(user)

        def broken(session: Session, command: Command, words: tuple[str, ...]) -> None:
            raise Broken(f"{command.line} {words!r}", command, message_id)

        async def broken_later(session: Session, command: Command, words: tuple[str, ...]) -> None:
            broken(session, command, words)

        secretive = [verb for verb in VERBS if verb.secret or verb.name == "AUTH"]
        for how in (broken, broken_later):
            for verb in secretive:
                self.patch(Session, verb.method, how)
            client = self.house.welcome()
            client.protocol.session.user = user
            for line in self.lines(message_id, key):
                client.ask(line)
        self.assertGreater(len(self.flushLoggedErrors(Broken)), 12)
        self.assertIn("Broken: what it says is not logged", self.logged())
        self.assertIn("in broken", self.logged())
        for secret in self.secrets(message_id, key):
            self.assertFalse(secret in self.logged(), secret)

    def test_broken_grammar(self) -> None:
        """Also where it breaks before the verb is known."""

        def broken(line: bytes) -> Command:
            raise Broken(line)

        self.patch(grammar, "parse", broken)
        self.assertIn("420 ", self.house.welcome().ask(f"LOGIN alice {PASSWORDS[0]}"))
        self.assertEqual(len(self.flushLoggedErrors(Broken)), 1)
        self.assertFalse(PASSWORDS[0] in self.logged())

    def test_others(self) -> None:
        """What breaks where no secret can be is told in full."""

        def broken(*_: Any) -> None:
            raise Broken("out of order")

        self.patch(Session, "do_define", broken)
        self.house.welcome().ask("DEFINE wn penguin")
        self.assertEqual(len(self.flushLoggedErrors(Broken)), 1)
        self.assertIn("Broken: out of order", self.logged())
