"""Where passwords come from: a terminal, standard input, a program. Never arguments or the environment."""

from __future__ import annotations

from dataclasses import dataclass

from dictc.exits import Exit
from dictc.source import Source
from dictc.troubles import Trouble


@dataclass(slots=True)
class Passwords:
    """Asks whoever knows.

    :ivar source: standard input, if its lines are passwords.
    :ivar program: a command whose first line of output is the password, such as ``pass show dict``.
    """

    source: Source | None = None
    program: str = ""

    def known(self, name: str) -> str:
        """The password of an account.

        :raises Trouble: there is none to be had.
        """
        if self.source:
            return self._read(self.source)
        return self._printed() if self.program else asked(f"Password of {name}: ")

    def new(self, name: str) -> str:
        """A password to be; a terminal is asked twice.

        :raises Trouble: there is none to be had, or the two differ.
        """
        if self.source:
            return self._read(self.source)
        if self.program:
            return self._printed()
        password = asked(f"New password of {name}: ")
        if asked("The same again: ") != password:
            raise Trouble("these were two different passwords; nothing was changed")
        return password

    def _read(self, source: Source) -> str:
        line = source.line()
        if line is None:
            raise Trouble("standard input ended before a password came", Exit.USAGE)
        return line

    def _printed(self) -> str:
        import shlex
        import subprocess

        try:
            done = subprocess.run(shlex.split(self.program), stdout=subprocess.PIPE, check=True)  # noqa: S603 - the user's own
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            raise Trouble(f"the password command failed: {error}", Exit.USAGE) from None
        return done.stdout.decode("utf-8", "replace").split("\n")[0].rstrip("\r")


def asked(question: str) -> str:
    """Ask at the terminal, without showing what is typed.

    :raises Trouble: there is no terminal, or it was closed.
    """
    try:
        open("/dev/tty", "rb", buffering=0).close()
    except OSError:
        raise Trouble("there is no terminal to ask for the password; --password-stdin reads it", Exit.USAGE) from None
    from getpass import getpass  # not needed to look words up

    try:
        return getpass(question)
    except EOFError:
        raise Trouble("no password was given", Exit.USAGE) from None
