"""Day statements and replays, each by a few set-based queries."""

from __future__ import annotations

from datetime import date

from central.database import Connection
from central.errors import CentralError
from central.reconciliation.rebuild import rebuild
from central.reconciliation.rules import (
    DayStatement,
    JournalState,
    OpenCase,
    ProductDay,
    QuarantinedEvent,
    Takings,
    Totals,
    faults,
)


class UnknownSite(CentralError):
    """A site that is not there, or not to be seen."""


def day_statement(connection: Connection, site: str, day: date) -> DayStatement:
    """The statement of ``site`` for ``day`` (its local date). Raises :class:`UnknownSite`."""
    row = connection.execute("SELECT currency FROM sites WHERE site_id = %s", (site,)).fetchone()
    if row is None:
        raise UnknownSite(f"site {site!r}: there is none of this id; GET /v1/sites lists those you may see")
    currency: str = row[0]
    products = _products(connection, site, day, currency)
    journals = _journals(connection, site)
    return DayStatement(
        site=site,
        day=day,
        currency=currency,
        products=products,
        totals=_totals(connection, site, day),
        journals=journals,
        discrepancies=_open_cases(connection, site, day),
        quarantined=_quarantined(connection, site),
        unbalanced=faults(products, rebuild(connection, site), journals),
        complete=all(journal.unsent == 0 for journal in journals),
    )


def _products(connection: Connection, site: str, day: date, currency: str) -> tuple[ProductDay, ...]:
    found = connection.execute(
        """
        WITH flows AS (
            SELECT gtin, business_day, cause, destination = 'quarantine' AND source = 'customer' AS set_aside,
                   CASE WHEN destination = 'on_hand' THEN source ELSE destination END AS other,
                   quantity,
                   CASE 'on_hand' WHEN destination THEN quantity WHEN source THEN -quantity ELSE 0 END AS change
            FROM movements WHERE site_id = %(site)s
        ), summed AS (
            SELECT gtin,
                coalesce(sum(change) FILTER (WHERE business_day < %(day)s), 0) AS opening,
                coalesce(sum(change) FILTER (WHERE business_day > %(day)s), 0) AS later,
                coalesce(sum(change) FILTER (WHERE today AND other = 'supplier'), 0) AS received,
                coalesce(sum(change) FILTER (WHERE today AND other = 'customer' AND cause = 'return'), 0) AS returned,
                coalesce(sum(change) FILTER (WHERE today AND in_transit AND change > 0), 0) AS transferred_in,
                coalesce(-sum(change) FILTER (WHERE today AND other = 'customer' AND cause <> 'return'), 0) AS sold,
                coalesce(-sum(change) FILTER (WHERE today AND in_transit AND change < 0), 0) AS transferred_out,
                coalesce(sum(change) FILTER
                    (WHERE today AND NOT in_transit AND other NOT IN ('supplier', 'customer')), 0) AS adjusted,
                coalesce(sum(quantity) FILTER (WHERE today AND set_aside), 0) AS set_aside
            FROM flows, LATERAL (
                SELECT business_day = %(day)s AS today, starts_with(other, 'in_transit:') AS in_transit
            ) AS named
            GROUP BY gtin
        ), taken AS (
            SELECT gtin, sum(amount_minor) AS amount_minor FROM sale_lines
            WHERE site_id = %(site)s AND business_day = %(day)s AND kind <> 'return' AND currency = %(currency)s
            GROUP BY gtin
        ), kept AS (
            SELECT gtin, quantity FROM stock WHERE site_id = %(site)s AND location = 'on_hand'
        )
        SELECT gtin, coalesce(opening, 0), coalesce(received, 0), coalesce(returned, 0), coalesce(transferred_in, 0),
               coalesce(sold, 0), coalesce(transferred_out, 0), coalesce(adjusted, 0),
               coalesce(kept.quantity, 0) - coalesce(later, 0), coalesce(set_aside, 0), coalesce(amount_minor, 0)
        FROM summed FULL JOIN taken USING (gtin) FULL JOIN kept USING (gtin)
        ORDER BY gtin
        """,
        {"site": site, "day": day, "currency": currency},
    )
    return tuple(
        ProductDay(
            gtin=gtin,
            opening=opening,
            received=received,
            returned=returned,
            transferred_in=transferred_in,
            sold=sold,
            transferred_out=transferred_out,
            adjusted=adjusted,
            closing=closing,
            set_aside=set_aside,
            amount_minor=int(amount_minor),
        )
        for (
            gtin, opening, received, returned, transferred_in, sold, transferred_out, adjusted, closing, set_aside,
            amount_minor,
        ) in found
        if any((opening, received, returned, transferred_in, sold, transferred_out, adjusted, closing, set_aside,
                amount_minor))
    )  # fmt: skip


