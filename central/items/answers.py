"""What central tells a counter that asks about one item."""

from __future__ import annotations

from pathlib import Path

import msgspec

from central.database import Connection
from central.items import storage
from central.items.issuance import as_issued
from protocol.feeds import ItemHere
from protocol.items import State

# An item that was sent to a dealer above this one is at home here, so it is no diversion. Yet in stock it is there and not here.
_SEEN_FROM = """
SELECT i.item, i.gtin, i.state, i.site_id, i.expiry, i.sold_at, i.sold_site_id, i.unissued,
       i.site_id IS NOT NULL AND i.site_id <> %(site)s AND starts_with(own.path, home.path)
  FROM items i
  LEFT JOIN sites AS there ON there.site_id = i.site_id LEFT JOIN dealers AS home ON home.dealer_id = there.dealer_id
  LEFT JOIN sites AS here ON here.site_id = %(site)s LEFT JOIN dealers AS own ON own.dealer_id = here.dealer_id
 WHERE i.item = %(item)s
"""


def seen_from(connection: Connection, site: str, item: str, directory: Path | None) -> ItemHere | None:
    """An item as the counters of ``site`` should see it; None for a code that nobody ever issued.

    A code that has a row only because of what happened to it was issued by nobody: of it is told that it was sold, and nothing that would
    make it genuine. Raises OrderError where the secret is missing by which an issued code is known.
    """
    row = connection.execute(_SEEN_FROM, {"site": site, "item": item}).fetchone()
    if row is None:
        return as_issued(connection, directory, item)
    *columns, unissued, is_home = row
    found = storage.as_feed_row(*columns)
    if unissued and found.state in storage.AS_IF_GENUINE:
        return None
    if not is_home:
        return found
    state = State.IN_TRANSIT if found.state == State.SELLABLE else found.state
    return msgspec.structs.replace(found, site=site, state=state)
