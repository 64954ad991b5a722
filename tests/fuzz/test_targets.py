"""The targets on what they begin with, on what was found, and the run that prints what it finds."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from ast import literal_eval
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from dictd.importers.dictzip import Bodies
from dictd.importers.reading import Reading
from dictd.server.session import Session
from dictd.wire import grammar
from dictd.wire.framing import Framing
from dictd.wire.replies import Reply
from tests.fuzz.targets import BY_NAME, TARGETS
from tests.support.programs import CHECKOUT, environment

#: What fuzzing has found, as ``make fuzz`` prints it.
FOUND: tuple[tuple[str, bytes], ...] = (
    # Python's decoder of punycode quotes the line end that it stumbles on: a refusal of two lines.
    ("tabbed", b"\x1a\n"),
    # Octets behind backslashes that are no character without them either are left as they are.
    ("wire", bytes(8) + b"\\\xdc\\\xa4\xa3\\\xff\x17\\S\r\n"),
    # A line end that was asked for twice was looked for twice, and nothing found.
    ("patterns", b"\x002$$"),
    ("patterns", b"\x00^^p"),
)


class Targets(SynchronousTestCase):
    """What a target takes and what it objects to."""

    def directory(self) -> Path:
        """A directory of a target's own."""
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        return directory

    def test_seeds(self) -> None:
        """Every input to begin with passes."""
        for target in TARGETS:
            if target.exists and not target.asked:
                directory = self.directory()
                seeds = list(target.seeds())
                self.assertTrue(seeds, target.name)
                for seed in seeds:
                    self.assertLessEqual(len(seed), target.longest)
                    target.run(seed, directory)

    def test_found(self) -> None:
        """What was found once passes for ever."""
        for name, data in FOUND:
            if BY_NAME[name].exists:
                BY_NAME[name].run(data, self.directory())

    def test_objections(self) -> None:
        """Every target objects where the code under it goes wrong."""
        wrongs: tuple[tuple[object, str, Any, tuple[str, ...]], ...] = (
            (Framing, "feed", lambda framing, received: received.split(b"\n")[:-1], ("wire", "server")),
            (grammar, "_unquote", lambda raw: (raw, False), ("wire",)),
            (Session, "do_status", lambda *_: Reply(b"210 up\r\n", b"210 up\r\n"), ("server",)),
            (Bodies, "body", lambda *_: b"", ("dictzip",)),
            (Reading, "headword", lambda *_: "two\nlines", ("dictorg", "wordbook", "tabbed")),
        )
        for owner, name, wrong, targets in wrongs:
            patched = self.patch(owner, name, wrong)
            for target in map(BY_NAME.__getitem__, targets):
                with self.assertRaises(AssertionError, msg=f"{target.name} without {name}"):
                    directory = self.directory()
                    for seed in target.seeds():
                        target.run(seed, directory)
            patched.restore()


class Runs(SynchronousTestCase):
    """``python -m tests.fuzz``."""

    def fuzz(self, *arguments: str) -> tuple[int, str]:
        """Run it; its exit code and what it printed."""
        if importlib.util.find_spec("atheris") is None:
            reason = "atheris is not installed; make test installs it where this Python can have it"
            if os.environ.get("CI") == "true":
                self.fail(reason)
            raise SkipTest(reason)
        command = [sys.executable, "-m", "tests.fuzz", *arguments]
        ended = subprocess.run(command, capture_output=True, timeout=120, env=environment(), cwd=CHECKOUT, check=False)
        return ended.returncode, ended.stdout.decode()

    def test_nothing(self) -> None:
        """A run that finds nothing says what it did, and ends with 0."""
        code, told = self.fuzz("--seconds", "1", "dictzip")
        self.assertEqual(code, 0, told)
        self.assertRegex(told, r"^fuzz: dictzip +1 s, [1-9]\d* inputs, coverage [1-9]\d*\n$")

    def test_something(self) -> None:
        """A run that finds something prints the input as Python writes it, and ends with 1."""
        code, told = self.fuzz("--seconds", "20", "trap")
        self.assertEqual(code, 1, told)
        self.assertIn("AssertionError: it snaps", told)
        pasted = literal_eval(told.splitlines()[-1].strip().removesuffix(","))
        self.assertEqual(pasted[0], "trap")
        self.assertRaises(AssertionError, BY_NAME["trap"].run, pasted[1], Path())
