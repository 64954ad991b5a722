"""What TAB knows."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from dictd.manhole.completion import columns, complete


class Worker:
    """Has a property that must not be asked."""

    pid = 7
    _hidden = 1

    @property
    def broken(self) -> int:
        """Fails."""
        raise AssertionError("a property was asked")

    def run(self) -> None:
        """Nothing."""


class Completing(SynchronousTestCase):
    """Names, attributes, keys."""

    def setUp(self) -> None:
        self.names: dict[str, Any] = {
            "status": len, "workers": [Worker(), Worker()], "words": {"penguin": {"size": 1}, "penny": 2},
            "_secret": 1, "__builtins__": {"staticmethod": staticmethod, "print": print},
        }  # fmt: skip

    def offered(self, before: str) -> list[str]:
        """What there is."""
        return complete(before, self.names).candidates

    def test_names(self) -> None:
        """Those of the prompt, else those of Python; with a parenthesis where they are called."""
        self.assertEqual(complete("st", self.names).more, "atus(")
        self.assertEqual(self.offered("x = wor"), ["words", "workers"])
        self.assertEqual(complete("wor", self.names).more, "")
        self.assertEqual(self.offered("pri"), ["print("])
        self.assertEqual(self.offered("awa"), ["await"])
        self.assertEqual(self.offered("_s"), ["_secret"])
        self.assertEqual(self.offered(""), ["status(", "words", "workers"])
        self.assertEqual(self.offered("nothing_so"), [])
        self.assertEqual(self.offered("1 + "), [])

    def test_attributes(self) -> None:
        """Of what a name, an index or a key reaches; no property is asked for it."""
        self.assertEqual(self.offered("workers[1]."), ["broken", "pid", "run("])
        self.assertEqual(self.offered("await workers[0].ru"), ["run("])
        self.assertEqual(self.offered("workers[-1]._h"), ["_hidden"])
        self.assertIn("items(", self.offered("words['penguin']."))
        self.assertEqual(self.offered("workers[7]."), [])
        self.assertEqual(self.offered("status()."), [])

    def test_keys(self) -> None:
        """Of a mapping, with what ends them."""
        self.assertEqual(complete("words['pen", self.names).candidates, ["penguin", "penny"])
        self.assertEqual(complete('words["peng', self.names).more, 'uin"]')
        self.assertEqual(self.offered("words['penguin']['"), ["size"])

    def test_nothing_is_called(self) -> None:
        """However it is written."""
        self.names["end"] = lambda: self.fail("it was called")
        for before in ("end().", "end()['", "words[end()].", "[end()]."):
            complete(before, self.names)

    def test_columns(self) -> None:
        """From top to bottom, as wide as the screen; very many are cut."""
        self.assertEqual(columns(["a", "bb", "ccc"], 12), "a    ccc\nbb")
        self.assertEqual(columns(["字典", "b"], 80), "字典  b")
        self.assertTrue(columns(map(str, range(1000)), 80).endswith("... and 800 more"))
