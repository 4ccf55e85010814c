"""Item codes: the keys that sign them, the orders by which they are issued, what a label says, and whether a serial was ever issued."""

from central.codes.finding import issued, issued_of
from central.codes.orders import Issue, OrderError

__all__ = ["Issue", "OrderError", "issued", "issued_of"]
