"""Who may connect and who may guess."""

from __future__ import annotations

import attrs
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd import limits
from dictd.limits import Doors, Guesses, Peer, Rate, network_of

SCHOOL = Peer.at("192.0.2.1")
HOME = Peer.at("2001:db8:1:2::3")
ELSEWHERE = Peer.at("203.0.113.9")
HERE = Peer.at("127.0.0.1")


class Peers(SynchronousTestCase):
    """Addresses as sockets give them."""

    def test_ipv4(self) -> None:
        """An IPv4 address is its own network and another machine."""
        self.assertEqual(Peer.at("192.0.2.1"), Peer("192.0.2.1", "192.0.2.1", loopback=False))

    def test_loopback(self) -> None:
        """All of 127/8, ::1 and a Unix socket are this machine."""
        for host in ("127.0.0.1", "127.0.1.1", "127.255.255.254", "::1", "unix"):
            self.assertTrue(Peer.at(host).loopback, host)

    def test_not_loopback(self) -> None:
        """What only looks like this machine is not."""
        for host in ("12.7.0.1", "128.0.0.1", "1.127.0.0", "::2", "::1:1", "2001:db8::1", "::ffff:192.0.2.1"):
            self.assertFalse(Peer.at(host).loopback, host)

    def test_dual_stack(self) -> None:
        """A dual-stack socket's ::ffff:127.0.0.1 is IPv4 and this machine."""
        self.assertEqual(Peer.at("::ffff:127.0.0.1"), Peer("127.0.0.1", "127.0.0.1", loopback=True))
        self.assertEqual(Peer.at("::ffff:192.0.2.1"), Peer.at("192.0.2.1"))

    def test_ipv6_network(self) -> None:
        """An IPv6 client is the /64 it lives in, however the address is written."""
        self.assertEqual(network_of("2001:db8:1:2::3"), "2001:db8:1:2::/64")
        self.assertEqual(network_of("2001:db8:1:2:ffff:ffff:ffff:ffff"), network_of("2001:DB8:1:2::"))
        self.assertNotEqual(network_of("2001:db8:1:2::3"), network_of("2001:db8:1:3::3"))

    def test_link_local(self) -> None:
        """An address with its interface has a network too."""
        self.assertEqual(network_of("fe80::1%eth0"), "fe80::/64")

    @settings(deadline=None, max_examples=100)
    @given(st.ip_addresses())
    @example("::ffff:0:c000:201")
    def test_any_address(self, address: object) -> None:
        """Every address is a peer with a network, also one that only begins like a mapped one."""
        self.assertTrue(Peer.at(str(address)).network)


class Admission(SynchronousTestCase):
    """Connections at a time."""

    def test_most(self) -> None:
        """When all places are taken nobody gets in, this machine neither, until one leaves."""
        doors = Doors(most=3, most_of_one=10)
        self.assertEqual([doors.admit(peer) for peer in (SCHOOL, HOME, HERE)], [True] * 3)
        self.assertFalse(doors.admit(ELSEWHERE))
        self.assertFalse(doors.admit(HERE))
        doors.leave(HOME)
        self.assertTrue(doors.admit(HERE))
        self.assertFalse(doors.admit(HOME))

    def test_most_of_one(self) -> None:
        """One network has its share; another one still gets in."""
        doors = Doors(most=10, most_of_one=2)
        self.assertEqual([doors.admit(SCHOOL) for _ in range(4)], [True, True, False, False])
        self.assertTrue(doors.admit(HOME))
        doors.leave(SCHOOL)
        self.assertEqual([doors.admit(SCHOOL) for _ in range(2)], [True, False])

    def test_loopback_free(self) -> None:
        """This machine has no share, only the whole."""
        doors = Doors(most=5, most_of_one=1)
        mapped, unix = Peer.at("::ffff:127.0.0.1"), Peer.at("unix")
        self.assertTrue(all(doors.admit(peer) for peer in (HERE, HERE, Peer.at("::1"), mapped, unix)))
        self.assertFalse(doors.admit(HERE))

    def test_one_ipv6_network(self) -> None:
        """Addresses of one /64 share its places, those of the next /64 do not."""
        doors = Doors(most=10, most_of_one=2)
        self.assertTrue(doors.admit(Peer.at("2001:db8:1:2::3")))
        self.assertTrue(doors.admit(Peer.at("2001:db8:1:2:aaaa::9")))
        self.assertFalse(doors.admit(Peer.at("2001:db8:1:2:ffff::")))
        self.assertTrue(doors.admit(Peer.at("2001:db8:1:3::3")))

    def test_refused_is_not_inside(self) -> None:
        """Who was refused holds no place."""
        doors = Doors(most=2, most_of_one=1)
        doors.admit(SCHOOL)
        for _ in range(5):
            self.assertFalse(doors.admit(SCHOOL))
        self.assertEqual(doors.inside, 1)
        self.assertTrue(doors.admit(HOME))

    def test_empty_again(self) -> None:
        """When all have left nothing of them is kept."""
        doors = Doors(most=10, most_of_one=5)
        peers = [SCHOOL, HOME, HERE, SCHOOL, ELSEWHERE]
        for peer in peers:
            self.assertTrue(doors.admit(peer))
        for peer in peers:
            doors.leave(peer)
        self.assertEqual(doors, Doors(most=10, most_of_one=5))


