"""A screen on which a line is being typed, while other lines come in above it."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from dictd.manhole.line import PROMPT, Layout, Line
from dictd.manhole.plain import plain
from dictd.tables import width

#: Octets that wait for a screen that takes nothing; what is printed beyond is left out.
MOST_WAITING = 1 << 20
_BELL = "\x07"
_PASTES_ARE_MARKED, _PASTES_ARE_NOT = "\x1b[?2004h", "\x1b[?2004l"
_CLEARED, _ERASED_BELOW = "\x1b[H\x1b[2J", "\x1b[J"


@define(eq=False)
class Terminal:
    """Draws with what every terminal of the last forty years understands.

    :param write: takes octets for the other side.
    :param waiting: how many octets it has not taken yet.
    :ivar prompt: what stands before the line.
    :ivar typing: whether the line is shown.
    """

    line: Line
    _write: Callable[[bytes], None]
    _waiting: Callable[[], int] = lambda: 0
    columns: int = field(default=80, init=False)
    prompt: str = field(default=PROMPT, init=False)
    typing: bool = field(default=False, init=False)
    _row: int = field(default=0, init=False)
    _shown: tuple[str, int] = field(default=("", 0), init=False)
    _midway: bool = field(default=False, init=False)
    _left_out: int = field(default=0, init=False)

    def begin(self) -> None:
        """Have the terminal say what is pasted."""
        self._put(_PASTES_ARE_MARKED)

    def end(self) -> None:
        """Leave the terminal as it was."""
        if self.typing:
            self.enter()
        self._put(_PASTES_ARE_NOT)

    def size(self, columns: int) -> None:
        """Another size; terminals without a size say 0."""
        self.columns = min(max(columns, 12), 1000) if columns else 80
        if self.typing:
            self.draw()

    def show(self) -> None:
        """Show the line, at the beginning of a row."""
        self._put("\r\n" if self._midway else "")
        self._midway = False
        self.typing, self._row, self._shown = True, 0, ("", 0)
        self.draw()

    def enter(self, after: str = "") -> None:
        """The line is typed, and stays on the screen.

        :param after: what is to stand behind it.
        """
        self.line.cursor = len(self.line.text)
        self.draw()
        self._put(f"{after}\r\n")
        self.typing = False

    def draw(self) -> None:
        """Draw the line as it is now."""
        text, cursor = self.line.text, self.line.cursor
        was, stood = self._shown
        self._shown = text, cursor
        layout = Layout.of(text, cursor, self.columns, self.prompt)
        added = text[stood:] if stood == len(was) and cursor == len(text) and text.startswith(was) and was else ""
        if added.isprintable() and added and len(layout.rows) == layout.row + 1 == self._row + 1:
            column = layout.column - width(added)
            if column > 0:
                self._put(added)
                return
        up = f"\x1b[{self._row}A" if self._row else ""
        back = len(layout.rows) - 1 - layout.row
        there = (f"\x1b[{back}A" if back else "") + "\r" + (f"\x1b[{layout.column}C" if layout.column else "")
        self._put(f"{up}\r{_ERASED_BELOW}" + "\r\n".join(layout.rows) + there)
        self._row = layout.row

    def redraw(self) -> None:
        """Draw all of the line."""
        self._shown = ("", 0)
        self.draw()

    def say(self, text: str) -> None:
        """Print lines above the line."""
        self.out(text if text.endswith("\n") else text + "\n")

    def out(self, text: str) -> None:
        """Print; what is no whole line yet goes on where it stopped, unless a line is being typed."""
        if self._waiting() > MOST_WAITING:
            self._left_out += text.count("\n")
            return
        if self._left_out:
            text = f"... {self._left_out:,} lines were left out, as the terminal took none\n{text}"
            self._left_out = 0
        text = plain(text)
        if not text:
            return
        if not self.typing:
            self._put(text.replace("\n", "\r\n"))
            self._midway = not text.endswith("\n")
            return
        up = f"\x1b[{self._row}A" if self._row else ""
        lines = text if text.endswith("\n") else text + "\n"
        self._put(f"{up}\r{_ERASED_BELOW}" + lines.replace("\n", "\r\n"))
        self._row = 0
        self.redraw()

    def clear(self) -> None:
        """An empty screen, with the line on top."""
        self._put(_CLEARED)
        self._row = 0
        self.redraw()

    def bell(self) -> None:
        """No."""
        self._put(_BELL)

    def _put(self, text: str) -> None:
        if text:
            self._write(text.encode("utf-8", "backslashreplace"))
