"""``dictctl`` that stops at a certain step: killed by its own hand, or waiting for a line.

``python -m tests.support.interrupted WHAT STEP STATE ARGUMENTS...``

A step is a statement of SQL, a COMMIT too, rows of one ``executemany`` counted once
in a hundred, or a file of the state directory that is opened, renamed, deleted. An
import takes the same steps each time, so that a rehearsal tells how many there are.

* ``count``: does the whole of it, and prints the number of steps at its end.
* ``kill``: kills itself before that step.
* ``pause``: prints ``paused`` there and waits for a line on standard input.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pymysql
from attrs import define

from dictd import ctl
from dictd.ctl.backups import checking
from dictd.importers import intake, spool
from dictd.store import dictionaries, refilling
from tests.support.programs import CHECKOUT, environment

_FILES = ("open", "os.rename", "os.remove", "os.mkdir", "os.chmod", "os.listdir", "shutil.rmtree")
#: So small that a few thousand rows take many transactions, runs and slices.
ROWS, SLICE, RUN = 500, 400, 1_500
_ROWS_A_STEP = 100


@define
class _Steps:
    """Counts them, and does what is to be done at one."""

    what: str
    at: int
    state: str
    done: int = 0
    rows: int = 0
    free: bool = False

    def step(self) -> None:
        """One more."""
        self.done += 1
        if self.done == self.at:
            if self.what == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            elif self.what == "pause":
                print("paused", flush=True)
                sys.stdin.readline()

    def statement(self, sql: str) -> None:
        """A statement begins."""
        if sql.startswith(("INSERT INTO means", "INSERT INTO words")):
            self.rows += 1
            if self.rows % _ROWS_A_STEP:
                return
        if self.what == "pause" and not sql.startswith("BEGIN IMMEDIATE"):
            return  # others could not write meanwhile
        self.step()

    def command(self, text: bytes | str) -> None:
        """MySQL is told something; it holds no lock for us where that is the first after a COMMIT."""
        free, self.free = self.free, text == "COMMIT"
        if self.what != "pause" or free:
            self.step()

    def event(self, name: str, given: tuple[Any, ...]) -> None:
        """Something happens in the interpreter."""
        if name in _FILES and self.what != "pause" and str(given[0]).startswith(self.state):
            self.step()


def command(what: str, step: int, state: Path, *arguments: str) -> list[str]:
    """The command line of this module."""
    return [sys.executable, "-m", "tests.support.interrupted", what, str(step), str(state), *arguments]


def started(what: str, step: int, state: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """It as a process."""
    return subprocess.Popen(
        command(what, step, state, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=CHECKOUT,
        env=environment(),
    )


def main() -> None:
    """The command line of this module."""
    what, step, state, *arguments = sys.argv[1:]
    intake._ROWS_A_COMMIT = ROWS
    checking._ROWS = ROWS
    dictionaries.SLICE = refilling.SLICE = SLICE
    spool._RUN = RUN
    steps = _Steps(what, int(step), state)
    connect = sqlite3.connect

    def traced(*given: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*given, **named)
        connection.set_trace_callback(steps.statement)
        return connection

    sqlite3.connect = traced  # type: ignore[assignment]
    connection_type: Any = pymysql.connections.Connection
    tell = connection_type._execute_command

    def told(connection: Any, kind: int, text: bytes | str) -> None:
        steps.command(text)
        tell(connection, kind, text)

    connection_type._execute_command = told
    sys.addaudithook(steps.event)
    code = ctl.main(["--state-dir", state, *arguments], prog_name="dictctl", standalone_mode=False)
    if what == "count":
        print(f"{steps.done} steps")
    sys.exit(code)


if __name__ == "__main__":
    main()
