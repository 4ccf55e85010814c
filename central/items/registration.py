"""Item codes that the brand brings in: which they are, where they are, and that their site's counters hear of them.

An item that is in stock at a store or a dealer is ``sellable`` there; one at a warehouse is ``commissioned``: it is on a product, and has
to be despatched and received before a counter may sell it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from central.actors import By
from central.database import Connection
from central.discrepancies import storage as discrepancies
from central.discrepancies.rules import DiscrepancyClass
from central.discrepancies.storage import Cause
from central.items import actions, recalls, storage
from central.items.actions import Deed, Which
from protocol.items import Action, State

# AI 21 (GS1 General Specifications, 3.5.2): 1 to 20 characters of set 82.
SERIAL = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}")


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Items of one product at one site. ``batch`` and ``expiry`` are those of all of them."""

    gtin: str
    serials: tuple[str, ...]
    site: str
    batch: str | None = None
    expiry: date | None = None


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch. ``known`` are items that were there before: they stay as they are."""

    state: State
    items: tuple[str, ...]
    known: tuple[str, ...]


def item_of(gtin: str, serial: str) -> str:
    """The canonical id of an item: ``01<gtin>21<serial>``."""
    return f"01{gtin}21{serial}"


def register(connection: Connection, batch: Batch, document: str, now: datetime) -> Registered | None:
    """Bring items in. None if there is no such site for this caller."""
    site = connection.execute("SELECT kind FROM sites WHERE site_id = %s", (batch.site,)).fetchone()
    if site is None:
        return None
    state = State.COMMISSIONED if site[0] == "warehouse" else State.SELLABLE
    recalled = recalls.is_recalled(connection, batch.gtin, batch.batch)
    wanted = sorted(item_of(batch.gtin, serial) for serial in batch.serials)
    fresh, explained = _insert(connection, batch, wanted, state, now)
    _trace(connection, batch, fresh, state, document, now)
    discrepancies.explain(connection, explained, now, "it has been registered since")
    if recalled and fresh:
        by = By(actor="central", at=now, reason="its batch is recalled")
        actions.act(connection, Deed.RECALL, Which(items=tuple(fresh)), by)
    else:
        storage.tell(connection, {batch.site: tuple(fresh)})
    return Registered(
        state=State.RECALLED if recalled else state,
        items=tuple(fresh),
        known=tuple(sorted(set(wanted) - set(fresh))),
    )


def _insert(
    connection: Connection, batch: Batch, wanted: Sequence[str], state: State, now: datetime
) -> tuple[list[str], list[Cause]]:
    """The items that begin their life now, and the cases of those that had been heard of before: they are explained."""
    # An item that was sold while its registration was on its way has a life already: it keeps it, and is an item of the brand.
    rows = connection.execute(
        """
        INSERT INTO items (item, gtin, state, site_id, batch, expiry, updated_at)
        SELECT item, %s, %s, %s, %s, %s, %s FROM unnest(%s::text[]) AS item
        ON CONFLICT (item) DO UPDATE
           SET unissued = false, batch = excluded.batch, expiry = excluded.expiry, updated_at = excluded.updated_at,
               state = CASE items.state WHEN 'issued' THEN excluded.state ELSE items.state END
         WHERE items.unissued OR items.state = 'issued'
        RETURNING item, state = %s AND standing_sales = 0 AND sold_at IS NULL AND seen_at IS NULL
        """,
        (batch.gtin, state, batch.site, batch.batch, batch.expiry, now, list(wanted), state),
    ).fetchall()
    heard_of = [item for item, is_fresh in rows if not is_fresh]
    return (
        sorted(item for item, is_fresh in rows if is_fresh),
        [(None, DiscrepancyClass.UNKNOWN_ITEM, item) for item in heard_of],
    )


def _trace(
    connection: Connection, batch: Batch, items: Sequence[str], state: State, document: str, now: datetime
) -> None:
    connection.execute(
        """
        INSERT INTO item_trace (item, action, to_state, legal, site_id, document, event_time, recorded_at)
        SELECT item, %s, %s, true, %s, %s, %s, %s FROM unnest(%s::text[]) AS item
        """,
        (Action.COMMISSION, state, batch.site, document, now, now, list(items)),
    )
