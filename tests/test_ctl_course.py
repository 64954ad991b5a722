"""``dictctl import-course``: everybody comes with all they have, nothing comes twice, and what cannot come is told."""

from __future__ import annotations

import hashlib
import re
import sqlite3
import time
from contextlib import closing
from typing import Any

from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.accounts.passwords import Passwords, normal
from dictd.accounts.recorder import key_of
from dictd.ctl import coursemoving, coursepeople
from dictd.ctl.coursepeople import KNOWN_SALTS, People, Secrets
from dictd.errors import ImportRefused
from dictd.importers.course import CourseUser
from dictd.model import DAY, EPOCH, MOVED_BEFORE, LookUp, moved_at, moved_row_id, row_id
from dictd.sections import Store
from dictd.store import databases
from dictd.store.accounts import AccountQueries
from dictd.store.arrivals import ArrivalQueries
from dictd.store.history import HIGHEST, REMEMBERED, HistoryQueries
from tests.store.databases import on_both
from tests.test_ctl import Commands

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TABLES = """create table user (id int primary key auto_increment, name varchar(32) not null, passwd varchar(128));
create table hist (id int primary key auto_increment, name varchar(32), word varchar(32), time datetime default now());
create table words (id int primary key auto_increment, word varchar(32), mean text);
"""
WORDS = (
    "insert into words (word, mean) values ('abacus', 'n. frame with beads'), ('a', 'art. one'), ('a', 'art. it''s');\n"
)
#: 2019-05-06 06:12:33 UTC.
MAY = 1_557_123_153_000


def md5(text: str) -> str:
    """Its MD5."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def users(*rows: tuple[str, str], first: int = 1) -> str:
    """Names and passwords."""
    values = ", ".join(f"({number}, '{name}', '{passwd}')" for number, (name, passwd) in enumerate(rows, first))
    return f"insert into user values {values};\n"  # noqa: S608 - a test's own


def look_ups(*rows: tuple[int, str, str, str]) -> str:
    """Rows of hist."""
    values = ", ".join(f"({number}, '{name}', '{word}', {when})" for number, name, word, when in rows)
    return f"insert into hist values {values};\n"  # noqa: S608 - a test's own


CLASS = (
    TABLES
    + users(("Tom", md5("Tomthe-salt123456")), ("李雷", md5("李雷the-saltpassw0rd")))
    + look_ups((1, "Tom", "abacus", "'2019-05-06 14:12:33'"), (2, "tom", "zzz", "'2019-05-06 14:12:33'"))
    + look_ups((3, "李雷", "A", "'2026-02-03 04:05:06'"))
    + WORDS
)


class Course(Commands):
    """A state directory, and a course's database as a dump."""

    def course(self, sql: str, *options: str) -> Result:
        """Import a dump, its times of Shanghai unless the options say otherwise."""
        zone = () if "--timezone" in options else ("--timezone", "Asia/Shanghai")
        return self.ctl("import-course", self.file("dict.sql", sql), *zone, *options)

    def came(self, sql: str, *options: str) -> Result:
        """Import a dump, which must end with 0."""
        result = self.course(sql, *options)
        self.assertEqual((result.exit_code, result.exception), (0, None), result.output)
        return result

    def outcome(self, sql: str, *options: str) -> Any:
        """The same, and the value that it prints."""
        path = self.file("dict.sql", sql)
        return self.value("import-course", path, "--timezone", "Asia/Shanghai", *options)

    def turned_down(self, sql: str, *options: str) -> str:
        """Import a dump, which must end with 1; the last line of what it says."""
        result = self.course(sql, *options)
        self.assertEqual(result.exit_code, 1, result.output)
        self.assertIsInstance(result.exception, SystemExit, result.output)
        line = result.stderr.splitlines()[-1]
        self.assertTrue(line.startswith("dictctl: "), line)
        return line.removeprefix("dictctl: ")

    def asked(self, query: Any, *args: Any) -> Any:
        """What a query on accounts says."""
        with closing(databases.database(Store(url=self.url), self.state / "store").connect("accounts")) as store:
            said = query(store.cursor(), *args)
            store.commit()
            return said

    @property
    def queries(self) -> AccountQueries:
        """Queries on accounts."""
        return AccountQueries(databases.database(Store(url=self.url), self.state / "store").dialect)

    def passwd(self, name: str) -> str:
        """What is kept as somebody's password."""
        account = self.asked(self.queries.find, name.casefold().encode())
        assert account is not None, name
        return str(account.passwd)

    def lets_in(self, name: str, password: str) -> bool:
        """Whether somebody can log in with a password."""
        return Passwords.made(None, 8192, 1, 1)._matches(self.passwd(name), normal(password))

    def history(self, name: str) -> list[LookUp]:
        """What is kept of somebody, newest first."""
        account = self.asked(self.queries.find, name.casefold().encode())
        assert account is not None, name
        now = int(time.time() * 1000)
        rows: list[LookUp] = self.asked(HistoryQueries(self.queries.dialect).newest, account.user.id, 100, None, now)
        return rows

    def words(self, name: str) -> list[str]:
        """The words in somebody's history, newest first."""
        return [row.word for row in self.history(name)]


