"""The settings that run, as somebody at the prompt reads them; secrets are not shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import attrs
from attrs import define

from dictd.config import Settings
from dictd.processes.reports import Report
from dictd.sections import NAMED, SECTIONS


@define(eq=False, repr=False)
class SettingsView:
    """The settings that run, without secrets.

    settings
    settings.limits
    settings.limits.facts["connections"]

    Those that are not the default; settings.limits and so on are whole sections. reload() takes others; workers
    that retire keep those of before.
    """

    _current: Callable[[], Settings]

    def __repr__(self) -> str:
        settings = self._current()
        lines: list[str] = []
        for section in SECTIONS:
            if changed := [*_lines(getattr(settings, section), all_of_it=False)]:
                lines += [f"[{section}]", *changed]
        for section, named in NAMED.items():
            for name, one in getattr(settings, named.kept_as).items():
                lines += [f"[{section}.{json.dumps(name) if '.' in name else name}]", *_lines(one, all_of_it=True)]
        return "\n".join([*lines, "# All else is as in etc/dictd.toml; settings.limits and so on show a section."])

    def __getattr__(self, name: str) -> Any:
        if name in SECTIONS:
            section = getattr(self._current(), name)
            return Report("\n".join([f"[{name}]", *_lines(section, all_of_it=True)]), dict(_shown(section)))
        if name in {named.kept_as for named in NAMED.values()}:
            return {of: Report("\n".join(_lines(one, True)), dict(_shown(one))) for of, one in self._named(name)}
        raise AttributeError(f"there is no section {name}; there are {', '.join(SECTIONS)}")

    def __dir__(self) -> list[str]:
        return [*SECTIONS, *(named.kept_as for named in NAMED.values())]

    def _named(self, kept_as: str) -> list[tuple[str, Any]]:
        return [*getattr(self._current(), kept_as).items()]


def _shown(section: Any) -> Iterator[tuple[str, Any]]:
    for declared in attrs.fields(type(section)):
        value = getattr(section, declared.name)
        yield declared.name, ("(not shown)" if value else value) if declared.metadata["secret"] else value


def _lines(section: Any, all_of_it: bool) -> Iterator[str]:
    for name, value in _shown(section):
        if all_of_it or value != attrs.fields_dict(type(section))[name].default:
            shown = list(value) if isinstance(value, tuple) else value
            yield f"{name} = {json.dumps(shown, ensure_ascii=False)}"
