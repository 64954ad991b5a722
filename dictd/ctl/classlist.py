"""A list of people who are to have accounts, as a spreadsheet saves it: names, perhaps passwords and roles."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from attrs import define, field, frozen

from dictd.accounts.names import AccountName, proposed
from dictd.ctl import listheads, newpasswords, spreadsheet
from dictd.ctl.register import ROLES
from dictd.errors import ImportRefused, NameNotAllowed, PasswordNotAllowed
from dictd.importers.reading import open_reading
from dictd.wire.replies import one_line

_MOST = 1 << 20
#: Characters of what is no name that are told.
_SHOWN = 60
_SEPARATORS = ("\t", ";", ",")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?')
#: German in cp1252 can be read as GB18030: a letter with an umlaut and the next one make a Chinese character.
_TORN = re.compile(r"[^,;\t\n\"]*(?:[A-Za-z][\u3400-\u9fff]|[\u3400-\u9fff][A-Za-z])[^,;\t\n\"]*")


@frozen
class Newcomer:
    """Somebody who is to have an account.

    :ivar written: the name as the list has it, where that could not be one.
    :ivar secret: the password, empty where one is to be made.
    """

    line: int
    name: AccountName
    role: str
    secret: str = field(repr=False)
    written: str = ""


@frozen
class Wrong:
    """A line that is not right, and why."""

    line: int
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.why}"


@define
class ClassList:
    """What a list says.

    :ivar passed_over: columns that say nothing to us.
    """

    encoding: str
    newcomers: list[Newcomer] = field(factory=list)
    wrong: list[Wrong] = field(factory=list)
    passed_over: list[str] = field(factory=list)

    def complain(self, line: int, why: str) -> None:
        """A line is not right."""
        self.wrong.append(Wrong(line, why))


def read(path: Path, encoding: str, fix_names: bool, ignore_columns: bool = False) -> ClassList:
    """Read a list.

    :param encoding: Python's name of it; empty finds it out.
    :param fix_names: take what is proposed where a name cannot be an account's.
    :param ignore_columns: pass over columns of which nobody knows what they are.
    :raises ImportRefused: it is no such list, or its encoding cannot be told.
    """
    if path.is_dir():
        raise ImportRefused(f"{path} is a directory")
    reading = open_reading(path, encoding)
    if reading.size > _MOST:
        raise ImportRefused(f"{path} has {reading.size / 1e6:,.1f} MB: this is no list of names")
    text = "\n".join(line for _, line in reading.lines()).lstrip("\ufeff").replace("\r", "\n")
    if reading.encoding == "gb18030" and not reading.exact and (torn := _TORN.search(text)):
        chinese, western = _both_ways(torn[0])
        raise ImportRefused(
            f"{path} may be in Chinese or in a western encoding: say --encoding gb18030 if it is {chinese},"
            f" --encoding cp1252 if it is {western}, or save it as CSV UTF-8"
        )
    found = ClassList(reading.encoding)
    rows = list(_rows(text, found))
    columns, width = {"name": 0, "password": 1, "role": 2}, 3
    if rows and (named := listheads.columns(rows[0][1])) is not None:
        columns, (line, head), rows = named, rows[0], rows[1:]
        width, known = len(head), set(columns.values())
        found.passed_over = [cell for number, cell in enumerate(head) if cell and number not in known]
        wrong = [] if ignore_columns else list(listheads.unknown(head, [cells for _, cells in rows]))
        if "name" not in columns:
            wrong.append("no column is called name; the first line says what is in the columns")
        for why in wrong:
            found.complain(line, why)
        if wrong:
            return found
    for line, cells in rows:
        _take(found, line, cells, columns, width, fix_names)
    _complain_of_twins(found)
    if not found.newcomers and not found.wrong:
        raise ImportRefused(f"{path} has no names")
    return found


def _rows(text: str, found: ClassList) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, with the number of their first line."""
    lines = text.split("\n")
    said = _SEPARATOR_LINE.fullmatch(lines[0].strip())
    separator = said[1] if said else max(_SEPARATORS, key=_outside(lines).count)
    rows = csv.reader((f"{line}\n" for line in lines), delimiter=separator, strict=True)
    begun = 1
    while True:
        try:
            cells = next(rows, None)
        except csv.Error as error:
            found.complain(begun, f"this is no CSV: {error}")
            cells = []
        if cells is None:
            return
        cells = [cell.strip("\n") for cell in cells]
        if any(map(spreadsheet.meant, cells)) and not (said and begun == 1):
            yield begun, cells
        begun = rows.line_num + 1


def _outside(lines: list[str]) -> str:
    """What stands outside of quotation marks."""
    return re.sub(r'"[^"]*"', "", "\n".join(lines))


def _take(found: ClassList, line: int, cells: list[str], columns: dict[str, int], width: int, fix_names: bool) -> None:
    """One line.

    :param width: how many columns there are.
    """

    def cell(what: str) -> str:
        number = columns.get(what, len(cells))
        return cells[number] if number < len(cells) else ""

    before = len(found.wrong)
    if any(map(spreadsheet.meant, cells[width:])):
        found.complain(line, "there are more columns than name, password, role: let the first line say what they are")
    written = spreadsheet.meant(cell("name"))
    name = _name(found, line, written, fix_names)
    role = spreadsheet.meant(cell("role")).casefold() or ROLES[0]
    if role not in ROLES:
        found.complain(line, f"the role is not {' or '.join(ROLES)}")
    secret = cell("password")
    if not spreadsheet.meant(secret):
        secret = ""
    elif secret != secret.strip():
        found.complain(line, "the password begins or ends with a blank, which nobody would type")
    else:
        try:
            newpasswords.check(secret)
        except PasswordNotAllowed as trouble:
            found.complain(line, trouble.text)
    if name is not None and len(found.wrong) == before:
        found.newcomers.append(Newcomer(line, name, role, secret, written if name.shown != written else ""))


def _both_ways(torn: str) -> tuple[str, str]:
    """What was read as GB18030, and what it is in cp1252, to be shown."""
    western = torn.encode("gb18030").decode("cp1252", "replace")
    chinese, western = (one_line(text.strip())[:_SHOWN] for text in (torn, western))
    return chinese, western


def _name(found: ClassList, line: int, written: str, fix_names: bool) -> AccountName | None:
    """The name of an account, or ``None`` after a complaint."""
    if not written:
        found.complain(line, "there is no name")
        return None
    try:
        return AccountName.of(written)
    except NameNotAllowed as trouble:
        near = proposed(written)
        if fix_names and near is not None:
            return near
        perhaps = f"; --fix-names makes it {near.shown}" if near else ""
        shown = one_line(written if len(written) <= _SHOWN else written[: _SHOWN - 3] + "...")
        found.complain(line, f'"{shown}" is no name of an account: {trouble.text}{perhaps}')
        return None


def _complain_of_twins(found: ClassList) -> None:
    """Nobody is named twice, however that is spelled."""
    lines: dict[str, int] = {}
    for one in found.newcomers:
        if one.name.key in lines:
            found.complain(one.line, f"{one.name.shown} stands in line {lines[one.name.key]} already")
        lines.setdefault(one.name.key, one.line)
    found.wrong.sort(key=lambda wrong: wrong.line)
