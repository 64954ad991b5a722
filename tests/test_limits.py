"""Who may connect and who may guess."""

from __future__ import annotations

import attrs
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd import limits
from dictd.limits import Guesses, Peer, Rate, network_of

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

    def test_wider(self) -> None:
        """The settings may draw networks wider, or narrower; a unix socket is none."""
        self.assertEqual(network_of("192.0.2.77", 24), "192.0.2.0/24")
        self.assertEqual(network_of("2001:db8:1:2::3", 24, 48), "2001:db8:1::/48")
        self.assertEqual(network_of("2001:db8::3", ipv6_prefix=128), "2001:db8::3/128")
        self.assertEqual(Peer.at("::ffff:192.0.2.77", 16), Peer("192.0.2.77", "192.0.0.0/16", loopback=False))
        self.assertEqual(Peer.at("unix", 8, 16), Peer("unix", "unix", loopback=True))

    def test_link_local(self) -> None:
        """An address with its interface has a network too."""
        self.assertEqual(network_of("fe80::1%eth0"), "fe80::/64")

    @settings(deadline=None, max_examples=100)
    @given(st.ip_addresses())
    @example("::ffff:0:c000:201")
    def test_any_address(self, address: object) -> None:
        """Every address is a peer with a network, also one that only begins like a mapped one."""
        self.assertTrue(Peer.at(str(address)).network)


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

    def test_longest(self) -> None:
        """The longest wait is what the settings say; with 0 there is none."""
        for longest, expected in ((40, [2, 4, 8, 16, 32, 40, 40]), (3, [2, 3, 3]), (0, [0] * 30)):
            self.guesses = Guesses(longest=longest)
            now, waits = 0.0, []
            for _ in expected:
                self.fail_once("bob", SCHOOL, now)
                waits.append(self.wait_of("bob", SCHOOL, now))
                now += waits[-1]
            self.assertEqual(waits, expected)

    def test_free(self) -> None:
        """How many failures of a network are free is what the settings say."""
        self.guesses = Guesses(free=3)
        for number in range(2):
            self.fail_once(f"pupil{number}", SCHOOL, 0)
        self.assertEqual(self.wait_of("alice", SCHOOL, 0), 0)
        self.fail_once("pupil3", SCHOOL, 0)
        self.assertEqual(self.wait_of("alice", SCHOOL, 0), 60)

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
        """After ten failures on any accounts a network waits until their minute is over, then after each."""
        for number in range(9):
            self.fail_once(f"pupil{number}", SCHOOL, number)
        self.assertEqual(self.wait_of("alice", SCHOOL, 9), 0)
        self.fail_once("pupil9", SCHOOL, 9)
        self.assertEqual([self.wait_of("alice", SCHOOL, now) for now in (9, 59, 60)], [51, 1, 0])
        self.assertEqual(self.wait_of("alice", HOME, 9), 0)
        self.fail_once("pupil10", SCHOOL, 60)
        self.assertEqual(self.wait_of("alice", SCHOOL, 60), 4)
        self.fail_once("pupil11", SCHOOL, 64)
        self.assertEqual(self.wait_of("alice", SCHOOL, 64), 8)

    def test_ten_a_minute(self) -> None:
        """Who never waits longer than he must has ten wrong tries in his first minute, and then fewer."""
        tries: list[float] = []
        now = 0.0
        for number in range(30):
            now += self.wait_of(f"pupil{number}", SCHOOL, now)
            self.fail_once(f"pupil{number}", SCHOOL, now)
            tries.append(now)
        for begin in range(0, 120, 5):
            self.assertLessEqual(sum(begin <= one < begin + 60 for one in tries), 10, begin)

    def test_under_way_could_be_wrong(self) -> None:
        """A network has no more tries under way than it may have failures yet; one at least."""

        def room() -> int:
            begun = [f"guess{number}" for number in range(50) if not self.guesses.penalty(f"guess{number}", SCHOOL, 60)]
            for account in begun:
                self.guesses.abandoned(account, SCHOOL)
            return len(begun)

        self.assertEqual(room(), 10)
        for number in range(4):
            self.fail_once(f"pupil{number}", SCHOOL, 0)
        self.assertEqual(room(), 6)
        for number in range(4, 12):
            self.guesses.failed(f"pupil{number}", SCHOOL, 40)
        self.assertEqual(room(), 1)
        self.guesses = Guesses(free=1000)
        self.assertEqual(room(), limits.TRIES_OF_NETWORK)

    def test_network_decay(self) -> None:
        """A network's failures are forgotten after 600 s too."""
        for number in range(10):
            self.fail_once(f"pupil{number}", SCHOOL, 0)
        self.fail_once("late", SCHOOL, 600)
        self.assertEqual(self.wait_of("alice", SCHOOL, 600), 0)

    def test_account_from_many_networks(self) -> None:
        """An account that many networks try waits everywhere, as one that guesses from many places makes it."""
        for number in range(10):
            self.fail_once("bob", Peer.at(f"198.51.100.{number}"), 0)
        self.assertEqual(self.wait_of("bob", HOME, 0), 60)
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
            if part.name.startswith("_"):
                self.assertLessEqual(len(getattr(self.guesses, part.name)), 50, part.name)

    def test_oldest_goes_first(self) -> None:
        """Who failed lately is remembered longer than who failed first, also among many."""
        self.patch(limits, "REMEMBERED", 50)
        for number in range(100):
            self.guesses.failed(f"user{number}", Peer.at(f"198.51.100.{number}"), 0)
            if number % 10 == 0:
                self.guesses.failed("bob", SCHOOL, 0)
        self.assertEqual(self.wait_of("user0", Peer.at("198.51.100.0"), 0), 0)
        self.assertEqual(self.wait_of("bob", SCHOOL, 0), 60)

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
