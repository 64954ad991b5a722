"""Queries on words that nobody found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import field, frozen

from dictd.model import DAY
from dictd.store.dialect import Dialect, Statement, Transaction, repeatable

#: Rows that are kept, about: the rarest go first, of these the oldest.
MOST = 50_000
#: A word that nobody has missed for so long is not kept any more, milliseconds.
KEPT = 90 * DAY
#: Rows that are added, or deleted, in one transaction at most: a history waits for it.
SLICE = 512
#: Rows above :data:`MOST` that may be there before they are deleted.
_MORE = MOST // 10
# The rarest are sought among all: few large slices take less than many small ones.
_THINNED = 16 * SLICE

_ROW = "k, dictionary, word, count, first, last"
# MySQL sets one column after the other, and sees those that it has set.
_ADD = Statement(
    sqlite=f"INSERT INTO miss ({_ROW}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 - constants
    " ON CONFLICT (k, dictionary) DO UPDATE SET count = count + excluded.count,"
    " word = CASE WHEN excluded.last >= last THEN excluded.word ELSE word END,"
    " first = min(first, excluded.first), last = max(last, excluded.last)",
    mysql=f"INSERT INTO miss ({_ROW}) VALUES (%s, %s, %s, %s, %s, %s)"  # noqa: S608 - constants
    " ON DUPLICATE KEY UPDATE count = count + VALUES(count), word = IF(VALUES(last) >= last, VALUES(word), word),"
    " first = least(first, VALUES(first)), last = greatest(last, VALUES(last))",
)
# An empty name of a dictionary is any.
_MOST_MISSED = Statement.both(
    "SELECT k, sum(count) FROM miss WHERE k <> ? AND last >= ? AND (dictionary = ? OR ? = '')"
    " GROUP BY k HAVING sum(count) >= ? ORDER BY 2 DESC, 1 LIMIT ? OFFSET ?"
)
_OF = f"SELECT {_ROW} FROM miss WHERE last >= {{mark}} AND k IN ({{marks}})"  # noqa: S608 - constants
_ROWS_OF = Statement(sqlite=_OF, mysql=_OF)
_OTHERS = Statement.both("SELECT coalesce(sum(count), 0) FROM miss WHERE k = ? AND last >= ?")
_DROP = Statement.both("DELETE FROM miss WHERE k = ? AND (dictionary = ? OR ? = '')")
_CLEAR = Statement.both("DELETE FROM miss")
_COUNT = Statement.both("SELECT count(*) FROM miss")
_EXPIRE = Statement(
    sqlite="DELETE FROM miss WHERE (k, dictionary) IN (SELECT k, dictionary FROM miss WHERE last < ? LIMIT ?)",
    mysql="DELETE FROM miss WHERE last < %s LIMIT %s",
)
_THIN = Statement(
    sqlite="DELETE FROM miss WHERE (k, dictionary) IN"
    " (SELECT k, dictionary FROM miss ORDER BY count, last, k, dictionary LIMIT ?)",
    mysql="DELETE FROM miss ORDER BY count, last, k, dictionary LIMIT %s",
)


@frozen
class Miss:
    """How often a word was missed where it was asked.

    :ivar k: the folded key of the word.
    :ivar dictionary: a dictionary, a group, or ``*``.
    :ivar word: as it was spelled last.
    :ivar first: milliseconds since 1970, UTC; ``last`` too.
    """

    k: bytes
    dictionary: str
    word: str
    count: int
    first: int
    last: int

    def plus(self, later: Miss) -> Miss:
        """Both together."""
        word = later.word if later.last >= self.last else self.word
        first, last = min(self.first, later.first), max(self.last, later.last)
        return Miss(self.k, self.dictionary, word, self.count + later.count, first, last)


@frozen
class MissedWord:
    """A word with all the dictionaries in which it was missed.

    :ivar dictionaries: where it was missed most comes first.
    """

    k: bytes = field(repr=False)
    word: str
    count: int
    dictionaries: tuple[str, ...]
    first: int
    last: int


@frozen
class Wanted:
    """What of it somebody wants to see.

    :ivar since: missed then, or later: milliseconds since 1970.
    :ivar dictionary: where it was asked; empty: anywhere.
    :ivar least: as often, or more often.
    """

    since: int = 0
    dictionary: str = ""
    least: int = 1


@frozen
class MissQueries:
    """Each method runs in a transaction that the caller commits."""

    dialect: Dialect

    def add(self, txn: Transaction, misses: Iterable[Miss]) -> None:
        """Add to what is kept. Run twice it counts twice."""
        self.dialect.begin(txn)
        # In one order, so that two who add do not wait for each other.
        rows = [(one.k, one.dictionary, one.word, one.count, one.first, one.last) for one in misses]
        txn.executemany(self.dialect(_ADD), sorted(rows))

    @repeatable
    def most_missed(self, txn: Transaction, wanted: Wanted, most: int, skip: int = 0) -> list[MissedWord]:
        """Words, the most missed first.

        :param skip: how many of them to leave out, from the first on.
        """
        name = wanted.dictionary
        txn.execute(self.dialect(_MOST_MISSED), (b"", wanted.since, name, name, wanted.least, most, skip))
        keys = [k for k, _ in txn.fetchall()]
        if not keys:
            return []
        text = self.dialect(_ROWS_OF).format(mark=self.dialect.mark, marks=self.dialect.marks(len(keys)))
        txn.execute(text, (wanted.since, *keys))
        return gathered((Miss(*row) for row in txn.fetchall()), wanted)

    @repeatable
    def others(self, txn: Transaction, since: int) -> int:
        """How often words were missed that were too many to be counted each by itself."""
        txn.execute(self.dialect(_OTHERS), (b"", since))
        return int(txn.fetchone()[0])

    @repeatable
    def drop(self, txn: Transaction, k: bytes, dictionary: str = "") -> int:
        """Forget a word; in how many dictionaries it was missed.

        :param dictionary: there alone.
        """
        self.dialect.begin(txn)
        txn.execute(self.dialect(_DROP), (k, dictionary, dictionary))
        return int(txn.rowcount)

    @repeatable
    def clear(self, txn: Transaction) -> int:
        """Forget all; how many rows there were."""
        self.dialect.begin(txn)
        txn.execute(self.dialect(_CLEAR))
        return int(txn.rowcount)

    @repeatable
    def expire(self, txn: Transaction, now: int) -> bool:
        """Delete some of what is too old, then some of what is too much; whether there may be more of it.

        :param now: milliseconds since 1970.
        """
        self.dialect.begin(txn)
        txn.execute(self.dialect(_EXPIRE), (now - KEPT, SLICE))
        return txn.rowcount == SLICE or self._thin(txn)

    @repeatable
    def thin(self, txn: Transaction) -> bool:
        """Delete some where there is much too much; whether there may be more of it."""
        self.dialect.begin(txn)
        return self._thin(txn, spare=_MORE)

    def _thin(self, txn: Transaction, spare: int = 0) -> bool:
        txn.execute(self.dialect(_COUNT))
        surplus = int(txn.fetchone()[0]) - MOST
        if surplus <= spare:
            return False
        txn.execute(self.dialect(_THIN), (min(surplus, _THINNED),))
        return surplus > _THINNED


def gathered(misses: Iterable[Miss], wanted: Wanted) -> list[MissedWord]:
    """Words with all the places where they were missed, the most missed first."""
    by_word: dict[bytes, list[Miss]] = {}
    for one in misses:
        if one.k and one.last >= wanted.since and wanted.dictionary in ("", one.dictionary):
            by_word.setdefault(one.k, []).append(one)
    words = [_together(rows) for rows in by_word.values()]
    return sorted((word for word in words if word.count >= wanted.least), key=lambda word: (-word.count, word.k))


def _together(rows: Sequence[Miss]) -> MissedWord:
    latest = max(rows, key=lambda row: row.last)
    return MissedWord(
        latest.k,
        latest.word,
        sum(row.count for row in rows),
        tuple(row.dictionary for row in sorted(rows, key=lambda row: (-row.count, row.dictionary))),
        min(row.first for row in rows),
        latest.last,
    )
