"""``dictctl import-course``: from the dictionary of the course, its users, what they looked up, the words."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from dictd.accounts.wrapped import DIGESTS
from dictd.ctl.coursemoving import Moving, Options
from dictd.ctl.root import Shared, main
from dictd.errors import ImportRefused
from dictd.importers import coursetimes, description
from dictd.importers.course import Course
from dictd.importers.coursedump import Dump
from dictd.importers.coursemysql import Live
from dictd.importers.coursetables import KINDS
from dictd.importers.coursetext import check_charset
from dictd.storeurl import StoreURL

_PASSWORD = "DICTD_COURSE_PASSWORD"  # noqa: S105 - the name of a variable
_KINDS = ("plain", *DIGESTS.values())


@main.command("import-course")
@click.argument("source", metavar="mysql://USER@HOST/DATABASE | FILE.sql")
@click.option("--name", default="course", show_default=True, help="Name of the dictionary that the words become.")
@click.option("--title", default="", help="Its title, one line.")
@click.option("--dry-run", is_flag=True, help="Tell everything, and change nothing.")
@click.option("--skip-refused", is_flag=True, help="Leave out those who cannot have their name here.")
@click.option("--rename", multiple=True, metavar="OLD=NEW", help="Bring somebody under another name; OLD may be #ID.")
@click.option("--salt", multiple=True, help="What is in front of the password in md5(...); {name} is the user's name.")
@click.option("--hash", "forced", type=click.Choice(_KINDS), help="Do not guess what passwords are.")
@click.option("--timezone", default="", help="Of their times, as Asia/Shanghai or +08:00; this system's.")
@click.option("--charset", default="", help="Do not guess in what text is written: utf8, gbk, latin1, ...")
@click.option("--password-file", type=click.Path(path_type=Path), help="The password of USER is its first line.")
@click.option("--users", default="", metavar="TABLE", help="The table of users, where it is not recognised.")
@click.option("--history", default="", metavar="TABLE", help="That of look-ups.")
@click.option("--words", default="", metavar="TABLE", help="That of words.")
@click.option("--database", default="", help="Which one, where FILE.sql has several.")
@click.pass_obj
def import_course(
    shared: Shared,
    source: str,
    name: str,
    title: str,
    dry_run: bool,
    skip_refused: bool,
    rename: tuple[str, ...],
    salt: tuple[str, ...],
    forced: str | None,
    timezone: str,
    charset: str,
    password_file: Path | None,
    users: str,
    history: str,
    words: str,
    database: str,
) -> None:
    """Bring the dictionary of the course: its user, hist and words tables.

    Passwords as plain text, md5(password), md5(salt + password) or md5(name + salt + password) let their owners in
    as before; kept is argon2id over them, and after the first login argon2id alone. It may run again: nothing comes
    twice. The course's database is only read; its password is asked for, or in DICTD_COURSE_PASSWORD.
    """
    if not title.isprintable():
        raise ImportRefused("a title is one line")
    if charset:
        check_charset(charset)
    began, zone = time.monotonic(), coursetimes.zone_of(timezone)
    options = Options(description.check_name(name), title, dry_run, skip_refused, _renames(rename), forced or "", salt)
    said = dict(zip((kind.told for kind in KINDS), (users, history, words), strict=True))
    opened: Dump | Live
    if source.partition("://")[0] in ("mysql", "mariadb") and "://" in source:
        opened = Live(_url(source), _password(password_file), charset)
    else:
        opened = Dump(Path(source), charset)
    try:
        moving = Moving(shared, Course.of(opened, said, database, zone), options)
        moving.run()
        moving.tell(round(time.monotonic() - began, 2))
    finally:
        if isinstance(opened, Live):
            opened.close()


def _renames(given: Sequence[str]) -> dict[str, str]:
    renames: dict[str, str] = {}
    for one in given:
        old, divided, new = one.rpartition("=")
        if not divided or not old or not new:
            raise click.UsageError(f"--rename {one}: say OLD=NEW")
        renames[old] = new
    return renames


def _url(text: str) -> StoreURL:
    try:
        return StoreURL.parse(text)
    except ValueError as error:
        why = str(error).replace("the file that store.password_file names", f"{_PASSWORD} or a --password-file")
        raise ImportRefused(f"the URL {why}") from None


def _password(file: Path | None) -> str:
    """The password of the course's database; never an argument.

    :raises ImportRefused: the file cannot be read.
    """
    if file is not None:
        try:
            return file.read_text("utf-8").split("\n", 1)[0].rstrip("\r")
        except (OSError, UnicodeError) as error:
            raise ImportRefused(f"{file}: {getattr(error, 'strerror', '') or 'no text'}") from None
    if _PASSWORD in os.environ:
        return os.environ[_PASSWORD]
    if sys.stdin.isatty():
        password: str = click.prompt("Password of the course's database", hide_input=True, default="", err=True)
        return password
    return ""
