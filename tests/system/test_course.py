"""A class moves: the course's tables in a real MariaDB, and dumps of them, to a server in which everybody logs in."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pymysql
from attrs import field, frozen
from twisted.trial.unittest import SynchronousTestCase

from dictd.store.sqlite import ACCOUNTS_FILE
from tests.support import mariadb
from tests.support.debian import package
from tests.support.programs import dictctl, environment
from tests.support.server import Caller, Server

WORDS, HISTORY, PUPILS = 20_000, 5_000, 10
SHANGHAI = timezone(timedelta(hours=8))
BEGAN = datetime(2018, 11, 1, 8, 30, tzinfo=SHANGHAI)
_ROW = re.compile(r'(\S+) (\S+) "(.*)" (\d+)')
_OLDER = re.compile(r"250 ok, older ones: (HISTORY .*)")

USER = (
    "create table user (id int primary key auto_increment,name varchar(32) not null,passwd varchar(128) not null)"
    "default charset=utf8"
)
#: The tables as copies of the course make them: times as DATETIME, as the text of ctime, as TIMESTAMP.
HIST = "create table hist (id int primary key auto_increment,name varchar(32) not null,word varchar(32) not null,{}"
TIMES = (
    "time datetime default now())default charset=utf8",
    "time varchar(64))default charset=utf8",
    "time timestamp default now())default charset=utf8",
)
TABLE_OF_WORDS = "create table words (id int primary key auto_increment,word char(32),mean text)default charset={}"


@frozen
class Class:
    """One class: how its copy of the course keeps passwords and times, and who is in it.

    :ivar kept: a password as it is kept for a name.
    """

    name: str
    kept: Callable[[str, str], str]
    time: str
    told: str
    pupils: list[tuple[str, str]] = field(init=False)

    @pupils.default
    def _pupils(self) -> list[tuple[str, str]]:
        some = [(f"{self.name}_{number}", f"pass {self.name} {number}"[: 6 + number]) for number in range(PUPILS - 2)]
        return [(f"{self.name}李雷", "123456"), (f"Tom-{self.name}", "密码1"), *some]

    def looked_up(self, number: int) -> tuple[str, str, datetime]:
        """Name, word and time of a row of the history."""
        name, _ = self.pupils[number % PUPILS]
        word = f"word{number * 7 % (WORDS + 2000):05}"
        return name, word, BEGAN + timedelta(seconds=number * 3601)


def digest(text: str) -> str:
    """Its MD5."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


CLASSES = (
    Class("plain", lambda _, password: password, TIMES[0], "passwords: 10 in plain text"),
    Class(
        "constant",
        lambda _, password: digest("*#$%7a" + password),
        TIMES[1],
        "passwords: 10 md5 with the salt *#$%7a (certain: 1 are right by it)",
    ),
    Class(
        "named",
        lambda name, password: digest(f"{name}the-salt{password}"),
        TIMES[2],
        "passwords: 10 md5 with the salt {name}the-salt (certain: 1 are right by it)",
    ),
)
ZONE = ("--timezone", "Asia/Shanghai")


