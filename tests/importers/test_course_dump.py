"""FILE.sql: its encoding, its packing, its tables; and times as the course keeps them."""

from __future__ import annotations

import gzip
import os
import time
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import ImportRefused
from dictd.importers.course import Course, CourseUser
from dictd.importers.coursedump import Dump
from dictd.importers.coursestatements import TableName
from dictd.importers.coursetables import Table, recognised
from dictd.importers.coursetext import Texts, check_charset, mended
from dictd.importers.coursetimes import milliseconds, zone_of

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
SHANGHAI = ZoneInfo("Asia/Shanghai")
WORDS = "CREATE TABLE words (id int, word varchar(32), mean text);\nINSERT INTO words VALUES (1,'abacus','算盘 é');\n"
ROW = "INSERT words VALUES (1,'x')"
MEAN = [("abacus", "算盘 é")]


def latin1(text: str) -> str:
    """UTF-8 as a server shows it that takes it for its latin1."""
    places = {place: bytes((place,)).decode("cp1252", "ignore") or chr(place) for place in range(0x80, 0xA0)}
    return text.encode().decode("latin-1").translate(places)


class Files(SynchronousTestCase):
    """Files of all kinds."""

    def file(self, content: bytes | str) -> Path:
        """One with a content."""
        path = Path(self.mktemp() + ".sql")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def course(self, content: bytes | str, charset: str = "", zone: tzinfo | None = SHANGHAI) -> Course:
        """What is taken of it."""
        return Course.of(Dump(self.file(content), charset), {}, "", zone)

    def test_encodings(self) -> None:
        """Whatever the encoding, the words are the same, also where the dump says a wrong one."""
        names = "/*!40101 SET NAMES {} */;\n"
        for content in (
            WORDS.encode(),
            b"\xef\xbb\xbf" + WORDS.encode(),
            (names.format("utf8mb4") + WORDS).encode(),
            (names.format("latin1") + WORDS).encode(),  # octets that went through as they were
            (names.format("utf8") + latin1(WORDS)).encode(),
            (names.format("gbk") + WORDS).encode("gb18030"),
            WORDS.encode("gb18030"),
            WORDS.encode("utf-16"),
            gzip.compress(WORDS.encode()),
        ):
            self.assertEqual(list(self.course(content).words()), MEAN, content[:40])

    def test_charset(self) -> None:
        """What is said is taken, and nothing is mended then."""
        self.assertEqual(list(self.course(WORDS.encode("gb18030"), "gbk").words()), MEAN)
        mangled = latin1(WORDS)
        self.assertEqual(list(self.course(mangled, "utf8").words()), [("abacus", latin1("算盘 é"))])
        course = self.course(WORDS.replace("算盘", "”").encode("cp1252"), "latin1")
        self.assertEqual(list(course.words()), [("abacus", "” é")])
        for charset in ("base64", "klingon", "utf-16", ""):
            if charset:
                self.assertRaises(ImportRefused, check_charset, charset)

    def test_back_slash_in_gbk(self) -> None:
        """The second octet of a Chinese character may be a back slash or a quote's neighbour."""
        text = WORDS.replace("算盘 é", "珅誠許蓋")
        self.assertIn(b"\\", text.encode("gb18030"))
        self.assertEqual(list(self.course(text.encode("gb18030")).words()), [("abacus", "珅誠許蓋")])

    def test_broken(self) -> None:
        """Octets that are nothing leave a gap, and are counted; the rest of the row is there."""
        course = self.course(WORDS.replace("算盘", "X").encode().replace(b"X", b"_\xff_"), "utf8")
        self.assertEqual((list(course.words()), course.texts.broken), ([("abacus", "_\ufffd_ é")], 1))

    def test_octets(self) -> None:
        """Passwords in a column of octets, as mysqldump writes them with and without --hex-blob."""
        text = "CREATE TABLE user (id int, name varchar(9), passwd varbinary(32));INSERT INTO user VALUES (1,'a',{});"
        for value in ("0x313233", "_binary '123'", "x'313233'", "123"):
            self.assertEqual(self.course(text.format(value)).users(), [CourseUser("1", "a", "123")])

    def test_refused(self) -> None:
        """What is no dump is told, each in a line of its own."""
        for content, why in (
            (b"", "is empty"),
            (b"PK\3\4\0\0\0\0", "is not SQL text; make one with mysqldump"),
            (gzip.compress(WORDS.encode() * 99)[:-9], "cut off or damaged"),
            (gzip.compress(WORDS.encode())[:9] + b"\xff\xff\xff\xff", "cut off or damaged"),
            (b"hello", "none of the course's tables"),
            (b"CREATE TABLE t (a int);", "its tables are: t; say which with --users"),
            (f"{WORDS}{ROW};", "line 3 or later: a row of words has 2 values for 3 columns"),
            (f"{WORDS}{ROW[:-2]}", "line 3: a quote or a comment begins here"),
        ):

            def taken(content: bytes | str = content) -> None:
                list(self.course(content).words())

            self.assertIn(why, self.assertRaises(ImportRefused, taken).text)
        self.assertIn("No such file", self.assertRaises(ImportRefused, Dump(Path("no/such.sql")).tables).text)

    def test_variants(self) -> None:
        """Tables and columns as copies of the course have them."""
        for text, told in (
            ("create table userInfo (password varchar(9), name varchar(9))", "users from userInfo(name, password)"),
            (
                "create table dict_user (uid int, username char(9), pwd char(9))",
                "users from dict_user(uid, username, pwd)",
            ),
            ("INSERT INTO `users` (`Name`, `PassWd`) VALUES ('a','b');", "users from users(Name, PassWd)"),
            ("create table history (id int, name char(9), word char(9))", "look-ups from history(id, name, word)"),
            ("create table hist (user_id int, word text, tm int)", "look-ups from hist(user_id, word, tm)"),
            ("create table dict (id int, name char(9), word char(9), mean text)", "words from dict(id, word, mean)"),
            ("create table dict_database (word char(9), ex text)", "words from dict_database(word, ex)"),
            ("create table words (id int, word char(9), interpret text)", "words from words(id, word, interpret)"),
            ("create table english (en char(9), chinese text)", "words from english(en, chinese)"),
        ):
            (taken,) = self.course(text).taken.values()
            self.assertEqual(str(taken), told)

    def test_which_table(self) -> None:
        """The likelier name wins; where none is likely people say; the users of the server are not the course's."""
        columns = (("name", "char"), ("passwd", "char"))

        def tables(*names: str) -> list[Table]:
            return [Table(TableName(*name.split(".")), columns) for name in names]

        def told(*names: str, database: str = "", users: str = "") -> str:
            found = recognised(tables(*names), {"users": users}, database, "FILE.sql")
            return str(found["users"].table.name.database + "." + str(found["users"].table))

        self.assertEqual(told("d.users", "d.user", "d.admins"), "d.user")
        self.assertEqual(told("d.admins"), "d.admins")
        self.assertEqual(told("d.user", "d.admins", users="ADMINS"), "d.admins")
        self.assertEqual(told("mysql.user", "d.user"), "d.user")
        self.assertEqual(told("d.user", "e.user", database="E"), "e.user")
        for names, options, why in (
            (("d.admins", "d.pupils"), {}, "may have users in admins or pupils; say which with --users"),
            (("d.user", "e.user"), {}, "in several databases: d, e; say which with --database"),
            (("d.user",), {"users": "people"}, "has no table people"),
            (("mysql.user",), {}, "has none of the course's tables"),
        ):
            error = self.assertRaises(ImportRefused, told, *names, **options)
            self.assertIn(why, error.text)
        lean = [Table(TableName("d", "user"), (("name", "char"),))]
        error = self.assertRaises(ImportRefused, recognised, lean, {"users": "user"}, "", "FILE.sql")
        self.assertIn("they need name and passwd, it has name", error.text)

    def test_order_of_columns(self) -> None:
        """Values go to their columns, in whatever order a statement has them."""
        text = "CREATE TABLE user (passwd char(9), id int, name char(9));INSERT INTO user VALUES ('p',7,'n');"
        text += "INSERT INTO user (name, passwd) VALUES ('m','q');"
        self.assertEqual(self.course(text).users(), [CourseUser("7", "n", "p"), CourseUser("2", "m", "q")])

    def test_ids_that_are_none(self) -> None:
        """An id with more digits than Python reads is none; the row comes all the same."""
        text = "INSERT INTO hist (id, name, word, time) VALUES (" + "9" * 5000 + ",'a','b','x'),(7,'a','c','x');"
        self.assertEqual([one.number for one in self.course(text).look_ups()], [0, 7])

    def test_timestamps(self) -> None:
        """TIMESTAMP is in UTC where the dump has set that, DATETIME is always of the clock on the wall."""
        for kind, zone, hours in (
            ("timestamp NULL", "/*!40103 SET TIME_ZONE='+00:00' */;", 0),
            ("timestamp NULL", 'SET time_zone = "+00:00";', 0),
            ("timestamp NULL", "", 8),
            ("datetime", "/*!40103 SET TIME_ZONE='+00:00' */;", 8),
            ("varchar(64)", "/*!40103 SET TIME_ZONE='+00:00' */;", 8),
        ):
            text = f"CREATE TABLE hist (name char(9), word char(9), time {kind});\n{zone}\n"
            text += "INSERT INTO hist VALUES ('a','b','2019-05-06 14:12:33');"
            (one,) = self.course(text).look_ups()
            self.assertEqual(one.time, (1_557_151_953 - hours * 3600) * 1000, (kind, zone))


