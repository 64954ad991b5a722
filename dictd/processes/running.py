"""Python that an administrator runs in a process that serves."""

from __future__ import annotations

import ast
import io
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import redirect_stdout
from functools import partial
from inspect import CO_COROUTINE, isawaitable, ismethod
from types import CodeType, FunctionType
from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

#: Characters of what is given back.
MOST = 100_000
_FILE = "<run>"
_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


@define(eq=False, repr=False)
class Runs:
    """Each run has its names afresh; only what it puts into ``keep`` is there the next time.

    :param names: makes what can be named.
    """

    _clock: Any
    _names: Callable[[], dict[str, Any]]
    _keep: dict[str, Any] = field(factory=dict, init=False)
    log = Logger()

    async def run(self, code: str, seconds: float, who: str) -> str:
        """Run it; what it printed, and what its last expression is, awaited where it can be.

        Never raises: an exception is told in the text.

        :param seconds: after which what is awaited is given up; code that does not await cannot be.
        """
        self.log.info("{by} runs: {code}", by=who, code=code, audit=True)
        aloud = _Aloud(self._executed(code))
        ran = Deferred.fromCoroutine(_awaited(aloud))
        over = False

        def late(*_: Any) -> None:
            nonlocal over
            over = True

        try:
            await ran.addTimeout(seconds, self._clock, late)
            told = f"it took longer than {seconds:g} s and was given up\n" if over else ""
        except BaseException as error:  # noqa: BLE001 - what somebody types must not end the process
            if isinstance(error, GeneratorExit):
                raise
            told = _told(error)
        return _cut(aloud.printed + told)

    async def _executed(self, code: str) -> None:
        names: dict[str, Any] = {"__name__": "__run__", "keep": self._keep, **self._names()}
        tree = compile(code, _FILE, "exec", _FLAGS | ast.PyCF_ONLY_AST)
        value: Any = None
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        await _evaluated(compile(tree, _FILE, "exec", _FLAGS), names)
        if isinstance(last, ast.Expr):
            value = await _evaluated(compile(ast.Expression(last.value), _FILE, "eval", _FLAGS), names)
            if isawaitable(value):
                value = await value
        if value is not None:
            print(f"<method {value.__qualname__}>" if ismethod(value) else repr(value))


async def _evaluated(code: CodeType, names: dict[str, Any]) -> Any:
    value = FunctionType(code, names)()
    return await value if code.co_flags & CO_COROUTINE else value


async def _awaited(waiting: Awaitable[None]) -> None:
    await waiting


@define(eq=False)
class _Aloud(Awaitable[None]):
    """Awaits a coroutine; what it prints between two waits is caught, and nobody else's."""

    _coroutine: Coroutine[Any, Any, None]
    _out: io.StringIO = field(factory=io.StringIO, init=False)

    def __await__(self) -> Generator[Any, Any, None]:
        step: Callable[[], Any] = partial(self._coroutine.send, None)
        while True:
            try:
                with redirect_stdout(self._out):
                    waits_for = step()
            except StopIteration:
                return
            try:
                step = partial(self._coroutine.send, (yield waits_for))
            except BaseException as error:  # noqa: BLE001 - it is the coroutine's
                step = partial(self._coroutine.throw, error)

    @property
    def printed(self) -> str:
        """What was printed until now, with the end of the last line."""
        text = self._out.getvalue()
        return text if not text or text.endswith("\n") else text + "\n"


def _told(error: BaseException) -> str:
    """A traceback without what is ours."""
    if isinstance(error, CancelledError):
        return "it was given up\n"
    told = traceback.TracebackException.from_exception(error)
    places = [frame.filename for frame in told.stack]
    begin = places.index(_FILE) if _FILE in places else len(places)
    told.stack = traceback.StackSummary.from_list(told.stack[begin:])
    return "".join(told.format(chain=False))


def _cut(text: str) -> str:
    text = text.rstrip("\n")
    return text if len(text) <= MOST else f"{text[:MOST]}\n... cut here: it has {len(text):,} characters"
