"""What stands beside the goods of a day, each by one query."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from central.database import Connection
from central.discrepancies.watching.coded_stock import gaps_at
from central.reconciliation.beside import (
    AgentHere,
    CodedStock,
    CountedMethod,
    JournalState,
    LastStocktake,
    OpenCase,
    PaidBy,
    QuarantinedEvent,
    ShiftOfDay,
    Takings,
    Totals,
)


def totals(connection: Connection, site: str, day: date) -> Totals:
    """Receipts, lines and takings of a day."""
    rows = connection.execute(
        """
        SELECT currency, count(*) FILTER (WHERE kind = 'sale' AND line = 0), count(*) FILTER (WHERE kind = 'sale'),
               coalesce(sum(quantity) FILTER (WHERE kind <> 'return'), 0),
               coalesce(sum(amount_minor) FILTER (WHERE kind <> 'return'), 0)::bigint,
               coalesce(-sum(amount_minor) FILTER (WHERE kind = 'return'), 0)::bigint
        FROM sale_lines WHERE site_id = %s AND business_day = %s GROUP BY currency ORDER BY currency
        """,
        (site, day),
    ).fetchall()
    return Totals(
        receipts=sum(row[1] for row in rows),
        lines=sum(row[2] for row in rows),
        quantity=sum((row[3] for row in rows), start=Decimal(0)),
        takings=tuple(Takings(currency=row[0], amount_minor=row[4], refunded_minor=row[5]) for row in rows),
    )


def paid_by(connection: Connection, site: str, day: date) -> tuple[PaidBy, ...]:
    """What each method of payment took and gave back on a day."""
    found = connection.execute(
        """
        SELECT method, currency, coalesce(sum(amount_minor) FILTER (WHERE kind = 'sale'), 0)::bigint,
               coalesce(-sum(amount_minor) FILTER (WHERE kind = 'void'), 0)::bigint,
               coalesce(-sum(amount_minor) FILTER (WHERE kind = 'return'), 0)::bigint, sum(amount_minor)::bigint
        FROM payments WHERE site_id = %s AND business_day = %s GROUP BY method, currency ORDER BY method, currency
        """,
        (site, day),
    )
    return tuple(
        PaidBy(
            method=method,
            currency=currency,
            taken_minor=taken,
            voided_minor=voided,
            refunded_minor=refunded,
            net_minor=net,
        )
        for method, currency, taken, voided, refunded, net in found
    )


def shifts(connection: Connection, site: str, day: date) -> tuple[ShiftOfDay, ...]:
    """The shifts of a day with their seals and counts."""
    found = connection.execute(
        """
        SELECT shift_id, number, agent_id, clerk, currency, opened_at, closed_at, float_minor, seal, checked,
               ARRAY(SELECT jsonb_build_array(method, counted_minor, till_minor, booked_minor) FROM shift_counts
                     WHERE shift_counts.site_id = shifts.site_id AND shift_counts.shift_id = shifts.shift_id ORDER BY method)
        FROM shifts WHERE site_id = %s AND business_day = %s ORDER BY coalesce(opened_at, closed_at), shift_id
        """,
        (site, day),
    )
    told = ("sales", "voids", "returns", "taken")
    return tuple(
        ShiftOfDay(
            shift=shift,
            number=number,
            agent=agent,
            clerk=clerk,
            currency=currency,
            opened_at=opened_at,
            closed_at=closed_at,
            float_minor=float_minor,
            agrees=None if checked is None else not (checked["differs"] or checked["differences"]),
            seal=None if seal is None else {name: seal[name] for name in told},
            differs=None if checked is None else checked["differs"],
            differences={} if checked is None else checked["differences"],
            counts=tuple(
                CountedMethod(method=method, counted_minor=counted, till_minor=till, booked_minor=booked)
                for method, counted, till, booked in counts
            ),
        )
        for shift, number, agent, clerk, currency, opened_at, closed_at, float_minor, seal, checked, counts in found
    )


def journals(connection: Connection, site: str, day: date) -> tuple[JournalState, ...]:
    """The journals of a site's agents, and what there is of the day in each."""
    found = connection.execute(
        """
        WITH span AS (
            SELECT journal, min(seq) AS first_seq, max(seq) AS last_seq FROM movements
            WHERE site_id = %(site)s AND business_day = %(day)s AND journal IS NOT NULL GROUP BY journal
        )
        SELECT agent_id, epoch::text, next_seq, applied, quarantined, repeated,
               (SELECT count(*) FROM quarantine WHERE quarantine.journal = epochs.journal),
               agents.unsent, first_seq, last_seq,
               (SELECT count(*) FROM events
                WHERE events.journal = epochs.journal AND events.seq BETWEEN first_seq AND last_seq)
               + (SELECT coalesce(sum(least(gone.last_seq, span.last_seq) - greatest(gone.first_seq, span.first_seq) + 1), 0)::bigint
                  FROM event_digests AS gone
                  WHERE gone.journal = epochs.journal AND gone.first_seq <= span.last_seq AND gone.last_seq >= span.first_seq),
               (SELECT count(*) FROM quarantine
                WHERE quarantine.journal = epochs.journal AND quarantine.seq BETWEEN first_seq AND last_seq)
        FROM epochs JOIN agents USING (agent_id) LEFT JOIN span USING (journal)
        WHERE agents.site_id = %(site)s ORDER BY agent_id, epochs.journal
        """,
        {"site": site, "day": day},
    )
    return tuple(
        JournalState(
            agent=agent,
            epoch=epoch,
            next_seq=next_seq,
            applied=applied,
            quarantined=quarantined,
            repeated=repeated,
            set_apart=set_apart,
            unsent=unsent,
            day_first_seq=first_seq,
            day_last_seq=last_seq,
            day_archived=archived,
            day_set_apart=day_set_apart,
        )
        for (
            agent, epoch, next_seq, applied, quarantined, repeated, set_apart, unsent, first_seq, last_seq, archived,
            day_set_apart,
        ) in found
    )  # fmt: skip


