"""Tests of the floor, and of what is left out where it cannot be had."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from benchmarks import servers
from benchmarks.answers import endings
from benchmarks.load import ServerFell, ask, dial
from benchmarks.servers import DICO, PEER, Floor, NotHere
from tests.support.debian import package
from tests.support.dicod import PACKAGES, Dicod
from tests.support.peer import CDictd
from tests.support.server import Server, until


class Floors(SynchronousTestCase):
    """A server of system calls only."""

    def floor(self) -> Floor:
        """Compiled."""
        directory = Path(self.mktemp()).resolve()
        directory.mkdir()
        try:
            return Floor.compiled(directory)
        except NotHere as reason:
            if os.environ.get("CI") == "true":
                raise
            raise SkipTest(str(reason)) from None

    def test_size(self) -> None:
        """A right answer of the size that was asked for, to each line; 221 to QUIT, and the end."""
        with self.floor().running(300) as running, dial(running.port) as connection:
            self.assertTrue(ask(connection).startswith(b"220 "))
            self.assertEqual(len(ask(connection, b"DEFINE wn x\r\n")), 300)
            connection.sendall(b"x\r\n" * 1000 + b"QUIT\r\n")
            heard = b"".join(iter(lambda: connection.recv(1 << 16), b""))
            self.assertEqual(endings(heard, 1001), ["250"] * 1000 + ["221"])
            self.assertEqual(len(heard), 300_000 + len(b"221 bye\r\n"))

    def test_stopped(self) -> None:
        """It is gone when it is no longer needed, also after a failure."""
        port = 0
        try:
            with self.floor().running(300) as running:
                port = running.port
                raise ZeroDivisionError
        except ZeroDivisionError:
            self.assertRaises(ServerFell, dial, port)

    def test_no_compiler(self) -> None:
        """Without a compiler it is left out, with a word."""
        self.patch(servers.shutil, "which", lambda name: None)
        error = self.assertRaises(NotHere, Floor.compiled, Path())
        self.assertIn("no C compiler", str(error))

    def test_no_peer(self) -> None:
        """Without Debian's packages a peer is left out, with a word."""

        def missing(*names: str) -> None:
            raise OSError("there is no apt-get here")

        for name, kind in ((PEER, CDictd), (DICO, Dicod)):
            self.patch(kind, "started", missing)
            error = self.assertRaises(NotHere, servers.peer(name).__enter__)
            self.assertEqual(str(error), f"{name} is left out: there is no apt-get here")


class Ours(SynchronousTestCase):
    """Our own server."""

    def test_heard(self) -> None:
        """What it logs is taken in while it runs: it does not stand still with a full pipe."""
        server = Server(Path())
        server.port = 1
        server.process = subprocess.Popen(
            [sys.executable, "-c", "print('x' * (1 << 20))"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.addCleanup(server.kill)
        with servers._heard(server):
            until("it to have said all", lambda: server.process.poll() is not None)
        self.assertGreater(len(server.said), 1 << 16)


class Peers(SynchronousTestCase):
    """Servers of others."""

    def test_dicod(self) -> None:
        """It answers from the dictionary it was given, knows its modules' strategies, and is gone afterwards."""
        for name in ("dict-jargon", *PACKAGES):
            package(name)
        with servers.peer(DICO, "jargon") as running:
            with dial(running.port) as connection:
                self.assertTrue(ask(connection).startswith(b"220 "))
                self.assertEqual(endings(ask(connection, b"DEFINE jargon foo\r\n"), 1), ["250"])
                strategies = ask(connection, b"SHOW STRAT\r\n")
            for strategy in (b"exact", b"lev", b"substr", b"word", b"all"):
                self.assertIn(b"\n" + strategy + b" ", strategies)
        self.assertRaises(ServerFell, dial, running.port)
        self.assertRaises(ProcessLookupError, os.killpg, running.pid, 0)
