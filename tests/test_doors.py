"""Who may come in, counted in one worker and in many."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.doors import ALL, BURST_SECONDS, Admission, Doors, Networks, network
from dictd.limits import Peer
from dictd.sections import Limits

ADMITTED, RESERVED = Admission.ADMITTED, Admission.RESERVED
FULL, NETWORK_FULL, TOO_FAST, BANNED = (
    Admission.FULL,
    Admission.NETWORK_FULL,
    Admission.TOO_FAST,
    Admission.BANNED,
)
SCHOOL = Peer.at("192.0.2.1")
HOME = Peer.at("2001:db8:1:2::3")
ELSEWHERE = Peer.at("203.0.113.9")
HERE = Peer.at("127.0.0.1")
UNIX = Peer.at("unix")
LOOPBACK = Networks.of(["127.0.0.0/8", "::1"])


def come(doors: Doors, *peers: Peer, now: float = 0.0) -> list[Admission]:
    """What each is told."""
    return [doors.admit(peer, now) for peer in peers]


class Places(SynchronousTestCase):
    """Connections at a time."""

    def test_most(self) -> None:
        """When all places are taken nobody gets in, this machine neither, until one leaves."""
        doors = Doors(3, 10)
        self.assertEqual(come(doors, SCHOOL, HOME, HERE, ELSEWHERE, HERE), [ADMITTED] * 3 + [FULL] * 2)
        doors.leave(HOME)
        self.assertEqual(come(doors, HERE, HOME), [ADMITTED, FULL])

    def test_most_of_one(self) -> None:
        """One network has its share; another one still gets in."""
        doors = Doors(10, 2)
        self.assertEqual(come(doors, *[SCHOOL] * 4), [ADMITTED] * 2 + [NETWORK_FULL] * 2)
        self.assertEqual(come(doors, HOME), [ADMITTED])
        doors.leave(SCHOOL)
        self.assertEqual(come(doors, SCHOOL, SCHOOL), [ADMITTED, NETWORK_FULL])

    def test_exempt(self) -> None:
        """Networks that are exempt and unix sockets have no share, only the whole; this machine has."""
        here = (HERE, Peer.at("127.9.9.9"), Peer.at("::ffff:127.0.0.1"), Peer.at("::1"), UNIX)
        doors = Doors(5, 0, exempt=LOOPBACK)
        self.assertEqual(come(doors, *here, HERE), [ADMITTED] * 5 + [FULL])
        doors = Doors(5, 0)
        self.assertEqual(come(doors, *here), [NETWORK_FULL] * 4 + [ADMITTED])
        doors = Doors(5, 0, exempt=Networks.of(["192.0.2.0/30", "2001:db8::/32"]))
        self.assertEqual(come(doors, SCHOOL, HOME, Peer.at("192.0.2.4")), [ADMITTED, ADMITTED, NETWORK_FULL])

    def test_one_ipv6_network(self) -> None:
        """Addresses of one /64 share its places, those of the next /64 do not."""
        doors = Doors(10, 2)
        hosts = ("2001:db8:1:2::3", "2001:db8:1:2:aaaa::9", "2001:db8:1:2:ffff::", "2001:db8:1:3::3")
        self.assertEqual(come(doors, *map(Peer.at, hosts)), [ADMITTED, ADMITTED, NETWORK_FULL, ADMITTED])

    def test_refused_is_not_inside(self) -> None:
        """Who was refused holds no place and has not come."""
        doors = Doors(2, 1, per_second=1)
        come(doors, *[SCHOOL] * 50)
        self.assertEqual(doors.inside, 1)
        self.assertEqual(come(doors, HOME), [ADMITTED])
        doors.leave(SCHOOL)
        self.assertEqual(come(doors, SCHOOL), [ADMITTED])

    def test_empty_again(self) -> None:
        """When all have left nothing of them is kept, as soon as somebody else comes."""
        doors = Doors(10, 5, per_second=5, exempt=LOOPBACK)
        peers = [SCHOOL, HOME, HERE, SCHOOL, ELSEWHERE]
        self.assertEqual(come(doors, *peers), [ADMITTED] * 5)
        for peer in peers:
            doors.leave(peer)
        come(doors, HERE, now=100)
        doors.leave(HERE)
        self.assertEqual(evolve(doors, now=0, forgot=0), Doors(10, 5, per_second=5, exempt=LOOPBACK))

    def test_descriptors(self) -> None:
        """A worker that has no more descriptors lets nobody in, wherever there are places."""
        doors = Doors(100, 100, most_here=2, exempt=LOOPBACK)
        self.assertEqual(come(doors, SCHOOL, HERE, UNIX, HOME), [ADMITTED, ADMITTED, FULL, FULL])

    def test_settings(self) -> None:
        """Doors are as the settings say."""
        limits = Limits(connections=50, connections_per_network=7, new_per_second=3, reserved_percent=20)
        doors = Doors.of(evolve(limits, exempt=("192.0.2.0/24",)))
        self.assertEqual((doors.most, doors.most_of_one, doors.per_second, doors.reserved), (50, 7, 3, 10))
        self.assertEqual(come(doors, *[SCHOOL] * 20), [ADMITTED] * 20)
        self.assertEqual(come(doors, *[HOME] * 8), [ADMITTED] * 7 + [NETWORK_FULL])


class Last(SynchronousTestCase):
    """The last places."""

    def test_reserved(self) -> None:
        """They are for those who log in; this machine and who is exempt may have any."""
        doors = Doors(10, 10, reserved=4, exempt=Networks.of(["203.0.113.9"]))
        self.assertEqual(come(doors, *[SCHOOL] * 7), [ADMITTED] * 6 + [RESERVED])
        self.assertEqual(come(doors, HERE, ELSEWHERE, HOME, HOME), [ADMITTED, ADMITTED, RESERVED, FULL])

    def test_given_back(self) -> None:
        """When others leave the next one has a usual place; one that had a reserved place leaves as others do."""
        doors = Doors(2, 10, reserved=1)
        self.assertEqual(come(doors, SCHOOL, HOME), [ADMITTED, RESERVED])
        doors.leave(HOME)
        doors.leave(SCHOOL)
        self.assertEqual(come(doors, HOME), [ADMITTED])


class Fast(SynchronousTestCase):
    """New connections a second."""

    def test_burst_and_rate(self) -> None:
        """Some seconds' worth may come at once, then so many a second; another network is not concerned."""
        doors = Doors(10_000, 10_000, per_second=20)
        burst = 20 * BURST_SECONDS
        self.assertEqual(come(doors, *[SCHOOL] * 100), [ADMITTED] * burst + [TOO_FAST] * (100 - burst))
        for second in range(1, 5):
            told = come(doors, *[SCHOOL] * 100, now=second)
            self.assertEqual(told, [ADMITTED] * 20 + [TOO_FAST] * 80)
        self.assertEqual(come(doors, HOME, now=4), [ADMITTED])

    def test_steady(self) -> None:
        """Who keeps to the rate is never refused, whether it stays or goes."""
        doors = Doors(10_000, 10_000, per_second=20)
        for number in range(2000):
            self.assertEqual(come(doors, SCHOOL, now=number / 20), [ADMITTED])
            doors.leave(SCHOOL)

    def test_exempt(self) -> None:
        """Who is exempt may come as fast as it likes."""
        doors = Doors(10_000, 10_000, per_second=1, exempt=LOOPBACK)
        self.assertEqual(come(doors, *[HERE] * 500), [ADMITTED] * 500)

    def test_bounded(self) -> None:
        """However many networks come, what is kept of them is gone some seconds later."""
        doors = Doors(10_000, 10, per_second=1)
        for number in range(5000):
            peer = Peer.at(f"10.0.{number >> 8}.{number & 255}")
            come(doors, peer, now=number / 100)
            doors.leave(peer)
        self.assertLess(len(doors._came), 1000)


