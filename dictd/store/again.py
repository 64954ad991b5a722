"""A transaction of a thread that may wait: again where the database has rolled it back for the sake of another."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from dictd.store.dialect import Connection, Transaction
from dictd.store.faults import ERRORS, Fault, fault_of

#: Seconds before it begins again; each try waits for locks by itself too.
_PAUSES = (0.01, 0.05, 0.2, 0.5, 1.0, 2.0)
_T = TypeVar("_T")


def committed(connection: Connection, work: Callable[[Transaction], _T]) -> _T:
    """Do something and commit it.

    :param work: does the same each time that it is called.
    :raises Exception: one of :data:`dictd.store.faults.ERRORS`, or what ``work`` raised; the caller rolls back.
    """
    for pause in (*_PAUSES, None):
        try:
            done = work(connection.cursor())
            connection.commit()
        except ERRORS as error:
            if pause is None or fault_of(error) is not Fault.AGAIN:
                raise
            connection.rollback()
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - so that two do not meet again
        else:
            return done
    raise AssertionError
