"""Settling a discrepancy: what its settlement names is booked, under a document that carries the id of the discrepancy.

First :func:`prepare`: everything that will be changed is locked, in the order that holds everywhere (orders and despatches, invoices,
stocktakes, items, balances), and what cannot be done is said. Then :func:`book` books. What goods are worth that never came out of transit is
what they left with; anything else is for the books of the site to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from central.actors import By
from central.containers import feed as container_feed
from central.database import Connection
from central.despatches import storage as despatches
from central.despatches.rules import DespatchState
from central.discrepancies import storage as discrepancies
from central.discrepancies.limits import Limits
from central.discrepancies.rules import DiscrepancyClass
from central.discrepancies.settlements import Kind, Line, Settlement, read
from central.invoices import matching
from central.invoices import storage as invoices
from central.invoices.documents import CREDIT_NOTE, Invoice, InvoiceState
from central.invoices.documents import Line as InvoiceLine
from central.items import storage as items
from central.items.lives import Step
from central.ledger import booking, days
from central.ledger import rules as ledger
from central.ledger.entries import Site
from central.ledger.rules import ON_HAND, Arrived, Posting, adjustment
from central.ledger.storage import lock
from central.moments import business_day
from central.stocktakes import settling as stocktakes
from central.stocktakes import tables as stocktake_tables
from central.stocktakes.documents import Refused
from protocol.events import GoodsLine, GoodsReceived
from protocol.items import Action

__all__ = ["Impossible", "book", "document_of", "prepare", "read"]

ZERO = Decimal(0)
CAUSE = "settlement"
IN_TRANSIT = "in_transit:"


class Impossible(msgspec.Struct, frozen=True):
    """Why a settlement cannot be booked, in words."""

    reason: str


def document_of(case: dict[str, Any], by: By) -> str:
    """The document under which a settlement is booked."""
    return f"discrepancy:{case['discrepancy_id']}:{by.at.isoformat()}"


def prepare(connection: Connection, case: dict[str, Any], settlement: Settlement) -> Impossible | None:
    """Lock what a settlement changes; why it cannot be booked, None if it can."""
    sites = {line.site or case["site"] for line in settlement.lines} | {case["site"]}
    known = connection.execute("SELECT site_id FROM sites WHERE site_id = ANY (%s)", (sorted(sites),))
    missing = sites - {site for (site,) in known.fetchall()}
    if missing:
        return Impossible("a site that it names is not there, or not yours")
    if settlement.despatch is not None:
        short = _lock_despatch(connection, case, settlement)
        if short is not None:
            return short
    if settlement.kind is Kind.CREDIT_NOTE:
        return _no_invoice(connection, case["site"], settlement.invoice or "")
    if settlement.kind is Kind.STOCKTAKE:
        stocktake_tables.lock(connection, case["site"], settlement.stocktake or "")
        return None
    codes = sorted({item for line in settlement.lines for item in line.items})
    connection.execute("SELECT FROM items WHERE item = ANY (%s) ORDER BY item FOR UPDATE", (codes,))
    days.closed_through(connection, sites)
    lock(connection, {(line.site or case["site"], line.gtin) for line in settlement.lines})
    return None


def book(
    connection: Connection, case: dict[str, Any], settlement: Settlement, by: By, limits: Limits
) -> Impossible | None:
    """Book a settlement that was prepared, for a case that is locked and settled by now; why it cannot be booked after all, or None."""
    match settlement.kind:
        case Kind.STOCKTAKE:
            gtins = [line.gtin for line in settlement.lines]
            done = stocktakes.settle(connection, case["site"], settlement.stocktake or "", gtins, by)
            if isinstance(done, Refused):
                return Impossible(done.reason)
        case Kind.CREDIT_NOTE:
            _credit(connection, case, settlement, by, limits)
        case Kind.RECEIPT:
            _receive(connection, case, settlement, by)
        case Kind.MOVEMENTS:
            _move(connection, case, settlement, by)
    discrepancies.explain(
        connection,
        [
            (other.site, DiscrepancyClass(other.discrepancy_class), other.cause_key)
            for other in settlement.explains
        ],
        by.at,
        "it was settled together with another case of the same cause",
    )
    return None


def _move(connection: Connection, case: dict[str, Any], settlement: Settlement, by: By) -> None:
    """Each line is a posting of its own, since one may pass on what the one before it was worth."""
    document = document_of(case, by)
    sites = _sites(connection, {line.site or case["site"] for line in settlement.lines})
    steps = []
    known: dict[tuple[str, str], Worth] = {}  # (location, gtin) -> what lies there of this settlement
    if settlement.despatch is not None:
        for to_site, gtin, quantity in _awaited(case, settlement):
            despatch = to_site, settlement.despatch
            worth = _no_longer_await(connection, despatch, gtin, quantity)
            if worth is not None:
                known[worth.location, gtin] = worth
            _end_despatch(connection, despatch, document, by)
    for line in settlement.lines:
        steps += _steps(line, line.site or case["site"], _ends(line, settlement.reason), document, by)
    taken = items.take_all(connection, steps)
    for number, line in enumerate(settlement.lines, 1):
        site = line.site or case["site"]
        source, destination = _ends(line, settlement.reason)
        worth = known.get((source, line.gtin))
        value_minor = worth.value_minor if worth and worth.currency == sites[site].currency else None
        for movement in ledger.moved(
            number, line.gtin, line.quantity, source, destination, CAUSE, value_minor
        ):
            posting = Posting(
                site=site,
                movement=movement,
                event_time=by.at,
                recorded_at=by.at,
                business_day=business_day(by.at, sites[site].time_zone),
                document=document,
            )
            posted = booking.post(connection, [posting], by.at)
            known[destination, line.gtin] = Worth(destination, sites[site].currency, posted.values[0])
    _tell(connection, taken, by)


def _ends(line: Line, reason: str) -> tuple[str, str]:
    if line.source is None or line.destination is None:
        return adjustment(reason), ON_HAND
    return line.source, line.destination


def _steps(line: Line, site: str, way: tuple[str, str], document: str, by: By) -> list[Step]:
    """What becomes of the codes that go with a line: they are on the shelf of the site, or lost."""
    source, destination = way
    if destination == ON_HAND:
        action = Action.RECEIVE
    elif destination.startswith("adjustment:"):
        action = Action.STEAL
    else:
        return []
    # Goods that are found at their sender have not strayed: they are taken for a receipt from where they were announced.
    announced_to = source.rpartition(">")[2] if source.startswith(IN_TRANSIT) else site
    return [
        Step(
            item=item,
            gtin=line.gtin,
            action=action,
            site=site,
            from_site=announced_to,
            event_time=by.at,
            recorded_at=by.at,
            document=document,
        )
        for item in line.items
    ]


def _receive(connection: Connection, case: dict[str, Any], settlement: Settlement, by: By) -> None:
    """The receipt that the counter did not write."""
    site, document = case["site"], document_of(case, by)
    received = GoodsReceived(
        receipt_advice_id=document,
        despatch_id=settlement.despatch,
        complete=False,
        lines=tuple(
            GoodsLine(gtin=line.gtin, quantity=line.quantity, items=line.items) for line in settlement.lines
        ),
    )
    outcome = despatches.apply_receipt(connection, site, received, by.at, actor=by.actor)
    invoices.remind(
        connection,
        [(site, outcome.order.order_id if outcome.order else None, settlement.despatch)],
    )
    steps = [
        one
        for line in settlement.lines
        for one in _steps(line, site, (outcome.source, ON_HAND), document, by)
    ]
    taken = items.take_all(connection, steps)
    arrivals = [
        Arrived(
            gtin=line.gtin,
            counted=line.counted,
            from_transit=line.from_transit,
            source=outcome.source,
            value_minor=line.value_minor if outcome.is_valued else None,
        )
        for line in outcome.lines
    ]
    day = business_day(by.at, _sites(connection, [site])[site].time_zone)
    booking.post(
        connection,
        [
            Posting(
                site=site,
                movement=movement,
                event_time=by.at,
                recorded_at=by.at,
                business_day=day,
                document=document,
            )
            for movement in ledger.received(arrivals)
        ],
        by.at,
    )
    _tell(connection, taken, by)


def _tell(connection: Connection, taken: items.Steps, by: By) -> None:
    """What follows from what became of codes, after everything is booked."""
    discrepancies.raise_all(connection, taken.raised, by.at)
    discrepancies.explain(connection, taken.explained, by.at, "a settlement explains it")
    container_feed.tell(connection, taken.opened)
    items.tell(connection, taken.concerned)


def _credit(
    connection: Connection, case: dict[str, Any], settlement: Settlement, by: By, limits: Limits
) -> None:
    kept = invoices.find(connection, case["site"], settlement.invoice or "")
    assert kept is not None, "prepared"
    note = Invoice(
        site=case["site"],
        invoice_id=f"credit-{case['discrepancy_id']}-{by.at:%Y%m%dT%H%M%S%f}",
        type_code=CREDIT_NOTE,
        billing_reference=kept.invoice.invoice_id,
        currency=kept.invoice.currency,
        issued_at=by.at,
        from_site=kept.invoice.from_site,
        order_id=kept.invoice.order_id,
        despatch_id=kept.invoice.despatch_id,
        lines=tuple(
            InvoiceLine(
                line=number, gtin=line.gtin, quantity=line.quantity, price_minor=line.price_minor or ZERO
            )
            for number, line in enumerate(settlement.lines, 1)
        ),
    )
    done = invoices.add(connection, note, by)
    assert isinstance(done, invoices.Recorded), "its number is its own"
    matching.match_invoice(connection, note, by.at, limits)


def _no_invoice(connection: Connection, site: str, invoice_id: str) -> Impossible | None:
    kept = invoices.find(connection, site, invoice_id)
    if kept is None:
        return Impossible(f"invoice {invoice_id!r} is not there")
    if kept.state is InvoiceState.CANCELLED:
        return Impossible(f"invoice {invoice_id!r} is cancelled")
    invoices.lock_reference(
        connection, site, kept.invoice.order_id, kept.invoice.despatch_id, kept.invoice.invoice_id
    )
    return None


def _lock_despatch(connection: Connection, case: dict[str, Any], settlement: Settlement) -> Impossible | None:
    """The lines that are settled, locked; why they cannot be: somebody has received them meanwhile."""
    wanted: dict[tuple[str, str], Decimal] = {}
    for site, gtin, quantity in _awaited(case, settlement):
        wanted[site, gtin] = wanted.get((site, gtin), ZERO) + quantity
    for (site, gtin), quantity in sorted(wanted.items()):
        connection.execute(
            "SELECT FROM despatches WHERE to_site_id = %s AND despatch_id = %s FOR UPDATE",
            (site, settlement.despatch),
        )
        row = connection.execute(
            """
            SELECT sum(quantity - received - settled) FROM (
                   SELECT quantity, received, settled FROM despatch_lines
                    WHERE to_site_id = %s AND despatch_id = %s AND gtin = %s ORDER BY line FOR UPDATE) AS line
            """,
            (site, settlement.despatch, gtin),
        ).fetchone()
        left = ZERO if row is None or row[0] is None else row[0]
        if left < quantity:
            return Impossible(
                f"despatch {settlement.despatch}: {quantity} of product {gtin} are to be settled, and {left} are still awaited"
            )
    return None


def _awaited(case: dict[str, Any], settlement: Settlement) -> Iterable[tuple[str, str, Decimal]]:
    """(receiving site, product, quantity) of what a settlement takes out of a despatch."""
    if settlement.kind is Kind.RECEIPT:
        return [(case["site"], line.gtin, line.quantity) for line in settlement.lines]
    found: dict[str, tuple[str, str, Decimal]] = {}
    for line in settlement.lines:
        # Of goods that went elsewhere the first line tells what was announced; the second half of their way is none of this despatch.
        if line.source is not None and line.source.startswith(IN_TRANSIT):
            found.setdefault(line.gtin, (line.source.rpartition(">")[2], line.gtin, line.quantity))
    return list(found.values())


class Worth(msgspec.Struct, frozen=True):
    """What lies at a location of a settlement's goods, in the currency of one site."""

    location: str
    currency: str
    value_minor: int


def _no_longer_await(
    connection: Connection, despatch: tuple[str, str], gtin: str, quantity: Decimal
) -> Worth | None:
    """Take a quantity off what is awaited, line by line; what it left with, None if that is not known."""
    kept = despatches.find(connection, *despatch)
    assert kept is not None, "prepared"
    left, value_minor = quantity, 0
    for line in kept.lines:
        taken = min(left, line.outstanding) if line.gtin == gtin else ZERO
        if taken <= 0:
            continue
        connection.execute(
            "UPDATE despatch_lines SET settled = settled + %s WHERE to_site_id = %s AND despatch_id = %s AND line = %s",
            (taken, *despatch, line.line),
        )
        value_minor += line.worth_minor(taken, line.received + line.settled)
        left -= taken
    if any(line.value_minor is None for line in kept.lines if line.gtin == gtin):
        return None
    sender = _sites(connection, [kept.from_site]).get(kept.from_site)
    return None if sender is None else Worth(kept.transit, sender.currency, value_minor)


def _end_despatch(connection: Connection, despatch: tuple[str, str], document: str, by: By) -> None:
    """A despatch of which nothing is awaited any more is over: by an empty receipt, so that its order and its counters hear of it."""
    kept = despatches.find(connection, *despatch)
    if (
        kept is None
        or kept.state is DespatchState.RECEIVED
        or any(line.outstanding > 0 for line in kept.lines)
    ):
        return
    nothing = GoodsReceived(receipt_advice_id=document, despatch_id=despatch[1], lines=(), complete=False)
    despatches.apply_receipt(connection, despatch[0], nothing, by.at, actor=by.actor)
    invoices.remind(connection, [(despatch[0], kept.order_id, kept.despatch_id)])


def _sites(connection: Connection, sites: Iterable[str]) -> dict[str, Site]:
    found = connection.execute(
        "SELECT site_id, currency, time_zone FROM sites WHERE site_id = ANY (%s)", (sorted(sites),)
    )
    return {site: Site(currency, time_zone) for site, currency, time_zone in found.fetchall()}
