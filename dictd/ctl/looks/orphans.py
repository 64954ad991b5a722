"""Rows that belong to nobody: of users and generations that are gone.

Owners are found by leaps along the primary key, one for each, so millions of rows
cost no more than there are owners. MySQL and MariaDB read all of that index instead
where they think it is quicker; what takes too long is given up, and said to be.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from dictd.ctl.findings import Finding
from dictd.ctl.looks.examination import Examination, ran_out
from dictd.store import schema
from dictd.store.dialect import Connection, Dialect, Statement
from dictd.store.faults import ERRORS
from dictd.tables import count


@frozen
class _Owned:
    """Rows of a table, and whose they are.

    :ivar since: the step of the schema the table came with.
    :ivar whose: what an owner is called; ``what`` the rows.
    """

    subject: str
    table: str
    column: str
    owners: str
    whose: str
    what: str
    since: int = 1


_ALL = (
    _Owned("accounts", "hist", "user_id", "user", "user", "rows of the history"),
    _Owned("accounts", "user_key", "user_id", "user", "user", "keys for AUTH", 2),
    _Owned("accounts", "forgotten", "user_id", "user", "user", "notes of what was forgotten", 4),
    _Owned("dictionaries", "words", "gen", "generation", "generation", "headwords"),
    _Owned("dictionaries", "means", "gen", "generation", "generation", "articles"),
)
# MySQL leaps by itself ("Using index for group-by"), SQLite where it is told to.
_GONE = Statement(
    sqlite="WITH RECURSIVE owner (id) AS (SELECT min({column}) FROM {table} UNION ALL"
    " SELECT (SELECT min({column}) FROM {table} WHERE {column} > owner.id) FROM owner WHERE owner.id IS NOT NULL)"
    " SELECT id FROM owner WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM {owners})",
    mysql="SELECT o.id FROM (SELECT DISTINCT {column} AS id FROM {table}) AS o"
    " LEFT JOIN {owners} AS w ON w.id = o.id WHERE w.id IS NULL",
)
_LIVE_OF_NOTHING = """
    SELECT d.name FROM dictionary AS d LEFT JOIN generation AS g ON g.id = d.live_gen AND g.state = 'ready'
    WHERE d.live_gen IS NOT NULL AND g.id IS NULL ORDER BY d.name
"""
_LEASES_OF_NOTHING = """
    SELECT l.name FROM import_lease AS l LEFT JOIN generation AS g ON g.id = l.generation
    WHERE g.id IS NULL ORDER BY l.name
"""
#: Headwords whose article is not there; every row is looked at.
_WITHOUT_ARTICLE = """
    SELECT w.gen, w.word FROM words AS w LEFT JOIN means AS m ON m.gen = w.gen AND m.no = w.mean_no
    WHERE m.gen IS NULL LIMIT 1
"""


def orphans(examination: Examination) -> Iterator[Finding]:
    """What nobody owns any more, table by table; and owners that own nothing."""
    found: list[Finding] = []
    for owned in _ALL:
        with examination.reading(owned.subject) as connection:
            if connection is not None:
                found += _looked_at(connection, owned, examination.kept.dialect)
    with examination.reading("dictionaries") as connection:
        if connection is not None:
            found += _dictionaries(connection, examination)
    yield from found or [Finding("orphans", "ok", "every row in the store belongs to somebody")]


def _looked_at(connection: Connection, owned: _Owned, dialect: Dialect) -> Iterator[Finding]:
    cursor = connection.cursor()
    if schema.version(cursor, owned.subject, dialect) < owned.since:
        return
    statement = dialect(_GONE).format(table=owned.table, column=owned.column, owners=owned.owners)
    try:
        cursor.execute(statement)
        gone = [row[0] for row in cursor.fetchall()]
    except ERRORS as error:
        if not ran_out(error):
            raise
        text = f"not all {owned.what} were looked at, there are too many; dictctl doctor --thorough takes the time"
        yield Finding("orphans", "note", text)
        return
    if gone:
        delete = f"DELETE FROM {owned.table} WHERE {owned.column} NOT IN (SELECT id FROM {owned.owners})"  # noqa: S608
        text = f"there are {owned.what} ({owned.table}) of {count(len(gone), owned.whose)} not in {owned.owners}"
        yield Finding("orphans", "fault", f"{text}, such as {gone[0]}; after a backup type in the database: {delete};")


def _dictionaries(connection: Connection, examination: Examination) -> Iterator[Finding]:
    cursor, dialect = connection.cursor(), examination.kept.dialect
    cursor.execute(_LIVE_OF_NOTHING)
    for (name,) in cursor.fetchall():
        yield Finding("orphans", "fault", f"the words of {name} are not in the store; import it again")
    if schema.version(cursor, "dictionaries", dialect) >= 2:  # leases came with 2
        cursor.execute(_LEASES_OF_NOTHING)
        for (name,) in cursor.fetchall():
            text = f"somebody holds the import of {name}, and there is no such import; an import of it says who"
            yield Finding("orphans", "note", text)
    if examination.thorough:
        cursor.execute(_WITHOUT_ARTICLE)
        for generation, word in cursor.fetchall():
            text = f"{word!r} of generation {generation} leads to no article; import that dictionary again"
            yield Finding("orphans", "fault", text)
