"""Reorder mode: what a scan does to the order being written."""

from __future__ import annotations

from agent.orders.service import Orders
from agent.till.catalogue import Catalogue
from agent.till.found import NO_PRODUCT, Found, doubtful, not_in_catalogue
from agent.till.frames import Outcome
from agent.verification.service import Judged


def reorder(judged: Judged, catalogue: Catalogue, orders: Orders) -> Found:
    """One piece more of the product on the order."""
    if judged.gtin is None:
        return doubtful(NO_PRODUCT)
    product = catalogue.product(judged.gtin)
    if product is None:
        return not_in_catalogue(judged.gtin)
    total = orders.add_to_draft(judged.gtin, name=product.name)
    return Found(
        outcome=Outcome.ADDED,
        message=f"{product.name}: {total:f} on the order",
        key="on_order",
        product=product,
        follow_up=(orders.publish,),
    )
