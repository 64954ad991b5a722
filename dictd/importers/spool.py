"""Headwords that wait to be put in order, in little memory: sorted runs, merged."""

from __future__ import annotations

import marshal
import os
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import TypeVar

from attrs import define, field

from dictd.lexicon import folding
from dictd.model import Entry

#: exact key, number, headword, loose key, number of the article, kind, frequency.
WordRow = tuple[bytes, int, str, bytes, int, str, int]

#: Rows sorted in memory; some 50 MB.
_RUN = 150_000
#: Rows of a run that are in memory while runs are merged.
_BLOCK = 2_000

_T = TypeVar("_T")


@define
class Spool:
    """Takes headwords in any order and gives them back by their keys.

    :param directory: for runs that do not fit into memory; the caller deletes it.
    """

    directory: Path
    count: int = field(default=0, init=False)
    _rows: list[WordRow] = field(factory=list, init=False)
    _runs: list[Path] = field(factory=list, init=False)

    def add(self, no: int, entry: Entry) -> None:
        """Take the headwords of an article.

        :raises OSError: the disk is full; it names the path.
        """
        kind, frequency = "main", entry.frequency
        for word in entry.headwords:
            k = folding.key(folding.exact(word))
            k2 = folding.key(folding.loose(word))
            self._rows.append((k, self.count, word, k if k2 == k else k2, no, kind, frequency))
            self.count += 1
            kind, frequency = "alt", 0
        if len(self._rows) >= _RUN:
            self._write_run()

    def in_order(self) -> Iterator[WordRow]:
        """All rows, by exact key and number."""
        self._rows.sort()
        if not self._runs:
            return iter(self._rows)
        return merge(*map(_run, self._runs), self._rows)

    def _write_run(self) -> None:
        self._rows.sort()
        path = self.directory / f"{len(self._runs)}.run"
        try:
            with open(path, "wb", opener=_private) as file:
                for block in batches(self._rows, _BLOCK):
                    marshal.dump(block, file)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from None
        self._runs.append(path)
        self._rows.clear()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _run(path: Path) -> Iterator[WordRow]:
    with open(path, "rb") as file:
        while True:
            try:
                block = marshal.load(file)  # noqa: S302 - written by this process a moment ago
            except EOFError:
                return
            yield from block


def batches(rows: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Rows in lists of up to a size."""
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch
