"""What each day and month moved, kept with the movements, in PostgreSQL; and what closed days had to be told later."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import msgspec

from central.database import Connection
from central.database.bulk import Bulk, load, text_of
from central.ledger.entries import DayKey, Restatement, Sum, changed
from central.ledger.storage import texts

_RESTATEMENTS = Bulk(
    "restatements",
    """
    COPY restatements (site_id, business_day, recorded_at, gtin, flow, quantity, value_minor, amount_minor, journal, seq, document)
    FROM STDIN
    """,
    """
    INSERT INTO restatements
        (site_id, business_day, recorded_at, gtin, flow, quantity, value_minor, amount_minor, journal, seq, document)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    """,
)


def closed_through(connection: Connection, sites: Collection[str]) -> dict[str, date]:
    """The last day that is closed at each of these sites, if any is; with it every earlier one is. Until the end of the transaction nobody
    closes another there: what is booked now is either in the statement as closed, or a restatement of it."""
    named = sorted(sites)
    connection.execute(
        """
        SELECT pg_advisory_xact_lock_shared(hashtext('countermark books'), bucket)
        FROM (SELECT DISTINCT hashtext(site_id) & 63 AS bucket FROM unnest(%s::text[]) AS site_id ORDER BY 1) AS locks
        """,
        (named,),
    )
    # In a statement of its own: a closing that was waited for must be seen.
    found = connection.execute(
        "SELECT site_id, max(business_day) FROM day_closings WHERE site_id = ANY (%s) GROUP BY site_id",
        (named,),
    )
    return dict(found.fetchall())


def add(connection: Connection, days: Mapping[DayKey, Sum]) -> None:
    """Add to the rows of days, and to those of their months."""
    rows = changed(days)
    if not rows:
        return
    connection.execute(
        """
        WITH added AS MATERIALIZED (
            SELECT * FROM unnest(
                string_to_array(%s, E'\x1f'), string_to_array(%s, E'\x1f')::date[], string_to_array(%s, E'\x1f')::bpchar[],
                string_to_array(%s, E'\x1f'), string_to_array(%s, E'\x1f')::numeric[], string_to_array(%s, E'\x1f')::bigint[],
                string_to_array(%s, E'\x1f')::bigint[])
                AS one (site_id, business_day, gtin, flow, quantity, value_minor, amount_minor)
        ), days AS (
            INSERT INTO stock_days AS kept (site_id, business_day, gtin, flow, quantity, value_minor, amount_minor)
            SELECT * FROM added
            ON CONFLICT (site_id, business_day, gtin, flow) DO UPDATE
               SET quantity = kept.quantity + EXCLUDED.quantity,
                   value_minor = kept.value_minor + EXCLUDED.value_minor,
                   amount_minor = kept.amount_minor + EXCLUDED.amount_minor
        )
        INSERT INTO stock_months AS kept (site_id, month, gtin, flow, quantity, value_minor, amount_minor)
        SELECT site_id, date_trunc('month', business_day)::date AS month, gtin, flow,
               sum(quantity), sum(value_minor), sum(amount_minor)
        FROM added GROUP BY site_id, month, gtin, flow ORDER BY site_id, month, gtin, flow
        ON CONFLICT (site_id, month, gtin, flow) DO UPDATE
           SET quantity = kept.quantity + EXCLUDED.quantity,
               value_minor = kept.value_minor + EXCLUDED.value_minor,
               amount_minor = kept.amount_minor + EXCLUDED.amount_minor
        """,
        texts(
            [site for (site, _, _, _), _ in rows],
            [text_of(day) for (_, day, _, _), _ in rows],
            [gtin for (_, _, gtin, _), _ in rows],
            [flow for (_, _, _, flow), _ in rows],
            [str(added.quantity) for _, added in rows],
            [str(added.value_minor) for _, added in rows],
            [str(added.amount_minor) for _, added in rows],
        ),
    )


def restate(connection: Connection, restatements: Sequence[Restatement]) -> None:
    """Keep what closed days had to be told."""
    if restatements:
        load(connection, _RESTATEMENTS, (msgspec.structs.astuple(one) for one in restatements))
