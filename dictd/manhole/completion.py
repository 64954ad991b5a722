"""What TAB knows: the names, attributes and keys that go on as what is typed begins."""

from __future__ import annotations

import ast
import inspect
import keyword
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from dictd.tables import width

#: The end of a line: something with a dot and the beginning of an attribute, or the beginning of a name.
_ATTRIBUTE = re.compile(r"([\w.\[\]'\"-]*[\w\]])\.(\w*)$")
_KEY = re.compile(r"([\w.\[\]'\"-]*[\w\]])\[(['\"])([^'\"]*)$")
_NAME = re.compile(r"(?<![\w.])(\w*)$")
#: Candidates that are listed.
_MOST = 200


@frozen
class Completion:
    """What TAB can do.

    :ivar more: what goes on behind the cursor without doubt.
    :ivar candidates: what there is; empty where nothing begins so.
    """

    more: str
    candidates: list[str]


def complete(before: str, names: Mapping[str, Any]) -> Completion:
    """What may follow what stands before the cursor.

    Nothing is called for it, though reading an attribute of an attribute may run
    code, as it does when it is typed.
    """
    if found := _KEY.search(before):
        owner, quote, begun = found.groups()
        mapping = _value(owner, names)
        keys = [key for key in mapping if isinstance(key, str)] if isinstance(mapping, Mapping) else []
        return _completion(begun, [key for key in keys if key.isprintable() and quote not in key], f"{quote}]")
    if found := _ATTRIBUTE.search(before):
        owner, begun = found.groups()
        thing = _value(owner, names)
        if thing is _nothing:
            return Completion("", [])
        try:
            attributes = [str(name) for name in dir(thing)]
        except Exception:  # noqa: BLE001 - what a __dir__ does is its own affair
            return Completion("", [])
        return _completion(begun, [_called(thing, name) for name in _public(attributes, begun)])
    found = _NAME.search(before)
    begun = found[1] if found else ""
    own = {name: value for name, value in names.items() if name != "__builtins__"}
    if found is None or not begun:
        # An empty line: what this prompt is for.
        return _completion("", [_opened(name, own[name]) for name in _public(own, "")] if not before.strip() else [])
    completion = _completion(begun, [_opened(name, own[name]) for name in _public(own, begun)])
    if completion.candidates:
        return completion
    # status before staticmethod: what every Python has is offered where nothing of this prompt's fits.
    builtins = names.get("__builtins__")
    known = builtins if isinstance(builtins, dict) else {}
    offered = [_opened(name, known[name]) for name in _public(known, begun)]
    return _completion(begun, [*offered, *(word for word in keyword.kwlist if word not in known)])


def columns(candidates: Iterable[str], wide: int) -> str:
    """Candidates side by side, from top to bottom, as ls lists files."""
    listed = list(candidates)
    beyond = len(listed) - _MOST
    listed = listed[:_MOST]
    space = max(map(width, listed), default=0) + 2
    across = max(1, wide // space)
    down = -(-len(listed) // across)
    rows = [listed[row::down] for row in range(down)]
    lines = ["".join(name + " " * (space - width(name)) for name in row).rstrip() for row in rows]
    return "\n".join([*lines, f"... and {beyond:,} more"] if beyond > 0 else lines)


def _completion(begun: str, offered: Iterable[str], ending: str = "") -> Completion:
    fitting = sorted({name for name in offered if name.startswith(begun)})
    more = os.path.commonprefix(fitting)[len(begun) :]
    return Completion(more + ending if len(fitting) == 1 else more, fitting)


def _public(names: Iterable[str], begun: str) -> list[str]:
    """Names that begin with an underscore only for who begins with one."""
    return [name for name in names if begun.startswith("_") or not name.startswith("_")]


def _opened(name: str, value: Any) -> str:
    return f"{name}(" if callable(value) and not isinstance(value, type) else name


def _called(thing: Any, name: str) -> str:
    """An attribute, with a parenthesis where it is a function; no property is asked for it."""
    value = inspect.getattr_static(thing, name, None)
    return f"{name}(" if inspect.isroutine(value) or isinstance(value, staticmethod | classmethod) else name


_nothing = object()


def _value(written: str, names: Mapping[str, Any]) -> Any:
    """What ``a.b[1]`` is, or :data:`_nothing`."""
    try:
        return _of(ast.parse(written, mode="eval").body, names)
    except Exception:  # noqa: BLE001 - half a line may be anything, and so may what it asks
        return _nothing


def _of(node: ast.expr, names: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        builtins = names.get("__builtins__")
        return names[node.id] if node.id in names or not isinstance(builtins, dict) else builtins[node.id]
    if isinstance(node, ast.Attribute):
        return getattr(_of(node.value, names), node.attr)
    if isinstance(node, ast.Subscript):
        return _of(node.value, names)[ast.literal_eval(node.slice)]
    return ast.literal_eval(node)
