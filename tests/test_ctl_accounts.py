"""dictctl invite, as an administrator or a script calls them."""

from __future__ import annotations

import re
import time
from typing import Any

from dictd.accounts import invites
from dictd.sections import Store
from dictd.store import databases
from dictd.store.accounts import AccountQueries
from dictd.store.invites import InviteQueries
from tests.store.databases import committed, on_both, url
from tests.test_ctl import Commands

_CODE = re.compile(r"(?:[A-Z2-7]{4}-){3}[A-Z2-7]{4}")


@on_both
class Accounts(Commands):
    """A store with one account."""

    def setUp(self) -> None:
        super().setUp()
        self.url = url(self)
        self.done("invite", "--list")  # makes the tables of SQLite
        self.database = databases.database(Store(url=self.url), self.state / "store")
        self.connection: Any = self.database.connect("accounts")
        self.addCleanup(self.connection.close)
        self.run_(AccountQueries(self.database.dialect).add, "Zoë", "zoë".encode(), "hash", 0, b"nonce")

    def ctl(self, *args: str) -> Any:
        """On the database of this test."""
        return super().ctl("--store", self.url, *args)

    def run_(self, query: Any, *args: Any) -> Any:
        """What a server does."""
        return committed(self.connection, query, *args)

    def good(self, code: str, later: float = 0.0) -> bool:
        """Whether one may register by a code."""
        now = int((time.time() + later) * 1000)
        return bool(self.run_(InviteQueries(self.database.dialect).good, invites.hash_of(code), now))

    def test_invite(self) -> None:
        """A code and the line to type; good once, for a week."""
        said = self.done("invite")
        code, *_, line = said.splitlines()
        self.assertRegex(code, _CODE)
        self.assertEqual(line, f"    REGISTER name password {code}")
        self.assertIn("one person may say", said)
        self.assertTrue(self.good(code, 6.9 * 86400))
        self.assertFalse(self.good(code, 7 * 86400))

    def test_uses_and_days(self) -> None:
        """As many and as long as is said."""
        made = self.value("invite", "--uses", "3", "--days", "30")
        self.assertEqual((made["uses"], made["label"]), (3, made["code"][:4]))
        self.assertTrue(self.good(made["code"], 29.9 * 86400))
        use = InviteQueries(self.database.dialect).use
        self.assertEqual(
            [self.run_(use, invites.hash_of(made["code"]), int(time.time() * 1000)) for _ in range(4)],
            [True] * 3 + [False],
        )
        for wrong in (
            ("--uses", "0"),
            ("--days", "0"),
            ("--days", "366"),
            ("--uses", "1001"),
            ("--list", "--drop", "X"),
        ):
            self.misused("invite", *wrong)

    def test_list_and_drop(self) -> None:
        """By labels, never by codes; who dropped one has dropped that one."""
        self.assertIn("No invite", self.done("invite", "--list"))
        first, second = self.value("invite"), self.value("invite", "--uses", "2")
        listed = self.value("invite", "--list")
        self.assertEqual({one["label"]: one["uses"] for one in listed}, {first["label"]: 1, second["label"]: 2})
        self.assertNotIn(first["code"], self.done("invite", "--list"))
        self.assertEqual(
            self.done("invite", "--drop", first["label"].lower()), "1 invite dropped; who has registered stays.\n"
        )
        self.assertEqual((self.good(first["code"]), self.good(second["code"])), (False, True))
        self.assertIn("there is no invite", self.refused("invite", "--drop", first["label"]))

    def test_those_that_are_over(self) -> None:
        """They are listed as good for nobody, and go with the next that is made."""
        code, stored = invites.new(1, 2, 5)
        self.run_(InviteQueries(self.database.dialect).add, stored)
        self.assertRegex(self.done("invite", "--list"), rf"(?m)^{code[:4]} .* nobody$")
        self.assertEqual(self.value("invite", "--list")[0]["uses"], 0)
        made = self.value("invite")
        self.assertEqual([one["label"] for one in self.value("invite", "--list")], [made["label"]])

    def test_where_nobody_needs_one(self) -> None:
        """It says so beside the code."""
        self.assertIn("registration is open", self.ctl("invite").stderr)
