"""What the state machine believes: plain values, compared with what the tables have."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import argon2
from attrs import define, field

from dictd.model import DAY, name_key

#: Rows that have waited in a spool for longer are not taken any more, milliseconds.
TOO_OLD = 30 * DAY
_HASHER = argon2.PasswordHasher()
_USERS = "SELECT id, name_key, passwd, role, paused, keep_days FROM user"
_ROWS = "SELECT user_id, rid, time, word, dictionary, found FROM hist ORDER BY user_id, rid DESC"
_MARKS = "SELECT user_id, k, rid FROM forgotten"
_INVITES = "SELECT code, uses FROM invite"


def fits(passwd: str, secret: str) -> bool:
    """Whether a hash is that of a password."""
    try:
        return _HASHER.verify(passwd, secret)
    except argon2.exceptions.VerifyMismatchError:
        return False


@define(eq=False)
class Row:
    """A look-up.

    :ivar word: index of the word.
    :ivar confirmed: it was answered as kept; otherwise it is there or not, as may be.
    :ivar seen: it was in the store.
    :ivar process: number of the process that took it.
    """

    word: int
    rid: int
    time: int
    shown: tuple[str, str, int]
    confirmed: bool
    process: int
    seen: bool = False


@define(eq=False)
class Member:
    """An account.

    :ivar history: newest first.
    :ivar there: it was not deleted.
    """

    id: int
    key: bytes
    secret: str
    role: str = "user"
    paused: int | None = None
    days: int | None = None
    there: bool = True
    history: list[Row] = field(factory=list)

    def add(self, row: Row) -> None:
        """A row comes, usually the newest."""
        self.history = sorted([row, *self.history], key=lambda other: -other.rid)

    def kept(self, now: int) -> list[Row]:
        """The rows that are shown at a time, milliseconds since 1970."""
        return [row for row in self.history if row.seen and not self.over(row, now)]

    def over(self, row: Row, now: int) -> bool:
        """Whether a row is older than its user wants."""
        return self.days is not None and row.time < now - self.days * DAY


@define
class Found:
    """What the tables have.

    :ivar users: what stands behind an id, without it; ``rows`` likewise by user and row id.
    :ivar invites: uses left, by hash; ``marks``: row ids, by user and what was forgotten.
    """

    users: dict[int, tuple[bytes, str, str, int | None, int | None]]
    rows: dict[int, dict[int, tuple[int, str, str, int]]]
    invites: dict[bytes, int]
    marks: dict[tuple[int, bytes], int]

    @classmethod
    def by(cls, connection: Any) -> Found:
        """Look."""
        cursor = connection.cursor()
        cursor.execute(_USERS)
        users = {row[0]: (bytes(row[1]), *row[2:]) for row in cursor.fetchall()}
        rows: dict[int, dict[int, tuple[int, str, str, int]]] = {}
        cursor.execute(_ROWS)
        for user_id, rid, *rest in cursor.fetchall():
            rows.setdefault(user_id, {})[rid] = tuple(rest)
        cursor.execute(_INVITES)
        invites = {bytes(code): uses for code, uses in cursor.fetchall()}
        cursor.execute(_MARKS)
        marks = {(user_id, bytes(k)): rid for user_id, k, rid in cursor.fetchall()}
        connection.rollback()
        return cls(users, rows, invites, marks)

    def mark(self, user_id: int, k: bytes | None) -> int:
        """Up to which row id a word, or all, is remembered as forgotten."""
        return self.marks.get((user_id, b"" if k is None else blake2b(k, digest_size=16).digest()), 0)


@define(eq=False)
class Ledger:
    """Everything that is believed.

    :ivar members: by number of the name.
    :ivar invites: uses and end, by hash of the code.
    :ivar doubts: told what is found; they decide what was not known.
    """

    members: dict[int, Member] = field(factory=dict)
    invites: dict[bytes, list[int]] = field(factory=dict)
    doubts: list[Callable[[Found], None]] = field(factory=list)

    def decide(self, found: Found) -> None:
        """What was not known is known from now on."""
        doubts, self.doubts = self.doubts, []
        for doubt in doubts:
            doubt(found)

    def compare(self, found: Found, now: int, alive: int, drained: bool) -> None:
        """Everything is as it should be.

        :param now: milliseconds since 1970.
        :param alive: the number of the process that lives.
        :param drained: whether nothing waits anywhere.
        """
        assert set(found.users) == {member.id for member in self.members.values()}
        for member in self.members.values():
            key, passwd, role, paused, days = found.users[member.id]
            assert (key, role, paused, days) == (member.key, member.role, member.paused, member.days)
            assert fits(passwd, member.secret)
            self._compare_rows(member, dict(found.rows.get(member.id, {})), now, alive, drained)
        assert set(found.rows) <= set(found.users)
        # Those that are over go when another is made.
        good = {code: uses for code, (uses, end) in self.invites.items() if uses > 0 and end > now}
        assert all(found.invites.get(code) == uses for code, uses in good.items())
        assert all(code in self.invites and uses == self.invites[code][0] for code, uses in found.invites.items())

    def _compare_rows(
        self, member: Member, found: dict[int, tuple[int, str, str, int]], now: int, alive: int, drained: bool
    ) -> None:
        left = []
        for row in member.history:
            there = found.pop(row.rid, None)
            unwanted = not row.seen and member.paused is not None and row.time >= member.paused
            if there is not None:
                assert there == (row.time, *row.shown)
                assert not unwanted, "kept while paused"
                row.seen = True
                left.append(row)
            elif row.seen:
                assert member.over(row, now), "a row is gone"
            elif not drained:
                left.append(row)
            elif row.confirmed:
                assert unwanted or row.time < now - TOO_OLD or member.over(row, now), "a confirmed row is not there"
            else:
                assert unwanted or row.process != alive, "a row that was to be tried again is not there"
        assert not found, "rows that nobody looked up, or that are forgotten"
        member.history = left


def key_of_name(name: str) -> bytes:
    """Under which key an account is found."""
    return name_key(name).encode()