class Moves(SynchronousTestCase):
    """Three classes of ten, 20,000 words, 5,000 look-ups."""

    def setUp(self) -> None:
        """A server of databases with a user who may read."""
        self.state = Path(self.mktemp()).absolute()
        self.databases = mariadb.shared()
        self.databases.grant("teacher", "blackboard")
        # Whatever the clock of the server of databases shows.
        self.databases.rows("", "SET GLOBAL time_zone = '+05:00'")
        self.addCleanup(self.databases.rows, "", "SET GLOBAL time_zone = 'SYSTEM'")

    def made(self, one: Class, words: int) -> str:
        """A database as a class has it; its words are UTF-8 in a table that says it is latin1, as it happened."""
        name = self.databases.database()
        self.addCleanup(self.databases.drop, name)
        with self.databases.root(name) as connection, connection.cursor() as cursor:
            cursor.execute("SET time_zone = '+08:00'")
            cursor.execute(USER)
            cursor.execute(HIST.format(one.time))
            cursor.execute(TABLE_OF_WORDS.format("latin1"))
            passwords = [(name, one.kept(name, password)) for name, password in one.pupils]
            cursor.executemany("insert into user (name,passwd) values (%s,%s)", passwords)
            form = "%a %b %e %H:%M:%S %Y" if "varchar" in one.time else "%Y-%m-%d %H:%M:%S"
            rows = [one.looked_up(number) for number in range(HISTORY // len(CLASSES) + 1)]
            cursor.executemany(
                "insert into hist (name,word,time) values (%s,%s,%s)",
                [(name, word, when.strftime(form)) for name, word, when in rows],
            )
        with (
            closing(
                pymysql.connect(
                    unix_socket=self.databases.socket, user="root", database=name, charset="latin1", ssl_disabled=True
                )
            ) as careless,
            careless.cursor() as cursor,
        ):
            means = [f'n. 第{number}个单词, it\'s "quoted" \\ {number}' for number in range(words)]
            cursor.executemany(
                "insert into words (word,mean) values (%s,%s)",
                [(f"word{number:05}", mean.encode()) for number, mean in enumerate(means)],
            )
            careless.commit()
        return name

    def ctl(self, *arguments: str) -> tuple[dict[str, Any], str]:
        """Import; the outcome, and what was said besides."""
        done = dictctl(self.state, "--json", "import-course", *arguments, *ZONE)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads(done.stdout), done.stderr.decode()

    def kept(self) -> dict[str, str]:
        """Everybody's password as it is kept now."""
        with closing(sqlite3.connect(self.state / "store" / ACCOUNTS_FILE)) as accounts:
            return dict(accounts.execute("SELECT name, passwd FROM user"))

    def ensure_no_trace(self) -> None:
        """In no file of the state directory is a digest or a password of the course."""
        kept = b"".join(path.read_bytes() for path in self.state.rglob("*") if path.is_file())
        for one in CLASSES:
            for name, password in one.pupils:
                self.assertNotIn(digest(f"{name}the-salt{password}").encode(), kept)
                self.assertNotIn(digest("*#$%7a" + password).encode(), kept)
        self.assertNotIn("密码1".encode(), kept)
        self.assertNotIn(b"pass plain", kept)

    def test_classes(self) -> None:
        """Everybody logs in with the old password, sees the history and finds the words; no digest is left."""
        password = Path(self.mktemp())
        password.write_text("blackboard\n")
        databases = [self.made(one, WORDS if one is CLASSES[0] else 10) for one in CLASSES]
        for one, database in zip(CLASSES, databases, strict=True):
            url = self.databases.url(database, "teacher")
            outcome, said = self.ctl(url, "--password-file", str(password), "--name", f"course-{one.name}")
            self.assertIn(one.told, said)
            self.assertIn("text that was stored as if it were Latin-1 is mended", said)
            self.assertEqual((outcome["users"], outcome["nobodys"], outcome["undated"]), (PUPILS, 0, 0))
            self.assertEqual(outcome["look_ups"], HISTORY // len(CLASSES) + 1)
        self.ensure_no_trace()
        kept = self.kept()
        self.assertEqual(len(kept), PUPILS * len(CLASSES))
        for one in CLASSES:
            begin = "$argon2id$" if one.name == "plain" else "$wrapped-md5$"
            self.assertTrue(all(kept[name].startswith(begin) for name, _ in one.pupils))
        server = Server.started(self.state)
        self.addCleanup(server.kill)
        for one in CLASSES:
            self.log_everybody_in(server, one)
        after = self.kept()
        self.assertTrue(all(passwd.startswith("$argon2id$") for passwd in after.values()), after)
        for one in CLASSES[:2]:
            self.log_everybody_in(server, one)
        self.assertEqual(self.kept(), after)
        self.ensure_no_trace()
        server.stop()

    def log_everybody_in(self, server: Server, one: Class) -> None:
        """Each with the old password; what they see is what they looked up."""
        for number, (name, password) in enumerate(one.pupils):
            caller = server.connect()
            self.addCleanup(caller.close)
            said = caller.ask(f'LOGIN {name} "{password}"')
            self.assertEqual(said[-1][:3], "230", (name, said))
            rows = [one.looked_up(row) for row in range(number, HISTORY // len(CLASSES) + 1, PUPILS)]
            expected = [(word, when.astimezone(UTC)) for _, word, when in reversed(rows)]
            self.assertEqual(history(caller)[-len(rows) :], expected)
            answer = "\n".join(caller.ask(f"DEFINE course-{one.name} word00003"))
            self.assertIn('n. 第3个单词, it\'s "quoted" \\ 3', answer)
            caller.close()

    def test_dumps(self) -> None:
        """What mariadb-dump writes brings the same as the database: after it nothing is new, whichever comes first."""
        program = package("mariadb-client") / "usr/bin/mariadb-dump"
        for one in CLASSES:
            database = self.made(one, 50)
            dump = Path(self.mktemp() + ".sql").absolute()
            with dump.open("wb") as file:
                subprocess.run(
                    [program, f"--socket={self.databases.socket}", "--user=root", "--skip-ssl", database],
                    stdout=file,
                    check=True,
                    timeout=60,
                    env=environment(),
                )
            self.assertIn("第".encode().decode("cp1252").encode(), dump.read_bytes())  # as it is kept there
            name = ("--name", f"course-{one.name}")
            sources = [str(dump), self.databases.url(database)]
            first, _ = self.ctl(sources[one is CLASSES[1]], *name)
            self.assertEqual((first["users"], first["look_ups"]), (PUPILS, HISTORY // len(CLASSES) + 1))
            second, _ = self.ctl(sources[one is not CLASSES[1]], *name)
            self.assertEqual((second["users"], len(second["before"]), second["look_ups"]), (0, PUPILS, 0))
            self.assertEqual((first["words"], second["words"]), (50, 50))

    def test_password(self) -> None:
        """The password of the database comes by the environment, is asked for by nobody, and is in no message."""
        database = self.made(CLASSES[0], 10)
        url = self.databases.url(database, "teacher")
        done = dictctl(self.state, "import-course", url)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"the password is in DICTD_COURSE_PASSWORD, or in a --password-file", done.stderr)
        done = subprocess.run(
            [sys.executable, "-m", "dictd.ctl", "--state-dir", str(self.state), "import-course", url, "--dry-run"],
            capture_output=True,
            timeout=60,
            check=False,
            env={**environment(), "DICTD_COURSE_PASSWORD": "blackboard"},
        )
        self.assertEqual((done.returncode, b"blackboard" in done.stdout + done.stderr), (0, False), done.stderr)
        self.assertIn(b"10 users would come with 1,667 look-ups.", done.stdout)

    def test_only_read(self) -> None:
        """The course's database is the same afterwards, and a user who may only read is enough."""
        database = self.made(CLASSES[2], 10)
        self.databases.rows("", "CREATE OR REPLACE USER onlooker@'%'")
        self.databases.rows("", f"GRANT SELECT ON {database}.* TO onlooker@'%'")
        sums = "CHECKSUM TABLE user, hist, words"
        before = self.databases.rows(database, sums)
        outcome, _ = self.ctl(self.databases.url(database, "onlooker"))
        self.assertEqual(outcome["users"], PUPILS)
        self.assertEqual(self.databases.rows(database, sums), before)


def history(caller: Caller) -> list[tuple[str, datetime]]:
    """Words and times of all pages, newest first."""
    seen: list[tuple[str, datetime]] = []
    line = "HISTORY 100"
    while line:
        *rows, last = caller.ask(line)
        found = [match for row in rows if (match := _ROW.fullmatch(row))]
        seen += [(match[3], datetime.fromisoformat(match[1])) for match in found]
        older = _OLDER.fullmatch(last)
        line = older[1] if older else ""
    return seen
