"""How long properties are looked at that can be looked at for ever: the one place that says."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from hypothesis import HealthCheck, settings

#: ``DICTD_FUZZ=1``, as ``make fuzz`` sets it: ten times as many examples.
TIMES = 10 if os.environ.get("DICTD_FUZZ", "0") not in ("", "0") else 1


def examples(count: int) -> Callable[[Callable[..., None]], Callable[[Any], None]]:
    """Look at a property, above ``@given``; what it finds is told so that it can be pasted into ``@example``.

    :param count: examples in ``make test``; those of all properties of this kind together are 2,000.
    """
    chosen = settings(
        max_examples=count * TIMES,
        deadline=None,  # the machine may be busy
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )

    def decorate(test: Callable[..., None]) -> Callable[[Any], None]:
        looked_at = chosen(test)

        @wraps(test)
        def shown(self: Any) -> None:
            try:
                looked_at(self)
            except Exception as found:
                # Hypothesis puts the input into notes, which trial does not print.
                raise AssertionError("\n".join([str(found), *getattr(found, "__notes__", ())])) from found

        return shown

    return decorate
