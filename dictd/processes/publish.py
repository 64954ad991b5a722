"""The publisher: the only process that writes ``lexicon/``.

``python -m dictd.processes.publish --state-dir DIR`` looks once; with
``--watch`` it looks every two seconds until its standard input ends, which is
how the server that started it tells it that it is gone.
"""

from __future__ import annotations

import argparse
import os
import select
import sqlite3
import sys
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from attrs import define, field

from dictd.errors import DictError, LexiconDamaged
from dictd.lexicon import catalogue, publisher
from dictd.lexicon.catalogue import Catalogue, Listing
from dictd.processes.state import Lock, State
from dictd.store.dialect import SQLITE
from dictd.store.dictionaries import DictionaryQueries, Live
from dictd.store.sqlite import DICTIONARIES_FILE, connect

EVERY = 2.0


@define
class Publisher:
    """Keeps the lexicon in step with the live generations of the store.

    :param say: told in one line of everything that is done.
    """

    state: State
    say: Callable[[str], None]
    _queries: DictionaryQueries = field(factory=lambda: DictionaryQueries(SQLITE), init=False)
    _thorough: bool = field(default=True, init=False)
    _built: int = field(default=0, init=False)

    def look(self) -> bool:
        """Publish what is live and not published, take away what is not live.

        The first look reads every file and compares its checksum; later ones
        compare sizes. Safe beside another publisher: they stand in line.

        :returns: whether the catalogue changed.
        """
        lock = Lock(self.state.lexicon / ".lock")
        lock.take(wait=True)
        try:
            connection = connect(self.state.store / DICTIONARIES_FILE, "dictionaries")
            try:
                return self._in_step(connection)
            finally:
                connection.close()
        finally:
            lock.release()

    def _in_step(self, connection: sqlite3.Connection) -> bool:
        before, built = self._catalogue(), self._built
        live = self._queries.live(connection.cursor())
        after = Catalogue(tuple(self._listing(connection, one, before) for one in live))
        self._thorough = False
        if after == before and self._built == built:
            return False
        catalogue.write(self.state.lexicon, after)
        for name in {listing.name for listing in before.listings} - {listing.name for listing in after.listings}:
            self.say(f"{name} is no longer served")
        publisher.sweep(self.state.lexicon, after)
        return True

    def _catalogue(self) -> Catalogue:
        try:
            return catalogue.read(self.state.lexicon)
        except FileNotFoundError:
            return Catalogue()
        except LexiconDamaged as error:
            self.say(f"{error}; it is made again")
            return Catalogue()

    def _listing(self, connection: sqlite3.Connection, live: Live, before: Catalogue) -> Listing:
        """The listing of a live generation, its file built if it has none that is whole."""
        name = live.dictionary.name
        old = before.listing(name)
        if old and old.generation == live.generation and old.told == publisher.told(live.dictionary):
            fault = publisher.whole(self.state.lexicon, old, self._thorough)
            if not fault:
                return old
            self.say(f"{old.file} {fault}: it is built again")
        # Closed here, before the connection, also where building the file fails.
        with (
            closing(self._queries.read_means(connection.cursor(), live.generation)) as means,
            closing(self._queries.read_words(connection.cursor(), live.generation)) as words,
        ):
            listing = publisher.publish(self.state.lexicon, live.dictionary, live.generation, means, words)
        self._built += 1
        self.say(f"{name} is published: {listing.headwords:,} headwords, {listing.size / 1e6:.1f} MB")
        return listing


def look_once(directory: Path, say: Callable[[str], None]) -> bool:
    """What ``dictctl`` does after it has made a generation live."""
    return Publisher(State(directory), say).look()


def watch(directory: Path, say: Callable[[str], None]) -> None:
    """Look every two seconds until standard input ends."""
    publishing = Publisher(State(directory), say)
    told = ""
    while True:
        try:
            publishing.look()
            told = ""
        except (DictError, OSError, sqlite3.Error) as error:
            # The same trouble every two seconds is one line, not many.
            if str(error) != told:
                told = str(error)
                say(f"publishing waits: {error}")
        except Exception:  # noqa: BLE001 - logged with its traceback; the service goes on
            traceback.print_exc()
        if select.select([sys.stdin], [], [], EVERY)[0] and not os.read(sys.stdin.fileno(), 1):
            return


def main() -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="dictd.processes.publish", description="keep lexicon/ in step with the store")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--watch", action="store_true", help="go on until standard input ends")
    chosen = parser.parse_args()

    def say(line: str) -> None:
        print(line, flush=True)

    if chosen.watch:
        watch(chosen.state_dir, say)
    else:
        look_once(chosen.state_dir, say)


if __name__ == "__main__":
    main()
