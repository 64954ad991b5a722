"""How a word is matched against headwords; one function a strategy, one table.

Every strategy yields keys of ``words`` of one dictionary, best first; the
reader turns them into headwords, each once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from attrs import frozen

from dictd.lexicon import folding


class Tables(Protocol):
    """What a strategy may ask of one dictionary."""

    def has(self, k: bytes) -> bool:
        """Whether a headword has this exact key."""

    def others(self, table: bytes, key: bytes) -> list[bytes]:
        """The exact keys under a key of ``loose`` or ``compact``."""

    def keys_from(self, prefix: bytes) -> Iterator[bytes]:
        """The exact keys that begin with a prefix, in order."""

    def others_from(self, table: bytes, prefix: bytes) -> Iterator[bytes]:
        """The exact keys whose loose or compact key begins with a prefix."""


@frozen
class Query:
    """A word with its keys, each folded when it is first needed and then kept."""

    word: str
    k: bytes

    @classmethod
    def of(cls, word: str) -> Query:
        """Fold a word once for all dictionaries."""
        return cls(word, folding.key(folding.exact(word)))


def exact(tables: Tables, query: Query) -> Iterator[bytes]:
    """The word itself; where no headword has its exact key, its loose, then its compact key."""
    if tables.has(query.k):
        yield query.k
        return
    yield from forgiving(tables, query)


def forgiving(tables: Tables, query: Query) -> Iterator[bytes]:
    """What :func:`exact` falls back on."""
    k2 = folding.key(folding.loose(query.word))
    found = tables.others(b"loose", k2)
    if k2 != query.k and tables.has(k2):
        found.insert(0, k2)
    if not found:
        k3 = folding.key(folding.compact(query.word))
        found = tables.others(b"compact", k3)
        for table_key in (k3,) if k3 != k2 else ():
            if tables.has(table_key):
                found.insert(0, table_key)
            found += tables.others(b"loose", table_key)
    yield from found


def prefix(tables: Tables, query: Query) -> Iterator[bytes]:
    """Headwords that begin with the word; those that do only without accents and signs come after."""
    if not query.k:
        return
    yield from tables.keys_from(query.k)
    k2 = folding.key(folding.loose(query.word))
    if k2 != query.k:
        yield from tables.keys_from(k2)
    yield from tables.others_from(b"loose", k2)


@frozen
class Strategy:
    """One row of ``SHOW STRAT``."""

    name: str
    about: str
    keys: Callable[[Tables, Query], Iterator[bytes]]


STRATEGIES: tuple[Strategy, ...] = (
    Strategy("exact", "The word itself", exact),
    Strategy("prefix", "Words that begin with it", prefix),
)

#: What "." means until lev exists (RFC 2229 3.3: the server's choice).
DEFAULT = "prefix"

BY_NAME: dict[str, Strategy] = {strategy.name: strategy for strategy in STRATEGIES}
BY_NAME["."] = BY_NAME[DEFAULT]
