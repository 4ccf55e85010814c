"""``codes_against_quantity``: at every site the coded items on hand are as many as the quantity on hand of their product.

Of a product that is sold by its codes alone (``serialised``) the two are equal; of one that carries codes on some pieces there are at most
as many codes as pieces. Both figures are read in one statement, for a fact moves both in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from central.database import Connection
from central.discrepancies import settlements, storage
from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.discrepancies.storage import Cause
from central.journals.facts import iso
from protocol.events import GoodsDespatched, GoodsReceived, StockAdjusted, decode_event
from protocol.items import State

PREFIX = "on_hand"
"""Cases found here have the key ``on_hand/<gtin>``; those of single containers other ones."""
DOCUMENTS = 20
LOOK_BACK = 300
"""Movements of the product that are gone through for those without codes: the last ones."""
_BY_QUANTITY = ("adjustment", "stocktake", "discrepancy")
"""Documents of central that correct a quantity, and name no codes."""
CODES_SHOWN = 10
PLAIN = (State.SELLABLE, State.COMMISSIONED)
"""Items in these states are on a shelf, wherever the books say they are."""
STOPPED = (State.HELD, State.RECALLED, State.EXPIRED)
"""Items in these states stand where they stood before: on a shelf, in quarantine, or on their way."""


class Gap(msgspec.Struct, frozen=True):
    """A product of which codes and quantity differ at a site."""

    site: str
    gtin: str
    serialised: bool
    codes: int
    on_hand: Decimal

    @property
    def missing(self) -> Decimal:
        """How many pieces on hand have no code; below zero: codes without a piece."""
        return self.on_hand - self.codes


def check_codes(connection: Connection, sites: Sequence[str], now: datetime) -> int:
    """Compare codes with quantities at these sites: raise what differs, close what agrees again; how many differ."""
    gaps = gaps_at(connection, sites)
    known = _open(connection, sites)
    raised = [
        _case(connection, gap, now) for gap in gaps if known.get((gap.site, gap.gtin)) != abs(gap.missing)
    ]
    storage.raise_all(connection, raised, now)
    still = {(gap.site, gap.gtin) for gap in gaps}
    agreed: list[Cause] = [
        (site, DiscrepancyClass.CODES_AGAINST_QUANTITY, f"{PREFIX}/{gtin}")
        for site, gtin in known
        if (site, gtin) not in still
    ]
    storage.explain(connection, agreed, now, "codes and quantity agree again")
    return len(gaps)


def gaps_at(connection: Connection, sites: Sequence[str]) -> list[Gap]:
    """Products of which codes and quantity differ at these sites, as they stand now."""
    return [gap for gap in _differing(connection, sites) if _is_wrong(gap)]


def _is_wrong(gap: Gap) -> bool:
    return gap.missing != 0 if gap.serialised else gap.missing < 0


def _differing(connection: Connection, sites: Sequence[str]) -> list[Gap]:
    # Items that are stopped are counted apart: where one of them stands, only its trace may tell (a recalled item on its way back to a
    # warehouse stays recalled). The trace is asked for those products alone that do not agree without it.
    found = connection.execute(
        """
        WITH counted AS (
            SELECT site_id, gtin, count(*) FILTER (WHERE state = ANY (%(plain)s)) AS plain,
                   count(*) FILTER (WHERE state = ANY (%(stopped)s)) AS stopped
              FROM items WHERE site_id = ANY (%(sites)s) AND state = ANY (%(plain)s || %(stopped)s) GROUP BY site_id, gtin
        ), shelf AS (
            SELECT site_id, gtin, quantity FROM stock WHERE site_id = ANY (%(sites)s) AND location = 'on_hand' AND quantity <> 0
        ), apart AS (
            SELECT site_id, gtin, coalesce(plain, 0) AS plain, coalesce(stopped, 0) AS stopped, coalesce(quantity, 0) AS quantity
              FROM counted FULL JOIN shelf USING (site_id, gtin)
             WHERE coalesce(plain, 0) + coalesce(stopped, 0) <> coalesce(quantity, 0)
        )
        SELECT a.site_id, a.gtin, p.serialised, a.plain + CASE WHEN a.stopped = 0 THEN 0 ELSE (
                   SELECT count(*) FROM items AS i
                     CROSS JOIN LATERAL (
                          SELECT action, to_state FROM item_trace AS t
                           WHERE t.item = i.item AND action IN ('ship', 'receive', 'quarantine', 'restock', 'void', 'recover', 'commission')
                           ORDER BY trace_id DESC LIMIT 1) AS last
                    WHERE i.site_id = a.site_id AND i.gtin = a.gtin AND i.state = ANY (%(stopped)s)
                      AND coalesce(i.next_state, '') NOT IN ('in_transit', 'quarantined')
                      AND last.action NOT IN ('ship', 'quarantine', 'recover')) END,
               a.quantity
          FROM apart AS a JOIN products AS p USING (gtin)
         WHERE p.serialised OR a.plain + a.stopped > 0
         ORDER BY a.site_id, a.gtin
        """,
        {"sites": list(sites), "plain": list(PLAIN), "stopped": list(STOPPED)},
    ).fetchall()
    return [Gap(*row) for row in found]


def _open(connection: Connection, sites: Sequence[str]) -> dict[tuple[str, str], Decimal | None]:
    found = connection.execute(
        """
        SELECT site_id, gtin, quantity FROM discrepancies
         WHERE site_id = ANY (%s) AND class = %s AND state IN ('open', 'assigned') AND starts_with(cause_key, %s)
        """,
        (list(sites), DiscrepancyClass.CODES_AGAINST_QUANTITY, f"{PREFIX}/"),
    ).fetchall()
    return {(site, gtin): quantity for site, gtin, quantity in found}


def _case(connection: Connection, gap: Gap, now: datetime) -> Discrepancy:
    documents = _without_codes(connection, gap)
    cause, words = _why(gap, documents)
    pieces = abs(gap.missing)
    return Discrepancy(
        site=gap.site,
        discrepancy_class=DiscrepancyClass.CODES_AGAINST_QUANTITY,
        cause_key=f"{PREFIX}/{gap.gtin}",
        gtin=gap.gtin,
        quantity=pieces,
        cause=cause,
        probability=0.9 if documents else 0.5,
        likely_cause=words,
        proposal="count this product by its codes; the settlement brings the quantity to the number of codes",
        settlement=settlements.correction(gap.gtin, -gap.missing, "codes_against_quantity").kept(),
        evidence=(
            {
                "event": "codes_counted",
                "site": gap.site,
                "codes": gap.codes,
                "on_hand": str(gap.on_hand),
                "event_time": iso(now),
                **({"items": _some_codes(connection, gap)} if gap.missing < 0 else {}),
            },
            *documents,
        ),
    )


def _why(gap: Gap, documents: Sequence[dict[str, Any]]) -> tuple[str, str]:
    if not documents:
        return ("codes_not_registered", "pieces came in whose codes nobody entered") if gap.missing > 0 else (
            "goods_not_booked",
            "codes were registered here, and their goods were not booked",
        )  # fmt: skip
    kind = documents[0]["event"]
    words = {
        "sale": "it was sold without its code: the piece is gone, its code is not",
        "return": "it came back without its code",
        "receipt": "goods were received by quantity, without scanning their codes",
        "adjustment": "the stock was corrected by quantity, without codes",
        "opening": "an opening stock was entered without codes",
    }
    return f"{kind}_without_codes", words.get(kind, "goods moved without their codes")


def _without_codes(connection: Connection, gap: Gap) -> list[dict[str, Any]]:
    """The last facts and corrections that moved another quantity of the product than they named codes."""
    found = connection.execute(
        """
        WITH moved AS (
            SELECT journal, seq, document, cause, event_time, movement_id, quantity FROM movements
             WHERE site_id = %(site)s AND gtin = %(gtin)s AND 'on_hand' IN (source, destination) AND quantity > 0
             ORDER BY movement_id DESC LIMIT %(look_back)s
        ), facts AS (
            SELECT journal, seq, document, cause, min(event_time) AS event_time, max(movement_id) AS movement_id, sum(quantity) AS quantity
              FROM moved GROUP BY journal, seq, document, cause
        )
        SELECT f.cause, f.journal, f.seq, f.document, f.event_time, f.quantity,
               CASE WHEN f.cause IN ('sale', 'void', 'return') THEN (
                    SELECT count(item) FROM sale_lines AS l
                     WHERE l.site_id = %(site)s AND l.journal = f.journal AND l.seq = f.seq AND l.gtin = %(gtin)s) END,
               (SELECT body FROM events AS e WHERE e.journal = f.journal AND e.seq = f.seq AND e.site_id = %(site)s
                   AND f.cause NOT IN ('sale', 'void', 'return'))
          FROM facts AS f
         WHERE f.journal IS NOT NULL OR split_part(f.document, ':', 1) = ANY (%(by_quantity)s)
         ORDER BY f.movement_id DESC
        """,
        {"site": gap.site, "gtin": gap.gtin, "look_back": LOOK_BACK, "by_quantity": list(_BY_QUANTITY)},
    ).fetchall()
    told = []
    for cause, journal, seq, document, at, quantity, sold, body in found:
        codes = sold if sold is not None else _codes_in(body, gap.gtin) if journal is not None else 0
        if codes is None or codes == quantity:
            continue
        behind = {"document": document} if journal is None else {"journal": journal, "seq": seq}
        fact = {
            "event": cause,
            "site": gap.site,
            "event_time": iso(at),
            "quantity": str(quantity),
            "codes": codes,
        }
        told.append(fact | behind)
    return told[:DOCUMENTS]


def _codes_in(body: bytes | None, gtin: str) -> int | None:
    """How many codes of a product an event names; None where it names cases instead, in which they lie, or is past its retention."""
    if body is None:
        return None
    fact = decode_event(bytes(body)).body
    if not isinstance(fact, GoodsReceived | GoodsDespatched | StockAdjusted):
        return None
    if not isinstance(fact, StockAdjusted) and fact.containers:
        return None
    return sum(len(line.items) for line in fact.lines if line.gtin == gtin)


def _some_codes(connection: Connection, gap: Gap) -> list[str]:
    found = connection.execute(
        "SELECT item FROM items WHERE site_id = %s AND gtin = %s AND state = ANY (%s) ORDER BY updated_at DESC, item LIMIT %s",
        (gap.site, gap.gtin, list(PLAIN), CODES_SHOWN),
    ).fetchall()
    return [item for (item,) in found]
