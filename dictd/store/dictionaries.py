"""Queries on dictionaries, generations and their words."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from attrs import frozen

from dictd.model import Dictionary
from dictd.store import bulk
from dictd.store.bulk import Table
from dictd.store.dialect import Dialect, Statement, Transaction

_TOLD = "name, title, info, lang_from, lang_to, licence, source"
_SEVEN = "?, ?, ?, ?, ?, ?, ?"

_LIVE = Statement.both(
    "SELECT d.name, d.title, d.info, d.lang_from, d.lang_to, d.licence, d.source,"
    " g.id, g.headwords, g.articles, g.started, g.format"
    " FROM dictionary d JOIN generation g ON g.id = d.live_gen WHERE g.state = 'ready' ORDER BY d.position, d.id"
)
_BEGIN_GENERATION = Statement.both(
    "INSERT INTO generation (dictionary_name, state, source, format, started, heartbeat)"
    " VALUES (?, 'loading', ?, ?, ?, ?)"
)
_MEANS = Table("means", ("gen", "no", "mean", "markup", "senses"))
_WORDS = Table("words", ("gen", "k", "seq", "word", "k2", "mean_no", "kind", "frequency"), ("k", "k2"))
_PROGRESS = Statement.both(
    "UPDATE generation SET articles = ?, rows_done = ?, heartbeat = ? WHERE id = ? AND state = 'loading'"
)
_COUNTED = Statement.both("UPDATE generation SET headwords = ? WHERE id = ? AND state = 'loading'")
_READY = Statement.both("UPDATE generation SET state = 'ready' WHERE id = ? AND state = 'loading'")
_PUT = Statement(
    sqlite=f"INSERT INTO dictionary ({_TOLD}, position, live_gen)"  # noqa: S608 - constants
    f" VALUES ({_SEVEN}, (SELECT coalesce(max(position), 0) + 1 FROM dictionary), ?)"
    " ON CONFLICT (name) DO UPDATE SET title = excluded.title, info = excluded.info,"
    " lang_from = excluded.lang_from, lang_to = excluded.lang_to, licence = excluded.licence,"
    " source = excluded.source, live_gen = excluded.live_gen",
    mysql=f"INSERT INTO dictionary ({_TOLD}, position, live_gen)"  # noqa: S608 - constants
    f" SELECT {_SEVEN.replace('?', '%s')}, coalesce(max(position), 0) + 1, %s FROM dictionary"
    " ON DUPLICATE KEY UPDATE title = VALUES(title), info = VALUES(info),"
    " lang_from = VALUES(lang_from), lang_to = VALUES(lang_to), licence = VALUES(licence),"
    " source = VALUES(source), live_gen = VALUES(live_gen)",
)
_RETIRE_OTHERS = Statement.both(
    "UPDATE generation SET state = 'dead' WHERE dictionary_name = ? AND id <> ? AND state = 'ready'"
)
_REMOVE = Statement.both("DELETE FROM dictionary WHERE name = ?")
_LEASES = Statement.both("SELECT name, holder, generation, taken, heartbeat FROM import_lease ORDER BY name")
_TAKE_LEASE = Statement(
    sqlite="INSERT INTO import_lease (name, holder, generation, taken, heartbeat) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (name) DO NOTHING",
    mysql="INSERT INTO import_lease (name, holder, generation, taken, heartbeat) VALUES (%s, %s, %s, %s, %s)"
    " ON DUPLICATE KEY UPDATE name = name",
)
_LEASED = Statement.both("SELECT name FROM import_lease WHERE generation = ?")
_RENEW_LEASE = Statement.both("UPDATE import_lease SET heartbeat = ? WHERE generation = ?")
_END_LEASE = Statement.both("DELETE FROM import_lease WHERE generation = ?")
_ABANDON = Statement.both("UPDATE generation SET state = 'dead' WHERE id = ? AND state = 'loading'")
_LOADING = Statement.both("SELECT id FROM generation WHERE state = 'loading'")
_STATE = Statement.both("SELECT state FROM generation WHERE id = ?")
_STATES = Statement.both("SELECT state, count(*) FROM generation GROUP BY state")
_DEAD = Statement.both("SELECT id FROM generation WHERE state = 'dead' ORDER BY id")
_PURGE_WORDS = Statement(
    sqlite="DELETE FROM words WHERE (gen, k, seq) IN"
    " (SELECT gen, k, seq FROM words WHERE gen = ? ORDER BY k, seq LIMIT ?)",
    mysql="DELETE FROM words WHERE gen = %s ORDER BY k, seq LIMIT %s",
)
_PURGE_MEANS = Statement(
    sqlite="DELETE FROM means WHERE (gen, no) IN (SELECT gen, no FROM means WHERE gen = ? ORDER BY no LIMIT ?)",
    mysql="DELETE FROM means WHERE gen = %s ORDER BY no LIMIT %s",
)
_PURGED = Statement.both("DELETE FROM generation WHERE id = ?")
# A page at a time: a reader that is slow keeps no answer of the server waiting.
_READ_MEANS = Statement.both("SELECT no, mean, markup, senses FROM means WHERE gen = ? AND no > ? ORDER BY no LIMIT ?")
_READ_WORDS = Statement.both(
    "SELECT k, word, k2, mean_no, frequency, seq FROM words WHERE gen = ? AND k >= ? AND (k > ? OR seq > ?)"
    " ORDER BY k, seq LIMIT ?"
)

#: Rows a purge deletes in one transaction.
SLICE = 10_000
#: Rows of one page that is read.
_PAGE = 2_000


@frozen
class Live:
    """A dictionary with its live generation.

    :ivar headwords: distinct spellings; ``articles`` the texts they lead to.
    :ivar imported: milliseconds since 1970.
    """

    dictionary: Dictionary
    generation: int
    headwords: int
    articles: int
    imported: int
    format: str


@frozen
class Leased:
    """The right to import a dictionary, as the store keeps it.

    :ivar holder: a process, see :class:`dictd.importers.lease.Holder`.
    :ivar taken: milliseconds since 1970; ``heartbeat`` when the holder last wrote.
    """

    name: str
    holder: str
    generation: int
    taken: int
    heartbeat: int


@frozen
class DictionaryQueries:
    """Each method runs in a transaction that the caller commits.

    :ivar fast: whether rows are added by LOAD DATA LOCAL; the connection must be one for that.
    """

    dialect: Dialect
    fast: bool = False

    def live(self, txn: Transaction) -> list[Live]:
        """All dictionaries that can be read, in order."""
        txn.execute(self.dialect(_LIVE))
        return [Live(Dictionary(*row[:7]), *row[7:]) for row in txn.fetchall()]

    def leases(self, txn: Transaction) -> list[Leased]:
        """The imports under way, as far as the store knows."""
        txn.execute(self.dialect(_LEASES))
        return [Leased(*row) for row in txn.fetchall()]

    def end_lease(self, txn: Transaction, generation: int) -> None:
        """Take the right to fill a generation away."""
        txn.execute(self.dialect(_END_LEASE), (generation,))

    def begin_generation(
        self, txn: Transaction, name: str, source: str, format_name: str, holder: str, now: int
    ) -> int:
        """Open a new generation, with the lease on its dictionary.

        The caller has begun the transaction, and rolls it back where the lease is another's.

        :returns: the id of the generation, or 0 when somebody else has the lease.
        """
        txn.execute(self.dialect(_BEGIN_GENERATION), (name, source, format_name, now, now))
        generation = int(txn.lastrowid)
        txn.execute(self.dialect(_TAKE_LEASE), (name, holder, generation, now, now))
        txn.execute(self.dialect(_LEASED), (generation,))
        return generation if txn.fetchone() else 0

    def add_means(self, txn: Transaction, generation: int, rows: Sequence[tuple[int, str, str, str]]) -> None:
        """Add articles: number, text, HTML, senses."""
        self._add(txn, _MEANS, generation, rows)

    def add_words(
        self, txn: Transaction, generation: int, rows: Sequence[tuple[bytes, int, str, bytes, int, str, int]]
    ) -> None:
        """Add headwords: exact key, number, headword, loose key, number of the article, kind, frequency."""
        self._add(txn, _WORDS, generation, rows)

    def _add(self, txn: Transaction, table: Table, generation: int, rows: Sequence[tuple[Any, ...]]) -> None:
        bulk.add(self.dialect, txn, table, [(generation, *row) for row in rows], self.fast)

    def begin(self, txn: Transaction) -> None:
        """Begin a transaction that writes."""
        self.dialect.begin(txn)

    def progress(self, txn: Transaction, generation: int, articles: int, rows: int, now: int) -> bool:
        """Write down how far an import is; false when somebody took the generation away."""
        txn.execute(self.dialect(_RENEW_LEASE), (now, generation))
        held = txn.rowcount == 1
        txn.execute(self.dialect(_PROGRESS), (articles, rows, now, generation))
        return bool(held and txn.rowcount == 1)

    def counted(self, txn: Transaction, generation: int, headwords: int) -> None:
        """Write down how many distinct headwords a generation has."""
        txn.execute(self.dialect(_COUNTED), (headwords, generation))

    def go_live(self, txn: Transaction, dictionary: Dictionary, generation: int) -> bool:
        """Make a generation the one that is read, and end its lease; false when somebody took it away."""
        self.dialect.begin(txn)
        self.end_lease(txn, generation)
        txn.execute(self.dialect(_READY), (generation,))
        if txn.rowcount != 1:
            return False
        d = dictionary
        told = (d.name, d.title, d.info, d.lang_from, d.lang_to, d.licence, d.source)
        txn.execute(self.dialect(_PUT), (*told, generation))
        txn.execute(self.dialect(_RETIRE_OTHERS), (d.name, generation))
        return True

    def remove(self, txn: Transaction, name: str) -> bool:
        """Take a dictionary away; its words are purged later."""
        self.dialect.begin(txn)
        txn.execute(self.dialect(_REMOVE), (name,))
        removed = bool(txn.rowcount == 1)
        txn.execute(self.dialect(_RETIRE_OTHERS), (name, 0))
        return removed

    def abandon(self, txn: Transaction, generation: int) -> None:
        """Give a generation up that is still loading, and its lease."""
        self.dialect.begin(txn)
        self.end_lease(txn, generation)
        txn.execute(self.dialect(_ABANDON), (generation,))

    def retire_unleased(self, txn: Transaction) -> None:
        """Give up the generations that nobody fills any more.

        Leases are read after the generations: what was committed with a generation is seen
        then. One statement for both, on MySQL, could give up an import that begins just now.
        """
        txn.execute(self.dialect(_LOADING))
        loading = {row[0] for row in txn.fetchall()}
        for unleased in sorted(loading - {leased.generation for leased in self.leases(txn)}):
            txn.execute(self.dialect(_ABANDON), (unleased,))

    def state(self, txn: Transaction, generation: int) -> str:
        """What a generation is: loading, ready, dead; empty when it is purged."""
        txn.execute(self.dialect(_STATE), (generation,))
        row = txn.fetchone()
        return str(row[0]) if row else ""

    def states(self, txn: Transaction) -> dict[str, int]:
        """How many generations there are in each state."""
        txn.execute(self.dialect(_STATES))
        return dict(txn.fetchall())

    def dead(self, txn: Transaction) -> list[int]:
        """The generations nobody reads."""
        txn.execute(self.dialect(_DEAD))
        return [row[0] for row in txn.fetchall()]

    def purge_slice(self, txn: Transaction, generation: int) -> bool:
        """Delete up to :data:`SLICE` rows of a dead generation; false when none was left."""
        self.dialect.begin(txn)
        for statement in (_PURGE_WORDS, _PURGE_MEANS):
            txn.execute(self.dialect(statement), (generation, SLICE))
            if txn.rowcount:
                return True
        txn.execute(self.dialect(_PURGED), (generation,))
        return False

    def read_means(self, txn: Any, generation: int) -> Generator[tuple[int, str, str, str], None, None]:
        """The articles of a generation by number, a page at a time."""
        last = -1
        while True:
            txn.execute(self.dialect(_READ_MEANS), (generation, last, _PAGE))
            page = txn.fetchall()
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1][0]

    def read_words(self, txn: Any, generation: int) -> Generator[tuple[bytes, str, bytes, int, int], None, None]:
        """The headwords of a generation by key: exact key, headword, loose key, article, frequency; in pages."""
        k, seq = b"", -1
        while True:
            txn.execute(self.dialect(_READ_WORDS), (generation, k, k, seq, _PAGE))
            page = txn.fetchall()
            for row in page:
                yield row[:5]
            if len(page) < _PAGE:
                return
            k, seq = page[-1][0], page[-1][5]
