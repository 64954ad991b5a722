"""dictctl misses, as an administrator or a script calls it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from dictd.accounts.recorder import key_of
from dictd.model import DAY
from dictd.sections import Store
from dictd.store import databases
from dictd.store.misses import Miss, MissQueries
from tests.store.databases import committed, on_both
from tests.test_ctl import BIRDS, Commands


@on_both
class Misses(Commands):
    """A store with some words that were missed, and no server."""

    def setUp(self) -> None:
        super().setUp()
        self.done("misses")  # makes the tables of SQLite
        self.database = databases.database(Store(url=self.url), self.state / "store")
        self.connection: Any = self.database.connect("accounts")
        self.addCleanup(self.connection.close)
        self.now = int(time.time() * 1000)
        self.add("Pinguin", 7)
        self.add("pinguin", 5, dictionary="wn")
        self.add("crow", 6, days=1)
        self.add("嗯", 2, days=40)
        self.add("once", 1)

    def add(self, word: str, count: int, days: int = 0, dictionary: str = "*") -> None:
        """What servers do."""
        last = self.now - days * DAY
        miss = Miss(key_of(word), dictionary, word, count, last - 1000, last)
        committed(self.connection, MissQueries(self.database.dialect).add, [miss])

    def words(self, *args: str) -> list[str]:
        """Those that are listed."""
        return [row["word"] for row in self.value("misses", *args)["words"]]

    def test_listed(self) -> None:
        """The word, how often, where it was asked and when last."""
        day = time.strftime("%Y-%m-%d %H:%M", time.gmtime(self.now / 1000))
        before = time.strftime("%Y-%m-%d %H:%M", time.gmtime(self.now / 1000 - 86400))
        self.assertEqual(
            self.done("misses"),
            "word     times  asked in  last (UTC)\n"
            f"Pinguin     12  *, wn     {day}\n"
            f"crow         6  *         {before}\n",
        )

    def test_json(self) -> None:
        """The same for programs."""
        told = self.value("misses", "-n", "1")
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now / 1000))
        first = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((self.now - 1000) / 1000))
        row = {"word": "Pinguin", "count": 12, "databases": ["*", "wn"], "first": first, "last": moment}
        self.assertEqual(told, {"words": [row], "found_now": 0, "others": 0})

    def test_wanted(self) -> None:
        """How many, how often, since when, where."""
        self.assertEqual(self.words("--min", "1"), ["Pinguin", "crow", "once"])
        self.assertEqual(self.words("--days", "41"), ["Pinguin", "crow", "嗯"])
        self.assertEqual(self.words("--database", "WN"), ["pinguin"])
        self.assertEqual(self.words("--database", "*", "--min", "7"), ["Pinguin"])
        self.assertEqual(self.words("-n", "1"), ["Pinguin"])
        self.assertEqual(
            self.done("misses", "--min", "99"), "No word was missed 99 times or more; --min 1 shows all.\n"
        )
        self.assertIn("cannot be the name", self.refused("misses", "--database", "no such"))
        for wrong in (("-n", "0"), ("--days", "91"), ("--min", "0"), ("--clear", "--drop", "x")):
            self.misused("misses", *wrong)

    def test_found_now(self) -> None:
        """What a dictionary that was imported since has is left out; of one dictionary, what that one has."""
        self.done("import", self.file("birds.tsv", BIRDS))
        self.assertEqual(self.words(), ["Pinguin"])
        self.assertIn("Left out: 1 word that would be found now.", self.done("misses"))
        self.assertEqual(self.words("--database", "wn"), ["pinguin"])

    def test_dropped(self) -> None:
        """One word, however it is spelled; in one place; all."""
        self.assertEqual(self.done("misses", "--drop", "PINGUIN", "--database", "wn"), "PINGUIN is forgotten.\n")
        self.assertEqual(self.value("misses", "-n", "1")["words"][0]["count"], 7)
        self.done("misses", "--drop", " Pinguin")
        self.assertEqual(self.words(), ["crow"])
        self.assertIn("nobody has missed Pinguin", self.refused("misses", "--drop", "Pinguin"))
        self.refused("misses", "--drop", "")
        self.assertEqual(self.done("misses", "--clear"), "3 rows forgotten.\n")
        self.assertEqual(self.words("--min", "1", "--days", "90"), [])
        self.assertEqual(self.done("misses"), "No word was missed twice or more; --min 1 shows all.\n")
        self.assertEqual(self.done("misses", "--min", "1"), "No word was missed.\n")

    def test_switched_off(self) -> None:
        """Where nothing is counted that is told, beside what was counted before."""
        path = Path(self.file("dictd.toml", "[history]\nmisses = false\n"))
        result = self.ctl("--config", str(path), "misses")
        self.assertIn("history.misses is off", result.stderr)
        self.assertIn("Pinguin", result.stdout)
