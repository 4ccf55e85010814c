"""What people tell central, carried out by the functions that its HTTP interface calls, each with the simulated moment as now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from central.actors import By
from central.database import Connection, Database
from central.despatches import sending, transfers
from central.despatches.rules import Line as DespatchLine
from central.errors import CentralError
from central.invoices import matching
from central.invoices import storage as invoices
from central.invoices.documents import Invoice
from central.invoices.documents import Line as InvoiceLine
from central.items.actions import Deed, Which, act
from central.items.registration import Batch, register
from central.orders import decisions as orders
from central.orders import tables as order_tables
from central.prices import storage as prices
from central.prices.rules import PriceRow
from central.rehearsal.papers import Bill, EndCount, Paper, Prices, Recall, Register, Send, StartCount
from central.rehearsal.shop import decimal
from central.rehearsal.world import CURRENCY
from central.stocktakes import decisions as stocktakes
from central.stocktakes import settling, starting
from central.stocktakes import tables as stocktake_tables
from central.stocktakes.documents import LineState, Refused, Stocktake
from central.stocktakes.starting import New, NoSite
from protocol.orders import Forbidden

ACTOR = "brand:rehearsal"
AT_ONCE = 8
"""Papers in one transaction."""


class Unwilling(CentralError):
    """Central has refused what the rehearsal asked of it: a fault of the rehearsal, or of central."""


class Desk:
    """Carries papers out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def do(self, papers: Sequence[Paper], now: datetime) -> None:
        """Carry papers out in their order. Raises :class:`Unwilling`."""
        for first in range(0, len(papers), AT_ONCE):
            some = papers[first : first + AT_ONCE]
            self._database.run(lambda connection, some=some: _all(connection, some, now))  # type: ignore[misc]


def _all(connection: Connection, papers: Sequence[Paper], now: datetime) -> None:
    for paper in papers:
        _one(connection, paper, By(actor=ACTOR, at=now, reason="rehearsal"))


def _one(connection: Connection, paper: Paper, by: By) -> None:
    match paper:
        case Register():
            _register(connection, paper, by)
        case Send():
            _send(connection, paper, by)
        case Prices(rows=rows):
            named = [
                PriceRow(price_list="default", gtin=gtin, price_minor=price, currency=CURRENCY, valid_from=by.at)
                for gtin, price in rows
            ]  # fmt: skip
            prices.put(connection, named, by.at)
        case Bill():
            _bill(connection, paper, by)
        case Recall(item=item):
            act(connection, Deed.RECALL, Which(items=(item,)), by)
        case StartCount(site=site, stocktake=stocktake):
            new = New(site=site, name="stocktake", stocktake_id=stocktake, blind=True)
            _done(starting.start(connection, new, by), paper)
        case EndCount():
            _end_count(connection, paper, by)
        case _:
            raise Unwilling(f"rehearsal: {paper!r}: expected a paper of the brand's")


def _done(outcome: object, paper: object) -> None:
    if isinstance(outcome, Forbidden | Refused | NoSite) or outcome is None:
        raise Unwilling(f"rehearsal: central refuses {paper!r}: {outcome!r}")


def _register(connection: Connection, paper: Register, by: By) -> None:
    batch = Batch(gtin=paper.gtin, serials=paper.serials, site=paper.site, batch=paper.batch)
    _done(register(connection, batch, f"batch:{paper.site}:{paper.gtin}:{paper.batch}", by.at), paper)


def _send(connection: Connection, paper: Send, by: By) -> None:
    if paper.order is None:
        lines = tuple(
            DespatchLine(line=number, gtin=part.gtin, quantity=decimal(part.quantity), items=part.items)
            for number, part in enumerate(paper.parts, 1)
        )
        transfer = transfers.Transfer(
            from_site=paper.from_site, to_site=paper.to_site, lines=lines, despatch_id=paper.despatch
        )
        _done(transfers.send(connection, transfer, by), paper)
        return
    order = order_tables.lock(connection, paper.to_site, paper.order)
    if order is None:
        raise Unwilling(f"rehearsal: order {paper.order} of {paper.to_site} has not been heard of")
    accepted = orders.accept(connection, order, by, None)
    if isinstance(accepted, Forbidden):
        raise Unwilling(f"rehearsal: order {paper.order}: {accepted.reason}")
    allocated = orders.allocate(connection, accepted, by)
    if isinstance(allocated, Forbidden):
        raise Unwilling(f"rehearsal: order {paper.order}: {allocated.reason}")
    codes = {number: part.items for number, part in enumerate(paper.parts, 1) if part.items}
    _done(
        sending.send(connection, allocated, by, sending.Load(codes=codes, despatch_id=paper.despatch)), paper
    )


def _bill(connection: Connection, paper: Bill, by: By) -> None:
    invoice = Invoice(
        site=paper.site,
        invoice_id=paper.invoice,
        currency=CURRENCY,
        issued_at=by.at,
        from_site=paper.from_site,
        order_id=paper.order,
        lines=tuple(
            InvoiceLine(line=number, gtin=gtin, quantity=decimal(quantity), price_minor=Decimal(price))
            for number, (gtin, quantity, price) in enumerate(paper.lines, 1)
        ),
    )
    added = invoices.add(connection, invoice, by)
    if not isinstance(added, invoices.Recorded):
        raise Unwilling(f"rehearsal: central refuses {paper!r}: {added!r}")
    matching.match_invoice(connection, invoice, by.at)


def _end_count(connection: Connection, paper: EndCount, by: By) -> None:
    kept = stocktake_tables.lock(connection, paper.site, paper.stocktake)
    if kept is None:
        raise Unwilling(f"rehearsal: stocktake {paper.stocktake} of {paper.site} is not known")
    if paper.cancelled:
        _done(stocktakes.cancel(connection, kept, by), paper)
        return
    closed = _counted(stocktakes.close_counting(connection, kept, by), paper)
    waiting = [
        line
        for line in stocktake_tables.lines(connection, closed).values()
        if line.state is LineState.PROPOSED
    ]
    if waiting:
        closed = _counted(stocktakes.approve(connection, closed, by, None), paper)
    _counted(settling.book(connection, closed, by), paper)


def _counted(outcome: Stocktake | Refused, paper: EndCount) -> Stocktake:
    if isinstance(outcome, Refused):
        raise Unwilling(f"rehearsal: central refuses {paper!r}: {outcome.reason}")
    return outcome
