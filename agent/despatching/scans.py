"""Ship mode: what a scan does to the goods at the door."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from agent.despatching import rules
from agent.despatching.items import states_of
from agent.despatching.rules import NO_DESTINATION, Leaving
from agent.packing.cases import Cases
from agent.packing.contents import Contents
from agent.packing.standing import Standing
from agent.receiving.scans import case_seen
from agent.store import Store
from agent.tallying.reading import Asked, Goods, goods_of
from agent.tallying.rules import NotTallied, Scanned, case_of, count, count_case, undo
from agent.tallying.steps import TallyCase
from agent.till.catalogue import Catalogue, ProductView
from agent.till.found import Found, doubtful
from agent.till.frames import CaseSeen, Outcome, Question
from agent.verification.service import Judged
from protocol.codes import Code
from protocol.feeds import SiteHere

Change = Callable[[Leaving], Leaving | NotTallied]
_QUIETLY = frozenset({"counted_already", "nothing_to_undo"})


class Door(Protocol):
    """Goods that are being loaded for one destination."""

    site: str
    cases: Cases
    standing: Standing

    @property
    def leaving(self) -> Leaving:
        """What has been loaded."""

    def change(self, change: Change) -> NotTallied | None:
        """Change the goods by a rule."""

    def publish(self) -> None:
        """Show the goods on every screen and keep them."""


class ShippingScans:
    """Loads scans. Thread-safe if its door is."""

    def __init__(self, shipping: Door, catalogue: Catalogue, store: Store, now_us: Callable[[], int]) -> None:
        self._shipping = shipping
        self._catalogue = catalogue
        self._store = store
        self._now_us = now_us

    def load(self, code: Code, judged: Judged) -> Found:
        """Load a scan at the counter."""
        return self.load_told(code, judged)

    def load_told(
        self,
        code: Code,
        judged: Judged,
        *,
        quantity: Decimal | None = None,
        uncoded: bool = False,
        sealed: bool = False,
    ) -> Found:
        """Load a scan; see :func:`~agent.tallying.reading.goods_of`. ``sealed``: a case as it is, though nothing is known of it here."""
        to = self._shipping.leaving.to
        if to is None:
            return _not(NO_DESTINATION)
        if code.sscc is not None and code.gtin is None:
            return self._case(code.sscc, to, sealed=sealed)
        goods = goods_of(code, judged, self._catalogue, quantity=quantity, uncoded=uncoded)
        if isinstance(goods, Asked):
            return doubtful(goods.doubt, product=goods.product)
        return self._goods(goods, judged, to)

    def undo(self, _: str = "") -> Found:
        """Take back the last change: the control code UNDO."""
        refused = self._shipping.change(_back)
        if refused is not None:
            return _not(refused)
        return Found(
            outcome=Outcome.FOUND,
            message="the last scan was taken back",
            key="undone_scan",
            follow_up=(self._shipping.publish,),
        )

    def _goods(self, goods: Goods, judged: Judged, to: SiteHere) -> Found:
        back_only: str | None = None
        if goods.item is not None:
            hindered = rules.hindrance(goods.finding, judged.local, judged.known, self._shipping.site)
            if hindered is not None:
                refusal = rules.refused(hindered, to)
                if refusal is not None:
                    return Found(
                        outcome=Outcome.REFUSED,
                        message=refusal.reason,
                        key=f"ship_{refusal.key}",
                        finding=goods.finding,
                        product=goods.product,
                    )
                back_only = goods.item
        scanned = Scanned(gtin=goods.gtin, at_us=self._now_us(), quantity=goods.quantity, item=goods.item)

        def change(leaving: Leaving) -> Leaving | NotTallied:
            after = count(leaving.tally, scanned)
            return after if isinstance(after, NotTallied) else rules.loaded(leaving, after, back_only)

        refused = self._shipping.change(change)
        if refused is not None:
            return _not(refused, goods.product)
        return Found(
            outcome=Outcome.LOADED,
            message=goods.called,
            key="loaded_back" if back_only else "loaded",
            product=goods.product,
            follow_up=(self._shipping.publish,),
        )

    def _case(self, sscc: str, to: SiteHere, *, sealed: bool) -> Found:
        contents = self._shipping.cases.contents_on_hand(sscc)
        absent = self._shipping.standing.not_here(sscc, contents)
        if absent is not None:
            return _not(NotTallied(f"ship_{absent.key}", absent.reason), case=CaseSeen(sscc=sscc))
        if contents is None and not sealed:
            return Found(
                outcome=Outcome.ASK,
                message="nothing is known here of this case: send it as it is, or leave it",
                key="ship_case_unknown",
                question=Question.SEALED,
                case=CaseSeen(sscc=sscc),
            )
        seen = case_seen(sscc, contents, self._catalogue)
        case = TallyCase(sscc=sscc, at_us=self._now_us(), is_known=False)
        is_back_only = False
        if contents is not None:
            if not contents.pieces and not contents.containers:
                return _not(
                    NotTallied("case_is_empty", f"case {sscc} is empty, as far as is known here"), case=seen
                )
            case = case_of(contents, self._shipping.cases.gtin_of, self._now_us())
            refusal, is_back_only = self._hindered(contents, to)
            if refusal is not None:
                return _not(refusal, case=seen)

        def change(leaving: Leaving) -> Leaving | NotTallied:
            after = count_case(leaving.tally, case)
            if isinstance(after, NotTallied):
                return after
            return rules.loaded(leaving, after, sscc if is_back_only else None)

        refused = self._shipping.change(change)
        if refused is not None:
            return _not(refused, case=seen)
        held = sum((line.quantity for line in case.lines), Decimal(0))
        return Found(
            outcome=Outcome.LOADED,
            message=f"case {sscc}: {held} pieces" if contents else f"case {sscc}: as it is",
            key="loaded_case" if contents else "loaded_sealed",
            case=seen,
            follow_up=(self._shipping.publish,),
        )

    def _hindered(self, contents: Contents, to: SiteHere) -> tuple[NotTallied | None, bool]:
        """Why a case does not leave, by the items in it; and whether it may only go back to a warehouse."""
        found = (rules.hindrance_in_case(state) for state in states_of(self._store, contents.items).values())
        hindered = Counter(one for one in found if one is not None)
        for one, times in hindered.items():
            refused = rules.refused(one, to)
            if refused is not None:
                reason = f"of {times} items in this case: {refused.reason}; take them out first"
                return NotTallied("ship_case_holds", reason), False
        return None, bool(hindered)


def _back(leaving: Leaving) -> Leaving | NotTallied:
    undone = undo(leaving.tally)
    return undone if isinstance(undone, NotTallied) else rules.loaded(leaving, undone[0])


def _not(refused: NotTallied, product: ProductView | None = None, case: CaseSeen | None = None) -> Found:
    return Found(
        outcome=Outcome.IGNORED if refused.key in _QUIETLY else Outcome.REFUSED,
        message=refused.reason,
        key=refused.key,
        product=product,
        case=case,
    )
