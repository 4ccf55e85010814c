"""``phantom_stock``: fast movers that are in stock on paper and have not sold for unusually long, ranked for the next count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from central.database import Connection
from central.discrepancies import settlements, storage
from central.discrepancies.limits import Limits
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.discrepancies.watching.phantom_rules import (
    HISTORY_DAYS,
    Day,
    Suspicion,
    rhythm,
    suspicion,
    trend_of,
)
from central.moments import business_day

SHOWN_FROM = 0.05
"""Less probable ones are not even ranked."""
LOOK_BACK = timedelta(days=2 * HISTORY_DAYS)
MISSED_AT_LEAST = 3.0
REFERENCES = 25
"""Other sites of the same round that tell whether a product sells less everywhere."""
REFERENCES_AT_LEAST = 3
ZERO = Decimal(0)
# What each flow does to the quantity on hand.
_EFFECT = {
    "received": 1,
    "returned": 1,
    "transferred_in": 1,
    "adjusted": 1,
    "sold": -1,
    "transferred_out": -1,
}


class Candidate(msgspec.Struct, frozen=True):
    """A product that is on hand on paper and has not sold for some days."""

    gtin: str
    last_sold_on: date
    on_hand: Decimal
    value_minor: int
    unit: str


class Shop(msgspec.Struct, frozen=True):
    """A site with the days on which it sold anything, and how much."""

    site: str
    currency: str
    today: date
    days: dict[date, float]


def look(connection: Connection, site: str, references: Sequence[str], now: datetime, limits: Limits) -> int:
    """Go through the shelves of a site: rank what is suspicious, raise what is beyond the limit; how much was raised.

    A site of which a machine is silent is passed over: what has not sold there may just not have been heard of.
    """
    shop = _shop(connection, site, now)
    if shop is None or not shop.days:
        return 0
    weights = rhythm(shop.days)
    found: list[tuple[Candidate, Suspicion]] = []
    candidates = _candidates(connection, shop)
    flows = _flows(connection, shop, [one.gtin for one in candidates])
    trends = _trends(connection, candidates, [one for one in references if one != site][:REFERENCES], shop)
    for one in candidates:
        days = _days(one, shop, flows.get(one.gtin, {}))
        seen = suspicion(days, weights, trend=trends.get(one.gtin, 1.0), in_pieces=one.unit == "each")
        if seen is not None and seen.probability >= SHOWN_FROM:
            found.append((one, seen))
    _rank(connection, site, found, now)
    raised = [
        _case(connection, shop, one, seen)
        for one, seen in found
        if seen.probability >= limits.phantom_probability
    ]
    known = _known(connection, site)
    storage.raise_all(connection, [case for case in raised if case.cause_key not in known], now)
    return len(raised)


def _shop(connection: Connection, site: str, now: datetime) -> Shop | None:
    row = connection.execute(
        """
        SELECT currency, time_zone FROM sites AS s
         WHERE site_id = %s AND closed_at IS NULL
           AND NOT EXISTS (SELECT FROM discrepancies WHERE site_id = s.site_id AND class = %s AND state IN ('open', 'assigned'))
        """,
        (site, DiscrepancyClass.AGENT_SILENT),
    ).fetchone()
    if row is None:
        return None
    currency, time_zone = row
    today = business_day(now, time_zone)
    found = connection.execute(
        """
        SELECT business_day, sum(quantity)::float FROM stock_days
         WHERE site_id = %s AND business_day >= %s AND business_day < %s AND flow = 'sold'
         GROUP BY business_day HAVING sum(quantity) > 0 ORDER BY business_day
        """,
        (site, today - LOOK_BACK, today),
    ).fetchall()
    return Shop(site, currency, today, dict(found))


def _candidates(connection: Connection, shop: Shop) -> list[Candidate]:
    found = connection.execute(
        """
        WITH sold AS (
            SELECT gtin, max(business_day) AS last_sold_on, sum(quantity)::float AS units, min(business_day) AS first_sold_on
              FROM stock_days
             WHERE site_id = %(site)s AND business_day >= %(first)s AND business_day < %(today)s AND flow = 'sold' AND quantity > 0
             GROUP BY gtin
        )
        SELECT gtin, last_sold_on, stock.quantity, stock.value_minor, coalesce(unit, 'each')
          FROM sold JOIN stock USING (gtin) LEFT JOIN products USING (gtin)
         WHERE stock.site_id = %(site)s AND location = 'on_hand' AND stock.quantity > 0
           AND (counted_at IS NULL OR counted_at < last_sold_on + interval '1 day')
           AND units / (last_sold_on - first_sold_on + 1) * (%(last_open)s::date - last_sold_on) >= %(missed)s
         ORDER BY gtin
        """,
        {
            "site": shop.site,
            "first": shop.today - LOOK_BACK,
            "today": shop.today,
            "last_open": max(shop.days),
            "missed": MISSED_AT_LEAST,
        },
    ).fetchall()
    return [Candidate(*row) for row in found]


def _flows(
    connection: Connection, shop: Shop, gtins: Sequence[str]
) -> dict[str, dict[date, tuple[float, Decimal]]]:
    """By product and day: units sold, and what the day changed on hand."""
    if not gtins:
        return {}
    found = connection.execute(
        """
        SELECT gtin, business_day, flow, quantity FROM stock_days
         WHERE site_id = %s AND business_day >= %s AND gtin = ANY (%s::bpchar[])
        """,
        (shop.site, shop.today - LOOK_BACK, list(gtins)),
    ).fetchall()
    flows: dict[str, dict[date, tuple[float, Decimal]]] = {}
    for gtin, day, flow, quantity in found:
        sold, change = flows.setdefault(gtin, {}).get(day, (0.0, ZERO))
        flows[gtin][day] = (
            sold + (float(quantity) if flow == "sold" else 0.0),
            change + _EFFECT.get(flow, 0) * quantity,
        )
    return flows


def _days(one: Candidate, shop: Shop, flows: Mapping[date, tuple[float, Decimal]]) -> list[Day]:
    """The days on which the shop was open, with what was on hand: worked out backwards from what is there now."""
    days: list[Day] = []
    closing = one.on_hand
    day = max(shop.today, *flows) if flows else shop.today
    while day >= min(shop.days):
        sold, change = flows.get(day, (0.0, ZERO))
        if day in shop.days:
            days.append(Day(day, sold, closing - change, closing))
        closing -= change
        day -= timedelta(days=1)
    return days[::-1]


def _trends(
    connection: Connection, candidates: Sequence[Candidate], references: Sequence[str], shop: Shop
) -> dict[str, float]:
    """How the candidates sell at other sites since they have not sold here, against the time before."""
    if len(references) < REFERENCES_AT_LEAST or not candidates:
        return {}
    found = connection.execute(
        """
        SELECT here.gtin, coalesce(sum(quantity) FILTER (WHERE business_day <= last_sold_on), 0)::float,
               coalesce(sum(quantity) FILTER (WHERE business_day > last_sold_on), 0)::float
          FROM unnest(%(gtins)s::bpchar[], %(last)s::date[]) AS here (gtin, last_sold_on)
          JOIN stock_days AS elsewhere ON elsewhere.gtin = here.gtin
         WHERE elsewhere.site_id = ANY (%(sites)s) AND flow = 'sold' AND business_day < %(today)s
           AND business_day > last_sold_on - %(history)s
         GROUP BY here.gtin
        """,
        {
            "gtins": [one.gtin for one in candidates],
            "last": [one.last_sold_on for one in candidates],
            "sites": list(references),
            "today": shop.today,
            "history": HISTORY_DAYS,
        },
    ).fetchall()
    since = {one.gtin: (shop.today - one.last_sold_on).days - 1 for one in candidates}
    return {gtin: trend_of(before, HISTORY_DAYS, after, since[gtin]) for gtin, before, after in found}


def _rank(
    connection: Connection, site: str, found: Sequence[tuple[Candidate, Suspicion]], now: datetime
) -> None:
    connection.execute("DELETE FROM stock_suspects WHERE site_id = %s", (site,))
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO stock_suspects (site_id, gtin, probability, on_hand, value_minor, last_sold_on, silent_days, missed, looked_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (site_id, gtin) DO NOTHING -- another process looks at the same moment
            """,
            [
                (
                    site, one.gtin, seen.probability, one.on_hand, one.value_minor, one.last_sold_on, seen.silent_days, seen.missed,
                    now,
                )
                for one, seen in found
            ],
        )  # fmt: skip


