"""Two hosts on one MariaDB: what one imports the other serves, and what a database that is away does to them."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.store.databases import fresh_mysql
from tests.support.mariadb import MariaDB
from tests.support.programs import dictctl
from tests.support.server import Server, until

#: A new generation is served everywhere after so long at most, seconds.
SOON = 5.0


class TwoHosts(SynchronousTestCase):
    """A state directory and a server for each, of which one has workers."""

    def setUp(self) -> None:
        self.database = MariaDB.started(self)
        self.url = fresh_mysql(self, self.database)
        self.here, self.there = (Path(self.mktemp()).absolute() for _ in range(2))
        self.bring("old")
        self.servers = [self.serve(self.here), self.serve(self.there, "--workers", "1")]

    def serve(self, state: Path, *arguments: str, url: str = "") -> Server:
        """A server of the database."""
        server = Server.started(state, *arguments, surroundings={"DICTD_STORE_URL": url or self.url})
        self.addCleanup(server.kill)
        return server

    def bring(self, meaning: str, url: str = "") -> None:
        """Import an edition, from here."""
        path = self.here.with_name("words.tsv")
        path.write_text(f"emu\t{meaning}\n", "utf-8")
        done = dictctl(self.here, "--store", url or self.url, "import", str(path))
        self.assertEqual(done.returncode, 0, done.stderr.decode())

    def served(self, server: Server) -> str:
        """What it says of emu."""
        caller = server.connect()
        answer = caller.ask("DEFINE words emu")
        caller.close()
        return answer[3].strip() if len(answer) > 3 else answer[0][:3]

    def until_served(self, meaning: str) -> float:
        """Both serve it; how long that took."""
        began = time.monotonic()
        for server in self.servers:
            until(f"{meaning} to be served", lambda server=server: self.served(server) == meaning)  # type: ignore[misc]
        return time.monotonic() - began

    def test_other_host(self) -> None:
        """What is imported here is served there within five seconds; so is that a dictionary is gone."""
        self.until_served("old")
        self.bring("new")
        self.assertLess(self.until_served("new"), SOON)
        done = dictctl(self.there, "--store", self.url, "remove", "words")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertLess(self.until_served("550"), SOON)

    def test_away(self) -> None:
        """The database is killed: said once, what was published stays served; back again, all goes on by itself."""
        self.until_served("old")
        self.database.kill()
        for server in self.servers:
            until("the publisher to say so", lambda server=server: server.logged("publishing waits"))  # type: ignore[misc]
        path = self.here.with_name("words.tsv")
        done = dictctl(self.here, "--store", self.url, "import", str(path))
        # PyMySQL leaves a unix socket open that it could not connect, of which Python warns.
        (line,) = (line for line in done.stderr.splitlines() if b"ResourceWarning" not in line)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"does not answer", line)
        self.assertEqual([self.served(server) for server in self.servers], ["old", "old"])
        self.database.launch()
        for server in self.servers:
            until("the publisher to go on", lambda server=server: server.logged("publishing goes on"))  # type: ignore[misc]
        self.bring("new")
        self.assertLess(self.until_served("new"), SOON)
        for server in self.servers:
            server.stop()
            self.assertEqual(server.said.count(b"publishing waits"), 1, server.said.decode())
            self.assertNotIn(b"Traceback", server.said)

    def test_stops_beside_one_that_hangs(self) -> None:
        """A database that takes connections and never answers does not keep a server from its end."""
        self.until_served("old")
        self.database.stop_answering()
        self.addCleanup(self.database.go_on)
        for server in self.servers:
            began = time.monotonic()
            server.stop()
            self.assertLess(time.monotonic() - began, 10)
        self.database.go_on()

    def test_started_without(self) -> None:
        """A server that is started while the database is away serves what was published before."""
        self.until_served("old")
        for server in self.servers:
            server.stop()
        self.database.kill()
        self.servers = [self.serve(self.here), self.serve(self.there, "--workers", "1")]
        self.assertEqual([self.served(server) for server in self.servers], ["old", "old"])
        self.database.launch()
        self.bring("new")
        self.until_served("new")

    def test_reload_with_another_store(self) -> None:
        """After a reload with another store.url its dictionaries are published, by the publisher anew."""
        other = fresh_mysql(self, self.database)
        settings = self.there.with_name("dictd.toml")
        settings.write_text(f'[store]\nurl = "{self.url}"\n', "utf-8")
        server = Server.started(self.there.with_name("third"), "--config", str(settings), "--workers", "1")
        self.addCleanup(server.kill)
        until("the first to be served", lambda: self.served(server) == "old")
        self.bring("another", other)
        settings.write_text(f'[store]\nurl = "{other}"\n', "utf-8")
        server.signal(signal.SIGHUP)
        # Both stores have a generation 1 of this dictionary, told of in the same words.
        until("the second to be served", lambda: self.served(server) == "another")