@on_both
class Comes(Course):
    """What comes."""

    def test_everything(self) -> None:
        """Users, what they looked up, and the words, which are served when the command ends."""
        result = self.came(CLASS)
        self.assertEqual(
            result.stdout,
            "2 users came with 3 look-ups.\n3 words came, as the dictionary course.\n"
            "Everybody logs in with the old password. Ask them for a better one: PASSWD old new\n",
        )
        self.assertIn(
            "users from user(id, name, passwd)\nlook-ups from hist(id, name, word, time)\n"
            "words from words(id, word, mean)\n"
            "passwords: 2 md5 with the salt {name}the-salt (certain: 1 are right by it)\n",
            result.stderr,
        )
        self.assertTrue(self.lets_in("Tom", "123456"))
        self.assertTrue(self.lets_in("李雷", "passw0rd"))
        self.assertFalse(self.lets_in("Tom", "passw0rd"))
        first, second = self.history("Tom")
        self.assertEqual((first.word, first.found, first.time, first.dictionary), ("zzz", 0, MAY, "course"))
        self.assertEqual((second.word, second.found, second.time, second.k), ("abacus", 1, MAY, key_of("abacus")))
        self.assertEqual([(row.word, row.found) for row in self.history("李雷")], [("A", 2)])
        self.assertEqual([text for _, text in self.served("a")], ["a\n    art. one", "a\n    art. it's"])

    def test_nothing_twice(self) -> None:
        """A second run changes nothing, and brings only what came to be there since."""
        self.came(CLASS)
        before = (self.passwd("Tom"), self.history("Tom"), self.history("李雷"))
        outcome = self.outcome(CLASS)
        self.assertEqual((outcome["users"], outcome["before"], outcome["look_ups"]), (0, ["Tom", "李雷"], 0))
        self.assertEqual((self.passwd("Tom"), self.history("Tom"), self.history("李雷")), before)
        more = CLASS + users(("Ann", "secret"), first=3)
        more += look_ups((4, "Tom", "a", "'2026-03-01 00:00:00'"), (5, "Ann", "a", "'2026-03-01 00:00:00'"))
        outcome = self.outcome(more)
        self.assertEqual((outcome["users"], outcome["look_ups"], outcome["words"]), (1, 2, 3))
        self.assertEqual((self.words("Tom"), self.words("Ann")), (["a", "zzz", "abacus"], ["a"]))
        self.assertEqual(self.count("words"), 3)

    def test_forgotten(self) -> None:
        """What somebody has forgotten here does not come back, not even when that is not remembered any more."""
        self.came(CLASS)
        history, user = HistoryQueries(self.queries.dialect), self.history("Tom")[0].user_id
        now = int(time.time() * 1000)
        self.asked(history.forget, user, key_of("zzz"), row_id(now, 0, 0), now)
        self.came(CLASS)
        self.assertEqual(self.words("Tom"), ["abacus"])
        later = now + REMEMBERED + DAY
        self.asked(history.expire, later)
        self.assertEqual(self.asked(_forgotten), [])
        self.patch(coursemoving.time, "time", lambda: later / 1000)
        self.came(CLASS + look_ups((9, "Tom", "new", f"'{time.strftime('%Y-%m-%d', time.gmtime(later / 1000))}'")))
        self.assertEqual(self.words("Tom"), ["new", "abacus"])

    def test_paused(self) -> None:
        """Nothing comes that was looked up while somebody wanted nothing to be kept."""
        self.came(CLASS)
        self.asked(self.queries.set_paused, self.history("Tom")[0].user_id, MAY + DAY)
        more = look_ups((4, "Tom", "before", "'2019-05-06 14:12:34'"), (5, "Tom", "after", "'2020-05-06 14:12:33'"))
        self.came(CLASS + more)
        self.assertEqual(self.words("Tom"), ["before", "zzz", "abacus"])

    def test_dry_run(self) -> None:
        """Everything is told as it would be, and nothing is changed, also not the second time."""
        kinds = ("user", "hist", "words", "generation")
        value = self.outcome(CLASS, "--dry-run")
        self.assertEqual((value["dry_run"], value["users"], value["look_ups"], value["words"]), (True, 2, 3, 3))
        if self.url == "sqlite":
            self.assertFalse(self.state.exists())
        self.came(CLASS)
        rows = [self.count(table) for table in kinds[2:]]
        result = self.came(CLASS + users(("Ann", "secret"), first=3), "--dry-run")
        self.assertEqual(
            result.stdout,
            "1 user would come with 3 look-ups; 2 users had come before.\n"
            "3 words would come, as the dictionary course.\nNothing was changed.\n",
        )
        self.assertEqual([self.count(table) for table in kinds[2:]], rows)

    def test_plain_text(self) -> None:
        """Plain text is hashed as any password is, however short it is; without one nobody is let in."""
        result = self.came(TABLES + users(("Tom", "000000"), ("Ann", ""), ("Bob", "x" * 513)))
        self.assertRegex(self.passwd("Tom"), r"^\$argon2id\$v=19\$m=19456,t=2,p=1\$")
        self.assertTrue(self.lets_in("Tom", "000000"))
        self.assertFalse(self.lets_in("Ann", ""))
        self.assertIn("passwords: 1 in plain text\n", result.stderr)
        self.assertRegex(result.stderr, f"^into .*the state directory {self.state}\n")
        for name in ("Ann", "Bob"):
            self.assertIn(f"  {name} has no password there that could be kept, and cannot log in before", result.stderr)

    def test_salts(self) -> None:
        """Each way of the course, found out or said; a salt that is wrong is not taken, nor is one guessed."""
        for number, (salt, made) in enumerate(
            [("", "{}"), ("*#$%7a", "*#$%7a{}"), ("{name}the-salt", "{name}the-salt{}"), ("my own", "my own{}")]
        ):
            name = f"pupil{number}"
            sql = TABLES + users((name, md5(made.format("123456", name=name))), first=number + 1)
            outcome = self.outcome(sql, *(("--salt", salt) if salt == "my own" else ()))
            self.assertEqual((outcome["salt"], outcome["certain"]), (salt, True))
            self.assertTrue(self.lets_in(name, "123456"), salt)
            self.assertNotIn(md5(made.format("123456", name=name)), self.passwd(name))
        unknown = TABLES + users(("Ann", md5("my ownsome thing")), first=99)
        self.assertIn("no salt is known that fits: look for hashlib.md5(", self.turned_down(unknown))
        result = self.came(unknown, "--salt", "my own")
        self.assertIn("md5 with the salt my own (not certain: let somebody log in", result.stderr)
        self.assertTrue(self.lets_in("Ann", "some thing"))
        self.assertIn("can be told to be the right one", self.turned_down(unknown, "--salt", "a", "--salt", "b"))
        sure = TABLES + users(("Tom", md5("Tomthe-salt123456")), first=98)
        self.assertIn(
            "are md5 with the salt {name}the-salt; say --salt '{name}the-salt'", self.turned_down(sure, "--salt", "x")
        )

    def test_forced(self) -> None:
        """What is said of the passwords is believed."""
        sql = TABLES + users(("Tom", md5("x")), ("Ann", "secret"))
        self.came(sql, "--hash", "plain")
        self.assertTrue(self.lets_in("Tom", md5("x")))
        result = self.came(sql.replace("Tom", "Tim").replace("Ann", "Una"), "--hash", "md5", "--salt", "")
        self.assertIn("Una has no password there", result.stderr)
        self.assertTrue(self.lets_in("Tim", "x"))

    def test_names(self) -> None:
        """Who cannot have the name here is told with a way out; until then nothing comes."""
        sql = TABLES + users(("alice", "1"), ("Alice", "2"), ("a b", "3"), ("alice", "4"), ("王", "5")) + WORDS
        sql += look_ups((1, "alice", "one", "'2019-05-06'"), (2, "Alice", "two", "'2019-05-06'"))
        sql += look_ups((3, "a b", "three", "'2019-05-06'"), (4, "ALICE", "four", "'2019-05-06'"))
        result = self.course(sql)
        self.assertEqual(result.exit_code, 1)
        lines = [line for line in result.stderr.splitlines() if line.startswith("  ")]
        ways = [re.search(r"--rename '([^']+)'", line) for line in lines]
        self.assertEqual(
            [way and way[1] for way in ways], ["Alice=Alice1", "a b=a_b", "#4=alice2", "王=王1"], result.stderr
        )
        self.assertIn("4 users cannot come under the old name", result.stderr.splitlines()[-1])
        self.assertEqual((self.count("generation"), self.asked(_users)), (0, []))
        result = self.came(sql, "--skip-refused")
        self.assertIn("1 user came with 1 look-up.", result.stdout)
        # Nobody is given what another has looked up, whose name differs in case alone.
        self.assertEqual(self.words("alice"), ["one"])
        result = self.came(sql, *(part for way in ways if way for part in ("--rename", way[1])))
        self.assertIn("4 users came with 2 look-ups; 1 user had come before.", result.stdout)
        self.assertEqual((self.words("Alice1"), self.words("a_b"), self.words("alice")), (["two"], ["three"], ["one"]))
        self.assertTrue(self.lets_in("alice2", "4"))
        for rename, why in (("bob=x1", "nobody there is called bob"), ("alice=a b", "a name has 2 to 32")):
            self.assertIn(why, self.turned_down(sql, "--rename", rename))
        self.assertIn("say OLD=NEW", self.misused("import-course", "x.sql", "--rename", "bob"))

    def test_dry_run_of_names(self) -> None:
        """A dry run tells of all who cannot come, and ends as the run would."""
        result = self.course(TABLES + users(("a b", "1"), ("b", "2")), "--dry-run")
        self.assertEqual(result.exit_code, 1)
        self.assertEqual(result.stderr.count("--rename '"), 2)
        self.assertIn("Nothing was changed.", result.stdout)

    def test_of_others(self) -> None:
        """An account of that name that did not come from there is left alone, and told; so is its history."""
        self.came(TABLES + users(("Tom", "first"), first=7))
        theirs = self.passwd("Tom")
        result = self.came(CLASS)
        self.assertIn("  Tom has an account here that did not come from there, and it is left alone", result.stderr)
        self.assertIn("2 look-ups left out, of names that do not come: Tom (1), tom (1)", result.stderr)
        self.assertEqual((self.passwd("Tom"), self.history("Tom")), (theirs, []))
        self.came(CLASS, "--rename", "Tom=Tom2")
        self.assertEqual(self.words("Tom2"), ["zzz", "abacus"])
        outcome = self.outcome(CLASS)
        self.assertEqual((outcome["before"], outcome["alone"]), (["Tom2", "李雷"], []))

    def test_dictionary_of_others(self) -> None:
        """A dictionary that came from somewhere else is not replaced."""
        self.done("import", self.file("course.tsv", "crow\ta bird\n"))
        self.assertIn("choose another name with --name", self.turned_down(CLASS))
        self.assertEqual(self.asked(_users), [])
        self.came(CLASS, "--name", "class-a", "--title", "Of class A")
        self.assertEqual([one["title"] for one in self.value("list")], ["course", "Of class A"])

    def test_other_time_zone(self) -> None:
        """A second run that reads the times in another zone would double everything, and is refused."""
        self.came(CLASS)
        self.assertIn("say the --timezone of the first time", self.turned_down(CLASS, "--timezone", "UTC"))
        self.assertEqual(self.words("Tom"), ["zzz", "abacus"])

    def test_times(self) -> None:
        """Rows without a time stand before all others in their order, rows of times to come are left out and told."""
        rows = (
            (1, "Tom", "one", "null"),
            (2, "Tom", "two", "'0000-00-00 00:00:00'"),
            (4, "Tom", "four", "'2019-05-06'"),
        )
        result = self.came(TABLES + users(("Tom", "x")) + look_ups(*rows, (5, "Tom", "five", "'2999-01-01'")))
        self.assertEqual(self.words("Tom"), ["four", "two", "one"])
        self.assertEqual([row.time for row in self.history("Tom")][1:], [2, 1])
        self.assertIn("2 look-ups without a time, shown as of the first day of 1970", result.stderr)
        self.assertIn("1 look-up left out, of times to come: is --timezone right?", result.stderr)

    def test_names_of_nobody(self) -> None:
        """Rows of names that have no user are counted and told; their history was open to any name."""
        result = self.came(CLASS + look_ups((8, "or 1=1", "x", "'2019-05-06'"), (9, "ghost", "y", "'2019-05-06'")))
        self.assertIn("2 look-ups left out, of names that do not come: or 1=1 (1), ghost (1)", result.stderr)

    def test_by_number(self) -> None:
        """A history that names its users by their ids."""
        tables = TABLES.replace("name varchar(32), word", "user_id int, word")
        self.came(tables + users(("Tom", "x"), ("Ann", "y")) + look_ups((1, "2", "hers", "'2019-05-06'")))
        self.assertEqual((self.words("Tom"), self.words("Ann")), ([], ["hers"]))

    def test_parts(self) -> None:
        """A database of which only some tables are there gives those."""
        result = self.came(TABLES.splitlines()[2] + WORDS)
        self.assertEqual(result.stdout, "3 words came, as the dictionary course.\n")
        self.assertIn("no table of users\nno table of look-ups\n", result.stderr)
        result = self.came(TABLES.splitlines()[0] + users(("Tom", "x")))
        self.assertEqual(result.stdout.splitlines()[0], "1 user came with 0 look-ups.")

    def test_words_left_out(self) -> None:
        """Words that cannot be kept are told one by one; all others come, with their quotes."""
        more = "insert into words (word, mean) values ('', 'x'), ('b', ''), ('b', null), ('c', 'it''s \"c\"');"
        result = self.came(CLASS + more)
        self.assertIn("  row 4 of words left out, no headword: \n", result.stderr)
        self.assertIn("  row 5 of words left out, no meaning: b\n", result.stderr)
        self.assertEqual(self.served("c", "course"), [("course", 'c\n    it\'s "c"')])
        result = self.came(TABLES + users(("Una", "x"), first=9))
        self.assertIn("  there is no word with a meaning, so no dictionary\n", result.stderr)
        self.assertEqual(len(self.served("a", "course")), 2)


