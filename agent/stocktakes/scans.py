"""Stocktake mode: what a scan does to the area that is being counted. What is there is counted, whatever is known of it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial

from agent.receiving.scans import case_seen
from agent.stocktakes import rules
from agent.stocktakes.service import NO_AREA, Counting, Key
from agent.tallying.reading import Asked, Goods, goods_of
from agent.tallying.rules import NotTallied, Scanned, Tally, case_of, count, count_case, undo
from agent.tallying.steps import Step
from agent.till.catalogue import Catalogue, ProductView
from agent.till.found import Found, doubtful
from agent.till.frames import CaseSeen, Outcome
from agent.verification.service import Judged
from protocol.codes import Code
from protocol.items import State
from protocol.verdicts import Finding, Verdict

_COUNTERFEIT = frozenset({Verdict.FORGED, Verdict.UNKNOWN, Verdict.UNREADABLE})
_AS_IT_SHOULD_BE = frozenset({Verdict.GENUINE, Verdict.UNVERIFIED})
_QUIETLY = frozenset({"counted_already", "nothing_to_undo"})
_LOOK = frozenset({"not_in_stocktake", "not_to_recount"})


class CountingScans:
    """Counts scans into areas. Thread-safe."""

    def __init__(self, counting: Counting, catalogue: Catalogue, now_us: Callable[[], int]) -> None:
        self._counting = counting
        self._catalogue = catalogue
        self._now_us = now_us

    def count(self, code: Code, judged: Judged) -> Found:
        """A scan at the counter, into the area that is chosen there."""
        key = self._counting.key
        return _not(NO_AREA) if key is None else self.count_in(key, code, judged)

    def count_in(
        self,
        key: Key,
        code: Code,
        judged: Judged,
        *,
        quantity: Decimal | None = None,
        uncoded: bool = False,
    ) -> Found:
        """A scan into an area; see :func:`~agent.tallying.reading.goods_of` for ``quantity`` and ``uncoded``."""
        if code.sscc is not None and code.gtin is None:
            return self._case(key, code.sscc)
        goods = goods_of(code, judged, self._catalogue, quantity=quantity, uncoded=uncoded)
        if isinstance(goods, Asked):
            return doubtful(goods.doubt, product=goods.product)
        if (unwanted := self.not_wanted(key, goods.gtin)) is not None:
            return _not(unwanted, goods.product)
        if (refused := _refused(goods, judged)) is not None:
            return refused
        scanned = Scanned(gtin=goods.gtin, at_us=self._now_us(), quantity=goods.quantity, item=goods.item)
        refusal = self._counting.change(key, lambda tally: count(tally, scanned))
        if refusal is not None:
            return _not(refusal, goods.product, goods.finding)
        return self._counted(key, goods)

    def not_wanted(self, key: Key, gtin: str) -> NotTallied | None:
        """Why a product is not counted in an area now."""
        draft = self._counting.draft(key)
        if draft is None:
            return NO_AREA
        return rules.not_wanted(self._counting.stocktakes.find(key[0]), draft, gtin)

    def undo(self, _: str = "") -> Found:
        """Take back the last change of the area that is chosen at the counter: the control code UNDO."""
        key = self._counting.key
        return _not(NO_AREA) if key is None else self.undo_in(key)

    def undo_in(self, key: Key) -> Found:
        """Take back the last change of an area."""
        taken: list[Step] = []

        def back(tally: Tally) -> Tally | NotTallied:
            undone = undo(tally)
            if isinstance(undone, NotTallied):
                return undone
            taken.append(undone[1])
            return undone[0]

        refusal = self._counting.change(key, back)
        if refusal is not None:
            return _not(refusal)
        product = None if taken[-1].gtin is None else self._catalogue.product(taken[-1].gtin)
        return Found(
            outcome=Outcome.FOUND,
            message=f"taken back: {_told(taken[-1], product)}",
            key="undone_count",
            product=product,
            follow_up=(partial(self._counting.publish, key),),
        )

    def area(self, argument: str) -> Found:
        """Count another area of the same stocktake: the control code AREA, for a card that hangs at a shelf."""
        selected = self._counting.selected
        if selected.stocktake_id is None:
            return _not(NO_AREA)
        opened = self._counting.open((selected.stocktake_id, argument))
        if not isinstance(opened, rules.AreaDraft):
            return Found(outcome=Outcome.REFUSED, message=opened.reason, key=opened.key)
        return Found(outcome=Outcome.FOUND, message=f"area {argument}", key="area_chosen")

    def _case(self, key: Key, sscc: str) -> Found:
        contents = self._counting.cases.contents_on_hand(sscc)
        if self._counting.draft(key) is None:
            return _not(NO_AREA)
        absent = self._counting.standing.not_here(sscc, contents)
        if absent is not None:
            return _not(NotTallied(f"count_{absent.key}", absent.reason), case=CaseSeen(sscc=sscc))
        if contents is None:
            reason = "nothing is known here of what is in this case: scan what is in it"
            return _not(NotTallied("case_contents_unknown", reason), case=CaseSeen(sscc=sscc))
        seen = case_seen(sscc, contents, self._catalogue)
        for gtin in sorted(contents.pieces):
            unwanted = self.not_wanted(key, gtin)
            if unwanted is not None:
                reason = f"{unwanted.reason}: {gtin}, which is in this case; scan the others of it one by one"
                return _not(NotTallied(unwanted.key, reason), case=seen)
        case = case_of(contents, self._counting.cases.gtin_of, self._now_us())
        refusal = self._counting.change(key, lambda tally: count_case(tally, case))
        if refusal is not None:
            return _not(refusal, case=seen)
        held = sum(contents.pieces.values(), Decimal(0))
        unknown = len(contents.unknown)
        return Found(
            outcome=Outcome.ASK if unknown else Outcome.COUNTED,
            message=f"case {sscc}: {held} pieces"
            + (f"; nothing is known of {unknown} cases in it: scan what is in those" if unknown else ""),
            key="counted_case_in_part" if unknown else "counted_case",
            case=seen,
            follow_up=(partial(self._counting.publish, key),),
        )

    def _counted(self, key: Key, goods: Goods) -> Found:
        finding = goods.finding
        publish = (partial(self._counting.publish, key),)
        if finding is None or finding.verdict in _AS_IT_SHOULD_BE:
            return Found(
                outcome=Outcome.COUNTED,
                message=goods.called,
                key="counted",
                finding=finding,
                product=goods.product,
                follow_up=publish,
            )
        return Found(
            outcome=Outcome.ASK,
            message=f"{goods.called}: {finding.reason}; counted all the same, for it is there",
            key="counted_all_the_same",
            finding=finding,
            product=goods.product,
            follow_up=publish,
        )


def _refused(goods: Goods, judged: Judged) -> Found | None:
    """What is put aside instead of counted: a counterfeit, and what the books have on its way."""
    finding = goods.finding
    if finding is None:
        return None
    if finding.verdict in _COUNTERFEIT:
        return Found(
            outcome=Outcome.REFUSED,
            message=finding.reason,
            key="verdict",
            finding=finding,
            product=goods.product,
        )
    local, known = judged.local, judged.known
    if local is not None and local.state == State.IN_TRANSIT:
        reason = f"this item left with {local.receipt}: receive it first, then count it"
        return _refusal("count_left", reason, goods, finding)
    is_on_its_way = local is None and known is not None and known.state == State.IN_TRANSIT
    if is_on_its_way and finding.verdict is Verdict.NOT_RECEIVED:
        # Counted now and received later, it would stand in the books twice.
        return _refusal(
            "count_not_received",
            "this item is on its way here: receive it first, then count it",
            goods,
            finding,
        )
    return None


def _refusal(key: str, reason: str, goods: Goods, finding: Finding) -> Found:
    return Found(outcome=Outcome.REFUSED, message=reason, key=key, finding=finding, product=goods.product)


def _not(
    refused: NotTallied,
    product: ProductView | None = None,
    finding: Finding | None = None,
    case: CaseSeen | None = None,
) -> Found:
    quiet = Outcome.IGNORED if refused.key in _QUIETLY else Outcome.REFUSED
    return Found(
        outcome=Outcome.ASK if refused.key in _LOOK else quiet,
        message=refused.reason,
        key=refused.key,
        product=product,
        finding=finding if refused.key == "counted_already" else None,
        case=case,
    )


def _told(step: Step, product: ProductView | None) -> str:
    if step.sscc is not None:
        return f"case {step.sscc}"
    if step.put_back is not None:
        return f"case {step.put_back.sscc} is counted again"
    if step.gtin is None:
        return "what was taken out is counted again"
    return f"{step.quantity} × {product.name if product and product.name else step.gtin}"
