"""Which tables of a database are those of the course, and which of their columns mean what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from dictd.errors import ImportRefused
from dictd.importers.coursestatements import TableName

#: Databases that a server has for itself: ``mysql.user`` are not the users of the course.
_OF_SERVERS = {"mysql", "information_schema", "performance_schema", "sys", "phpmyadmin"}

_ID = ("id", "uid", "user_id", "userid", "hid", "wid", "no")
_NAME = ("name", "username", "user_name", "uname", "user", "account", "login", "nickname")
_PASSWD = ("passwd", "password", "pwd", "passwords", "pass", "psw", "pw", "user_passwd", "user_password", "userpwd")
_USER_ID = ("user_id", "userid", "uid", "u_id", "id_user")
_WORD = ("word", "words", "headword", "english", "en", "query")
_MEAN = (
    *("mean", "means", "meaning", "meanings", "interpret", "interpretation", "explain", "explanation", "ex"),
    *("translation", "definition", "chinese", "content", "paraphrase"),
)
_TIME = (
    *("time", "times", "datetime", "date", "created", "create_time", "created_at", "query_time", "search_time"),
    *("hist_time", "htime", "tm", "ctime", "at"),
)
#: Types of MySQL whose values a server keeps in UTC.
TIMESTAMP = "timestamp"


@frozen
class Table:
    """A table that is there.

    :ivar columns: name and type of each, in order.
    """

    name: TableName
    columns: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return self.name.name

    def column(self, *names: str) -> str:
        """The first column that has one of these names; empty where none has."""
        found = {column.lower(): column for column, _ in reversed(self.columns)}
        return next((found[name] for name in names if name in found), "")

    def type_of(self, column: str) -> str:
        """The type of a column, in lower case."""
        return dict(self.columns).get(column, "")


@frozen
class Kind:
    """A table of the course.

    :ivar names: it is called so, mostly; the likeliest first.
    :ivar columns: what each column is for, and how it may be called.
    :ivar needs: of these one in each group must be there.
    :ivar lacks: where one of these is there, it is another table.
    """

    told: str
    option: str
    names: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    needs: tuple[tuple[str, ...], ...]
    lacks: tuple[str, ...] = ()

    def taken(self, table: Table) -> dict[str, str]:
        """The columns of a table by what they are for; empty where it is no table of this kind."""
        found = {what: column for what, names in self.columns.items() if (column := table.column(*names))}
        fits = all(any(what in found for what in group) for group in self.needs)
        return found if fits and not any(what in found for what in self.lacks) else {}


USERS = Kind(
    "users",
    "--users",
    ("user", "users", "userinfo", "user_info", "dict_user", "dict_users", "account", "accounts", "member", "members"),
    {"id": _ID, "name": _NAME, "passwd": _PASSWD},
    (("name",), ("passwd",)),
)
HISTORY = Kind(
    "look-ups",
    "--history",
    ("hist", "history", "histories", "records", "record", "user_hist", "user_history", "dict_hist", "dict_history"),
    {"id": ("id", "hid", "hist_id"), "name": _NAME, "user": _USER_ID, "word": _WORD, "time": _TIME, "mean": _MEAN},
    (("name", "user"), ("word",)),
    lacks=("mean",),
)
WORDS = Kind(
    "words",
    "--words",
    ("words", "word", "dict", "dictionary", "dicts", "dict_database", "dict_word", "dict_words", "wordbook"),
    {"id": ("id", "wid", "word_id"), "word": _WORD, "mean": _MEAN},
    (("word",), ("mean",)),
)
KINDS = (USERS, HISTORY, WORDS)


@frozen
class Taken:
    """A table that is read, and which of its columns.

    :ivar columns: by what they are for.
    """

    kind: Kind
    table: Table
    columns: Mapping[str, str] = field()

    def __str__(self) -> str:
        return f"{self.kind.told} from {self.table}({', '.join(self.columns.values())})"

    @property
    def in_utc(self) -> bool:
        """Whether its times are of a type that servers keep in UTC."""
        return self.table.type_of(self.columns.get("time", "")) == TIMESTAMP


def recognised(tables: Sequence[Table], said: Mapping[str, str], database: str, shown: str) -> dict[str, Taken]:
    """The tables of the course, by what they hold.

    :param said: names of tables by kinds, where they were said.
    :param database: which one, where a dump has several; may be empty.
    :raises ImportRefused: there is none of them, or it cannot be told which it is.
    """
    tables = [table for table in tables if table.name.key[0] not in _OF_SERVERS]
    by_database: dict[str, dict[str, Taken]] = {}
    for name in sorted({table.name.key[0] for table in tables}):
        if not database or name == database.lower():
            own = [table for table in tables if table.name.key[0] == name]
            by_database[name] = {kind.told: taken for kind in KINDS if (taken := _one(own, kind, said, shown))}
    most = max(map(len, by_database.values()), default=0)
    best = [name for name, found in by_database.items() if len(found) == most]
    if not most:
        seen = ", ".join(str(table) for table in tables[:8]) or "none"
        raise ImportRefused(
            f"{shown} has none of the course's tables user(name, passwd), hist(name, word, time), words(word, mean);"
            f" its tables are: {seen}; say which with --users, --history, --words"
        )
    if len(best) > 1:
        raise ImportRefused(f"{shown} has them in several databases: {', '.join(best)}; say which with --database")
    return by_database[best[0]]


def _one(tables: Sequence[Table], kind: Kind, said: Mapping[str, str], shown: str) -> Taken | None:
    named = said.get(kind.told, "")
    if named:
        table = next((table for table in tables if table.name.key[1] == named.lower()), None)
        if table is None:
            raise ImportRefused(f"{shown} has no table {named}")
        columns = kind.taken(table)
        if not columns:
            needs = " and ".join(" or ".join(kind.columns[what][0] for what in group) for group in kind.needs)
            has = ", ".join(column for column, _ in table.columns)
            raise ImportRefused(f"{named} of {shown} cannot hold {kind.told}: they need {needs}, it has {has}")
        return Taken(kind, table, columns)
    fitting = {table: columns for table in tables if (columns := kind.taken(table))}
    for name in kind.names:
        for table, columns in fitting.items():
            if table.name.key[1] == name:
                return Taken(kind, table, columns)
    if len(fitting) > 1:
        names = " or ".join(map(str, fitting))
        raise ImportRefused(f"{shown} may have {kind.told} in {names}; say which with {kind.option}")
    return next((Taken(kind, table, columns) for table, columns in fitting.items()), None)
