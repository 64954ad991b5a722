"""The lexicon as it is read: define, match, dictionaries.

Nothing here waits: a look-up is one or two reads from memory-mapped files that
never change (LMDB's read transaction is kept for the life of the file). All of
it runs on the reactor's thread, a long search in pieces; a file that was
replaced is closed at once, or when the last search that reads it ends.

Who asks is told by ``reader``, the key of an account; empty for who is not
logged in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from attrs import define, evolve, field

from dictd.errors import BadArguments, LexiconDamaged, NoDatabases, UnknownStrategy
from dictd.lexicon import catalogue, patterns, strategies
from dictd.lexicon.definition import Definition
from dictd.lexicon.generation import DAMAGE, Generation
from dictd.lexicon.nearest import Nearest
from dictd.lexicon.query import Query
from dictd.lexicon.search import Asked, Search
from dictd.lexicon.views import Arrangement, Group, Member, View
from dictd.model import Dictionary


@define
class Lexicon:
    """All live dictionaries.

    :param directory: the ``lexicon/`` of the state directory.
    :param complain: told in one line of a file that cannot be used.
    :param distrust: called when a file that is served turns out to be damaged;
        whoever publishes should read all files again.
    :param arrangement: what the settings say of dictionaries and groups.
    """

    directory: Path
    complain: Callable[[str], None]
    arrangement: Arrangement = field(factory=Arrangement)
    distrust: Callable[[], None] = lambda: None
    _live: list[Generation] = field(factory=list, init=False)
    _views: dict[str, View] = field(factory=dict, init=False)
    _favoured: frozenset[str] = field(init=False)
    _seen: tuple[int, ...] = field(default=(), init=False)
    _complaints: set[str] = field(factory=set, init=False)

    @_favoured.default
    def _who_sees_more(self) -> frozenset[str]:
        return self.arrangement.favoured

    def refresh(self, force: bool = False) -> bool:
        """Look whether the catalogue was replaced, and follow it; costs one ``stat`` when not.

        Called each second by a timer. Files that are still live stay open, those
        that are not are closed, and one that cannot be used is complained of once,
        tried again at every call, and left out or served in its last good generation.

        :param force: follow the catalogue also if it is the one that was seen.
        :returns: whether anything changed.
        """
        try:
            stat = (self.directory / catalogue.NAME).stat()
            seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if seen == self._seen and not force:
                return False
            listings = catalogue.read(self.directory).listings
        except FileNotFoundError:
            return False  # nothing was published yet
        except (LexiconDamaged, OSError) as error:
            self._complain_once({str(error)})
            return False
        before = [generation.identity for generation in self._live]
        complaints = self._follow(listings)
        self._complain_once(complaints)
        self._seen = () if complaints else seen
        return before != [generation.identity for generation in self._live]

    def _follow(self, listings: Iterable[catalogue.Listing]) -> set[str]:
        open_now = {generation.identity: generation for generation in self._live}
        by_name = {generation.dictionary.name: generation for generation in self._live}
        live: list[Generation] = []
        complaints: set[str] = set()
        for listing in listings:
            try:
                identity = listing.file, (self.directory / listing.file).stat().st_ino
                live.append(open_now.get(identity) or Generation.open(self.directory, listing))
            except (LexiconDamaged, OSError) as error:
                complaints.add(str(error))
                if listing.name in by_name:
                    live.append(by_name[listing.name])
        self._serve(self.arrangement.arranged(live))
        return complaints

    def _serve(self, live: list[Generation]) -> None:
        """Serve these generations and close the others."""
        kept = {generation.identity for generation in live}
        gone = [generation for generation in self._live if generation.identity not in kept]
        self._live = live
        self._views.clear()
        for generation in gone:
            generation.close()

    def _complain_once(self, complaints: set[str]) -> None:
        for complaint in sorted(complaints - self._complaints):
            self.complain(complaint)
        self._complaints = complaints

    def _give_up(self, generation: Generation, error: Exception) -> None:
        """A file turned out to be damaged: go on without it until it is built again."""
        if generation not in self._live:
            return  # replaced meanwhile
        self.complain(f"{generation.identity[0]} is damaged ({error}); it is not served until it is built again")
        self._serve([other for other in self._live if other is not generation])
        self._seen = ()
        self.distrust()

    def close(self) -> None:
        """Close all files."""
        self._serve([])
        self._seen = ()

    def view(self, reader: str = "") -> View:
        """What somebody sees."""
        if reader and reader not in self._favoured:
            reader = ""
        view = self._views.get(reader)
        if view is None:
            view = self._views[reader] = View.of(self._live, self.arrangement, reader)
        return view

    def dictionaries(self, reader: str = "") -> list[tuple[Dictionary, int]]:
        """Every dictionary that is seen with its number of headwords, in order."""
        generations = [member.generation for member in self.view(reader).everything]
        return [(generation.dictionary, generation.headwords) for generation in generations]

    def headwords(self) -> dict[str, int]:
        """How many every dictionary has that is served, whoever sees it."""
        return {generation.dictionary.name: generation.headwords for generation in self._live}

    def shelf(self) -> list[tuple[str, str, int]]:
        """Every dictionary that is served, whoever sees it, in order: name, title, headwords."""
        return [(one.dictionary.name, one.dictionary.title, one.headwords) for one in self._live]

    def missing(self) -> list[str]:
        """The dictionaries that the settings name and that are not there."""
        there = {generation.dictionary.name for generation in self._live}
        return sorted(self.arrangement.named - there)

    def dictionary(self, name: str, reader: str = "") -> Dictionary:
        """One dictionary by its name, in any case; of a group the first.

        :raises UnknownDatabase: there is none.
        """
        return self.view(reader).named(name)[0].generation.dictionary

    def described(self, name: str, reader: str = "") -> tuple[Group | None, list[Dictionary]]:
        """What is behind a name: a group with its members, or one dictionary alone.

        :raises UnknownDatabase: there is none.
        """
        view = self.view(reader)
        members = view.named(name)
        return view.group(name), [member.generation.dictionary for member in members]

    def define(self, database: str, word: str, reader: str = "") -> list[Definition]:
        """Look a word up.

        :param database: a name, ``*`` for all, ``!`` for the first that has it (RFC 2229 3.2).
        :raises UnknownDatabase: no such name.
        """
        query = Query.of(word)
        members = self.view(reader).asked(database)
        if not query.k:
            return []  # LMDB has no empty keys
        # Who writes accents and signs does not mean what differs in them, unless nothing else is there.
        at_once = len(members) == 1 or query.k2 == query.k
        for forgiving in (True,) if at_once else (False, True):
            found: list[Definition] = []
            for member in members:
                found += self._defined(member, query, forgiving)
                if found and database == "!":
                    break
            if found:
                return found
        return []

    def _defined(self, member: Member, query: Query, forgiving: bool) -> list[Definition]:
        """What one dictionary has, under the name under which it answers."""
        try:
            found = member.generation.define(query, forgiving)
        except DAMAGE as error:
            self._give_up(member.generation, error)
            return []
        if member.alias:
            return [evolve(definition, alias=member.alias, source=member.source) for definition in found]
        return found

    def match(self, database: str, strategy: str, word: str, limit: int, reader: str = "") -> Search:
        """Begin to list headwords (RFC 2229 3.3).

        :param database: as in :meth:`define`.
        :param strategy: a name, or ``.`` for what each dictionary's own is.
        :param limit: the most to return.
        :raises UnknownStrategy: checked before the database, as C dictd does.
        :raises BadArguments: the word is a pattern that cannot be read; with ``.`` only if
            no dictionary can, for what is a pattern in one is a word in another.
        """
        name = strategy.lower()
        chosen = strategies.BY_NAME.get(name)
        if chosen is None and name != ".":
            raise UnknownStrategy()
        asked: list[Asked] = []
        queries: dict[str, Asked | BadArguments] = {}
        refused: BadArguments | None = None
        for member in self.view(reader).asked(database):
            own = chosen or strategies.BY_NAME[member.strategy or strategies.DEFAULT]
            if own.name not in queries:
                try:
                    queries[own.name] = _asked(own, word, member)
                except BadArguments as error:
                    queries[own.name] = error
            query = queries[own.name]
            if isinstance(query, BadArguments):
                refused = query
            else:
                asked.append(evolve(query, member=member))
        if refused is not None and not asked:
            raise refused
        return Search(self._give_up, asked, limit, database == "!")

    def nearest(self, word: str, most: int, reader: str = "") -> Nearest:
        """Begin to look for the headwords nearest to a word that nobody has."""
        return Nearest(self._give_up, self.view(reader).everything, Query.of(word), most)

    def sample(self, name: str, most: int) -> list[str]:
        """Headwords of a dictionary, spread evenly over it; reads all its keys.

        :param most: about how many.
        :raises UnknownDatabase: no such database.
        """
        generation = self.view().named(name)[0].generation
        every = max(1, generation.headwords // most)
        try:
            return [word for k in islice(generation.keys(), 0, None, every) for word in generation.spellings(k)]
        except DAMAGE as error:
            self._give_up(generation, error)
            return []

    def ensure_any(self, reader: str = "") -> None:
        """Refuse when there is nothing to show.

        :raises NoDatabases: 554 (RFC 2229 3.5.1).
        """
        if not self.view(reader).everything:
            raise NoDatabases()


def _asked(strategy: strategies.Strategy, word: str, member: Member) -> Asked:
    """What a strategy makes of the word of MATCH."""
    if strategy.is_pattern:
        return Asked(member, strategy, Query(word, "", b"", patterns.compile(strategy.name, word)))
    if strategy.counted:
        skip, count, prefix = strategies.skip_and_count(word)
        return Asked(member, strategy, Query.of(prefix), skip, count)
    return Asked(member, strategy, Query.of(word))
