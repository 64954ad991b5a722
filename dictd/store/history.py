"""Queries on what users looked up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

from attrs import frozen

from dictd.model import DAY, LookUp
from dictd.store.accounts import LOCK
from dictd.store.dialect import Dialect, Statement, Transaction, repeatable

_ROW = "user_id, rid, time, word, k, dictionary, found"

# Shared locks on MySQL: an account is not deleted, nor its history forgotten, until these rows are in.
_TAKERS = Statement(
    sqlite="SELECT id, paused FROM user WHERE id IN ({marks})",
    mysql="SELECT id, paused FROM user WHERE id IN ({marks}) ORDER BY id LOCK IN SHARE MODE",
)
_KEEP = Statement(
    sqlite=f"INSERT INTO hist ({_ROW}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
    " ON CONFLICT (user_id, rid) DO NOTHING",
    mysql=f"INSERT INTO hist ({_ROW}) VALUES (%s, %s, %s, %s, %s, %s, %s)"  # noqa: S608 - constants
    " ON DUPLICATE KEY UPDATE rid = rid",
)
_FORGOTTEN = Statement(
    sqlite="SELECT user_id, k, rid FROM forgotten WHERE user_id IN ({marks})",
    mysql="SELECT user_id, k, rid FROM forgotten WHERE user_id IN ({marks})",
)
_DAYS = Statement.both("SELECT keep_days FROM user WHERE id = ?")
_PAGE = f"SELECT {_ROW} FROM hist WHERE user_id = ? AND rid < ? AND time >= ?"  # noqa: S608 - a constant
_NEWEST = Statement.both(f"{_PAGE} ORDER BY rid DESC LIMIT ?")
_NEWEST_OF_WORD = Statement.both(f"{_PAGE} AND k = ? ORDER BY rid DESC LIMIT ?")
_REMEMBER = Statement(
    sqlite="INSERT INTO forgotten (user_id, k, rid, made) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (user_id, k) DO UPDATE SET rid = max(rid, excluded.rid), made = excluded.made",
    mysql="INSERT INTO forgotten (user_id, k, rid, made) VALUES (%s, %s, %s, %s)"
    " ON DUPLICATE KEY UPDATE rid = greatest(rid, VALUES(rid)), made = VALUES(made)",
)
_OLDEST = Statement.both(
    f"SELECT {_ROW} FROM hist WHERE user_id = ? AND rid > ? AND rid <= ? AND time >= ?"  # noqa: S608 - a constant
    " ORDER BY rid LIMIT ?"
)
_COUNT = Statement.both("SELECT count(*) FROM hist WHERE user_id = ?")
_LATEST = Statement.both("SELECT coalesce(max(rid), 0) FROM hist WHERE user_id = ?")
_FORGET = Statement(
    sqlite="DELETE FROM hist WHERE (user_id, rid) IN"
    " (SELECT user_id, rid FROM hist WHERE user_id = ? AND rid <= ? AND k = ? ORDER BY rid LIMIT ?)",
    mysql="DELETE FROM hist WHERE user_id = %s AND rid <= %s AND k = %s ORDER BY rid LIMIT %s",
)
_FORGET_ALL = Statement(
    sqlite="DELETE FROM hist WHERE (user_id, rid) IN"
    " (SELECT user_id, rid FROM hist WHERE user_id = ? AND rid <= ? ORDER BY rid LIMIT ?)",
    mysql="DELETE FROM hist WHERE user_id = %s AND rid <= %s ORDER BY rid LIMIT %s",
)
# By time: ids of a host whose clock was ahead would last longer.
_EXPIRE = Statement(
    sqlite="DELETE FROM hist WHERE (user_id, rid) IN"
    " (SELECT user_id, rid FROM hist WHERE user_id = ? AND time < ? ORDER BY rid LIMIT ?)",
    mysql="DELETE FROM hist WHERE user_id = %s AND time < %s ORDER BY rid LIMIT %s",
)
_KEEPING_DAYS = Statement.both(
    "SELECT id, keep_days FROM user WHERE keep_days IS NOT NULL AND id > ? ORDER BY id LIMIT 1"
)
_FORGET_TOMBSTONES = Statement.both("DELETE FROM forgotten WHERE made < ?")
# What was forgotten up to a row stays so: no later row may have a lower id.
_LAST_RID = Statement.both("SELECT coalesce(max(rid), 0) FROM hist")
_LAST_FORGOTTEN = Statement.both("SELECT coalesce(max(rid), 0) FROM forgotten")

#: Rows that are deleted in one transaction at most.
SLICE = 10_000
#: A row that has waited in a spool for longer than this is not taken any more: what
#: was forgotten is remembered so long. Milliseconds.
REMEMBERED = 30 * DAY
#: No row id is higher.
HIGHEST = (1 << 63) - 1


@frozen
class HistoryQueries:
    """Each method runs in a transaction that the caller commits."""

    dialect: Dialect

    @repeatable
    def keep(self, txn: Transaction, rows: Sequence[LookUp]) -> None:
        """Insert rows; one that is there already stays as it is, so a retry doubles nothing.

        Left out are those of users who are gone or have paused their history by then.
        """
        self.dialect.begin(txn)
        self._insert(txn, self._wanted(txn, rows))

    @repeatable
    def replay(self, txn: Transaction, rows: Sequence[LookUp], now: int) -> int:
        """Insert rows that have waited elsewhere, as :meth:`keep`; left out is also what was forgotten meanwhile.

        :param now: milliseconds since 1970.
        :returns: how many are wanted.
        """
        self.dialect.begin(txn)
        wanted = [row for row in self._wanted(txn, rows) if row.time >= now - REMEMBERED]
        wanted = self._not_forgotten(txn, wanted)
        self._insert(txn, wanted)
        return len(wanted)

    def settle(self, txn: Transaction, rows: Sequence[LookUp]) -> int:
        """Insert rows of another program in a transaction that has begun; as :meth:`replay`, whatever their age.

        :returns: how many are wanted.
        """
        wanted = self._not_forgotten(txn, self._wanted(txn, rows))
        self._insert(txn, wanted)
        return len(wanted)

    def _not_forgotten(self, txn: Transaction, wanted: Sequence[LookUp]) -> list[LookUp]:
        """The rows that are not among what was forgotten after they were made."""
        users = sorted({row.user_id for row in wanted})
        upto: dict[tuple[int, bytes], int] = {}
        if users:
            txn.execute(self.dialect(_FORGOTTEN).format(marks=self.dialect.marks(len(users))), users)
            upto = {(user_id, k): rid for user_id, k, rid in txn.fetchall()}
        return [row for row in wanted if not is_forgotten(row, upto)]

    def _wanted(self, txn: Transaction, rows: Iterable[LookUp]) -> list[LookUp]:
        """The rows of users that there are, without those that were made while the user has paused."""
        users = sorted({row.user_id for row in rows})
        if not users:
            return []
        txn.execute(self.dialect(_TAKERS).format(marks=self.dialect.marks(len(users))), users)
        paused: dict[int, int | None] = dict(txn.fetchall())
        return [row for row in rows if is_kept(row, paused)]

    def _insert(self, txn: Transaction, rows: Sequence[LookUp]) -> None:
        if rows:
            txn.executemany(
                self.dialect(_KEEP),
                [(row.user_id, row.rid, row.time, row.word, row.k, row.dictionary, row.found) for row in rows],
            )

    @repeatable
    def newest(
        self, txn: Transaction, user_id: int, count: int, k: bytes | None, now: int, before: int = HIGHEST
    ) -> list[LookUp]:
        """The latest rows, newest first; those of one folded word where ``k`` is given.

        :param now: milliseconds since 1970: what the user does not want to be kept so long is not shown.
        :param before: only rows with lower ids.
        """
        txn.execute(self.dialect(_DAYS), (user_id,))
        (days,) = txn.fetchone() or (None,)
        page = (user_id, before, 0 if days is None else now - days * DAY)
        if k is None:
            txn.execute(self.dialect(_NEWEST), (*page, count))
        else:
            txn.execute(self.dialect(_NEWEST_OF_WORD), (*page, k, count))
        return [LookUp(*row) for row in txn.fetchall()]

    @repeatable
    def oldest(self, txn: Transaction, user_id: int, count: int, now: int, after: int, upto: int) -> list[LookUp]:
        """Rows, oldest first; see :meth:`newest`.

        :param after: only rows with higher ids; ``upto``: and none beyond this one.
        """
        txn.execute(self.dialect(_DAYS), (user_id,))
        (days,) = txn.fetchone() or (None,)
        txn.execute(self.dialect(_OLDEST), (user_id, after, upto, 0 if days is None else now - days * DAY, count))
        return [LookUp(*row) for row in txn.fetchall()]

    @repeatable
    def count(self, txn: Transaction, user_id: int) -> int:
        """How many rows a user has: each is looked at."""
        txn.execute(self.dialect(_COUNT), (user_id,))
        return int(txn.fetchone()[0])

    @repeatable
    def clear(self, txn: Transaction, user_id: int) -> int:
        """Delete rows of a user who is about to be deleted: nothing of it is remembered, see :meth:`forget`.

        :returns: how many they were; where that is :data:`SLICE`, there may be more: ask again.
        """
        self.dialect.begin(txn)
        txn.execute(self.dialect(LOCK), (user_id,))
        txn.fetchall()
        txn.execute(self.dialect(_FORGET_ALL), (user_id, HIGHEST, SLICE))
        return int(txn.rowcount)

    @repeatable
    def latest(self, txn: Transaction, user_id: int) -> int:
        """The highest row id of a user, 0 when there is none: another host, whose clock is ahead, may have given it."""
        txn.execute(self.dialect(_LATEST), (user_id,))
        return int(txn.fetchone()[0])

    @repeatable
    def forget(self, txn: Transaction, user_id: int, k: bytes | None, upto: int, now: int, latest: int = 0) -> int:
        """Delete rows of one folded word, or of all; and none of them that waits elsewhere comes after.

        :param upto: the highest row id that is meant, of those that wait elsewhere too.
        :param now: milliseconds since 1970.
        :param latest: the highest that is meant, of those that are here; see :meth:`latest`.
        :returns: how many they were; where that is :data:`SLICE`, there may be more: ask again.
        """
        self.dialect.begin(txn)
        txn.execute(self.dialect(LOCK), (user_id,))
        if txn.fetchone() is None:
            return 0
        txn.execute(self.dialect(_REMEMBER), (user_id, _mark(k), upto, now))
        if k is None:
            txn.execute(self.dialect(_FORGET_ALL), (user_id, max(upto, latest), SLICE))
        else:
            txn.execute(self.dialect(_FORGET), (user_id, max(upto, latest), k, SLICE))
        return int(txn.rowcount)

    @repeatable
    def expire(self, txn: Transaction, now: int, after: int = 0) -> int:
        """Delete what one user does not want to be kept so long; the users in turn, by id.

        :param now: milliseconds since 1970.
        :param after: 0 to begin with, then what the last call returned.
        :returns: what to ask again with; 0 when there is nobody after.
        """
        self.dialect.begin(txn)
        txn.execute(self.dialect(_KEEPING_DAYS), (after,))
        keeping = txn.fetchone()
        if keeping is None:
            txn.execute(self.dialect(_FORGET_TOMBSTONES), (now - REMEMBERED,))
            return 0
        user_id, days = keeping
        txn.execute(self.dialect(_EXPIRE), (user_id, now - days * DAY, SLICE))
        # The same user again where there may be more; 0 would be the end.
        return int(user_id) if txn.rowcount < SLICE else int(user_id) - 1 or -1

    @repeatable
    def last_rid(self, txn: Transaction) -> int:
        """The highest row id of all, also of those that are forgotten; 0 when there is none."""
        txn.execute(self.dialect(_LAST_RID))
        last = int(txn.fetchone()[0])
        txn.execute(self.dialect(_LAST_FORGOTTEN))
        return max(last, int(txn.fetchone()[0]))


def is_kept(row: LookUp, paused: Mapping[int, int | None]) -> bool:
    """Whether its user is there, and had not paused when it was made.

    :param paused: since when each user has; ``None`` for who has not.
    """
    since = paused.get(row.user_id, 0)
    return since is None or row.time < since


def is_forgotten(row: LookUp, upto: Mapping[tuple[int, bytes], int]) -> bool:
    """Whether it was forgotten while it waited elsewhere.

    :param upto: the columns ``user_id``, ``k`` and ``rid`` of ``forgotten``.
    """
    return any(row.rid <= upto.get((row.user_id, mark), 0) for mark in (b"", _mark(row.k)))


def _mark(k: bytes | None) -> bytes:
    """How a forgotten word is remembered: not by itself; nothing stands for all words."""
    return b"" if k is None else blake2b(k, digest_size=16).digest()
