"""dictctl users, as an administrator or a script calls it."""

from __future__ import annotations

import json
import os
import pty
import re
import socket
import subprocess
import sys
import time
from contextlib import closing
from typing import Any

import argon2
from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from dictd import ctl
from dictd.accounts.names import AccountName, proposed
from dictd.accounts.passwords import invented
from dictd.ctl import users
from dictd.model import EPOCH, LookUp, StoredKey, User, row_id
from dictd.processes.state import Lock
from dictd.sections import Store
from dictd.store import census, databases
from dictd.store.accounts import AccountQueries
from dictd.store.history import HistoryQueries
from dictd.store.keys import KeyQueries
from dictd.store.leases import LeaseQueries
from tests.store.databases import committed, is_mariadb, on_both
from tests.support.programs import CHECKOUT, environment
from tests.test_ctl import Commands
from tests.test_ctl_server import Answering

SECRET = "correct horse"
MADE = re.compile(r"^    ([a-z][a-z0-9]{3}(?:-[a-z][a-z0-9]{3}){2})$", re.MULTILINE)
#: Hashes that take no time.
CHEAP = {"DICTD_ACCOUNTS_HASH_MEMORY_KIB": "8192", "DICTD_ACCOUNTS_HASH_PASSES": "1"}


class People(Commands):
    """A store, and what a server would see in it."""

    def ctl(self, *args: str, sent: str | bytes = "") -> Result:
        """Run dictctl; its standard input is no terminal."""
        env: dict[str, str | None] = {name: None for name in os.environ if name.startswith("DICTD_")}
        options = ["--state-dir", str(self.state), *(("--store", self.url) if self.url != "sqlite" else ())]
        return CliRunner().invoke(ctl.main, [*options, *args], input=sent, env=env | CHEAP, prog_name="dictctl")

    def said(self, sent: str | bytes, *args: str) -> str:
        """What is printed, where something is sent."""
        result = self.ctl(*args, sent=sent)
        self.assertEqual((result.exit_code, result.exception), (0, None), result.output)
        return result.stdout

    def database(self) -> databases.Database:
        """Of this test."""
        return databases.database(Store(url=self.url), self.state / "store")

    def run_(self, query: Any, *args: Any) -> Any:
        """What a server does; the tables are made where there are none."""
        with closing(self.database().connect("accounts")) as connection:
            return committed(connection, query, *args)

    def passwd(self, name: str) -> str:
        """The hash of somebody's password."""
        account = self.run_(AccountQueries(self.database().dialect).find, AccountName.key_of(name).encode())
        return str(account.passwd)

    def is_password(self, name: str, secret: str) -> bool:
        """Whether a password is somebody's."""
        try:
            return argon2.PasswordHasher().verify(self.passwd(name), secret)
        except argon2.exceptions.VerifyMismatchError:
            return False

    def user(self, name: str) -> User:
        """Somebody who has an account."""
        account = self.run_(AccountQueries(self.database().dialect).find, AccountName.key_of(name).encode())
        found: User = account.user
        return found

    def add(self, *names: str) -> None:
        """Give them accounts."""
        for name in names:
            self.said(SECRET, "users", "add", name, "--password-stdin")

    def looked_up(self, name: str, *words: str) -> None:
        """Give somebody a history: one word a second."""
        user = self.user(name)
        rows = [
            LookUp(user.id, row_id(EPOCH + 1000 * number, 1, 0), EPOCH + 1000 * number, word, word.encode(), "wn", 1)
            for number, word in enumerate(words)
        ]
        self.run_(HistoryQueries(self.database().dialect).keep, rows)

    def with_key(self, name: str, *labels: str) -> None:
        """Give somebody keys."""
        for label in labels:
            self.run_(KeyQueries(self.database().dialect).add, StoredKey(self.user(name).id, label, b"x", "k", 1), 16)

    def keys(self, name: str) -> int:
        """How many somebody has."""
        return len(self.run_(KeyQueries(self.database().dialect).of, self.user(name).id))