def _forgotten(txn: Any) -> Any:
    txn.execute("SELECT user_id FROM forgotten")
    return list(txn.fetchall())


def _users(txn: Any) -> Any:
    txn.execute("SELECT name FROM user")
    return list(txn.fetchall())


class Whole(Course):
    """What happens when something breaks."""

    def test_all_or_nothing(self) -> None:
        """People and look-ups are written at once: where it breaks nothing has come, and the next run brings all."""
        kept: list[int] = []

        def full(self: HistoryQueries, *args: Any) -> int:
            kept.append(1)
            raise sqlite3.OperationalError("database or disk is full")

        patched = self.patch(HistoryQueries, "settle", full)
        self.assertIn("database or disk is full; type the same again", self.turned_down(CLASS))
        self.assertEqual((self.asked(_users), kept), ([], [1]))
        patched.restore()
        self.came(CLASS)
        self.assertEqual(self.words("Tom"), ["zzz", "abacus"])

    def test_taken_meanwhile(self) -> None:
        """Somebody who registers a name while passwords are hashed keeps it, and nothing else is changed."""
        self.came(TABLES + users(("Zoe", "x"), first=50))

        def nobody(self: ArrivalQueries, txn: Any, keys: Any) -> dict[bytes, Any]:
            return {}

        self.patch(ArrivalQueries, "of_keys", nobody)
        sql = TABLES + users(("Tom", "1"), ("Zoe", "2"))
        self.assertIn("Zoe was registered meanwhile", self.turned_down(sql))
        self.assertEqual(self.asked(_users), [("Zoe",)])

    def test_terminal(self) -> None:
        """A name that would move the cursor moves nothing."""
        result = self.course(TABLES + users(("\x1b[2Jx y", "1"), ("ab\ncd", "1")))
        self.assertEqual(result.exit_code, 1)
        self.assertNotIn("\x1b", result.stderr)
        self.assertNotIn("ab\ncd", result.stderr)

    def test_usage(self) -> None:
        """What is wrong with the arguments is told before anything is read."""
        for arguments, why in (
            (("no.sql",), "No such file"),
            (("x.sql", "--timezone", "Beijing"), "no time zone; say one like Asia/Shanghai"),
            (("x.sql", "--charset", "klingon"), "is not an encoding"),
            (("x.sql", "--name", "a b"), "cannot be the name of a dictionary"),
            (("mysql://root:123456@localhost/dict",), "must not hold a password: it goes in DICTD_COURSE_PASSWORD or"),
            (("mysql://localhost/dict",), "the URL must say as which user"),
            (("mysql://root@127.0.0.1:1/dict",), "does it run, and is that its address?"),
            (("mysql://root@localhost/dict", "--password-file", "no/such"), "No such file"),
        ):
            self.assertIn(why, self.refused("import-course", *arguments))
        self.assertNotIn("123456", self.refused("import-course", "mysql://root:123456@localhost/dict"))


