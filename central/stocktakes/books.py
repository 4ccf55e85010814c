"""What the books of a site say of a product at a moment, for a count to be set against."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from central.database import Connection
from central.ledger.storage import lock
from central.stocktakes.counting import Tally
from central.stocktakes.rules import At

_DAYS_APART = timedelta(days=2)
"""A business day is the local date of a moment: it is never further from it than that."""


def hold(connection: Connection, site: str, gtins: Iterable[str]) -> None:
    """Lock the balances of these products on hand until the end of the transaction, in their order.

    Whoever books a sale meanwhile waits, and then finds the line that was worked out from the balance without it: none is overlooked.
    """
    lock(connection, {(site, gtin) for gtin in gtins})


def balances_at(
    connection: Connection, site: str, tallies: Mapping[str, Iterable[Tally]]
) -> dict[tuple[str, int], At]:
    """(gtin, round) -> the balance at the moment of the round's count: what is there now, less what moved from then on.

    Also what moved between the first and the last area of the round. Corrections by a count are no movements of goods.
    """
    asked = [
        (gtin, one.round, one.first_at, one.last_at) for gtin, rounds in tallies.items() for one in rounds
    ]
    if not asked:
        return {}
    gtins, rounds, first, last = zip(*asked, strict=True)
    found = connection.execute(
        """
        WITH asked AS (
            SELECT * FROM unnest(%(gtins)s::bpchar[], %(rounds)s::int[], %(first)s::timestamptz[], %(last)s::timestamptz[])
                AS a (gtin, round, first_at, last_at)
        ), later AS MATERIALIZED (
            SELECT gtin, event_time, cause, CASE 'on_hand' WHEN destination THEN quantity ELSE -quantity END AS change
              FROM movements
             WHERE site_id = %(site)s AND business_day >= %(day)s AND gtin = ANY (%(gtins)s::bpchar[])
               AND event_time >= %(since)s AND 'on_hand' IN (source, destination)
        )
        SELECT asked.gtin, asked.round,
               coalesce(stock.quantity, 0) - coalesce(sum(change) FILTER (WHERE event_time >= last_at), 0),
               coalesce(sum(abs(change)) FILTER (WHERE event_time >= first_at AND event_time < last_at AND cause <> 'stocktake'), 0)
          FROM asked
          LEFT JOIN stock ON stock.site_id = %(site)s AND stock.gtin = asked.gtin AND stock.location = 'on_hand'
          LEFT JOIN later ON later.gtin = asked.gtin
         GROUP BY asked.gtin, asked.round, asked.first_at, asked.last_at, stock.quantity
        """,
        {
            "site": site, "gtins": list(gtins), "rounds": list(rounds), "first": list(first), "last": list(last),
            "since": min(first), "day": (min(first) - _DAYS_APART).date(),
        },
    )  # fmt: skip
    return {(gtin, number): At(balance=balance, moved=moved) for gtin, number, balance, moved in found}


def costs(connection: Connection, site: str, gtins: Collection[str]) -> dict[str, Decimal]:
    """What a unit costs at a site: the average of what is there, else the last that was known, else what the brand says. None is left out."""
    found = connection.execute(
        """
        SELECT wanted.gtin, coalesce(
            CASE WHEN stock.quantity > 0 AND stock.value_minor > 0 THEN stock.value_minor / stock.quantity END,
            nullif(stock.unit_cost_minor, 0),
            (SELECT nullif(cost_minor, 0) FROM costs
              WHERE costs.gtin = wanted.gtin AND costs.currency = sites.currency AND valid_from <= now()
              ORDER BY valid_from DESC LIMIT 1)) AS cost
          FROM unnest(%(gtins)s::bpchar[]) AS wanted (gtin) JOIN sites ON sites.site_id = %(site)s
          LEFT JOIN stock ON stock.site_id = %(site)s AND stock.gtin = wanted.gtin AND stock.location = 'on_hand'
        """,
        {"site": site, "gtins": sorted(gtins)},
    )
    return {gtin: cost for gtin, cost in found if cost is not None}


def on_paper(connection: Connection, site: str, at: datetime) -> set[str]:
    """Products of which the books had something at a site at a moment, or have it now: what a count of everything has to find."""
    found = connection.execute(
        """
        SELECT gtin FROM stock WHERE site_id = %(site)s AND location = 'on_hand' AND quantity <> 0
        UNION
        SELECT gtin FROM movements
         WHERE site_id = %(site)s AND business_day >= %(day)s AND event_time >= %(at)s AND 'on_hand' IN (source, destination)
        """,
        {"site": site, "at": at, "day": (at - _DAYS_APART).date()},
    )
    return {gtin for (gtin,) in found}


def expected_now(connection: Connection, site: str, gtins: Collection[str]) -> dict[str, Decimal]:
    """What the books say is on hand now; of everything where no products are named."""
    found = connection.execute(
        """
        SELECT gtin, quantity FROM stock
         WHERE site_id = %s AND location = 'on_hand' AND (quantity <> 0 OR gtin = ANY (%s::bpchar[]))
           AND (cardinality(%s::bpchar[]) = 0 OR gtin = ANY (%s::bpchar[]))
         ORDER BY gtin
        """,
        (site, sorted(gtins), sorted(gtins), sorted(gtins)),
    )
    return dict(found.fetchall())
