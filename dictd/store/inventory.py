"""What makes up a store: the tables that a backup takes along, and how their rows are read in order.

A table or a column that a migration adds is added here too, with the version that it came with; what is left out,
and why, is in :data:`LEFT_OUT`. A test holds both against the schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from dictd.store.dialect import Dialect, Transaction

#: Rows of one page: a reader that is slow keeps no answer of the server waiting.
PAGE = 2_000

Row = tuple[Any, ...]


@frozen
class Column:
    """A column.

    :ivar kind: of its values: ``int``, ``str`` or ``bytes``.
    :ivar since: the version of the schema that it came with.
    :ivar null: whether it may have no value.
    """

    name: str
    kind: type
    since: int = 1
    null: bool = False


@frozen
class Kept:
    """A table of the store.

    :ivar key: its primary key, one column or two; rows are in this order, wherever they are kept.
    :ivar since: the version of the schema that it came with.
    :ivar owner: the column that has the id of a user, if there is one.
    :ivar noun: one row, for people.
    """

    name: str
    subject: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    noun: str
    since: int = 1
    owner: str = ""

    def at(self, version: int) -> tuple[Column, ...]:
        """The columns that it had in a version of the schema; none where there was no such table."""
        return tuple(column for column in self.columns if max(column.since, self.since) <= version)


#: In the order in which they are written and read: what others belong to comes first.
ACCOUNTS = (
    Kept(
        "user",
        "accounts",
        ("id",),
        (
            Column("id", int),
            Column("name", str),
            Column("name_key", bytes),
            Column("passwd", str),
            Column("role", str),
            Column("created", int),
            Column("disabled", int),
            Column("nonce", bytes, since=4, null=True),
            Column("paused", int, since=4, null=True),
            Column("keep_days", int, since=4, null=True),
            Column("epoch", int, since=5),
        ),
        "account",
    ),
    Kept(
        "user_key",
        "accounts",
        ("user_id", "label"),
        (
            Column("user_id", int),
            Column("label", str),
            Column("sealed", bytes),
            Column("key_id", str),
            Column("created", int),
            Column("last_used", int, null=True),
        ),
        "key for AUTH",
        since=2,
        owner="user_id",
    ),
    Kept(
        "hist",
        "accounts",
        ("user_id", "rid"),
        (
            Column("user_id", int),
            Column("rid", int),
            Column("time", int),
            Column("word", str),
            Column("k", bytes),
            Column("dictionary", str),
            Column("found", int),
        ),
        "row of history",
        owner="user_id",
    ),
    Kept(
        "forgotten",
        "accounts",
        ("user_id", "k"),
        (Column("user_id", int), Column("k", bytes), Column("rid", int), Column("made", int)),
        "word forgotten",
        since=4,
        owner="user_id",
    ),
    Kept(
        "invite",
        "accounts",
        ("code",),
        (
            Column("code", bytes),
            Column("label", str),
            Column("made", int),
            Column("expires", int),
            Column("uses", int),
        ),
        "invite",
        since=4,
    ),
    Kept(
        "miss",
        "accounts",
        ("k", "dictionary"),
        (
            Column("k", bytes),
            Column("dictionary", str),
            Column("word", str),
            Column("count", int),
            Column("first", int),
            Column("last", int),
        ),
        "word not found",
        since=5,
    ),
)

#: Of one generation each; the rows are told without its number, which is another in another store.
MEANS = Kept(
    "means",
    "dictionaries",
    ("no",),
    (Column("no", int), Column("mean", str), Column("markup", str), Column("senses", str)),
    "article",
)
WORDS = Kept(
    "words",
    "dictionaries",
    ("k", "seq"),
    (
        Column("k", bytes),
        Column("seq", int),
        Column("word", str),
        Column("k2", bytes),
        Column("mean_no", int),
        Column("kind", str),
        Column("frequency", int, since=3),
    ),
    "headword",
)
#: A dictionary with its live generation, joined; ``origin`` is the file that it was imported from.
DICTIONARY = Kept(
    "dictionary",
    "dictionaries",
    ("name",),
    (
        Column("name", str),
        Column("title", str),
        Column("info", str),
        Column("lang_from", str),
        Column("lang_to", str),
        Column("licence", str),
        Column("source", str),
        Column("content_type", str),
        Column("position", int),
        Column("origin", str),
        Column("format", str),
        Column("articles", int),
        Column("rows_done", int),
        Column("headwords", int),
        Column("started", int),
    ),
    "dictionary",
)
TABLES = {table.name: table for table in (*ACCOUNTS, DICTIONARY, MEANS, WORDS)}

#: Tables that no backup takes along.
LEFT_OUT = {
    "schema_version": "each store has its own; the first line of a backup tells them",
    "worker_lease": "of processes that run",
    "import_lease": "of processes that run",
    "generation": "its live rows are part of the dictionary's, the others are served to nobody",
    "store_identity": "a store that was filled from a backup is another store than the one it is of",
}

_LIVE = (
    "SELECT g.id, d.name, d.title, d.info, d.lang_from, d.lang_to, d.licence, d.source, d.content_type, d.position,"
    " g.source, g.format, g.articles, g.rows_done, g.headwords, g.started"
    " FROM dictionary d JOIN generation g ON g.id = d.live_gen WHERE g.state = 'ready' ORDER BY d.position, d.id"
)


def accounts(version: int) -> list[Kept]:
    """The tables of accounts in a version of the schema, in order."""
    return [table for table in ACCOUNTS if table.at(version)]


def live(txn: Transaction) -> list[tuple[int, Row]]:
    """The dictionaries that can be read, in order: the id of the generation, the row of :data:`DICTIONARY`."""
    txn.execute(_LIVE)
    return [(row[0], tuple(row[1:])) for row in txn.fetchall()]


def count(txn: Transaction, table: Kept) -> int:
    """How many rows a table has."""
    txn.execute(f"SELECT count(*) FROM {table.name}")  # noqa: S608 - ours
    return int(txn.fetchone()[0])


def rows(dialect: Dialect, txn: Transaction, table: Kept, version: int, generation: int = 0) -> Iterator[Row]:
    """All rows of a table by its key, a page at a time, from an index each.

    :param version: of the schema that the store has.
    :param generation: of :data:`MEANS` and :data:`WORDS`.
    """
    columns = [column.name for column in table.at(version)]
    of_generation = ["gen"] if generation else []
    first, *second = table.key
    places = [columns.index(part) for part in table.key]

    def page(equal: Sequence[str], above: str, values: Sequence[Any]) -> list[Row]:
        where = [f"{column} = {dialect.mark}" for column in (*of_generation, *equal)]
        where += [f"{above} > {dialect.mark}"] if above else []
        text = f"SELECT {', '.join(columns)} FROM {table.name}"  # noqa: S608 - ours
        text += f" WHERE {' AND '.join(where)}" if where else ""
        order = [column for column in table.key if column not in equal]
        txn.execute(
            f"{text} ORDER BY {', '.join(order)} LIMIT {PAGE}", ((generation, *values) if generation else tuple(values))
        )
        return list(txn.fetchall())

    found = page((), "", ())
    while found:
        yield from found
        last = [found[-1][place] for place in places]
        # The rest of what has the same first part, and only then what comes behind it: each is one range of an index.
        found = page((first,), second[0], last) if second and len(found) == PAGE else []
        found = found or page((), first, last[:1])
