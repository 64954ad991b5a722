"""RFC 2229 2.2 and 2.3 letter by letter: slow, plain, and written apart from the code they judge."""

from __future__ import annotations


def lines_of(stream: bytes) -> list[bytes | None]:
    """What RFC 2229 2.3 makes of a whole stream; ``None`` is a line that is too long."""
    *ended, rest = stream.split(b"\n")
    lines: list[bytes | None] = [None if len(line) + 1 > 6144 else line.removesuffix(b"\r") for line in ended]
    return [*lines, None] if len(rest) + 1 > 6144 else lines


def strings_of(line: str) -> tuple[list[str], bool]:
    """The strings of a line and whether a quote was left open.

    An open quote is closed by the line's end, a lone backslash there means nothing.
    """
    strings: list[list[str]] = []
    begun, quote, pair = False, "", False
    for character in line:
        if not begun and character not in " \t":
            begun = True
            strings.append([])
        if pair:
            strings[-1].append(character)
            pair = False
        elif character == "\\":
            pair = True
        elif character == quote:
            quote = ""
        elif quote:
            strings[-1].append(character)
        elif character in "\"'":
            quote = character
        elif character in " \t":
            begun = False
        else:
            strings[-1].append(character)
    return ["".join(string) for string in strings], quote != ""


def in_double_quotes(value: str) -> str:
    """A string as a careful client sends it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def in_single_quotes(value: str) -> str:
    """A string in the other quotes."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def in_pairs(value: str) -> str:
    """A string as curl sends it: a backslash before everything."""
    return "".join("\\" + character for character in value)
