"""What Prometheus and Grafana are given in etc/, held against a real /metrics and read by promtool."""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase

from tests.support.certificates import made
from tests.support.crew import Crew
from tests.support.debian import package
from tests.support.programs import program, run
from tests.support.server import until
from tests.test_shipped import PROMETHEUS, expressions

_ON = {"DICTD_METRICS_ENABLED": "true", "DICTD_METRICS_PORT": "0"}
_WHERE = re.compile(rb"metrics on (http://127\.0\.0\.1:\d+/metrics)")
_SELECTED = re.compile(r"\b((?:dictd|process)_\w+)(?:\{([^}]*)\})?")
_MATCHED = re.compile(r'(\w+)(=~|=)"([^"]*)"')
#: What Prometheus adds by itself, and what a dashboard fills in.
_ADDED = {"job", "instance"}


def promtool() -> str:
    """The checker of Debian's prometheus."""
    return str(package("prometheus") / "usr/bin/promtool")


class Names(SynchronousTestCase):
    """Queries name what there is."""

    def page(self) -> dict[str, dict[str, set[str]]]:
        """Metric -> label -> values, of a server with workers that somebody has asked something."""
        certificate, key = made(Path(self.mktemp()).absolute())
        tls = {"DICTD_TLS_CERTIFICATE": certificate, "DICTD_TLS_KEY": key, "DICTD_TLS_PORT": "0"}
        crew = Crew.started(self, surroundings=_ON | tls)
        caller = crew.connect()
        for line in ("DEFINE * penguin", "Q nothing", "REGISTER alice correct-horse", "LOGIN alice wrong-horse"):
            caller.ask(line)
        caller.close()
        where = _WHERE.search(crew.server.said)
        assert where is not None
        found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

        def counted() -> bool:
            done = run([program("curl"), "-sS", "--fail", where[1].decode()])
            for family in text_string_to_metric_families(done.stdout.decode()):
                for sample in family.samples:
                    for label, value in sample.labels.items():
                        found[sample.name][label].add(value)
                    _ = found[sample.name]
            return {"DEFINE", "QUERY"} <= found["dictd_request_duration_seconds_bucket"]["command"]

        until("the look-ups to be counted", counted)
        return found

    def test_names(self) -> None:
        """Every metric, label and value of a rule or a panel is one of the page."""
        page = self.page()
        wrong = []
        for place, expression in expressions().items():
            names = _SELECTED.findall(expression)
            self.assertTrue(names or "up{" in expression, place)
            for name, selectors in names:
                if name not in page:
                    wrong.append(f"{place}: no {name}")
                    continue
                for label, _, values in _MATCHED.findall(selectors):
                    if label in _ADDED:
                        continue
                    missing = set(values.split("|")) - page[name][label]
                    wrong += [f"{place}: {name} has no {label}={value}" for value in missing]
            for labels in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression):
                known = _ADDED | {"le"} | {label for name, _ in names for label in page[name]}
                wrong += [f"{place}: no label {one}" for one in re.split(r", *", labels) if one not in known]
        self.assertEqual(wrong, [])


