"""Adjust mode: what a scan does to the goods that are noted."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from agent.adjusting import rules
from agent.adjusting.items import hindered, state_of
from agent.adjusting.rules import NO_REASON, Adjusting
from agent.adjusting.service import Adjustments, Change
from agent.receiving.scans import case_seen
from agent.tallying.reading import Asked, Goods, goods_of
from agent.tallying.rules import NotTallied, Scanned, case_of, count, count_case, undo
from agent.till.catalogue import Catalogue, ProductView
from agent.till.found import Found, doubtful
from agent.till.frames import CaseSeen, Outcome
from agent.verification.service import Judged
from protocol.codes import Code
from protocol.verdicts import Verdict

_COUNTERFEIT = frozenset({Verdict.FORGED, Verdict.UNKNOWN, Verdict.UNREADABLE})
_QUIETLY = frozenset({"counted_already", "nothing_to_undo"})


class Holder(Protocol):
    """Holds the draft that scans go into: the one on the counter, or one that is told at once."""

    @property
    def draft(self) -> Adjusting:
        """The draft as it stands."""

    def change(self, change: Change) -> NotTallied | None:
        """Change it by a rule."""

    def publish(self) -> None:
        """Show it, and keep it."""


class AdjustingScans:
    """Notes scans. Thread-safe."""

    def __init__(
        self, holder: Holder, adjustments: Adjustments, catalogue: Catalogue, now_us: Callable[[], int]
    ) -> None:
        self._holder = holder
        self._adjustments = adjustments
        self._catalogue = catalogue
        self._now_us = now_us

    def note(
        self, code: Code, judged: Judged, *, quantity: Decimal | None = None, uncoded: bool = False
    ) -> Found:
        """Note a scan; see :func:`~agent.tallying.reading.goods_of` for ``quantity`` and ``uncoded``."""
        reason = self._holder.draft.reason
        if reason is None:
            return _not(NO_REASON)
        if code.sscc is not None and code.gtin is None:
            return self._case(code.sscc, reason)
        goods = goods_of(code, judged, self._catalogue, quantity=quantity, uncoded=uncoded)
        if isinstance(goods, Asked):
            return doubtful(goods.doubt, product=goods.product)
        if goods.item is not None and (refused := _hindered(goods, judged, reason)) is not None:
            return refused
        scanned = Scanned(gtin=goods.gtin, at_us=self._now_us(), quantity=goods.quantity, item=goods.item)
        refusal = self._holder.change(lambda draft: rules.with_tally(draft, count(draft.tally, scanned)))
        if refusal is not None:
            return _not(refusal, goods.product)
        return Found(
            outcome=Outcome.COUNTED,
            message=f"{goods.called}: noted",
            key="noted",
            product=goods.product,
            follow_up=(self._holder.publish,),
        )

    def undo(self, _: str = "") -> Found:
        """Take back the last change: the control code UNDO."""
        refused = self._holder.change(_back)
        if refused is not None:
            return _not(refused)
        return Found(
            outcome=Outcome.FOUND,
            message="the last scan was taken back",
            key="undone_scan",
            follow_up=(self._holder.publish,),
        )

    def _case(self, sscc: str, reason: str) -> Found:
        adjustments = self._adjustments
        contents = adjustments.cases.contents_on_hand(sscc)
        absent = adjustments.standing.not_here(sscc, contents)
        if absent is not None:
            return _not(NotTallied(absent.key, absent.reason), case=CaseSeen(sscc=sscc))
        if contents is None or contents.unknown:
            why = "not all that is in this case is known here: scan what is in it"
            return _not(NotTallied("case_unknown", why), case=CaseSeen(sscc=sscc))
        if not contents.pieces:
            return _not(NotTallied("case_empty_here", "nothing is in this case, as far as is known here"))
        wrong = hindered(adjustments.store, reason, contents.items)
        if wrong:
            why = f"{len(wrong)} of its items cannot be noted, such as {wrong[0][-20:]}: scan the pieces"
            return _not(NotTallied("case_hindered", why), case=CaseSeen(sscc=sscc))
        case = case_of(contents, adjustments.cases.gtin_of, self._now_us())
        refusal = self._holder.change(lambda draft: rules.with_tally(draft, count_case(draft.tally, case)))
        if refusal is not None:
            return _not(refusal, case=CaseSeen(sscc=sscc))
        return Found(
            outcome=Outcome.COUNTED,
            message=f"case {sscc}: noted with everything in it",
            key="noted_case",
            case=case_seen(sscc, contents, self._catalogue),
            follow_up=(self._holder.publish,),
        )


def _hindered(goods: Goods, judged: Judged, reason: str) -> Found | None:
    finding = goods.finding
    if finding is not None and finding.verdict in _COUNTERFEIT:
        return Found(
            outcome=Outcome.REFUSED,
            message=finding.reason,
            key="verdict",
            finding=finding,
            product=goods.product,
        )
    wrong = rules.hindrance(reason, state_of(judged))
    return None if wrong is None else _not(wrong, goods.product)


def _back(draft: Adjusting) -> Adjusting | NotTallied:
    undone = undo(draft.tally)
    return rules.with_tally(draft, undone if isinstance(undone, NotTallied) else undone[0])


def _not(refused: NotTallied, product: ProductView | None = None, case: CaseSeen | None = None) -> Found:
    outcome = Outcome.IGNORED if refused.key in _QUIETLY else Outcome.REFUSED
    return Found(outcome=outcome, message=refused.reason, key=refused.key, product=product, case=case)