def agents(connection: Connection, site: str) -> list[AgentHere]:
    """What the agents of a site have last said of themselves."""
    found = connection.execute(
        """
        SELECT agent_id, state = 'enrolled', enrolled_at, unsent, oldest_unsent_at, seen_at FROM agents
        WHERE site_id = %s ORDER BY agent_id
        """,
        (site,),
    )
    return [
        AgentHere(
            agent=agent,
            is_enrolled=is_enrolled,
            enrolled_at=enrolled_at,
            unsent=unsent,
            oldest_unsent_at=oldest,
            seen_at=seen_at,
        )
        for agent, is_enrolled, enrolled_at, unsent, oldest, seen_at in found
    ]


def open_cases(connection: Connection, site: str, begin: datetime, end: datetime) -> tuple[OpenCase, ...]:
    """Discrepancies with an event between two moments that nobody has settled. None is opened before its first event."""
    found = connection.execute(
        """
        SELECT discrepancy_id::text, class, gtin, item, quantity, value_minor, currency, cause
        FROM discrepancies
        WHERE site_id = %(site)s AND state IN ('open', 'assigned') AND opened_at >= %(begin)s::timestamptz - interval '1 day'
          AND EXISTS (
            SELECT FROM jsonb_array_elements(evidence) AS fact
            WHERE nullif(fact ->> 'event_time', '')::timestamptz >= %(begin)s AND nullif(fact ->> 'event_time', '')::timestamptz < %(end)s
        )
        ORDER BY opened_at, discrepancy_id
        """,
        {"site": site, "begin": begin, "end": end},
    )
    return tuple(
        OpenCase(
            discrepancy_id=case,
            discrepancy_class=name,
            gtin=gtin,
            item=item,
            quantity=quantity,
            value_minor=value,
            currency=currency,
            cause=cause,
        )
        for case, name, gtin, item, quantity, value, currency, cause in found
    )


def quarantined(connection: Connection, site: str) -> tuple[QuarantinedEvent, ...]:
    """The events of a site that could not be booked."""
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


def coded(connection: Connection, site: str) -> tuple[CodedStock, ...]:
    """Products whose coded items at a site are not as many as are on hand, as they stand now."""
    return tuple(
        CodedStock(gtin=gap.gtin, on_hand=gap.on_hand, coded=gap.codes) for gap in gaps_at(connection, [site])
    )


def last_stocktake(connection: Connection, site: str, day_end: datetime) -> LastStocktake | None:
    """The last stocktake of a site that was booked, of those that began by the end of the day."""
    row = connection.execute(
        """
        SELECT s.stocktake_id, s.name, s.started_at, s.ended_at, count(l.gtin), count(l.gtin) FILTER (WHERE l.state = 'booked' AND l.variance <> 0),
               coalesce(sum(l.value_minor) FILTER (WHERE l.state = 'booked'), 0)::bigint
        FROM (
            SELECT site_id, stocktake_id, name, started_at, ended_at FROM stocktakes
            WHERE site_id = %s AND state = 'booked' AND started_at < %s ORDER BY started_at DESC, stocktake_id LIMIT 1
        ) AS s LEFT JOIN stocktake_lines AS l USING (site_id, stocktake_id)
        GROUP BY s.stocktake_id, s.name, s.started_at, s.ended_at
        """,
        (site, day_end),
    ).fetchone()
    if row is None:
        return None
    stocktake, name, started_at, ended_at, products, variances, value = row
    return LastStocktake(
        stocktake=stocktake,
        name=name,
        started_at=started_at,
        ended_at=ended_at,
        products=products,
        variances=variances,
        variance_value_minor=value,
    )