@on_both
class Add(People):
    """``dictctl users add``."""

    def test_from_standard_input(self) -> None:
        """Its first line is the password, without its end; nothing of it is printed."""
        self.assertEqual(
            self.said("correct horse\r\nmore\n", "users", "add", "alice", "--password-stdin"), "alice has an account.\n"
        )
        self.assertTrue(self.is_password("alice", SECRET))
        self.assertTrue(self.passwd("alice").startswith("$argon2id$v=19$m=8192,t=1,p=1$"))

    def test_made(self) -> None:
        """One that is made is printed once, and is the password."""
        out = self.done("users", "add", "Zoë", "--generate", "--role", "admin")
        self.assertIn("Zoë has an account, and is admin.", out)
        (secret,) = MADE.findall(out)
        self.assertTrue(self.is_password("zoë", secret))
        value = self.value("users", "add", "bob", "--generate")
        self.assertEqual({**value, "password": ""}, {"name": "bob", "role": "user", "password": ""})
        self.assertTrue(self.is_password("bob", value["password"]))

    def test_names(self) -> None:
        """Those that the server would refuse, and those that are taken, in whatever spelling."""
        self.add("Ｂｏｂ")
        self.assertIn("Bob has an account", self.ctl("users", "add", "Bob", "--generate").stderr)
        self.assertIn("dictctl users passwd BOB", self.refused("users", "add", "BOB", "--generate"))
        for name in ("x", "a b", "x" * 33, "", "a\tb"):
            self.assertRegex(self.refused("users", "add", name, "--generate"), "a name has 2 to 32|a blank cannot")
        self.assertEqual([one["name"] for one in self.value("users", "list")], ["Bob"])

    def test_passwords_refused(self) -> None:
        """Too short, nothing, no text, more than anybody can type; no account is made and nothing is shown."""
        for sent in ("short\n", "", "\n", b"caf\xe9 caf\xe9\n", "tab\tulators\n", "x" * 513):
            result = self.ctl("users", "add", "alice", "--password-stdin", sent=sent)
            self.assertEqual((result.exit_code, result.stdout, result.stderr.count("\n")), (1, "", 1), result.output)
            self.assertNotIn("short", result.stderr)
        self.assertEqual(self.value("users", "list"), [])

    def test_nobody_to_ask(self) -> None:
        """Without a terminal it says what else there is."""
        self.assertIn("--generate makes one", self.misused("users", "add", "alice"))
        self.misused("users", "add", "alice", "--generate", "--password-stdin")

    def test_name_that_cannot_be(self) -> None:
        """What is wrong with it, and what would do."""
        for name, said in (
            ("Eva Braun", "a blank cannot be in the name of an account; perhaps Eva.Braun"),
            ("O'Brien", "a name has 2 to 32 letters, digits, dots, dashes or underscores; perhaps OBrien"),
            ("! !", "a name has 2 to 32 letters, digits, dots, dashes or underscores"),
        ):
            self.assertEqual(self.refused("users", "add", name, "--generate"), said)
        self.assertEqual(self.value("users", "list"), [])

    def test_registered_meanwhile(self) -> None:
        """Who registers between our look and our commit keeps the name."""
        self.add("alice")
        before = self.passwd("alice")
        self.patch(users.Register, "find", lambda *_: None)
        self.assertEqual(self.refused("users", "add", "Alice", "--generate"), "Alice has an account already")
        self.assertEqual(self.passwd("alice"), before)


