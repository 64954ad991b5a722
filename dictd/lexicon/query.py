"""What is asked, and what a strategy may ask of one dictionary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from attrs import define

from dictd.lexicon import edits, folding, patterns
from dictd.lexicon.forms import Forms


class Tables(edits.Letters, Protocol):
    """What a strategy may ask of one dictionary."""

    @property
    def forms(self) -> Forms:
        """All keys, as lines."""

    def has(self, k: bytes) -> bool:
        """Whether a headword has this exact key."""

    def others(self, table: bytes, key: bytes) -> list[bytes]:
        """The exact keys under a key of ``loose`` or ``compact``."""

    def others_from(self, table: bytes, prefix: bytes) -> Iterator[bytes]:
        """The exact keys whose loose or compact key begins with a prefix."""

    def head(self, k: bytes) -> tuple[int, int]:
        """The span of an exact key and how often it is used; (0, 0) where there is none."""

    def lines_from(self, prefix: bytes) -> list[int]:
        """The spans of all exact keys that begin with a prefix: one, or few where it would be too long."""

    def spans(self, table: bytes, key: bytes) -> Iterator[int]:
        """The spans under a key of ``parts`` or of a table of sounds."""

    def spans_from(self, table: bytes, prefix: bytes) -> Iterator[int]:
        """The spans under all keys of ``mirror`` that begin with a prefix."""


@define
class Query:
    """A word with its keys, each folded once for all dictionaries, and only if it is needed.

    :ivar form: folded strictly, as text; ``k``: its key.
    :ivar pattern: the compiled pattern of ``re`` and its kin.
    """

    word: str
    form: str
    k: bytes
    pattern: patterns.Pattern | None = None
    _loose_form: str | None = None
    _k2: bytes | None = None
    _k3: bytes | None = None

    @classmethod
    def of(cls, word: str) -> Query:
        """A query for a word."""
        form = folding.exact(word)
        return cls(word, form, folding.key(form))

    @property
    def loose_form(self) -> str:
        """The word folded forgivingly, as text."""
        if self._loose_form is None:
            self._loose_form = folding.loose(self.word)
        return self._loose_form

    @property
    def k2(self) -> bytes:
        """The loose key."""
        if self._k2 is None:
            self._k2 = folding.key(self.loose_form)
        return self._k2

    @property
    def k3(self) -> bytes:
        """The compact key."""
        if self._k3 is None:
            self._k3 = folding.key(folding.compact(self.word))
        return self._k3