class Workers(SynchronousTestCase):
    """Limits of all workers together."""

    def tell(self, *workers: Doors, now: float | None = None) -> None:
        """What every worker tells the others."""
        deltas = [worker.take_delta() for worker in workers]
        for number, delta in enumerate(deltas):
            for other, worker in enumerate(workers):
                if other != number:
                    worker.add_elsewhere(delta, now)

    def test_places(self) -> None:
        """Places, all and those of a network, are counted over all workers."""
        one, two = Doors(5, 3), Doors(5, 3)
        self.tell(one, two)
        self.assertEqual(come(one, SCHOOL, SCHOOL), [ADMITTED] * 2)
        self.tell(one, two)
        self.assertEqual(come(two, SCHOOL, SCHOOL, HOME), [ADMITTED, NETWORK_FULL, ADMITTED])
        self.tell(one, two)
        self.assertEqual([doors.inside for doors in (one, two)], [4, 4])
        self.assertEqual(come(one, SCHOOL, HOME, ELSEWHERE), [NETWORK_FULL, ADMITTED, FULL])
        one.leave(SCHOOL)
        self.tell(one, two)
        self.assertEqual(come(two, SCHOOL, HOME), [ADMITTED, FULL])

    def test_reserved(self) -> None:
        """So are the reserved places."""
        one, two = Doors(4, 4, reserved=2), Doors(4, 4, reserved=2)
        self.tell(one, two)
        come(one, SCHOOL, HOME)
        self.tell(one, two)
        self.assertEqual(come(two, SCHOOL), [RESERVED])

    def test_burst(self) -> None:
        """Who comes to all workers at once, before they have told each other, gets in no more often than to one."""
        for limits in ((10_000, 64, 1e9), (10_000, 10_000, 20), (60, 10_000, 1e9)):
            workers = [Doors(limits[0], limits[1], per_second=limits[2], others=2) for _ in range(3)]
            self.tell(*workers)
            inside = sum(come(worker, SCHOOL, now=1000).count(ADMITTED) for _ in range(100) for worker in workers)
            self.assertLessEqual(inside, 66, limits)
            self.assertGreaterEqual(inside, 60, limits)

    def test_arrivals(self) -> None:
        """A network comes no faster by coming to several workers."""
        one, two = Doors(10_000, 10_000, per_second=20), Doors(10_000, 10_000, per_second=20)
        self.tell(one, two)
        self.assertEqual(come(one, *[SCHOOL] * 70, now=1000).count(ADMITTED), 60)
        self.tell(one, two, now=1000)
        self.assertEqual(come(two, SCHOOL, now=1000), [TOO_FAST])
        self.assertEqual(come(two, *[SCHOOL] * 50, now=1001).count(ADMITTED), 20)

    def test_arrivals_of_long_ago(self) -> None:
        """What came elsewhere is forgotten as what came here is."""
        one, two = Doors(10_000, 10_000, per_second=20), Doors(10_000, 10_000, per_second=20)
        self.tell(one, two)
        for now in range(0, 100, 10):
            come(one, *[SCHOOL] * 50, now=now)
            self.tell(one, two, now=now)
        self.assertEqual(come(two, *[SCHOOL] * 60, now=100), [ADMITTED] * 60)

    def test_delta(self) -> None:
        """A delta has what changed and nothing else: connections and arrivals of each network and of all."""
        doors = Doors(10, 10, exempt=LOOPBACK)
        come(doors, SCHOOL, HERE)
        self.assertEqual(doors.take_delta(), {ALL: [2, 0], SCHOOL.network: [1, 0]})
        self.assertEqual(doors.take_delta(), {})
        come(doors, SCHOOL, HOME)
        doors.leave(SCHOOL)
        doors.leave(HERE)
        self.assertEqual(doors.take_delta(), {ALL: [0, 2], SCHOOL.network: [0, 1], HOME.network: [1, 1]})
        doors.leave(HOME)
        self.assertEqual(doors.take_delta(), {ALL: [-1, 0], HOME.network: [-1, 0]})

    def test_nobody_asks(self) -> None:
        """Where nobody asks for deltas nothing is kept for them."""
        doors = Doors(10, 10)
        for number in range(100):
            peer = Peer.at(f"10.0.0.{number}")
            come(doors, peer)
            doors.leave(peer)
        self.assertIsNone(doors._changed)

    def test_dead(self) -> None:
        """What a dead worker had is free again; for a moment more may be taken away than was told."""
        one, two = Doors(3, 3), Doors(3, 3)
        self.tell(one, two)
        come(one, SCHOOL, SCHOOL, HOME)
        self.tell(one, two)
        self.assertEqual(come(two, SCHOOL), [FULL])
        two.add_elsewhere({ALL: (-3, 0), SCHOOL.network: (-2, 0), HOME.network: (-1, 0)})
        self.assertEqual(come(two, SCHOOL, SCHOOL, SCHOOL, SCHOOL), [ADMITTED] * 3 + [FULL])
        two.add_elsewhere({ALL: (-3, 0), SCHOOL.network: (-2, 0)})
        self.assertEqual(come(two, SCHOOL, SCHOOL), [FULL] * 2)
        two.add_elsewhere({ALL: (3, 3), SCHOOL.network: (2, 0)})
        self.assertEqual(two, evolve(two, places_elsewhere={}))

    @settings(deadline=None, max_examples=200)
    @given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans()), max_size=60))
    def test_told_often_it_holds_exactly(self, moves: list[tuple[int, int, bool]]) -> None:
        """When all is told after each move no limit is ever passed, and in the end everybody has the same count."""
        workers = [Doors(6, 2) for _ in range(3)]
        peers = (SCHOOL, HOME, ELSEWHERE, Peer.at("198.51.100.1"))
        inside: list[tuple[int, int]] = []
        self.tell(*workers)
        for worker, who, leaves in moves:
            if leaves and inside:
                where, was = inside.pop(worker % len(inside))
                workers[where].leave(peers[was])
            else:
                count = len([1 for _, one in inside if one == who])
                told = workers[worker].admit(peers[who], 0)
                self.assertEqual(told, FULL if len(inside) == 6 else NETWORK_FULL if count == 2 else ADMITTED)
                if told is ADMITTED:
                    inside.append((worker, who))
            self.tell(*workers)
            self.assertEqual({doors.inside for doors in workers}, {len(inside)})
        for where, was in inside:
            workers[where].leave(peers[was])
        self.tell(*workers)
        for doors in workers:
            self.assertEqual((doors.inside, doors._places, doors._places_elsewhere), (0, {}, {}))


