"""What a look of the doctor found."""

from __future__ import annotations

from attrs import frozen


@frozen
class Finding:
    """One thing that was looked at.

    :ivar state: ``ok``, ``note`` (worth knowing) or ``fault``.
    """

    about: str
    state: str
    text: str
