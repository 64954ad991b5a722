"""dictctl doctor: what the settings ask of this machine, its clock, its disk, its certificates."""

from __future__ import annotations

import datetime
import os
import resource
import socket
import stat
import time
from importlib import metadata
from pathlib import Path

from click.testing import Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from dictd.ctl.looks import clocks, examination, place
from dictd.processes.state import Lock
from tests.test_doctor import Doctor as WithDictionaries

_DAY = datetime.timedelta(days=1)
#: The real one; tests have a clock that is kept right.
KERNEL = clocks.synchronised


class Doctor(WithDictionaries):
    """With a settings file of the test's own."""

    config = ""

    def ctl(self, *args: str) -> Result:
        """Run dictctl."""
        return super().ctl(*(("--config", self.config) if self.config else ()), *args)

    def told(self, text: str, code: int = 0) -> list[tuple[str, str, str]]:
        """What the doctor says of some settings, that it does not say of none."""
        self.config = ""
        usual = {(about, *one) for about, found in self.look().items() for one in found}
        self.config = self.file("dictd.toml", text)
        found = {(about, *one) for about, found in self.look(code).items() for one in found}
        return sorted(found - usual)

    def one(self, text: str, state: str, about: str = "settings") -> str:
        """The one thing that it says more."""
        ((where, kind, said),) = self.told(text, int(state == "fault"))
        self.assertEqual((where, kind), (about, state))
        return said


