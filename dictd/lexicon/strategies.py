"""How a word is matched against headwords; one function a strategy, one table.

Every strategy yields keys of ``words`` of one dictionary, best first; the
reader turns them into headwords, each once. The key of a query is never empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from attrs import define, frozen

from dictd.lexicon import folding


class Tables(Protocol):
    """What a strategy may ask of one dictionary."""

    def has(self, k: bytes) -> bool:
        """Whether a headword has this exact key."""

    def has_other(self, table: bytes, key: bytes) -> bool:
        """Whether :meth:`others` has anything."""

    def others(self, table: bytes, key: bytes) -> list[bytes]:
        """The exact keys under a key of ``loose`` or ``compact``."""

    def keys_from(self, prefix: bytes) -> Iterator[bytes]:
        """The exact keys that begin with a prefix, in order."""

    def others_from(self, table: bytes, prefix: bytes) -> Iterator[bytes]:
        """The exact keys whose loose or compact key begins with a prefix."""


@define
class Query:
    """A word with its keys, each folded once for all dictionaries, and only if it is needed.

    :ivar k: the exact key.
    """

    word: str
    k: bytes
    _k2: bytes | None = None
    _k3: bytes | None = None

    @classmethod
    def of(cls, word: str) -> Query:
        """A query for a word."""
        return cls(word, folding.key(folding.exact(word)))

    @property
    def k2(self) -> bytes:
        """The loose key."""
        if self._k2 is None:
            self._k2 = folding.key(folding.loose(self.word))
        return self._k2

    @property
    def k3(self) -> bytes:
        """The compact key."""
        if self._k3 is None:
            self._k3 = folding.key(folding.compact(self.word))
        return self._k3


def exact(tables: Tables, query: Query) -> Iterable[bytes]:
    """The word itself; where no headword has its exact key, its loose, then its compact key."""
    return (query.k,) if tables.has(query.k) else forgiving(tables, query)


def forgiving(tables: Tables, query: Query) -> list[bytes]:
    """What :func:`exact` falls back on: first what differs in accents and signs, then in blanks."""
    k2, k3 = query.k2, query.k3
    found = [k2] if k2 != query.k and tables.has(k2) else []
    if tables.has_other(b"loose", k2):
        found += tables.others(b"loose", k2)
    if found:
        return found
    if k3 != k2:
        found = [k3] if tables.has(k3) else []
        if tables.has_other(b"loose", k3):
            found += tables.others(b"loose", k3)
    if tables.has_other(b"compact", k3):
        found += tables.others(b"compact", k3)
    return found


def prefix(tables: Tables, query: Query) -> Iterator[bytes]:
    """Headwords that begin with the word; those that do only without accents and signs come after."""
    yield from tables.keys_from(query.k)
    if query.k2 != query.k:
        yield from tables.keys_from(query.k2)
    yield from tables.others_from(b"loose", query.k2)


@frozen
class Strategy:
    """One row of ``SHOW STRAT``."""

    name: str
    about: str
    keys: Callable[[Tables, Query], Iterable[bytes]]


STRATEGIES: tuple[Strategy, ...] = (
    Strategy("exact", "The word itself", exact),
    Strategy("prefix", "Words that begin with it", prefix),
)

#: What "." means until lev exists (RFC 2229 3.3: the server's choice).
DEFAULT = "prefix"

BY_NAME: dict[str, Strategy] = {strategy.name: strategy for strategy in STRATEGIES}
BY_NAME["."] = BY_NAME[DEFAULT]
