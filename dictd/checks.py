"""What a value of a setting must be: each check says what is wrong with one, or nothing."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from dictd.model import LONGEST_TITLE, NAME_RULE, dictionary_name
from dictd.storeurl import StoreURL

Check = Callable[[Any], str]

#: More processes than this do not help a dictionary.
MOST_WORKERS = 256


def between(low: float, high: float) -> Check:
    """A number from one to another."""

    def check(value: float) -> str:
        return "" if low <= value <= high else f"must lie between {low} and {high}"

    return check


def one_of(*choices: str) -> Check:
    """One of some words."""

    def check(value: str) -> str:
        return "" if value in choices else "must be one of " + ", ".join(choices)

    return check


def workers(value: int | str) -> str:
    """How many workers: a number, or "auto"."""
    fits = value == "auto" or (isinstance(value, int) and 0 <= value <= MOST_WORKERS)
    return "" if fits else f'must be "auto" or a number from 0 to {MOST_WORKERS}'


def addresses(value: tuple[str, ...]) -> str:
    """IP addresses, at least one, none twice."""
    if not value:
        return "needs at least one address"
    for address in value:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            return f"{address!r} is not an IP address"
    return "" if len(set(value)) == len(value) else "names an address twice"


def address(value: str) -> str:
    """One IP address."""
    return addresses((value,))


def loopback(value: str) -> str:
    """One IP address that only this machine reaches."""
    if trouble := address(value):
        return trouble
    return "" if ipaddress.ip_address(value).is_loopback else f"{value!r} can be reached from other machines"


def networks(value: tuple[str, ...]) -> str:
    """IP addresses and networks."""
    for network in value:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            return f"{network!r} is not an IP address, nor a network such as 10.0.0.0/8"
    return ""


def path(value: str) -> str:
    """The path of a file."""
    return "must be a path" if "\0" in value or "\n" in value else ""


def store(value: str) -> str:
    """Where things are kept."""
    try:
        StoreURL.parse(value)
    except ValueError as error:
        return str(error)
    return ""


def one_line(value: str) -> str:
    """One line that can be shown."""
    return "" if value.isprintable() else "must be one line of printable characters"


def site_name(value: str) -> str:
    """What a server can be called in its banner."""
    fits = re.fullmatch(r"[A-Za-z0-9._-]{0,64}", value)
    return "" if fits else "must be up to 64 letters, digits, dots, dashes or underscores"


def title(value: str) -> str:
    """What a dictionary can be called."""
    return one_line(value) or (
        "" if len(value) <= LONGEST_TITLE else f"must be no longer than {LONGEST_TITLE} characters"
    )


def names(value: tuple[str, ...]) -> str:
    """Names of accounts."""
    wrong = next((name for name in value if not name.strip() or not name.isprintable()), None)
    return "" if wrong is None else f"{wrong!r} cannot be the name of an account"


def members(value: tuple[str, ...]) -> str:
    """Dictionaries of a group."""
    if not value:
        return "needs at least one dictionary"
    names = [dictionary_name(member) for member in value]
    if "" in names:
        return f"{value[names.index('')]!r} cannot be the name of a dictionary: {NAME_RULE}"
    twice = next((name for name in names if names.count(name) > 1), "")
    return f"names {twice} twice" if twice else ""


def lowered(value: tuple[str, ...]) -> tuple[str, ...]:
    """The same in lower case."""
    return tuple(map(str.lower, value))
