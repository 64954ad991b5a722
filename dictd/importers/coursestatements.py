"""The statements of a dump that tell of tables and their rows; all others are passed over."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import define, field, frozen

from dictd.importers.coursesql import Scanner, Token

Value = str | bytes | None
Row = tuple[Value, ...]

_NO_COLUMNS = {"PRIMARY", "KEY", "UNIQUE", "INDEX", "CONSTRAINT", "FOREIGN", "CHECK", "FULLTEXT", "SPATIAL", "PERIOD"}
#: Parentheses within each other, in a value that is none.
_DEEPEST = 64


@frozen
class TableName:
    """A table, and the database in which the dump has it; that may be empty."""

    database: str
    name: str

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others, whatever the case of its letters."""
        return self.database.lower(), self.name.lower()


@frozen
class Created:
    """A table as CREATE TABLE has it.

    :ivar columns: name and type of each, the type in lower case.
    """

    table: TableName
    columns: tuple[tuple[str, str], ...]


@frozen
class Inserted:
    """A row of INSERT.

    :ivar columns: as the statement names them; ``None`` where it names none.
    :ivar line: where its statement begins.
    :ivar time_zone: what the dump has set by then.
    """

    table: TableName
    columns: tuple[str, ...] | None
    values: Row
    line: int
    time_zone: str


