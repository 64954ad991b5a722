"""``dictctl history``: what a user looked up, for that user to take away."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import click

from dictd.accounts.spoolfile import SpoolFile
from dictd.ctl import privatefile, spreadsheet
from dictd.ctl.register import Register
from dictd.ctl.root import Shared, main
from dictd.model import LookUp
from dictd.tables import count

_COLUMNS = ("time", "word", "dictionary", "found")
#: Rows that are in memory at once.
_PAGE = 1000


@main.group()
def history() -> None:
    """Bring out what users looked up."""


@history.command()
@click.argument("name")
@click.option("--format", "form", type=click.Choice(("jsonl", "csv", "json")), help="jsonl: an object a line.")
@click.option("--output", type=click.Path(path_type=Path), help="Write into this file, readable for you alone.")
@click.option("--bom", is_flag=True, help="CSV for Excel, which takes it for UTF-8 by a mark in front.")
@click.pass_obj
def export(shared: Shared, name: str, form: str | None, output: Path | None, bom: bool) -> None:
    """Write all look-ups of a user that are kept, oldest first, times in UTC.

    In CSV a word that a spreadsheet would take for a formula, such as -ness, has an apostrophe in front; jsonl and
    json have every word as it was typed.
    """
    form = form or ("json" if shared.as_json and output is None else "jsonl")
    if bom and form != "csv":
        raise click.UsageError("--bom goes with --format csv")
    with Register.opened(shared) as register:
        user = register.found(name).user
        # Counted first: what comes into the store meanwhile is told twice rather than not at all.
        waiting = _spooled(shared.state.spool, user.id)
        with privatefile.replaced(output) if output else nullcontext(sys.stdout.buffer) as file:
            rows = _FORMS[form](file, _pages(register, user.id), bom)
            file.flush()
    where = f" in {output}" if output else ""
    shared.aside(f"{count(rows, 'look-up')} of {user.name}{where}.")
    if waiting:
        is_not = "is" if waiting == 1 else "are"
        shared.aside(
            f"{count(waiting, 'look-up')} of {user.name} {is_not} in the spool and not among these; export again when"
            " the server has brought them into the store (dictctl status)"
        )
    if shared.as_json and output:
        shared.tell({"name": user.name, "rows": rows, "spooled": waiting, "file": str(output)}, "")


def _pages(register: Register, user_id: int) -> Iterator[list[LookUp]]:
    """All rows that there are now, a page after the other, each in a transaction of its own."""
    upto = register.run(register.history.latest, user_id)
    now, after = int(time.time() * 1000), -1
    while page := register.run(register.history.oldest, user_id, _PAGE, now, after, upto):
        yield page
        after = page[-1].rid


def _spooled(directory: Path, user_id: int) -> int:
    """Rows of a user that wait for the store."""
    rows = 0
    for path in directory.rglob("*.rows"):
        try:
            file = SpoolFile(path, os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        except FileNotFoundError:
            continue  # a server has brought them home just now
        try:
            file.count()
            rows += file.users[user_id]
        finally:
            file.close()
    return rows


def _cells(row: LookUp) -> tuple[str, str, str, int]:
    """As :data:`_COLUMNS` has them."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(row.time // 1000))
    return f"{moment}.{row.time % 1000:03}Z", row.word, row.dictionary, row.found


def _object(row: LookUp) -> str:
    return json.dumps(dict(zip(_COLUMNS, _cells(row), strict=True)), ensure_ascii=False)


def _as_jsonl(file: BinaryIO, pages: Iterator[list[LookUp]], bom: bool) -> int:
    rows = 0
    for page in pages:
        file.write("".join(_object(row) + "\n" for row in page).encode())
        rows += len(page)
    return rows


def _as_json(file: BinaryIO, pages: Iterator[list[LookUp]], bom: bool) -> int:
    rows = 0
    for page in pages:
        file.write((",\n" if rows else "[\n").encode() + ",\n".join(map(_object, page)).encode())
        rows += len(page)
    file.write(b"\n]\n" if rows else b"[]\n")
    return rows


def _as_csv(file: BinaryIO, pages: Iterator[list[LookUp]], bom: bool) -> int:
    rows = 0
    file.write((("\ufeff" if bom else "") + spreadsheet.lines([_COLUMNS])).encode())
    for page in pages:
        file.write(spreadsheet.lines(map(_cells, page)).encode())
        rows += len(page)
    return rows


_FORMS: dict[str, Callable[[BinaryIO, Iterator[list[LookUp]], bool], int]] = {
    "jsonl": _as_jsonl,
    "json": _as_json,
    "csv": _as_csv,
}