@on_both
class Changes(People):
    """A password, a role, the end of an account; no server runs."""

    def setUp(self) -> None:
        super().setUp()
        self.add("alice", "bob")

    def test_passwd(self) -> None:
        """The new one holds, the old one does not; keys stay, and that is said."""
        self.with_key("alice", "phone", "laptop")
        out = self.said("battery staple", "users", "passwd", "ALICE", "--password-stdin")
        self.assertIn("alice has another password. 2 keys for AUTH still let in: --drop-keys ends them.", out)
        self.assertEqual(
            (self.is_password("alice", "battery staple"), self.is_password("alice", SECRET), self.keys("alice")),
            (True, False, 2),
        )
        self.assertTrue(self.is_password("bob", SECRET))

    def test_passwd_and_keys(self) -> None:
        """With --drop-keys they end; those of others stay."""
        self.with_key("alice", "phone")
        self.with_key("bob", "phone")
        value = self.value("users", "passwd", "alice", "--generate", "--drop-keys")
        self.assertTrue(self.is_password("alice", value.pop("password")))
        self.assertEqual(value, {"name": "alice", "ended": None, "keys": 0})
        self.assertEqual((self.keys("alice"), self.keys("bob")), (0, 1))

    def test_passwd_of_somebody_disabled(self) -> None:
        """A new password opens nothing, and that is said."""
        self.done("users", "disable", "alice")
        self.assertIn("dictctl users enable alice", self.done("users", "passwd", "alice", "--generate"))
        self.assertTrue(self.value("users", "list", "--disabled"))

    def test_accents(self) -> None:
        """Who has none on the keyboard is told of the name that has them, and the other way round."""
        self.add("Zoë", "Éva", "zora")
        for typed, near in (("ZOE", "Zoë"), ("eva", "Éva"), ("Alicé", "alice"), ("Ëva", "Éva")):
            for command in (("delete", "--yes"), ("passwd", "--generate"), ("disable",), ("role",)):
                said = self.refused("users", command[0], typed, *command[1:])
                self.assertEqual(
                    said, f"there is no account {typed}; perhaps {near}; dictctl users list shows those there are"
                )
        for typed in ("zo", "zoes", "", "!", "\u0301", "\U0010ffff", "小"):
            self.assertNotIn("perhaps", self.refused("users", "role", typed), typed)
        self.patch(sys.modules["dictd.ctl.register"], "_LOOKED_AT", 0)
        self.assertNotIn("perhaps", self.refused("users", "role", "zoe"))

    def test_disable_and_enable(self) -> None:
        """Some at once; nothing is lost; who is named in vain spoils it for all."""
        self.looked_up("alice", "penguin")
        self.with_key("alice", "phone")
        self.assertIn("there is no account eve", self.refused("users", "disable", "alice", "eve"))
        self.assertEqual(self.value("users", "list", "--disabled"), [])
        self.assertEqual(self.done("users", "disable", "alice", "BOB"), "alice is disabled.\nbob is disabled.\n")
        self.assertEqual(self.value("users", "disable", "alice"), [{"name": "alice", "disabled": True, "ended": None}])
        self.assertEqual([one["name"] for one in self.value("users", "list", "--disabled")], ["alice", "bob"])
        self.assertEqual(self.done("users", "enable", "alice"), "alice may log in.\n")
        (alice,) = self.value("users", "list", "alice", "--counts")
        self.assertEqual((alice["disabled"], alice["lookups"], alice["keys"]), (False, 1, 1))
        self.assertTrue(self.is_password("alice", SECRET))

    def test_delete(self) -> None:
        """Account, keys and history go, in slices; others stay."""
        self.patch(users, "SLICE", 2)
        self.patch(sys.modules["dictd.store.history"], "SLICE", 2)
        for name in ("alice", "bob"):
            self.looked_up(name, *"abcde")
            self.with_key(name, "phone")
        self.assertIn("5 look-ups and 1 key for ever; say --yes", self.refused("users", "delete", "alice"))
        slices: list[int] = []
        clear = HistoryQueries.clear

        def counted(*args: Any) -> int:
            slices.append(clear(*args))
            return slices[-1]

        self.patch(HistoryQueries, "clear", counted)
        self.assertEqual(
            self.done("users", "delete", "alice", "--yes"), "alice with 5 look-ups and 1 key is deleted.\n"
        )
        self.assertEqual(slices, [2, 2, 1])
        (bob,) = self.value("users", "list", "--counts")
        self.assertEqual((bob["name"], bob["lookups"], bob["keys"]), ("bob", 5, 1))
        self.assertIn("there is no account alice", self.refused("users", "delete", "alice", "--yes"))
        self.assertEqual(self.run_(HistoryQueries(self.database().dialect).last_rid) >> 60, 0)

    def test_rows_of_the_deleted_do_not_come_back(self) -> None:
        """What waited in a spool for somebody who was deleted, or is there again, is left out."""
        was = self.user("alice")
        row = LookUp(was.id, row_id(EPOCH, 1, 0), EPOCH, "penguin", b"penguin", "wn", 1)
        self.done("users", "delete", "alice", "--yes")
        self.add("alice")
        self.assertEqual(self.run_(HistoryQueries(self.database().dialect).replay, [row], EPOCH), 0)
        self.assertEqual([one["lookups"] for one in self.value("users", "list", "--counts")], [0, 0])

    def test_servers_elsewhere(self) -> None:
        """Where other machines have the store too it is said that sessions there end a little later."""
        now = int(time.time() * 1000)
        leases = LeaseQueries(self.database().dialect)
        self.run_(leases.take, f"{socket.gethostname()} 7 abcd", now)
        self.run_(leases.take, "gone 7 abcd", now - 130_000)
        self.assertEqual(self.done("users", "disable", "alice"), "alice is disabled.\n")
        self.run_(leases.take, "north 7 abcd", now)
        self.assertNotIn("machines", self.done("users", "enable", "alice"))
        for command in (("disable", "alice"), ("passwd", "alice", "--generate"), ("delete", "alice", "--yes")):
            out = self.done("users", *command)
            self.assertEqual("; connections on other machines end within a few seconds." in out, is_mariadb(self), out)

    def test_deletion_that_was_cut_off(self) -> None:
        """It leaves the account disabled, and is done again."""

        def cut(*_: Any) -> None:
            raise KeyboardInterrupt

        self.patch(HistoryQueries, "clear", cut)
        self.assertNotEqual(self.ctl("users", "delete", "alice", "--yes").exit_code, 0)
        self.assertEqual([one["name"] for one in self.value("users", "list", "--disabled")], ["alice"])

    def test_role(self) -> None:
        """Shown and set, by any spelling of the name."""
        self.add("Zoë")
        self.assertEqual(self.done("users", "role", "zoë"), "Zoë is user.\n")
        self.assertEqual(self.done("users", "role", "ZOË", "admin"), "Zoë is admin.\n")
        self.assertEqual(self.value("users", "role", "Zoë"), {"name": "Zoë", "role": "admin"})
        self.assertEqual(self.done("users", "role", "zoë", "user"), "Zoë is user.\n")
        self.misused("users", "role", "zoë", "king")
        for command in (("role", "eve"), ("passwd", "eve", "--generate"), ("enable", "a b"), ("delete", "eve")):
            self.assertIn("dictctl users list shows those there are", self.refused("users", *command))