def _known(connection: Connection, site: str) -> set[str]:
    found = connection.execute(
        "SELECT cause_key FROM discrepancies WHERE site_id = %s AND class = %s",
        (site, DiscrepancyClass.PHANTOM_STOCK),
    ).fetchall()
    return {key for (key,) in found}


def _case(connection: Connection, shop: Shop, one: Candidate, seen: Suspicion) -> Discrepancy:
    sibling = connection.execute(
        """
        SELECT other.gtin FROM products AS own
          JOIN products AS other ON other.category = own.category AND other.gtin <> own.gtin
          JOIN stock ON stock.gtin = other.gtin AND stock.site_id = %s AND location = 'on_hand' AND quantity < 0
         WHERE own.gtin = %s ORDER BY quantity LIMIT 1
        """,
        (shop.site, one.gtin),
    ).fetchone()
    cause, words = (
        ("wrong_item", "a product of the same kind is sold below zero: this one is sold under its code")
        if sibling
        else ("not_on_shelf", "it is not on the shelf: gone, misplaced, or still in the store room")
    )
    return Discrepancy(
        site=shop.site,
        discrepancy_class=DiscrepancyClass.PHANTOM_STOCK,
        cause_key=f"{one.gtin}/{one.last_sold_on}",
        gtin=one.gtin,
        quantity=one.on_hand,
        value_minor=one.value_minor or None,
        currency=shop.currency if one.value_minor else None,
        cause=cause,
        probability=round(min(seen.probability, 0.999), 3),
        likely_cause=words,
        proposal="look at the shelf and count it; the settlement takes what is on paper off the books",
        settlement=settlements.correction(one.gtin, -one.on_hand, "phantom_stock").kept(),
        evidence=(
            {
                "event": "not_sold",
                "site": shop.site,
                "last_sold_on": str(one.last_sold_on),
                "silent_days": seen.silent_days,
                "missed": round(seen.missed, 1),
                **({"below_zero": sibling[0]} if sibling else {}),
            },
        ),
    )
