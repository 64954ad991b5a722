"""What can go wrong, each with its exit code."""

from __future__ import annotations

from dictc.exits import Exit, exit_for


class Trouble(Exception):
    """Something that was foreseen: one line on standard error, and an exit code.

    :ivar text: the line.
    :ivar exit: the exit code.
    """

    def __init__(self, text: str, exit: Exit = Exit.REFUSED) -> None:
        super().__init__(text)
        self.text = text
        self.exit = exit


class Refused(Trouble):
    """The server answered, and the answer is no.

    :ivar code: of the reply.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text, exit_for(code))
        self.code = code


class ConnectionTrouble(Trouble):
    """The server cannot be reached, went away or fell silent."""

    def __init__(self, text: str) -> None:
        super().__init__(text, Exit.NO_CONNECTION)


class NotDict(Trouble):
    """What comes is not DICT, or more than anybody can want."""

    def __init__(self, text: str) -> None:
        super().__init__(text, Exit.UNEXPECTED)
