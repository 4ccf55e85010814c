"""Reconciliation: the day statement of a site, and the proof that the balances are what the movements say."""

from central.reconciliation.rebuild import rebuild, zero_sum
from central.reconciliation.statement import DayStatement, day_statement

__all__ = ["DayStatement", "day_statement", "rebuild", "zero_sum"]
