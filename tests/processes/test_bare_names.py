"""What stands on the screen when somebody types a name and no parentheses, or a wrong argument."""

from __future__ import annotations

import inspect
from typing import Any

from attrs import evolve

from dictd import config
from dictd.errors import BadArguments
from dictd.manhole.completion import complete
from dictd.manhole.shown import shown
from dictd.processes.claim import Claim
from dictd.processes.helping import Help
from dictd.processes.preflight import Origin
from dictd.processes.state import Lock, State
from dictd.processes.supervisor import Supervisor
from dictd.processes.workerprocess import Order
from dictd.sections import Store
from tests.support.prompt import Prompted

_SECRET = "s3cret"


class Bare(Prompted):
    """With a password in the settings."""

    settings = evolve(Prompted.settings, store=Store(url="mysql://dictd@db/dictd", password=_SECRET))

    def inside(self, code: str) -> str:
        """Run in the first worker."""
        return str(self.value(self.names["workers"][1].run(code)).facts)

    def test_short(self) -> None:
        """A name of the table is one line that tells how it is called, or what people want to see; none has secrets."""
        for name, thing in self.names.items():
            text = shown(thing)
            self.assertNotIn(_SECRET, text, name)
            self.assertLess(len(text), 3000, name)
            if callable(thing) and not isinstance(thing, Help):
                self.assertRegex(text, rf"^{name}\(.*\) is how it is called; help\({name}\) tells more$")
        self.assertEqual(shown(self.names["top"]), "top() is how it is called; help(top) tells more")

    def test_methods(self) -> None:
        """A method of anything does not show the thing."""
        for method in (self.console.top, self.names["workers"][1].run, self.names["server"].steered):
            self.assertRegex(shown(method), r"^<method [\w.]+>$")
        self.assertEqual(self.inside("serving.__class__"), self.inside("type(serving)"))
        self.assertRegex(self.inside("factory.buildProtocol"), r"^<method [\w.]+>$")

    def test_order(self) -> None:
        """What a worker is told to do has the password, and shows none of it."""
        order = Order("worker 1", config.tree_of(self.settings), "/", [], 3, 0.0, 1)
        self.assertIn(_SECRET, order.line(3).decode())
        self.assertNotIn(_SECRET, repr(order))

    def test_supervisor(self) -> None:
        """The server's own objects are short."""
        claim = Claim(State(self.directory()), Lock(-1), [])  # type: ignore[arg-type]
        origin = Origin(None, {"store": {"password": _SECRET}})
        supervisor: Any = Supervisor(origin, self.settings, claim, self.clock)
        for thing in (supervisor, origin, claim, supervisor.settings, self.console):
            self.assertNotIn(_SECRET, repr(thing))
        for thing in (supervisor, claim, self.console):
            self.assertLess(len(repr(thing)), 150)

    def test_inside(self) -> None:
        """Nothing that can be named in a worker shows it."""
        names = self.inside("sorted(name for name in globals() if not name.startswith('__'))")
        self.assertIn("serving", names)
        for name in eval(names):  # noqa: S307 - a list of names, which is ours
            self.assertNotIn(_SECRET, self.inside(name), name)
            self.assertNotIn(_SECRET, self.inside(f"{{'it': [{name}]}}"), name)
        self.assertIn("store", self.inside("settings"))

    def test_reached(self) -> None:
        """Nor does anything of ours that is reached from a name of the prompt."""
        seen: set[int] = set()
        waiting: list[tuple[str, Any]] = list(self.names.items())
        while waiting and len(seen) < 3000:
            path, thing = waiting.pop(0)
            if id(thing) in seen or not type(thing).__module__.startswith("dictd."):
                continue
            seen.add(id(thing))
            self.assertNotIn(_SECRET, repr(thing), path)
            for kind in type(thing).__mro__:
                declared = [one.name for one in getattr(kind, "__attrs_attrs__", ())]
                waiting += [(f"{path}.{name}", getattr(thing, name, None)) for name in declared]
            waiting += [(f"{path}.{name}", value) for name, value in getattr(thing, "__dict__", {}).items()]
        self.assertGreater(len(seen), 10)

    def test_kept(self) -> None:
        """TAB and help know them as before."""
        self.assertEqual(complete("to", self.names).more, "p(")
        self.assertIn("top(most=20)", repr(self.names["help"](self.names["top"])))
        self.assertIn("keep", repr(self.names["help"](self.names["workers"][1].run)))
        self.assertTrue(inspect.ismethod(self.names["workers"][1].run))
        self.assertIn("Ctrl-C interrupts", repr(self.names["help"]))

    def test_wrong(self) -> None:
        """A wrong argument is one line that says what is wanted."""
        worker = self.names["workers"][1]
        for call, told in (
            (lambda: self.names["top"]("x"), "top(): most is a whole number, not 'x'"),
            (lambda: self.names["top"](1, 2), "top(): too many positional arguments; help(top) tells more"),
            (lambda: self.names["top"](True), "top(): most is a whole number, not 'True'"),
            (lambda: self.names["misses"](database=3), "misses(): database is a text, in quotes, not '3'"),
            (lambda: self.names["kick"](), "kick(): missing a required argument: 'whom'; help(kick) tells more"),
            (lambda: worker.run("1", "x"), "run(): seconds is a number, not 'x'"),
            (lambda: worker.run(1), "run(): code is a text, in quotes, not '1'"),
            (lambda: worker.top("x"), "top(): most is a whole number, not 'x'"),
            (lambda: self.names["workers"].run("1", "x"), "run(): seconds is a number, not 'x'"),
        ):
            with self.assertRaises(BadArguments) as caught:
                call()
            self.assertEqual(caught.exception.text, told)
        self.assertIn("from 0 to 3600", self.trouble(self.names["workers"].run("1", 0), BadArguments))
