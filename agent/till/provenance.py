"""Where an item was sold, as far as is known here: what a return or a void has to know first. Pure."""

from __future__ import annotations

import msgspec

from agent.verification.rules import SOLD, Evidence, LocalItem
from protocol.feeds import ItemHere
from protocol.items import State


class SoldHere(msgspec.Struct, frozen=True):
    """This till sold it."""

    sale_id: str
    receipt: str | None
    at_us: int


class SoldElsewhere(msgspec.Struct, frozen=True):
    """Another site sold it, or another till of this one; by central's word."""

    site: str | None
    at_us: int | None


class NotSold(msgspec.Struct, frozen=True):
    """No customer can have it: it was never sold, or it has come back already."""

    key: str
    reason: str


class NotKnown(msgspec.Struct, frozen=True):
    """Nothing is known here of a sale."""


Provenance = SoldHere | SoldElsewhere | NotSold | NotKnown

_WHERE_IT_IS: dict[State, str] = {
    State.ISSUED: "its code is not on any product yet",
    State.COMMISSIONED: "it has not been shipped to any shop",
    State.IN_TRANSIT: "it is on its way to a shop",
    State.HELD: "the brand holds it back",
    State.RECALLED: "it is recalled",
    State.STOLEN: "it is reported stolen",
    State.EXPIRED: "it is past its date",
    State.DESTROYED: "it has been destroyed",
}


_WRITTEN_OFF = frozenset({State.STOLEN, State.DESTROYED})


def provenance(evidence: Evidence, site: str) -> Provenance:
    """Where an item was sold. What this till did to it counts, unless central tells of a later sale elsewhere."""
    local, replica = evidence.local, evidence.replica
    if local is not None and local.state in SOLD and local.sale_id is not None:
        return SoldHere(local.sale_id, local.receipt, local.at_us)
    if (
        replica is not None
        and _is_sold(replica)
        and (local is None or (replica.sold_at_us or 0) > local.at_us)
    ):
        return SoldElsewhere(replica.sold_site, replica.sold_at_us)
    if local is not None and local.state == State.IN_TRANSIT:
        return NotKnown()  # it left this shop: whoever received it may have sold it
    if local is not None:
        return _back_already(local)
    return NotKnown() if replica is None else _never_sold(replica, site)


def _is_sold(replica: ItemHere) -> bool:
    """A recalled or stolen item may have been sold before: customers bring back what is recalled."""
    stopped = replica.state in {State.RECALLED, State.STOLEN, State.HELD, State.EXPIRED}
    return replica.state in SOLD or (stopped and replica.sold_at_us is not None)


def _back_already(local: LocalItem) -> NotSold:
    if local.state in _WRITTEN_OFF:
        on_paper = "" if local.receipt is None else f", with {local.receipt}"
        return NotSold("not_sold", f"this item was never sold: {_WHERE_IT_IS[State(local.state)]}{on_paper}")
    on = "" if local.receipt is None else f", with {local.receipt}"
    if local.state == State.QUARANTINED:
        return NotSold("returned_already", f"this item has come back already{on}, and was set aside")
    if local.receipt is None:
        return NotSold("not_sold", "this item is in stock here: it was not sold")
    return NotSold("returned_already", f"this item is in stock here: it has come back already{on}")


def _never_sold(replica: ItemHere, site: str) -> NotSold:
    state = State(replica.state)
    if state is State.QUARANTINED:
        return NotSold("returned_already", "this item has come back already, and was set aside")
    if state is State.SELLABLE:
        where = "here" if replica.site in {None, site} else f"at {replica.site}"
        return NotSold(
            "not_sold", f"this item is in stock {where}: it was not sold, or has come back already"
        )
    return NotSold("not_sold", f"this item was never sold: {_WHERE_IT_IS[state]}")