class Guessing(SynchronousTestCase):
    """Penalties for wrong passwords."""

    def setUp(self) -> None:
        """Nobody has failed yet."""
        self.guesses = Guesses()

    def fail_once(self, account: str, peer: Peer, now: float) -> None:
        """A try that begins at once and is wrong."""
        self.assertEqual(self.guesses.penalty(account, peer, now), 0)
        self.guesses.failed(account, peer, now)

    def fail_patiently(self, account: str, peer: Peer, times: int, now: float = 0) -> float:
        """Wrong tries, each after its wait; the time of the last."""
        for _ in range(times):
            while wait := self.guesses.penalty(account, peer, now):
                now += wait
            self.guesses.failed(account, peer, now)
        return now

    def wait_of(self, account: str, peer: Peer, now: float) -> int:
        """The wait, without leaving a try under way."""
        wait = self.guesses.penalty(account, peer, now)
        if not wait:
            self.guesses.abandoned(account, peer)
        return wait

    def make_at_home(self, account: str, peer: Peer) -> None:
        """A login that is right."""
        self.assertEqual(self.guesses.penalty(account, peer, 0), 0)
        self.guesses.succeeded(account, peer)

    def test_first(self) -> None:
        """The first try waits for nothing."""
        self.assertEqual(self.guesses.penalty("bob", SCHOOL, 0), 0)

    def test_steps(self) -> None:
        """After the first failures a try waits 2, 4, 8, 15 s, and 15 ever after."""
        now = 1000.0
        for expected in (2, 4, 8, 15, 15, 15):
            self.fail_once("bob", SCHOOL, now)
            self.assertEqual(self.wait_of("bob", SCHOOL, now), expected)
            self.assertEqual(self.wait_of("bob", SCHOOL, now + expected - 0.1), 1)
            now += expected

    def test_rounded_up(self) -> None:
        """The wait is told in whole seconds, never too few."""
        self.fail_once("bob", SCHOOL, 10.0)
        self.assertEqual([self.wait_of("bob", SCHOOL, at) for at in (10.5, 11.0, 11.01, 11.99, 12.0)], [2, 1, 1, 1, 0])

    def test_asking_costs_nothing(self) -> None:
        """Asking during the wait makes it no longer."""
        self.fail_once("bob", SCHOOL, 0)
        for at in (0.5, 1.0, 1.5):
            self.assertGreater(self.guesses.penalty("bob", SCHOOL, at), 0)
        self.assertEqual(self.guesses.penalty("bob", SCHOOL, 2), 0)

    def test_another_account(self) -> None:
        """A failure on one account is not another one's, in the same network."""
        self.fail_once("bob", SCHOOL, 0)
        self.assertEqual(self.guesses.penalty("alice", SCHOOL, 0), 0)

    def test_another_network(self) -> None:
        """A failure in one network is not another one's, for the same account."""
        self.fail_once("bob", SCHOOL, 0)
        self.assertEqual(self.guesses.penalty("bob", HOME, 0), 0)

    def test_one_ipv6_network(self) -> None:
        """A failure counts for the whole /64."""
        self.fail_once("bob", Peer.at("2001:db8:1:2::3"), 0)
        self.assertEqual(self.wait_of("bob", Peer.at("2001:db8:1:2:9::"), 0), 2)
        self.assertEqual(self.wait_of("bob", Peer.at("2001:db8:1:3::3"), 0), 0)

    def test_decay(self) -> None:
        """After 600 s without a failure the count begins anew, not a moment sooner."""
        for wait_before_last, expected in ((599.0, 8), (600.0, 2)):
            self.guesses = Guesses()
            last = self.fail_patiently("bob", SCHOOL, 2)
            self.fail_once("bob", SCHOOL, last + wait_before_last)
            self.assertEqual(self.wait_of("bob", SCHOOL, last + wait_before_last), expected)

    def test_success_forgives(self) -> None:
        """A right password clears the failures of this account here."""
        now = self.fail_patiently("bob", SCHOOL, 3) + 8
        self.assertEqual(self.guesses.penalty("bob", SCHOOL, now), 0)
        self.guesses.succeeded("bob", SCHOOL)
        self.fail_once("bob", SCHOOL, now)
        self.assertEqual(self.wait_of("bob", SCHOOL, now), 2)

    def test_whole_network(self) -> None:
        """Ten failures on any accounts cost the network nothing; after more all of it waits."""
        for number in range(10):
            self.fail_once(f"pupil{number}", SCHOOL, 0)
        self.assertEqual(self.wait_of("alice", SCHOOL, 0), 0)
        self.fail_once("pupil10", SCHOOL, 0)
        self.assertEqual(self.wait_of("alice", SCHOOL, 0), 2)
        self.assertEqual(self.wait_of("alice", HOME, 0), 0)
        self.fail_once("pupil11", SCHOOL, 2)
        self.assertEqual(self.wait_of("alice", SCHOOL, 2), 4)

    def test_network_decay(self) -> None:
        """A network's failures are forgotten after 600 s too."""
        for number in range(11):
            self.fail_once(f"pupil{number}", SCHOOL, 0)
        self.fail_once("late", SCHOOL, 600)
        self.assertEqual(self.wait_of("alice", SCHOOL, 600), 0)

    def test_account_from_many_networks(self) -> None:
        """An account that many networks try waits everywhere, as one that guesses from many places makes it."""
        for number in range(11):
            self.fail_once("bob", Peer.at(f"198.51.100.{number}"), 0)
        self.assertEqual(self.wait_of("bob", HOME, 0), 2)
        self.assertEqual(self.wait_of("alice", HOME, 0), 0)

    def test_at_home_whatever_others_do(self) -> None:
        """Where an account has logged in before, nobody elsewhere can make it wait."""
        self.make_at_home("bob", HOME)
        for number in range(30):
            self.guesses.failed("bob", Peer.at(f"198.51.100.{number}"), 0)
        self.assertGreater(self.wait_of("bob", ELSEWHERE, 0), 0)
        self.assertEqual(self.wait_of("bob", HOME, 0), 0)

    def test_at_home_whatever_the_network_does(self) -> None:
        """Where an account has logged in before, its neighbours cannot make it wait."""
        self.make_at_home("bob", SCHOOL)
        for number in range(30):
            self.guesses.failed(f"pupil{number}", SCHOOL, 0)
        self.assertGreater(self.wait_of("alice", SCHOOL, 0), 0)
        self.assertEqual(self.wait_of("bob", SCHOOL, 0), 0)

    def test_at_home_only_there(self) -> None:
        """To be at home in one network helps in no other."""
        self.make_at_home("bob", HOME)
        for number in range(11):
            self.guesses.failed(f"pupil{number}", SCHOOL, 0)
        self.assertGreater(self.wait_of("bob", SCHOOL, 0), 0)

    def test_at_home_still_pays_for_itself(self) -> None:
        """At home too, failures on this very account cost their time."""
        self.make_at_home("bob", SCHOOL)
        self.fail_once("bob", SCHOOL, 0)
        self.assertEqual(self.wait_of("bob", SCHOOL, 0), 2)

    def test_tries_at_once(self) -> None:
        """Three tries may be under way for one account from one network, no more."""
        self.assertEqual([self.guesses.penalty("bob", SCHOOL, 0) for _ in range(4)], [0, 0, 0, 1])
        self.assertEqual(self.guesses.penalty("alice", SCHOOL, 0), 0)
        self.assertEqual(self.guesses.penalty("bob", HOME, 0), 0)

    def test_tries_end(self) -> None:
        """A try that failed, succeeded or was abandoned makes room for one."""
        for _ in range(3):
            self.guesses.penalty("bob", SCHOOL, 0)
        for ending in (self.guesses.abandoned, self.guesses.succeeded):
            ending("bob", SCHOOL)
            self.assertEqual([self.guesses.penalty("bob", SCHOOL, 0) for _ in range(2)], [0, 1])
        self.guesses.failed("bob", SCHOOL, 0)
        self.assertEqual([self.guesses.penalty("bob", SCHOOL, 2) for _ in range(2)], [0, 1])

    def test_tries_at_once_all_wrong(self) -> None:
        """Tries made at once count each."""
        for _ in range(3):
            self.guesses.penalty("bob", SCHOOL, 0)
        for _ in range(3):
            self.guesses.failed("bob", SCHOOL, 1)
        self.assertEqual(self.wait_of("bob", SCHOOL, 1), 8)

    def test_abandoned(self) -> None:
        """A try that the server could not look at is no failure."""
        for _ in range(20):
            self.assertEqual(self.guesses.penalty("bob", SCHOOL, 0), 0)
            self.guesses.abandoned("bob", SCHOOL)
        self.assertEqual(self.guesses.penalty("bob", SCHOOL, 0), 0)

    def test_flood_of_names(self) -> None:
        """Refused tries with made-up names do not wash the failures away."""
        self.patch(limits, "REMEMBERED", 50)
        now = self.fail_patiently("bob", SCHOOL, 12)
        self.assertEqual(self.wait_of("bob", SCHOOL, now), 15)
        for number in range(200):
            self.assertGreater(self.guesses.penalty(f"nobody{number}", SCHOOL, now), 0)
        self.assertEqual(self.wait_of("bob", SCHOOL, now), 15)

    def test_flood_of_abandoned(self) -> None:
        """Tries that the server could not look at leave nothing behind that washes the failures away."""
        self.patch(limits, "REMEMBERED", 50)
        now = self.fail_patiently("bob", SCHOOL, 4)
        for number in range(200):
            self.assertEqual(self.guesses.penalty(f"nobody{number}", SCHOOL, now), 0)
            self.guesses.abandoned(f"nobody{number}", SCHOOL)
        self.assertEqual(self.wait_of("bob", SCHOOL, now), 15)

    def test_bounded(self) -> None:
        """However many accounts and networks fail, only so many are remembered, the latest of all among them."""
        self.patch(limits, "REMEMBERED", 50)
        for number in range(300):
            self.guesses.failed(f"user{number}", Peer.at(f"10.0.{number // 250}.{number % 250}"), number)
            self.make_at_home(f"home{number}", ELSEWHERE)
        self.assertEqual(self.wait_of("user299", Peer.at("10.0.1.49"), 299), 2)
        for part in attrs.fields(Guesses):
            self.assertLessEqual(len(getattr(self.guesses, part.name)), 50, part.name)

    def test_oldest_goes_first(self) -> None:
        """Who failed lately is remembered longer than who failed first, also among many."""
        self.patch(limits, "REMEMBERED", 50)
        for number in range(100):
            self.guesses.failed(f"user{number}", Peer.at(f"198.51.100.{number}"), 0)
            if number % 10 == 0:
                self.guesses.failed("bob", SCHOOL, 0)
        self.assertEqual(self.wait_of("user0", Peer.at("198.51.100.0"), 0), 0)
        self.assertEqual(self.wait_of("bob", SCHOOL, 0), 15)

    def test_under_way_is_kept(self) -> None:
        """A try under way is never forgotten to make room."""
        self.patch(limits, "REMEMBERED", 10)
        for _ in range(3):
            self.guesses.penalty("bob", SCHOOL, 0)
        for number in range(100):
            self.guesses.failed(f"user{number}", HOME, 0)
        self.assertEqual(self.guesses.penalty("bob", SCHOOL, 1000), 1)


