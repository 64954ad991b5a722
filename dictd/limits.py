"""Who somebody is to the limits, and who may guess: arithmetic on times and names, nothing else.

Times are seconds of any steady clock, given by the caller. Networks are what
:func:`network_of` makes of an address: one IPv4 address, one IPv6 /64, or what
the settings say. Who may connect is in :mod:`dictd.doors`.

Guessing a password costs time, never an account: a failure makes the next try
from the same network on the same account wait 2, 4, 8, then 15 s. A network
with ten failures on any accounts waits as well, at first until its minute is
over, and so does an account that many networks try; but where an account has logged in before, neither of these
two holds, so nobody can lock a pupil or a class out.
"""

from __future__ import annotations

import ipaddress
import math
from collections import deque

from attrs import define, field, frozen

#: The wait after the first failure, seconds; each further one doubles it, up to the longest.
FIRST_PENALTY, LONGEST_PENALTY = 2.0, 15.0
#: Failures of a network (or on an account) before the whole of it waits.
WIDE_FAILURES = 10
#: So many fill the minute in which they came, seconds; so do four of the longest waits, where those are shorter.
MINUTE = 60.0
#: Failures are forgotten after this long without another one, seconds.
MEMORY = 600.0
#: Tries under way at a time for one account from one network, and for all accounts of a network
#: where they are not at home: nobody fills the queue of hashes alone.
TRIES_AT_ONCE, TRIES_OF_NETWORK = 3, 32
#: Accounts and networks remembered; the oldest go first.
REMEMBERED = 50_000


@frozen
class Peer:
    """Where a client is.

    :ivar host: its address, IPv4 also where the socket was dual stack.
    :ivar network: what limits count, see :func:`network_of`.
    :ivar loopback: whether it is this machine.
    """

    host: str
    network: str
    loopback: bool

    @classmethod
    def at(cls, host: str, ipv4_prefix: int = 32, ipv6_prefix: int = 64) -> Peer:
        """The peer at an address as a socket gives it; ``unix`` is that of a unix socket."""
        if host.startswith("::ffff:") and "." in host:
            host = host[7:]
        network = network_of(host, ipv4_prefix, ipv6_prefix)
        return cls(host, network, host.startswith("127.") or host in ("::1", "unix"))


def network_of(host: str, ipv4_prefix: int = 32, ipv6_prefix: int = 64) -> str:
    """What counts as one client: an IPv4 address, the /64 of an IPv6 address, or wider."""
    if ":" not in host:
        if ipv4_prefix == 32 or not host[:1].isdigit():
            return host
        return str(ipaddress.IPv4Network((int(ipaddress.IPv4Address(host)), ipv4_prefix), strict=False))
    address = ipaddress.IPv6Address(host.partition("%")[0])
    away = 128 - ipv6_prefix
    return str(ipaddress.IPv6Network((int(address) >> away << away, ipv6_prefix)))


@define
class _Record:
    """Failures of one account, one network, or one of both together."""

    failures: int = 0
    first: float = -math.inf
    last: float = -math.inf
    under_way: int = 0

    def failed(self, now: float) -> None:
        self.failures = self.current(now) + 1
        if self.failures == 1:
            self.first = now
        self.last = now

    def current(self, now: float) -> int:
        return self.failures if now - self.last < MEMORY else 0

    def wait(self, now: float, longest: float, free: int = 0) -> float:
        """Seconds still to wait, when fewer failures than ``free`` cost nothing, and so many fill their minute."""
        counted = self.current(now) - max(0, free - 1)
        if counted <= 0:
            return 0.0
        # No wait doubles twenty times.
        over = self.last + min(longest, FIRST_PENALTY * 2.0 ** (min(counted, 20) - 1))
        return max(0.0, over - now, self.first + min(longest * 4, MINUTE) - now if free else 0.0)


@define
class Guesses:
    """Penalties for failed logins.

    Every :meth:`penalty` that returned 0 is a try under way and must end in
    :meth:`failed`, :meth:`succeeded` or :meth:`abandoned`.

    :ivar free: failures of a network (or on an account) before the whole of it waits.
    :ivar longest: the longest wait, seconds.
    """

    free: int = WIDE_FAILURES
    longest: float = LONGEST_PENALTY
    _records: dict[tuple[str, str], _Record] = field(factory=dict)
    _at_home: dict[tuple[str, str], None] = field(factory=dict)
    _under_way: dict[str, int] = field(factory=dict)

    def penalty(self, account: str, peer: Peer, now: float) -> int:
        """Whole seconds this try must wait; 0 begins it."""
        pair = self._records.get((account, peer.network))
        wait = pair.wait(now, self.longest) if pair else 0.0
        at_home = (account, peer.network) in self._at_home
        if not at_home:
            for wide in (("", peer.network), (account, "")):
                record = self._records.get(wide)
                if record is not None:
                    wait = max(wait, record.wait(now, self.longest, self.free))
        crowd = self._under_way.get(peer.network, 0)
        if wait <= 0 and (
            (pair is not None and pair.under_way >= TRIES_AT_ONCE) or (not at_home and crowd >= self._room(peer, now))
        ):
            wait = 1.0
        if wait > 0:
            return math.ceil(wait)
        self._latest(account, peer.network).under_way += 1
        self._under_way[peer.network] = crowd + 1
        return 0

    def _room(self, peer: Peer, now: float) -> int:
        """Tries that may be under way at once: they could all be wrong."""
        record = self._records.get(("", peer.network))
        return max(1, min(TRIES_OF_NETWORK, self.free - (record.current(now) if record else 0)))

    def failed(self, account: str, peer: Peer, now: float) -> None:
        """A try was wrong."""
        for key in ((account, peer.network), ("", peer.network), (account, "")):
            self._latest(*key).failed(now)
        self.abandoned(account, peer)

    def succeeded(self, account: str, peer: Peer) -> None:
        """A try was right: this account is at home in this network."""
        pair = (account, peer.network)
        if pair in self._records:
            self._records[pair].failures = 0
        self.abandoned(account, peer)
        self._at_home.pop(pair, None)
        self._at_home[pair] = None
        if len(self._at_home) > REMEMBERED:
            del self._at_home[next(iter(self._at_home))]

    def abandoned(self, account: str, peer: Peer) -> None:
        """A try ended without an answer, because the server could not look."""
        record = self._records.get((account, peer.network))
        if record is not None:
            if record.under_way:
                record.under_way -= 1
                self._under_way[peer.network] -= 1
                if not self._under_way[peer.network]:
                    del self._under_way[peer.network]
            if not record.failures and not record.under_way:
                del self._records[account, peer.network]

    def _latest(self, account: str, network: str) -> _Record:
        """A record, made if there is none, now the last to be forgotten."""
        record = self._records.pop((account, network), None) or _Record()
        if len(self._records) >= REMEMBERED:
            forgotten = next((key for key, old in self._records.items() if not old.under_way), None)
            if forgotten is not None:
                del self._records[forgotten]
        self._records[account, network] = record
        return record


@define
class Rate:
    """At most ``most`` in ``span`` seconds for each network.

    :ivar most: how many.
    """

    most: int
    span: float
    _times: dict[str, deque[float]] = field(factory=dict)

    def wait(self, network: str, now: float) -> int:
        """Whole seconds to wait; 0 counts one."""
        times = self._times.setdefault(network, deque())
        while times and now - times[0] >= self.span:
            times.popleft()
        if len(times) >= self.most:
            return math.ceil(times[0] + self.span - now)
        times.append(now)
        if len(self._times) > REMEMBERED:
            del self._times[next(iter(self._times))]
        return 0
