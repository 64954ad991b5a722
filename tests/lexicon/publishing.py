"""Published dictionaries and stores for tests: entries in, what a server reads out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from attrs import define, evolve, field
from twisted.trial.unittest import SynchronousTestCase

from dictd.importers.formats import Format
from dictd.importers.intake import Intake, Progress, Taken
from dictd.importers.reading import Reading
from dictd.lexicon import catalogue, folding, publisher
from dictd.lexicon.catalogue import Catalogue, Listing
from dictd.lexicon.generation import Definition
from dictd.lexicon.reader import Lexicon
from dictd.model import Dictionary, Entry
from dictd.processes.publish import Publisher
from dictd.processes.state import State
from dictd.sections import Store
from dictd.store import databases
from dictd.store.dictionaries import DictionaryQueries, Live
from dictd.store.mysql import MySQL
from tests.store import databases as stores


def entry(*headwords: str, text: str = "") -> Entry:
    """An entry; its text tells its headwords where none is given."""
    return Entry(headwords, text or f"about {', '.join(headwords)}")


def entries(*headwords: str) -> list[Entry]:
    """An entry for each headword."""
    return [entry(headword) for headword in headwords]


def found(definitions: Sequence[Definition]) -> list[tuple[str, str, str]]:
    """Database, headword and text of each definition."""
    return [(one.dictionary.name, one.headword, one.text) for one in definitions]


def article_rows(given: Iterable[Entry]) -> Iterator[publisher.ArticleRow]:
    """Entries as the store hands their articles to the publisher."""
    for no, one in enumerate(given):
        yield no, one.text, one.html, one.structure()


def word_rows(given: Iterable[Entry]) -> list[publisher.WordRow]:
    """Entries as the store hands their headwords to the publisher: by key, then as they came."""
    rows = [
        (folding.key(folding.exact(word)), word, folding.key(folding.loose(word)), no, one.frequency)
        for no, one in enumerate(given)
        for word in one.headwords
    ]
    return sorted(rows, key=lambda row: row[0])


@define(eq=False)
class Shelf:
    """A ``lexicon/`` of a test's own, and the lexicon that reads it.

    :ivar complaints: what the lexicon complained of.
    """

    directory: Path
    complaints: list[str] = field(factory=list)
    lexicon: Lexicon = field(init=False)
    _generation: int = field(default=0, init=False)

    @lexicon.default
    def _reading_it(self) -> Lexicon:
        return Lexicon(self.directory, self.complaints.append)

    @classmethod
    def fresh(cls, case: SynchronousTestCase) -> Shelf:
        """An empty one; its lexicon is closed after the test."""
        directory = Path(case.mktemp()).absolute()
        directory.mkdir()
        shelf = cls(directory)
        case.addCleanup(shelf.lexicon.close)
        return shelf

    def put(self, name: str, given: Sequence[Entry], title: str = "") -> Listing:
        """Publish a new generation of a dictionary, in the place it has; the lexicon is not refreshed."""
        self._generation += 1
        return self.build(Dictionary(name, title or f"The {name}"), self._generation, given)

    def build(self, dictionary: Dictionary, generation: int, given: Sequence[Entry]) -> Listing:
        """Publish a generation with this number, the catalogue included."""
        listing = publisher.publish(self.directory, dictionary, generation, article_rows(given), word_rows(given))
        listings = {listing.name: listing for listing in self.listings} | {listing.name: listing}
        self.write(*listings.values())
        return listing

    @property
    def listings(self) -> tuple[Listing, ...]:
        """What the catalogue lists."""
        try:
            return catalogue.read(self.directory).listings
        except FileNotFoundError:
            return ()

    def write(self, *listings: Listing) -> None:
        """Write the catalogue anew."""
        catalogue.write(self.directory, Catalogue(listings))

    def replace(self, listing: Listing, content: bytes) -> None:
        """Put another file in the place of a listed one: by rename, a file that is mapped is never changed."""
        other = self.directory / "other"
        other.write_bytes(content)
        other.replace(self.directory / listing.file)

    def refreshed(self) -> Lexicon:
        """The lexicon, up to date."""
        self.lexicon.refresh()
        return self.lexicon

    def names(self) -> list[str]:
        """The dictionaries that are served, in order."""
        return [dictionary.name for dictionary, _ in self.lexicon.dictionaries()]


def shelved(case: SynchronousTestCase, **dictionaries: Sequence[Entry]) -> Lexicon:
    """A lexicon of these dictionaries, in this order."""
    shelf = Shelf.fresh(case)
    for name, given in dictionaries.items():
        shelf.put(name, given)
    return shelf.refreshed()


@define(eq=False)
class Library:
    """A state directory with a real store, filled and published as dictctl does.

    :ivar said: what the publisher said.
    :ivar fast: whether rows go in by LOAD DATA LOCAL.
    """

    state: State
    settings: Store
    connection: Any
    publisher: Publisher
    said: list[str]
    queries: DictionaryQueries
    fast: bool = False

    @classmethod
    def fresh(cls, case: SynchronousTestCase, beside: Library | None = None, url: str = "") -> Library:
        """An empty one, closed after the test; on MariaDB where the test asks for that.

        :param beside: another, whose store this one has too, by a connection of its own.
        :param url: of a certain database.
        """
        state = State(Path(case.mktemp()).absolute()).prepare()
        settings = beside.settings if beside else Store(url=url or stores.url(case))
        if beside:
            state.store.rmdir()
            state.store.symlink_to(beside.state.store)
        database = databases.database(settings, state.store)
        connection = database.connect("dictionaries")
        case.addCleanup(connection.close)
        said: list[str] = []
        queries = DictionaryQueries(database.dialect)
        return cls(state, settings, connection, Publisher(state, said.append, database), said, queries)

    @property
    def database(self) -> databases.Database:
        """What keeps the store."""
        return self.publisher.database

    def intake(self, progress: Progress = lambda *_: None) -> Intake:
        """What imports into the store."""
        return Intake(self.database, self.connection, self.state.temporary, progress, self.fast)

    def hurried(self, case: SynchronousTestCase) -> Library:
        """The same store, filled by LOAD DATA LOCAL."""
        assert isinstance(self.database, MySQL)
        connection = self.database.loading()
        case.addCleanup(connection.close)
        return evolve(self, connection=connection, fast=True)

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What a statement of the test's own finds; its parameters are marked by ``?``."""
        cursor = self.connection.cursor()
        cursor.execute(sql.replace("?", self.database.dialect.mark), parameters)
        return list(cursor.fetchall())

    def execute(self, sql: str, *parameters: object) -> None:
        """Run a statement of the test's own, and commit."""
        self.rows(sql, *parameters)
        self.connection.commit()

    def take(self, reading: Reading, format: Format, name: str, title: str = "") -> Taken:
        """Import a file."""
        return self.intake().take(reading, format, name, title)

    def bring(self, name: str, given: Iterable[Entry], title: str = "") -> Taken:
        """Import entries that no file holds; an iterator may raise where a reader would."""
        format = Format("given", "what a test gives", lambda _: iter(given))
        return self.take(Reading(self.state.directory / f"{name}.given", "utf-8", 0), format, name, title)

    def remove(self, name: str) -> None:
        """Take a dictionary away, as dictctl does before it publishes."""
        self.queries.remove(self.connection.cursor(), name)
        self.connection.commit()

    def purge(self) -> None:
        """Delete what no dictionary reads."""
        self.intake().purge()

    def live(self) -> list[Live]:
        """All dictionaries that can be read."""
        return self.queries.live(self.connection.cursor())

    def names(self) -> list[str]:
        """Their names, in order."""
        return [live.dictionary.name for live in self.live()]

    def texts(self, name: str) -> list[str]:
        """The articles of the live generation of a dictionary."""
        generation = next(live.generation for live in self.live() if live.dictionary.name == name)
        return [row[1] for row in self.queries.read_means(self.connection.cursor(), generation)]

    def headwords(self, name: str) -> list[str]:
        """The headwords of the live generation of a dictionary, by key."""
        generation = next(live.generation for live in self.live() if live.dictionary.name == name)
        return [row[1] for row in self.queries.read_words(self.connection.cursor(), generation)]

    def generations(self) -> set[int]:
        """Every generation of which anything is left: its own row, articles or headwords."""
        rows = self.rows("SELECT id FROM generation UNION SELECT gen FROM means UNION SELECT gen FROM words")
        return {row[0] for row in rows}

    def published(self) -> list[str]:
        """The dictionaries that the catalogue lists, in order."""
        return [listing.name for listing in catalogue.read(self.state.lexicon).listings]

    def files(self) -> set[str]:
        """What lies in ``lexicon/``, the publisher's lock left out."""
        return {path.name for path in self.state.lexicon.iterdir()} - {".lock"}

    def lexicon(self, case: SynchronousTestCase) -> Lexicon:
        """What a server would serve now; a complaint fails the test."""
        lexicon = Lexicon(self.state.lexicon, case.fail)
        case.addCleanup(lexicon.close)
        lexicon.refresh()
        return lexicon


def structure_of(definition: Definition) -> dict[str, Any]:
    """The senses of a definition."""
    tree: dict[str, Any] = json.loads(definition.structure)
    return tree
