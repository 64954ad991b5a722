"""``dictctl misses``: words that people looked up and nobody found."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial

import click

from dictd.accounts.misses import PAGE, Listed, Sought
from dictd.accounts.recorder import key_of
from dictd.ctl.root import Shared, main
from dictd.errors import DictError, UnknownDatabase
from dictd.lexicon.arrangement import arrangement
from dictd.lexicon.reader import Lexicon
from dictd.model import DAY, dictionary_name
from dictd.processes import asking
from dictd.processes.missed import table
from dictd.store.again import committed
from dictd.store.dialect import Connection
from dictd.store.misses import KEPT, MissQueries, Wanted
from dictd.tables import count


@main.command()
@click.option("-n", "most", type=click.IntRange(1, 100_000), default=50, help="How many words; 50.")
@click.option("--days", type=click.IntRange(1, KEPT // DAY), default=30, help="Missed within so many days; 30.")
@click.option("--database", default="", metavar="NAME", help="Asked in this dictionary, group, or '*'.")
@click.option("--min", "least", type=click.IntRange(1), default=2, help="Missed so often at least; 2.")
@click.option("--drop", metavar="WORD", help="Forget a word, however it was spelled.")
@click.option("--clear", is_flag=True, help="Forget all words.")
@click.pass_context
def misses(ctx: click.Context, most: int, days: int, database: str, least: int, drop: str | None, clear: bool) -> None:
    """List the words that people looked up and did not find, the most missed first.

    Words that a dictionary has by now are left out; with --database, those that this one has. Who asked is kept
    nowhere, and users who have said HISTORY OFF are not counted.
    """
    shared: Shared = ctx.obj
    if database not in ("", "*") and not dictionary_name(database):
        raise UnknownDatabase(f"{database} cannot be the name of a dictionary; dictctl list shows those there are")
    if clear and (drop is not None or database):
        raise click.UsageError("--clear goes alone")
    # What a server has counted in the last minute; one that does not run, or hangs, has nothing to add.
    with suppress(DictError):
        asking.ask(shared.state.directory, "misses", most=0)
    queries, name = MissQueries(shared.database.dialect), database.lower()
    with shared.store("accounts") as connection:
        if clear:
            forgotten = committed(connection, queries.clear)
            shared.tell({"forgotten": forgotten}, f"{count(forgotten, 'row')} forgotten.")
            return
        if drop is not None:
            k = key_of(drop)
            if not k or not committed(connection, partial(queries.drop, k=k, dictionary=name)):
                raise DictError(f"nobody has missed {drop}; dictctl misses --min 1 lists what was missed")
            shared.tell({"forgotten": drop}, f"{drop} is forgotten.")
            return
        wanted = Wanted(max(0, int(time.time() * 1000) - days * DAY), name, least)
        listed = _listed(shared, connection, queries, wanted, most)
    if not shared.settings.history.misses:
        shared.aside("history.misses is off: no word is counted")
    rows = listed.rows()
    shared.tell(
        {"words": rows, "found_now": listed.found_now, "others": listed.others},
        repr(table(rows, listed.found_now, listed.others, least=least, rarer="--min 1")),
    )


def _listed(shared: Shared, connection: Connection, queries: MissQueries, wanted: Wanted, most: int) -> Listed:
    """The words that no dictionary has that is published here."""
    lexicon = Lexicon(shared.state.lexicon, lambda line: None, arrangement(shared.settings))
    lexicon.refresh()
    try:
        sought, txn = Sought(lexicon, wanted, most), connection.cursor()
        while not sought.done:
            sought.take(queries.most_missed(txn, wanted, PAGE, sought.seen))
        return Listed(sought.words, sought.found_now, queries.others(txn, wanted.since))
    finally:
        lexicon.close()
