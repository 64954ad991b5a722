"""``dictctl``: what an administrator does beside the server.

Exit code 0 is done, 1 refused or failed with one line on standard error, 2
wrong usage. ``--json`` prints one JSON value on standard output.
"""

from dictd.ctl import dictionaries, doctor, imports, server
from dictd.ctl.root import main

__all__ = ["dictionaries", "doctor", "imports", "main", "server"]
