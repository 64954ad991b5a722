"""Settings: one TOML file, checked whole, turned into frozen values.

Order of authority: the defaults of :mod:`dictd.sections` < the file < the
environment (``DICTD_SECTION_KEY``) < the options of ``twistd dictd`` and
``dictctl``. Sections with names, ``[dictionary.NAME]`` and ``[group.NAME]``,
stand in the file alone. ``etc/dictd.toml`` is :func:`document` written to a
file; a test compares them.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

import attrs
from attrs import define, evolve, field

from dictd.errors import SettingsRefused
from dictd.model import NAME_RULE, dictionary_name
from dictd.sections import NAMED, SECTIONS, Accounts, DictionarySettings, GroupSettings, Settings

#: What the rest of dictd takes its settings from, and by.
__all__ = [
    "Accounts",
    "DictionarySettings",
    "GroupSettings",
    "Settings",
    "document",
    "load",
    "state_directory",
    "tree_of",
]

ENVIRONMENT_PREFIX = "DICTD_"

#: Where a key stands: listen.port, dictionary.wn.order; a section is named likewise.
_Place = tuple[str, ...]


def load(
    path: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    strategies: Collection[str] | None = None,
    tree: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings.

    :param path: the TOML file, or ``None`` for defaults alone.
    :param environment: ``DICTD_LISTEN_PORT=2629`` and the like.
    :param overrides: section -> key -> value, from the command line.
    :param strategies: names that ``dictionary.NAME.strategy`` may have; ``None`` asks nothing of them.
    :param tree: what the file holds, where somebody has read it already; see :func:`tree_of`.
    :raises SettingsRefused: with every fault, one a line, with line numbers.
    """
    text, read = _read(path)
    tree = read if tree is None else tree
    loading = _Loading(path, _lines(text))
    loading.take_file(tree)
    loading.take_environment(environment or {})
    for section, values in (overrides or {}).items():
        for key, value in values.items():
            loading.take("command line", (section, key), value)
    settings = loading.settings()
    loading.compare(settings, strategies)
    if loading.faults:
        raise SettingsRefused("\n".join(loading.faults))
    return settings


def tree_of(settings: Settings) -> dict[str, Any]:
    """All settings, defaults too, as their file would hold them: for JSON, and back by :func:`load`."""
    tree: dict[str, Any] = {section: attrs.asdict(getattr(settings, section)) for section in SECTIONS}
    for section, named in NAMED.items():
        tree[section] = {name: attrs.asdict(kind) for name, kind in getattr(settings, named.kept_as).items()}
    return tree


