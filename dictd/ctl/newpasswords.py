"""Where a new password comes from: typed twice, read from standard input, or made. Never an argument."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import argon2
import click
from attrs import field, frozen

from dictd.accounts import passwords
from dictd.config import Settings
from dictd.errors import DictError, PasswordNotAllowed

#: Octets that are read of standard input: what is longer is no password.
_MOST = 4096
_Command = TypeVar("_Command", bound=Callable[..., Any])


@frozen
class NewPassword:
    """A password that somebody is to have.

    :ivar made: it was made here, and is to be shown once.
    """

    secret: str = field(repr=False)
    made: bool

    @property
    def shown(self) -> dict[str, str]:
        """For JSON: nothing where whoever asks knows it."""
        return {"password": self.secret} if self.made else {}

    def told(self, done: str) -> str:
        """What was done, and the password where nobody knows it yet."""
        if not self.made:
            return done
        return f"{done}\n\n    {self.secret}\n\nIt is shown this once; PASSWD changes it."


def options(command: _Command) -> _Command:
    """The options of a command that needs one."""
    for option in (
        click.option("--generate", is_flag=True, help="Make one that can be read from paper, and print it once."),
        click.option(
            "--password-stdin", "from_stdin", is_flag=True, help="Read it from standard input, its first line."
        ),
    ):
        command = option(command)
    return command


def new(name: str, from_stdin: bool, generate: bool) -> NewPassword:
    """A password, as the options say.

    :raises UsageError: both were said, or nobody is there to be asked.
    :raises DictError: what came cannot be a password.
    """
    if from_stdin and generate:
        raise click.UsageError("--password-stdin and --generate do not go together")
    if generate:
        return NewPassword(passwords.invented(), made=True)
    if from_stdin:
        return NewPassword(_read(), made=False)
    if not at_terminal():
        raise click.UsageError(
            "there is no terminal to ask for the password; --password-stdin reads it, --generate makes one"
        )
    return NewPassword(_typed(name), made=False)


def at_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def hasher(settings: Settings) -> argon2.PasswordHasher:
    """What makes hashes of the effort that the settings ask for."""
    return passwords.hasher(settings.accounts.hash_memory_kib, settings.accounts.hash_passes)


def hashed(secret: str, made_by: argon2.PasswordHasher) -> str:
    """The argon2id string of a password.

    :raises DictError: there is no memory for it.
    """
    try:
        return made_by.hash(passwords.normal(secret))
    except argon2.exceptions.HashingError as error:
        raise DictError(f"the password could not be hashed: {error}") from None


def check(secret: str) -> None:
    """Whether a password may be chosen here.

    :raises PasswordNotAllowed: it may not be anywhere, or nobody could type it.
    """
    if any(ord(sign) < 0x20 or 0x7F <= ord(sign) < 0xA0 or 0xD800 <= ord(sign) < 0xE000 for sign in secret):
        raise PasswordNotAllowed("a password has no control characters, and is UTF-8")
    passwords.check_new(secret)


def _read() -> str:
    line = sys.stdin.buffer.readline(_MOST)
    try:
        secret = line.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise PasswordNotAllowed("the password on standard input is not UTF-8") from None
    if not line:
        raise PasswordNotAllowed("standard input ended before a password came")
    check(secret)
    return secret


def _typed(name: str) -> str:
    while True:
        secret = _asked(f"New password of {name}")
        try:
            check(secret)
        except PasswordNotAllowed as trouble:
            click.echo(f"{trouble.text}; please choose another.", err=True)
            continue
        if _asked("The same again") == secret:
            return secret
        click.echo("These were two different passwords; please try again.", err=True)


def _asked(question: str) -> str:
    typed: str = click.prompt(question, hide_input=True, err=True)
    return typed
