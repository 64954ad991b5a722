"""What the log may know of unexpected trouble."""

from __future__ import annotations

from twisted.python.failure import Failure

from dictd.server.commands import VERBS
from dictd.tally import UNKNOWN

#: Verbs whose lines may have a secret in them; one that nobody knows may be one of these mistyped.
SECRETIVE = {verb.name for verb in VERBS if verb.secret} | {"AUTH", UNKNOWN}


def loggable(error: Exception, verb: str) -> Failure:
    """Of what kind an error is and where it happened; what it says only where no secret can be in it."""
    if verb not in SECRETIVE:
        return Failure(error)
    bare = type(error).__new__(type(error))
    bare.args = ("what it says is not logged",)
    return Failure(bare, type(error), error.__traceback__)
