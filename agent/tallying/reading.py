"""From a recognised code to what it counts: which product, how much of it, and whether as one coded item."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from agent.till.catalogue import Catalogue, ProductView
from agent.till.frames import Question
from agent.till.reading import Doubt, quantity_on_label
from agent.verification.rules import is_counted_by_item
from agent.verification.service import Judged
from protocol.codes import Code
from protocol.feeds import Product
from protocol.verdicts import Finding, Verdict


class Goods(msgspec.Struct, frozen=True, kw_only=True):
    """What a code counts. ``finding`` is what is known of the item, None where it is counted by the piece."""

    gtin: str
    quantity: Decimal
    product: ProductView | None = None
    item: str | None = None
    finding: Finding | None = None

    @property
    def called(self) -> str:
        """The product as a person is told of it."""
        return (self.product.name if self.product else "") or self.gtin


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Why a code counts nothing yet."""

    doubt: Doubt
    product: ProductView | None = None


def goods_of(
    code: Code,
    judged: Judged,
    catalogue: Catalogue,
    *,
    quantity: Decimal | None = None,
    uncoded: bool = False,
) -> Goods | Asked:
    """What ``code`` counts; ``quantity`` where a person has said how much of goods without codes.

    ``uncoded``: a piece of a product with codes is counted without its own, which nobody can read.
    """
    gtin = judged.gtin
    if gtin is None:
        return Asked(doubt=Doubt(key="no_product", reason="this code names no product known here"))
    product = catalogue.product(gtin)
    known = None if product is None else Product(gtin=gtin, name=product.name, serialised=product.serialised)
    if code.item is not None and code.sscc is None and _is_one_item(judged.finding, known):
        return Goods(gtin=gtin, quantity=Decimal(1), product=product, item=code.item, finding=judged.finding)
    if product is not None and product.serialised and not uncoded:
        reason = "each piece of this product carries its own code: scan that one"
        return Asked(doubt=Doubt(key="own_code", reason=reason, question=Question.UNCODED), product=product)
    amount = quantity
    if amount is None:  # a label that says nothing of it may say nought
        amount = quantity_on_label(code, product, catalogue.currency) or None
    if amount is None and product is not None and product.unit != "each":
        reason = f"how much of it? This product is counted in {product.unit}"
        return Asked(doubt=Doubt(key="how_much", reason=reason, question=Question.QUANTITY), product=product)
    return Goods(gtin=gtin, quantity=Decimal(1) if amount is None else amount, product=product)


def _is_one_item(finding: Finding | None, product: Product | None) -> bool:
    """A maker's serial on goods that this brand sells by the piece is no code of the brand's, nor is one of which nobody knows anything."""
    is_strange = finding is not None and finding.verdict is Verdict.UNVERIFIED
    if is_strange and product is not None and not product.serialised:
        return False
    return is_counted_by_item(finding, product)
