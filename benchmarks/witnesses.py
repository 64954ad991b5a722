"""Clients that remember every answer (:class:`tests.support.truth.Truth`), in a process of their own.

``python -m benchmarks.witnesses PORT CONNECTIONS PREFIX PAUSE`` logs in and looks
up words of its own, no word twice; each connection thinks PAUSE seconds before it
asks again. To each line of its input it says what it has seen since the last one;
when the input ends, which words were answered how.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import define, field, frozen

from benchmarks.apart import Apart, apart
from benchmarks.load import ServerFell, ask, dial
from tests.support.truth import Truth

NAME, SECRET = "alice", "correct-horse"
LOGIN = f"LOGIN {NAME} {SECRET}\r\n".encode()


@frozen
class Seen:
    """What they have seen for a while.

    :ivar promised: answers that promise a row, from the beginning on.
    :ivar unconfirmed: answers that say that they do not, from the beginning on.
    :ivar waits: seconds of each answer.
    """

    promised: int
    unconfirmed: int
    waits: tuple[float, ...]


@define
class Witness:
    """Such a process; the rest is filled in when it ends.

    :ivar confirmed: words whose row was promised.
    :ivar refused: other answers, by their code.
    :ivar cut: connections that were cut.
    """

    _process: Apart
    confirmed: frozenset[str] = frozenset()
    unconfirmed: frozenset[str] = frozenset()
    refused: Counter[str] = field(factory=Counter)
    cut: int = 0

    def seen(self) -> Seen:
        """What they have seen since they were last asked."""
        self._process.send(b"seen\n")
        told = json.loads(self._process.line())
        return Seen(told["promised"], told["unconfirmed"], tuple(told["waits"]))

    def end(self) -> None:
        """They stop, and tell."""
        told = self._process.rest()
        self.confirmed, self.unconfirmed = frozenset(told["confirmed"]), frozenset(told["unconfirmed"])
        self.refused.update(told["refused"])
        self.cut = told["cut"]


@contextmanager
def witness(port: int, connections: int, prefix: str = "word", pause: float = 0.0) -> Iterator[Witness]:
    """Let them ask, once the account is there."""
    with apart("witnesses", port, connections, prefix, pause) as process:
        process.line()
        yield Witness(process)


def register(port: int) -> None:
    """Make their account.

    :raises ServerFell: it was refused.
    """
    with dial(port) as connection:
        ask(connection)
        heard = ask(connection, f"REGISTER {NAME} {SECRET}\r\n".encode())
        if not heard.startswith(b"280 "):
            raise ServerFell(f"REGISTER was answered {heard!r}")


def main(port: int, connections: int, prefix: str, pause: float) -> None:
    """Ask until the input ends, and tell."""
    truth = Truth(port, NAME, SECRET, connections, prefix, pause)
    truth.start()
    print("ready", flush=True)
    told = 0
    for _ in sys.stdin:
        waits = truth.waits[told:]
        told += len(waits)
        counts = {"promised": len(truth.confirmed), "unconfirmed": len(truth.unconfirmed), "waits": waits}
        print(json.dumps(counts), flush=True)
    truth.stop()
    refused = {code.decode(): count for code, count in truth.refused.items()}
    words = {"confirmed": sorted(truth.confirmed), "unconfirmed": sorted(truth.unconfirmed)}
    print(json.dumps(words | {"refused": refused, "cut": truth.cut}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
