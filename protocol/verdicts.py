"""What a counter says of a coded item, and what policy makes of it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from protocol.feeds import ItemHere
from protocol.items import State


class Verdict(StrEnum):
    """The verdicts there are."""

    GENUINE = "genuine"
    ALREADY_SOLD = "already_sold"
    WRONG_SITE = "wrong_site"
    NOT_RECEIVED = "not_received"
    HELD = "held"
    RECALLED = "recalled"
    STOLEN = "stolen"
    EXPIRED = "expired"
    DESTROYED = "destroyed"
    UNKNOWN = "unknown"
    FORGED = "forged"
    UNREADABLE = "unreadable"
    UNVERIFIED = "unverified"


class Act(StrEnum):
    """What the counter does on a verdict."""

    ACCEPT = "accept"
    ASK = "ask"
    REFUSE = "refuse"


SAFE_DEFAULTS: dict[Verdict, Act] = {
    Verdict.GENUINE: Act.ACCEPT,
    Verdict.ALREADY_SOLD: Act.REFUSE,
    Verdict.WRONG_SITE: Act.ASK,
    Verdict.NOT_RECEIVED: Act.ASK,
    Verdict.HELD: Act.REFUSE,
    Verdict.RECALLED: Act.REFUSE,
    Verdict.STOLEN: Act.REFUSE,
    Verdict.EXPIRED: Act.REFUSE,
    Verdict.DESTROYED: Act.REFUSE,
    Verdict.UNKNOWN: Act.REFUSE,
    Verdict.FORGED: Act.REFUSE,
    Verdict.UNREADABLE: Act.REFUSE,
    # A shop that is cut off must go on selling: the sale is provisional, and central settles it.
    Verdict.UNVERIFIED: Act.ACCEPT,
}

_OF_STATE: dict[State, Verdict] = {
    State.ISSUED: Verdict.NOT_RECEIVED,
    State.COMMISSIONED: Verdict.NOT_RECEIVED,
    State.IN_TRANSIT: Verdict.NOT_RECEIVED,
    State.SELLABLE: Verdict.GENUINE,
    State.SOLD: Verdict.ALREADY_SOLD,
    State.SOLD_PROVISIONALLY: Verdict.ALREADY_SOLD,
    State.QUARANTINED: Verdict.HELD,
    State.HELD: Verdict.HELD,
    State.RECALLED: Verdict.RECALLED,
    State.STOLEN: Verdict.STOLEN,
    State.EXPIRED: Verdict.EXPIRED,
    State.DESTROYED: Verdict.DESTROYED,
}


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A verdict with what it rests on.

    ``certain`` is False where the knowledge here may be out of date; ``age_us`` is how old it is. ``sold_at_us`` and
    ``sold_site`` are the evidence for ``already_sold``. ``rests_on`` names the source: ``label``, ``basket``, ``journal``, ``replica``,
    ``signature``, ``filter``, ``central``, ``neighbour`` or ``policy``.
    """

    verdict: Verdict
    act: Act
    reason: str
    certain: bool = True
    age_us: int | None = None
    sold_at_us: int | None = None
    sold_site: str | None = None
    rests_on: str | None = None


def judge(item: ItemHere, site: str, today: str) -> tuple[Verdict, str]:
    """The verdict on a known item at ``site``, with its reason. ``today`` is the site's ISO date."""
    verdict = _OF_STATE[State(item.state)]
    if verdict is Verdict.ALREADY_SOLD:
        return verdict, f"sold before{f' at {item.sold_site}' if item.sold_site else ''}"
    was_sent = item.state != State.COMMISSIONED  # at the brand's own warehouse still: it was sent to nobody
    if was_sent and item.site not in (None, site) and verdict in (Verdict.GENUINE, Verdict.NOT_RECEIVED):
        return Verdict.WRONG_SITE, f"this item was sent to {item.site}"
    if verdict is Verdict.GENUINE and item.expiry is not None and item.expiry < today:
        return Verdict.EXPIRED, f"expired on {item.expiry}"
    if item.state == State.ISSUED:
        return verdict, "its code was issued, and is not yet commissioned: the brand has put it on no product"
    return verdict, _REASONS[verdict]


_REASONS: dict[Verdict, str] = {
    Verdict.GENUINE: "genuine, and in stock here",
    Verdict.NOT_RECEIVED: "not received here: it is on its way, or stands at another site",
    Verdict.HELD: "held by the brand",
    Verdict.RECALLED: "recalled by the brand: do not sell it",
    Verdict.STOLEN: "reported stolen",
    Verdict.EXPIRED: "past its date",
    Verdict.DESTROYED: "reported destroyed",
    Verdict.UNKNOWN: "this code is not on any product of the brand",
}


def act_on(verdict: Verdict, gtin: str | None, policy: dict[str, str]) -> Act:
    """What policy says: the row for this product, else for the verdict, else the safe default. Keys as in :class:`PolicyRow`."""
    return Act(policy.get(f"{verdict}/{gtin}") or policy.get(verdict) or SAFE_DEFAULTS[verdict])