@on_both
class Listed(People):
    """``dictctl users list``."""

    def setUp(self) -> None:
        super().setUp()
        self.assertIn("dictctl users add NAME", self.done("users", "list"))
        self.add("alice", "Bob", "Straße")
        self.done("users", "role", "bob", "admin")
        self.looked_up("alice", "penguin", "crow")

    def names(self, *args: str) -> list[str]:
        """Who is listed."""
        return [one["name"] for one in self.value("users", "list", *args)]

    def test_all(self) -> None:
        """A table, by name; the last look-up without counting, the number where it is asked for."""
        self.with_key("alice", "phone")
        out = self.done("users", "list")
        self.assertRegex(out, r"(?m)^name +role +since +last look-up +keys$")
        self.assertRegex(out, r"(?m)^alice +user +20\d\d-\d\d-\d\d +2025-01-01 00:00 UTC +1$")
        self.assertIn("3 accounts", out)
        self.assertRegex(self.done("users", "list", "--counts"), r"(?m)^alice .* +2 +1$")
        self.assertNotIn("lookups", self.value("users", "list")[0])
        self.assertEqual(self.value("users", "list")[0]["last_lookup"], "2025-01-01T00:00:01Z")

    def test_some(self) -> None:
        """By a part of the name, by a pattern for all of it, by what they are."""
        for args, expected in (
            ((), ["alice", "Bob", "Straße"]), (("LI",), ["alice"]), (("strasse",), ["Straße"]), (("b*",), ["Bob"]),
            (("?ob",), ["Bob"]), (("*e",), ["alice", "Straße"]), (("[ab]*",), []), (("zz",), []),
            (("--admins",), ["Bob"]), (("--disabled",), []), (("--admins", "alice"), []),
        ):  # fmt: skip
            self.assertEqual(self.names(*args), expected, args)
        self.assertEqual(self.done("users", "list", "zz"), "Nobody.\n")

    def test_state(self) -> None:
        """What is not as usual stands beside the name."""
        queries = AccountQueries(self.database().dialect)
        self.run_(queries.set_paused, self.user("alice").id, 1)
        self.run_(queries.set_keep_days, self.user("bob").id, 7)
        self.done("users", "disable", "alice")
        out = self.done("users", "list")
        self.assertIn("disabled, history off", out)
        self.assertIn("history 7 days", out)

    def test_many(self) -> None:
        """More than one statement asks for."""
        self.looked_up("straße", "crow")
        self.patch(census, "_AT_ONCE", 2)
        self.assertEqual([one["last_lookup"] is None for one in self.value("users", "list")], [False, True, False])


