"""dictctl history export: what a user looked up, to take away."""

from __future__ import annotations

import csv
import io
import json
import stat
import time
from pathlib import Path

from dictd.accounts.spool import Spool
from dictd.ctl import history
from dictd.model import DAY, EPOCH, LookUp, row_id
from dictd.store.accounts import AccountQueries
from dictd.store.history import HistoryQueries
from tests.store.databases import on_both
from tests.test_ctl_users import People

WORDS = ("penguin", "-ness", "=1+1", 'say "hi", you', "日本", "crow")


@on_both
class Export(People):
    """Alice has a history, and Bob has another."""

    def setUp(self) -> None:
        super().setUp()
        self.add("alice", "bob")
        self.looked_up("alice", *WORDS)
        self.looked_up("bob", "secret")

    def test_jsonl(self) -> None:
        """An object a line, oldest first, times with milliseconds in UTC; how many is said beside it."""
        result = self.ctl("history", "export", "ALICE")
        rows = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual([row["word"] for row in rows], [*WORDS])
        self.assertEqual(rows[1], {"time": "2025-01-01T00:00:01.000Z", "word": "-ness", "dictionary": "wn", "found": 1})
        self.assertEqual(result.stderr, "6 look-ups of alice.\n")

    def test_json(self) -> None:
        """One value; --json asks for it too."""
        value = json.loads(self.done("history", "export", "alice", "--format", "json"))
        self.assertEqual([row["word"] for row in value], [*WORDS])
        self.assertEqual(self.value("history", "export", "alice"), value)
        self.done("users", "add", "eve", "--generate")
        self.assertEqual(self.value("history", "export", "eve"), [])
        self.assertEqual(self.done("history", "export", "eve"), "")

    def test_csv(self) -> None:
        """No cell is a formula; the mark for Excel where it is asked for."""
        out = self.ctl("history", "export", "alice", "--format", "csv").stdout_bytes.decode()
        rows = list(csv.reader(io.StringIO(out, newline="")))
        self.assertEqual(rows[0], ["time", "word", "dictionary", "found"])
        self.assertEqual([row[1] for row in rows[1:]], ["penguin", "'-ness", "'=1+1", 'say "hi", you', "日本", "crow"])
        marked = self.ctl("history", "export", "alice", "--format", "csv", "--bom").stdout_bytes.decode()
        self.assertEqual(marked, "\ufeff" + out)
        self.misused("history", "export", "alice", "--bom")

    def test_output(self) -> None:
        """Into a file for its owner alone, in place of the last one."""
        path = self.files / "alice.jsonl"
        for _ in range(2):
            result = self.ctl("--json", "history", "export", "alice", "--output", str(path))
            self.assertEqual(json.loads(result.stdout), {"name": "alice", "rows": 6, "spooled": 0, "file": str(path)})
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(len(path.read_text("utf-8").splitlines()), 6)
        self.assertEqual([one.name for one in self.files.iterdir()], ["alice.jsonl"])

    def test_pages(self) -> None:
        """Page by page, each row once; what is looked up meanwhile is for the next time."""
        self.patch(history, "_PAGE", 2)
        oldest = HistoryQueries.oldest
        asked: list[int] = []

        def paged(*args: object, **kwargs: object) -> list[LookUp]:
            rows = oldest(*args, **kwargs)  # type: ignore[arg-type]
            if not asked:
                self.looked_up("bob", "secret")
                late = LookUp(self.user("alice").id, row_id(EPOCH + DAY, 1, 0), EPOCH + DAY, "late", b"late", "wn", 1)
                self.run_(HistoryQueries(self.database().dialect).keep, [late])
            asked.append(len(rows))
            return rows

        self.patch(HistoryQueries, "oldest", paged)
        rows = [json.loads(line) for line in self.done("history", "export", "alice").splitlines()]
        self.assertEqual([row["word"] for row in rows], [*WORDS])
        self.assertEqual(asked, [2, 2, 2, 0])

    def test_kept_for_some_days(self) -> None:
        """What the user does not want to be kept so long is not written."""
        user = self.user("alice")
        now = int(time.time() * 1000)
        late = LookUp(user.id, row_id(now, 1, 0), now, "today", b"today", "wn", 0)
        self.run_(HistoryQueries(self.database().dialect).keep, [late])
        self.run_(AccountQueries(self.database().dialect).set_keep_days, user.id, 7)
        rows = [json.loads(line)["word"] for line in self.done("history", "export", "alice").splitlines()]
        self.assertEqual(rows, ["today"])

    def test_spooled(self) -> None:
        """Rows that wait for the store are counted and told of, and stay where they are."""
        user = self.user("alice")
        spool = Spool(self.state / "spool" / ("0" * 16), 1 << 20)
        self.addCleanup(spool.close)
        rows = [LookUp(user.id, row_id(EPOCH + n, 1, 0), EPOCH + n, "waits", b"waits", "wn", 1) for n in range(3)]
        rows.append(LookUp(self.user("bob").id, row_id(EPOCH, 1, 0), EPOCH, "waits", b"waits", "wn", 1))
        spool.append(rows)
        result = self.ctl("history", "export", "alice")
        self.assertEqual(len(result.stdout.splitlines()), 6)
        self.assertIn("3 look-ups of alice are in the spool and not among these", result.stderr)
        self.assertEqual(len([*Path(self.state / "spool").rglob("*.rows")]), 1)

    def test_nobody(self) -> None:
        """An account that is not there; a file that cannot be."""
        self.assertIn("there is no account eve", self.refused("history", "export", "eve"))
        self.refused("history", "export", "alice", "--output", str(self.files / "none" / "x"))
        self.assertIn("is no file", self.refused("history", "export", "alice", "--output", str(self.files)))