class Bans(SynchronousTestCase):
    """Addresses and networks that are kept out."""

    def test_address(self) -> None:
        """Nobody comes in from there until the time is over, this machine neither; others do."""
        doors = Doors(10, 10, exempt=LOOPBACK)
        doors.ban("192.0.2.1", 100)
        doors.ban("127.0.0.1", 100)
        self.assertEqual(come(doors, SCHOOL, HERE, HOME, UNIX, now=99), [BANNED, BANNED, ADMITTED, ADMITTED])
        self.assertEqual(come(doors, SCHOOL, HERE, now=110), [ADMITTED] * 2)
        self.assertEqual(doors.bans, {})

    def test_network(self) -> None:
        """A network is all its addresses, however the peer's own network is drawn."""
        doors = Doors(99, 99)
        for barred in ("10.1.0.0/16", "2001:db8::/48"):
            doors.ban(barred, 100)
        outside = ("10.0.255.255", "10.2.0.0", "2001:db8:1::", "::1")
        inside = ("10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3", "2001:db8::", "2001:db8:0:ffff::1")
        self.assertEqual(come(doors, *map(Peer.at, inside)), [BANNED] * 5)
        self.assertEqual(come(doors, *map(Peer.at, outside)), [ADMITTED] * 4)
        self.assertTrue(doors.banned(Peer.at("10.1.2.3", 8), 0))

    def test_lift(self) -> None:
        """A ban is lifted by any spelling of its network, and only that ban."""
        doors = Doors(10, 10)
        doors.ban("10.1.2.3/16", 100)
        doors.ban("10.1.2.3", 100)
        doors.ban("::ffff:192.0.2.1", 100)
        self.assertEqual(doors.bans, {"10.1.0.0/16": 100, "10.1.2.3": 100, "192.0.2.1": 100})
        self.assertTrue(doors.lift("10.1.0.0/16"))
        self.assertFalse(doors.lift("10.1.0.0/16"))
        self.assertTrue(doors.banned(Peer.at("10.1.2.3"), 0))
        self.assertFalse(doors.banned(Peer.at("10.1.2.4"), 0))
        self.assertTrue(doors.lift("10.1.2.3"))
        self.assertTrue(doors.lift("192.0.2.1"))
        self.assertEqual(doors, Doors(10, 10))

    def test_again(self) -> None:
        """A ban that is said again has the new end."""
        doors = Doors(10, 10)
        doors.ban("192.0.2.1", 100)
        doors.ban("192.0.2.1", 10)
        self.assertFalse(doors.banned(SCHOOL, 50))

    def test_narrow_in_wide(self) -> None:
        """Of several bans the longest holds."""
        doors = Doors(10, 10)
        doors.ban("192.0.2.0/24", 10)
        doors.ban("192.0.2.1", 100)
        self.assertTrue(doors.banned(SCHOOL, 50))
        self.assertFalse(doors.banned(Peer.at("192.0.2.2"), 50))

    def test_no_network(self) -> None:
        """What is no address and no network is refused."""
        for wrong in ("", "alice", "10.0.0.0/33", "10.0.0", "unix"):
            self.assertRaises(ValueError, Doors(1, 1).ban, wrong, 1)
            self.assertRaises(ValueError, Doors(1, 1).lift, wrong)

    def test_spellings(self) -> None:
        """One network, one value."""
        self.assertEqual(network(" 10.1.2.3/16 "), network("::ffff:10.1.0.0/112"))
        self.assertEqual(network("2001:DB8::1/48"), network("2001:db8::/48"))