class Terminal(People):
    """Typed at a terminal."""

    def typed(self, *args: str, answers: tuple[str, ...]) -> tuple[int, str]:
        """Exit code and screen of a command, each question answered in turn."""
        command = [sys.executable, "-m", "dictd.ctl", "--state-dir", str(self.state), *args]
        ours, theirs = pty.openpty()
        try:
            process = subprocess.Popen(
                command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment() | CHEAP, cwd=CHECKOUT,
                start_new_session=True, preexec_fn=_take_terminal,  # noqa: PLW1509 - one thread
            )  # fmt: skip
            os.close(theirs)
            screen, left = "", list(answers)
            while piece := _read(ours):
                screen += piece
                if left and re.search(r"(?:: |\]: )$", screen):
                    os.write(ours, left.pop(0).encode() + b"\n")
                    screen += "\n"
            return process.wait(30), screen
        finally:
            os.close(ours)

    def test_twice(self) -> None:
        """Asked again where it is too short or the two differ; never shown."""
        code, screen = self.typed("users", "add", "alice", answers=("short", SECRET, "correct house", SECRET, SECRET))
        self.assertEqual(code, 0, screen)
        for text in ("8 to 512 bytes; please choose another", "two different passwords", "alice has an account."):
            self.assertIn(text, screen)
        for secret in ("short", "correct"):
            self.assertNotIn(secret, screen)
        self.assertTrue(self.is_password("alice", SECRET))

    def test_delete_asks_back(self) -> None:
        """No is the answer unless it is yes."""
        self.add("alice")
        for answer, left in (("", 1), ("n", 1), ("y", 0)):
            code, screen = self.typed("users", "delete", "alice", answers=(answer,))
            self.assertIn("Delete alice with 0 look-ups and 0 keys, for ever? [y/N]", screen)
            self.assertEqual((code, len(self.value("users", "list"))), (left, left), screen)


