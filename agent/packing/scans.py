"""Pack mode and unpack mode: what a scan does to the case that is open."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from agent.packing import rules
from agent.packing.rules import CaseDraft, NotPacked
from agent.packing.service import Packing
from agent.till.catalogue import Catalogue, ProductView
from agent.till.found import Found
from agent.till.frames import CaseSeen, Outcome, Pieces
from agent.verification.rules import is_counted_by_item
from agent.verification.service import Judged
from protocol.codes import Code
from protocol.feeds import Product
from protocol.verdicts import Verdict

_COUNTERFEIT = frozenset({Verdict.FORGED, Verdict.UNKNOWN})
_SEEN_BEFORE = frozenset({"packed_already", "is_open", "taken_out_already"})


def pack(code: Code, judged: Judged, catalogue: Catalogue, packing: Packing) -> Found:
    """The first SSCC opens a case; what follows goes into it: items, smaller cases, pieces without codes."""
    if code.sscc is not None:
        return _open(code.sscc, packing) if packing.draft.sscc is None else _put_case(code.sscc, packing)
    gtin = judged.gtin
    product = None if gtin is None else catalogue.product(gtin)
    if code.item is not None and is_counted_by_item(judged.finding, _as_product(product)):
        return _put_item(code.item, judged, product, packing)
    if gtin is None:
        return _refused(NotPacked("no_product", "this code names no product known here"))
    if product is not None and product.serialised:
        return _refused(
            NotPacked("item_code", "this product has a code on each piece: scan that one"), product
        )
    name = product.name if product else ""
    return _changed(
        packing,
        lambda draft: rules.put_goods(draft, gtin, Decimal(1), name, packing.inside(draft)),
        message=name or gtin,
        product=product,
    )


def unpack(code: Code, judged: Judged, catalogue: Catalogue, packing: Packing) -> Found:
    """The first SSCC opens a case; what follows comes out of it. With nothing scanned, all of it comes out."""
    product = None if judged.gtin is None else catalogue.product(judged.gtin)
    draft = packing.draft
    part = code.sscc or code.item
    if code.sscc is not None and (draft.sscc is None or (draft.is_empty and not _holds(packing, code.sscc))):
        return _open(code.sscc, packing)
    if part is None:
        plain = NotPacked(
            "whole_only",
            "goods without codes leave a case only with all of it: complete with nothing scanned",
        )
        return _refused(plain, product)
    inside = None if draft.sscc is None else packing.cases.on_hand(draft.sscc)
    name = product.name if product else ""
    return _changed(
        packing,
        lambda now: rules.take_out(now, part, inside),
        message=name or f"case {code.sscc}" if code.sscc else name,
        product=product,
        key="unpacked",
    )


def _holds(packing: Packing, sscc: str) -> bool:
    open_case = packing.draft.sscc
    here = None if open_case is None else packing.cases.on_hand(open_case)
    return open_case == sscc or (here is not None and sscc in here.containers)


def _open(sscc: str, packing: Packing) -> Found:
    refused = packing.change(lambda draft: rules.open_case(draft, sscc))
    if refused is not None:
        return _refused(refused)
    frame = packing.frame()
    held = sum((line.quantity for line in frame.pieces), Decimal(0))
    return Found(
        outcome=Outcome.FOUND,
        message=f"case {sscc}: holds {held} pieces"
        if frame.known
        else f"case {sscc}: nothing in it is known here",
        key="case_opened",
        case=_seen(sscc, frame.pieces, frame.items, frame.cases, known=frame.known),
        follow_up=(packing.publish,),
    )


def _put_case(sscc: str, packing: Packing) -> Found:
    inner = packing.cases.contents_on_hand(sscc)
    pieces = (
        ()
        if inner is None
        else tuple(
            Pieces(gtin=gtin, name="", quantity=quantity) for gtin, quantity in sorted(inner.pieces.items())
        )
    )
    seen = _seen(
        sscc,
        pieces,
        None if inner is None else inner.item_count,
        0 if inner is None else len(inner.containers),
        known=inner is not None,
    )
    return _changed(
        packing,
        lambda draft: rules.put_container(draft, sscc, packing.inside(draft), inner),
        message=f"case {sscc}",
        case=seen,
    )


def _put_item(item: str, judged: Judged, product: ProductView | None, packing: Packing) -> Found:
    finding = judged.finding
    if finding is not None and finding.verdict in _COUNTERFEIT:
        return Found(
            outcome=Outcome.REFUSED,
            message=finding.reason,
            key="verdict",
            finding=finding,
            product=product,
        )
    return _changed(
        packing,
        lambda draft: rules.put_item(draft, item, _state(judged), packing.inside(draft)),
        message=product.name if product else item[-20:],
        product=product,
    )


def _state(judged: Judged) -> str | None:
    """What is known here of an item's life: what this counter did to it, else what the feed says."""
    if judged.local is not None:
        return judged.local.state
    return None if judged.known is None else judged.known.state


def _changed(
    packing: Packing,
    change: Callable[[CaseDraft], CaseDraft | NotPacked],
    *,
    message: str,
    product: ProductView | None = None,
    case: CaseSeen | None = None,
    key: str = "packed",
) -> Found:
    refused = packing.change(change)
    if refused is not None:
        return _refused(refused, product, case)
    return Found(
        outcome=Outcome.PACKED,
        message=message,
        key=key,
        product=product,
        case=case,
        follow_up=(packing.publish,),
    )


def _refused(refused: NotPacked, product: ProductView | None = None, case: CaseSeen | None = None) -> Found:
    outcome = Outcome.IGNORED if refused.key in _SEEN_BEFORE else Outcome.REFUSED
    return Found(outcome=outcome, message=refused.reason, key=refused.key, product=product, case=case)


def _seen(sscc: str, pieces: tuple[Pieces, ...], items: int | None, cases: int, *, known: bool) -> CaseSeen:
    return CaseSeen(sscc=sscc, known=known, items=items, cases=cases, pieces=pieces)


def _as_product(product: ProductView | None) -> Product | None:
    if product is None:
        return None
    return Product(gtin=product.gtin, name=product.name, serialised=product.serialised)
