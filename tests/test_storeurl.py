"""Where the store is: what is understood, and what is refused in which words."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dictd.storeurl import MYSQL_PORT, Host, StoreURL

_FORM = "mysql://user@host1:3306,host2/database"
_NAMES = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,30}[a-z0-9])?", fullmatch=True)
_HOSTS = st.builds(
    Host,
    _NAMES | st.ip_addresses(v=4).map(str) | st.ip_addresses(v=6).map(str),
    st.integers(min_value=1, max_value=65535),
)


class Forms(SynchronousTestCase):
    """What is understood."""

    def hosts(self, text: str) -> tuple[Host, ...]:
        """The hosts of an address."""
        return StoreURL.parse(f"mysql://dictd@{text}/words").hosts

    def test_sqlite(self) -> None:
        """Two files, nothing else to say."""
        self.assertEqual((StoreURL.parse("sqlite"), str(StoreURL.parse("sqlite"))), (StoreURL("sqlite"), "sqlite"))

    def test_one_host(self) -> None:
        """User, host and database; MariaDB is the same."""
        wanted = StoreURL("mysql", "dictd", (Host("db.example", MYSQL_PORT),), "words")
        for scheme in ("mysql", "mariadb"):
            self.assertEqual(StoreURL.parse(f"{scheme}://dictd@DB.example/words"), wanted)

    def test_several_hosts(self) -> None:
        """In their order, each with a port of its own or the usual one."""
        self.assertEqual(
            self.hosts("db2:3307,10.0.0.1,db_1:1"), (Host("db2", 3307), Host("10.0.0.1", 3306), Host("db_1", 1))
        )

    def test_ipv6(self) -> None:
        """In brackets, with a port or without, and with a zone."""
        self.assertEqual(
            self.hosts("[::1],[2001:DB8::1]:3307,[fe80::1%eth0]"),
            (Host("::1"), Host("2001:db8::1", 3307), Host("fe80::1%eth0")),
        )

    def test_socket(self) -> None:
        """On this machine, by a path in which anything may stand."""
        wanted = (Host("localhost", socket="/run/my sql/%.sock"),)
        for host in ("localhost", ""):
            url = StoreURL.parse(f"mysql://dictd@{host}/words?socket=/run/my%20sql/%25.sock")
            self.assertEqual((url.hosts, str(url)), (wanted, "words at /run/my sql/%.sock"))

    def test_user(self) -> None:
        """What has a meaning in an address is written with a percent sign."""
        for written, user in (("a%40b%3Ac%2Fd", "a@b:c/d"), ("J%C3%B6rg", "Jörg"), ("Jörg", "Jörg"), ("a b", "a b")):
            self.assertEqual(StoreURL.parse(f"mysql://{written}@db/words").user, user)

    def test_shown(self) -> None:
        """For people: the database and its hosts, and not as whom."""
        url = StoreURL.parse("mysql://someone@[::1],db:3307/words")
        self.assertEqual(str(url), "words at [::1]:3306, db:3307")

    def test_on_this_machine(self) -> None:
        """What is sent there stays here."""
        for text, here in (("localhost", 1), ("127.0.0.2", 1), ("[::1]", 1), ("db", 0), ("10.0.0.1", 0), ("[::2]", 0)):
            self.assertEqual(self.hosts(text)[0].here, bool(here), text)
        self.assertTrue(Host("localhost", socket="/run/x").here)

    @given(_NAMES | st.text(min_size=1).filter(str.isprintable), st.lists(_HOSTS, min_size=1, unique=True), _NAMES)
    def test_round_trip(self, user: str, hosts: list[Host], database: str) -> None:
        """What is written by the rules is read as it was meant."""
        text = f"mysql://{quote(user, safe='')}@{','.join(map(str, hosts))}/{database}"
        self.assertEqual(StoreURL.parse(text), StoreURL("mysql", user, tuple(hosts), database))

    @given(st.text().filter(str.isprintable))
    def test_round_trip_of_a_socket(self, path: str) -> None:
        """Whatever its path is."""
        text = f"mysql://dictd@localhost/words?socket={quote('/' + path, safe='')}"
        self.assertEqual(StoreURL.parse(text).hosts, (Host("localhost", socket="/" + path),))

    @given(st.text() | st.text(alphabet="mysql:/@?#%[]a1,.=", max_size=30).map("mysql://".__add__))
    def test_anything(self, text: str) -> None:
        """Is understood or refused, in one line."""
        try:
            StoreURL.parse(text)
        except ValueError as error:
            self.assertTrue(str(error).startswith(("must ", "has ", "names ")), str(error))
            self.assertTrue(str(error).isprintable(), str(error))


class Faults(SynchronousTestCase):
    """What is refused."""

    def fault(self, text: str) -> str:
        """What is said of it."""
        return str(self.assertRaises(ValueError, StoreURL.parse, text))

    def test_another_kind(self) -> None:
        """Neither of the two."""
        for text in (
            "",
            "SQLite",
            "sqlite:",
            "postgres://a@b/c",
            "mysql:a@b/c",
            "mysql://",
            "mysql://a@b",
            "mysql://a@b/c/d",
        ):
            self.assertEqual(self.fault(text), f'must be "sqlite" or {_FORM}', text)

    def test_password(self) -> None:
        """Is refused wherever it stands, and not repeated."""
        for text in ("a:secret@db/c", "a:@db/c", "a:secret@more@db/c", "a@corp:secret@db/c", "a:secret@db/c?socket=/x"):
            fault = self.fault(f"mysql://{text}")
            self.assertNotIn("secret", fault)
            self.assertIn("@" if "corp" in text else "must not hold a password: it goes in the file", fault)

    def test_user(self) -> None:
        """There must be one, and one that can be."""
        for text in ("mysql://db/c", "mysql://@db/c"):
            self.assertEqual(self.fault(text), f"must say as which user: {_FORM}")
        for text in ("mysql://a%00@db/c", "mysql://a%FF@db/c", "mysql://a%0A@db/c"):
            self.assertEqual(self.fault(text), "has the name of a user that cannot be one")

    def test_database(self) -> None:
        """Its name is needed, and goes into statements."""
        for name in ("", "a`b", "a b", "x" * 65, "a%20b"):
            self.assertIn("must name a database", self.fault(f"mysql://a@db/{name}"))

    def test_hosts(self) -> None:
        """Each must be one."""
        for host in (
            "",
            "db:0",
            "db:65536",
            "db:port",
            "db:",
            "a b",
            "[::1",
            "[:::]",
            "[db]",
            "::1",
            "db%41",
            "[1.2.3.4]",
        ):
            for text in (host, f"db1,{host}", f"{host},db1"):
                self.assertEqual(self.fault(f"mysql://a@{text}/c"), f"has a host that is none: {host!r}; say {_FORM}")

    def test_twice(self) -> None:
        """The same host is no second one, also where it is written otherwise."""
        for text in ("db,db", "db,db:3306", "DB,db", "[::1],[::1]:3306"):
            self.assertEqual(self.fault(f"mysql://a@{text}/c"), "names a host twice")
        self.assertEqual(len(StoreURL.parse("mysql://a@db,db:3307/c").hosts), 2)

    def test_options(self) -> None:
        """There is one, given once, and a path."""
        self.assertEqual(self.fault("mysql://a@b/c?ssl=1"), "has an option that is none: ssl; there is socket")
        self.assertEqual(self.fault("mysql://a@b/c?x"), "has an option that is none: x; there is socket")
        self.assertEqual(self.fault("mysql://a@b/c?socket=/x"), "has a socket, so its host must be localhost")
        self.assertEqual(self.fault("mysql://a@localhost:1/c?socket=/x"), "has a socket, so its host must be localhost")
        for text in ("socket=", "socket=x", "socket=/x&socket=/y", "socket=/x%00"):
            self.assertIn("has a socket that is none", self.fault(f"mysql://a@localhost/c?{text}"))
