"""Receive mode: what a scan does to the goods being taken in."""

from __future__ import annotations

from agent.receiving.rules import NotCounted
from agent.receiving.service import Goods
from agent.till.catalogue import Catalogue
from agent.till.found import Found, doubtful
from agent.till.frames import Outcome
from agent.till.reading import Doubt
from agent.verification.service import Judged
from protocol.codes import Code

_NO_PIECE = Doubt(key="no_product", reason="this code names no product known here: scan the pieces")


def receive(code: Code, judged: Judged, catalogue: Catalogue, goods: Goods) -> Found:
    """Count a scan. What no advice announced is counted too: it is on the floor."""
    if judged.gtin is None:
        return doubtful(_NO_PIECE)
    product = catalogue.product(judged.gtin)
    name = product.name if product else ""
    item = code.item if code.kind != "sscc" else None
    counted = goods.count(judged.gtin, item=item, name=name)
    if isinstance(counted, NotCounted):
        return Found(outcome=Outcome.IGNORED, message=counted.reason, key=counted.key, product=product)
    called = name or judged.gtin
    return Found(
        outcome=Outcome.RECEIVED if counted else Outcome.ASK,
        message=called if counted else f"{called}: not on the despatch advice; counted all the same",
        key="received" if counted else "not_announced",
        product=product,
        follow_up=(goods.publish,),
    )
