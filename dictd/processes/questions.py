"""What an administrator asks of a process from within: the commands of AMP.

Beside those of :mod:`dictd.processes.channel`; what answers them is in
:mod:`dictd.processes.inside`, which the supervisor does not import.
"""

from __future__ import annotations

from typing import Any, ClassVar

from twisted.protocols import amp

from dictd.processes.channel import Json

#: Bytes of one value of a box, which AMP allows 65,535.
_MOST = 60_000


class Long(Json):
    """Any value of JSON, however long: in as many values of the box as it takes."""

    def toBox(self, name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any) -> None:
        """Into the box: ``name``, ``name.1`` and so on."""
        written = self.toString(self.retrieve(objects, name.decode("ascii"), proto))
        for number, at in enumerate(range(0, len(written), _MOST)):
            strings[_numbered(name, number)] = written[at : at + _MOST]

    def fromBox(self, name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any) -> None:
        """Out of the box."""
        written = [strings.pop(name)]
        while (piece := strings.pop(_numbered(name, len(written)), None)) is not None:
            written.append(piece)
        objects[name.decode("ascii")] = self.fromString(b"".join(written))


def _numbered(name: bytes, number: int) -> bytes:
    return b"%b.%d" % (name, number) if number else name


# The supervisor to a worker -------------------------------------------------------


class Run(amp.Command):
    """Run Python, which may take so many seconds; what it printed, and its value.

    ``who`` said so, for the log.
    """

    arguments = [(b"code", Long()), (b"seconds", amp.Float()), (b"who", amp.Unicode())]
    response = [(b"text", Long())]


class Top(amp.Command):
    """What was looked up lately: rows of :class:`dictd.recent.Recent`, of so many seconds, and searches under way."""

    arguments: ClassVar[list[Any]] = []
    response = [(b"rows", Long()), (b"seconds", amp.Float()), (b"searches", Long())]


class Shelf(amp.Command):
    """Every dictionary that is served, whoever sees it: rows of name, title, headwords."""

    arguments: ClassVar[list[Any]] = []
    response = [(b"rows", Long())]


class Trace(amp.Command):
    """Watch these and nobody else: whom -> for how many seconds; how many connections are theirs now."""

    arguments = [(b"wanted", Long())]
    response = [(b"count", amp.Integer())]


# A worker to the supervisor ---------------------------------------------------------


class Traced(amp.Command):
    """What those have done who are watched, and how many lines there were no room for."""

    arguments = [(b"rows", Long()), (b"dropped", amp.Integer())]
    requiresAnswer = False
