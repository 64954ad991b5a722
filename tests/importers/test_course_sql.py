"""The SQL of dumps: what a value was is what is read, whatever stands beside it; what has no end is refused."""

from __future__ import annotations

import io

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymysql.converters import escape_string
from twisted.trial.unittest import SynchronousTestCase

from dictd.errors import ImportRefused
from dictd.importers import coursesql
from dictd.importers.coursesql import Scanner, Token, unquoted
from dictd.importers.coursestatements import Created, Inserted, Statements, TableName

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
#: A text as MySQL may hold it, with much of what has a meaning in SQL.
texts = st.text(st.characters(codec="utf-8") | st.sampled_from("'\"\\`;,()\n\r\t\0\x1a%_-#/*"))
values = st.none() | texts | st.binary(min_size=1) | st.integers().map(str)
#: What may stand between any two pieces.
blanks = st.sampled_from(
    [" ", "\n", "\t", "-- it's; a comment\n", "# 'another\n", "/* ' ; ` */", "/*!40101 SET x='y' */"]
)


def doubled(text: str) -> str:
    """A literal as mysqldump never writes it, and people do: quotes doubled."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def quoted(text: str) -> str:
    """A literal in the other quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'


def escaped(text: str) -> str:
    """A literal as a client library writes it."""
    return f"'{escape_string(text)}'"


