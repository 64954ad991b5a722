"""What the log and administrators may know of what people type."""

from __future__ import annotations

from twisted.python.failure import Failure

from dictd.server.commands import VERBS
from dictd.tally import UNKNOWN

#: Verbs whose lines may have a secret in them; one that nobody knows may be one of these mistyped.
SECRETIVE = {verb.name for verb in VERBS if verb.secret or verb.refusal} | {"AUTH", UNKNOWN}
#: Characters of a line that are shown.
_MOST = 300


def loggable(error: Exception, verb: str) -> Failure:
    """Of what kind an error is and where it happened; what it says only where no secret can be in it."""
    if verb not in SECRETIVE:
        return Failure(error)
    bare = type(error).__new__(type(error))
    bare.args = ("what it says is not logged",)
    return Failure(bare, type(error), error.__traceback__)


def typed(line: bytes | None, verb: str) -> str:
    """A line as an administrator may see it: of one that may have a secret in it the verb alone.

    :param line: ``None``: it was too long.
    :param verb: of the table of verbs, or :data:`dictd.tally.UNKNOWN`.
    """
    if line is None:
        return "(a line that is too long)"
    if verb == UNKNOWN:
        return f"(no command, {len(line)} octets)"
    if verb in SECRETIVE:
        return f"{verb} ..."
    text = line[: 4 * _MOST].decode("utf-8", "replace")
    return text if len(text) <= _MOST else text[:_MOST] + "..."


def answered(last: bytes, verb: str) -> str:
    """The last line of an answer, likewise: codes and keys are in good ones."""
    text = last.decode("utf-8", "replace").strip()
    return text[:3] if verb in SECRETIVE and text.startswith("2") else text
