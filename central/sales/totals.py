"""What was sold, summed up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from psycopg.rows import dict_row

from central.database import Connection

_BY_KIND = """
SELECT site_id AS site, currency, kind, count(DISTINCT (journal, seq)) AS receipts, count(*) AS lines,
       sum(quantity) AS quantity, sum(amount_minor)::bigint AS amount_minor, sum(discount_minor)::bigint AS discount_minor
  FROM sale_lines
 WHERE (%(site)s::text IS NULL OR site_id = %(site)s)
   AND (%(first)s::date IS NULL OR business_day >= %(first)s) AND (%(last)s::date IS NULL OR business_day <= %(last)s)
 GROUP BY site_id, currency, kind ORDER BY site_id, currency
"""
_NOTHING = {"receipts": 0, "lines": 0, "quantity": Decimal(0), "amount_minor": 0, "discount_minor": 0}
_NAMES = {"sale": "sold", "void": "voided", "return": "returned"}


def totals(
    connection: Connection, *, site: str | None, first: date | None, last: date | None
) -> list[dict[str, Any]]:
    """One row a site and currency: the parts, and what remains sold of them. The amounts of voids and returns are negative
    in the books, so plain sums give what remains; a receipt that was voided is none, a return takes none back."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_BY_KIND, {"site": site, "first": first, "last": last}).fetchall()
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        key = row.pop("site"), row.pop("currency")
        parts = found.setdefault(key, {"sold": _NOTHING, "voided": _NOTHING, "returned": _NOTHING})
        parts[_NAMES[row.pop("kind")]] = row
    return [
        {"site": key[0], "currency": key[1], **parts, **_remaining(parts)} for key, parts in found.items()
    ]


def _remaining(parts: dict[str, Any]) -> dict[str, Any]:
    sums = {
        name: sum(part[name] for part in parts.values())
        for name in ("quantity", "amount_minor", "discount_minor")
    }
    counts = {name: parts["sold"][name] - parts["voided"][name] for name in ("receipts", "lines")}
    return counts | sums
