"""What a reload can change: how many workers there are, and where they listen."""

from __future__ import annotations

import socket

from twisted.trial.unittest import SynchronousTestCase

from tests.support.crew import Crew
from tests.support.crowd import Crowd
from tests.support.peer import free_port
from tests.support.server import until


class Changed(SynchronousTestCase):
    """Other settings, while people come and go."""

    def test_more_and_fewer_workers(self) -> None:
        """2, then 3, then 1: nobody is turned away, and nothing of those that went stays behind."""
        crew = Crew.started(self, settings="[listen]\nworkers = 2\n", options=())
        crowd = Crowd(crew.port, clients=20, pause=0.05).begin()
        for count in (3, 1, 2):
            crew.configure(f"[listen]\nworkers = {count}\n")
            self.assertRegex(crew.ask("reload"), f"^{count} new worker")
            crew.wait_for(count)
            until("some answers", crowd.has_answered(200))
        crowd.end()
        self.assertEqual(crowd.trouble, [])
        self.assertEqual(crew.complaints(), [])

    def test_addresses(self) -> None:
        """An address that is added is served, one that is taken away is not; clients of the others see nothing."""
        crew = Crew.started(self)
        crowd = Crowd(crew.port, clients=10, pause=0.05).begin()
        self.assertRaises(ConnectionRefusedError, crew.connect, host="127.0.0.9")
        crew.configure('[listen]\naddresses = ["127.0.0.1", "127.0.0.9"]\n[site]\nname = "other.example"\n')
        crew.ask("reload")
        caller = crew.connect(host="127.0.0.9")
        self.assertRegex(caller.banner, r"^220 other\.example ")
        self.assertEqual(caller.code("DEFINE * penguin"), 250)
        self.assertEqual(crew.ask("status")["listening"], [f"127.0.0.1:{crew.port}", f"127.0.0.9:{crew.port}"])
        crew.configure('[listen]\naddresses = ["127.0.0.1"]\n')
        crew.ask("reload")
        self.assertEqual(caller.code("QUIT"), 221)
        caller.close()
        crew.wait_for(2)
        self.assertRaises(ConnectionRefusedError, crew.connect, host="127.0.0.9")
        until("some answers", crowd.has_answered(50))
        crowd.end()
        self.assertEqual((crowd.trouble, crew.complaints()), ([], []))

    def test_whole_network_and_back(self) -> None:
        """From one address to all of them at the same port, and back."""
        # The port of some outgoing connection would be in the way of all addresses.
        crew = Crew.started(self, settings='[listen]\naddresses = ["127.0.0.1"]\n', port=free_port())
        crew.configure('[listen]\naddresses = ["0.0.0.0"]\n')
        crew.ask("reload")
        caller = crew.connect(host="127.0.0.9")
        self.assertEqual(caller.code("DEFINE * penguin"), 250)
        caller.close()
        crew.configure('[listen]\naddresses = ["127.0.0.1"]\n')
        crew.ask("reload")
        crew.wait_for(2)
        self.assertEqual(crew.connect().code("QUIT"), 221)
        self.assertRaises(ConnectionRefusedError, crew.connect, host="127.0.0.9")
        with socket.socket() as stranger:
            self.assertRaises(OSError, stranger.bind, ("127.0.0.1", crew.port))
