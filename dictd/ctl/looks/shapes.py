"""The shape of tables: as the migrations make them, and as they are in a database."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing

from attrs import field, frozen

from dictd.store import schema
from dictd.store.dialect import MYSQL, SQLITE, Connection

_BLANK = re.compile(r"\s+")
_WORD = r"`?(\w+)`?"
_CREATE_TABLE = re.compile(rf"CREATE TABLE (?:IF NOT EXISTS )?{_WORD} \((.*)\)([^()]*)$", re.I)
_ADD_COLUMN = re.compile(rf"ALTER TABLE {_WORD} ADD (?:COLUMN )?(?:IF NOT EXISTS )?(?!KEY|INDEX)(\w+ .*)$", re.I)
_CREATE_INDEX = re.compile(rf"CREATE (UNIQUE )?INDEX (?:IF NOT EXISTS )?{_WORD} ON {_WORD} \(([^()]*)\)$", re.I)
_ADD_KEY = re.compile(
    rf"ALTER TABLE {_WORD} ADD (UNIQUE )?(?:KEY|INDEX) (?:IF NOT EXISTS )?{_WORD} \(([^()]*)\)$", re.I
)
_KEY = re.compile(rf"(UNIQUE )?KEY {_WORD} \(([^()]*)\)$", re.I)
_PRIMARY = re.compile(r"PRIMARY KEY \(([^()]*)\)$", re.I)
_FOREIGN = re.compile(rf"CONSTRAINT {_WORD} FOREIGN KEY \(([^()]*)\) REFERENCES {_WORD} .*$", re.I)
_COLUMN = re.compile(rf"{_WORD} (\w+(?: ?\([^)]*\))?)(.*)$")
#: MariaDB says bigint(20) where MySQL 8 says bigint; the number means nothing.
_WIDTH = re.compile(r"((?:big|tiny|small|medium)?int)\(\d+\)", re.I)


@frozen
class Column:
    """A column.

    :ivar definition: as it is written in SQL, to be typed.
    """

    type: str
    required: bool
    definition: str = field(default="", eq=False)
    filled: bool = field(default=True, eq=False)


@frozen
class Key:
    """An index, the primary key, or what binds rows to those of another table.

    :ivar statement: what makes it.
    """

    columns: tuple[str, ...]
    unique: bool
    statement: str = field(default="", eq=False)


@frozen
class Shape:
    """A table.

    :ivar owners: table -> the columns by which rows belong to one of its own.
    :ivar engine: of MySQL, with the collation.
    """

    columns: Mapping[str, Column] = field(factory=dict)
    keys: frozenset[Key] = frozenset()
    owners: Mapping[str, Key] = field(factory=dict)
    engine: str = ""


Shapes = dict[str, Shape]


# SQLite ------------------------------------------------------------------


def of_sqlite(connection: sqlite3.Connection) -> Shapes:
    """As they are."""
    found: Shapes = {}
    for (name,) in connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    ).fetchall():
        columns: dict[str, Column] = {}
        primary: list[tuple[int, str]] = []
        for _, column, kind, required, default, place in connection.execute(f"PRAGMA table_info({name})").fetchall():
            columns[column] = Column(kind.upper(), bool(required), filled=default is not None or bool(place))
            if place:
                primary.append((place, column))
        keys = {Key(tuple(column for _, column in sorted(primary)), True)} if primary else set()
        for _, index, unique, *_ in connection.execute(f"PRAGMA index_list({name})").fetchall():
            parts = connection.execute(f"PRAGMA index_info({index})").fetchall()
            made = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (index,)).fetchone()
            keys.add(Key(tuple(column for _, _, column in parts), bool(unique), (made and made[0]) or ""))
        owners: dict[str, Key] = {}
        for _, _, owner, column, *_ in connection.execute(f"PRAGMA foreign_key_list({name})").fetchall():
            owners[owner] = Key((*(owners[owner].columns if owner in owners else ()), column), False)
        found[name] = Shape(columns, frozenset(keys), owners)
    return found


def of_sqlite_migrations(subject: str, version: int) -> Shapes:
    """As the steps up to a version make them: they are run, in memory."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for step in schema.migrations(subject, SQLITE):
            if step.version <= version:
                for statement in step.statements:
                    connection.execute(statement)
        return of_sqlite(connection)


