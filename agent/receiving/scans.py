"""Receive mode: what a scan does to the goods being taken in."""

from __future__ import annotations

from agent.packing.contents import Contents
from agent.receiving.rules import NotCounted
from agent.receiving.service import CaseCounted, Goods
from agent.till.catalogue import Catalogue
from agent.till.found import Found, doubtful
from agent.till.frames import CaseSeen, Outcome, Pieces, Question
from agent.till.reading import Doubt
from agent.verification.service import Judged
from protocol.codes import Code

_NO_PIECE = Doubt(key="no_product", reason="this code names no product known here: scan the pieces")


def receive(code: Code, judged: Judged, catalogue: Catalogue, goods: Goods) -> Found:
    """Count a scan. What no advice announced is counted too: it is on the floor."""
    if code.sscc is not None and code.gtin is None:
        return receive_case(code.sscc, catalogue, goods)
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


def receive_case(sscc: str, catalogue: Catalogue, goods: Goods, *, sealed: bool = False) -> Found:
    """Count a case or pallet with everything in it. One that is not known here is asked about, or counted as ``sealed``."""
    counted = goods.count_case(sscc, sealed=sealed)
    if isinstance(counted, NotCounted):
        asks = counted.key == "case_unknown"
        return Found(
            outcome=Outcome.ASK if asks else Outcome.IGNORED,
            message=counted.reason,
            key=counted.key,
            question=Question.SEALED if asks else None,
            case=CaseSeen(sscc=sscc),
        )
    # Whether an advice announced what nobody has looked into is for central to say.
    is_expected = counted.is_announced or counted.contents is None
    key = "received_case" if counted.contents else "received_sealed"
    return Found(
        outcome=Outcome.RECEIVED if is_expected else Outcome.ASK,
        message=_words(sscc, counted),
        key=key if is_expected else "case_not_announced",
        case=case_seen(sscc, counted.contents, catalogue, counted_before=counted.counted_before),
        follow_up=(goods.publish,),
    )


def case_seen(
    sscc: str, contents: Contents | None, catalogue: Catalogue, *, counted_before: int = 0
) -> CaseSeen:
    """A case as screens see it: how much of what is in it."""
    if contents is None:
        return CaseSeen(sscc=sscc)
    return CaseSeen(
        sscc=sscc,
        known=True,
        items=contents.item_count,
        cases=len(contents.containers),
        pieces=tuple(
            Pieces(gtin=gtin, name=catalogue.name(gtin), quantity=quantity)
            for gtin, quantity in sorted(contents.pieces.items())
        ),
        counted_before=counted_before,
    )


def _words(sscc: str, counted: CaseCounted) -> str:
    contents = counted.contents
    if contents is None:
        return f"case {sscc}: taken in unopened; what is in it is for central to say"
    held = sum(contents.pieces.values())
    told = f"{held} pieces" + (f" in {len(contents.containers)} cases" if contents.containers else "")
    if contents.unknown:
        told += f", and {len(contents.unknown)} cases of which nothing is known here"
    if counted.counted_before:
        told += f"; {counted.counted_before} of them were counted before, and count once"
    advice = "" if counted.is_announced else "; not on the despatch advice, counted all the same"
    return f"case {sscc}: {told}{advice}"
