"""Who may connect and who may guess: arithmetic on times and names, nothing else.

Times are seconds of any steady clock, given by the caller. Networks are what
:func:`network_of` makes of an address: one IPv4 address, one IPv6 /64.

Guessing a password costs time, never an account: a failure makes the next try
from the same network on the same account wait 2, 4, 8, then 15 s. A network
with many failures on any accounts waits as well, and so does an account that
many networks try; but where an account has logged in before, neither of these
two holds, so nobody can lock a pupil or a class out.
"""

from __future__ import annotations

import ipaddress
import math
from collections import deque

from attrs import define, field, frozen

#: Waits after the first, second, third, and every further failure, seconds.
PENALTIES = (2.0, 4.0, 8.0, 15.0)
#: Failures of a network (or on an account) before the whole of it waits.
WIDE_FAILURES = 10
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
    def at(cls, host: str) -> Peer:
        """The peer at an address as a socket gives it."""
        if host.startswith("::ffff:") and "." in host:
            host = host[7:]
        return cls(host, network_of(host), host.startswith("127.") or host in ("::1", "unix"))


def network_of(host: str) -> str:
    """What counts as one client: an IPv4 address, the /64 of an IPv6 address."""
    if ":" not in host:
        return host
    address = ipaddress.IPv6Address(host.partition("%")[0])
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))


@define
class Doors:
    """How many are in, in all and of each network.

    :ivar most: connections at a time.
    :ivar most_of_one: connections at a time of one network; loopback is free.
    """

    most: int
    most_of_one: int
    inside: int = 0
    _of_network: dict[str, int] = field(factory=dict)

    def admit(self, peer: Peer) -> bool:
        """Let a peer in; each that is in must :meth:`leave`."""
        if self.inside >= self.most:
            return False
        if not peer.loopback:
            here = self._of_network.get(peer.network, 0)
            if here >= self.most_of_one:
                return False
            self._of_network[peer.network] = here + 1
        self.inside += 1
        return True

    def leave(self, peer: Peer) -> None:
        """A peer that was admitted is gone."""
        self.inside -= 1
        if not peer.loopback:
            left = self._of_network[peer.network] - 1
            if left:
                self._of_network[peer.network] = left
            else:
                del self._of_network[peer.network]


@define
class _Record:
    """Failures of one account, one network, or one of both together."""

    failures: int = 0
    last: float = -math.inf
    under_way: int = 0

    def failed(self, now: float) -> None:
        self.failures = self.current(now) + 1
        self.last = now

    def current(self, now: float) -> int:
        return self.failures if now - self.last < MEMORY else 0

    def wait(self, now: float, free: int) -> float:
        """Seconds still to wait, when the first ``free`` failures cost nothing."""
        counted = self.current(now) - free
        if counted <= 0:
            return 0.0
        return max(0.0, self.last + PENALTIES[min(counted, len(PENALTIES)) - 1] - now)


@define
class Guesses:
    """Penalties for failed logins.

    Every :meth:`penalty` that returned 0 is a try under way and must end in
    :meth:`failed`, :meth:`succeeded` or :meth:`abandoned`.
    """

    _records: dict[tuple[str, str], _Record] = field(factory=dict)
    _at_home: dict[tuple[str, str], None] = field(factory=dict)
    _under_way: dict[str, int] = field(factory=dict)

    def penalty(self, account: str, peer: Peer, now: float) -> int:
        """Whole seconds this try must wait; 0 begins it."""
        pair = self._records.get((account, peer.network))
        wait = pair.wait(now, free=0) if pair else 0.0
        at_home = (account, peer.network) in self._at_home
        if not at_home:
            for wide in (("", peer.network), (account, "")):
                record = self._records.get(wide)
                if record is not None:
                    wait = max(wait, record.wait(now, WIDE_FAILURES))
        crowd = self._under_way.get(peer.network, 0)
        if wait <= 0 and (
            (pair is not None and pair.under_way >= TRIES_AT_ONCE) or (crowd >= TRIES_OF_NETWORK and not at_home)
        ):
            wait = 1.0
        if wait > 0:
            return math.ceil(wait)
        self._latest(account, peer.network).under_way += 1
        self._under_way[peer.network] = crowd + 1
        return 0

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
