"""Coded items: what was scanned at a count against what is on the books at the site."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from central.database import Connection
from central.stocktakes.documents import Line
from protocol.items import State

ON_THE_SHELF = (State.COMMISSIONED, State.SELLABLE, State.HELD, State.RECALLED, State.EXPIRED)
"""States in which an item is one of those on hand: it should be found."""
AT_THE_SITE = (*ON_THE_SHELF, State.QUARANTINED)
"""States in which it is no wonder that it was found."""


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """An item that a count missed or found. ``state`` and ``site`` are what the books say of it now; None: they know nothing."""

    item: str
    gtin: str
    state: str | None = None
    site: str | None = None


class Codes(msgspec.Struct, frozen=True, kw_only=True):
    """Of one product: items on the books that nobody scanned, and scanned ones that are not on the books here."""

    missing: tuple[Code, ...] = ()
    surplus: tuple[Code, ...] = ()


def compared(
    connection: Connection, site: str, lines: Mapping[str, Line], scanned: Mapping[str, tuple[str, ...]]
) -> dict[str, Codes]:
    """The codes of each product that differ. What was handled after the count (sold, received, sent away) tells nothing of it.

    Nothing is said of a product whose items were counted without being scanned.
    """
    serialised = _serialised(connection, lines)
    asked = {
        gtin: line
        for gtin, line in lines.items()
        if scanned.get(gtin) or (gtin in serialised and line.counted == 0)
    }
    if not asked:
        return {}
    missing, surplus = _missing(connection, site, asked, scanned), _surplus(connection, site, asked, scanned)
    return {
        gtin: Codes(missing=tuple(missing.get(gtin, ())), surplus=tuple(surplus.get(gtin, ())))
        for gtin in sorted({*missing, *surplus})
    }


def _serialised(connection: Connection, lines: Mapping[str, Line]) -> set[str]:
    found = connection.execute(
        "SELECT gtin FROM products WHERE serialised AND gtin = ANY (%s::bpchar[])", (list(lines),)
    )
    return {gtin for (gtin,) in found}


def _missing(
    connection: Connection, site: str, asked: Mapping[str, Line], scanned: Mapping[str, tuple[str, ...]]
) -> dict[str, list[Code]]:
    found = connection.execute(
        """
        SELECT items.gtin, item, state, site_id
          FROM unnest(%(gtins)s::bpchar[], %(at)s::timestamptz[]) AS asked (gtin, counted_at)
          JOIN items ON site_id = %(site)s AND items.gtin = asked.gtin AND state = ANY (%(states)s)
         WHERE item <> ALL (%(scanned)s)
           AND NOT EXISTS (SELECT FROM item_trace AS t
                            WHERE t.item = items.item AND t.event_time > counted_at AND t.action <> 'scan_refused')
         ORDER BY item
        """,
        {
            "site": site, "gtins": list(asked), "at": [line.counted_at for line in asked.values()],
            "states": list(ON_THE_SHELF), "scanned": [item for gtin in asked for item in scanned.get(gtin, ())],
        },
    )  # fmt: skip
    missing: dict[str, list[Code]] = {}
    for gtin, item, state, at_site in found:
        missing.setdefault(gtin, []).append(Code(item=item, gtin=gtin, state=state, site=at_site))
    return missing


def _surplus(
    connection: Connection, site: str, asked: Mapping[str, Line], scanned: Mapping[str, tuple[str, ...]]
) -> dict[str, list[Code]]:
    named = [(gtin, item, line.counted_at) for gtin, line in asked.items() for item in scanned.get(gtin, ())]
    if not named:
        return {}
    gtins, codes, moments = zip(*named, strict=True)
    found = connection.execute(
        """
        SELECT asked.gtin, asked.item, state, site_id
          FROM unnest(%(gtins)s::bpchar[], %(items)s::text[], %(at)s::timestamptz[]) AS asked (gtin, item, counted_at)
          LEFT JOIN items USING (item)
         WHERE (site_id IS DISTINCT FROM %(site)s OR state <> ALL (%(states)s))
           AND NOT EXISTS (SELECT FROM item_trace AS t
                            WHERE t.item = asked.item AND t.event_time > counted_at AND t.action <> 'scan_refused')
         ORDER BY asked.item
        """,
        {
            "site": site, "gtins": list(gtins), "items": list(codes), "at": list(moments), "states": list(AT_THE_SITE),
        },
    )  # fmt: skip
    surplus: dict[str, list[Code]] = {}
    for gtin, item, state, at_site in found:
        surplus.setdefault(gtin, []).append(Code(item=item, gtin=gtin, state=state, site=at_site))
    return surplus
