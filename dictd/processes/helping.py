"""``help()`` at the prompt: made of the table of what can be named there."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Sequence
from typing import Any

from attrs import define, field, frozen

from dictd.processes.calling import Call
from dictd.processes.reports import Report
from dictd.tables import Table

_NOTE = """help(top) tells more of one. What takes time is waited for; x = await top() keeps it.
TAB completes, Ctrl-C interrupts, Ctrl-D leaves. Each line typed here is in the log of the server."""


@frozen(eq=False)
class Named:
    """Something that can be named.

    :ivar about: one line; the first of its documentation, unless it is given.
    """

    name: str
    thing: Any
    example: str
    about: str = field()

    @about.default
    def _first_line(self) -> str:
        return _documentation(self.thing).partition("\n")[0].rstrip(".")

    @property
    def called(self) -> Any:
        """What the name stands for at the prompt."""
        return Call(self.thing, self.example) if inspect.ismethod(self.thing) else self.thing


@define(eq=False, repr=False)
class Help:
    """This table; help(top) tells more of one."""

    _table: Sequence[Named]

    def __repr__(self) -> str:
        return repr(self())

    def __call__(self, *things: Any) -> Table | Report:
        """The table; or more of what is named, which may be any object of Python."""
        if not things:
            rows = [(one.name, one.about, one.example) for one in self._table]
            return Table(("name", "what it does", "for example"), rows, note=_NOTE)
        (thing,) = things
        thing = thing.does if isinstance(thing, Call) else thing
        for one in self._table:
            if thing == one.name or thing == one.thing:
                return Report(f"{one.name}{_signature(one.thing)}\n\n{_documentation(one.thing)}")
        if inspect.ismethod(thing):
            return Report(f"{thing.__name__}{_signature(thing)}\n\n{_documentation(thing)}")
        return Report(pydoc.plain(pydoc.render_doc(thing, "%s")).rstrip("\n"))


def _documentation(thing: Any) -> str:
    return inspect.getdoc(thing) or ""


def _signature(thing: Any) -> str:
    if not inspect.ismethod(thing):
        return ""
    shown = [
        str(one.replace(annotation=inspect.Parameter.empty)) for one in inspect.signature(thing).parameters.values()
    ]
    return f"({', '.join(shown)})"
