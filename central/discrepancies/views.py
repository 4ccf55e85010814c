"""Discrepancies as people look for them: filtered, sorted, summed up, and one with everything that was done about it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from central.database import Connection

COLUMNS = """
SELECT site_id AS site, discrepancy_id, class, state, gtin, item, quantity, value_minor, currency, cause, probability, likely_cause,
       proposal, settlement, evidence, assignee, opened_at, updated_at
  FROM discrepancies
"""
_WHERE = """
 WHERE (%(site)s::text IS NULL OR site_id = %(site)s)
   AND (%(dealer)s::text IS NULL OR site_id IN (
        SELECT site_id FROM sites JOIN dealers USING (dealer_id)
         WHERE starts_with(path, (SELECT path FROM dealers WHERE dealer_id = %(dealer)s))))
   AND (%(classes)s::text[] IS NULL OR class = ANY (%(classes)s))
   AND (%(states)s::text[] IS NULL OR state = ANY (%(states)s))
   AND (%(causes)s::text[] IS NULL OR cause = ANY (%(causes)s))
   AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
   AND (%(item)s::text IS NULL OR item = %(item)s)
   AND (%(assignee)s::text IS NULL OR assignee = %(assignee)s)
   AND (%(currency)s::bpchar IS NULL OR currency = %(currency)s::bpchar)
   AND (%(value_min)s::bigint IS NULL OR value_minor >= %(value_min)s)
   AND (%(value_max)s::bigint IS NULL OR value_minor <= %(value_max)s)
   AND (%(opened_after)s::timestamptz IS NULL OR opened_at >= %(opened_after)s)
   AND (%(opened_before)s::timestamptz IS NULL OR opened_at < %(opened_before)s)
"""
_NEWEST = """
   AND (%(after)s::timestamptz IS NULL OR (opened_at, discrepancy_id) < (%(after)s, %(after_id)s))
 ORDER BY opened_at DESC, discrepancy_id DESC LIMIT %(limit)s
"""
_DEAREST = """
   AND (%(after)s::bigint IS NULL OR (coalesce(value_minor, -1), discrepancy_id) < (%(after)s, %(after_id)s))
 ORDER BY coalesce(value_minor, -1) DESC, discrepancy_id DESC LIMIT %(limit)s
"""
_SUMS = """
SELECT class, site_id, currency, count(*) AS cases, count(*) FILTER (WHERE state = 'assigned') AS assigned, sum(value_minor)::bigint AS value_minor,
       min(opened_at) AS oldest, grouping(class, site_id) AS which
  FROM discrepancies
"""
_BY_CLASS, _BY_SITE, _TOTAL = 1, 2, 3


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Which cases are meant; None: all. ``dealer`` means the sites of a dealer and of all below it."""

    site: str | None = None
    dealer: str | None = None
    classes: list[str] | None = None
    states: list[str] | None = None
    causes: list[str] | None = None
    gtin: str | None = None
    item: str | None = None
    assignee: str | None = None
    currency: str | None = None
    value_min: int | None = None
    value_max: int | None = None
    opened_after: datetime | None = None
    opened_before: datetime | None = None


def with_states(filters: Filters, states: Iterable[str]) -> Filters:
    """The same filters, for these states."""
    return msgspec.structs.replace(filters, states=list(states))


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Cases whose value is known in one currency; ``currency`` None: cases without a value."""

    currency: str | None
    cases: int
    value_minor: int | None


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """Cases together: of a class, of a site, or all (``name`` None)."""

    name: str | None
    cases: int
    assigned: int
    oldest_opened_at: datetime | None
    values: tuple[Value, ...]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What there is, by class and by site; the sites with the most value first."""

    total: Sum
    by_class: tuple[Sum, ...]
    by_site: tuple[Sum, ...]


def newest(
    connection: Connection, filters: Filters, after: tuple[datetime, UUID] | None, limit: int
) -> list[dict[str, Any]]:
    """Cases, the newest first, after the place ``after`` (opened_at, id) in that order."""
    at, after_id = after or (None, None)
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            COLUMNS + _WHERE + _NEWEST,
            {**msgspec.structs.asdict(filters), "after": at, "after_id": after_id, "limit": limit},
        ).fetchall()


def dearest(
    connection: Connection, filters: Filters, after: tuple[int, UUID] | None, limit: int
) -> list[dict[str, Any]]:
    """Cases, those of the highest value first (whatever their currency), those without one last, after the place ``after``."""
    value, after_id = after or (None, None)
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            COLUMNS + _WHERE + _DEAREST,
            {**msgspec.structs.asdict(filters), "after": value, "after_id": after_id, "limit": limit},
        ).fetchall()


def find(connection: Connection, site: str, discrepancy_id: UUID) -> dict[str, Any] | None:
    """One case of a site."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            COLUMNS + "WHERE site_id = %s AND discrepancy_id = %s", (site, discrepancy_id)
        ).fetchone()


def history(connection: Connection, site: str, discrepancy_id: UUID) -> list[dict[str, Any]]:
    """Everything that was done about a case, oldest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT at, actor, action, reason FROM discrepancy_audit WHERE site_id = %s AND discrepancy_id = %s ORDER BY audit_id
            """,
            (site, discrepancy_id),
        ).fetchall()


def summary(connection: Connection, filters: Filters, sites: int) -> Summary:
    """The sums of cases, of ``sites`` sites at most."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            _SUMS + _WHERE + "GROUP BY GROUPING SETS ((class, currency), (site_id, currency), (currency))",
            msgspec.structs.asdict(filters),
        ).fetchall()
    by_site = sorted(_sums(row for row in rows if row["which"] == _BY_SITE), key=_weight)
    total = next(iter(_sums(row for row in rows if row["which"] == _TOTAL)), None)
    return Summary(
        total=total or Sum(name=None, cases=0, assigned=0, oldest_opened_at=None, values=()),
        by_class=tuple(sorted(_sums(row for row in rows if row["which"] == _BY_CLASS), key=_weight)),
        by_site=tuple(by_site[:sites]),
    )


def _weight(one: Sum) -> tuple[int, int, str]:
    dearest = max((value.value_minor or 0 for value in one.values), default=0)
    return -dearest, -one.cases, one.name or ""


def _sums(rows: Iterable[dict[str, Any]]) -> list[Sum]:
    together: dict[str | None, list[dict[str, Any]]] = {}
    for row in rows:
        together.setdefault(row["class"] or row["site_id"], []).append(row)
    return [
        Sum(
            name=name,
            cases=sum(row["cases"] for row in some),
            assigned=sum(row["assigned"] for row in some),
            oldest_opened_at=min(row["oldest"] for row in some),
            values=tuple(
                Value(currency=row["currency"], cases=row["cases"], value_minor=row["value_minor"])
                for row in sorted(some, key=lambda row: (row["currency"] is None, row["currency"] or ""))
            ),
        )
        for name, some in together.items()
    ]
