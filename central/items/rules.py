"""What a fact does to the life of a coded item. Pure.

The table of :mod:`protocol.items` says what may happen. What has happened at a counter has happened all the same: an illegal
step is taken, marked as such in the trace, and raises a discrepancy.

Facts arrive in any order. An item therefore counts its *standing sales*: those known, less those taken back. It is sold while
that count is above zero. A void that is heard of before its sale brings the count to -1, and the late sale brings it back to 0
without making the item sold; two sales of one item bring it to 2, whichever came first.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.journals.facts import Fact, iso
from protocol.events import GoodsReceived, Sale, SaleReturned, SaleVoided, StockAdjusted
from protocol.items import Action, Illegal, State, transition

_SELLING = (Action.SELL, Action.SELL_PROVISIONALLY)
_NOT_ARRIVED = (State.ISSUED, State.COMMISSIONED, State.IN_TRANSIT)
_STOPPED = (State.HELD, State.RECALLED, State.STOLEN, State.EXPIRED, State.DESTROYED)


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """An item as central knows it. ``site`` is where it is or was sent to; ``sold_…`` tell of its first sale by time."""

    item: str
    gtin: str
    state: State | None  # None: nobody has ever registered this item
    site: str | None = None
    sold_at: datetime | None = None
    sold_site: str | None = None
    sold_journal: int | None = None
    sold_seq: int | None = None
    standing_sales: int = 0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Something done to an item at a site.

    ``to_site`` is where a shipped item goes, ``from_site`` where a received one was despatched. ``takes_back_sale`` tells a void or
    a customer's return from goods that are moved about in the store.
    """

    item: str
    gtin: str
    action: Action
    site: str
    event_time: datetime
    recorded_at: datetime
    journal: int | None = None
    seq: int | None = None
    document: str | None = None
    to_site: str | None = None
    from_site: str | None = None
    takes_back_sale: bool = False
    evidence: dict[str, Any] = {}


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """A step as it was taken."""

    step: Step
    from_state: State | None
    to_state: State
    legal: bool
    note: str | None = None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What a step makes of a life. ``explained`` are discrepancies of this item that the step has cleared up."""

    life: Life
    trace: Trace
    raised: tuple[Discrepancy, ...] = ()
    explained: tuple[DiscrepancyClass, ...] = ()


def steps_of(fact: Fact) -> list[Step]:
    """The steps in a fact, one for each coded item that was scanned."""
    match fact.body:
        case Sale(lines=lines, sale_id=document):
            named = [
                (line.item, line.gtin, Action.SELL_PROVISIONALLY if line.provisional else Action.SELL)
                for line in lines
                if line.item
            ]
        case SaleVoided(lines=lines, sale_id=document):
            named = [(line.item, line.gtin, Action.VOID) for line in lines if line.item]
        case SaleReturned(lines=lines, disposition=disposition, return_id=document):
            back = Action.RESTOCK if disposition == "restock" else Action.QUARANTINE
            named = [(line.item, line.gtin, back) for line in lines if line.item]
        case GoodsReceived(lines=goods, receipt_advice_id=document):
            named = [(item, line.gtin, Action.RECEIVE) for line in goods for item in line.items]
        case StockAdjusted(lines=goods, reason=reason, adjustment_id=document):
            gone = Action.STEAL if reason == "theft" else Action.DESTROY
            named = [(item, line.gtin, gone) for line in goods if line.quantity < 0 for item in line.items]
        case _:
            return []
    return [
        Step(
            item=item,
            gtin=gtin,
            action=action,
            site=fact.site,
            event_time=fact.event_time,
            recorded_at=fact.recorded_at,
            journal=fact.journal,
            seq=fact.seq,
            document=document,
            takes_back_sale=isinstance(fact.body, SaleVoided | SaleReturned),
            evidence=fact.evidence(document=document, action=action.value),
        )
        for item, gtin, action in named
    ]


def take(life: Life, step: Step) -> Taken:
    """The life after ``step``, the trace it leaves, and what it contradicts or clears up."""
    if step.action in _SELLING:
        return _sell(life, step)
    if step.takes_back_sale:
        return _take_back(life, step)
    if step.action is Action.RECEIVE:
        return _receive(life, step)
    return _other(life, step)


def _sell(life: Life, step: Step) -> Taken:
    standing = life.standing_sales + 1
    after = msgspec.structs.replace(life, standing_sales=standing)
    if standing <= 0:
        after = msgspec.structs.replace(after, state=life.state or State.SELLABLE)
        return _taken(life, after, step, note="heard of after it was taken back")
    if life.sold_at is None or step.event_time < life.sold_at:
        after = msgspec.structs.replace(
            after,
            sold_at=step.event_time,
            sold_site=step.site,
            sold_journal=step.journal,
            sold_seq=step.seq,
        )
    state = _after(life, step)
    sold = State.SOLD if step.action is Action.SELL or life.state is State.SOLD else State.SOLD_PROVISIONALLY
    after = msgspec.structs.replace(after, state=sold, site=life.site or step.site)
    raised = (*_of_sale(life, step, standing), *_of_territory(life, step))
    return _taken(life, after, step, illegal=state, raised=raised)


def _take_back(life: Life, step: Step) -> Taken:
    """A void or a return. The item stays sold while another sale of it stands."""
    standing = life.standing_sales - 1
    after = msgspec.structs.replace(life, standing_sales=standing)
    if standing > 0:
        explained = (DiscrepancyClass.ITEM_SOLD_TWICE,) if standing == 1 else ()
        return _taken(life, after, step, note="another sale of this item stands", explained=explained)
    back = State.QUARANTINED if step.action is Action.QUARANTINE else State.SELLABLE
    stays = standing < 0 and life.state in _STOPPED
    after = msgspec.structs.replace(
        after,
        state=life.state if stays else back,
        site=step.site,  # where an item comes back, there it is
        sold_at=None,
        sold_site=None,
        sold_journal=None,
        sold_seq=None,
    )
    if standing == 0:
        return _taken(life, after, step)
    raised = (_unknown(life, step),) if life.state is None else ()
    return _taken(life, after, step, illegal=Illegal("its sale has not been heard of yet"), raised=raised)


def _receive(life: Life, step: Step) -> Taken:
    """An item is where it was received, whatever was known before."""
    if life.standing_sales > 0:
        explained = (DiscrepancyClass.SOLD_WITHOUT_RECEIPT,)
        return _taken(life, life, step, note="heard of after it was sold", explained=explained)
    keeps_state = life.state in (State.QUARANTINED, *_STOPPED)
    after = msgspec.structs.replace(life, site=step.site, state=life.state if keeps_state else State.SELLABLE)
    if life.state is None:
        return _taken(life, after, step, illegal=_after(life, step), raised=(_unknown(life, step),))
    raised = () if life.site == step.from_site else tuple(_of_territory(life, step))
    return _taken(life, after, step, illegal=_after(life, step), raised=raised)


def _other(life: Life, step: Step) -> Taken:
    state = _after(life, step)
    if life.state is None:
        first = _FIRST_HEARD.get(step.action, State.SELLABLE)
        after = msgspec.structs.replace(life, state=first, site=step.to_site or step.site)
        return _taken(life, after, step, illegal=state, raised=(_unknown(life, step),))
    if isinstance(state, Illegal):
        return _taken(life, life, step, illegal=state)
    site = step.to_site or life.site or step.site
    return _taken(life, msgspec.structs.replace(life, state=state, site=site), step)


_FIRST_HEARD = {
    Action.SHIP: State.IN_TRANSIT,
    Action.STEAL: State.STOLEN,
    Action.DESTROY: State.DESTROYED,
    Action.QUARANTINE: State.QUARANTINED,
}


def _after(life: Life, step: Step) -> State | Illegal:
    return transition(life.state, step.action) if life.state else Illegal("nobody has registered this item")


def _taken(
    life: Life,
    after: Life,
    step: Step,
    *,
    illegal: State | Illegal | None = None,
    note: str | None = None,
    raised: tuple[Discrepancy, ...] = (),
    explained: tuple[DiscrepancyClass, ...] = (),
) -> Taken:
    assert after.state is not None, "every step leaves an item in some state"
    reason = illegal.reason if isinstance(illegal, Illegal) else None
    trace = Trace(
        step=step, from_state=life.state, to_state=after.state, legal=reason is None, note=reason or note
    )
    return Taken(life=after, trace=trace, raised=raised, explained=explained)


def _of_sale(life: Life, step: Step, standing: int) -> list[Discrepancy]:
    """What a sale contradicts in the life so far."""
    if standing > 1:
        return [_sold_twice(life, step)]
    if life.state is None:
        return [_unknown(life, step)]
    if life.state in _NOT_ARRIVED:
        return [
            _about(
                step,
                DiscrepancyClass.SOLD_WITHOUT_RECEIPT,
                "it was sold before its receipt was booked, or was never received here",
                "book the receipt; if it never comes, ask where the item came from",
            )
        ]
    if life.state not in (State.SELLABLE, State.SOLD, State.SOLD_PROVISIONALLY):
        return [
            _about(
                step,
                DiscrepancyClass.ITEM_NOT_FOR_SALE,
                f"it was sold although it is {life.state}",
                "ask the site why, and take the item back if it can be reached",
            )
        ]
    return []


def _of_territory(life: Life, step: Step) -> list[Discrepancy]:
    """An item sent to one site that turns up at another."""
    if life.state is None or life.site is None or life.site == step.site or life.standing_sales > 0:
        return []
    return [
        _about(
            step,
            DiscrepancyClass.ITEM_OUTSIDE_TERRITORY,
            f"it was sent to {life.site} and turned up elsewhere",
            "ask both sites; if it was a transfer, book it; if not, it is a diversion",
        )
    ]


def _sold_twice(life: Life, step: Step) -> Discrepancy:
    first = {
        "event": "sale",
        "item": life.item,
        "site": life.sold_site,
        "event_time": iso(life.sold_at) if life.sold_at else "",
        "journal": life.sold_journal,
        "seq": life.sold_seq,
    }
    return _about(
        step,
        DiscrepancyClass.ITEM_SOLD_TWICE,
        "one of the two carries a copied code, or one scan was booked for another item",
        "compare the two receipts; the earlier sale is likely the genuine one; void or return the one that is wrong",
        before=(first,),
    )


def _unknown(life: Life, step: Step) -> Discrepancy:
    assert life.state is None
    return _about(
        step,
        DiscrepancyClass.UNKNOWN_ITEM,
        "its code was never issued, or its registration has not been entered yet",
        "register the item if it is genuine; else treat it as a forgery and take it off sale",
    )


def _about(
    step: Step,
    discrepancy_class: DiscrepancyClass,
    likely_cause: str,
    proposal: str,
    before: tuple[dict[str, Any], ...] = (),
) -> Discrepancy:
    return Discrepancy(
        site=step.site,
        discrepancy_class=discrepancy_class,
        cause_key=step.item,
        likely_cause=likely_cause,
        proposal=proposal,
        evidence=(*before, step.evidence),
        gtin=step.gtin,
        item=step.item,
        quantity=Decimal(1),
    )
