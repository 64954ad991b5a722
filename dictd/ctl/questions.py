"""The three questions of ``dictctl init``; Enter alone is a good answer to each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from dictd import checks
from dictd.ctl.firstbooks import DEBIAN, DEBIANS, NONE, STARTER, WORDNET, debians, missing
from dictd.ctl.imports import find_wordnet
from dictd.tables import count

#: What --register says, and what the settings say.
REGISTER = {"nobody": "closed", "invite": "invite", "everybody": "open"}
_SOCKETS = ("/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock")  # noqa: S108 - others' place


def where(directory: Path) -> str:
    """Where the data is: ``sqlite``, or a URL of MySQL."""
    click.echo("1. Where is the data?")
    click.echo(f"   1  SQLite, in {directory}: nothing to set up")
    click.echo("   2  MySQL or MariaDB")
    answer = _asked("1", lambda text: "" if text in ("1", "2", "sqlite") else checks.store(text) and "say 1 or 2")
    if answer in ("1", "sqlite"):
        return "sqlite"
    if answer != "2":
        return answer
    return _asked(_likely(), lambda text: checks.store(text) and f"this {checks.store(text)}", "   Its URL")


def _likely() -> str:
    """A database on this machine."""
    socket = next((path for path in _SOCKETS if Path(path).exists()), "")
    return f"mysql://dictd@localhost/dictd?socket={socket}" if socket else "mysql://dictd@localhost/dictd"


def password(user: str) -> str:
    """The password of the database; empty for none."""
    asked = f"   Password of {user} there, if it has one (not shown)"
    return str(click.prompt(asked, default="", hide_input=True, show_default=False))


def who() -> str:
    """Who may register: a key of :data:`REGISTER`."""
    click.echo("2. Who may register?")
    click.echo("   1  nobody: you make the accounts")
    click.echo("   2  whoever has a code that dictctl invite makes")
    click.echo("   3  everybody who reaches the server")
    choices = dict(zip("123", REGISTER, strict=True))
    answer = _asked("2", lambda text: "" if text in choices or text in REGISTER else "say 1, 2 or 3")
    return choices.get(answer, answer)


def which(there: Sequence[str]) -> list[str]:
    """Which dictionaries are to be brought in: words of ``--dictionaries``, or paths.

    :param there: the names of those that are there already.
    """
    click.echo("3. Which dictionaries?")
    choices: dict[str, tuple[str, str]] = {}
    if find_wordnet():
        choices["1"] = WORDNET, "WordNet, English, 147,000 words"
    if names := debians():
        shown = ", ".join(names[:6]) + (" ..." if len(names) > 6 else "")
        choices[str(len(choices) + 1)] = DEBIAN, f"{count(len(names), 'dictionary')} of {DEBIANS}: {shown}"
    choices[str(len(choices) + 1)] = STARTER, "a small starter wordbook, English and Chinese"
    choices["0"] = NONE, f"none now; {', '.join(there)} {_are(there)} here" if there else "none now"
    for number, (_, text) in choices.items():
        click.echo(f"   {number}  {text}")

    def complaint(text: str) -> str:
        for one in _split(text, choices):
            if one not in choices and (trouble := missing(one)):
                return trouble
        return ""

    answer = _asked("0" if there else "1", complaint, "   Numbers, or the path of a file or directory")
    return [choices[one][0] if one in choices else one for one in _split(answer, choices)]


def _split(text: str, choices: dict[str, tuple[str, str]]) -> list[str]:
    """``1,2`` or ``1 2`` are numbers; a path may have blanks."""
    parts = text.replace(",", " ").split()
    return parts if all(part in choices for part in parts) else [text]


def _asked(default: str, complaint: Callable[[str], str], question: str = "  ") -> str:
    """Ask until the answer can be used.

    :param complaint: says what is wrong with one, or nothing.
    """
    while True:
        answer = str(click.prompt(question, default=default)).strip()
        trouble = complaint(answer)
        if not trouble:
            click.echo()
            return answer
        click.echo(f"   {trouble}")


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
