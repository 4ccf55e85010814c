"""The books at a glance, for an operator and for a program."""

from __future__ import annotations

from typing import Any

from central.database import Connection
from central.reconciliation import rebuild, zero_sum

_COUNTS = """
SELECT (SELECT count(*) FROM sites), (SELECT count(*) FROM products),
       (SELECT count(*) FROM agents WHERE state = 'enrolled'), (SELECT count(*) FROM agents WHERE state = 'enrolled' AND online),
       (SELECT coalesce(sum(unsent), 0)::bigint FROM agents WHERE state = 'enrolled'),
       (SELECT coalesce(sum(next_seq - 1), 0)::bigint FROM epochs), (SELECT coalesce(sum(applied), 0)::bigint FROM epochs),
       (SELECT coalesce(sum(quarantined), 0)::bigint FROM epochs)
"""
_NAMES = (
    "sites", "products", "agents", "agents_online", "events_unsent", "events_accepted", "events_applied", "events_quarantined",
)  # fmt: skip


def status_of(connection: Connection) -> dict[str, Any]:
    """Counts, open cases by class, orders by state, and whether a replay of the movements gives the stock that is kept."""
    row = connection.execute(_COUNTS).fetchone()
    assert row is not None
    cases = connection.execute(
        "SELECT class, count(*) FROM discrepancies WHERE state IN ('open', 'assigned') GROUP BY class ORDER BY class"
    ).fetchall()
    orders = connection.execute("SELECT state, count(*) FROM orders GROUP BY state ORDER BY state").fetchall()
    return {
        **dict(zip(_NAMES, row, strict=True)),
        "discrepancies_open": dict(cases),
        "orders": dict(orders),
        "stock_agrees_with_movements": not rebuild(connection) and not zero_sum(connection),
    }
