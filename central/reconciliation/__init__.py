"""Reconciliation: the day statement of a site, and the proof that the balances are what the movements say."""

from central.reconciliation.rebuild import rebuild, zero_sum
from central.reconciliation.rules import DayStatement
from central.reconciliation.storage import day_statement

__all__ = ["DayStatement", "day_statement", "rebuild", "zero_sum"]
