"""An item as people and programs see it: how it stands, and what was done to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from psycopg.rows import dict_row

from central.database import Connection
from central.items.issuance import as_issued
from central.items.steps import gtin_of
from protocol.epcis import epcis_steps
from protocol.items import Action, State

TRACE_LIMIT = 1000
_ACTIONS = {action.value for action in Action}


def life(connection: Connection, directory: Path | None, item: str) -> dict[str, Any] | None:
    """An item as it is now; one that was issued and never commissioned is known by its code, where ``directory`` is given."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            SELECT item, gtin, state, site_id AS site, batch, expiry, sold_at, sold_site_id AS sold_site, standing_sales, container,
                   unissued
              FROM items WHERE item = %s
            """,
            (item,),
        ).fetchone()
    if found is not None:
        return found
    issued = as_issued(connection, directory, item)
    if issued is None:
        return None
    return unknown(item) | {"state": State.ISSUED.value, "expiry": issued.expiry, "unissued": False}


def unknown(item: str) -> dict[str, Any]:
    """An item that nobody has issued, and that has been scanned all the same."""
    return {
        "item": item,
        "gtin": gtin_of(item),
        "state": "unknown",
        "site": None,
        "batch": None,
        "expiry": None,
        "sold_at": None,
        "sold_site": None,
        "standing_sales": 0,
        "container": None,
        "unissued": True,
    }


def steps(connection: Connection, item: str) -> list[dict[str, Any]]:
    """What happened to an item, as far as this transaction may see it, in the order in which central heard of it."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT action, from_state, to_state, legal, note, site_id AS site, container, journal, seq, document, event_time,
                   uncertainty_us, recorded_at
              FROM item_trace WHERE item = %s ORDER BY trace_id LIMIT %s
            """,
            (item, TRACE_LIMIT),
        ).fetchall()


def epcis(step: dict[str, Any]) -> list[dict[str, Any]]:
    """A step of a trace in the words of EPCIS; nothing for a scan that was refused: no event of the goods."""
    if step["action"] not in _ACTIONS or step["to_state"] is None:
        return []
    before = State(step["from_state"]) if step["from_state"] else None
    told = epcis_steps(before, Action(step["action"]), State(step["to_state"]))
    return [msgspec.structs.asdict(one) for one in told]
