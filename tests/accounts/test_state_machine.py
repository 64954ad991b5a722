"""Accounts and histories against a plain model, step by step, on real stores that are killed and opened again."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from tests.accounts.machine import Machine
from tests.accounts.mortal import MariaDBStore, SQLiteStore
from tests.store.databases import is_mariadb, on_both
from tests.support.mariadb import MariaDB

#: A kill -9 of MariaDB shall lose nothing of what was committed; of the power nothing is asked.
_OPTIONS = ("--innodb-flush-log-at-trx-commit=2",)
STEPS = 40


@on_both
class AgainstTheModel(SynchronousTestCase):
    """The machine, run."""

    def run_machine(self, spooling: bool, sqlite: int, mariadb: int) -> None:
        """Run it, so many times on either store."""
        directory, examples = Path(self.mktemp()), 0
        if is_mariadb(self):
            shared = MariaDBStore(MariaDB.started(self, _OPTIONS), directory)

        def machine() -> RuleBasedStateMachine:
            nonlocal examples
            examples += 1
            here = directory / str(examples)
            if is_mariadb(self):
                shared.empty()
                return Machine(shared, here / "spool" if spooling else None)
            return Machine(SQLiteStore(here), here / "spool" if spooling else None)

        run_state_machine_as_test(
            cast(type[RuleBasedStateMachine], machine),
            settings=settings(
                deadline=None,
                max_examples=mariadb if is_mariadb(self) else sqlite,
                stateful_step_count=STEPS,
                suppress_health_check=list(HealthCheck),
                # Each try kills a server: what fails there is made small on SQLite, where most of it fails too.
                phases=[phase for phase in Phase if not (is_mariadb(self) and phase is Phase.shrink)],
            ),
        )

    def test_without_a_spool(self) -> None:
        """Whatever three people do, and whatever dies, the store holds what a plain dict would."""
        self.run_machine(False, sqlite=80, mariadb=15)

    def test_with_a_spool(self) -> None:
        """The same with a spool, where everything is confirmed, and everything that was confirmed is there, once."""
        self.run_machine(True, sqlite=250, mariadb=50)
