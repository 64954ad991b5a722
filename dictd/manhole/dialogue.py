"""A session of somebody at a terminal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from attrs import define, field

from dictd.manhole.completion import columns, complete
from dictd.manhole.interpreter import whole
from dictd.manhole.keystrokes import MOST_TYPED, Key, Keystrokes, Typed
from dictd.manhole.line import PROMPT, Line
from dictd.manhole.session import Session
from dictd.manhole.terminal import Terminal

#: Keys that wait while something runs.
_MOST_AHEAD = 10_000


@define(eq=False)
class Dialogue(Session):
    """Somebody at a terminal.

    :param past: what this person typed in sessions before; what is typed now is added.
    :param greeting: what is said first.
    """

    _past: deque[str]
    _greeting: str
    terminal: Terminal = field(init=False)
    _line: Line = field(init=False)
    _keys: Keystrokes = field(factory=Keystrokes, init=False)
    _ahead: deque[Key | Typed] = field(factory=deque, init=False)
    _pumping: bool = field(default=False, init=False)
    _wanted: str | None = field(default=None, init=False)
    _found: int = field(default=-1, init=False)

    def __attrs_post_init__(self) -> None:
        self._line = Line(list(self._past))
        self.terminal = Terminal(self._line, self._wire.put, self._wire.waiting)
        super().__attrs_post_init__()

    def begin(self) -> None:
        """Greet, and show the prompt."""
        self.terminal.begin()
        self.terminal.say(self._greeting)
        self.terminal.show()

    def typed(self, octets: bytes) -> None:
        for key in self._keys.of(octets):
            if self._running is not None and key is Key.INTERRUPT:
                self._ahead.clear()
                self._out("^C\n")
                self._running.cancel()
            elif len(self._ahead) < _MOST_AHEAD:
                self._ahead.append(key)
        self._pump()

    def finished(self) -> None:
        self._leave(0)

    def interrupt(self) -> None:
        """Ctrl-C, said in another way."""
        self.typed(b"\x03")

    def farewell(self, text: str) -> None:
        """End it from here."""
        self.say(text)
        self._leave(0)

    def _pump(self) -> None:
        """Follow the keys, as long as nothing runs; what runs may end at once, so this is a loop."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._ahead and self._running is None and not self._ended:
                key = self._ahead.popleft()
                if self._wanted is not None:
                    self._search(key)
                elif isinstance(key, Typed):
                    self._type(key.text)
                else:
                    self._press(key)
        finally:
            self._pumping = False

    def _type(self, text: str) -> None:
        if len(self._line.text) + len(text) > MOST_TYPED:
            self.say(f"too long for a line: {MOST_TYPED:,} characters are the limit; dictctl shell < FILE runs a file")
        else:
            self._line.insert(text)
            self.terminal.draw()

    def _press(self, key: Key) -> None:
        if key in _EDITS:
            _EDITS[key](self._line)
            self.terminal.draw()
        elif key is Key.RETURN:
            self._return()
        elif key is Key.TAB:
            self._complete()
        elif key is Key.INTERRUPT:
            self.terminal.enter("^C")
            self._line.take()
            self.terminal.show()
        elif key is Key.LEAVE:
            if not self._line.text:
                self._leave(0)
            else:
                self._line.delete()
                self.terminal.draw()
        elif key is Key.CLEAR:
            self.terminal.clear()
        elif key is Key.SEARCH:
            self._wanted, self._found = "", len(self._line.past)
            self._show_search()

    def _return(self) -> None:
        source = self._line.text
        if not source.strip():
            self.terminal.enter()
            self._line.take()
            self.terminal.show()
        elif not whole(source):
            self._line.cursor = len(source)
            self._line.insert("\n")
            self.terminal.draw()
        else:
            self.terminal.enter()
            source = self._line.take().rstrip()
            if not self._line.past or self._line.past[-1] != source:
                self._line.past.append(source)
                self._past.append(source)
            self._line.take()
            self._run(source)

    def _complete(self) -> None:
        text, cursor = self._line.text, self._line.cursor
        before = text[text.rfind("\n", 0, cursor) + 1 : cursor]
        if not before.strip() and (before or "\n" in text):
            self._line.insert("    ")
            self.terminal.draw()
            return
        completion = complete(before, self._interpreter.names)
        if completion.more:
            self._line.insert(completion.more)
            self.terminal.draw()
        elif len(completion.candidates) > 1:
            # As bash does: the line stays, the candidates stand below it, and then the line again.
            self.terminal.enter()
            self._line.cursor = cursor
            self.terminal.out(columns(completion.candidates, self._columns()) + "\n")
            self.terminal.show()
        else:
            self.terminal.bell()

    def _search(self, key: Key | Typed) -> None:
        """Ctrl-R: what was typed before, looked for backwards."""
        wanted = self._wanted or ""
        if isinstance(key, Typed):
            self._wanted = wanted + key.text.replace("\n", " ")
            self._look(self._found + 1)
        elif key is Key.BACKSPACE:
            self._wanted = wanted[:-1]
            self._look(len(self._line.past))
        elif key is Key.SEARCH:
            self._look(self._found)
        else:
            self._wanted, self.terminal.prompt = None, PROMPT
            if key is Key.INTERRUPT:
                self._line.take()
            self.terminal.draw()
            if key is not Key.INTERRUPT:
                self._press(key)

    def _look(self, before: int) -> None:
        found = self._line.found(self._wanted or "", min(before, len(self._line.past)))
        if found < 0:
            self.terminal.bell()
        else:
            self._found = found
            text = self._line.past[found]
            self._line.text, self._line.cursor = text, text.index(self._wanted or "")
        self._show_search()

    def _show_search(self) -> None:
        self.terminal.prompt = f"(looking back for '{self._wanted}') "
        self.terminal.redraw()

    def _done(self, status: int) -> None:
        if self._interpreter.left is not None:
            self._leave(self._interpreter.left)
            return
        self.terminal.show()
        self._pump()

    def _leave(self, status: int) -> None:
        if not self._ended:
            self.terminal.end()
            self._wire.leave(status)

    def _out(self, text: str) -> None:
        self.terminal.out(text)

    _complain = _out

    def _columns(self) -> int:
        return self.terminal.columns


_EDITS: dict[Key, Callable[[Line], None]] = {
    Key.BACKSPACE: Line.backspace, Key.DELETE: Line.delete, Key.UP: Line.up, Key.DOWN: Line.down,
    Key.LEFT: Line.left, Key.RIGHT: Line.right, Key.WORD_LEFT: Line.word_left, Key.WORD_RIGHT: Line.word_right,
    Key.HOME: Line.home, Key.END: Line.end, Key.CUT_END: Line.cut_end, Key.CUT_BEGIN: Line.cut_begin,
    Key.CUT_WORD: Line.cut_word, Key.PASTE: Line.paste,
}  # fmt: skip
