"""The same two small dictionaries in dictd and in C dictd, for what real clients ask of both."""

from __future__ import annotations

import atexit
import functools
import re
import shutil
import tempfile
from pathlib import Path

from tests.importers.bookbinding import Book
from tests.support.peer import CDictd
from tests.support.programs import dictctl, missing
from tests.support.server import Caller, Server

TITLES = {"wn": "WordNet (r) 3.0 (2006)", "quotes": "Words that need quoting"}
#: Longer than goldendict-ng takes from one server.
PENS = tuple(f"pen{number:02}" for number in range(70))
#: name -> (headword, text); a headword stands for itself on the first line of its text.
BOOKS: dict[str, tuple[tuple[str, str], ...]] = {
    "wn": (
        ("penguin", "n 1: short-legged flightless birds of cold southern especially\n    Antarctic regions"),
        ("turkey", "n 1: large gallinaceous bird with fan-shaped tail [syn: {Meleagris\n    gallopavo}]"),
        ("ice cream", "n 1: frozen dessert containing cream and sugar"),
        ("Mädchen", "n 1: girl"),
        (".22", "n 1: a firearm\n.\n.. two dots\n"),
        ("100 grams", "250 ok, says the weight\n552 no match\n"),
        *((pen, f"n 1: a pen, {pen}") for pen in PENS),
    ),
    "quotes": (
        ("crow's nest", "n 1: a platform on a mast"),
        ('a"b\\c', "with a quote and a backslash"),
        ("abc", "what is left of it without"),
        ("C++", "a language"),
        ("c", "a letter"),
        ("你好", "hello"),
        ('"quoted"', "in quotes"),
        ("back\\slash", "with one"),
        ("penguin", "a word of two dictionaries"),
    ),
}


def bound(name: str, directory: Path) -> Path:
    """Write a dictionary as dictfmt(1) does with ``--utf8 --allchars --index-keep-orig``; its index."""
    book = Book()
    for told, text in (
        ("00-database-allchars", ""),
        ("00-database-info", f"The book of {name}."),
        ("00-database-short", TITLES[name]),
        ("00-database-utf8", ""),
    ):
        book.tell(told, text)
    for headword, text in BOOKS[name]:
        book.add(f"{headword}\n    {text}", headword.lower())
        if headword != headword.lower():
            book.lines[-1] += b"\t" + headword.encode()
    book.lines.sort()
    return book.written(directory, name)


@functools.cache
def shelf() -> Path:
    """A directory with both, for as long as this process runs."""
    directory = Path(tempfile.mkdtemp(prefix="dictd-shelf-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    for name in BOOKS:
        bound(name, directory)
    return directory


@functools.cache
def ours() -> Server:
    """dictd with both, for all tests of this process; it goes with the process."""
    state = shelf() / "state"
    done = dictctl(state, "import", *(str(shelf() / f"{name}.index") for name in BOOKS))
    assert done.returncode == 0, done.stderr
    server = Server.started(state)
    atexit.register(server.kill)
    return server


@functools.cache
def peer() -> CDictd:
    """C dictd with both, as :func:`ours`.

    :raises SkipTest: it cannot be had.
    """
    return had(*(shelf() / f"{name}.index" for name in BOOKS))


def had(*dictionaries: str | Path) -> CDictd:
    """A C dictd that goes with the process.

    :param dictionaries: as in :meth:`CDictd.started`.
    :raises SkipTest: it cannot be had; with ``CI=true`` that is a failure.
    """
    try:
        server = CDictd.started(*dictionaries)
    except OSError as error:
        missing(f"C dictd cannot be had: {error}")
    atexit.register(server.stop)
    return server


def member(name: str) -> tuple[Caller, str]:
    """Register somebody on :func:`ours` and make a key.

    :returns: a client that is logged in, and the key for AUTH.
    """
    caller = ours().connect()
    code = caller.code(f"REGISTER {name} correct-horse")
    assert code == 280, code
    answer = "\n".join(caller.ask("KEY NEW laptop"))
    key = re.search(r"\b[0-9a-f]{32}\b", answer)
    assert key is not None, answer
    return caller, key[0]
