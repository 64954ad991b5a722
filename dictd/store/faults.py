"""What an error of a database means: whose it is, and whether another try can help."""

from __future__ import annotations

import sqlite3
from enum import Enum

import pymysql

#: Every error of the drivers.
ERRORS = (sqlite3.Error, pymysql.err.MySQLError)


class Fault(Enum):
    """Kinds of trouble."""

    #: The connection is gone: what was not committed has not happened.
    LOST = "lost"
    #: No answer in time.
    SLOW = "slow"
    #: This server does not take it, another of the cluster may: too many connections, read-only, no quorum.
    ELSEWHERE = "elsewhere"
    #: The transaction was rolled back for the sake of another: it may begin again at once.
    AGAIN = "again"
    #: The database cannot, for now: full, locked, we are not let in.
    AWAY = "away"
    #: A fault of ours, which no other try mends.
    OURS = "ours"


# Codes of the server (https://mariadb.com/kb/en/mariadb-error-code-reference/) and, over 2000, of the client.
_LOST = {0, 1053, 1152, 1153, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2014, 2027, 2055, 4031}
_ELSEWHERE = {1040, 1047, 1129, 1203, 1226, 1290, 1792, 1836, 2002, 2003, 2005}
_AGAIN = {1205, 1213, 1020, 3101, 3572}
#: 1040 and its like come by connecting; these by writing.
READ_ONLY = {1290, 1792, 1836}


def code_of(error: BaseException) -> int:
    """The number of an error of MySQL; -1 where it has none."""
    code = error.args[0] if error.args else -1
    return code if isinstance(code, int) else -1


def fault_of(error: BaseException) -> Fault:
    """What kind of trouble an error of a driver is."""
    if isinstance(error, sqlite3.Error):
        return Fault.OURS if isinstance(error, sqlite3.ProgrammingError) else Fault.AWAY
    code = code_of(error)
    if "timed out" in str(error) and code in (2003, 2006, 2013):
        return Fault.SLOW
    if code in _AGAIN:
        return Fault.AGAIN
    if code in _ELSEWHERE:
        return Fault.ELSEWHERE
    # PyMySQL says "Already closed" by the mother of all its errors.
    if code in _LOST or isinstance(error, pymysql.err.InterfaceError) or type(error) is pymysql.err.Error:
        return Fault.LOST
    if isinstance(error, pymysql.err.OperationalError | pymysql.err.InternalError):
        return Fault.AWAY
    return Fault.OURS


def told(error: BaseException) -> str:
    """An error in words."""
    if isinstance(error, pymysql.err.MySQLError) and len(error.args) == 2:
        if code_of(error) < 0:
            return str(error.args[1])
        return f"{error.args[1]} ({error.args[0]})"
    return str(error)