class Asked(Doctor):
    """What the settings ask of this machine."""

    def test_addresses(self) -> None:
        """One that this machine does not have, and one that it need not have."""
        listen = '[listen]\naddresses = ["127.0.0.1", "::1", "192.0.2.1"]\n'
        found = self.told(f'{listen}[accounts]\nregistration = "closed"\n', 1)
        said = next(text for _, state, text in found if state == "fault")
        self.assertEqual(said, "192.0.2.1 is not an address of this machine; correct listen.addresses")

    def taken(self) -> socket.socket:
        """Somebody who listens."""
        other = socket.socket()
        self.addCleanup(other.close)
        other.bind(("127.0.0.1", 0))
        other.listen()
        return other

    def test_ports(self) -> None:
        """A port that somebody else has is a fault; not while a server of ours may be the one; of metrics a note."""
        port = self.taken().getsockname()[1]
        self.surroundings["DICTD_LISTEN_PORT"] = str(port)
        text = self.fault("settings", f"port {port} of 127.0.0.1 is taken by another program", "--port")
        self.assertNotIn("::1", text)
        lock = Lock(self.state / "lock")
        lock.take()
        self.look()
        lock.release()
        self.surroundings = {"DICTD_LISTEN_PORT": "0", "DICTD_METRICS_PORT": str(port)}
        self.assertIn(("note", text.replace("--port", "metrics.port in the settings")), self.look()["settings"])
        self.surroundings["DICTD_METRICS_ENABLED"] = "false"
        self.assertEqual(len(self.look()["settings"]), 1)
        found = self.told(f"[manhole]\nenabled = true\nport = {port}\n", 1)
        self.assertTrue(any(f"port {port}" in said and "manhole.port" in said for _, _, said in found), found)

    def test_bound_by_nobody(self) -> None:
        """A look at a port leaves it free, also for who comes to it in that moment."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.surroundings["DICTD_LISTEN_PORT"] = str(port)
        self.patch(socket.socket, "listen", lambda *_: self.fail("somebody would be let in"))
        self.look()
        with socket.socket() as again:
            again.bind(("127.0.0.1", port))

    def test_unix(self) -> None:
        """A unix socket in a directory that is not there, and one with too long a name."""
        said = self.one('[listen]\nunix = "/no such/place/dictd.sock"\n', "fault")
        self.assertEqual(said, "listen.unix: there is no directory /no such/place; type: mkdir '/no such/place'")
        said = self.one(f'[listen]\nunix = "/tmp/{"x" * 120}"\n', "fault")
        self.assertIn("is too long, 107 octets are the limit", said)

    def test_who_may_come(self) -> None:
        """Registration that is open to the world, passwords in the clear, and no way to log in at all."""
        public = '[listen]\naddresses = ["0.0.0.0"]\n[accounts]\nregistration = "{}"\n{}'
        said = "\n".join(text for _, _, text in self.told(public.format("open", "plaintext = true\n")))
        self.assertIn("everybody who reaches this server may make an account", said)
        self.assertIn("passwords may come over the network in the clear", said)
        self.assertIn("nobody can log in from another machine", self.one(public.format("invite", ""), "note"))

    def test_open_files(self) -> None:
        """Fewer open files than connections."""
        self.patch(resource, "getrlimit", lambda _: (1024, 4096))
        said = self.look()["settings"][1]
        self.assertEqual(said[0], "note")
        self.assertIn("10,000 connections are allowed (limits.connections), but this user may have 4,096", said[1])
        self.assertIn("allow 10,256 by ulimit -n, or LimitNOFILE of systemd", said[1])

    def test_programs(self) -> None:
        """What is missing and what is too old, with what installs it."""
        needed = ["twisted[conch]>=99.1", "no-such-thing>=1", "attrs>=1", 'other>=1; extra == "x"']
        self.patch(metadata, "requires", lambda _: needed)
        found = self.look(1)["programs"]
        self.assertEqual([state for state, _ in found], ["fault", "fault"])
        self.assertRegex(
            found[0][1], r"^twisted is [\d.]+, 99\.1 or newer is needed; type: .* install 'twisted\[conch\]"
        )
        self.assertRegex(found[1][1], "^no-such-thing is not there, 1 or newer is needed; type: ")

    def test_settings_file(self) -> None:
        """A settings file that others can change."""
        self.config = self.file("dictd.toml", "")
        Path(self.config).chmod(0o666)
        self.assertTrue(self.fault("modes", "can be changed by others").endswith(f"type: chmod go-w {self.config}"))


class Shell(Doctor):
    """The shell into the server."""

    def setUp(self) -> None:
        super().setUp()
        self.manhole = self.state / "manhole"
        self.keys = self.manhole / "authorized_keys"
        self.manhole.mkdir(mode=0o700)

    def test_keys(self) -> None:
        """How many are let in; nobody is worth a word, with what to type."""
        on = "[manhole]\nenabled = true\nport = 0\n"
        said = self.one(on, "note", "manhole")
        self.assertIn(f"for nobody: {self.keys} has no key; type: dictctl shell --authorize FILE.pub", said)
        key = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        one = key.decode("ascii")
        self.keys.write_text(
            f'# nobody\n\n{one} me\n{one} me too\nssh-rsa AAAA\nexpiry-time="20200101" {one}\n', "utf-8"
        )
        self.keys.chmod(0o600)
        found = self.told(on)
        self.assertEqual([state for _, state, _ in found], ["note", "note", "ok"])
        self.assertIn(f"line 5 of {self.keys} lets nobody in: this ssh-rsa key is not whole", found[0][2])
        self.assertIn(f"line 6 of {self.keys} lets nobody in any more", found[1][2])
        self.assertIn("it is open on 127.0.0.1:0 for 2 keys of", found[2][2])

    def test_modes(self) -> None:
        """A host key that others can read, and authorized_keys that they can write, also where it is closed."""
        host = self.manhole / "ssh_host_rsa_key"
        for path, wrong, right in ((host, 0o640, 0o600), (self.keys, 0o620, 0o644)):
            path.touch()
            path.chmod(wrong)
            self.fault("modes", f"{path} can be reached by others; type: chmod 600 {path}")
            path.chmod(right)
        self.look()

    def test_hangs(self) -> None:
        """What never ends is left to itself, and told; all else is looked at."""
        pipe = self.files / "certificates.pem"
        os.mkfifo(pipe, 0o600)
        self.patch(examination, "QUICK", examination.Bounds(3, 5, 0.5))
        self.config = self.file("dictd.toml", f'[store]\nca = "{pipe}"\n')
        began = time.monotonic()
        found = self.ctl("doctor")
        self.addCleanup(os.close, os.open(pipe, os.O_RDWR))
        self.assertLess(time.monotonic() - began, 10)
        self.assertIn("fault tls        no answer in 0 s: something hangs", found.stdout)
        self.assertIn("ok    lexicon", found.stdout)


class Clock(Doctor):
    """What the time is."""

    def test_behind(self) -> None:
        """A clock that is behind what is written: a little is worth a word, much is a fault."""
        now = int(time.time() * 1000)
        self.execute(
            "INSERT INTO user (id, name, name_key, passwd, created) VALUES (1, 'a', 'a', '', 0)", self.accounts
        )
        self.execute(f"INSERT INTO hist VALUES (1, {now << 22}, 0, 'w', 'w', 'd', 1)", self.accounts)  # noqa: S608
        self.assertEqual(self.look()["clock"], [("ok", "it is not behind what is written in the store")])
        for ahead, code, said in ((30, 0, "(29|30) s from now"), (7500, 1, "2 h 0[45] min from now")):
            self.execute(f"UPDATE hist SET rid = {now + ahead * 1000 << 22}", self.accounts)  # noqa: S608
            ((state, text),) = self.look(code)["clock"]
            self.assertEqual(state, ("note", "fault")[code])
            self.assertRegex(text, f"^the newest look-up in the history was made {said}: this clock is behind")
        self.execute("DELETE FROM hist", self.accounts)
        self.execute(f"INSERT INTO worker_lease VALUES (1, 'x', {now + 100_000})", self.accounts)  # noqa: S608
        self.assertIn("the newest sign of a server", self.look(1)["clock"][0][1])
        self.execute("DELETE FROM worker_lease", self.accounts)
        self.execute(f"UPDATE generation SET started = {now + 100_000}")  # noqa: S608
        self.assertIn("the newest import", self.look(1)["clock"][0][1])

    def test_kept_right(self) -> None:
        """Whether anything keeps it right, as the kernel says."""
        self.patch(clocks, "synchronised", lambda: False)
        self.assertIn("nothing keeps the clock of this machine right", self.look()["clock"][0][1])
        self.patch(clocks, "synchronised", lambda: None)
        self.assertEqual(self.look()["clock"][0][0], "ok")

    def test_kernel(self) -> None:
        """The kernel can be asked, and nothing is set by that."""
        self.assertIn(KERNEL(), (True, False, None))


class Place(Doctor):
    """The disk."""

    def test_kinds(self) -> None:
        """In memory is worth a word, on another machine is a fault; the longest mount point counts."""
        mounts = Path(self.file("mounts", ""))
        self.patch(place, "_MOUNTS", mounts)
        blank = str(self.state).replace(" ", "\\040")
        for kind, state in (("tmpfs", "note"), ("nfs4", "fault"), ("ext4", "ok")):
            mounts.write_text(
                "20 1 8:1 / / rw - xfs /dev/sda1 rw\n"
                f"21 20 8:2 / {blank} rw,nosuid shared:1 - {kind} what rw\n"
                f"22 20 8:3 / {self.state}x rw - tmpfs tmpfs rw\n",
                "utf-8",
            )
            found = self.look(int(state == "fault"))["room"]
            self.assertEqual(found[-1][0], state, found)


class Certificates(Doctor):
    """A chain of certificates."""

    def setUp(self) -> None:
        """A root, somebody whom it trusts, and ours."""
        super().setUp()
        self.keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "middle", "ours")}
        self.path = self.files / "chain.pem"
        key = self.files / "chain.key"
        key.touch(0o600)
        key.write_bytes(self.keys["ours"].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        self.tls = f'[tls]\ncertificate = "{self.path}"\nkey = "{key}"\nport = 0\n'

    def signed(self, name: str, by: str, days: int = 90, names: tuple[str, ...] = ()) -> bytes:
        """A certificate."""
        now = datetime.datetime.now(datetime.UTC)
        subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, by))
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(self.keys[name].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 99 * _DAY)
            .not_valid_after(now + days * _DAY)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False
            )
        return builder.sign(self.keys[by], hashes.SHA256()).public_bytes(Encoding.PEM)

    def said(self, *certificates: bytes, more: str = "", code: int = 0) -> list[tuple[str, str]]:
        """What is said of a chain, its date apart."""
        self.path.write_bytes(b"".join(certificates))
        found = self.told(self.tls + more, code)
        self.assertTrue(all(about == "tls" for about, _, _ in found), found)
        return [(state, text) for _, state, text in found if "is good until" not in text]

    def test_chain(self) -> None:
        """Whole it is well; in the wrong order, ended in the middle or cut off it is told."""
        root, middle = self.signed("root", "root"), self.signed("middle", "root")
        ours = self.signed("ours", "middle", names=("dict.example.org",))
        self.assertEqual(self.said(ours, middle, root), [])
        ((state, text),) = self.said(ours, root, middle, code=1)
        self.assertIn("certificate 2 of", text)
        self.assertIn("has not signed the one before it", text)
        ((state, text),) = self.said(ours, self.signed("middle", "root", days=-1), root, code=1)
        self.assertIn(f"certificate 2 of {self.path} has expired on ", text)
        ((state, text),) = self.said(ours)
        self.assertEqual(state, "note")
        self.assertIn("has no certificate of CN=middle", text)

    def test_names(self) -> None:
        """The name of the site is in it, as it is or by an asterisk; a name without dots is none of the network's."""
        ours = self.signed("ours", "ours", names=("a.example.org", "*.example.net"))
        for site, fits in (
            ("a.example.org", True),
            ("x.example.net", True),
            ("x.y.example.net", False),
            ("b.example.org", False),
            ("house", True),
        ):
            found = self.said(ours, more=f'[site]\nname = "{site}"\n')
            self.assertEqual(found == [], fits, (site, found))
        ((state, text),) = self.said(self.signed("ours", "ours"))
        self.assertEqual(state, "note")
        self.assertIn("is for no name (subjectAltName)", text)

    def test_of_the_database(self) -> None:
        """Those of store.ca: one that has ended."""
        self.config = self.file("dictd.toml", f'[store]\nca = "{self.path}"\n')
        for days, state in ((90, ""), (10, "note"), (-1, "fault")):
            self.path.write_bytes(self.signed("root", "root", days=days))
            found = [kind for kind, text in self.look(int(state == "fault")).get("tls", []) if "store.ca" in text]
            self.assertEqual(found, [state] if state else [])

    def test_nothing_is_changed(self) -> None:
        """The key keeps its mode, whoever can read it."""
        key = self.files / "chain.key"
        key.chmod(0o644)
        self.path.write_bytes(self.signed("ours", "ours"))
        ((_, _, text),) = self.told(self.tls, 1)
        self.assertIn(f"type: chmod 600 {key}", text)
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o644)
