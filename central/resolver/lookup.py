"""What the books say of one code: one statement, under the role that sees no row of any site.

Known and unknown numbers cost the same work: the same statement, and the same reckoning whether the serial was issued.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from psycopg.rows import dict_row

from central.authority.signing import is_signed
from central.codes import issued, orders_storage
from central.codes.key_rules import Purpose
from central.codes.orders import Order, OrderState
from central.database import Connection
from central.resolver.counts import Count
from central.resolver.rules import Books, Signature
from protocol.codes.code import Code
from protocol.codes.signed import BadTail, Tail, read_tail, signed_bytes_of
from protocol.items import State


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. ``product``: its name, None if the GTIN is not in the catalogue."""

    product: str | None
    books: Books
    signature: Signature
    count: Count | None


_LOOK_UP = """
SELECT p.name, i.state, i.unissued, i.recalled, i.batch, i.expiry,
       c.known, c.checks, c.visits, c.first_seen, c.last_seen, c.day, c.networks,
       k.purpose, k.public_key, k.valid_from, k.retired_on, k.revoked_at,
       ARRAY(SELECT r.batch FROM recalled_batches r WHERE r.gtin = %(gtin)s AND r.lifted_at IS NULL) AS recalled_batches
  FROM (SELECT 1) AS always
  LEFT JOIN products p ON p.gtin = %(gtin)s
  LEFT JOIN public_item(%(item)s) i ON true
  LEFT JOIN public_checks c ON c.item = %(item)s
  LEFT JOIN code_keys k ON k.key_id = %(key_id)s
"""


def look_up(connection: Connection, directory: Path, code: Code) -> Found:
    """Everything about a label. ``directory``: where the order secret lies (``authority.directory``)."""
    assert code.gtin is not None
    tail = read_tail(code)
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            _LOOK_UP, {"gtin": code.gtin, "item": code.item or "", "key_id": tail.key_id if tail else ""}
        ).fetchone()
    assert row is not None
    issue = issued(connection, directory, code.gtin, code.serial or "")
    batch = row["batch"] or (issue.batch if issue else None)
    expiry = row["expiry"] or (issue.expiry if issue else None)
    recalled_batches = set(row["recalled_batches"])
    return Found(
        product=row["name"],
        books=Books(
            state=State(row["state"]) if row["state"] is not None else None,
            registered=row["state"] is not None and not row["unissued"],
            issued=issue is not None,
            recalled=bool(row["recalled"]) or not recalled_batches.isdisjoint({batch, code.batch}),
            batch=batch,
            expiry=expiry.isoformat() if expiry else None,
        ),
        signature=_signature(code, tail, row),
        count=_count(row),
    )


def order_of(connection: Connection, tag: str) -> Order | None:
    """The order of a short code; None for a tag that none has, or whose order was cancelled."""
    order = orders_storage.find(connection, tag)
    return None if order is None or order.state is OrderState.CANCELLED else order


def _signature(code: Code, tail: Tail | BadTail | None, row: dict[str, Any]) -> Signature:
    """What the signed part proves. A retired key's word stays good for the days on which it signed; a revoked one's never was."""
    if tail is None:
        return Signature.NONE
    if isinstance(tail, BadTail) or row["purpose"] != Purpose.CODES or row["revoked_at"] is not None:
        return Signature.BAD
    if not row["valid_from"] <= tail.day <= (row["retired_on"] or date.max):
        return Signature.BAD
    is_sound = is_signed(bytes(row["public_key"]), signed_bytes_of(code, tail), tail.signature)
    return Signature.SOUND if is_sound else Signature.BAD


def _count(row: dict[str, Any]) -> Count | None:
    if row["checks"] is None:
        return None
    return Count(
        known=row["known"],
        checks=row["checks"],
        visits=row["visits"],
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        day=row["day"],
        networks=frozenset(row["networks"]),
    )
