"""Answers of a server, asked for and shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dictc import accounts, objects
from dictc.connection import Connection
from dictc.exits import Exit
from dictc.grammar import command
from dictc.layout import Layout
from dictc.lookups import LookUp, LookUps, Question, Words, wanted
from dictc.terminal import Output


@dataclass(slots=True)
class Answers:
    """Asks one server and writes what it says, as text or as JSON.

    :ivar again: see :class:`LookUps`.

    Every method raises :exc:`dictc.troubles.Refused` when the server has no
    such thing, and what :meth:`Connection.receive` raises.
    """

    connection: Connection
    layout: Layout
    output: Output
    json: bool = False
    again: Callable[[], Connection] | None = None

    def info(self, database: str) -> None:
        """SHOW INFO: where a database comes from."""
        self._text("info", command("SHOW INFO", database), Question(database=database))

    def server(self) -> None:
        """SHOW SERVER: what the server is."""
        self._text("server", command("SHOW SERVER"))

    def verbs(self) -> None:
        """HELP: what the server understands."""
        self._text("help", command("HELP"), headline="Server help:\n")

    def databases(self) -> None:
        """SHOW DB."""
        self._list("Databases available:", command("SHOW DB"))

    def strategies(self) -> None:
        """SHOW STRAT."""
        self._list("Strategies available:", command("SHOW STRAT"))

    def history(self, count: int, word: str) -> None:
        """HISTORY; see :func:`accounts.history`."""
        rows = accounts.history(self.connection, count, word)
        self.output.write(objects.history(rows) if self.json else self.layout.history(rows))

    def look_up(self, words: Words, question: Question, matching: bool = False) -> Exit:
        """Look words up.

        :param matching: list headwords instead of definitions.
        :returns: as dict(1), the exit code of the first word that was not simply found.
        """
        look_ups = LookUps(self.connection, words, question, self.again)
        by_strategy = question.strategy != "." and not matching
        ask = look_ups.match if matching else look_ups.define_matches if by_strategy else look_ups.define
        status = Exit.OK
        try:
            for one in ask():
                if one.trouble:
                    status = status or one.trouble.exit
                    self.output.complain(f"dictc: {one.trouble.text}\n")
                    continue
                good = bool(one.matches if matching else one.entries)
                status = status or (
                    Exit.OK if good else Exit.NO_MATCH if matching or not one.matches else Exit.APPROXIMATE
                )
                if self.json:
                    self.output.write(objects.matches(one, question.strategy) if matching else objects.definitions(one))
                else:
                    self._show(one, good, matching, by_strategy)
                if look_ups.idle:
                    self.output.flush()
        finally:
            self.connection = look_ups.connection
        return status

    def _show(self, one: LookUp, good: bool, matching: bool, by_strategy: bool) -> None:
        """What was found goes to standard output and all else to standard error, as with dict(1)."""
        if good:
            self.output.write(
                self.layout.matches(one) if matching else self.layout.definitions(one, counted=not by_strategy)
            )
        else:
            self.output.complain(self.layout.unmatched(one) if matching or by_strategy else self.layout.missed(one))

    def _text(self, kind: str, line: bytes, question: Question | None = None, headline: str = "") -> None:
        reply = wanted(self.connection.ask(line), 250, question)
        lines = [line for section in reply.sections for line in section.lines]
        if self.json:
            self.output.write(objects.text(kind, lines))
        else:
            self.output.write(("" if self.layout.tabbed else headline) + self.layout.text(lines))

    def _list(self, headline: str, line: bytes) -> None:
        pairs = wanted(self.connection.ask(line), 250, Question()).pairs
        self.output.write(objects.listed(pairs) if self.json else self.layout.listed(headline, pairs))