class Proposals(SynchronousTestCase):
    """Names for those who cannot keep theirs."""

    @UNHURRIED
    @given(st.lists(st.text(max_size=40), max_size=8))
    def test_every_way_works(self, names: list[str]) -> None:
        """Whatever the names are, everybody comes with the ways that are told."""
        there = [CourseUser(str(number), name, "x") for number, name in enumerate(names, 1)]
        renames = {}
        for one in People.of(there, {}).refused:
            found = re.fullmatch(r"--rename '(.*)' brings them under another name", one.way, re.DOTALL)
            assert found is not None, one.way
            old, _, new = found[1].replace("'\\''", "'").rpartition("=")
            renames[old] = new
        people = People.of(there, renames)
        self.assertEqual((people.refused, len(people.coming)), ([], len(there)))
        self.assertEqual(len({person.name.key for person in people.coming}), len(there))
        self.assertEqual(len({person.nonce for person in people.coming}), len(there))

    def test_two_classes(self) -> None:
        """Two classes with an alice each have two people."""
        first = People.of([CourseUser("1", "Tom", "x"), CourseUser("2", "alice", "y")], {})
        second = People.of([CourseUser("1", "Ann", "x"), CourseUser("2", "alice", "y")], {})
        self.assertNotEqual(first.coming[1].nonce, second.coming[1].nonce)

    def test_long_names(self) -> None:
        """The longest names of the course and its salts can be kept."""
        for salt in KNOWN_SALTS:
            long = CourseUser("1", "名" * 28, md5("x"))
            self.assertTrue(Secrets({}, salt, 1, "").usable(long), salt)
        self.assertFalse(Secrets({}, "{name}" * 9, 1, "").usable(CourseUser("1", "名" * 28, md5("x"))))

    def test_salts_are_tried_once(self) -> None:
        """Whoever says a salt twice is understood."""
        there = [CourseUser("1", "Tom", md5("salty!"))]
        self.assertEqual(Secrets.of(there, "", ["a", "a"]).salt, "a")
        self.assertRaises(ImportRefused, Secrets.of, there, "", [])
        self.assertEqual(coursepeople.PLAIN, "plain")


