"""Who may come in: places, how fast they are taken, who is barred.

All workers of a server count together. Each counts its own connections,
gives away what changed (:meth:`Doors.take_delta`) and is told what changed in
the others (:meth:`Doors.add_elsewhere`). Between two such tellings, a tenth of
a second, each takes it that the others let in as many as it does itself: the
kernel shares connections out evenly.

Times are seconds of any steady clock, given by the caller.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from attrs import define, field

from dictd.limits import Peer
from dictd.sections import Limits

#: New connections that may come at once, in seconds of what may come in each.
BURST_SECONDS = 3
#: How often what is over is forgotten, seconds.
_FORGET_EVERY = 5.0
#: Key of all networks together.
ALL = ""

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Admission(Enum):
    """What the doors say to somebody who comes.

    ``ADMITTED`` and ``RESERVED`` are in and must leave; one that has a reserved
    place is to log in soon. The others are why not.
    """

    ADMITTED = "admitted"
    RESERVED = "reserved"
    FULL = "full"
    NETWORK_FULL = "network full"
    TOO_FAST = "too fast"
    BANNED = "banned"

    @property
    def inside(self) -> bool:
        """Whether it is in."""
        return self is Admission.ADMITTED or self is Admission.RESERVED


def network(written: str) -> _Network:
    """An address or a network; bits behind its prefix do not matter.

    :raises ValueError: it is neither.
    """
    found = ipaddress.ip_network(written.strip(), strict=False)
    if isinstance(found, ipaddress.IPv6Network) and found.prefixlen >= 96:
        mapped = found.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.IPv4Network((int(mapped), found.prefixlen - 96))
    return found


@define
class Networks:
    """Networks, each with a time, to be asked about one address."""

    _kept: dict[tuple[int, int], dict[int, float]] = field(factory=dict)

    @classmethod
    def of(cls, written: Iterable[str]) -> Networks:
        """Networks for ever."""
        kept = cls()
        for one in written:
            kept.add(network(one), float("inf"))
        return kept

    def add(self, one: _Network, until: float) -> None:
        """Keep a network."""
        self._kept.setdefault((one.version, one.max_prefixlen - one.prefixlen), {})[_bits(one)] = until

    def remove(self, one: _Network) -> None:
        """Keep it no longer, if it was kept."""
        key = one.version, one.max_prefixlen - one.prefixlen
        if self._kept.get(key, {}).pop(_bits(one), None) is not None and not self._kept[key]:
            del self._kept[key]

    def until(self, host: str) -> float:
        """The latest time of those that an address lies in; 0 when it lies in none."""
        if not self._kept:
            return 0.0
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return 0.0  # a unix socket
        number, version, latest = int(address), address.version, 0.0
        for (of, shift), kept in self._kept.items():
            if of == version:
                latest = max(latest, kept.get(number >> shift, 0.0))
        return latest


def _bits(one: _Network) -> int:
    return int(one.network_address) >> (one.max_prefixlen - one.prefixlen)


@define
class Doors:
    """How many are in, in all and of each network.

    Networks that are exempt, this machine, and whoever comes by a unix socket
    have no share that could be full and never wait: only all places together
    and a ban hold for them.

    :ivar most: connections at a time, of all workers.
    :ivar most_of_one: connections at a time of one network.
    :ivar per_second: new connections of one network.
    :ivar reserved: so many of the last places are for those who log in.
    :ivar most_here: connections at a time of this worker, for it has only so many descriptors.
    :ivar others: how many workers there are besides.
    :ivar here: connections of this worker; ``elsewhere``: of the others.
    :ivar bans: network -> until when.
    """

    most: int
    most_of_one: int
    per_second: float = 1e9
    reserved: int = 0
    exempt: Networks = field(factory=Networks)
    most_here: int = 1 << 30
    others: int = 0
    here: int = 0
    elsewhere: int = 0
    bans: dict[str, float] = field(factory=dict)
    _places: dict[str, int] = field(factory=dict)
    _places_elsewhere: dict[str, int] = field(factory=dict)
    #: Network -> how many came lately, less what time has taken off again, and when that was so.
    _came: dict[str, tuple[float, float]] = field(factory=dict)
    #: What changed since it was asked for; nothing is kept before that.
    _changed: dict[str, list[int]] | None = None
    #: Whether hosts that came lately are exempt: to ask each time costs as much as all else here.
    _free: dict[str, bool] = field(factory=dict, eq=False)
    _barred: Networks = field(factory=Networks)
    _now: float = 0.0
    _forgot: float = 0.0

    @classmethod
    def of(cls, limits: Limits) -> Doors:
        """As the settings say."""
        return cls(
            most=limits.connections,
            most_of_one=limits.connections_per_network,
            per_second=limits.new_per_second,
            reserved=limits.connections * limits.reserved_percent // 100,
            exempt=Networks.of(limits.exempt),
        )

    @property
    def inside(self) -> int:
        """Connections of all workers."""
        return self.here + max(0, self.elsewhere)

    def admit(self, peer: Peer, now: float) -> Admission:
        """Let a peer in or not; each that is in must :meth:`leave`."""
        self._now = now
        if now - self._forgot >= _FORGET_EVERY:
            self._forget(now)
        if self.bans and self.banned(peer, now):
            return Admission.BANNED
        inside = self.inside + self._let_in_elsewhere(ALL)
        if inside >= self.most or self.here >= self.most_here:
            return Admission.FULL
        free = self._is_free(peer)
        if not free:
            refused = self._refused(peer.network, now)
            if refused is not None:
                return refused
            self._places[peer.network] = self._places.get(peer.network, 0) + 1
            self._note(peer.network, 1)
        self.here += 1
        self._note(ALL, 1)
        if free or peer.loopback or inside < self.most - self.reserved:
            return Admission.ADMITTED
        return Admission.RESERVED

    def leave(self, peer: Peer) -> None:
        """A peer that was admitted is gone."""
        self.here -= 1
        self._note(ALL, -1)
        if not self._is_free(peer):
            left = self._places[peer.network] - 1
            if left:
                self._places[peer.network] = left
            else:
                del self._places[peer.network]
            self._note(peer.network, -1)

    def take_delta(self) -> dict[str, list[int]]:
        """What changed here since the last call, the first time everything: network -> [connections, arrivals]."""
        changed = self._changed
        if changed is None:
            changed = {network: [count, 0] for network, count in self._places.items()}
            if self.here:
                changed[ALL] = [self.here, 0]
        self._changed = {}
        return changed

    def add_elsewhere(self, delta: Mapping[str, Sequence[int]], now: float | None = None) -> None:
        """What changed in other workers.

        :param delta: as :meth:`take_delta` gives it; of a worker that died, its connections as a negative number.
        :param now: without it, when somebody came last.
        """
        now = self._now if now is None else now
        for one, (change, arrivals) in delta.items():
            if one == ALL:
                self.elsewhere += change
                continue
            count = self._places_elsewhere.get(one, 0) + change
            if count:
                self._places_elsewhere[one] = count
            else:
                self._places_elsewhere.pop(one, None)
            if arrivals > 0:
                self._came[one] = (self._lately(one, now) + arrivals, now)

    def ban(self, barred: str, until: float) -> None:
        """Let nobody in from an address or a network for a time; those who are in stay in.

        :raises ValueError: it is neither.
        """
        one = network(barred)
        self._barred.add(one, until)
        self.bans[shown(one)] = until

    def lift(self, barred: str) -> bool:
        """End a ban; whether there was one.

        :raises ValueError: it is no network.
        """
        one = network(barred)
        self._barred.remove(one)
        return self.bans.pop(shown(one), None) is not None

    def banned(self, peer: Peer, now: float) -> bool:
        """Whether there is a ban on where a peer is."""
        return self._barred.until(peer.host) > now

    def _is_free(self, peer: Peer) -> bool:
        """Whether the limits of a network do not hold for a peer."""
        free = self._free.get(peer.host)
        if free is None:
            free = self._free[peer.host] = peer.host == "unix" or self.exempt.until(peer.host) > 0
        return free

    def _refused(self, of: str, now: float) -> Admission | None:
        """Why one more of a network does not get in; if it does, it came."""
        untold = self._let_in_elsewhere(of)
        if self._places.get(of, 0) + max(0, self._places_elsewhere.get(of, 0)) + untold >= self.most_of_one:
            return Admission.NETWORK_FULL
        lately = self._lately(of, now) + 1
        if lately + untold > self.per_second * BURST_SECONDS:
            return Admission.TOO_FAST
        self._came[of] = (lately, now)
        return None

    def _let_in_elsewhere(self, of: str) -> int:
        """How many others have probably let in that they have not told yet: each as many as this one has."""
        return self.others * self._changed.get(of, (0, 0))[1] if self._changed and self.others else 0

    def _lately(self, of: str, now: float) -> float:
        """How many came, when so many a second are forgotten as may come."""
        level, at = self._came.get(of, (0.0, now))
        return max(0.0, level - (now - at) * self.per_second)

    def _note(self, of: str, change: int) -> None:
        if self._changed is None:
            return
        noted = self._changed.setdefault(of, [0, 0])
        noted[0] += change
        noted[1] += change > 0
        if noted == [0, 0]:
            del self._changed[of]

    def _forget(self, now: float) -> None:
        """Drop what is as if it had never been."""
        self._forgot = now
        self._free.clear()
        self._came = {one: came for one, came in self._came.items() if self._lately(one, now) > 0}
        for barred in [barred for barred, until in self.bans.items() if until <= now]:
            self.lift(barred)


def shown(one: _Network) -> str:
    """A network in the one form in which bans are kept: an address has no prefix."""
    return str(one.network_address) if one.prefixlen == one.max_prefixlen else str(one)