@define
class Statements:
    """Reads a dump from its beginning to its end.

    :param wanted: whether the rows of a table are; for others one with no values stands for each INSERT.
    """

    _scanner: Scanner
    _wanted: Callable[[TableName], bool]
    _database: str = field(default="", init=False)

    def __iter__(self) -> Iterator[Created | Inserted]:
        """Tables and rows as they come.

        :raises ImportRefused: a statement cannot be read; it tells the line.
        """
        scanner = self._scanner
        while (token := scanner.next()).kind != "end":
            if token.is_mark(";"):
                continue
            if token.is_word("DELIMITER"):
                self._pass_routines()
            elif token.is_word("USE"):
                self._database = scanner.next().named
                self._pass_statement(scanner.next())
            elif token.is_word("CREATE"):
                yield from self._create()
            elif token.is_word("INSERT", "REPLACE"):
                yield from self._insert()
            elif token.is_word("SET"):
                self._set()
            else:
                self._pass_statement(token)

    def _pass_routines(self) -> None:
        """Between DELIMITER and DELIMITER ; are triggers and procedures."""
        if self._scanner.rest_of_line() == ";":
            return
        while True:
            line = self._scanner.rest_of_line()
            word, _, rest = line.partition(" ")
            if word.upper() == "DELIMITER" and rest.strip() == ";":
                return
            if not line and self._scanner.at_end:
                return

    def _pass_statement(self, token: Token) -> None:
        """Go behind the end of a statement, of which this is a part."""
        if token.kind != "end" and not token.is_mark(";"):
            self._scanner.pass_statement()

    def _set(self) -> None:
        """``SET time_zone = "+00:00"`` is what phpMyAdmin begins with."""
        before = token = self._scanner.next()
        name = ""
        while token.kind != "end" and not token.is_mark(";"):
            if token.kind == "word" and not before.is_mark("="):
                name = token.raw.lstrip("@").lower()
            elif token.kind == "text" and before.is_mark("=") and name == "time_zone":
                self._scanner.time_zone = str(token.value)
            before, token = token, self._scanner.next()

    def _table(self, token: Token) -> tuple[TableName, Token]:
        """The name of a table that begins here, and what comes behind it."""
        first, behind = token.named, self._scanner.next()
        if not first:
            raise self._scanner.refused("the name of a table should stand here")
        if not behind.is_mark("."):
            return TableName(self._database, first), behind
        second = self._scanner.next().named
        if not second:
            raise self._scanner.refused("the name of a table should stand here")
        return TableName(first, second), self._scanner.next()

    def _create(self) -> Iterator[Created]:
        token = self._scanner.next()
        if token.is_word("TEMPORARY"):
            token = self._scanner.next()
        if not token.is_word("TABLE"):
            self._pass_statement(token)
            return
        token = self._scanner.next()
        if token.is_word("IF"):
            self._scanner.next(), self._scanner.next()
            token = self._scanner.next()
        table, token = self._table(token)
        if token.is_mark("("):
            columns = tuple(self._definitions())
            token = self._scanner.next()
            if columns:
                yield Created(table, columns)
        self._pass_statement(token)

    def _definitions(self) -> Iterator[tuple[str, str]]:
        """The columns between the parentheses of CREATE TABLE."""
        token = self._scanner.next()
        while True:
            quoted = token.kind != "word"
            name = token.named
            if name and (quoted or name.upper() not in _NO_COLUMNS):
                token = self._scanner.next()
                yield name, token.named.lower()
            depth = 1
            while depth and not (depth == 1 and token.is_mark(",")):
                if token.kind == "end":
                    raise self._scanner.refused("CREATE TABLE has no end")
                depth += token.is_mark("(") - token.is_mark(")")
                if depth:
                    token = self._scanner.next()
            if not depth:
                return
            token = self._scanner.next()

    def _insert(self) -> Iterator[Inserted]:
        line = self._scanner.line
        token = self._scanner.next()
        while token.is_word("LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO"):
            token = self._scanner.next()
        table, token = self._table(token)
        if not self._wanted(table):
            yield Inserted(table, None, (), line, "")
            self._pass_statement(token)
            return
        columns: tuple[str, ...] | None = None
        if token.is_mark("("):
            columns = self._names()
            token = self._scanner.next()
        if not token.is_word("VALUES", "VALUE"):
            raise self._scanner.refused("this INSERT has no VALUES; only rows of values can be read")
        while True:
            if not self._scanner.next().is_mark("("):
                raise self._scanner.refused("a row of values should begin here, with (")
            yield Inserted(table, columns, self._values(), line, self._scanner.time_zone)
            token = self._scanner.next()
            if not token.is_mark(","):
                self._pass_statement(token)
                return

    def _names(self) -> tuple[str, ...]:
        names = []
        while True:
            token = self._scanner.next()
            if not token.named:
                raise self._scanner.refused("the name of a column should stand here")
            names.append(token.named)
            token = self._scanner.next()
            if token.is_mark(")"):
                return tuple(names)
            if not token.is_mark(","):
                raise self._scanner.refused("a comma or ) should stand behind the name of a column")

    def _values(self) -> Row:
        values: list[Value] = []
        while True:
            value, token = self._value(self._scanner.next())
            values.append(value)
            if token.is_mark(")"):
                return tuple(values)
            if not token.is_mark(","):
                raise self._scanner.refused("a comma or ) should stand behind a value")

    def _value(self, token: Token) -> tuple[Value, Token]:
        """A value that begins here, and what comes behind it.

        What only a server knows, as ``DEFAULT`` and ``now()``, is nothing.
        """
        sign = ""
        if token.is_mark("-") or token.is_mark("+"):
            sign, token = token.raw.strip("+"), self._scanner.next()
        if token.kind in ("text", "hex", "number", "bits"):
            behind = self._scanner.next()
            value = token.value
            while token.kind == "text" and behind.kind == "text":  # 'a' 'b' is one
                value, behind = str(value) + str(behind.value), self._scanner.next()
            return (sign + value if isinstance(value, str) else value), behind
        if token.kind != "word" or sign:
            raise self._scanner.refused("a value should stand here")
        behind = self._scanner.next()
        if token.raw.startswith("_") and behind.kind in ("text", "hex"):  # _binary 'x'
            return self._value(behind)
        if token.is_word("N") and behind.kind == "text":
            return self._value(behind)
        depth = int(behind.is_mark("("))
        if depth:
            behind = self._scanner.next()
            while depth:
                if behind.kind == "end" or depth > _DEEPEST:
                    raise self._scanner.refused("a value has no end")
                depth += behind.is_mark("(") - behind.is_mark(")")
                behind = self._scanner.next()
        return None, behind
