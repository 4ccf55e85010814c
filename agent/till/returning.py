"""Return mode: what a scan does to the return on the counter. The sale is found, and the refund is what was paid."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from agent.till.catalogue import Catalogue, ProductView
from agent.till.desk import Desk
from agent.till.found import NO_PRODUCT, Found, doubtful
from agent.till.frames import Outcome, Question, SoldSeen
from agent.till.provenance import NotSold, Provenance, SoldElsewhere, SoldHere, provenance
from agent.till.receipts import Kept, Receipts
from agent.till.return_rules import paid_for, returned_of
from agent.till.rules import NotAllowed, Piece
from agent.verification.rules import Evidence, is_counted_by_item
from agent.verification.service import Judged
from protocol.codes import Code
from protocol.feeds import Product
from protocol.verdicts import Verdict


class TakingBack:
    """Puts scans on the return. Thread-safe."""

    def __init__(self, *, catalogue: Catalogue, desk: Desk, receipts: Receipts, site: str) -> None:
        self._catalogue = catalogue
        self._desk = desk
        self._receipts = receipts
        self._site = site

    def take_back(self, code: Code, judged: Judged, *, by_hand: Piece | None = None) -> Found:
        """Put a piece on the return. By hand, the cashier gives quantity and amount."""
        gtin = judged.gtin
        if gtin is None:
            return doubtful(NO_PRODUCT)
        product = self._catalogue.product(gtin)
        piece = Piece(
            gtin=gtin,
            name=product.name if product else "",
            unit=product.unit if product else "each",
            price_minor=product.price_minor if product else None,
        )
        if by_hand is not None:
            piece = msgspec.structs.replace(
                piece, quantity=by_hand.quantity, amount_minor=by_hand.amount_minor
            )
        is_item = (
            code.item is not None
            and code.sscc is None
            and is_counted_by_item(judged.finding, _known(product))
        )
        return self._item(code, judged, piece, product) if is_item else self._plain(piece, product)

    def _item(self, code: Code, judged: Judged, piece: Piece, product: ProductView | None) -> Found:
        """One coded item: by the sale it was on, here or elsewhere."""
        finding = judged.finding
        if finding is not None and finding.verdict in {Verdict.FORGED, Verdict.UNKNOWN}:
            return Found(
                outcome=Outcome.REFUSED,
                message=finding.reason,
                key="verdict",
                finding=finding,
                product=product,
            )
        sold = provenance(Evidence(local=judged.local, replica=judged.known), self._site)
        if isinstance(sold, NotSold):
            return Found(
                outcome=Outcome.REFUSED, message=sold.reason, key=sold.key, finding=finding, product=product
            )
        kept = self._receipts.find(sold.sale_id) if isinstance(sold, SoldHere) else None
        seen = self._seen(sold, kept, code.item)
        piece = msgspec.structs.replace(piece, quantity=Decimal(1), item=code.item)
        if isinstance(sold, SoldHere):
            paid = piece.amount_minor
            if paid is None and seen is not None:
                paid = seen.paid_minor
            piece = msgspec.structs.replace(
                piece, amount_minor=paid, sale_id=sold.sale_id, receipt=sold.receipt
            )
            return self._put(piece, product, _here(piece), sold=seen)
        if isinstance(sold, SoldElsewhere):
            told = msgspec.structs.replace(_elsewhere(piece, sold, self._site), finding=finding)
            return self._put(piece, product, told, sold=seen)
        # What could not be known is noted on the line; what was said of the item before its sale has no bearing on its return.
        doubt = finding if finding is not None and finding.verdict is Verdict.UNVERIFIED else None
        piece = msgspec.structs.replace(piece, finding=doubt)
        return self._put(piece, product, msgspec.structs.replace(_NOT_KNOWN, finding=finding))

    def _plain(self, piece: Piece, product: ProductView | None) -> Found:
        """Goods without codes: from the receipt that this return is about, if it is about one; else at the price here."""
        lines = self._desk.basket.lines
        sales = {line.sale_id for line in lines if line.sale_id is not None}
        kept = self._receipts.find(next(iter(sales))) if len(sales) == 1 else None
        if kept is None or piece.amount_minor is not None:
            return self._put(piece, product, _back(piece))
        on_counter = sum(
            (line.quantity for line in lines if line.gtin == piece.gtin and line.item is None), Decimal(0)
        )
        before = returned_of(kept.returned, piece.gtin) + on_counter
        paid = paid_for(kept.sale, piece.gtin, None, piece.quantity, before)
        if paid is None:
            told = Found(
                outcome=Outcome.ASK,
                message=f"not on receipt {kept.sale.receipt}, or all of it has come back: at the price here",
                key="not_on_receipt",
            )
            return self._put(piece, product, told)
        piece = msgspec.structs.replace(
            piece, amount_minor=paid, price_minor=paid, sale_id=next(iter(sales)), receipt=kept.sale.receipt
        )
        return self._put(piece, product, _here(piece))

    def _put(
        self, piece: Piece, product: ProductView | None, told: Found, sold: SoldSeen | None = None
    ) -> Found:
        added = self._desk.add(piece)
        if not isinstance(added, NotAllowed):
            return msgspec.structs.replace(
                told, line=added.line, product=product, sold=sold, follow_up=(self._desk.publish,)
            )
        asks = added.key == "no_price"
        outcome = Outcome.IGNORED if added.key == "in_basket" else Outcome.REFUSED
        return Found(
            outcome=Outcome.ASK if asks else outcome,
            message=added.reason,
            key=added.key,
            line=added.line,
            product=product,
            question=Question.AMOUNT if asks else None,
            sold=sold,
        )

    def _seen(self, sold: Provenance, kept: Kept | None, item: str | None) -> SoldSeen | None:
        if isinstance(sold, SoldElsewhere):
            return SoldSeen(site=sold.site, at_us=sold.at_us)
        if not isinstance(sold, SoldHere):
            return None
        line = next((line for line in kept.sale.lines if line.item == item), None) if kept else None
        return SoldSeen(
            site=self._site,
            at_us=sold.at_us,
            receipt=sold.receipt,
            sale_id=sold.sale_id,
            paid_minor=None if line is None else line.amount_minor,
            discount_minor=0 if line is None else line.discount_minor,
            void_until_us=None if kept is None else self._receipts.void_until_us(kept),
        )


_NOT_KNOWN = Found(
    outcome=Outcome.ASK,
    message="no sale of this item is known here: taken back all the same, and central settles it",
    key="sale_not_known",
)


def _here(piece: Piece) -> Found:
    return Found(
        outcome=Outcome.ADDED,
        message=f"{piece.name or piece.gtin}: sold on receipt {piece.receipt}",
        key="taken_back",
    )


def _back(piece: Piece) -> Found:
    return Found(outcome=Outcome.ADDED, message=f"{piece.name or piece.gtin}: taken back", key="taken_back")


def _elsewhere(piece: Piece, sold: SoldElsewhere, site: str) -> Found:
    where = "by another till of this site" if sold.site == site else f"at {sold.site or 'another site'}"
    return Found(
        outcome=Outcome.ASK,
        message=f"{piece.name or piece.gtin}: sold {where}; what was paid is not known here: look at the receipt",
        key="sold_by_other_till" if sold.site == site else "sold_elsewhere",
    )


def _known(product: ProductView | None) -> Product | None:
    if product is None:
        return None
    return Product(gtin=product.gtin, name=product.name, serialised=product.serialised)