def _take_terminal() -> None:
    """The terminal of a process is its standard input."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read(descriptor: int) -> str:
    try:
        return os.read(descriptor, 4096).decode()
    except OSError:  # the other end is closed
        return ""


class Told(Answering, People):
    """What a running server hears."""

    def setUp(self) -> None:
        People.setUp(self)
        self.asked: list[dict[str, Any]] = []
        self.add("alice", "bob")

    def test_what_it_hears(self) -> None:
        """The id, the name and what was done, for the log; how many connections ended is told."""
        (alice, bob) = (self.user(name).id for name in ("alice", "bob"))
        with self.server({"ok": 2}):
            self.assertEqual(
                self.done("users", "disable", "alice", "bob"),
                "alice is disabled; 2 connections ended.\nbob is disabled; 2 connections ended.\n",
            )
            self.assertIn("another password; 2 connections ended.", self.done("users", "passwd", "bob", "--generate"))
            self.done("users", "enable", "alice", "bob")
            self.done("users", "role", "alice", "admin")
            self.assertIn("is deleted; 2 connections ended.", self.done("users", "delete", "alice", "--yes"))
        self.assertEqual(
            [tuple(asked.values()) for asked in self.asked],
            [
                ("sign_out", alice, "alice", "is disabled"),
                ("sign_out", bob, "bob", "is disabled"),
                ("sign_out", bob, "bob", "has another password"),
                ("sign_out", alice, "alice", "is disabled"),
            ],
        )

    def test_first_the_store(self) -> None:
        """When the server hears of it the store has it: a login that begins then sees it."""
        seen: list[Any] = []

        def look() -> None:
            seen.append((self.passwd("alice"), self.value("users", "list", "alice")[0]["disabled"]))

        self.patch(self, "answering", look)
        before = self.passwd("alice")
        with self.server({"ok": 0}):
            self.done("users", "passwd", "alice", "--generate")
            self.done("users", "disable", "alice")
        self.assertEqual(seen, [(self.passwd("alice"), False), (self.passwd("alice"), True)])
        self.assertNotEqual(before, self.passwd("alice"))

    def test_keys_that_come_meanwhile(self) -> None:
        """One that a session makes before it ends goes too, with whoever came by it."""

        def make() -> None:
            if len(self.asked) == 1:
                self.with_key("alice", "late")

        self.patch(self, "answering", make)
        with self.server({"ok": 1}):
            self.assertIn("2 connections", self.done("users", "passwd", "alice", "--generate", "--drop-keys"))
        self.assertEqual((self.keys("alice"), len(self.asked)), (0, 2))

    def test_not_told(self) -> None:
        """It is said what holds, what may go on and what to type; a password that was made is shown all the same."""
        with self.server({"trouble": "something went wrong"}):
            result = self.ctl("users", "passwd", "alice", "--generate")
        (secret,) = MADE.findall(result.stdout)
        self.assertTrue(self.is_password("alice", secret))
        self.assertEqual(result.exit_code, 1)
        self.assertRegex(
            result.stderr,
            r"^dictctl: alice has another password in the store, but the server could not be told: something went"
            r" wrong\. Connections of alice may go on; type: dictctl kick alice; .*\n$",
        )
        with self.server({"trouble": "something went wrong"}):
            result = self.ctl("--json", "users", "disable", "alice", "bob")
        self.assertEqual((result.exit_code, len(self.asked)), (1, 2))  # who is silent is asked once
        self.assertEqual([one["ended"] for one in json.loads(result.stdout)], [None, None])
        self.assertEqual(len(self.value("users", "list", "--disabled")), 2)

    def test_not_told_of_a_deletion(self) -> None:
        """Nothing is deleted before its sessions have ended."""
        with self.server({"trouble": "something went wrong"}):
            said = self.refused("users", "delete", "alice", "--yes")
        self.assertIn("Nothing is deleted yet: say dictctl users delete alice again", said)
        self.assertEqual([one["name"] for one in self.value("users", "list", "--disabled")], ["alice"])

    def test_server_without_a_socket(self) -> None:
        """One that has the lock and cannot be asked is running, and is not told."""
        lock = Lock(self.state / "lock")
        self.assertTrue(lock.take())
        self.addCleanup(lock.release)
        self.assertIn("could not be told", self.ctl("users", "disable", "alice").stderr)


class Values(SynchronousTestCase):
    """Passwords that are made, names that are proposed."""

    def test_invented(self) -> None:
        """Nothing in them is taken for something else, nothing begins a formula, none comes twice."""
        made = {invented() for _ in range(500)}
        self.assertEqual(len(made), 500)
        for secret in made:
            self.assertRegex(secret, r"^[bcdfhjknprtvx][bcdfhjknprtvx346789]{3}(-[bcdfhjknprtvx][a-z346789]{3}){2}$")
            self.assertNotRegex(secret, "[aeiouylmwgqsz0125]")

    def test_proposed(self) -> None:
        """What is near, where anything is."""
        for text, expected in (
            ("Anna Müller", "Anna.Müller"), ("Müller, Anna", "Anna.Müller"), ("O'Brien", "OBrien"), (" a/b ", "a.b"),
            ("Jean-Luc  Picard", "Jean-Luc.Picard"), ("王 小明", "王.小明"), ("anna@example.org", "anna.example.org"),
            ("x" * 40, "x" * 32), ("=cmd()", "cmd"), ("-x y", "x.y"),
        ):  # fmt: skip
            name = proposed(text)
            assert name is not None, text
            self.assertEqual(name.shown, expected)
        for text in ("", "x", "!!", "a,b,c,d" * 0, "-"):
            self.assertIsNone(proposed(text), text)
