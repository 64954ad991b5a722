"""``dictctl users import-csv``: accounts for a class, with first passwords to hand out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from attrs import frozen

from dictd.accounts import passwords
from dictd.ctl import classlist, newpasswords, privatefile, slips, spreadsheet
from dictd.ctl.classlist import ClassList, Newcomer
from dictd.ctl.progress import Bar
from dictd.ctl.register import Register, new_account
from dictd.ctl.root import Shared
from dictd.ctl.users import users
from dictd.errors import ImportRefused
from dictd.tables import Table, count

_GIVEN = "as in the list"
_CUT = "- " * 20


@users.command(name="import-csv")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and make nothing.")
@click.option("--skip-existing", is_flag=True, help="Leave those out who have an account already.")
@click.option("--fix-names", is_flag=True, help="Where a name cannot be an account's take what is near: Anna.Müller.")
@click.option("--ignore-columns", is_flag=True, help="Pass over columns of which it is not known what they are.")
@click.option("--encoding", default="", help="Of FILE; else it is found out.")
@click.option("--slips", "on_slips", is_flag=True, help="A slip of paper for each, to be cut, instead of a table.")
@click.option("--output", type=click.Path(path_type=Path), help="Write the passwords into this new file, as CSV.")
@click.pass_obj
def import_csv(
    shared: Shared,
    file: Path,
    dry_run: bool,
    skip_existing: bool,
    fix_names: bool,
    ignore_columns: bool,
    encoding: str,
    on_slips: bool,
    output: Path | None,
) -> None:
    """Make an account for everybody in a list, such as a class: name[,password][,role].

    Commas, semicolons or tabs divide the columns, as spreadsheets save them. The first line may say what is in them:
    name, username, Benutzername, utilisateur, usuario, 姓名, 用户名; password, Passwort, mot de passe, contraseña,
    密码; role, Rolle, rôle, rol, 角色. First names, classes and such are passed over. Where there is no password one is
    made, and printed to be handed out. All accounts are made, or none.
    """
    listed = classlist.read(file, encoding, fix_names, ignore_columns)
    if listed.encoding not in ("utf-8", "utf-8-sig") and not encoding:
        shared.aside(f"{file} is read as {listed.encoding}; --encoding says otherwise")
    if listed.passed_over:
        shared.aside(f"passed over: {', '.join(listed.passed_over)}")
    with Register.opened(shared) as register:
        newcomers, there = _newcomers(register, listed, skip_existing)
        if listed.wrong:
            _tell_wrong(shared, file, listed)
        for one in there:
            shared.aside(f"line {one.line}: {one.name.shown} has an account already, and keeps it as it is")
        if dry_run:
            shared.tell(
                {"dry_run": True, "accounts": [_Made(one).as_json() for one in newcomers], "skipped": _names(there)},
                _plan(newcomers),
            )
            return
        made = [_Made(one, "" if one.secret else passwords.invented()) for one in newcomers]
        text = _slips(made, slips.place(shared)) if on_slips else spreadsheet.lines(_rows(made))
        accounts = _hashed(shared, made)
        if output is None:
            register.run(register.accounts.add_all, accounts)
        else:
            # The passwords first: what is in no file when the accounts are made is lost.
            with privatefile.new(output) as kept:
                kept.write(text.encode() if on_slips else ("\ufeff" + text).encode())
                privatefile.kept(kept)
                register.run(register.accounts.add_all, accounts)
    value = {"accounts": [one.as_json(shown=output is None) for one in made], "skipped": _names(there)}
    if output is not None:
        text = f"{count(len(made), 'account')} made; the passwords are in {output}, which nobody else may read."
        shared.tell({**value, "file": str(output)}, text)
    else:
        shared.tell(value, text if on_slips else repr(_table(made)))


@frozen
class _Made:
    """An account, and the first password that was made for it."""

    newcomer: Newcomer
    invented: str = ""

    @property
    def name(self) -> str:
        return self.newcomer.name.shown

    def as_json(self, shown: bool = True) -> dict[str, Any]:
        one = self.newcomer
        value: dict[str, Any] = {"name": self.name, "role": one.role, "line": one.line}
        if one.written:
            value["written"] = one.written
        return {**value, "password": self.invented} if self.invented and shown else value


def _newcomers(register: Register, listed: ClassList, skip_existing: bool) -> tuple[list[Newcomer], list[Newcomer]]:
    """Who is to have an account, and who has one and may keep it; of others it is complained."""
    keys = [one.name.key.encode() for one in listed.newcomers]
    taken = register.run(register.census.taken, keys)
    there = [one for one in listed.newcomers if one.name.key.encode() in taken]
    if not skip_existing:
        for one in there:
            listed.complain(one.line, f"{one.name.shown} has an account already; --skip-existing leaves those out")
        listed.wrong.sort(key=lambda wrong: wrong.line)
    return [one for one in listed.newcomers if one.name.key.encode() not in taken], there


def _tell_wrong(shared: Shared, file: Path, listed: ClassList) -> None:
    """Tell every line that is not right.

    :raises ImportRefused: always.
    """
    if shared.as_json:
        shared.tell({"wrong": [{"line": wrong.line, "why": wrong.why} for wrong in listed.wrong]}, "")
    for wrong in listed.wrong:
        shared.aside(str(wrong))
    lines = len({wrong.line for wrong in listed.wrong})
    raise ImportRefused(f"{file}: {count(lines, 'line')} {'is' if lines == 1 else 'are'} wrong; no account was made")


def _hashed(shared: Shared, made: list[_Made]) -> list[Any]:
    """The accounts as the store takes them."""
    hasher = newpasswords.hasher(shared.settings)
    accounts = []
    with Bar.shown("accounts", sys.stderr.isatty()) as bar:
        for number, one in enumerate(made):
            passwd = newpasswords.hashed(one.invented or one.newcomer.secret, hasher)
            accounts.append(new_account(one.newcomer.name, passwd, one.newcomer.role))
            bar.progress("passwords", number + 1, len(made))
    return accounts


def _names(some: list[Newcomer]) -> list[str]:
    return [one.name.shown for one in some]


def _plan(newcomers: list[Newcomer]) -> str:
    rows = [
        (one.line, one.written or one.name.shown, one.name.shown, one.role, _GIVEN if one.secret else "one is made")
        for one in newcomers
    ]
    note = f"{count(len(rows), 'account')} to make; nothing was made."
    return repr(Table(("line", "in the list", "account", "role", "password"), rows, note=note))


def _table(made: list[_Made]) -> Table:
    rows = [
        (one.name, one.invented or _GIVEN, "" if one.newcomer.role == "user" else one.newcomer.role) for one in made
    ]
    note = f"\n{count(len(rows), 'account')} made."
    if any(one.invented for one in made):
        note += " These passwords are shown this once; PASSWD changes one."
    return Table(("name", "password", ""), rows, note=note)


def _rows(made: list[_Made]) -> list[tuple[str, str]]:
    return [("name", "password"), *((one.name, one.invented or _GIVEN) for one in made)]


def _slips(made: list[_Made], server: str) -> str:
    """A slip for each."""
    cut = [f"name      {one.name}\npassword  {one.invented or _GIVEN}\nserver    {server}\n" for one in made]
    return f"{_CUT}\n".join(cut)