# MySQL ---------------------------------------------------------------------


def of_mysql_migrations(subject: str, version: int) -> Shapes:
    """As the steps up to a version make them: they are read.

    :raises ValueError: a statement is none that this reader knows.
    """
    found: Shapes = {}
    for step in schema.migrations(subject, MYSQL):
        if step.version <= version:
            for statement in step.statements:
                _take(found, _BLANK.sub(" ", statement.replace("( ", "(")).replace("( ", "(").replace(" )", ")"))
    return found


def _take(found: Shapes, statement: str) -> None:
    if match := _CREATE_TABLE.match(statement):
        found.setdefault(match[1], _table(match[1], match[2], match[3]))
    elif match := _ADD_KEY.match(statement):
        _add_key(found, match[1], _names(match[4]), bool(match[2]), statement)
    elif match := _CREATE_INDEX.match(statement):
        _add_key(found, match[3], _names(match[4]), bool(match[1]), statement)
    elif match := _ADD_COLUMN.match(statement):
        name, column = _column(match[2])
        shape = found[match[1]]
        found[match[1]] = Shape({**shape.columns, name: column}, shape.keys, shape.owners, shape.engine)
    elif not re.match(r"(UPDATE|INSERT|DELETE) ", statement, re.I):
        raise ValueError(statement)


def _add_key(found: Shapes, table: str, columns: tuple[str, ...], unique: bool, statement: str) -> None:
    shape = found[table]
    keys = shape.keys | {Key(columns, unique, statement)}
    found[table] = Shape(shape.columns, keys, shape.owners, shape.engine)


def _table(name: str, body: str, options: str) -> Shape:
    columns: dict[str, Column] = {}
    keys: set[Key] = set()
    owners: dict[str, Key] = {}
    for part in _parts(body):
        if match := _PRIMARY.match(part):
            keys.add(Key(_names(match[1]), True, f"ALTER TABLE {name} ADD {part}"))
        elif match := _KEY.match(part):
            keys.add(Key(_names(match[3]), bool(match[1]), f"ALTER TABLE {name} ADD {part}"))
        elif match := _FOREIGN.match(part):
            owners[match[3]] = Key(_names(match[2]), False, f"ALTER TABLE {name} ADD {part}")
        else:
            column, told = _column(part)
            columns[column] = told
            if "PRIMARY KEY" in part.upper():
                keys.add(Key((column,), True, f"ALTER TABLE {name} ADD PRIMARY KEY ({column})"))
    engine = re.search(r"ENGINE ?= ?(\w+)", options, re.I)
    collation = re.search(r"COLLATE ?=? ?(\w+)", options, re.I)
    return Shape(columns, frozenset(keys), owners, " ".join(one[1].lower() for one in (engine, collation) if one))


def _column(text: str) -> tuple[str, Column]:
    match = _COLUMN.match(text)
    if match is None:
        raise ValueError(text)
    required = "NOT NULL" in match[3].upper() or "PRIMARY KEY" in match[3].upper()
    return match[1], Column(_type(match[2]), required, text)


def _parts(body: str) -> Iterator[str]:
    """What stands between commas that are in no bracket and no quotes."""
    depth, part, quoted = 0, "", False
    for char in body:
        quoted ^= char == "'"
        if not quoted:
            depth += (char == "(") - (char == ")")
        if char == "," and not depth and not quoted:
            yield part.strip()
            part = ""
        else:
            part += char
    yield part.strip()


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip(" `") for name in text.split(","))


def _type(text: str) -> str:
    return _WIDTH.sub(r"\1", text.replace(" ", "")).lower()


