"""By which column the rows of each table may be spread over several machines (a Citus cluster), and which tables stand on all of them.

Central itself asks nothing of this: one PostgreSQL is enough for most. But a table whose keys do not contain the column cannot be spread later
without a new schema, so a test holds every table of the schema to this list (tests/integration/test_distribution.py).
"""

from __future__ import annotations

_SITE = "site_id"
_TO_SITE = "to_site_id"
_ITEM = "item"
_AGENT = "agent_id"

DISTRIBUTED: dict[str, str] = {
    # what happens at a site, and what it has
    **dict.fromkeys(
        (
            "booked_documents", "cash_moves", "day_closings", "discrepancies", "discrepancy_audit", "early_receipts", "event_digests",
            "events", "invoice_lines", "invoices", "movements", "movements_carried", "order_audit", "order_lines", "orders", "payments",
            "price_overrides", "quarantine", "restatements", "sale_lines", "shift_counts", "shifts", "stock", "stock_days",
            "stock_levels", "stock_months", "stock_suspects", "stocktake_audit", "stocktake_counts", "stocktake_lines", "stocktakes",
            "unknown_codes",
        ),
        _SITE,
    ),
    # goods on their way belong to where they are going
    "despatches": _TO_SITE,
    "despatch_lines": _TO_SITE,
    # the life of a thing with a code of its own, wherever it is
    "items": _ITEM,
    "item_trace": _ITEM,
    "public_checks": _ITEM,
    "filter_members": _ITEM,
    "containers": "sscc",
    "container_trace": "sscc",
    # the journals of an agent; a journal has one agent
    "epochs": _AGENT,
    "branch_facts": _AGENT,
    "held_messages": _AGENT,
    # what counters are told
    "feed_heads": "scope",
    "feed_rows": "scope",
    # answers kept for callers that ask again
    "idempotency_keys": "actor",
}  # fmt: skip
"""Table -> the column in all of its keys."""

EVERYWHERE: dict[str, str] = {
    "dealers": "few, read with every request for what a caller may see",
    "sites": "few, joined to everything",
    "agents": "few, joined by journal, by site and by their own id",
    "enrolment_tokens": "few, gone in a day",
    "api_tokens": "few, read with every request",
    "products": "the catalogue, joined to everything",
    "prices": "the catalogue",
    "costs": "the catalogue",
    "policies": "a handful of rows",
    "till_limits": "one row a site at the most, and one for all",
    "recalled_batches": "few, asked by product while any item is taken in",
    "code_keys": "a handful of rows",
    "code_orders": "one row an order, however many codes it has",
    "filter_sets": "one row a set",
    "filter_layers": "one row a layer",
    "filter_gone": "built whole by one process, with positions without a gap",
    "public_check_salts": "one row a day, gone the next",
    "audit_log": "what people do with the interface: thousands a day, numbered through",
    "dropped_partitions": "a few rows a month",
    "alembic_version": "one row",
}
"""Table -> why it is not spread: it is small, or it is one for all."""

KNOWN_BY_KEY: dict[str, str] = {
    "sites": "an id of a site is the brand's to give, and no caller but the brand's makes one",
    "agents": "an agent's id is random; only central makes one, at an enrolment",
    "enrolment_tokens": "the key is the hash of a random token; the role of the interface has no right to the table",
    "items": "a code is the same thing wherever it is; who enters one that another site has is told by row-level security, not by the key",
    "item_trace": "steps are numbered by a sequence, so that no two have one key",
    "containers": "as with items: an SSCC is one case wherever it is",
    "container_trace": "steps are numbered by a sequence, so that no two have one key",
}
"""Tables that row-level security divides by site though a unique key does not contain the site -> why the key tells a dealer nothing of
another's rows."""
