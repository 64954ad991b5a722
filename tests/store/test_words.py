"""What is written down comes back octet for octet, from either database and whatever its defaults are."""

from __future__ import annotations

import os
from pathlib import Path

import pymysql
from twisted.trial.unittest import SynchronousTestCase

from dictd.lexicon import folding
from dictd.model import LONGEST_WORD, LookUp
from dictd.sections import Store
from dictd.store import databases
from dictd.store.accounts import AccountQueries
from dictd.store.dictionaries import DictionaryQueries
from dictd.store.history import HistoryQueries
from tests.store.databases import Database, make_tables, on_both
from tests.support.mariadb import MariaDB

NOW = 1_760_000_000_000
WORDS = (
    "Straße",
    "\U0001f600\U0001f1e9\U0001f1ea",
    "\U0001f600" * LONGEST_WORD,
    "a",
    "a ",
    " a",
    "a\0b",
    "back\\slash\\",
    "\\'; DROP TABLE user; --",
    "'\"`%s %% ?",
    "\ubf27",
    "¿'",
    "e\u0301",
    "é",
    "İi\u0307ı",
    "\uffff",
    "ǅ",
)
#: No UTF-8 at all, among it the quote that a Chinese character swallows.
OCTETS = (b"\xbf'", b"\xbf\x27 OR 1=1", b"\x00\xff\\'\"%s?", bytes(range(256)), b"a", b"a ", b"")


@on_both
class Octets(SynchronousTestCase):
    """Words, keys and texts of all kinds."""

    def test_history(self) -> None:
        """Words and their keys, in the history."""
        database = Database.fresh(self, "accounts")
        queries = HistoryQueries(database.dialect)
        user = database.run(AccountQueries(database.dialect).add, "anna", b"anna", "hash", 0, b"nonce")
        pairs = [(word, folding.key(folding.exact(word))) for word in WORDS] + [("word", k) for k in OCTETS]
        rows = [LookUp(user.id, rid, NOW, word, k, "d", 1) for rid, (word, k) in enumerate(pairs, 1)]
        database.run(queries.keep, rows)
        self.assertEqual(database.run(queries.newest, user.id, 100, None, NOW), rows[::-1])
        for row in rows:
            found = database.run(queries.newest, user.id, 100, row.k, NOW)
            self.assertEqual(found, [one for one in rows[::-1] if one.k == row.k])

    def test_users(self) -> None:
        """Names, their keys, hashes and nonces; keys that differ in a blank are two."""
        database = Database.fresh(self, "accounts")
        queries = AccountQueries(database.dialect)
        made = {}
        for number, k in enumerate(OCTETS):
            name = WORDS[number][:64]
            made[k] = database.run(queries.add, name, k, f"hash {number}", 0, os.urandom(8) + k[:8])
            self.assertEqual(made[k].name, name)
        for number, k in enumerate(OCTETS):
            account = database.run(queries.find, k)
            assert account is not None
            self.assertEqual((account.user, account.passwd), (made[k], f"hash {number}"))

    def test_dictionaries(self) -> None:
        """Headwords, their keys and articles."""
        database = Database.fresh(self, "dictionaries")
        queries = DictionaryQueries(database.dialect)
        means = [(number, word, f"<p>{word}</p>", word * 3) for number, word in enumerate(WORDS)]
        words = [(k, number, WORDS[number], k[::-1], number, "main", 1 << 40) for number, k in enumerate(OCTETS)]
        database.run(queries.add_means, 1, means)
        database.run(queries.add_words, 1, words)
        cursor = database.connection.cursor()
        self.assertEqual(list(queries.read_means(cursor, 1)), means)
        wanted = sorted((k, word, k2, number, frequency) for k, _, word, k2, number, _, frequency in words)
        self.assertEqual(list(queries.read_words(cursor, 1)), wanted)


class Strictness(SynchronousTestCase):
    """A server that is told nothing, or the wrong things."""

    def test_latin1(self) -> None:
        """Where the server's own character set is Latin-1 and its mode empty all is as it should be."""
        server = MariaDB.started(
            self, ("--character-set-server=latin1", "--collation-server=latin1_swedish_ci", "--sql-mode=")
        )
        server.rows("", "CREATE DATABASE plain")
        self.assertEqual(server.rows("plain", "SELECT @@character_set_database, @@sql_mode"), [("latin1", "")])
        make_tables(server.url("plain"))
        made = databases.database(Store(url=server.url("plain")), Path())
        connection = made.connect("accounts")
        self.addCleanup(connection.close)
        cursor = connection.cursor()
        user = AccountQueries(made.dialect).add(cursor, WORDS[0], b"anna", "hash", 0, b"nonce")
        queries = HistoryQueries(made.dialect)
        rows = [LookUp(user.id, rid, NOW, word, b"k", "d", 1) for rid, word in enumerate(WORDS, 1)]
        queries.keep(cursor, rows)
        connection.commit()
        self.assertEqual(queries.newest(cursor, user.id, 100, None, NOW), rows[::-1])
        too_long = LookUp(user.id, 99, NOW, "x" * (LONGEST_WORD + 1), b"k", "d", 1)
        self.assertRaises(pymysql.err.DataError, queries.keep, cursor, [too_long])
        connection.rollback()
        for opened in (connection, made.open("accounts", lambda _: None)):
            with opened.cursor() as asked:
                asked.execute("SELECT @@sql_mode, @@character_set_client, @@character_set_connection")
                mode, client, between = asked.fetchone()
            self.assertIn("STRICT_ALL_TABLES", mode)
            self.assertEqual((client, between), ("utf8mb4", "utf8mb4"))
        opened.close()
