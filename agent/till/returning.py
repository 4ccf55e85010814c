"""Return mode: what a scan does to the return on the counter. Taken on what is known here; nobody waits for central."""

from __future__ import annotations

from decimal import Decimal

from agent.till.catalogue import Catalogue
from agent.till.desk import Desk
from agent.till.found import NO_PRODUCT, Found, doubtful
from agent.till.frames import Outcome, Question
from agent.till.rules import NotAllowed, Piece
from agent.till.sales import Sales
from agent.verification.rules import Evidence, is_in_stock_here, may_be_returned
from agent.verification.service import Judged
from protocol.codes import Code
from protocol.verdicts import Finding, Verdict


def take_back(code: Code, judged: Judged, catalogue: Catalogue, desk: Desk, sales: Sales) -> Found:
    """Put a piece on the return. For an item sold here, the refund is what was paid for it."""
    gtin = judged.gtin
    if gtin is None:
        return doubtful(NO_PRODUCT)
    product = catalogue.product(gtin)
    item = code.item if code.kind != "sscc" else None
    evidence = Evidence(local=judged.local, replica=judged.known)
    if item is not None and is_in_stock_here(evidence):
        return Found(
            outcome=Outcome.REFUSED,
            message="this item is in stock here: it was not sold, or has come back already",
            key="not_sold",
            finding=judged.finding,
            product=product,
        )
    paid = None if item is None else _paid_here(judged, item, sales)
    doubt = judged.finding if item is not None and not may_be_returned(evidence) else None
    added = desk.add(
        Piece(
            gtin=gtin,
            name=product.name if product else "",
            unit=product.unit if product else "each",
            quantity=Decimal(1),
            price_minor=product.price_minor if product else None,
            amount_minor=paid,
            item=item,
            finding=_of_a_return(doubt),
        )
    )
    if isinstance(added, NotAllowed):
        asks = added.key == "no_price"
        outcome = Outcome.IGNORED if added.key == "in_basket" else Outcome.REFUSED
        return Found(
            outcome=Outcome.ASK if asks else outcome,
            message=added.reason,
            key=added.key,
            line=added.line,
            product=product,
            question=Question.AMOUNT if asks else None,
        )
    sold = judged.local.receipt if judged.local is not None and paid is not None else None
    return Found(
        outcome=Outcome.ADDED,
        message=f"{added.name or gtin}: sold on receipt {sold}"
        if sold
        else f"{added.name or gtin}: taken back",
        key="taken_back",
        line=added.line,
        product=product,
        follow_up=(desk.publish,),
    )


def _paid_here(judged: Judged, item: str, sales: Sales) -> int | None:
    if judged.local is None or judged.local.sale_id is None:
        return None
    sale = sales.body(judged.local.sale_id)
    return next((line.amount_minor for line in sale.lines if line.item == item), None) if sale else None


def _of_a_return(doubt: Finding | None) -> Finding | None:
    """A return says of an item only what could not be known: that it was sold is what a return expects."""
    return doubt if doubt is not None and doubt.verdict is Verdict.UNVERIFIED else None
