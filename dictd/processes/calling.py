"""How functions are called at the prompt: a wrong argument is one line, a bare name tells how it is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from attrs import field, frozen

from dictd.errors import BadArguments

_P = ParamSpec("_P")
_T = TypeVar("_T")
#: What parameters are annotated with -> what may be given, and what it is called.
_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "str": (str, "a text, in quotes"),
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "float | None": ((int, float, type(None)), "a number"),
}


def fit(does: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Look whether it can be called so.

    :raises BadArguments: it cannot, with what it takes.
    """
    name = does.__name__
    signature = inspect.signature(does)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise BadArguments(f"{name}(): {error}; help({name}) tells more") from None
    for parameter, value in bound.arguments.items():
        if parameter == "whom":
            continue  # Whom says better what it can be
        kind, called = _KINDS.get(str(signature.parameters[parameter].annotation), (object, ""))
        if not isinstance(value, kind) or (called and isinstance(value, bool)):
            raise BadArguments(f"{name}(): {parameter} is {called}, not {str(value)[:40]!r}")


def checked(does: Callable[_P, _T]) -> Callable[_P, _T]:
    """A function that looks at its arguments first, see :func:`fit`."""

    @functools.wraps(does)
    def called(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        fit(does, args, kwargs)
        return does(*args, **kwargs)

    return called


@frozen(eq=False, repr=False)
class Call:
    """A function as it is named at the prompt.

    :ivar does: the method itself.
    :ivar example: how it is called.
    """

    does: Callable[..., Any] = field()
    example: str

    def __repr__(self) -> str:
        return f"{self.example} is how it is called; help({self.does.__name__}) tells more"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        fit(self.does, args, kwargs)
        return self.does(*args, **kwargs)
