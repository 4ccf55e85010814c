"""What a fact does to the life of a coded item. Pure.

The table of :mod:`protocol.items` says what may happen. What has happened at a counter has happened all the same: an illegal
step is taken, marked as such in the trace, and raises a discrepancy.

Facts arrive in any order. An item therefore keeps its *standing sales* one by one: those known, less those taken back. It is sold
while there is one. A void that is heard of before its sale waits for it, and the late sale then has no effect; two sales of one item
are two standing ones, whichever came first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.items.contradictions import of_sale, of_shipment, of_territory, of_travel, unknown
from central.items.lives import SALES_LIMIT, Life, Sighting, Sold, Step, Taken, Trace
from central.sites.places import NOWHERE, Places
from protocol.items import LEAVES_ITS_CASE, Action, Illegal, State, transition

TRAVEL_SPEED_KMH = 900.0
_SELLING = (Action.SELL, Action.SELL_PROVISIONALLY)
_SOLD = (State.SOLD, State.SOLD_PROVISIONALLY)
STOPPED = (State.HELD, State.RECALLED, State.STOLEN, State.EXPIRED, State.DESTROYED)
_MOVES = (Action.SHIP, Action.RECEIVE)
_REMEMBERS = (Action.HOLD, Action.RECALL)


def take(
    life: Life, step: Step, places: Places = NOWHERE, travel_speed_kmh: float = TRAVEL_SPEED_KMH
) -> Taken:
    """The life after ``step``, the trace it leaves, and what it contradicts or clears up."""
    taken = _take(life, step, places)
    if not step.is_scan:
        return taken
    travelled = of_travel(life, step, places, travel_speed_kmh)
    here = Sighting(site=step.site, at=step.event_time, uncertainty_us=step.uncertainty_us)
    return msgspec.structs.replace(taken, life=seen_at(taken.life, here), raised=(*taken.raised, *travelled))


def _take(life: Life, step: Step, places: Places) -> Taken:
    if step.action in _SELLING:
        return _sell(life, step, places)
    if step.takes_back_sale:
        return _take_back(life, step)
    if step.action is Action.RECEIVE:
        return _receive(life, step, places)
    if step.action is Action.SHIP:
        return _ship(life, step)
    return _other(life, step)


def _sell(life: Life, step: Step, places: Places) -> Taken:
    waiting = _waiting_for(life.taken_back, step.document)
    if waiting is not None:
        after = msgspec.structs.replace(
            life, state=life.state or State.SELLABLE, taken_back=_without(life.taken_back, waiting)
        )
        return _taken(life, after, step, note="heard of after it was taken back")
    sales = tuple(sorted((*life.sales, _sale(step)), key=lambda one: one.order))[:SALES_LIMIT]
    legal = _after(life, step)
    raised = (*of_sale(life, step, sales), *of_territory(life, step, places))
    sold = State.SOLD if step.action is Action.SELL or life.state is State.SOLD else State.SOLD_PROVISIONALLY
    after = msgspec.structs.replace(
        life,
        state=sold,
        site=life.site or step.site,
        sales=sales,
        next_state=life.state if life.state in STOPPED else life.next_state if life.sales else None,
        container=None,
    )
    taken = _taken(life, after, step, illegal=legal, raised=raised)
    return _settled(taken, step, "nothing contradicts it") if not raised else taken


def _settled(taken: Taken, step: Step, why: str) -> Taken:
    """A provisional sale that nothing contradicts is confirmed there and then."""
    after = transition(taken.life.state, Action.CONFIRM)
    if isinstance(after, Illegal):
        return taken  # it was certain from the beginning
    confirmed = Trace(
        step=step,
        from_state=taken.life.state,
        to_state=after,
        legal=True,
        note=f"settled by central: {why}",
        action=Action.CONFIRM,
    )
    return msgspec.structs.replace(
        taken, life=msgspec.structs.replace(taken.life, state=after), settled=confirmed
    )


def _take_back(life: Life, step: Step) -> Taken:
    """A void or a return. The item stays sold while another sale of it stands."""
    which = _sale_taken_back(life.sales, step)
    if which is None:
        return _taken_back_before_its_sale(life, step)
    sales = tuple(sale for sale in life.sales if sale is not which)
    if sales:
        explained = (DiscrepancyClass.ITEM_SOLD_TWICE,) if len(sales) == 1 else ()
        after = msgspec.structs.replace(life, sales=sales)
        return _taken(life, after, step, note="another sale of this item stands", explained=explained)
    back = _back(step)
    after = msgspec.structs.replace(
        life,
        sales=(),
        # Recalled while a customer had it: it does not go back on the shelf, and a release would lead where it would have gone.
        state=life.next_state or back,
        next_state=back if life.next_state in _REMEMBERED else None,
        site=step.site,  # where an item comes back, there it is
        container=None,
    )
    return _taken(life, after, step, explained=_NOT_SOLD_AFTER_ALL)


_REMEMBERED = (State.HELD, State.RECALLED)
_NOT_SOLD_AFTER_ALL = (DiscrepancyClass.SOLD_WITHOUT_RECEIPT, DiscrepancyClass.ITEM_NOT_FOR_SALE)
"""What was taken back was sold neither before its receipt nor against an order of the brand."""


def _taken_back_before_its_sale(life: Life, step: Step) -> Taken:
    stays = life.sales or life.state in STOPPED
    after = msgspec.structs.replace(
        life,
        taken_back=(*life.taken_back, step.reverses or ""),
        state=life.state if stays else _back(step),
        site=life.site if life.sales else step.site,
        container=None,
    )
    raised = (unknown(life, step),) if life.state is None else ()
    early = Illegal("its sale has not been heard of yet")
    return _taken(life, after, step, illegal=early, raised=raised)


def _receive(life: Life, step: Step, places: Places) -> Taken:
    """An item is where it was received, whatever was known before."""
    if life.sales:
        explained = (DiscrepancyClass.SOLD_WITHOUT_RECEIPT,)
        taken = _taken(life, life, step, note="heard of after it was sold", explained=explained)
        return taken if life.unissued else _settled(taken, step, "its receipt has come")
    if _was_sent_on(life, step):
        explained = (DiscrepancyClass.DESPATCH_UNEXPECTED,)
        return _taken(life, life, step, note="heard of after it was sent on", explained=explained)
    keeps_state = life.state in (State.QUARANTINED, *STOPPED)
    waits = life.next_state in (State.COMMISSIONED, State.IN_TRANSIT)
    after = msgspec.structs.replace(
        life,
        site=step.site,
        state=life.state if keeps_state else State.SELLABLE,
        next_state=State.SELLABLE if waits else life.next_state,
        container=life.container if step.container is not None else None,
    )
    if life.state is None:
        return _taken(life, after, step, illegal=_after(life, step), raised=(unknown(life, step),))
    raised = () if life.site == step.from_site else tuple(of_territory(life, step, places))
    return _taken(life, after, step, illegal=_after(life, step), raised=raised)


def _ship(life: Life, step: Step) -> Taken:
    """An item has left, whatever the books say of where it was. One that has been received by then stays where it is."""
    if _has_arrived(life, step):
        explained = (DiscrepancyClass.ITEM_OUTSIDE_TERRITORY, DiscrepancyClass.DESPATCH_UNEXPECTED)
        return _taken(life, life, step, note="heard of after it was received", explained=explained)
    taken = _other(life, step)
    if step.journal is None or life.state is None:
        return taken
    after = taken.life
    if life.state in (State.IN_TRANSIT, State.HELD):
        after = msgspec.structs.replace(after, site=step.to_site, container=_container(life, step))
    raised = of_shipment(life, step, legal=taken.trace.legal)
    return msgspec.structs.replace(taken, life=after, raised=(*taken.raised, *raised))


def _has_arrived(life: Life, step: Step) -> bool:
    """Whether a shipment is heard of after its item was taken in where it went, or was scanned after it had left."""
    if step.journal is None or life.state is None or step.to_site is None:
        return False
    if life.site == step.to_site != step.site and life.state is not State.IN_TRANSIT:
        return True
    return _is_seen_after(life, step) and life.site != step.to_site


def _was_sent_on(life: Life, step: Step) -> bool:
    """Whether a receipt is heard of after its item has left the site again."""
    if step.journal is None or life.state is not State.IN_TRANSIT or life.site == step.site:
        return False
    return life.seen is not None and life.seen.site == step.site and _is_seen_after(life, step)


def _is_seen_after(life: Life, step: Step) -> bool:
    """Whether somebody held the item before a scanner after this step, as far as the clocks tell."""
    if life.seen is None:
        return False
    doubt = timedelta(microseconds=life.seen.uncertainty_us + step.uncertainty_us)
    return life.seen.at - doubt > step.event_time


def _other(life: Life, step: Step) -> Taken:
    state = _after(life, step)
    container = _container(life, step)
    if life.state is None:
        first = _FIRST_HEARD.get(step.action, State.SELLABLE)
        site = step.to_site or step.site
        after = msgspec.structs.replace(life, state=first, site=site, container=container)
        return _taken(life, after, step, illegal=state, raised=(unknown(life, step),))
    if isinstance(state, Illegal):
        return _taken(life, life, step, illegal=state)
    after = msgspec.structs.replace(
        life,
        state=state,
        site=step.to_site or life.site or step.site,
        next_state=_next_state(life, step, state),
        container=container,
    )
    moved = life.container if step.action is Action.PACK and life.container not in (None, container) else None
    return _taken(life, after, step, note=f"taken out of {moved}" if moved else None)


def _next_state(life: Life, step: Step, after: State) -> State | None:
    if step.action in _REMEMBERS:
        return life.next_state if life.state in _REMEMBERED else life.state
    return life.next_state if after is life.state else None


def _container(life: Life, step: Step) -> str | None:
    if step.action is Action.PACK:
        return step.container
    alone = step.action in LEAVES_ITS_CASE or (step.action in _MOVES and step.container is None)
    return None if alone else life.container


_FIRST_HEARD = {
    Action.SHIP: State.IN_TRANSIT,
    Action.STEAL: State.STOLEN,
    Action.DESTROY: State.DESTROYED,
    Action.QUARANTINE: State.QUARANTINED,
}


def _after(life: Life, step: Step) -> State | Illegal:
    if life.state is None:
        return Illegal("nobody has registered this item")
    return transition(life.state, step.action, life.next_state)


def _back(step: Step) -> State:
    return State.QUARANTINED if step.action is Action.QUARANTINE else State.SELLABLE


def _sale(step: Step) -> Sold:
    return Sold(
        at=step.event_time,
        site=step.site,
        uncertainty_us=step.uncertainty_us,
        journal=step.journal,
        seq=step.seq,
        document=step.document,
        provisional=step.action is Action.SELL_PROVISIONALLY,
    )


def _sale_taken_back(sales: Sequence[Sold], step: Step) -> Sold | None:
    """The sale that a void or return takes back.

    A void names one of its own site, which is found or has not been heard of. A return may name none, or one that somebody typed:
    the item is back all the same, so the last sale of the same site is meant, else the last one.
    """
    named = [sale for sale in sales if step.reverses is not None and sale.document == step.reverses]
    if named:
        return named[0]
    if step.action is Action.VOID and step.reverses is not None:
        return None
    own = [sale for sale in sales if sale.site == step.site] or list(sales)
    return own[-1] if own else None


def _waiting_for(taken_back: Sequence[str], document: str | None) -> str | None:
    """The taking-back that waits for this sale; '' stands for one that named no sale."""
    return next((one for one in (document, "") if one is not None and one in taken_back), None)


def _without(taken_back: Sequence[str], one: str) -> tuple[str, ...]:
    left = list(taken_back)
    left.remove(one)
    return tuple(left)


def seen_at(life: Life, here: Sighting) -> Life:
    """The life of an item that was held before a scanner; the latest time counts."""
    if life.seen is not None and life.seen.at >= here.at:
        return life
    return msgspec.structs.replace(life, seen=here)


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
    if life.state is None:
        after = msgspec.structs.replace(after, unissued=True)
    return Taken(life=after, trace=trace, raised=raised, explained=explained)
