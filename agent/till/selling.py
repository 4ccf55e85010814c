"""Sale mode and verify mode: what a judged code does to the basket, or what is shown of it."""

from __future__ import annotations

import msgspec

from agent.till.catalogue import Catalogue, ProductView
from agent.till.desk import Desk
from agent.till.found import NO_PRODUCT, Found, doubtful, not_in_catalogue
from agent.till.frames import Outcome, Question
from agent.till.pricing import Pricing
from agent.till.reading import Doubt, read
from agent.till.rules import NotAllowed, Piece
from agent.verification.service import Judged
from protocol.codes import Code
from protocol.verdicts import Act


class Selling:
    """Puts scans into the basket. Thread-safe."""

    def __init__(
        self, *, catalogue: Catalogue, desk: Desk, pricing: Pricing, refuse_unknown_products: bool
    ) -> None:
        self._catalogue = catalogue
        self._desk = desk
        self._pricing = pricing
        self._refuse_unknown_products = refuse_unknown_products

    def sell(
        self,
        code: Code,
        judged: Judged,
        *,
        confirmed: bool = False,
        by_hand: Piece | None = None,
    ) -> Found:
        """Put what was scanned into the basket. By hand, the cashier may confirm a doubt and give quantity and amount."""
        reading = read(code, judged, self._catalogue, confirmed=confirmed)
        if isinstance(reading.piece, Doubt):
            return doubtful(reading.piece, reading.finding, reading.product)
        piece = reading.piece
        if by_hand is not None:
            given = msgspec.structs.replace(
                piece,
                quantity=piece.quantity if piece.item else by_hand.quantity,
                amount_minor=by_hand.amount_minor,
                override=by_hand.override,
            )
            priced = self._pricing.by_hand(given)
            if isinstance(priced, NotAllowed):
                return Found(
                    outcome=Outcome.REFUSED,
                    message=priced.reason,
                    key=priced.key,
                    finding=piece.finding,
                    product=reading.product,
                )
            piece = priced
        return self._put(piece, reading.product)

    def verify(self, judged: Judged) -> Found:
        """Show what is known, and change nothing."""
        product = None if judged.gtin is None else self._catalogue.product(judged.gtin)
        finding = judged.finding
        if finding is None and product is None:
            return doubtful(NO_PRODUCT) if judged.gtin is None else not_in_catalogue(judged.gtin)
        if finding is not None and finding.act is not Act.ACCEPT:
            return Found(
                outcome=Outcome.REFUSED if finding.act is Act.REFUSE else Outcome.ASK,
                message=finding.reason,
                key="verdict",
                finding=finding,
                product=product,
            )
        message = finding.reason if finding else (product.name if product else "")
        return Found(outcome=Outcome.FOUND, message=message, key="found", finding=finding, product=product)

    def _put(self, piece: Piece, product: ProductView | None) -> Found:
        if product is None and self._refuse_unknown_products:
            return Found(
                outcome=Outcome.REFUSED,
                message=f"{piece.gtin} is not in the catalogue, and this till sells nothing else",
                key="not_in_catalogue",
                finding=piece.finding,
            )
        if product is None and piece.amount_minor is None:
            asked = not_in_catalogue(piece.gtin, ": enter its amount to sell it", Question.AMOUNT)
            return msgspec.structs.replace(asked, finding=piece.finding)
        added = self._desk.add(piece)
        if not isinstance(added, NotAllowed):
            return Found(
                outcome=Outcome.ADDED,
                message=added.name or added.gtin,
                key="added",
                line=added.line,
                finding=piece.finding,
                product=product,
                follow_up=(self._desk.publish,),
            )
        asks = added.key == "no_price"
        outcome = Outcome.IGNORED if added.key == "in_basket" else Outcome.REFUSED
        return Found(
            outcome=Outcome.ASK if asks else outcome,
            message=added.reason,
            key=added.key,
            line=added.line,
            finding=piece.finding,
            product=product,
            question=Question.AMOUNT if asks else None,
        )
