"""The ``containers`` feed: every case and pallet that is at a site or on its way there, with what is directly in it."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

import msgspec

from central import feeds
from central.database import Connection
from central.feeds.rules import ROW_LIMIT_BYTES
from protocol.feeds import ContainerHere, DespatchLine, Feed, body_encoder


def tell(connection: Connection, ssccs: Collection[str], left: Collection[tuple[str, str]] = ()) -> None:
    """Bring the feeds of the sites up to date with these containers; an empty one is gone. ``left``: (site, sscc) that were there before."""
    if not ssccs:
        return
    found = _read(connection, ssccs)
    rows: dict[str, dict[str, bytes | None]] = {}
    for site, sscc in left:
        rows.setdefault(site, {})[sscc] = None
    for site, here in found:
        rows.setdefault(site, {})[here.sscc] = _body(here)
    for site in sorted(rows):
        feeds.publish(connection, Feed.CONTAINERS, site, sorted(rows[site].items()))


def _body(here: ContainerHere) -> bytes | None:
    if not (here.items or here.containers or here.lines):
        return None
    body = body_encoder.encode(here)
    # A case of more things than a message holds is taken in all the same: the counter does not know how many, central does.
    return body if len(here.sscc) + len(body) <= ROW_LIMIT_BYTES else None


def _read(connection: Connection, ssccs: Collection[str]) -> list[tuple[str, ContainerHere]]:
    found = connection.execute(
        """
        SELECT c.site_id, c.sscc, c.parent, c.despatch_id, c.lines,
               ARRAY(SELECT item FROM items WHERE container = c.sscc ORDER BY item),
               ARRAY(SELECT sscc FROM containers WHERE parent = c.sscc ORDER BY sscc)
        FROM containers AS c WHERE c.sscc = ANY (%s)
        """,
        (list(ssccs),),
    ).fetchall()
    return [
        (
            site,
            ContainerHere(
                sscc=sscc,
                items=tuple(items),
                containers=tuple(containers),
                lines=lines_of(lines),
                parent=parent,
                despatch_id=despatch_id,
            ),
        )
        for site, sscc, parent, despatch_id, lines, items, containers in found
    ]


def lines_of(kept: dict[str, str]) -> tuple[DespatchLine, ...]:
    """Goods without codes, as they are kept: gtin -> quantity."""
    return tuple(
        DespatchLine(gtin=gtin, quantity=Decimal(quantity)) for gtin, quantity in sorted(kept.items())
    )


def as_kept(lines: dict[str, Decimal]) -> str:
    """The same, to be written; nothing is kept of a product of which there is none."""
    return msgspec.json.encode(
        {gtin: str(quantity) for gtin, quantity in sorted(lines.items()) if quantity}
    ).decode()