#: Times until 2059, and rows of one user in a millisecond.
moments, numbers = st.integers(1, EPOCH + (1 << 40)), st.integers(0, 2047)


class RowIds(SynchronousTestCase):
    """The ids of rows that were made elsewhere."""

    @UNHURRIED
    @given(
        st.integers(1, EPOCH + (1 << 40)), st.integers(0, 2047), st.integers(1, EPOCH + (1 << 40)), st.integers(0, 2047)
    )
    def test_order(self, time: int, number: int, other: int, another: int) -> None:
        """They rise with time and number, are above 0, and none is another."""
        first, second = moved_row_id(time, number), moved_row_id(other, another)
        self.assertEqual(first < second, (time, number) < (other, another))
        self.assertTrue(0 < first <= HIGHEST)

    @UNHURRIED
    @given(st.integers(MOVED_BEFORE, EPOCH + (1 << 40)), st.integers(0, 1023), st.integers(0, 2047))
    def test_among_ours(self, time: int, worker: int, counter: int) -> None:
        """All from before 2026 are lower than any of ours; later ones are among ours by time, and none is one."""
        ours = row_id(time, worker, counter)
        self.assertGreater(ours, moved_row_id(MOVED_BEFORE - 1, 70_000))
        self.assertGreater(ours, moved_row_id(time - 1, 0))
        self.assertLess(ours, moved_row_id(time + 1, 0))
        self.assertIsNone(moved_at(ours))

    def test_very_many(self) -> None:
        """However many rows one user has in a millisecond, none is another."""
        for moment in (MAY, MOVED_BEFORE - 1, MOVED_BEFORE):
            ids = [moved_row_id(moment, number) for number in range(0, 200_000, 512)]
            self.assertEqual(ids, sorted(set(ids)))

    @UNHURRIED
    @given(moments, numbers)
    def test_time(self, time: int, number: int) -> None:
        """Their time can be read from them."""
        self.assertEqual(moved_at(moved_row_id(time, number)), time)
