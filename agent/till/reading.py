"""From a recognised code to a piece for the basket, or to the question that stands between."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from agent.till.catalogue import Catalogue, ProductView
from agent.till.frames import Question
from agent.till.money import minor, times
from agent.till.rules import Piece
from agent.verification.rules import is_counted_by_item
from agent.verification.service import Judged
from protocol.codes import Code
from protocol.feeds import Product
from protocol.verdicts import Act, Finding

_SMALLEST = Decimal(1).scaleb(-3)


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """Why a code is no piece yet. ``question`` is None where nothing the cashier says could make it one."""

    key: str
    reason: str
    question: Question | None = None


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a code means at this counter. ``finding`` is None where the verdict has no bearing on the line."""

    piece: Piece | Doubt
    product: ProductView | None = None
    finding: Finding | None = None


def read(code: Code, judged: Judged, catalogue: Catalogue, *, confirmed: bool = False) -> Reading:
    """What ``code`` puts into a basket. ``confirmed``: the cashier has said yes to a verdict that asks."""
    if code.kind == "sscc" and code.gtin is None:
        return Reading(
            piece=Doubt(key="logistic_unit", reason="the code of a case or pallet: scan what is in it")
        )
    gtin = judged.gtin
    finding = judged.finding
    if gtin is None:
        return Reading(
            piece=Doubt(key="no_product", reason="this code names no product known here"), finding=finding
        )
    product = catalogue.product(gtin)
    by_item = code.item is not None and is_counted_by_item(finding, _as_product(product))
    if code.item is not None and not by_item:
        finding = None
    if finding is not None and finding.act is Act.REFUSE:
        return Reading(piece=Doubt(key="verdict", reason=finding.reason), product=product, finding=finding)
    if finding is not None and finding.act is Act.ASK and not confirmed:
        asked = Doubt(key="verdict", reason=finding.reason, question=Question.CONFIRM)
        return Reading(piece=asked, product=product, finding=finding)
    if product is not None and product.serialised and not by_item:
        asked = Doubt(
            key="item_code",
            reason="this product is sold by its own code: scan that one",
            question=Question.ITEM_CODE,
        )
        return Reading(piece=asked, product=product, finding=finding)
    piece = _piece(code, gtin, product, finding, catalogue.currency)
    if not by_item:
        piece = msgspec.structs.replace(piece, item=None)
    return Reading(piece=piece, product=product, finding=finding)


def _piece(
    code: Code, gtin: str, product: ProductView | None, finding: Finding | None, currency: str
) -> Piece:
    """The piece with what the label itself says of weight, number and price."""
    price_minor = product.price_minor if product else None
    quantity, amount_minor = Decimal(1), None
    if code.item is None:
        on_label = quantity_on_label(code, product, currency)
        quantity = quantity if on_label is None else on_label
        if code.price is not None:
            amount_minor = minor(code.price, currency)
        elif code.weight is not None and price_minor is not None:
            amount_minor = times(price_minor, quantity)
    return Piece(
        gtin=gtin,
        name=product.name if product else "",
        unit=product.unit if product else "each",
        quantity=quantity,
        price_minor=price_minor,
        amount_minor=amount_minor,
        item=code.item,
        finding=finding,
    )


def quantity_on_label(code: Code, product: ProductView | None, currency: str) -> Decimal | None:
    """How much the label itself says there is: by weight, by number, or by its price where the product is not sold by the piece."""
    if code.weight is not None:
        return Decimal(code.weight)
    if code.quantity is not None:
        return Decimal(code.quantity) if code.kind == "in_store" else None
    if code.price is None or product is None or product.unit == "each" or not product.price_minor:
        return None
    return (Decimal(minor(code.price, currency)) / product.price_minor).quantize(_SMALLEST)


def _as_product(product: ProductView | None) -> Product | None:
    if product is None:
        return None
    return Product(gtin=product.gtin, name=product.name, serialised=product.serialised)
