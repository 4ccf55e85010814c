"""What moved at a site, read from the days and months that are kept beside the movements, and from the movements themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from central.database import Connection
from central.reconciliation.periods import Span, month_after, month_of
from central.reconciliation.rules import End, FlowDrift, Late, Moved


def ends_of(connection: Connection, site: str, span: Span, gtins: list[str] | None = None) -> list[End]:
    """Every product of a site at both ends of a span: opened with what came before, closed with what is there now less what came after.
    Whole months are read as such, so that years of history cost no more than a month."""
    # Each part is summed up by itself: of a large shop they are hundreds of thousands of rows, and every CASE of them counts.
    found = connection.execute(
        """
        WITH months AS (
            SELECT gtin, sum(CASE WHEN flow IN ('sold', 'transferred_out') THEN -quantity ELSE quantity END) AS quantity,
                   sum(CASE WHEN flow IN ('sold', 'transferred_out') THEN -value_minor ELSE value_minor END) AS value_minor
            FROM stock_months
            WHERE site_id = %(site)s AND month < %(first_month)s AND flow <> 'set_aside'
              AND (%(gtins)s::bpchar[] IS NULL OR gtin = ANY (%(gtins)s::bpchar[])) GROUP BY gtin
        ), days AS (
            SELECT gtin, sum(CASE WHEN flow IN ('sold', 'transferred_out') THEN -quantity ELSE quantity END) AS quantity,
                   sum(CASE WHEN flow IN ('sold', 'transferred_out') THEN -value_minor ELSE value_minor END) AS value_minor
            FROM stock_days
            WHERE site_id = %(site)s AND business_day >= %(first_month)s AND business_day < %(first)s AND flow <> 'set_aside'
              AND (%(gtins)s::bpchar[] IS NULL OR gtin = ANY (%(gtins)s::bpchar[])) GROUP BY gtin
        ), later_days AS (
            SELECT gtin, sum(CASE WHEN flow IN ('sold', 'transferred_out') THEN -quantity ELSE quantity END) AS quantity,
                   sum(CASE WHEN flow IN ('sold', 'transferred_out') THEN -value_minor ELSE value_minor END) AS value_minor
            FROM stock_days
            WHERE site_id = %(site)s AND business_day > %(last)s AND business_day < %(next_month)s AND flow <> 'set_aside'
              AND (%(gtins)s::bpchar[] IS NULL OR gtin = ANY (%(gtins)s::bpchar[])) GROUP BY gtin
        ), later_months AS (
            SELECT gtin, sum(CASE WHEN flow IN ('sold', 'transferred_out') THEN -quantity ELSE quantity END) AS quantity,
                   sum(CASE WHEN flow IN ('sold', 'transferred_out') THEN -value_minor ELSE value_minor END) AS value_minor
            FROM stock_months
            WHERE site_id = %(site)s AND month >= %(next_month)s AND flow <> 'set_aside'
              AND (%(gtins)s::bpchar[] IS NULL OR gtin = ANY (%(gtins)s::bpchar[])) GROUP BY gtin
        ), kept AS (
            SELECT gtin, quantity, value_minor FROM stock
            WHERE site_id = %(site)s AND location = 'on_hand'
              AND (%(gtins)s::bpchar[] IS NULL OR gtin = ANY (%(gtins)s::bpchar[]))
        )
        SELECT gtin, coalesce(months.quantity, 0) + coalesce(days.quantity, 0),
               (coalesce(months.value_minor, 0) + coalesce(days.value_minor, 0))::bigint,
               coalesce(kept.quantity, 0) - coalesce(later_days.quantity, 0) - coalesce(later_months.quantity, 0),
               (coalesce(kept.value_minor, 0) - coalesce(later_days.value_minor, 0) - coalesce(later_months.value_minor, 0))::bigint
        FROM kept FULL JOIN months USING (gtin) FULL JOIN days USING (gtin) FULL JOIN later_days USING (gtin)
        FULL JOIN later_months USING (gtin)
        """,
        {
            "site": site,
            "first": span.first,
            "last": span.last,
            "first_month": month_of(span.first),
            "next_month": month_after(span.last),
            "gtins": gtins,
        },
    )
    return [End(*row) for row in found]


def moved_on(connection: Connection, site: str, day: date) -> list[Moved]:
    """What moved at a site on a day."""
    found = connection.execute(
        "SELECT gtin, flow, quantity, value_minor, amount_minor FROM stock_days WHERE site_id = %s AND business_day = %s",
        (site, day),
    )
    return [Moved(*row) for row in found]


def moved_within(
    connection: Connection, site: str, span: Span, gtins: list[str] | None = None
) -> list[Moved]:
    """What moved at a site in a span, together: whole months as such, the rest by days."""
    months_from, months_to = span.whole_months
    found = connection.execute(
        """
        WITH flows AS (
            SELECT gtin, flow, quantity, value_minor, amount_minor FROM stock_months
            WHERE site_id = %(site)s AND month >= %(months_from)s AND month < %(months_to)s
              AND (%(gtins)s::bpchar[] IS NULL OR gtin = ANY (%(gtins)s::bpchar[]))
            UNION ALL
            SELECT gtin, flow, quantity, value_minor, amount_minor FROM stock_days
            WHERE site_id = %(site)s AND business_day BETWEEN %(first)s AND %(last)s
              AND (business_day < %(months_from)s OR business_day >= %(months_to)s)
              AND (%(gtins)s::bpchar[] IS NULL OR gtin = ANY (%(gtins)s::bpchar[]))
        )
        SELECT gtin, flow, sum(quantity), sum(value_minor)::bigint, sum(amount_minor)::bigint FROM flows GROUP BY gtin, flow
        """,
        {
            "site": site,
            "first": span.first,
            "last": span.last,
            "months_from": months_from,
            "months_to": months_to,
            "gtins": gtins,
        },
    )
    return [Moved(*row) for row in found]


def drifts_of_day(connection: Connection, site: str, day: date) -> list[FlowDrift]:
    """Flows of a day that are not the sum of its movements. There should never be any."""
    found = connection.execute(
        """
        WITH ways AS (
            SELECT gtin, source, destination, cause, sum(quantity) AS quantity, sum(value_minor) AS value_minor FROM movements
            WHERE site_id = %(site)s AND business_day = %(day)s GROUP BY gtin, source, destination, cause
        ), moved AS (
            SELECT gtin, flow_of(source, destination, cause) AS flow, sum(sense_of(source, destination, cause) * quantity) AS quantity,
                   sum(sense_of(source, destination, cause) * value_minor) AS value_minor
            FROM ways GROUP BY gtin, flow_of(source, destination, cause)
        ), kept AS (
            SELECT gtin, flow, quantity, value_minor FROM stock_days WHERE site_id = %(site)s AND business_day = %(day)s
        )
        SELECT gtin, flow, coalesce(kept.quantity, 0), coalesce(moved.quantity, 0), coalesce(kept.value_minor, 0),
               coalesce(moved.value_minor, 0)::bigint
        FROM kept FULL JOIN (SELECT * FROM moved WHERE flow IS NOT NULL) AS moved USING (gtin, flow)
        WHERE coalesce(kept.quantity, 0) <> coalesce(moved.quantity, 0)
           OR coalesce(kept.value_minor, 0) <> coalesce(moved.value_minor, 0)
        ORDER BY gtin, flow
        """,
        {"site": site, "day": day},
    )
    return [
        FlowDrift(
            gtin=gtin,
            flow=flow,
            kept=kept,
            replayed=replayed,
            kept_value_minor=kept_value,
            replayed_value_minor=replayed_value,
        )
        for gtin, flow, kept, replayed, kept_value, replayed_value in found
    ]


def heard_after(connection: Connection, site: str, day: date, instant: datetime) -> list[Late]:
    """What central learned after an instant about a day and the days before it: the movements, and of the day itself the money."""
    goods = connection.execute(
        """
        SELECT gtin, flow, is_before, sum(sense * quantity), sum(sense * value_minor)::bigint, 0::bigint
        FROM (
            SELECT gtin, quantity, value_minor, business_day < %(day)s AS is_before,
                   flow_of(source, destination, cause) AS flow, sense_of(source, destination, cause) AS sense
            FROM movements WHERE site_id = %(site)s AND business_day <= %(day)s AND recorded_at > %(instant)s
        ) AS movement
        WHERE flow IS NOT NULL GROUP BY gtin, flow, is_before
        """,
        {"site": site, "day": day, "instant": instant},
    ).fetchall()
    money = connection.execute(
        """
        SELECT gtin, CASE WHEN line.kind = 'return' THEN 'returned' ELSE 'sold' END AS flow, false, 0::numeric, 0::bigint,
               sum(CASE WHEN line.kind = 'return' THEN -amount_minor ELSE amount_minor END)::bigint
        FROM sale_lines AS line JOIN sites USING (site_id)
        WHERE site_id = %(site)s AND business_day = %(day)s AND line.currency = sites.currency
          AND (journal, seq) IN (SELECT journal, seq FROM events WHERE events.site_id = %(site)s AND received_at > %(instant)s)
        GROUP BY gtin, 2
        """,
        {"site": site, "day": day, "instant": instant},
    ).fetchall()
    return _late([*goods, *money])


def restated(connection: Connection, site: str, day: date, through: int) -> list[Late]:
    """What was booked after the closing that left ``through`` as the last restatement: of the day, and of the days before it."""
    found = connection.execute(
        """
        SELECT gtin, flow, business_day < %(day)s, sum(quantity), sum(value_minor)::bigint, sum(amount_minor)::bigint FROM restatements
        WHERE site_id = %(site)s AND business_day <= %(day)s AND restatement_id > %(through)s
        GROUP BY gtin, flow, business_day < %(day)s
        """,
        {"site": site, "day": day, "through": through},
    )
    return _late(found)


def _late(rows: Iterable[tuple[Any, ...]]) -> list[Late]:
    return [
        Late(Moved(gtin, flow, quantity, value, amount), is_before)
        for gtin, flow, is_before, quantity, value, amount in rows
    ]


def closings(
    connection: Connection, sites: Sequence[str], last: date, gtin: str | None
) -> dict[str, tuple[int, Decimal]]:
    """(value, quantity) on hand at each site at the end of a day: the balances now, less what came after."""
    found = connection.execute(
        """
        WITH later AS (
            SELECT site_id, quantity, value_minor, flow FROM stock_months
            WHERE site_id = ANY (%(sites)s) AND month >= %(next_month)s AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
            UNION ALL
            SELECT site_id, quantity, value_minor, flow FROM stock_days
            WHERE site_id = ANY (%(sites)s) AND business_day > %(last)s AND business_day < %(next_month)s
              AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
        ), moved AS (
            SELECT site_id, -value_minor * effect AS value_minor, -quantity * effect AS quantity FROM later
            CROSS JOIN LATERAL (SELECT
                   CASE flow WHEN 'sold' THEN -1 WHEN 'transferred_out' THEN -1 WHEN 'set_aside' THEN 0 ELSE 1 END AS effect) AS in_sense
            UNION ALL
            SELECT site_id, value_minor, quantity FROM stock
            WHERE site_id = ANY (%(sites)s) AND location = 'on_hand' AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
        )
        SELECT site_id, sum(value_minor)::bigint, sum(quantity) FROM moved GROUP BY site_id
        """,
        {"sites": list(sites), "last": last, "next_month": month_after(last), "gtin": gtin},
    )
    return {site: (value, quantity) for site, value, quantity in found}