class Text(SynchronousTestCase):
    """Text that was stored as something else."""

    @UNHURRIED
    @given(st.text(min_size=1))
    def test_mended(self, text: str) -> None:
        """UTF-8 that was taken for Latin-1 is what it was, for every text there is."""
        self.assertEqual(mended(latin1(text)), text)

    def test_left_alone(self) -> None:
        """Text that only looks a little like it stays."""
        for text in ("café", "naïve", "Ärger", "算盘", "“quoted”", "Ã", "â‚", "€ 5"):
            self.assertEqual(mended(text), text)

    def test_counted(self) -> None:
        """How many were mended is known; where the encoding was said none is."""
        texts = Texts("utf-8")
        self.assertEqual(
            [texts.of(latin1("算")), texts.of("算"), texts.of(b"x"), texts.of(None)], ["算", "算", "x", None]
        )
        self.assertEqual((texts.mended, texts.broken), (1, 0))
        self.assertEqual(Texts("utf-8", exact=True).of(latin1("算")), latin1("算"))


class Times(SynchronousTestCase):
    """Times."""

    def test_forms(self) -> None:
        """All forms are the same moment, of a clock in Shanghai."""
        for text in (
            "2019-05-06 14:12:33",
            "2019-05-06 14:12:33.000000",
            "2019-05-06T14:12:33",
            "2019/5/6 14:12:33",
            "2019年5月6日 14:12:33",
            "Mon May  6 14:12:33 2019",
            "mon may 06 14:12:33 2019",
            "2019-05-06T06:12:33Z",
            "2019-05-06 07:12:33+01:00",
            "1557123153",
            "1557123153.0004",
            "  2019-05-06 14:12:33 ",
        ):
            self.assertEqual(milliseconds(text, SHANGHAI), 1_557_123_153_000, text)
        self.assertEqual(milliseconds("2019-05-06", SHANGHAI), 1_557_072_000_000)
        self.assertEqual(milliseconds("2019-05-06 14:12:33.125", SHANGHAI), 1_557_123_153_125)

    def test_none(self) -> None:
        """What is no time, or none that anybody looked a word up at, is none."""
        for text in (
            None,
            "",
            "0000-00-00 00:00:00",
            "2019-13-01",
            "2019-02-30 00:00:00",
            "yesterday",
            "1",
            "1969-12-31",
            "2019-05-06 14:12:33+99:99",
        ):
            self.assertIsNone(milliseconds(text, SHANGHAI), text)
        self.assertIsNone(milliseconds("Mon Foo  6 14:12:33 2019", SHANGHAI))

    @UNHURRIED
    @given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)))
    def test_round_trip(self, moment: datetime) -> None:
        """Every moment is read as what it was, to the millisecond, or the second that ctime tells."""
        zone = timezone(timedelta(hours=8))
        exact = round(moment.replace(tzinfo=zone).timestamp() * 1000)
        self.assertEqual(milliseconds(str(moment), zone), exact)
        whole = moment.replace(microsecond=0, tzinfo=zone)
        self.assertEqual(milliseconds(whole.strftime("%a %b %e %H:%M:%S %Y"), zone), whole.timestamp() * 1000)

    def test_zones(self) -> None:
        """A zone by its name or its difference; none of a name is told; without one it is the system's."""
        self.assertEqual(zone_of("Asia/Shanghai"), SHANGHAI)
        for name in ("+08:00", "+8", "UTC+8", "+0800"):
            self.assertEqual(zone_of(name), timezone(timedelta(hours=8)), name)
        for name in ("Beijing", "+25:00", "../../etc/passwd", "\0"):
            self.assertRaises(ImportRefused, zone_of, name)
        self.addCleanup(time.tzset)
        self.patch(os, "environ", {**os.environ, "TZ": "Asia/Shanghai"})
        os.putenv("TZ", "Asia/Shanghai")
        self.addCleanup(os.unsetenv, "TZ")
        time.tzset()
        self.assertEqual(milliseconds("2019-05-06 14:12:33", zone_of("")), 1_557_123_153_000)
