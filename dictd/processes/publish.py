"""The publisher: the only process that writes ``lexicon/``.

``python -m dictd.processes.publish --state-dir DIR`` looks once; with
``--watch`` it looks every two seconds until its standard input ends, which is
how the server that started it tells it that it is gone. A line there says that
a file is damaged.
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
            with closing(connect(self.state.store / DICTIONARIES_FILE, "dictionaries")) as connection:
                # One snapshot: an import may give a generation up while it is read.
                connection.execute("BEGIN")
                return self._in_step(connection)
        finally:
            lock.release()

    def distrust(self) -> None:
        """Some file is damaged: the next look reads them all."""
        self._thorough = True

    def _in_step(self, connection: sqlite3.Connection) -> bool:
        before, built = self._catalogue(), self._built
        listings: list[Listing] = []
        trouble: Exception | None = None
        for live in self._queries.live(connection.cursor()):
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
        except Exception as error:  # noqa: BLE001 - told once; the next look may go well
            # The same trouble every two seconds is told once, not each time.
            if str(error) != told:
                told = str(error)
                say(f"publishing waits: {error}")
                if not isinstance(error, DictError | OSError | sqlite3.Error):
                    traceback.print_exc()
        if select.select([sys.stdin], [], [], EVERY)[0]:
            if not os.read(sys.stdin.fileno(), 4096):
                return
            publishing.distrust()


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
