"""Exit codes: those of dict(1), so that scripts written for it go on."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What the program ends with; from 20 on the numbers of dict(1)."""

    OK = 0
    #: The server or this program refused what was asked, for a reason dict(1) does not know.
    REFUSED = 1
    USAGE = 2
    NO_MATCH = 20
    APPROXIMATE = 21
    NO_DATABASES = 22
    NO_STRATEGIES = 23
    UNEXPECTED = 30
    UNAVAILABLE = 31
    SHUTTING_DOWN = 32
    SYNTAX = 33
    BAD_PARAMETER = 34
    COMMAND_NOT_IMPLEMENTED = 35
    PARAMETER_NOT_IMPLEMENTED = 36
    ACCESS_DENIED = 37
    LOGIN_DENIED = 38
    INVALID_DATABASE = 39
    INVALID_STRATEGY = 40
    NO_CONNECTION = 41
    INTERRUPTED = 130


#: Reply codes (RFC 2229, and x8x of dictd) to exit codes.
BY_CODE: dict[int, Exit] = {
    420: Exit.UNAVAILABLE,
    421: Exit.SHUTTING_DOWN,
    480: Exit.UNAVAILABLE,
    481: Exit.UNAVAILABLE,
    500: Exit.SYNTAX,
    501: Exit.BAD_PARAMETER,
    502: Exit.COMMAND_NOT_IMPLEMENTED,
    503: Exit.PARAMETER_NOT_IMPLEMENTED,
    530: Exit.ACCESS_DENIED,
    531: Exit.LOGIN_DENIED,
    532: Exit.LOGIN_DENIED,
    550: Exit.INVALID_DATABASE,
    551: Exit.INVALID_STRATEGY,
    552: Exit.NO_MATCH,
    554: Exit.NO_DATABASES,
    555: Exit.NO_STRATEGIES,
    580: Exit.REFUSED,
    581: Exit.REFUSED,
    582: Exit.REFUSED,
    583: Exit.REFUSED,
    584: Exit.REFUSED,
}


def exit_for(code: int) -> Exit:
    """The exit code for a reply that refuses something; :attr:`Exit.UNEXPECTED` for codes nobody knows."""
    return BY_CODE.get(code, Exit.UNEXPECTED)