def _totals(connection: Connection, site: str, day: date) -> Totals:
    counted = connection.execute(
        """
        SELECT count(DISTINCT (journal, seq)) FILTER (WHERE kind = 'sale'), count(*) FILTER (WHERE kind = 'sale'),
               coalesce(sum(quantity) FILTER (WHERE kind <> 'return'), 0)
        FROM sale_lines WHERE site_id = %s AND business_day = %s
        """,
        (site, day),
    ).fetchone()
    assert counted is not None
    money = connection.execute(
        """
        SELECT currency, coalesce(sum(amount_minor) FILTER (WHERE kind <> 'return'), 0),
               coalesce(-sum(amount_minor) FILTER (WHERE kind = 'return'), 0)
        FROM sale_lines WHERE site_id = %s AND business_day = %s GROUP BY currency ORDER BY currency
        """,
        (site, day),
    )
    return Totals(
        receipts=counted[0],
        lines=counted[1],
        quantity=counted[2],
        takings=tuple(
            Takings(currency=currency, amount_minor=int(amount), refunded_minor=int(refunded))
            for currency, amount, refunded in money
        ),
    )


def _journals(connection: Connection, site: str) -> tuple[JournalState, ...]:
    found = connection.execute(
        """
        SELECT agent_id, epoch::text, next_seq, applied, quarantined, repeated,
               (SELECT count(*) FROM events WHERE events.journal = epochs.journal),
               (SELECT count(*) FROM quarantine
                WHERE quarantine.journal = epochs.journal AND resolved_at IS NULL),
               agents.unsent
        FROM epochs JOIN agents USING (agent_id) WHERE agents.site_id = %s ORDER BY agent_id, epochs.journal
        """,
        (site,),
    )
    return tuple(
        JournalState(
            agent=agent,
            epoch=epoch,
            next_seq=next_seq,
            applied=applied,
            quarantined=quarantined,
            repeated=repeated,
            archived=archived,
            set_apart=set_apart,
            unsent=unsent,
        )
        for agent, epoch, next_seq, applied, quarantined, repeated, archived, set_apart, unsent in found
    )


def _open_cases(connection: Connection, site: str, day: date) -> tuple[OpenCase, ...]:
    found = connection.execute(
        """
        SELECT discrepancy_id::text, class, gtin, item, quantity, value_minor
        FROM discrepancies JOIN sites USING (site_id)
        WHERE site_id = %(site)s AND state IN ('open', 'assigned') AND EXISTS (
            SELECT FROM jsonb_array_elements(evidence) AS fact
            WHERE (nullif(fact ->> 'event_time', '')::timestamptz AT TIME ZONE time_zone)::date = %(day)s
        )
        ORDER BY opened_at, discrepancy_id
        """,
        {"site": site, "day": day},
    )
    return tuple(
        OpenCase(
            discrepancy_id=case,
            discrepancy_class=name,
            gtin=gtin,
            item=item,
            quantity=quantity,
            value_minor=value_minor,
        )
        for case, name, gtin, item, quantity, value_minor in found
    )


def _quarantined(connection: Connection, site: str) -> tuple[QuarantinedEvent, ...]:
    found = connection.execute(
        """
        SELECT agent_id, epoch::text, seq, quarantine.cause, quarantined_at
        FROM quarantine JOIN epochs USING (journal)
        WHERE site_id = %s AND resolved_at IS NULL ORDER BY quarantined_at, journal, seq
        """,
        (site,),
    )
    return tuple(
        QuarantinedEvent(agent=agent, epoch=epoch, seq=seq, cause=cause, quarantined_at=at)
        for agent, epoch, seq, cause, at in found
    )
