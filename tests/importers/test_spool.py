"""Headwords in order, whatever fits into memory."""

from __future__ import annotations

import builtins
import errno
import io
from pathlib import Path
from typing import Any

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.importers import spool
from dictd.importers.spool import Spool, WordRow, batches
from dictd.lexicon import folding
from tests.lexicon.publishing import entry


class Order(SynchronousTestCase):
    """What comes back."""

    def directory(self) -> Path:
        """Where runs go."""
        path = Path(self.mktemp()).absolute()
        path.mkdir()
        return path

    def spooled(self, *articles: tuple[str, ...], directory: Path | None = None) -> list[WordRow]:
        """The rows of these articles, in order."""
        waiting = Spool(directory or self.directory())
        for no, headwords in enumerate(articles):
            waiting.add(no, entry(*headwords))
        self.assertEqual(waiting.count, sum(map(len, articles)))
        return list(waiting.in_order())

    def test_rows(self) -> None:
        """A row has the keys, the place, the headword, the article, and whether it is its first headword."""
        k, k2 = folding.key(folding.exact("C++")), folding.key(folding.loose("C++"))
        self.assertEqual(
            self.spooled(("lead", "C++"), ("Lead",)),
            [
                (k, 1, "C++", k2, 0, "alt", 0),
                (b"lead", 0, "lead", b"lead", 0, "main", 0),
                (b"lead", 2, "Lead", b"lead", 1, "main", 0),
            ],
        )

    def test_frequency(self) -> None:
        """An article's frequency is that of its main headword, also where it waits in a file."""
        for run in (100, 1):
            self.patch(spool, "_RUN", run)
            waiting = Spool(self.directory())
            waiting.add(0, evolve(entry("b", "a"), frequency=3_000_000_000))
            waiting.add(1, entry("c"))
            self.assertEqual(
                [(row[2], row[6]) for row in waiting.in_order()], [("a", 0), ("b", 3_000_000_000), ("c", 0)]
            )

    def test_nothing(self) -> None:
        """Of nothing comes nothing."""
        self.assertEqual(self.spooled(), [])

    def test_runs(self) -> None:
        """More than fits into memory waits in files, as few as there must be, and comes back the same."""
        words = [(f"w{(number * 7919) % 100:03}", f"v{number % 7}") for number in range(100)]
        in_memory = self.spooled(*words)
        for run, block, files in ((200, 1, 1), (199, 3, 1), (10, 4, 20), (2, 1, 100)):
            self.patch(spool, "_RUN", run)
            self.patch(spool, "_BLOCK", block)
            directory = self.directory()
            self.assertEqual(self.spooled(*words, directory=directory), in_memory)
            self.assertEqual(len(list(directory.iterdir())), files)

    def test_memory(self) -> None:
        """Rows that wait in a file wait there alone."""
        self.patch(spool, "_RUN", 10)
        waiting = Spool(self.directory())
        for no in range(95):
            waiting.add(no, entry(f"w{no}"))
            self.assertLess(len(waiting._rows), 10)

    @settings(max_examples=60, deadline=None)
    @given(
        articles=st.lists(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=4), max_size=20),
        run=st.integers(1, 20),
        block=st.integers(1, 5),
    )
    def test_any(self, articles: list[list[str]], run: int, block: int) -> None:
        """Any headwords come back by key, under one key as they came, none lost."""
        before = spool._RUN, spool._BLOCK
        spool._RUN, spool._BLOCK = run, block
        try:
            rows = self.spooled(*map(tuple, articles))
        finally:
            spool._RUN, spool._BLOCK = before
        self.assertEqual([row[:2] for row in rows], sorted(row[:2] for row in rows))
        self.assertEqual(
            sorted((row[1], row[2], row[4]) for row in rows),
            [(seq, word, no) for seq, (no, word) in enumerate((no, w) for no, a in enumerate(articles) for w in a)],
        )

    def test_full_disk(self) -> None:
        """A disk that is full when a run is written, or closed, is told of with the path of the run."""
        self.patch(spool, "_RUN", 3)

        class Full(io.BytesIO):
            def write(self, _: Any) -> int:
                raise OSError(errno.ENOSPC, "No space left on device")

        class FullAtItsEnd(io.BytesIO):
            def __exit__(self, *_: Any) -> None:
                raise OSError(errno.ENOSPC, "No space left on device")

        for file in (Full, FullAtItsEnd):
            directory = self.directory()
            patched = self.patch(builtins, "open", lambda *_, file=file, **__: file())
            self.addCleanup(patched.restore)
            with self.assertRaises(OSError) as caught:
                self.spooled(("a", "b", "c"), directory=directory)
            patched.restore()
            self.assertEqual(caught.exception.errno, errno.ENOSPC)
            self.assertEqual(caught.exception.filename, str(directory / "0.run"))

    def test_batches(self) -> None:
        """Lists of a size, the last with what is left."""
        for count in range(7):
            made = list(batches(range(count), 3))
            self.assertEqual([one for batch in made for one in batch], list(range(count)))
            self.assertEqual([len(batch) for batch in made], [3] * (count // 3) + [count % 3] * (count % 3 > 0))
