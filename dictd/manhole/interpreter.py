"""Runs what is typed: Python, with ``await``."""

from __future__ import annotations

import ast
import builtins
import codeop
import inspect
import linecache
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType
from types import coroutine as generator_coroutine
from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred

from dictd.manhole.screen import Soon
from dictd.manhole.shown import shown, trouble

_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
#: Builtins that would wait for somebody at the terminal of the server, and those that would close it.
_NOT_HERE = ("breakpoint", "copyright", "credits", "exit", "help", "input", "license", "quit")
#: Lines that tracebacks still show.
_MOST_REMEMBERED = 100
#: Of traceback.print_exception and its like: the status of what has failed.
FAILED = 1


class Output:
    """What ``sys.stdout`` is while something that was typed runs."""

    encoding = "utf-8"

    def __init__(self, write: Callable[[str], None], elsewhere: Any) -> None:
        self._write = write
        self._elsewhere = elsewhere
        self._thread = threading.get_ident()

    def write(self, text: str) -> int:
        """Print; what other threads print goes where it went before."""
        if threading.get_ident() != self._thread:
            return int(self._elsewhere.write(text) or 0)
        self._write(text)
        return len(text)

    def flush(self) -> None:
        """It is flushed."""

    def isatty(self) -> bool:
        """Nothing should try to draw."""
        return False


class Leave:
    """``exit`` and ``quit``: as words of their own, and called."""

    def __repr__(self) -> str:
        return "exit() or Ctrl-D leaves"

    def __call__(self, status: int = 0) -> None:
        raise SystemExit(status)


def whole(source: str) -> bool:
    """Whether it can be run, or is wrong whatever follows; else a block has begun."""
    compiler = codeop.CommandCompiler()
    compiler.compiler.flags |= _AWAIT
    try:
        return compiler(source, "<typed>", "single") is not None
    except (SyntaxError, ValueError, OverflowError) as error:
        if "multiple statements" not in str(error):
            return True
    try:
        return compiler(source, "<typed>", "exec") is not None
    except (SyntaxError, ValueError, OverflowError):
        return True


@define(eq=False)
class Interpreter:
    """Runs source in the names of one session.

    :ivar names: what can be named.
    :ivar title: of its lines in tracebacks.
    :param write: takes what is printed.
    :param complain: takes tracebacks.
    :param columns: how wide a screen there is.
    :ivar left: the status with which the session is to be left, once somebody said so.
    """

    names: dict[str, Any]
    title: str
    _write: Callable[[str], None]
    _complain: Callable[[str], None]
    _columns: Callable[[], int]
    left: int | None = field(default=None, init=False)
    _lines: int = field(default=0, init=False)
    _remembered: deque[str] = field(factory=deque, init=False)
    _awaited: list[Coroutine[Any, Any, Any]] = field(factory=list, init=False)
    _waiting: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        known = {name: value for name, value in vars(builtins).items() if name not in _NOT_HERE}
        self.names["__builtins__"] = known | {"exit": Leave(), "quit": Leave()}
        self.names.setdefault("__name__", "__shell__")

    async def run(self, source: str) -> int:
        """Run source to its end, and display the value of each expression that stands by itself.

        :returns: 0, or :data:`FAILED` after an exception, which is told.
        """
        self._lines += 1
        title = f"<{self.title}:{self._lines}>"
        self._remember(title, source)
        try:
            with warnings.catch_warnings(record=True) as doubts:
                warnings.simplefilter("always")
                steps = _compiled(source, title)
            for doubt in doubts:
                self._complain(f"{doubt.category.__name__}: {doubt.message}\n")
            for step in steps:
                await self._stepped(self._step(step))
        except SystemExit as leave:
            self.left = _status(leave.code)
            if isinstance(leave.code, str):
                self._complain(f"{leave.code}\n")
            return self.left
        except (CancelledError, KeyboardInterrupt):
            self._complain("interrupted\n")
            return FAILED
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, who typed it is to see it
            self._complain(trouble(error, title))
            return FAILED
        finally:
            while self._awaited:
                self._awaited.pop().close()
        return 0

    def forget(self) -> None:
        """The session is over."""
        while self._remembered:
            linecache.cache.pop(self._remembered.popleft(), None)

    async def _step(self, code: CodeType) -> None:
        """Run one statement; a coroutine that it leaves behind as its value is awaited."""
        if code.co_flags & inspect.CO_COROUTINE:
            await FunctionType(code, self.names)()
        else:
            exec(code, self.names)  # noqa: S102 - that is what the prompt is for
        while self._awaited:
            self._display(await self._awaited.pop(0))

    def _display(self, value: Any) -> None:
        """``sys.displayhook``."""
        if inspect.iscoroutine(value):
            self._awaited.append(value)
            return
        if isinstance(value, Soon):
            self._awaited.append(value.result_of())
            return
        if value is None:
            return
        if isinstance(value, Leave):
            value()
        self.names["_"] = value
        if isinstance(value, Deferred) and not value.called:
            self._await_aside(value)
        else:
            self._write(shown(value, self._columns()) + "\n")

    def _await_aside(self, deferred: Deferred[Any]) -> None:
        """Display a result when it comes, and pass it on."""
        self._waiting += 1
        name = f"Deferred #{self._waiting}"
        self._write(f"{name}: no result yet; it is shown when it comes\n")

        def came(result: Any) -> Any:
            self._write(f"{name}: {shown(result, self._columns())}\n")
            return result

        def failed(failure: Any) -> Any:
            self._complain(f"{name}: {trouble(failure.value, '')}")
            return failure

        deferred.addCallbacks(came, failed)

    def _remember(self, title: str, source: str) -> None:
        """So that tracebacks show what was typed."""
        lines = f"{source}\n".splitlines(keepends=True)
        linecache.cache[title] = (len(source), None, lines, title)
        self._remembered.append(title)
        if len(self._remembered) > _MOST_REMEMBERED:
            linecache.cache.pop(self._remembered.popleft(), None)

    @contextmanager
    def _here(self) -> Iterator[None]:
        """What is printed now is of this session."""
        was = sys.stdout, sys.displayhook
        sys.stdout = Output(self._write, was[0])
        sys.displayhook = self._display
        try:
            yield
        finally:
            sys.stdout, sys.displayhook = was

    @generator_coroutine
    def _stepped(self, running: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Await a coroutine; what it prints is of this session, whenever it goes on."""
        go, given = running.send, None
        while True:
            try:
                with self._here():
                    awaited = go(given)
            except StopIteration as end:
                return end.value
            try:
                go, given = running.send, (yield awaited)
            except BaseException as error:  # noqa: BLE001 - it is the coroutine's
                go, given = running.throw, error


def _compiled(source: str, title: str) -> list[CodeType]:
    """The statements, one by one: all can be compiled before one is run.

    :raises SyntaxError: it is none.
    """
    tree = ast.parse(source, title)
    return [
        compile(ast.Interactive([statement]), title, "single", flags=_AWAIT, dont_inherit=True)
        for statement in tree.body
    ]


def _status(code: Any) -> int:
    """As ``sys.exit`` has it."""
    return 0 if code is None else code & 0xFF if isinstance(code, int) else FAILED
