"""Stores with all kinds of content, and what a dump has of them."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
import string
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from attrs import frozen
from click.testing import CliRunner, Result
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd import ctl
from dictd.importers.spool import Spool
from dictd.model import Entry, Sense, name_key
from dictd.processes.state import State
from dictd.sections import Store
from dictd.store import bulk, databases, inventory, schema
from dictd.store.dialect import SQLITE, Dialect

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_LINES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=24)
_NASTY = st.sampled_from(
    ("", "\\", "'", '"', "\\N", "a\tb\nc\r\x00d", "😀", "e\u0301", "%s ?", "放弃", "\u2028", "\x7f\x1a", "'); --")
)
_ANY = _TEXTS | _NASTY
_NUMBERS = st.integers(0, (1 << 63) - 1) | st.sampled_from((0, (1 << 53) - 1, (1 << 63) - 1))
_TIMES = st.sampled_from((1_700_000_000_000, 1_700_000_000_001)) | st.integers(0, 1 << 44)
_OCTETS = st.binary(min_size=1, max_size=64)
_LABELS = _LINES.map(lambda text: text.strip()).filter(lambda text: text.isprintable() and 0 < len(text) <= 32)
_ACCOUNTS = st.text("abXY09._-éß中文", min_size=2, max_size=32)
_NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=8)

#: What each column may have; others have :data:`_ANY`, :data:`_NUMBERS` or :data:`_OCTETS` by their kind.
_COLUMNS: dict[tuple[str, str], st.SearchStrategy[Any]] = {
    ("user", "id"): _NUMBERS.filter(bool),
    ("user", "name"): _ACCOUNTS,
    ("user", "role"): st.sampled_from(("user", "admin")),
    ("user", "disabled"): st.sampled_from((0, 1)),
    ("user", "nonce"): st.none() | st.binary(min_size=16, max_size=16),
    ("user", "paused"): st.none() | _TIMES,
    ("user", "keep_days"): st.none() | st.integers(1, 10_000),
    ("user_key", "label"): _LABELS,
    ("user_key", "key_id"): _NAMES,
    ("user_key", "last_used"): st.none() | _TIMES,
    ("hist", "time"): _TIMES,
    ("hist", "dictionary"): _NAMES,
    ("hist", "found"): st.integers(0, 1000),
    ("forgotten", "k"): st.binary(max_size=16),
    ("invite", "code"): st.binary(min_size=32, max_size=32),
    ("invite", "label"): _NAMES,
    ("invite", "uses"): st.integers(0, 100),
    ("miss", "dictionary"): _NAMES,
}
_KINDS: dict[type, st.SearchStrategy[Any]] = {int: _NUMBERS, str: _ANY, bytes: _OCTETS}
_SENSES = st.builds(Sense, _ANY, _ANY, st.lists(_ANY, max_size=2).map(tuple), st.lists(_ANY, max_size=2).map(tuple))
_ENTRIES = st.builds(
    Entry,
    st.lists(_LINES, min_size=1, max_size=3).map(tuple),
    _ANY,
    _ANY,
    st.lists(_SENSES, max_size=2).map(tuple),
    st.lists(_ANY, max_size=1).map(tuple),
    st.integers(0, (1 << 32) - 1),
)


@frozen
class Content:
    """What a store has: rows of each table of accounts, and dictionaries by their names."""

    tables: dict[str, list[tuple[Any, ...]]]
    dictionaries: dict[str, tuple[str, str, list[Entry]]]


def tables() -> list[inventory.Kept]:
    """The tables of accounts that there are."""
    return inventory.accounts(schema.migrations("accounts", SQLITE)[-1].version)


@st.composite
def contents(draw: st.DrawFn) -> Content:
    """Any content that a store may have."""
    made: dict[str, list[tuple[Any, ...]]] = {}
    for table in tables():
        rows: dict[Any, tuple[Any, ...]] = {}
        owners = [row[0] for row in made.get("user", ())]
        for _ in range(draw(st.integers(0, 6)) if owners or not table.owner else 0):
            row = []
            for column in table.columns:
                strategy = _COLUMNS.get((table.name, column.name), _KINDS[column.kind])
                row.append(draw(st.sampled_from(owners) if column.name == table.owner else strategy))
            if table.name == "user":
                row[2] = name_key(row[1]).encode()
                if any(other[2] == row[2] for other in rows.values()):
                    continue
            rows.setdefault(tuple(row[: len(table.key)]), tuple(row))
        made[table.name] = list(rows.values())
    told = st.tuples(_ANY, _ANY, st.lists(_ENTRIES, max_size=5))
    return Content(made, draw(st.dictionaries(_NAMES, told, max_size=3)))


def fill(case: SynchronousTestCase, state: Path, content: Content, url: str = "sqlite") -> None:
    """Put content into a new store."""
    State(state).prepare()
    database = databases.database(Store(url=url), state / "store")
    with closing(database.connect("accounts")) as connection:
        txn = connection.cursor()
        database.dialect.begin(txn)
        for table in tables():
            columns = tuple(column.name for column in table.columns)
            bulk.add(database.dialect, txn, bulk.Table(table.name, columns), content.tables.get(table.name, []))
        connection.commit()
    with closing(database.connect("dictionaries")) as connection:
        txn = connection.cursor()
        database.dialect.begin(txn)
        for number, (name, (title, info, entries)) in enumerate(content.dictionaries.items(), 3):
            told = (name, title, info, "en", "", title, info, "text/plain", number)
            _add(case, database.dialect, txn, told, entries)
        connection.commit()


def _add(case: SynchronousTestCase, dialect: Dialect, txn: Any, told: Sequence[Any], entries: Sequence[Entry]) -> None:
    spool = Spool(Path(case.mktemp()))
    for no, entry in enumerate(entries):
        spool.add(no, entry)
    words = list(spool.in_order())
    spellings = len({(k, word) for k, _, word, *_ in words})
    columns: tuple[str, ...] = ("dictionary_name", "state", "source", "format", "articles", "rows_done", "headwords")
    row = (told[0], "ready", f"/there/{told[0]}", "tabbed", len(entries), len(words), spellings, 1_700_000_000_000)
    bulk.add(dialect, txn, bulk.Table("generation", (*columns, "started", "heartbeat")), [(*row, 0)])
    txn.execute("SELECT max(id) FROM generation")
    (generation,) = txn.fetchone()
    means = [(generation, no, one.text, one.html, one.structure()) for no, one in enumerate(entries)]
    bulk.add(dialect, txn, bulk.Table("means", ("gen", "no", "mean", "markup", "senses")), means)
    columns = ("gen", "k", "seq", "word", "k2", "mean_no", "kind", "frequency")
    bulk.add(dialect, txn, bulk.Table("words", columns), [(generation, *row) for row in words])
    columns = ("name", "title", "info", "lang_from", "lang_to", "licence", "source", "content_type", "position")
    bulk.add(dialect, txn, bulk.Table("dictionary", (*columns, "live_gen")), [(*told, generation)])


def dictctl(state: Path, url: str, *args: str, sent: str | None = None) -> Result:
    """Run dictctl here, on a store."""
    env = {name: None for name in os.environ if name.startswith("DICTD_")}
    options = ["--state-dir", str(state), *(("--store", url) if url != "sqlite" else ())]
    return CliRunner().invoke(ctl.main, [*options, *args], env=env, prog_name="dictctl", input=sent)


def done(state: Path, url: str, *args: str) -> str:
    """Run dictctl, which must end with 0; its standard output."""
    result = dictctl(state, url, *args)
    assert (result.exit_code, result.exception) == (0, None), (result.output, result.exception)
    return result.stdout


def body(path: Path) -> list[str]:
    """The lines of a dump between the first and the last."""
    octets = path.read_bytes()
    text = (gzip.decompress(octets) if octets.startswith(b"\x1f\x8b") else octets).decode()
    return text.split("\n")[1:-2]


def rows(path: Path, table: str) -> list[list[Any]]:
    """The rows of a table in a dump."""
    found: list[list[Any]] = []
    here = ""
    for line in body(path):
        value = json.loads(line)
        if isinstance(value, dict):
            here = value["table"]
        elif here == table:
            found.append(value)
    return found


def sqlite_rows(state: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """What a statement finds in the accounts of SQLite."""
    with closing(sqlite3.connect(state / "store" / "accounts.sqlite")) as connection:
        return connection.execute(sql, values).fetchall()