def _read(path: Path | None) -> tuple[str, dict[str, Any]]:
    if path is None:
        return "", {}
    try:
        text = path.read_text("utf-8-sig")
        return text, tomllib.loads(text)
    except OSError as error:
        raise SettingsRefused(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsRefused(f"{path}: {error}") from None
    except RecursionError:
        raise SettingsRefused(f"{path}: brackets in brackets without end") from None


@define
class _Loading:
    """Keys as they are given, in rising authority, and what is wrong with them.

    :ivar lines: see :func:`_lines`.
    :ivar origins: where each key and each section with a name was given last.
    """

    path: Path | None
    lines: Mapping[_Place, int]
    faults: list[str] = field(factory=list)
    origins: dict[_Place, str] = field(factory=dict)
    _chosen: dict[_Place, dict[str, Any]] = field(factory=dict)

    def take_file(self, tree: Mapping[str, Any]) -> None:
        for section, content in tree.items():
            shown = f"[{section}]" if section in SECTIONS else f"[{section}.NAME]"
            if section not in SECTIONS and section not in NAMED:
                self._fault(self._line(section), f"unknown section [{section}]")
            elif not isinstance(content, dict):
                self._fault(self._line(section), f"{section} must be a section: {shown}")
            elif section in SECTIONS:
                for key, value in content.items():
                    self.take(self._line(section, key), (section, key), value)
            else:
                for name, values in content.items():
                    self._take_named(section, name, values)

    def take_environment(self, environment: Mapping[str, str]) -> None:
        for variable, raw in environment.items():
            section, _, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().partition("_")
            if variable.startswith(ENVIRONMENT_PREFIX) and section in SECTIONS and key:
                hint = get_type_hints(SECTIONS[section]).get(key)
                self.take(variable, (section, key), _from_environment(raw, hint))

    def take(self, origin: str, place: _Place, value: Any) -> None:
        """A key somebody gave a value."""
        *section, key = place
        kind = _kind(section[0])
        declared = attrs.fields_dict(kind).get(key)
        if declared is None:
            fault = f"unknown key {'.'.join(place)}"
            if section[0] in NAMED and isinstance(value, dict):
                fault += f'; a name with a dot stands in quotes: [{section[0]}."{section[1]}.{key}"]'
            self._fault(origin, fault)
            return
        self.origins[place] = origin
        if declared.metadata["secret"] and self.path and origin.startswith(f"{self.path}:"):
            variable = f"{ENVIRONMENT_PREFIX}{'_'.join(place)}".upper()
            self._fault(origin, f"{'.'.join(place)} is a secret: give it as {variable}, or in a file of its own")
            return
        fault, value = _checked(declared, get_type_hints(kind)[key], value)
        if fault:
            self._fault(origin, f"{'.'.join(place)} {fault}")
        else:
            self._chosen.setdefault(tuple(section), {})[key] = value

    def settings(self) -> Settings:
        """What was chosen, as far as it is without fault."""
        chosen: dict[str, Any] = {
            section: evolve(getattr(Settings(), section), **self._chosen.get((section,), {})) for section in SECTIONS
        }
        named: dict[str, dict[str, Any]] = {named.kept_as: {} for named in NAMED.values()}
        for place, values in self._chosen.items():
            if place[0] not in NAMED:
                continue
            kind, kept_as = NAMED[place[0]].kind, NAMED[place[0]].kept_as
            needed = {declared.name for declared in attrs.fields(kind) if declared.default is attrs.NOTHING}
            for key in needed:
                if (*place, key) not in self.origins:
                    self._fault(self.origins[place], f"{'.'.join(place)}.{key} must be written out")
            if values.keys() >= needed:
                named[kept_as][place[1]] = kind(**values)
        chosen |= {kept_as: MappingProxyType(values) for kept_as, values in named.items()}
        return Settings(**chosen)

    def compare(self, settings: Settings, strategies: Collection[str] | None) -> None:
        """Find what is wrong with keys only beside others."""
        if settings.listen.public and ("accounts", "registration") not in self.origins:
            self._fault(
                str(self.path or "settings"),
                "accounts.registration must be written out (open, invite or closed),"
                " because other machines can reach listen.addresses",
            )
        for name, dictionary in settings.dictionaries.items():
            if strategies is not None and dictionary.strategy and dictionary.strategy not in strategies:
                place = ("dictionary", name, "strategy")
                self._fault(self.origins[place], f"{'.'.join(place)} must be one of {', '.join(strategies)}")
        groups = {place[1]: origin for place, origin in self.origins.items() if place[0] == "group" and len(place) == 2}
        for name, origin in groups.items():
            if ("dictionary", name) in self.origins:
                self._fault(origin, f"group.{name} has a dictionary's name ({self.origins['dictionary', name]})")
            for member in settings.groups[name].members if name in settings.groups else ():
                if member in groups:
                    fault = f"group.{name}.members {member} is a group; a group has dictionaries alone"
                    self._fault(self.origins["group", name, "members"], fault)

    def _take_named(self, section: str, name: str, values: Any) -> None:
        origin = self._line(section, name)
        kept = dictionary_name(name)
        if not isinstance(values, dict):
            self._fault(origin, f"{section}.{name} must be a section: [{section}.{name}]")
        elif not kept:
            self._fault(origin, f"[{section}.{json.dumps(name)}] cannot be the name of a {section}: {NAME_RULE}")
        elif (section, kept) in self.origins:
            self._fault(
                origin, f"[{section}.{name}] stands in {self.origins[section, kept]} already: case does not count"
            )
        else:
            self.origins[section, kept] = origin
            self._chosen[section, kept] = {}
            for key, value in values.items():
                self.take(self._line(section, name, key), (section, kept, key), value)

    def _fault(self, origin: str, fault: str) -> None:
        self.faults.append(f"{origin}: {fault}")

    def _line(self, *place: str) -> str:
        """File and line of a section or a key; where it is not found, of what it is in."""
        found = (self.lines[place[:end]] for end in range(len(place), 0, -1) if place[:end] in self.lines)
        return f"{self.path}:{next(found, 0)}"


def _kind(section: str) -> type[Any]:
    return SECTIONS.get(section) or NAMED[section].kind


def _from_environment(raw: str, hint: Any) -> Any:
    if hint == tuple[str, ...]:
        return [part for part in re.split(r"[,\s]+", raw) if part]
    if hint is bool:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(raw.lower(), raw)
    for number in (int, float):
        if hint is number or hint == number | str:
            try:
                return number(raw)
            except ValueError:
                return raw
    return raw


def _checked(declared: attrs.Attribute[Any], hint: Any, value: Any) -> tuple[str, Any]:
    """A fault or an empty string, and the value in its final type."""
    if hint == tuple[str, ...]:
        if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
            return "must be a list of strings", value
        value = tuple(value)
    elif hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    elif not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        return f"must be {_KINDS[hint]}, not {value!r}", value
    check = declared.metadata["check"]
    return (check(value) if check else ""), value


_KINDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a string",
    int | str: "a whole number or a string",
}

