"""What the settings say of dictionaries and groups, in the words of the lexicon."""

from __future__ import annotations

from dictd.config import Settings
from dictd.lexicon.views import Arrangement, Group, Placing
from dictd.model import name_key


def arrangement(settings: Settings) -> Arrangement:
    """Who sees which dictionaries, in the words of the lexicon."""
    placings = {
        name: Placing(one.strategy, one.hidden, frozenset(map(name_key, one.users)), one.order)
        for name, one in settings.dictionaries.items()
    }
    groups = tuple(Group(name, one.title or name, one.members) for name, one in settings.groups.items())
    return Arrangement(placings, groups)
