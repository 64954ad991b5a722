"""Tests of the programs in clients/, which are found there also where they are not installed."""

import sys

from tests.support.programs import CHECKOUT

if str(CHECKOUT / "clients") not in sys.path:
    sys.path.insert(0, str(CHECKOUT / "clients"))
