"""The publisher: the only process that writes ``lexicon/``.

``python -m dictd.processes.publish --state-dir DIR`` looks once; with
``--watch`` it looks every two seconds until its standard input ends, which is
how the server that started it tells it that it is gone. With ``--told`` the
first line there is the settings; any other says that a file is damaged.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import select
import sys
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from attrs import Factory, define, field

from dictd import config
from dictd.errors import DictError, LexiconDamaged, StoreAway
from dictd.lexicon import catalogue, publisher
from dictd.lexicon.catalogue import Catalogue, Listing
from dictd.processes.lines import first_line
from dictd.processes.state import Lock, State
from dictd.store import databases
from dictd.store.databases import Database
from dictd.store.dialect import Connection
from dictd.store.dictionaries import DictionaryQueries, Live
from dictd.store.faults import ERRORS, told
from dictd.store.sqlite import SQLite

EVERY = 2.0


@define
class Publisher:
    """Keeps the lexicon in step with the live generations of the store.

    :param say: told in one line of everything that is done.
    """

    state: State
    say: Callable[[str], None]
    database: Database = field(default=Factory(lambda self: SQLite(self.state.store), takes_self=True))
    _thorough: bool = field(default=True, init=False)
    _built: int = field(default=0, init=False)

    def look(self) -> bool:
        """Publish what is live and not published, take away what is not live.

        The first look, and the next after :meth:`distrust`, reads every file and
        compares its checksum; others compare sizes. Safe beside another
        publisher: they stand in line. One dictionary that cannot be published
        does not keep the others back.

        :returns: whether the catalogue changed.
        :raises OSError: the first trouble there was, after all that could be done.
        """
        lock = Lock(self.state.lexicon / ".lock")
        lock.take(wait=True)
        try:
            # Opened anew: the file may have been restored from a backup meanwhile.
            with closing(self.database.connect("dictionaries")) as connection:
                # One snapshot: an import may give a generation up while it is read.
                self.database.snapshot(connection)
                return self._in_step(connection)
        finally:
            lock.release()

    def distrust(self) -> None:
        """Some file is damaged: the next look reads them all."""
        self._thorough = True

    def _in_step(self, connection: Connection) -> bool:
        before, built = self._catalogue(), self._built
        listings: list[Listing] = []
        trouble: Exception | None = None
        for live in DictionaryQueries(self.database.dialect).live(connection.cursor()):
            try:
                listings.append(self._listing(connection, live, before))
            except Exception as error:  # noqa: BLE001 - raised below, when the others are served
                trouble = trouble or error
                old = before.listing(live.dictionary.name)
                if old is not None:
                    listings.append(old)
        after = Catalogue(tuple(listings))
        changed = after != before or self._built != built
        if changed:
            catalogue.write(self.state.lexicon, after)
            for name in {listing.name for listing in before.listings} - {listing.name for listing in listings}:
                self.say(f"{name} is no longer served")
            publisher.sweep(self.state.lexicon, after)
        if trouble is not None:
            raise trouble
        self._thorough = False
        return changed

    def _catalogue(self) -> Catalogue:
        try:
            return catalogue.read(self.state.lexicon)
        except FileNotFoundError:
            return Catalogue()
        except LexiconDamaged as error:
            self.say(f"{error}; it is made again")
            return Catalogue()

    def _listing(self, connection: Connection, live: Live, before: Catalogue) -> Listing:
        """The listing of a live generation, its file built if it has none that is whole."""
        name = live.dictionary.name
        old = before.listing(name)
        if old and old.generation == live.generation and old.told == publisher.told(live.dictionary, live.imported):
            fault = publisher.whole(self.state.lexicon, old, self._thorough)
            if not fault:
                return old
            self.say(f"{old.file} {fault}: it is built again")
        # Closed here, before the connection, also where building the file fails.
        queries = DictionaryQueries(self.database.dialect)
        with (
            closing(queries.read_means(connection.cursor(), live.generation)) as means,
            closing(queries.read_words(connection.cursor(), live.generation)) as words,
        ):
            listing = publisher.publish(
                self.state.lexicon, live.dictionary, live.generation, means, words, live.imported
            )
        self._built += 1
        self.say(f"{name} is published: {listing.headwords:,} headwords, {listing.size / 1e6:.1f} MB")
        return listing


def look_once(state: State, database: Database, say: Callable[[str], None]) -> bool:
    """What ``dictctl`` does after it has made a generation live."""
    return Publisher(state, say, database).look()


def watch(publishing: Publisher) -> None:
    """Look every two seconds until standard input ends."""
    say = publishing.say
    before = ""
    while True:
        try:
            if publishing.look():
                _give_back()
            if before:
                say("publishing goes on")
            before = ""
        except Exception as error:  # noqa: BLE001 - told once; the next look may go well
            # The same trouble every two seconds is told once, not each time; a database
            # that is away has many ways to say so.
            away = isinstance(error, (StoreAway, *ERRORS))
            trouble = "away" if away else str(error)
            if trouble != before:
                before = trouble
                say(f"publishing waits: {told(error)}")
                if not isinstance(error, (DictError, OSError, *ERRORS)):
                    traceback.print_exc()
        if select.select([sys.stdin], [], [], EVERY)[0]:
            if not os.read(sys.stdin.fileno(), 4096):
                return
            publishing.distrust()


def _give_back() -> None:
    """Memory that publishing has taken: who waits for days should not hold it."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc keeps it; others give it back by themselves
    if trim is not None:
        trim(0)


def say(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="dictd.processes.publish", description="keep lexicon/ in step with the store")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--watch", action="store_true", help="go on until standard input ends")
    parser.add_argument("--told", action="store_true", help="the settings are a line of JSON on standard input")
    chosen = parser.parse_args()
    state = State(chosen.state_dir)
    settings = config.load(tree=json.loads(first_line()) if chosen.told else {})
    publishing = Publisher(state, say, databases.database(settings.store, state.store))
    if chosen.watch:
        watch(publishing)
    else:
        publishing.look()


if __name__ == "__main__":
    main()
