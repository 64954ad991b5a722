"""Invites: codes that somebody is given, to register by."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable
from hashlib import sha256

from attrs import define

from dictd.accounts.keeping import Keeping
from dictd.accounts.roster import SignedIn
from dictd.errors import AccessDenied
from dictd.model import DAY
from dictd.store.invites import InviteQueries, StoredInvite
from dictd.store.pool import Pool

#: Octets of chance in a code; five make eight characters.
_CHANCE = 10
_GROUP = 4
#: Characters of a code by which it is listed.
_LABEL = 4
#: Who may register by one code, and for how long: what is usual, and the most.
USES, MOST_USES = 1, 1000
DAYS, MOST_DAYS = 7, 365
ADMIN = "admin"


def new(made: int, expires: int, uses: int) -> tuple[str, StoredInvite]:
    """A code, which nobody can be told again, and what is kept of it.

    :param made: milliseconds since 1970; ``expires`` too.
    :param uses: how many may register by it.
    """
    plain = base64.b32encode(secrets.token_bytes(_CHANCE)).decode()
    code = "-".join(plain[first : first + _GROUP] for first in range(0, len(plain), _GROUP))
    return code, StoredInvite(hash_of(code), plain[:_LABEL], made, expires, uses)


def hash_of(code: str) -> bytes:
    """What of a code is kept; letters may be small, dashes and blanks are left out."""
    return sha256(re.sub(r"[\s-]", "", code).upper().encode()).digest()


@define(eq=False)
class Invites:
    """Invites that admins make, whatever front end they use.

    :param wall: seconds since 1970.
    """

    _keeping: Keeping
    _pool: Pool
    _queries: InviteQueries
    _wall: Callable[[], float]

    async def issue(self, session: SignedIn, uses: int) -> tuple[str, StoredInvite]:
        """Make one.

        :returns: its code, which nobody can be told again, and what is kept of it.
        :raises AccessDenied: the user is no admin just now, or was logged out meanwhile.
        """
        user, _ = await self._keeping.standing(session)
        if user.role != ADMIN:
            raise AccessDenied("access denied, INVITE is for admins")
        made = int(self._wall() * 1000)
        code, invite = new(made, made + DAYS * DAY, uses)
        await self._pool.run(self._queries.add, invite)
        if session.user is None:
            # A new password has thrown this session out: it is told no way in. Nobody knows the code.
            raise AccessDenied()
        return code, invite