def of_mysql(connection: Connection) -> Shapes:
    """As they are in the database of a connection."""
    cursor = connection.cursor()
    here = "WHERE table_schema = database()"
    cursor.execute(f"SELECT table_name, engine, table_collation FROM information_schema.tables {here}")  # noqa: S608
    engines = {name: f"{engine} {collation}".lower() for name, engine, collation in cursor.fetchall()}
    columns: dict[str, dict[str, Column]] = {}
    cursor.execute(
        "SELECT table_name, column_name, column_type, is_nullable, column_default, extra"  # noqa: S608
        f" FROM information_schema.columns {here}"
    )
    for table, name, kind, nullable, default, extra in cursor.fetchall():
        filled = default is not None or "auto_increment" in (extra or "")
        columns.setdefault(table, {})[name] = Column(_type(kind), nullable == "NO", filled=filled)
    parts: dict[tuple[str, str, bool], list[str]] = {}
    cursor.execute(
        "SELECT table_name, index_name, non_unique, column_name"  # noqa: S608
        f" FROM information_schema.statistics {here} ORDER BY table_name, index_name, seq_in_index"
    )
    for table, index, repeats, name in cursor.fetchall():
        parts.setdefault((table, index, not repeats), []).append(name)
    keys: dict[str, set[Key]] = {}
    for (table, _, unique), names in parts.items():
        keys.setdefault(table, set()).add(Key(tuple(names), unique))
    owners: dict[str, dict[str, Key]] = {}
    cursor.execute(
        "SELECT table_name, referenced_table_name, column_name FROM information_schema.key_column_usage"  # noqa: S608
        f" {here} AND referenced_table_name IS NOT NULL ORDER BY table_name, ordinal_position"
    )
    for table, owner, name in cursor.fetchall():
        owned = owners.setdefault(table, {})
        owned[owner] = Key((*(owned[owner].columns if owner in owned else ()), name), False)
    return {
        table: Shape(columns.get(table, {}), frozenset(keys.get(table, ())), owners.get(table, {}), engine)
        for table, engine in engines.items()
    }


# Compared ----------------------------------------------------------------------


def differences(wanted: Shapes, found: Shapes) -> Iterator[tuple[str, str]]:
    """What is not as the migrations make it, and a statement that makes it so where there is one."""
    for name, shape in wanted.items():
        if name not in found:
            yield f"there is no table {name}", ""
            continue
        there = found[name]
        for column, told in shape.columns.items():
            if column not in there.columns:
                add = f"ALTER TABLE {name} ADD COLUMN {told.definition}" if told.definition else ""
                yield f"{name} has no column {column}", add
            elif there.columns[column] != told:
                is_, wants = _shown(there.columns[column]), _shown(told)
                change = f"ALTER TABLE {name} MODIFY {told.definition}" if told.definition else ""
                yield f"{name}.{column} is {is_}, not {wants}", change
        for key in sorted(shape.keys - there.keys, key=lambda key: key.columns):
            yield f"{name} has no {'unique ' if key.unique else ''}index on ({', '.join(key.columns)})", key.statement
        for owner, bond in shape.owners.items():
            if there.owners.get(owner) != bond:
                missing = f"no foreign key on {', '.join(bond.columns)}"
                yield f"rows of {name} are not bound to those of {owner} ({missing})", bond.statement
        for column, told in there.columns.items():
            if column not in shape.columns and told.required and not told.filled:
                yield f"{name} has a column {column} that nobody fills", f"ALTER TABLE {name} DROP COLUMN {column}"
        if shape.engine and there.engine and shape.engine != there.engine:
            engine, _, collation = shape.engine.partition(" ")
            change = f"ALTER TABLE {name} ENGINE = {engine}, CONVERT TO CHARACTER SET utf8mb4 COLLATE {collation}"
            yield f"{name} is {there.engine}, not {shape.engine}", change


def _shown(column: Column) -> str:
    return f"{column.type} not null" if column.required else column.type