_WORD = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_WORDS = rf"\s*({_WORD}(?:\s*\.\s*{_WORD})*)\s*"
_HEADER = re.compile(rf"\s*\[{{1,2}}{_WORDS}\]")
_ASSIGNED = re.compile(rf"{_WORDS}=")


def _lines(text: str) -> dict[_Place, int]:
    """The line on which each section and each key of a TOML file stands first."""
    lines: dict[_Place, int] = {}
    header: _Place = ()
    for number, line in enumerate(text.split("\n"), 1):
        if match := _HEADER.match(line):
            here = header = _words(match[1])
        elif match := _ASSIGNED.match(line):
            here = (*header, *_words(match[1]))
        else:
            continue
        for end in range(1, len(here) + 1):
            lines.setdefault(here[:end], number)
    return lines


def _words(dotted: str) -> _Place:
    return tuple(word.strip("\"'") for word in re.findall(_WORD, dotted))


def document() -> str:
    """``etc/dictd.toml``: every key with its meaning and its default."""
    lines = [
        "# Settings of dictd. Every key is shown with its default; take away the # to change it.",
        "# A key that does not exist is an error, so a typing mistake cannot hide.",
        "# Each key can also be given in the environment: DICTD_LISTEN_PORT=2629.",
    ]
    for section, kind in SECTIONS.items():
        lines += ["", f"# {kind.__doc__}", f"[{section}]", *_keys(kind)]
    for section, named in NAMED.items():
        lines += [
            "",
            f"# {named.kind.__doc__}",
            "# An example: such sections stand in this file alone, as many as you need.",
        ]
        lines += [f"#[{section}.{named.example}]", *_keys(named.kind)]
    return "\n".join(lines) + "\n"


def _keys(kind: type[Any]) -> Iterator[str]:
    for declared in attrs.fields(kind):
        yield from (f"# {line}" for line in declared.metadata["about"].split("\n"))
        if declared.metadata["secret"]:
            continue
        shown = declared.metadata["example"]
        yield f"#{declared.name} = {json.dumps(list(shown) if isinstance(shown, tuple) else shown, ensure_ascii=False)}"


def state_directory(settings: Settings, environment: Mapping[str, str] | None = None) -> Path:
    """Where the state is kept; one answer for the server and for ``dictctl``.

    The setting where there is one; else ``./var`` if that already is a state
    directory; else ``/var/lib/dictd`` for root and ``$XDG_STATE_HOME/dictd``.
    """
    if settings.state.directory:
        return Path(settings.state.directory).expanduser().absolute()
    here = Path("var").absolute()
    if (here / "lexicon").is_dir():
        return here
    if os.geteuid() == 0:
        return Path("/var/lib/dictd")
    environment = os.environ if environment is None else environment
    home = environment.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(home).expanduser() / "dictd"
