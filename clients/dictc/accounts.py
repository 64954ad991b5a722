"""Accounts of dictd: log in, register, history, forget (its verbs beyond RFC 2229)."""

from __future__ import annotations

import re

from dictc.connection import Connection
from dictc.exits import Exit
from dictc.grammar import command, quoted, strings
from dictc.lookups import wanted
from dictc.replies import Reply
from dictc.troubles import Trouble

#: What ``--history`` asks for when it is not told how many.
ROWS = 20
#: How many a server tells at once; the last line says how to ask for older ones.
_PAGE = 1000
_OLDER = re.compile(r" HISTORY \d+ (<[0-9a-z]+)")


def needed(connection: Connection) -> None:
    """See that the server keeps accounts, before a password is asked for or sent.

    :raises Trouble: its banner does not say so.
    """
    connection.greet()
    if "xaccount" not in connection.capabilities:
        raise Trouble(f"{connection.server} keeps no accounts", Exit.COMMAND_NOT_IMPLEMENTED)


def log_in(connection: Connection, name: str, password: str) -> str:
    """LOGIN; what is looked up from now on is kept.

    :returns: what the server says.
    :raises Refused: 531 wrong name or password, 481 too many attempts, 584 not without TLS.
    """
    return _asked(connection, 230, "LOGIN", name, password).text


def register(connection: Connection, name: str, password: str, code: str = "") -> str:
    """REGISTER, and be logged in; returns as :func:`log_in`.

    :param code: of an invite, for a server that wants one.
    :raises Refused: 580 taken, 581 no name, 582 no password, 583 closed, 584 not without TLS, 588 not invited.
    """
    return _asked(connection, 280, "REGISTER", name, password, *([code] if code else [])).text


def change_password(connection: Connection, old: str, new: str) -> str:
    """PASSWD; returns as :func:`log_in`.

    :raises Refused: 531 the old one is wrong, 582 the new one is none.
    """
    return _asked(connection, 282, "PASSWD", old, new).text


def history(connection: Connection, count: int = ROWS, word: str = "") -> list[tuple[str, str, str, int]]:
    """HISTORY, newest first, in as many pages as it takes.

    :param count: how many rows at most.
    :param word: only look-ups of this word.
    :returns: rows of time (ISO 8601, UTC), first dictionary that had the word
        (``*`` for none), word, number of definitions.
    :raises Refused: 530 not logged in.
    """
    rows: list[tuple[str, str, str, int]] = []
    older = ""
    while True:
        asked_for = " ".join(["HISTORY", str(min(count - len(rows), _PAGE)), *([older] if older else [])])
        reply = _asked(connection, 250, f"{asked_for} {quoted(word)}" if word else asked_for)
        for section in reply.sections:
            for line in section.lines:
                time, dictionary, asked, found = (*strings(line), "", "", "", "")[:4]
                rows.append((time, dictionary, asked, int(found) if found.isdecimal() else 0))
        more = _OLDER.search(reply.text)
        if len(rows) >= count or more is None or more[1] == older:
            return rows
        older = more[1]


def forget(connection: Connection, word: str) -> str:
    """FORGET a word; returns as :func:`log_in`.

    :raises Refused: 530 not logged in.
    """
    # In quotes: FORGET * alone is all of the history, FORGET "*" the star that was looked up.
    return _asked(connection, 283, "FORGET " + quoted(word)).text


def forget_all(connection: Connection) -> str:
    """FORGET everything; returns and raises as :func:`forget`."""
    return _asked(connection, 283, "FORGET *").text


def who(connection: Connection) -> str:
    """WHOAMI; returns as :func:`log_in`."""
    return _asked(connection, 285, "WHOAMI").text


def log_out(connection: Connection) -> str:
    """LOGOUT; returns as :func:`log_in`."""
    return _asked(connection, 285, "LOGOUT").text


def _asked(connection: Connection, code: int, verb: str, *words: str) -> Reply:
    needed(connection)
    return wanted(connection.ask(command(verb, *words)), code)
