"""The lexicon as it is read: define, match, dictionaries.

Nothing here waits: a look-up is one or two reads from memory-mapped files that
never change (LMDB's read transaction is kept for the life of the file). All of
it runs on the reactor's thread, so a replaced file is closed at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from attrs import define, field, frozen

from dictd.errors import LexiconDamaged, NoDatabases, UnknownDatabase, UnknownStrategy
from dictd.lexicon import catalogue, strategies
from dictd.lexicon.generation import DAMAGE, Definition, Generation
from dictd.model import Dictionary


@frozen
class Matches:
    """What MATCH found.

    :ivar found: (database, headword), each once.
    :ivar more: there were more than asked for.
    """

    found: tuple[tuple[str, str], ...]
    more: bool = False


@define
class Lexicon:
    """All live dictionaries.

    :param directory: the ``lexicon/`` of the state directory.
    :param complain: told in one line of a file that cannot be used.
    :param distrust: called when a file that is served turns out to be damaged;
        whoever publishes should read all files again.
    """

    directory: Path
    complain: Callable[[str], None]
    distrust: Callable[[], None] = lambda: None
    _live: list[Generation] = field(factory=list, init=False)
    _by_name: dict[str, Generation] = field(factory=dict, init=False)
    _seen: tuple[int, ...] = field(default=(), init=False)
    _complaints: set[str] = field(factory=set, init=False)

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
        live: list[Generation] = []
        complaints: set[str] = set()
        for listing in listings:
            try:
                identity = listing.file, (self.directory / listing.file).stat().st_ino
                live.append(open_now.get(identity) or Generation.open(self.directory, listing))
            except (LexiconDamaged, OSError) as error:
                complaints.add(str(error))
                if listing.name in self._by_name:
                    live.append(self._by_name[listing.name])
        self._serve(live)
        return complaints

    def _serve(self, live: list[Generation]) -> None:
        """Serve these generations and close the others."""
        kept = {generation.identity for generation in live}
        gone = [generation for generation in self._live if generation.identity not in kept]
        self._live = live
        self._by_name = {generation.dictionary.name: generation for generation in live}
        for generation in gone:
            generation.close()

    def _complain_once(self, complaints: set[str]) -> None:
        for complaint in sorted(complaints - self._complaints):
            self.complain(complaint)
        self._complaints = complaints

    def _give_up(self, generation: Generation, error: Exception) -> None:
        """A file turned out to be damaged: go on without it until it is built again."""
        self.complain(f"{generation.identity[0]} is damaged ({error}); it is not served until it is built again")
        self._serve([other for other in self._live if other is not generation])
        self._seen = ()
        self.distrust()

    def close(self) -> None:
        """Close all files."""
        self._serve([])
        self._seen = ()

    def dictionaries(self) -> list[tuple[Dictionary, int]]:
        """Every dictionary with its number of headwords, in order."""
        return [(generation.dictionary, generation.headwords) for generation in self._live]

    def dictionary(self, name: str) -> Dictionary:
        """One dictionary by its name, in any case.

        :raises UnknownDatabase: there is none.
        """
        return self._chosen_one(name).dictionary

    def define(self, database: str, word: str) -> list[Definition]:
        """Look a word up.

        :param database: a name, ``*`` for all, ``!`` for the first that has it (RFC 2229 3.2).
        :raises UnknownDatabase: no such name.
        """
        asked = self._live if database in ("*", "!") else [self._chosen_one(database)]
        query = strategies.Query.of(word)
        found: list[Definition] = []
        if query.k:  # LMDB has no empty keys
            for generation in tuple(asked):
                try:
                    found += generation.define(query)
                except DAMAGE as error:
                    self._give_up(generation, error)
                if found and database == "!":
                    break
        return found

    def match(self, database: str, strategy: str, word: str, limit: int) -> Matches:
        """List headwords (RFC 2229 3.3).

        :param database: as in :meth:`define`.
        :param limit: the most to return.
        :raises UnknownStrategy: checked before the database, as C dictd does.
        """
        chosen = strategies.BY_NAME.get(strategy.lower())
        if chosen is None:
            raise UnknownStrategy()
        asked = self._live if database in ("*", "!") else [self._chosen_one(database)]
        query = strategies.Query.of(word)
        if not query.k:
            return Matches(())
        found: dict[tuple[str, str], None] = {}
        for generation in tuple(asked):
            try:
                name, spellings = generation.dictionary.name, generation.spellings
                for k in chosen.keys(generation, query):
                    for spelling in spellings(k):
                        found[name, spelling] = None
                    if len(found) > limit:
                        return Matches(tuple(found)[:limit], more=True)
            except DAMAGE as error:
                self._give_up(generation, error)
            if found and database == "!":
                break
        return Matches(tuple(found))

    def sample(self, name: str, most: int) -> list[str]:
        """Headwords of a dictionary, spread evenly over it; reads all its keys.

        :param most: about how many.
        :raises UnknownDatabase: no such database.
        """
        generation = self._chosen_one(name)
        every = max(1, generation.headwords // most)
        try:
            return [word for k in islice(generation.keys(), 0, None, every) for word in generation.spellings(k)]
        except DAMAGE as error:
            self._give_up(generation, error)
            return []

    def _chosen_one(self, name: str) -> Generation:
        generation = self._by_name.get(name) or self._by_name.get(name.lower())
        if generation is None:
            raise UnknownDatabase()
        return generation

    def ensure_any(self) -> None:
        """Refuse when there is nothing to show.

        :raises NoDatabases: 554 (RFC 2229 3.5.1).
        """
        if not self._live:
            raise NoDatabases()
