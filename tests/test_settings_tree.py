"""Settings on their way to a worker: a tree of JSON, and back."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from dictd import config
from dictd.config import Settings
from dictd.sections import SECTIONS

EVERYTHING = """
[site]
name = "dict.example"
[accounts]
registration = "closed"
[listen]
addresses = ["0.0.0.0", "::"]
workers = 3
unix = "/run/dict.sock"
retire_seconds = 2
[limits]
exempt = ["10.0.0.0/8", "2001:db8::/32"]
[dictionary.wn]
order = 3
users = ["alice"]
[dictionary.jargon]
hidden = true
[group.english]
title = "English"
members = ["wn", "jargon"]
"""


class Tree(SynchronousTestCase):
    """What a worker has is what the supervisor has."""

    def back(self, settings: Settings) -> Settings:
        """Through JSON and back."""
        return config.load(tree=json.loads(json.dumps(config.tree_of(settings))))

    def test_defaults(self) -> None:
        """Every key stands in the tree, and comes back."""
        tree = config.tree_of(Settings())
        for section, kind in SECTIONS.items():
            self.assertEqual(set(tree[section]), {field.name for field in attrs.fields(kind)})
        self.assertEqual(self.back(Settings()), Settings())

    def test_everything(self) -> None:
        """Lists, names, and numbers that are whole come back as they were."""
        path = Path(self.mktemp())
        path.write_text(EVERYTHING, "utf-8")
        settings = config.load(path)
        self.assertEqual(self.back(settings), settings)
        self.assertEqual(len(settings.dictionaries), 2)

    def test_each_example(self) -> None:
        """Every key of the document, as its example has it, comes back."""
        lines = [line.removeprefix("#") for line in config.document().splitlines() if not line.startswith("# ")]
        path = Path(self.mktemp())
        path.write_text("\n".join(lines), "utf-8")
        settings = config.load(path)
        self.assertEqual(self.back(settings), settings)