class Rates(SynchronousTestCase):
    """So many in a span, for each network."""

    def test_most(self) -> None:
        """Up to the most at once, then the seconds until the oldest is out of the span."""
        rate = Rate(most=3, span=3600)
        self.assertEqual([rate.wait("a", now) for now in (0, 10, 20, 30)], [0, 0, 0, 3570])

    def test_slides(self) -> None:
        """Each makes room when its own time is over, no sooner."""
        rate = Rate(most=2, span=100)
        self.assertEqual([rate.wait("a", now) for now in (0, 50, 99.5, 100, 101, 150)], [0, 0, 1, 0, 49, 0])

    def test_refused_does_not_count(self) -> None:
        """Asking too early makes the wait no longer."""
        rate = Rate(most=1, span=10)
        self.assertEqual([rate.wait("a", now) for now in (0, 5, 9, 10)], [0, 5, 1, 0])

    def test_each_network(self) -> None:
        """One network's count is not another's."""
        rate = Rate(most=1, span=10)
        self.assertEqual([rate.wait(network, 0) for network in ("a", "b", "a", "b")], [0, 0, 10, 10])

    def test_rounded_up(self) -> None:
        """The wait is told in whole seconds, never zero while one must wait."""
        rate = Rate(most=1, span=10)
        rate.wait("a", 0)
        self.assertEqual(rate.wait("a", 9.999), 1)

    def test_bounded(self) -> None:
        """However many networks come, only so many are remembered."""
        self.patch(limits, "REMEMBERED", 50)
        rate = Rate(most=1, span=10)
        for number in range(300):
            self.assertEqual(rate.wait(str(number), 0), 0)
        self.assertLessEqual(len(rate._times), 50)
        self.assertEqual(rate.wait("299", 0), 10)
