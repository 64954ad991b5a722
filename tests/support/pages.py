"""Pages of the documentation, typed as a reader would: ``.. code-block:: console`` from top to bottom in one shell.

``$ `` begins a command and ``> `` goes on with it; the lines after it are what it
prints, where ``...`` is any text, and at the end or on a line of its own any lines. A
command without such lines may print what it likes. A comment ``.. exits with 1`` before a block says
how its last command ends; all others end with 0.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from attrs import define, field, frozen

from tests.support.ports import port_of_its_own
from tests.support.programs import CHECKOUT, environment
from tests.support.server import until

_BLOCK = re.compile(r"^(?P<indent> *)\.\. code-block:: (?P<language>\w+)\s*$")
_EXITS = re.compile(r"^ *\.\. exits with (?P<code>\d+)\s*$")
#: The ports of the settings, which pages name, and which are others where a page is run.
_PORTS = {"listen": 2628, "tls": 2629, "proxy": 2630, "manhole": 6628, "metrics": 9628}
_PATIENCE = 300.0
_LAST_MOMENTS = 3.0


@frozen
class Typed:
    """One command of a page.

    :ivar line: where it stands; ``printed``: what it prints, as the page has it.
    """

    line: int
    command: str
    printed: tuple[str, ...] = ()
    code: int = 0


def commands(text: str) -> list[Typed]:
    """Every command of a page."""
    found: list[Typed] = []
    code = 0
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        block = _BLOCK.match(lines[number])
        if exits := _EXITS.match(lines[number]):
            code = int(exits["code"])
        number += 1
        if block is None:
            continue
        inside, number = _inside(lines, number, len(block["indent"]))
        if block["language"] == "console":
            typed = list(_typed(inside))
            if code and typed:
                last = typed.pop()
                typed.append(Typed(last.line, last.command, last.printed, code))
            found += typed
        code = 0
    return found


def _inside(lines: list[str], number: int, indent: int) -> tuple[list[tuple[int, str]], int]:
    """The lines of a block with their numbers, and where it ends."""
    inside = []
    while number < len(lines) and (not lines[number].strip() or lines[number].startswith(" " * (indent + 1))):
        inside.append((number + 1, lines[number]))
        number += 1
    while inside and not inside[-1][1].strip():
        inside.pop()
    depth = min((len(line) - len(line.lstrip()) for _, line in inside if line.strip()), default=0)
    return [(place, line[depth:]) for place, line in inside if line.strip() or place > inside[0][0]], number


def _typed(inside: list[tuple[int, str]]) -> Iterator[Typed]:
    place, command = 0, ""
    printed: list[str] = []
    for number, line in inside:
        if line.startswith("$ "):
            if command:
                yield Typed(place, command, _trimmed(printed))
            place, command, printed = number, line[2:], []
        elif (line.startswith("> ") or line == ">") and command and not printed:
            command += "\n" + line[2:]
        elif command:
            printed.append(line)
        elif line.strip():
            raise ValueError(f"line {number}: a console block begins with '$ '")
    if command:
        yield Typed(place, command, _trimmed(printed))


def _trimmed(printed: list[str]) -> tuple[str, ...]:
    while printed and not printed[0].strip():
        del printed[0]
    while printed and not printed[-1].strip():
        printed.pop()
    return tuple(printed)


def agrees(shown: tuple[str, ...], printed: str) -> bool:
    """Whether what was printed is what a page shows."""
    pattern = ""
    for line in shown:
        if line.strip() == "...":
            pattern += "(?:[^\n]*\n)*"
        else:
            pattern += ".*".join(map(re.escape, line.rstrip().split("..."))) + " *\n"
    if shown[-1].endswith("..."):
        pattern += "(?:[^\n]*\n)*"
    # Blank lines at the ends say nothing.
    return re.fullmatch(rf"\n*{pattern}\n*", printed.rstrip("\n") + "\n") is not None


@define(eq=False)
class Page:
    """A page that is typed in a directory of its own, with servers on ports of their own.

    :ivar directory: where; a home and a state directory, ``var``, are there too.
    """

    path: Path
    directory: Path
    ports: Mapping[int, int] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.ports = {port: port_of_its_own() for port in _PORTS.values()}

    def surroundings(self) -> dict[str, str]:
        """The environment of the shell: nothing of whoever runs the tests."""
        kept = {name: value for name, value in environment().items() if not name.startswith("DICTD_")}
        programs = Path(sys.executable).parent
        kept |= {f"DICTD_{section.upper()}_PORT": str(self.ports[port]) for section, port in _PORTS.items()}
        return kept | {
            # Without WordNet, whose import takes longer than all else.
            "PYTHONPATH": f"{self.directory / 'without'}:{CHECKOUT}:{CHECKOUT / 'clients'}",
            "PYTHONWARNINGS": "ignore",
            "PATH": f"{programs}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin",
            "HOME": str(self.directory / "home"),
            "DICTD_SERVER": f"dict://localhost:{self.ports[2628]}",
            # As root the state would be that of this machine.
            "DICTD_STATE_DIRECTORY": str(self.directory / "here/var"),
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
            "COLUMNS": "120",
        }

    def run(self, excused: Mapping[str, str] | None = None) -> list[str]:
        """Type everything.

        :param excused: commands that are not run, with a reason each.
        :returns: what went otherwise than the page says; empty: nothing did.
        """
        typed = [one for one in commands(self.path.read_text("utf-8")) if one.command not in (excused or {})]
        here = self.directory / "here"
        for directory in (here, self.directory / "home", self.directory / "without/wn", self.directory / "out"):
            directory.mkdir(parents=True)
        (self.directory / "without/wn/__init__.py").touch()
        script = self.directory / "script"
        script.write_text("".join(self._steps(typed)), "utf-8")
        process = subprocess.Popen(
            ["bash", str(script)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=here,
            env=self.surroundings(),
            start_new_session=True,
        )
        try:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
            wrong = list(self._differences(typed))
            if not wrong:
                with suppress(AssertionError):  # what was stopped may have its last moments
                    until("everything to have ended", lambda: not self._running(), _LAST_MOMENTS)
                if left := self._running():
                    wrong.append(f"{self.path.name}: processes {left} still run at the end of the page")
            return wrong
        finally:
            process.kill()
            process.wait()
            self._end()

    def _steps(self, typed: list[Typed]) -> Iterator[str]:
        for number, one in enumerate(typed):
            out = self.directory / "out" / str(number)
            yield f"{{ {self._local(one.command)}\n}} >{out} 2>&1\necho $? >{out}.code\n"
            if waiting := _when_started(one.command):
                yield f"for try in {{1..60}}; do {waiting} 2>/dev/null | grep -q serving && break; done\n"

    def _differences(self, typed: list[Typed]) -> Iterator[str]:
        for number, one in enumerate(typed):
            out = self.directory / "out" / str(number)
            place = f"{self.path.name}:{one.line}: $ {one.command}"
            if not (code := Path(f"{out}.code")).exists():
                yield f"{place}\n  did not end; it printed\n{out.read_text('utf-8') if out.exists() else ''}"
                return
            printed = out.read_text("utf-8", "replace")
            if int(code.read_text()) != one.code:
                yield f"{place}\n  ended with {code.read_text().strip()}, not {one.code}; it printed\n{printed}"
            elif one.printed and not agrees(tuple(map(self._local, one.printed)), printed):
                yield f"{place}\n  printed\n{printed}\n  and not\n" + "\n".join(one.printed)

    def _local(self, text: str) -> str:
        """A text with the ports that are ours."""
        return re.sub(r"\b(?:2628|2629|2630|6628|9628)\b", lambda found: str(self.ports[int(found[0])]), text)

    def _running(self) -> list[int]:
        """Every process that the page has started and that is still there: those with its home."""
        mark = f"HOME={self.directory / 'home'}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
        return found

    def _end(self) -> None:
        for pid in self._running():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until("the page's processes to be gone", lambda: not self._running())
        shutil.rmtree(self.directory, ignore_errors=True)


def _when_started(command: str) -> str:
    """For a command that starts a server: what tells whether it serves by now."""
    if "twistd" not in command:
        return ""
    words = shlex.split(command.replace("\\\n", " ").splitlines()[0].rstrip("& "))
    if "twistd" not in words or "dictd" not in words or "--help" in words:
        return ""
    asked = ["dictctl"]
    for word, value in zip(words, words[1:], strict=False):
        if word in ("--config", "-c", "--state-dir", "--store"):
            asked += [word, value]
    return shlex.join([*asked, "status"])
