"""What the books know around a case: see :mod:`central.discrepancies.causes.surroundings`. Each question is one small query by an index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from central.database import Connection
from central.discrepancies.causes.likely import first, items_of, times
from central.discrepancies.causes.surroundings import (
    Awaited,
    Difference,
    Sibling,
    Spotted,
    Surroundings,
)
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.sites.rules import BRAND_DEALER

NEAR = timedelta(days=21)
"""Differences at two sites that are further apart have nothing to do with each other."""
AT_THAT_TIME = timedelta(days=2)
"""What concerns a whole site speaks for a cause only around the time of the case."""
BACK_DAYS = 120
LATE_AFTER = timedelta(hours=6)
"""A machine that holds events back for longer, or has not been heard of for longer than that on top of a night, is late."""
SILENT_AFTER = timedelta(hours=20)
ROWS_LIMIT = 50


def around(connection: Connection, case: Discrepancy, now: datetime) -> Surroundings:
    """What stands around a case of one of the classes that are assessed."""
    match case.discrepancy_class:
        case DiscrepancyClass.SOLD_BELOW_ZERO:
            return _around_shelf(connection, case, now)
        case DiscrepancyClass.SHORT_RECEIPT | DiscrepancyClass.OVER_RECEIPT:
            return _around_receipt(connection, case)
        case DiscrepancyClass.IN_TRANSIT_TOO_LONG:
            return _around_despatch(connection, case, now)
        case _:
            return _around_item(connection, case, now)


def _around_shelf(connection: Connection, case: Discrepancy, now: datetime) -> Surroundings:
    assert case.gtin is not None
    ever_came, usual = _arrivals(connection, case.site, case.gtin, now)
    return Surroundings(
        on_hand=_on_hand(connection, case.site, case.gtin),
        awaited=_awaited(connection, case.site, gtin=case.gtin),
        differences=_differences(connection, case),
        siblings=_siblings(connection, case.site, case.gtin, now),
        late_agents=_late_agents(connection, case.site, now),
        usual_receipt=usual,
        ever_came=ever_came,
    )


def _around_receipt(connection: Connection, case: Discrepancy) -> Surroundings:
    assert case.gtin is not None
    despatch, from_site = first(case, "despatch"), first(case, "from_site")
    moments = times(case)
    counted, announced = _counted(connection, case, despatch)
    on_hand = _on_hand(connection, case.site, case.gtin)
    return Surroundings(
        on_hand=on_hand,
        differences=_differences(connection, case),
        spotted=_spotted(connection, items_of(case), moments[-1]) if moments else (),
        is_below_zero=(on_hand is not None and on_hand < 0)
        or (bool(moments) and _fell_below_zero(connection, case.site, [case.gtin], moments[-1])),
        surplus_at_sender=_surplus(connection, from_site, case.gtin, despatch, case.site),
        surplus_here=_surplus(connection, case.site, case.gtin, despatch, case.site),
        despatch_went_to=_went_to(connection, despatch),
        counted=counted,
        announced=announced,
    )


def _around_despatch(connection: Connection, case: Discrepancy, now: datetime) -> Surroundings:
    awaited = _awaited(connection, case.site, despatch=case.cause_key)
    left_at = min((one.despatched_at for one in awaited), default=now)
    codes = tuple(item for one in awaited for item in one.items)
    return Surroundings(
        awaited=awaited,
        spotted=_spotted(connection, codes, left_at),
        late_agents=_late_agents(connection, case.site, now),
        is_below_zero=_any_below_zero(connection, case.site, [one.gtin for one in awaited])
        or _fell_below_zero(connection, case.site, [one.gtin for one in awaited], left_at),
        surplus_here=sum(
            (
                one.quantity
                for one in awaited
                if _surplus(connection, case.site, one.gtin, case.cause_key, case.site) == one.quantity
            ),
            Decimal(0),
        ),
    )


def _around_item(connection: Connection, case: Discrepancy, now: datetime) -> Surroundings:
    home = _home(connection, case)
    return Surroundings(
        awaited=_awaited(connection, case.site, gtin=case.gtin) if case.gtin else (),
        late_agents=_late_agents(connection, case.site, now),
        home_site=home,
        same_house=home is not None and _same_house(connection, home, case.site),
        other_classes=_other_classes(connection, case),
    )


def _on_hand(connection: Connection, site: str, gtin: str) -> Decimal | None:
    row = connection.execute(
        "SELECT quantity FROM stock WHERE site_id = %s AND gtin = %s AND location = 'on_hand'", (site, gtin)
    ).fetchone()
    return None if row is None else Decimal(row[0])


def _any_below_zero(connection: Connection, site: str, gtins: Sequence[str]) -> bool:
    row = connection.execute(
        """
        SELECT FROM stock WHERE site_id = %s AND gtin = ANY (%s::bpchar[]) AND location = 'on_hand' AND quantity < 0 LIMIT 1
        """,
        (site, list(gtins)),
    ).fetchone()
    return row is not None


def _fell_below_zero(connection: Connection, site: str, gtins: Sequence[str], since: datetime) -> bool:
    """Whether more of these products was sold than the books knew, also where a later delivery has covered it by now."""
    row = connection.execute(
        """
        SELECT FROM discrepancies
         WHERE site_id = %s AND class = %s AND gtin = ANY (%s::bpchar[]) AND state <> 'dismissed' AND opened_at > %s LIMIT 1
        """,
        (site, DiscrepancyClass.SOLD_BELOW_ZERO, list(gtins), since),
    ).fetchone()
    return row is not None


def _awaited(
    connection: Connection, site: str, *, gtin: str | None = None, despatch: str | None = None
) -> tuple[Awaited, ...]:
    found = connection.execute(
        """
        SELECT despatch_id, from_site_id, despatched_at, gtin, sum(quantity - received - settled),
               coalesce((SELECT array_agg(item) FROM despatch_lines AS l CROSS JOIN unnest(l.items) AS item
                          WHERE l.to_site_id = d.to_site_id AND l.despatch_id = d.despatch_id AND l.gtin = line.gtin), '{}')
          FROM despatches AS d JOIN despatch_lines AS line USING (to_site_id, despatch_id)
         WHERE to_site_id = %(site)s AND state <> 'received' AND (%(gtin)s::bpchar IS NULL OR gtin = %(gtin)s::bpchar)
           AND (%(despatch)s::text IS NULL OR despatch_id = %(despatch)s)
         GROUP BY to_site_id, despatch_id, from_site_id, despatched_at, gtin
        HAVING sum(quantity - received - settled) > 0
         ORDER BY despatched_at, despatch_id, gtin LIMIT %(limit)s
        """,
        {"site": site, "gtin": gtin, "despatch": despatch, "limit": ROWS_LIMIT * 10},
    ).fetchall()
    return tuple(
        Awaited(
            despatch=one,
            from_site=sender,
            despatched_at=at,
            gtin=product,
            quantity=quantity,
            items=tuple(items),
        )
        for one, sender, at, product, quantity, items in found
    )


def _differences(connection: Connection, case: Discrepancy) -> tuple[Difference, ...]:
    """Short and over receipts of the same product near in time, and all of the same despatch; of any state but dismissed."""
    moments = times(case)
    if not moments:
        return ()
    found = connection.execute(
        """
        SELECT site_id, gtin, abs(quantity), class, cause_key, evidence
          FROM discrepancies
         WHERE class = ANY (%(classes)s) AND state <> 'dismissed' AND quantity IS NOT NULL
           AND (site_id, class, cause_key) <> (%(site)s, %(class)s, %(key)s)
           AND ((gtin = %(gtin)s::bpchar AND (jsonb_path_query_first(evidence, '$[*].event_time') #>> '{}')::timestamptz BETWEEN %(first)s AND %(last)s)
                OR (site_id = %(site)s AND left(cause_key, -15) = %(despatch)s))
         ORDER BY opened_at DESC, site_id, cause_key LIMIT %(limit)s
        """,
        {
            "classes": [DiscrepancyClass.SHORT_RECEIPT, DiscrepancyClass.OVER_RECEIPT],
            "site": case.site, "class": case.discrepancy_class, "key": case.cause_key, "gtin": case.gtin,
            "despatch": first(case, "despatch"), "first": moments[0] - NEAR, "last": moments[-1] + NEAR, "limit": ROWS_LIMIT,
        },
    ).fetchall()  # fmt: skip
    return tuple(_difference(*row) for row in found)


def _difference(
    site: str, gtin: str, quantity: Decimal, name: str, key: str, evidence: list[dict[str, Any]]
) -> Difference:
    told = next((fact for fact in evidence if "from_site" in fact), {})
    return Difference(
        site=site,
        gtin=gtin,
        quantity=quantity,
        is_short=name == DiscrepancyClass.SHORT_RECEIPT,
        cause_key=key,
        despatch=told.get("despatch"),
        from_site=told.get("from_site"),
    )


def _spotted(connection: Connection, items: Sequence[str], after: datetime) -> tuple[Spotted, ...]:
    if not items:
        return ()
    found = connection.execute(
        """
        SELECT item, site_id, event_time, action FROM item_trace
         WHERE item = ANY (%s) AND event_time >= %s AND journal IS NOT NULL AND site_id IS NOT NULL
         ORDER BY event_time, trace_id LIMIT %s
        """,
        (list(items), after, ROWS_LIMIT),
    ).fetchall()
    return tuple(Spotted(item=item, site=site, at=at, action=action) for item, site, at, action in found)


def _siblings(connection: Connection, site: str, gtin: str, now: datetime) -> tuple[Sibling, ...]:
    """Products of the same category and price of which something speaks for a surplus at the site."""
    found = connection.execute(
        """
        WITH kin AS (
            SELECT other.gtin FROM products AS own JOIN products AS other ON other.category = own.category AND other.gtin <> own.gtin
             WHERE own.gtin = %(gtin)s AND own.category IS NOT NULL
        ), surplus AS (
            SELECT gtin, quantity FROM discrepancies
             WHERE site_id = %(site)s AND state IN ('open', 'assigned') AND class = ANY (%(classes)s) AND quantity > 0
            UNION ALL
            SELECT gtin, on_hand FROM stock_suspects WHERE site_id = %(site)s AND probability > 0.5
        ), priced AS (
            SELECT DISTINCT ON (p.gtin) p.gtin, p.price_minor FROM prices AS p JOIN sites USING (price_list)
             WHERE site_id = %(site)s AND valid_from <= %(now)s AND p.gtin IN (SELECT gtin FROM surplus UNION SELECT %(gtin)s::bpchar)
             ORDER BY p.gtin, valid_from DESC
        )
        SELECT gtin, max(quantity) FROM kin JOIN surplus USING (gtin) JOIN priced USING (gtin)
         WHERE price_minor = (SELECT price_minor FROM priced WHERE gtin = %(gtin)s::bpchar)
         GROUP BY gtin ORDER BY max(quantity) DESC, gtin LIMIT 5
        """,
        {
            "site": site, "gtin": gtin, "now": now,
            "classes": [DiscrepancyClass.OVER_RECEIPT, DiscrepancyClass.STOCKTAKE_VARIANCE],
        },
    ).fetchall()  # fmt: skip
    return tuple(Sibling(gtin=one, surplus=quantity) for one, quantity in found)


def _late_agents(connection: Connection, site: str, now: datetime) -> tuple[str, ...]:
    found = connection.execute(
        """
        SELECT agent_id FROM agents
         WHERE site_id = %s AND state = 'enrolled' AND seen_at IS NOT NULL
           AND (seen_at < %s OR (unsent > 0 AND oldest_unsent_at < %s))
         ORDER BY agent_id LIMIT %s
        """,
        (site, now - SILENT_AFTER, now - LATE_AFTER, ROWS_LIMIT),
    ).fetchall()
    return tuple(agent for (agent,) in found)


def _arrivals(connection: Connection, site: str, gtin: str, now: datetime) -> tuple[bool, Decimal | None]:
    """Whether any of a product was ever booked in at a site, and the middle quantity of the days on which suppliers brought it."""
    row = connection.execute(
        """
        SELECT EXISTS (
                   SELECT FROM generate_series(date_trunc('month', %(today)s::date) - interval '48 months', %(today)s::date, '1 month')
                               AS calendar (month)
                     JOIN stock_months AS sum ON sum.site_id = %(site)s AND sum.month = calendar.month::date AND sum.gtin = %(gtin)s
                          AND sum.flow IN ('received', 'transferred_in', 'adjusted') AND sum.quantity > 0),
               (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY day.quantity)
                  FROM generate_series(%(today)s::date - %(back)s, %(today)s::date, '1 day') AS calendar (at)
                  JOIN stock_days AS day ON day.site_id = %(site)s AND day.business_day = calendar.at::date
                       AND day.gtin = %(gtin)s AND day.flow = 'received' AND day.quantity > 0)
        """,
        {"site": site, "gtin": gtin, "today": now.date(), "back": BACK_DAYS},
    ).fetchone()
    assert row is not None
    return bool(row[0]), row[1]


def _counted(
    connection: Connection, case: Discrepancy, despatch: str | None
) -> tuple[Decimal | None, Decimal | None]:
    row = connection.execute(
        "SELECT sum(received), sum(quantity) FROM despatch_lines WHERE to_site_id = %s AND despatch_id = %s AND gtin = %s",
        (case.site, despatch, case.gtin),
    ).fetchone()
    if row is None or row[0] is None or case.quantity is None:
        return None, None
    return row[0] + (case.quantity if case.discrepancy_class is DiscrepancyClass.OVER_RECEIPT else 0), row[1]


def _surplus(
    connection: Connection, from_site: str | None, gtin: str, despatch: str | None, to_site: str
) -> Decimal:
    """What counts at a site (the sender, or the receiver itself) have found too much of a product since the despatch."""
    row = connection.execute(
        """
        SELECT sum(variance) FROM stocktake_lines
         WHERE site_id = %(from)s AND gtin = %(gtin)s AND variance > 0 AND state <> 'refused'
           AND counted_at > (SELECT despatched_at FROM despatches WHERE to_site_id = %(to)s AND despatch_id = %(despatch)s)
        """,
        {"from": from_site, "gtin": gtin, "to": to_site, "despatch": despatch},
    ).fetchone()
    return Decimal(0) if row is None or row[0] is None else Decimal(row[0])


def _went_to(connection: Connection, despatch: str | None) -> str | None:
    row = connection.execute(
        "SELECT to_site_id FROM despatches WHERE despatch_id = %s ORDER BY to_site_id LIMIT 1", (despatch,)
    ).fetchone()
    return None if row is None else str(row[0])


def _home(connection: Connection, case: Discrepancy) -> str | None:
    sent_to = first(case, "sent_to")
    if sent_to is not None or case.item is None:
        return None if sent_to is None else str(sent_to)
    row = connection.execute("SELECT site_id FROM items WHERE item = %s", (case.item,)).fetchone()
    return None if row is None else row[0]


def _same_house(connection: Connection, home: str, here: str) -> bool:
    """Whether two sites are of one dealer, of two dealers below the same one, or of one above the other; below the brand itself are all."""
    row = connection.execute(
        """
        SELECT one.dealer_id = other.dealer_id
               OR (one.parent_id = other.parent_id AND one.parent_id <> %(brand)s)
               OR (%(brand)s NOT IN (one.dealer_id, other.dealer_id)
                   AND (starts_with(one.path, other.path) OR starts_with(other.path, one.path)))
          FROM sites AS s JOIN dealers AS one USING (dealer_id), sites AS t JOIN dealers AS other USING (dealer_id)
         WHERE s.site_id = %(home)s AND t.site_id = %(here)s
        """,
        {"brand": BRAND_DEALER, "home": home, "here": here},
    ).fetchone()
    return row is not None and bool(row[0])


def _other_classes(connection: Connection, case: Discrepancy) -> frozenset[str]:
    """What else is open about the same item, and of what concerned all codes and clocks of the site at that time."""
    moments = times(case)
    found = connection.execute(
        """
        SELECT class FROM discrepancies WHERE item = %(item)s AND state IN ('open', 'assigned')
        UNION
        SELECT class FROM discrepancies WHERE site_id = %(site)s AND class = ANY (%(of_site)s) AND state IN ('open', 'assigned')
           AND (%(first)s::timestamptz IS NULL OR opened_at BETWEEN %(first)s AND %(last)s)
        """,
        {
            "item": case.item,
            "site": case.site,
            "of_site": [DiscrepancyClass.CLOCK_STEP, DiscrepancyClass.UNKNOWN_CODES_BURST],
            "first": moments[0] - AT_THAT_TIME if moments else None,
            "last": moments[-1] + AT_THAT_TIME if moments else None,
        },
    ).fetchall()
    return frozenset(name for (name,) in found)
