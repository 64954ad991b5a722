"""Tests of :mod:`benchmarks.chapters` and of how a run goes on where one goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from benchmarks import __main__, bench, chapters
from benchmarks.cases import Value, WrongAnswers
from benchmarks.chapters import CHAPTERS, NAMES, Chapter, Stage, chosen, wanted
from benchmarks.stores import Stores
from benchmarks.wordnet import WordNet

_STORES = Stores(Path(), Path(), WordNet(Path(), "tabbed", ("word",)))
_STAGE = Stage(Path(), [], 1, 0.1, 1.0, _STORES)
_QUICK = Stage(Path(), [], 1, 0.1, 1.0, _STORES, quick=True)


class Choice(SynchronousTestCase):
    """What is measured."""

    def test_all(self) -> None:
        """Everything, where nobody said what, but what has a run of its own."""
        names = [one.name for one in chosen(_STAGE, ())]
        self.assertEqual(names, [one.name for one in CHAPTERS if one.name not in ("durable-workers", "filling")])
        self.assertEqual([one.name for one in chosen(_STAGE, ("dur",))], ["durable", "durable-workers"])
        self.assertTrue(all(wanted(name, ()) for name in NAMES))

    def test_prefixes(self) -> None:
        """What begins as somebody said; of several, each."""
        self.assertEqual([one.name for one in chosen(_STAGE, ("st", "bal"))], ["balance", "stop"])
        self.assertFalse(wanted(chapters.SERVERS, ("st",)))
        self.assertTrue(wanted(chapters.SERVERS, ("serv",)))

    def test_quick(self) -> None:
        """A first look leaves out what takes long, unless it is named."""
        self.assertNotIn("kill", [one.name for one in chosen(_QUICK, ())])
        self.assertIn("reload", [one.name for one in chosen(_QUICK, ())])
        self.assertEqual([one.name for one in chosen(_QUICK, ("kill",))], ["kill"])

    def test_no_such(self) -> None:
        """A beginning of nothing is a mistake, before anything is measured."""
        done = CliRunner().invoke(__main__.main, ["--only", "stop", "--only", "nonsense"])
        self.assertEqual(done.exit_code, 2)
        self.assertIn("nothing begins with nonsense; there are servers, imports, idle, workers", done.output)


class Runs(SynchronousTestCase):
    """A run of chapters only."""

    def test_goes_on(self) -> None:
        """One that goes wrong is told; the others are measured, and its figures of before are kept."""
        key = ("case", "dictd", "errors")

        def wrong(stage: Stage) -> Iterator[Value | str]:
            yield key, 1.0
            raise WrongAnswers("answered 552")

        def right(stage: Stage) -> Iterator[Value | str]:
            yield "by the way"
            yield key, 2.0

        self.patch(chapters, "CHAPTERS", (Chapter("one", "one", wrong), Chapter("other", "other", right)))
        self.patch(bench.Bench, "import_figures", lambda *_: iter(()))
        self.patch(bench.Bench, "say", staticmethod(lambda text: None))
        directory = Path(self.mktemp())
        directory.mkdir()
        nothing = WordNet(Path(), "tabbed", ("word",))
        run = bench.Bench(directory, 1, 1, 0.1, 1, nothing, only=("one", "other"))
        self.assertEqual(list(run.run()), [(key, 1.0), (key, 2.0)])
        self.assertEqual(run.remarks, ["one went wrong: answered 552", "by the way"])
        self.assertTrue(run.failed)
