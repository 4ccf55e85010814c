"""The tables of items, read and written a set at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from central.database import Connection
from central.database.bulk import Bulk, load
from central.items.lives import Life, Sighting, Sold, Trace
from protocol.items import State

_NOT_YET = "unknown"  # stands in a new row until its transaction has worked out the state; never committed

TRACE = Bulk(
    "item_trace",
    """
    COPY item_trace (item, action, from_state, to_state, legal, note, site_id, journal, seq, document, event_time, recorded_at,
        uncertainty_us, container)
    FROM STDIN
    """,
    """
    INSERT INTO item_trace (item, action, from_state, to_state, legal, note, site_id, journal, seq, document, event_time, recorded_at,
        uncertainty_us, container)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    """,
)


class _Sales(msgspec.Struct, frozen=True, omit_defaults=True):
    """What does not fit the columns of one sale."""

    standing: tuple[Sold, ...] = ()
    taken_back: tuple[str, ...] = ()


_sales_encoder = msgspec.json.Encoder()


class First(msgspec.Struct, frozen=True):
    """What a new row begins with: the product, and the site that was first heard of."""

    gtin: str
    site: str


Issued = Callable[[Sequence[str]], Iterable[str]]
"""Of these items, those whose codes were issued and never commissioned."""


def lock(connection: Connection, firsts: dict[str, First], issued: Issued) -> dict[str, Life]:
    """The lives of these items, locked in the order of their codes; one never heard of gets a row of its own first."""
    lives = lock_known(connection, list(firsts))
    missing = sorted(set(firsts) - set(lives))
    if not missing:
        return lives
    made = connection.execute(
        """
        INSERT INTO items (item, gtin, site_id, state)
        SELECT *, %s FROM unnest(%s::text[], %s::text[], %s::text[]) ON CONFLICT DO NOTHING RETURNING item
        """,
        (_NOT_YET, missing, [firsts[item].gtin for item in missing], [firsts[item].site for item in missing]),
    ).fetchall()
    new = [item for (item,) in made]
    known_codes = set(issued(new))
    for item in new:
        state = State.ISSUED if item in known_codes else None
        lives[item] = Life(item=item, gtin=firsts[item].gtin, state=state)
    # Somebody else was first with the others, and has committed by now.
    late = [item for item in missing if item not in lives]
    return lives | (lock_known(connection, late) if late else {})


def lock_known(connection: Connection, items: Sequence[str]) -> dict[str, Life]:
    """The lives of those items that have one, locked in the order of their codes."""
    found = connection.execute(
        """
        SELECT item, gtin, state, site_id, sold_at, sold_site_id, sold_journal, sold_seq, standing_sales, sold_document,
               sold_uncertainty_us, sales, next_state, container, seen_site_id, seen_at, seen_uncertainty_us, unissued
        FROM items WHERE item = ANY (%s) ORDER BY item FOR UPDATE
        """,
        (list(items),),
    )
    return {row[0]: _life(row) for row in found}


def _life(row: tuple[Any, ...]) -> Life:
    standing, taken_back = _sales_of(row)
    seen_site, seen_at, seen_uncertainty_us = row[14:17]
    return Life(
        item=row[0],
        gtin=row[1],
        state=State(row[2]),
        site=row[3],
        sales=standing,
        taken_back=taken_back,
        next_state=State(row[12]) if row[12] else None,
        container=row[13],
        seen=None
        if seen_at is None
        else Sighting(site=seen_site, at=seen_at, uncertainty_us=seen_uncertainty_us or 0),
        unissued=row[17],
    )


def _sales_of(row: tuple[Any, ...]) -> tuple[tuple[Sold, ...], tuple[str, ...]]:
    if row[11] is not None:
        kept = msgspec.convert(row[11], _Sales)
        return kept.standing, kept.taken_back
    count = row[8]
    if count <= 0:
        return (), ("",) * -count
    first = Sold(
        at=row[4],
        site=row[5],
        uncertainty_us=row[10] or 0,
        journal=row[6],
        seq=row[7],
        document=row[9],
        provisional=row[2] == State.SOLD_PROVISIONALLY,
    )
    return (first,) * count, ()


def write_lives(connection: Connection, lives: Iterable[Life], at: datetime) -> None:
    """Write lives back. Their rows are locked."""
    every = list(lives)
    firsts = [life.sold for life in every]
    connection.execute(
        """
        UPDATE items SET state = life.state, site_id = life.site_id, sold_at = life.sold_at,
            sold_site_id = life.sold_site_id, sold_journal = life.sold_journal, sold_seq = life.sold_seq,
            standing_sales = life.standing_sales, sold_document = life.sold_document,
            sold_uncertainty_us = life.sold_uncertainty_us, sales = life.sales, next_state = life.next_state,
            container = life.container, seen_site_id = life.seen_site_id, seen_at = life.seen_at,
            seen_uncertainty_us = life.seen_uncertainty_us, unissued = life.unissued, updated_at = %s
        FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::bigint[], %s::bigint[], %s::int[],
                    %s::text[], %s::bigint[], %s::text[]::jsonb[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],
                    %s::bigint[], %s::boolean[])
            AS life (item, state, site_id, sold_at, sold_site_id, sold_journal, sold_seq, standing_sales, sold_document,
                     sold_uncertainty_us, sales, next_state, container, seen_site_id, seen_at, seen_uncertainty_us, unissued)
        WHERE items.item = life.item
        """,
        (
            at,
            [life.item for life in every],
            [life.state for life in every],
            [life.site for life in every],
            [sold.at if sold else None for sold in firsts],
            [sold.site if sold else None for sold in firsts],
            [sold.journal if sold else None for sold in firsts],
            [sold.seq if sold else None for sold in firsts],
            [life.standing_sales for life in every],
            [sold.document if sold else None for sold in firsts],
            [sold.uncertainty_us if sold else None for sold in firsts],
            [_kept_sales(life) for life in every],
            [life.next_state for life in every],
            [life.container for life in every],
            [life.seen.site if life.seen else None for life in every],
            [life.seen.at if life.seen else None for life in every],
            [life.seen.uncertainty_us if life.seen else None for life in every],
            [life.unissued for life in every],
        ),
    )


def _kept_sales(life: Life) -> str | None:
    if len(life.sales) <= 1 and not life.taken_back:
        return None  # the columns of the first sale tell it all
    return _sales_encoder.encode(_Sales(life.sales, life.taken_back)).decode()


def write_traces(connection: Connection, traces: Sequence[Trace]) -> None:
    """Append to the traces of items."""
    load(
        connection,
        TRACE,
        (
            (
                trace.step.item,
                (trace.action or trace.step.action).value,
                trace.from_state.value if trace.from_state else None,
                trace.to_state.value,
                trace.legal,
                trace.note,
                trace.step.site,
                trace.step.journal,
                trace.step.seq,
                trace.step.document,
                trace.step.event_time,
                trace.step.recorded_at,
                trace.step.uncertainty_us,
                trace.step.container,
            )
            for trace in traces
        ),
    )
