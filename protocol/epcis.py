"""What EPCIS 2.0 and its vocabulary (CBV 2.0) call the steps and states in the life of an item, as data.

``biz_step`` and ``disposition`` are the bare words of CBV 2.0, sections 7.1 and 7.2 (in an EPCIS document each stands behind its
prefix). One step of ours can be two of theirs: goods that a customer brings back are received as ``returned``, and then
stocked or set aside.
"""

from __future__ import annotations

import msgspec

from protocol.items import Action, State


class EpcisStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One EPCIS event: its type, its action (``ADD``, ``OBSERVE``, ``DELETE``), business step and disposition.

    ``error_reason`` is set where the event declares an earlier one to be wrong (EPCIS 2.0, *ErrorDeclaration*).
    """

    event_type: str
    action: str
    biz_step: str | None
    disposition: str | None
    error_reason: str | None = None


DISPOSITIONS: dict[State, str] = {
    State.ISSUED: "encoded",
    State.COMMISSIONED: "active",
    State.IN_TRANSIT: "in_transit",
    State.SELLABLE: "sellable_accessible",
    State.SOLD: "retail_sold",
    State.SOLD_PROVISIONALLY: "retail_sold",
    State.QUARANTINED: "non_sellable_other",
    State.HELD: "sellable_not_accessible",
    State.RECALLED: "recalled",
    State.STOLEN: "stolen",
    State.EXPIRED: "expired",
    State.DESTROYED: "destroyed",
}

BIZ_STEPS: dict[Action, str] = {
    Action.ISSUE: "encoding",
    Action.COMMISSION: "commissioning",
    Action.PACK: "packing",
    Action.UNPACK: "unpacking",
    Action.SHIP: "shipping",
    Action.RECEIVE: "receiving",
    Action.SELL: "retail_selling",
    Action.SELL_PROVISIONALLY: "retail_selling",
    Action.CONFIRM: "retail_selling",
    Action.VOID: "retail_selling",
    Action.RESTOCK: "stocking",
    Action.QUARANTINE: "holding",
    Action.HOLD: "holding",
    Action.RELEASE: "stocking",
    Action.RECALL: "holding",
    Action.STEAL: "other",
    Action.RECOVER: "inspecting",
    Action.EXPIRE: "holding",
    Action.DESTROY: "destroying",
}

_AGGREGATION = {Action.PACK: "ADD", Action.UNPACK: "DELETE"}
_BEGINS_OR_ENDS = {Action.ISSUE: "ADD", Action.COMMISSION: "ADD", Action.DESTROY: "DELETE"}
_BACK = (Action.RESTOCK, Action.QUARANTINE)
_SOLD = (State.SOLD, State.SOLD_PROVISIONALLY)
_RETURNED = EpcisStep(
    event_type="ObjectEvent", action="OBSERVE", biz_step="receiving", disposition="returned"
)


def epcis_steps(before: State | None, action: Action, after: State) -> tuple[EpcisStep, ...]:
    """How EPCIS would tell that ``action`` led from ``before`` to ``after``."""
    if action in _AGGREGATION:
        # An aggregation says nothing of what becomes of the goods: no disposition.
        return (
            EpcisStep(
                event_type="AggregationEvent",
                action=_AGGREGATION[action],
                biz_step=BIZ_STEPS[action],
                disposition=None,
            ),
        )
    step = EpcisStep(
        event_type="ObjectEvent",
        action=_BEGINS_OR_ENDS.get(action, "OBSERVE"),
        biz_step=BIZ_STEPS[action],
        disposition=DISPOSITIONS[after],
        error_reason="did_not_occur" if action is Action.VOID else None,
    )
    return (_RETURNED, step) if action in _BACK and before in _SOLD else (step,)