def literal(value: str | bytes | None, form: object) -> str:
    """A value in SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"0x{value.hex()}" if form is escaped else f"x'{value.hex()}'"
    assert callable(form)
    return str(form(value))


def scanner(text: str, most: int = 1 << 20) -> Scanner:
    """A scanner that is given so many characters at once at most."""
    file = io.StringIO(text, newline="")
    return Scanner(lambda count: file.read(min(count, most)), "FILE.sql")


def read(text: str, most: int = 1 << 20) -> list[Created | Inserted]:
    """Everything that a dump tells."""
    return list(Statements(scanner(text, most), lambda _: True))


def rows(text: str, most: int = 1 << 20) -> list[tuple[str | bytes | None, ...]]:
    """The values of all its rows."""
    return [one.values for one in read(text, most) if isinstance(one, Inserted)]


class Pieces(SynchronousTestCase):
    """Tokens."""

    @UNHURRIED
    @given(texts, st.sampled_from([escaped, doubled, quoted]), st.integers(1, 7))
    def test_text(self, text: str, form: object, most: int) -> None:
        """A text is read as it was written, in each way of writing it, a few characters at a time."""
        found = scanner(literal(text, form) + ";", most)
        self.assertEqual(found.next().value, text)
        self.assertTrue(found.next().is_mark(";"))
        self.assertEqual(found.next().kind, "end")

    def test_escapes(self) -> None:
        """The escapes of MySQL, those of LIKE as they stand."""
        self.assertEqual(unquoted(r"'\0\b\n\r\t\Z\\\'\"\%\_\x\中'"), "\0\b\n\r\t\x1a\\'\"\\%\\_x中")

    def test_numbers_and_octets(self) -> None:
        """Numbers as they are written, octets as they are meant."""
        for written, value in (
            ("1.5e3", "1.5e3"),
            (".5", ".5"),
            ("0x4142", b"AB"),
            ("0xF", b"\x0f"),
            ("X'4142'", b"AB"),
        ):
            self.assertEqual(scanner(written).next().value, value)

    def test_names(self) -> None:
        """Names in back quotes, in double quotes and in none."""
        for written, name in (("`a``b`", "a`b"), ('"a b"', "a b"), ("用户", "用户"), ("1a", "1a"), ("'a'", "")):
            self.assertEqual(scanner(written).next().named, name)

    def test_comments(self) -> None:
        """All kinds of comments are passed over; two dashes are one only before a blank."""
        found = scanner("-- a\n# b\n/* c; ' */ /*!50001 d */ --\n1--2")
        self.assertEqual([found.next().raw for _ in range(5)], ["1", "-", "-", "2", ""])

    def test_time_zone(self) -> None:
        """What a comment that servers heed says of the time zone is kept."""
        found = scanner("/*!40103 SET TIME_ZONE='+00:00' */; 1")
        found.next(), found.next()
        self.assertEqual(found.time_zone, "+00:00")

    def test_no_end(self) -> None:
        """A quote that never ends is told with the line where it begins, not taken for anything else."""
        for written in ("a\n'b''", "a\n`b", "a\n/* b", "a\nx'41", 'a\n"b\\"'):
            found = scanner(written, 1)
            with self.assertRaisesRegex(ImportRefused, r"^FILE\.sql: line 2: a quote or a comment begins here"):
                while found.next().kind != "end":
                    pass

    def test_longest(self) -> None:
        """What is longer than any value is refused before it fills the memory."""
        self.patch(coursesql, "LONGEST", 1 << 20)
        given: list[int] = []

        def endless(count: int) -> str:
            given.append(count)
            return ("'" if len(given) == 1 else "") + "x" * count

        with self.assertRaisesRegex(ImportRefused, "line 1: something begins here that is longer"):
            Scanner(endless, "FILE.sql").next()
        self.assertLess(sum(given), 1 << 23)

    def test_long_value(self) -> None:
        """A long value is looked at a few times, not once for each piece of the file."""
        asked: list[int] = []
        file = io.StringIO("'" + "x" * 5_000_000 + "'")

        def piece(count: int) -> str:
            asked.append(count)
            return file.read(count)

        self.assertEqual(len(Scanner(piece, "FILE.sql").next().value), 5_000_000)
        self.assertLess(len(asked), 12)

    @UNHURRIED
    @given(st.text(st.sampled_from("'\"`\\/*-#x0b(),; \nab"), max_size=40), st.integers(1, 5))
    def test_anything(self, text: str, most: int) -> None:
        """Whatever is given ends, and in the same pieces however it comes."""

        def pieces(most: int) -> list[Token] | str:
            found, tokens = scanner(text, most), []
            try:
                while (token := found.next()).kind != "end":
                    tokens.append(token)
            except ImportRefused as error:
                return error.text
            return tokens

        self.assertEqual(pieces(most), pieces(1 << 20))


class Rows(SynchronousTestCase):
    """Statements."""

    @UNHURRIED
    @given(
        st.lists(st.lists(values, min_size=2, max_size=2).map(tuple), min_size=1, max_size=4),
        st.sampled_from([escaped, doubled, quoted]),
        blanks,
        st.integers(1, 9),
    )
    def test_rows(self, given: list[tuple[str | bytes | None, ...]], form: object, blank: str, most: int) -> None:
        """Rows are read as they were written, with anything between their pieces."""
        several = f"{blank},{blank}".join(
            f"({blank}{f'{blank},{blank}'.join(literal(value, form) for value in row)}{blank})" for row in given
        )
        text = f"INSERT{blank}INTO{blank}`t`{blank}({blank}a,{blank}`b`){blank}VALUES{blank}{several}{blank};"
        self.assertEqual(rows(text, most), given)

    def test_course(self) -> None:
        """The tables as the course has them made."""
        (user, hist, words) = read(
            "create database dict default charset=utf8;\nuse dict;\n"
            "create table user(id int primary key auto_increment,\n    name varchar(32) not null,"
            "passwd varchar(16) default '000000'\n    )default charset=utf8;\n"
            "CREATE TABLE IF NOT EXISTS `hist` (`id` int(11) NOT NULL, `name` varchar(32) DEFAULT 'a,b)',"
            " `time` datetime DEFAULT CURRENT_TIMESTAMP(), PRIMARY KEY (`id`), KEY `name` (`name`,`time`),"
            " CONSTRAINT `x` FOREIGN KEY (`name`) REFERENCES `user` (`name`)) ENGINE=InnoDB COMMENT='x;y';\n"
            "create table words (word char(32), mean text, key char(1), `key` char(2));"
        )
        self.assertEqual(
            user,
            Created(TableName("dict", "user"), (("id", "int"), ("name", "varchar"), ("passwd", "varchar"))),
        )
        self.assertEqual(
            hist,
            Created(TableName("dict", "hist"), (("id", "int"), ("name", "varchar"), ("time", "datetime"))),
        )
        assert isinstance(words, Created)
        self.assertEqual([name for name, _ in words.columns], ["word", "mean", "key"])

    def test_forms(self) -> None:
        """INSERT in its forms; what only a server knows is nothing."""
        for text, found in (
            ("INSERT INTO t VALUES (1,'a'),(2,'b')", [("1", "a"), ("2", "b")]),
            ("INSERT IGNORE INTO d.t (a) VALUES (-1.5)", [("-1.5",)]),
            ("REPLACE INTO `d`.`t` VALUE (_binary 'a', N'b', _utf8mb4'c')", [("a", "b", "c")]),
            ("insert t values (now(), DEFAULT, uuid(), f(1,(2)), null, true)", [(None,) * 6]),
            ("INSERT INTO t VALUES ('a' 'b''c')", [("ab'c",)]),
            ("INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = ';)'; INSERT INTO t VALUES (2);", [("1",), ("2",)]),
            ("INSERT INTO t VALUES ()", None),
            ("INSERT INTO t VALUES (1,)", None),
            ("INSERT INTO t VALUES (1", None),
            ("INSERT INTO t VALUES (f(1)", None),
            ("INSERT INTO t VALUES 1", None),
            ("INSERT INTO t SET a = 1", None),
            ("INSERT INTO t SELECT 1", None),
            ("INSERT INTO (a) VALUES (1)", None),
            ("INSERT INTO t (1) VALUES (1)", None),
            ("CREATE TABLE t (a int", None),
        ):
            if found is None:
                self.assertIn("FILE.sql: line 1: ", self.assertRaises(ImportRefused, rows, text).text, text)
            else:
                self.assertEqual(rows(text), found, text)

    def test_line(self) -> None:
        """What is wrong is told with its line, also far down the file."""
        text = "INSERT INTO t VALUES (1);\n" * 20_000 + "\n\nINSERT INTO t VALUES\n(1,\n2 3);"
        error = self.assertRaises(ImportRefused, rows, text)
        self.assertEqual(error.text, "FILE.sql: line 20005: a comma or ) should stand behind a value")

    def test_other_statements(self) -> None:
        """All other statements are passed over, with what stands in their quotes, and routines as a whole."""
        text = (
            "SET NAMES utf8;\nDROP TABLE IF EXISTS `t`;\nLOCK TABLES `t` WRITE;\nCREATE VIEW v AS SELECT ';';\n"
            "/*!50003 CREATE TRIGGER x */;\nDELIMITER ;;\nCREATE PROCEDURE p() BEGIN SELECT 1; INSERT t VALUES ('it;\n"
            "''s'); END ;;\nDELIMITER ;\nINSERT INTO t VALUES (1);\nUNLOCK TABLES;\nCREATE TEMPORARY TABLE x LIKE t;"
        )
        self.assertEqual(rows(text), [("1",)])
        self.assertEqual(rows("DELIMITER $$\nINSERT INTO t VALUES (1)"), [])

    @UNHURRIED
    @given(
        st.lists(texts, min_size=1, max_size=5), st.sampled_from([escaped, doubled, quoted]), blanks, st.integers(1, 9)
    )
    def test_passed_over(self, given: list[str], form: object, blank: str, most: int) -> None:
        """A statement that nobody wants ends where it ends, whatever is in its quotes."""
        several = f"{blank},".join(f"({literal(text, form)}{blank},1)" for text in given)
        text = f"INSERT u VALUES {several};INSERT INTO t VALUES (2);GRANT {several};INSERT t VALUES (3)"  # noqa: S608
        found = list(Statements(scanner(text, most), lambda table: table.name == "t"))
        self.assertEqual([one.values for one in found if isinstance(one, Inserted)], [(), ("2",), ("3",)])

    def test_unwanted_rows(self) -> None:
        """Of a table that nobody wants each INSERT is told, and its rows are not."""
        text = "INSERT INTO t VALUES (1),(2);INSERT INTO u VALUES (3);"
        found = list(Statements(scanner(text), lambda table: table.name == "u"))
        self.assertEqual([one.values for one in found if isinstance(one, Inserted)], [(), ("3",)])

    def test_time_zone(self) -> None:
        """The time zone is that of the moment; phpMyAdmin sets it by a statement."""
        text = 'INSERT t VALUES (1); SET a = 1, time_zone = "+00:00"; INSERT t VALUES (2);'
        self.assertEqual([one.time_zone for one in read(text) if isinstance(one, Inserted)], ["", "+00:00"])
