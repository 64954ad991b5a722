"""One run: everything that is measured, in order."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any

import click
from attrs import define, field

from benchmarks import cases, chapters, idle, importing, matching, polite, servers
from benchmarks.cases import Value
from benchmarks.draws import Draws
from benchmarks.load import ask, dial
from benchmarks.million import Million
from benchmarks.servers import OURS, Floor, NotHere, Running
from benchmarks.stores import Stores
from benchmarks.wordnet import NAME, WordNet

_MEMBERS = 32
#: Lines that are drawn; then they come again.
_LINES = 1 << 17
#: Share of a round for each strategy of MATCH.
_OF_A_STRATEGY = 0.25
#: Answers whose size is taken for that of all.
_WEIGHED = 1000
#: Connections that a peer takes in idle(), for each is a process of its own.
_PEER_IDLE = 64


@define
class Bench:
    """One run.

    :ivar directory: for everything that lives as long as the run.
    :ivar only: beginnings of the names of what is measured; none: everything.
    :ivar failed: a chapter could not be measured; a remark says why.
    """

    directory: Path
    rounds: int
    imports: int
    seconds: float
    connections: int
    wordnet: WordNet
    million: Million | None = None
    flood: float = 30.0
    outage: float = 60.0
    quick: bool = False
    only: Sequence[str] = ()
    settings: dict[str, Any] = field(factory=dict)
    remarks: list[str] = field(factory=list)
    failed: bool = field(default=False, init=False)
    _words: dict[str, dict[str, list[str]]] = field(factory=dict, init=False)

    def have_million(self, results: Path) -> None:
        """Measure over a million headwords too, where they can be had."""
        self.say("a million headwords; they are imported once, which takes a minute or two")
        try:
            self.million = Million.found(results)
        except NotHere as reason:
            self.remark(str(reason))
        else:
            self.settings["a million"] = f"{len(self.million.headwords):,} headwords"

    def run(self) -> Iterator[Value]:
        """Measure everything."""
        state = self.directory / "state"
        state.mkdir()
        self.say("importing WordNet")
        yield from self.import_figures(cases.IMPORT_WORDNET, state, self.wordnet.source, self.wordnet.format)
        asked = {False: self.wordnet.definitions(_LINES), True: self.wordnet.prefixes(_LINES)}
        if chapters.wanted(chapters.SERVERS, self.only):
            yield from self.servers_figures(state, asked)
        if chapters.wanted(chapters.IMPORTS, self.only):
            yield from self.more_import_figures()
        if chapters.wanted(chapters.IDLE, self.only):
            self.say("idle connections")
            with servers.ours(state) as ours, ExitStack() as stack:
                yield from self.idle_figures(ours, self.connections)
                for peer in self.peers(stack):
                    yield from self.idle_figures(peer, min(_PEER_IDLE, self.connections))
        stores = Stores(state, self.directory / "stores", self.wordnet)
        stage = chapters.Stage(
            state, asked[False], self.rounds, self.seconds, self.flood, stores, self.outage, self.quick
        )
        for chapter in chapters.chosen(stage, self.only):
            self.say(chapter.about)
            try:
                yield from self.told(chapter.measured(stage))
            except chapters.TROUBLES as trouble:
                # The others are measured all the same; a whole run takes its time.
                self.failed = True
                self.remark(f"{chapter.name} went wrong: {trouble}")

    def servers_figures(self, state: Path, asked: Mapping[bool, Sequence[bytes]]) -> Iterator[Value]:
        """All servers side by side, round by round.

        :param asked: lines that ask for words, and (true) for prefixes.
        """
        twin = self.directory / "twin"
        shutil.copytree(state, twin)
        with servers.ours(state) as ours, servers.ours(twin, servers.ROW_A_COMMIT) as one_each:
            sizes = {prefixes: _mean_size(ours, lines) for prefixes, lines in asked.items()}
            logins = [servers.register(server, _MEMBERS) for server in (ours, one_each)]
        self.settings |= {"answers": f"of {sizes[False]:,} bytes, to prefixes of {sizes[True]:,}"}
        floor = self.floor()
        for number in range(self.rounds):
            self.say(f"round {number + 1} of {self.rounds}")
            # Servers of its own for each round, so that the spread holds what
            # differs from one process to the next, not only within one.
            with ExitStack() as stack:
                ours = stack.enter_context(servers.ours(state))
                one_each = stack.enter_context(servers.ours(twin, servers.ROW_A_COMMIT))
                floors = {size: stack.enter_context(floor.running(sizes[size])) for size in sizes} if floor else {}
                peers = self.peers(stack)
                for case in cases.EVERYWHERE:
                    for server in (ours, floors.get(case.prefixes), *peers):
                        if server:
                            yield from case.measured(server, asked[case.prefixes], self.seconds)
                yield from cases.ANONYMOUS.measured(ours, asked[False], self.seconds)
                yield from cases.LOGGED_IN.measured(ours, asked[False], self.seconds, logins[0])
                yield from cases.ONE_EACH.measured(one_each, asked[False], self.seconds, logins[1])
                yield from self.match_figures(ours, [] if number else peers)
            yield from self.crowd_figures(asked[False])

    def more_import_figures(self) -> Iterator[Value]:
        """Imports, again and again."""
        self.say("imports")
        wordbook = importing.wordbook(self.directory / "wordbook.tsv")
        for number in range(self.imports):
            again = self.directory / f"again-{number}"
            if number:
                yield from self.import_figures(cases.IMPORT_WORDNET, again, self.wordnet.source, self.wordnet.format)
            yield from self.import_figures(cases.IMPORT_TABBED, again, wordbook, "tabbed")
            shutil.rmtree(again)

    def floor(self) -> Floor | None:
        """The floor, where there is a compiler."""
        try:
            return Floor.compiled(self.directory)
        except NotHere as reason:
            self.remark(str(reason))
            return None

    def peers(self, stack: ExitStack) -> list[Running]:
        """The servers of others, where they can be had."""
        found = []
        for name in servers.PEERS:
            try:
                found.append(stack.enter_context(servers.peer(name)))
            except NotHere as reason:
                self.remark(str(reason))
        return found

    def import_figures(self, case: str, state: Path, source: Path, format: str) -> Iterator[Value]:
        """One import."""
        took = importing.measured(state, source, NAME if format != "tabbed" else "tabbed", format)
        yield (case, OURS, "rows"), took.rows / took.seconds
        yield (case, OURS, "memory"), took.peak

    def idle_figures(self, server: Running, wanted: int) -> Iterator[Value]:
        """Idle connections of a server."""
        found = idle.measured(server, wanted)
        if found.connections < wanted:
            self.remark(f"only {found.connections:,} idle connections: the limit on open files allows no more")
        yield (cases.IDLE, server.name, "held"), found.connections
        yield (cases.IDLE, server.name, "idle"), found.pss
        yield (cases.IDLE, server.name, "resident"), found.rss

    def match_figures(self, ours: Running, peers: list[Running]) -> Iterator[Value]:
        """Every strategy of MATCH.

        :param peers: those who are measured too; once is enough, and takes long enough.
        """
        self.say("strategies")
        seconds = self.seconds * _OF_A_STRATEGY
        rows = matching.rows(matching.offered(ours))
        words = self.words(matching.WORDNET, self.wordnet.headwords, rows)
        found = [matching.side_by_side([ours, *peers], words, matching.WORDNET, NAME, seconds)]
        with ExitStack() as stack:
            if self.million:
                words = self.words(matching.MILLION, self.million.headwords, rows)
                server = stack.enter_context(servers.ours(self.million.state))
                found.append(matching.side_by_side([server], words, matching.MILLION, "*", seconds))
            yield from self.told(chain.from_iterable(found))

    def words(self, where: str, headwords: Sequence[str], strategies: Sequence[str]) -> dict[str, list[str]]:
        """What is asked of each strategy, the same in every round."""
        if where not in self._words:
            draws = Draws(headwords)
            self._words[where] = {strategy: draws.words(strategy) for strategy in strategies}
        return self._words[where]

    def crowd_figures(self, asked: Sequence[bytes]) -> Iterator[Value]:
        """A polite client, alone and among others; where there are a million headwords."""
        if self.million is None:
            return
        for situation in polite.SITUATIONS:
            self.say(situation.name)
            # A server of its own for each, for it may have to do with what others left it.
            with servers.ours(self.million.state) as server:
                yield from situation.measured(server, asked, self.seconds)

    def told(self, found: Iterable[Value | str]) -> Iterator[Value]:
        """The values; texts among them are remarks."""
        for one in found:
            if isinstance(one, str):
                self.remark(one)
            else:
                yield one

    def remark(self, text: str) -> None:
        """What the table has to say besides figures, once."""
        if text not in self.remarks:
            self.remarks.append(text)
            self.say(text)

    @staticmethod
    def say(text: str) -> None:
        """Progress."""
        click.echo(f"bench: {text}", err=True)


def _mean_size(server: Running, lines: Sequence[bytes]) -> int:
    """Bytes of a mean answer."""
    with dial(server.port) as connection:
        ask(connection)
        return sum(len(ask(connection, line)) for line in lines[:_WEIGHED]) // _WEIGHED