class Checked(SynchronousTestCase):
    """promtool reads them."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        shutil.copytree(PROMETHEUS, self.directory)

    def told(self, *arguments: str) -> str:
        """What promtool says; it must have been content."""
        done = run([promtool(), *arguments])
        said = (done.stdout + done.stderr).decode()
        self.assertEqual(done.returncode, 0, said)
        return said

    def test_config(self) -> None:
        """The file for scraping is a whole configuration, with the rules it names."""
        self.assertIn("1 rule files found", self.told("check", "config", str(self.directory / "scrape.yml")))

    def test_queries(self) -> None:
        """The rules are rules, and what panels ask can be asked."""
        self.assertIn("rules found", self.told("check", "rules", str(self.directory / "alerts.yml")))
        asked = [
            {"record": f"panel:{number}", "expr": one.replace("$__rate_interval", "5m").replace("$instance", ".*")}
            for number, one in enumerate(expressions().values())
        ]
        path = self.directory / "panels.yml"
        path.write_text(json.dumps({"groups": [{"name": "panels", "rules": asked}]}))
        self.assertIn(f"{len(asked)} rules found", self.told("check", "rules", str(path)))

    def test_alerts(self) -> None:
        """Each alert comes when it should, in its time, and none while all is well."""
        labels = 'job="dictd", instance="one:9628"'
        well = {
            f"up{{{labels}}}": "1x90",
            f'dictd_build_info{{{labels}, version="1"}}': "1x90",
            f'dictd_headwords{{{labels}, dictionary="wn"}}': "147306x90",
            f"dictd_workers{{{labels}}}": "2x90",
            f"dictd_worker_restarts_total{{{labels}}}": "0x90",
            f"dictd_history_spooled_rows{{{labels}}}": "0x90",
            f"dictd_history_waiting_rows{{{labels}}}": "3x90",
            f'dictd_logins_total{{{labels}, result="unavailable"}}': "0x90",
            f'dictd_logins_total{{{labels}, result="wrong"}}': "0+2x90",
            f'dictd_logins_total{{{labels}, result="delayed"}}': "0+2x90",
            f'dictd_rate_limited_total{{{labels}, limit="connections"}}': "0x90",
            f'dictd_rate_limited_total{{{labels}, limit="logins"}}': "0+5x90",
            f"process_open_fds{{{labels}}}": "50x90",
            f"process_max_fds{{{labels}}}": "1000x90",
            f"dictd_tls_certificate_expiry_seconds{{{labels}}}": f"{15 * 86400}x90",
            **_durations(labels, slow=False),
        }
        cases: list[tuple[str, dict[str, str | None]]] = [
            ("DictdDown", {f"up{{{labels}}}": "1x30 0x60"}),
            ("DictdNoWorker", {f"dictd_workers{{{labels}}}": "2x60 0x30"}),
            ("DictdNoDictionary", {f'dictd_headwords{{{labels}, dictionary="wn"}}': None}),
            ("DictdSlow", dict(_durations(labels, slow=True))),
            ("DictdFewWorkers", {f"dictd_workers{{{labels}}}": "2x60 1x30"}),
            ("DictdWorkersDie", {f"dictd_worker_restarts_total{{{labels}}}": "0+1x90"}),
            ("DictdStoreAway", {f"dictd_history_spooled_rows{{{labels}}}": "0x60 7x30"}),
            ("DictdHistoryWaits", {f"dictd_history_waiting_rows{{{labels}}}": "3x60 2000x30"}),
            ("DictdLoginsUnavailable", {f'dictd_logins_total{{{labels}, result="unavailable"}}': "0x60 1+1x30"}),
            ("DictdFull", {f'dictd_rate_limited_total{{{labels}, limit="connections"}}': "0x60 9+9x30"}),
            ("DictdGuessing", {f'dictd_logins_total{{{labels}, result="wrong"}}': "0+60x90"}),
            ("DictdCertificate", {f"dictd_tls_certificate_expiry_seconds{{{labels}}}": f"{13 * 86400}x90"}),
            ("DictdFiles", {f"process_open_fds{{{labels}}}": "950x90"}),
        ]
        known = {name for name in expressions() if name.startswith("Dictd")}
        self.assertEqual({name for name, _ in cases}, known)
        tests = [_tested(well, {}, "")]
        tests += [_tested(well, changed, alert) for alert, changed in cases]
        path = self.directory / "tests.yml"
        told = {"rule_files": ["alerts.yml"], "evaluation_interval": "1m", "tests": tests}
        path.write_text(json.dumps(told))
        self.told("test", "rules", str(path))


def _durations(labels: str, slow: bool) -> dict[str, str]:
    bounds = {"0.001": "0+10x90" if slow else "0+100x90", "1.0": "0+100x90", "+Inf": "0+100x90"}
    name = "dictd_request_duration_seconds_bucket"
    return {f'{name}{{{labels}, command="DEFINE", le="{bound}"}}': values for bound, values in bounds.items()}


def _tested(well: dict[str, str], changed: dict[str, str | None], comes: str) -> dict[str, Any]:
    """A test of promtool: one series is another, and one alert comes."""
    series = [{"series": name, "values": value} for name, value in {**well, **changed}.items() if value is not None]
    # Without workers there are fewer than before, too.
    come = {comes, "DictdFewWorkers"} if comes == "DictdNoWorker" else {comes} - {""}
    asked = {
        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
        "eval_time": "85m",
        "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(come)],
    }
    return {"interval": "1m", "input_series": series, "promql_expr_test": [asked]}
