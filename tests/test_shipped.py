"""What is in etc/ says the right commands, paths and names; what reads it is in tests/system."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml
from twisted.trial.unittest import SynchronousTestCase

from dictd import config
from dictd.config import Settings
from dictd.ctl import main
from tests.support.caged import said
from tests.support.commands import typed, wrong_with
from tests.support.programs import CHECKOUT

ETC = CHECKOUT / "etc"
UNITS = ETC / "systemd"


def read(name: str) -> str:
    """A file of etc/."""
    return (ETC / name).read_text("utf-8")


class Commands(SynchronousTestCase):
    """What is typed, by people and by units."""

    def test_options(self) -> None:
        """Each command has options that there are."""
        commands = [one for path in sorted(ETC.rglob("*")) if path.is_file() for one in typed(path.read_text("utf-8"))]
        self.assertGreaterEqual(len(commands), 4)
        self.assertEqual({"reload", "backup", "starter"} - set(" ".join(commands).split()), set())
        self.assertEqual([wrong for wrong in map(wrong_with, commands) if wrong], [])

    def test_alerts(self) -> None:
        """What an alert tells to type is there."""
        rules = yaml.safe_load(read("prometheus/alerts.yml"))["groups"][0]["rules"]
        for rule in rules:
            self.assertEqual(sorted(rule["annotations"]), ["action", "summary"], rule["alert"])
            for name in re.findall(r"dictctl (\w+)", rule["annotations"]["action"]):
                self.assertIn(name, main.commands)

    def test_container(self) -> None:
        """What a container and compose type, and the settings that they give, are there."""
        made = read("Containerfile")
        entry = re.search(r"^ENTRYPOINT (.*)$", made, re.MULTILINE)
        assert entry is not None
        self.assertEqual(wrong_with(" ".join(json.loads(entry[1]))), "")
        settings = dict(re.findall(r"\b(DICTD_\w+)=(\S+)", made))
        self.assertIn("DICTD_STATE_DIRECTORY", settings)
        services = yaml.safe_load(read("compose.yaml"))["services"]
        self.assertEqual(sorted(services), ["database", "dictd", "tables"])
        for service in ("tables", "dictd"):
            found = services[service]
            loaded = config.load(None, settings | found["environment"])
            self.assertEqual(loaded.store.url, "mysql://dictd@database/dictd")
            self.assertEqual(loaded.state.directory, "/var/lib/dictd")
            self.assertIn(f"state:{loaded.state.directory}", found["volumes"])
            for typed_here in (found.get("entrypoint"), found.get("healthcheck", {}).get("test", [])[1:]):
                if typed_here:
                    self.assertEqual(wrong_with(" ".join(typed_here)), "")
        self.assertEqual(services["tables"]["environment"], services["dictd"]["environment"])
        for line in re.findall(r"^COPY (.*) \S+$", made, re.MULTILINE):
            for name in line.split():
                self.assertTrue((CHECKOUT / name).exists(), name)
        self.assertIn(f":{Settings().metrics.port}/healthz", made)


class Agreement(SynchronousTestCase):
    """Files that have to do with each other say the same."""

    def test_ports(self) -> None:
        """Ports are those of the settings."""
        settings = Settings()
        for name, port in (("dictd.socket", settings.listen.port), ("dictd-tls.socket", settings.tls.port)):
            listened = said(UNITS / name, "ListenStream")
            self.assertEqual({one.rpartition(":")[2] for one in listened}, {str(port)}, name)
        self.assertIn(f"127.0.0.1:{settings.proxy.port}\n", read("haproxy.cfg"))
        self.assertIn(f"bind :{settings.tls.port} ssl", read("haproxy.cfg"))
        (job,) = yaml.safe_load(read("prometheus/scrape.yml"))["scrape_configs"]
        self.assertEqual(job["static_configs"], [{"targets": [f"127.0.0.1:{settings.metrics.port}"]}])

    def test_directories(self) -> None:
        """The user, the state and the backups are those that other files make."""
        for name in ("dictd.service", "dictd-backup.service"):
            unit = UNITS / name
            self.assertEqual((said(unit, "User"), said(unit, "StateDirectory")), (["dictd"], ["dictd"]))
            for command in typed(unit.read_text("utf-8")):
                self.assertIn("--state-dir /var/lib/dictd", command)
        self.assertRegex(read("sysusers.d/dictd.conf"), r"(?m)^u dictd - \"[^\"]+\" /var/lib/dictd -$")
        (backups,) = said(UNITS / "dictd-backup.service", "ReadWritePaths")
        self.assertRegex(read("tmpfiles.d/dictd.conf"), rf"(?m)^d {backups} 0700 dictd dictd -$")
        for line in said(UNITS / "dictd-backup.service", "ExecStart") + said(
            UNITS / "dictd-backup.service", "ExecStartPost"
        ):
            self.assertIn(f"{backups}", line)

    def test_same_cage(self) -> None:
        """The backup is kept from what the server is kept from."""
        kept = []
        for name in ("dictd.service", "dictd-backup.service"):
            lines = (UNITS / name).read_text("utf-8").partition("\nCapabilityBoundingSet=")[2].partition("\n[")[0]
            kept.append({line for line in lines.splitlines() if line and not line.startswith("#")})
        self.assertEqual(kept[1] - kept[0], {"ProcSubset=pid"})
        self.assertEqual(kept[0] - kept[1], set())

    def test_dashboard(self) -> None:
        """The dashboard is one that Grafana takes: numbers that are their own, a place for each panel."""
        board: dict[str, Any] = json.loads(read("grafana/dictd.json"))
        panels = board["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
        self.assertEqual(len(places), len(panels))
        for panel in panels:
            self.assertLessEqual(panel["gridPos"]["x"] + panel["gridPos"]["w"], 24)
            self.assertTrue(panel["title"] and panel["description"] and panel["targets"])
        self.assertEqual({one["name"] for one in board["templating"]["list"]}, {"source", "instance"})
        used = set(re.findall(r"\$\{?(\w+)", json.dumps(board)))
        self.assertEqual(used, {"source", "instance", "__rate_interval"})


def expressions() -> dict[str, str]:
    """Every query of the rules and the dashboard, by where it stands."""
    rules = yaml.safe_load(read("prometheus/alerts.yml"))["groups"][0]["rules"]
    found = {rule["alert"]: rule["expr"] for rule in rules}
    for panel in json.loads(read("grafana/dictd.json"))["panels"]:
        for target in panel["targets"]:
            found[f"{panel['title']} {target['refId']}"] = target["expr"]
    return found


#: Where files of a checkout are, for those that start programs on them.
PROMETHEUS: Path = ETC / "prometheus"
