"""Item lives in PostgreSQL: locked in one order, stepped by the rules, traced, told to the sites they concern."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import msgspec

from central import feeds
from central.database import Connection
from central.database.bulk import Bulk, load
from central.discrepancies import storage as discrepancies
from central.discrepancies.rules import Discrepancy
from central.discrepancies.storage import Cause
from central.items.rules import Life, Step, Trace, take
from central.moments import to_microseconds
from protocol.feeds import Feed, ItemHere, body_encoder
from protocol.items import State

_NOT_YET = "unknown"  # stands in a new row until its transaction has worked out the state; never committed

_TRACE = Bulk(
    "item_trace",
    """
    COPY item_trace (item, action, from_state, to_state, legal, note, site_id, journal, seq, document, event_time, recorded_at)
    FROM STDIN
    """,
    """
    INSERT INTO item_trace (item, action, from_state, to_state, legal, note, site_id, journal, seq, document, event_time, recorded_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    """,
)


class Steps(msgspec.Struct, frozen=True):
    """Steps that were taken: what they contradict, what they explain, and which sites must hear of which items."""

    raised: tuple[Discrepancy, ...]
    explained: tuple[Cause, ...]
    concerned: dict[str, tuple[str, ...]]


def apply(connection: Connection, steps: Sequence[Step], at: datetime) -> None:
    """Take steps with all that follows from them: lives, traces, discrepancies, feeds."""
    taken = take_all(connection, steps)
    discrepancies.raise_all(connection, taken.raised, at)
    discrepancies.explain(connection, taken.explained, at, "a later event explains it")
    tell(connection, taken.concerned)


def take_all(connection: Connection, steps: Sequence[Step]) -> Steps:
    """Take steps in their order. The items are locked until the end of the transaction."""
    if not steps:
        return Steps((), (), {})
    lives = _lock(connection, {step.item: step for step in reversed(steps)})
    raised: list[Discrepancy] = []
    explained: list[Cause] = []
    traces: list[Trace] = []
    concerned: dict[str, set[str]] = {}
    for step in steps:
        before = lives[step.item]
        taken = take(before, step)
        lives[step.item] = taken.life
        traces.append(taken.trace)
        raised += taken.raised
        explained += [(None, name, step.item) for name in taken.explained]
        for site in (before.site, taken.life.site, step.site):
            if site is not None:
                concerned.setdefault(site, set()).add(step.item)
    _write_lives(connection, lives, steps[-1].recorded_at)
    _write_traces(connection, traces)
    return Steps(
        tuple(raised),
        tuple(explained),
        {site: tuple(sorted(items)) for site, items in sorted(concerned.items())},
    )


def tell(connection: Connection, concerned: dict[str, tuple[str, ...]]) -> None:
    """Bring the ``items`` feeds of sites up to date with these items, site by site in their order."""
    if not concerned:
        return
    every = {item for items in concerned.values() for item in items}
    bodies = {life.item: body_encoder.encode(life) for life in read(connection, every)}
    for site in sorted(concerned):
        feeds.publish(
            connection,
            Feed.ITEMS,
            site,
            [(item, bodies[item]) for item in concerned[site] if item in bodies],
        )


def read(connection: Connection, items: Iterable[str]) -> list[ItemHere]:
    """Items as their sites' agents see them; one that nobody has heard of is not in the answer."""
    found = connection.execute(
        "SELECT item, gtin, state, site_id, expiry, sold_at, sold_site_id FROM items WHERE item = ANY (%s)",
        (list(items),),
    )
    return [_as_feed_row(*row) for row in found]


def _as_feed_row(
    item: str,
    gtin: str,
    state: str,
    site: str | None,
    expiry: date | None,
    sold_at: datetime | None,
    sold_site: str | None,
) -> ItemHere:
    return ItemHere(
        item=item,
        gtin=gtin,
        state=state,
        site=site,
        expiry=expiry.isoformat() if expiry else None,
        sold_at_us=to_microseconds(sold_at) if sold_at else None,
        sold_site=sold_site,
    )


def _lock(connection: Connection, firsts: dict[str, Step]) -> dict[str, Life]:
    """The lives of these items, locked in the order of their codes; one never heard of gets a row of its own first."""
    lives = _lock_known(connection, list(firsts))
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
    lives |= {item: Life(item=item, gtin=firsts[item].gtin, state=None) for (item,) in made}
    # Somebody else was first with the others, and has committed by now.
    late = [item for item in missing if item not in lives]
    return lives | (_lock_known(connection, late) if late else {})


def _lock_known(connection: Connection, items: list[str]) -> dict[str, Life]:
    found = connection.execute(
        """
        SELECT item, gtin, state, site_id, sold_at, sold_site_id, sold_journal, sold_seq, standing_sales
        FROM items WHERE item = ANY (%s) ORDER BY item FOR UPDATE
        """,
        (items,),
    )
    return {
        row[0]: Life(
            item=row[0],
            gtin=row[1],
            state=State(row[2]),
            site=row[3],
            sold_at=row[4],
            sold_site=row[5],
            sold_journal=row[6],
            sold_seq=row[7],
            standing_sales=row[8],
        )
        for row in found
    }


def _write_lives(connection: Connection, lives: dict[str, Life], at: datetime) -> None:
    every = list(lives.values())
    connection.execute(
        """
        UPDATE items SET state = life.state, site_id = life.site_id, sold_at = life.sold_at,
            sold_site_id = life.sold_site_id, sold_journal = life.sold_journal, sold_seq = life.sold_seq,
            standing_sales = life.standing_sales, updated_at = %s
        FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::bigint[], %s::bigint[], %s::int[])
            AS life (item, state, site_id, sold_at, sold_site_id, sold_journal, sold_seq, standing_sales)
        WHERE items.item = life.item
        """,
        (
            at,
            [life.item for life in every],
            [life.state for life in every],
            [life.site for life in every],
            [life.sold_at for life in every],
            [life.sold_site for life in every],
            [life.sold_journal for life in every],
            [life.sold_seq for life in every],
            [life.standing_sales for life in every],
        ),
    )


def _write_traces(connection: Connection, traces: Sequence[Trace]) -> None:
    load(
        connection,
        _TRACE,
        (
            (
                trace.step.item,
                trace.step.action.value,
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
            )
            for trace in traces
        ),
    )
