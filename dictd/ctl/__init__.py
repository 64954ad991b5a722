"""``dictctl``: what an administrator does beside the server.

Exit code 0 is done, 1 refused or failed with one line on standard error, 2
wrong usage. ``--json`` prints one JSON value on standard output.
"""

from dictd.ctl import (
    accounts,
    backup,
    course,
    dictionaries,
    doctor,
    history,
    imports,
    init,
    migrate,
    misses,
    restore,
    server,
    shell,
    users,
    userscsv,
    userslist,
)
from dictd.ctl.root import main

__all__ = [
    "accounts",
    "backup",
    "course",
    "dictionaries",
    "doctor",
    "history",
    "imports",
    "init",
    "main",
    "migrate",
    "misses",
    "restore",
    "server",
    "shell",
    "users",
    "userscsv",
    "userslist",
]
