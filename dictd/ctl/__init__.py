"""``dictctl``: what an administrator does beside the server.

Exit code 0 is done, 1 refused or failed with one line on standard error, 2
wrong usage. ``--json`` prints one JSON value on standard output.
"""

from dictd.ctl import accounts, dictionaries, doctor, imports, migrate, server
from dictd.ctl.root import main

__all__ = ["accounts", "dictionaries", "doctor", "imports", "main", "migrate", "server"]
