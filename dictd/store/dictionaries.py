"""Queries on dictionaries, generations and their words."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from attrs import frozen

from dictd.model import Dictionary
from dictd.store.dialect import BEGIN, Dialect, Statement, Transaction

_TOLD = "name, title, info, lang_from, lang_to, licence, source"

_LIVE = Statement(
    sqlite="SELECT d.name, d.title, d.info, d.lang_from, d.lang_to, d.licence, d.source,"
    " g.id, g.headwords, g.articles, g.started, g.format"
    " FROM dictionary d JOIN generation g ON g.id = d.live_gen WHERE g.state = 'ready' ORDER BY d.position, d.id"
)
_BEGIN_GENERATION = Statement(
    sqlite="INSERT INTO generation (dictionary_name, state, source, format, started, heartbeat)"
    " VALUES (?, 'loading', ?, ?, ?, ?)"
)
_ADD_MEANS = Statement(sqlite="INSERT INTO means (gen, no, mean, markup, senses) VALUES (?, ?, ?, ?, ?)")
_ADD_WORDS = Statement(
    sqlite="INSERT INTO words (gen, k, seq, word, k2, mean_no, kind, frequency) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_PROGRESS = Statement(
    sqlite="UPDATE generation SET articles = ?, rows_done = ?, heartbeat = ? WHERE id = ? AND state = 'loading'"
)
_COUNTED = Statement(sqlite="UPDATE generation SET headwords = ? WHERE id = ? AND state = 'loading'")
_READY = Statement(sqlite="UPDATE generation SET state = 'ready' WHERE id = ? AND state = 'loading'")
_PUT = Statement(
    sqlite=f"INSERT INTO dictionary ({_TOLD}, position, live_gen)"  # noqa: S608 - a constant
    " VALUES (?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(position), 0) + 1 FROM dictionary), ?)"
    " ON CONFLICT (name) DO UPDATE SET title = excluded.title, info = excluded.info,"
    " lang_from = excluded.lang_from, lang_to = excluded.lang_to, licence = excluded.licence,"
    " source = excluded.source, live_gen = excluded.live_gen"
)
_RETIRE_OTHERS = Statement(
    sqlite="UPDATE generation SET state = 'dead' WHERE dictionary_name = ? AND id <> ? AND state = 'ready'"
)
_REMOVE = Statement(sqlite="DELETE FROM dictionary WHERE name = ?")
_LEASES = Statement(sqlite="SELECT name, holder, generation, taken, heartbeat FROM import_lease ORDER BY name")
_TAKE_LEASE = Statement(
    sqlite="INSERT INTO import_lease (name, holder, generation, taken, heartbeat) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (name) DO NOTHING"
)
_RENEW_LEASE = Statement(sqlite="UPDATE import_lease SET heartbeat = ? WHERE generation = ?")
_END_LEASE = Statement(sqlite="DELETE FROM import_lease WHERE generation = ?")
_ABANDON = Statement(sqlite="UPDATE generation SET state = 'dead' WHERE id = ? AND state = 'loading'")
_RETIRE_UNLEASED = Statement(
    sqlite="UPDATE generation SET state = 'dead' WHERE state = 'loading'"
    " AND id NOT IN (SELECT generation FROM import_lease)"
)
_STATES = Statement(sqlite="SELECT state, count(*) FROM generation GROUP BY state")
_DEAD = Statement(sqlite="SELECT id FROM generation WHERE state = 'dead' ORDER BY id")
_PURGE_WORDS = Statement(
    sqlite="DELETE FROM words WHERE gen = ?1 AND (k, seq) IN"
    " (SELECT k, seq FROM words WHERE gen = ?1 ORDER BY k, seq LIMIT ?2)"
)
_PURGE_MEANS = Statement(
    sqlite="DELETE FROM means WHERE gen = ?1 AND no IN (SELECT no FROM means WHERE gen = ?1 ORDER BY no LIMIT ?2)"
)
_PURGED = Statement(sqlite="DELETE FROM generation WHERE id = ?")
_READ_MEANS = Statement(sqlite="SELECT no, mean, markup, senses FROM means WHERE gen = ? ORDER BY no")
_READ_WORDS = Statement(sqlite="SELECT k, word, k2, mean_no, frequency FROM words WHERE gen = ? ORDER BY k, seq")

#: Rows a purge deletes in one transaction.
SLICE = 10_000


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
    """Each method runs in a transaction that the caller commits."""

    dialect: Dialect

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
        return generation if txn.rowcount == 1 else 0

    def add_means(self, txn: Transaction, generation: int, rows: Sequence[tuple[int, str, str, str]]) -> None:
        """Add articles: number, text, HTML, senses."""
        txn.executemany(self.dialect(_ADD_MEANS), [(generation, *row) for row in rows])

    def add_words(
        self, txn: Transaction, generation: int, rows: Sequence[tuple[bytes, int, str, bytes, int, str, int]]
    ) -> None:
        """Add headwords: exact key, number, headword, loose key, number of the article, kind, frequency."""
        txn.executemany(self.dialect(_ADD_WORDS), [(generation, *row) for row in rows])

    def begin(self, txn: Transaction) -> None:
        """Begin a transaction that writes."""
        txn.execute(self.dialect(BEGIN))

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
        txn.execute(self.dialect(BEGIN))
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
        txn.execute(self.dialect(BEGIN))
        txn.execute(self.dialect(_REMOVE), (name,))
        removed = bool(txn.rowcount == 1)
        txn.execute(self.dialect(_RETIRE_OTHERS), (name, 0))
        return removed

    def abandon(self, txn: Transaction, generation: int) -> None:
        """Give a generation up that is still loading, and its lease."""
        txn.execute(self.dialect(BEGIN))
        self.end_lease(txn, generation)
        txn.execute(self.dialect(_ABANDON), (generation,))

    def retire_unleased(self, txn: Transaction) -> None:
        """Give up the generations that nobody fills any more."""
        txn.execute(self.dialect(_RETIRE_UNLEASED))

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
        txn.execute(self.dialect(BEGIN))
        for statement in (_PURGE_WORDS, _PURGE_MEANS):
            txn.execute(self.dialect(statement), (generation, SLICE))
            if txn.rowcount:
                return True
        txn.execute(self.dialect(_PURGED), (generation,))
        return False

    def read_means(self, txn: Any, generation: int) -> Generator[tuple[int, str, str, str], None, None]:
        """The articles of a generation by number; streams from the cursor."""
        txn.execute(self.dialect(_READ_MEANS), (generation,))
        yield from txn

    def read_words(self, txn: Any, generation: int) -> Generator[tuple[bytes, str, bytes, int, int], None, None]:
        """The headwords of a generation by key: exact key, headword, loose key, article, frequency; streams."""
        txn.execute(self.dialect(_READ_WORDS), (generation,))
        yield from txn
