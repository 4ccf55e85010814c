"""The order of evidence, as rules: the journal here, the replica of ``items``, the answer of central, then policy.

Pure: the evidence comes in as values, a :class:`protocol.verdicts.Finding` goes out. ``None`` as a finding means that
what is known here is not enough, and that central should be asked.
"""

from __future__ import annotations

import msgspec

from protocol.codes import Code
from protocol.feeds import ItemHere, Product
from protocol.items import State
from protocol.verdicts import Finding, Verdict, act_on, judge

FRESH_US = 600_000_000
"""Knowledge younger than this counts as certain: a connected agent hears of every change well within it."""

# What central alone can put on an item, or what only a later fact can lift: never outvoted by what happened here.
_STOPPED = frozenset(
    {State.QUARANTINED, State.HELD, State.RECALLED, State.STOLEN, State.EXPIRED, State.DESTROYED}
)
_SOLD = frozenset({State.SOLD, State.SOLD_PROVISIONALLY})


class LocalItem(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal here last did to an item: ``state`` is sold, sellable (received, returned, voided) or quarantined."""

    item: str
    gtin: str
    state: str
    at_us: int
    receipt: str | None = None
    sale_id: str | None = None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known here of one item. ``replica_age_us`` is how old the replica is; None: it was never filled."""

    local: LocalItem | None = None
    replica: ItemHere | None = None
    replica_age_us: int | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when the question is asked. ``today`` is the site's ISO date."""

    site: str
    today: str


def from_label(code: Code, place: Place, policy: dict[str, str]) -> Finding | None:
    """What the label itself settles: a date that has passed."""
    if code.expiry is not None and code.expiry < place.today:
        return _finding(Verdict.EXPIRED, f"expired on {code.expiry}, says its label", code.gtin, policy)
    return None


def from_here(item: str, evidence: Evidence, place: Place, policy: dict[str, str]) -> Finding | None:
    """What the counter knows by itself; None where it is not enough.

    A sale here is certain whatever central has heard. Otherwise the replica speaks, corrected by what happened here since;
    an item that neither knows may still be known to central.
    """
    local, replica = evidence.local, evidence.replica
    if local is not None and local.state in _SOLD:
        receipt = f", receipt {local.receipt}" if local.receipt else ""
        return _finding(
            Verdict.ALREADY_SOLD,
            f"sold here before{receipt}",
            local.gtin,
            policy,
            sold=(local.at_us, place.site),
        )
    if local is not None:
        known = _corrected(item, local, replica, place.site)
    elif replica is not None:
        known = replica
    else:
        return None
    return _judged(known, place, policy, age_us=evidence.replica_age_us, by_journal=local is not None)


def from_answer(answer: ItemHere | None, gtin: str | None, place: Place, policy: dict[str, str]) -> Finding:
    """What central's answer makes of it; ``None`` as answer: central never issued this code."""
    if answer is None:
        return _finding(Verdict.UNKNOWN, "the brand never issued this code", gtin, policy, age_us=0)
    return _judged(answer, place, policy, age_us=0, by_journal=False)


def without_answer(gtin: str | None, policy: dict[str, str]) -> Finding:
    """Nothing known here, and no answer in time: policy decides, and central settles the sale later."""
    return _finding(
        Verdict.UNVERIFIED, "not known here, and central could not be asked", gtin, policy, certain=False
    )


def is_counted_by_item(finding: Finding | None, product: Product | None) -> bool:
    """Whether a line is about this one item.

    Makers print serials that this brand never issued on products that it sells by the piece. Such a serial says nothing
    here, so the product is sold as what its GTIN says.
    """
    if finding is None:
        return False
    tracked = product is None or product.serialised
    return tracked or finding.verdict is not Verdict.UNKNOWN


def _corrected(item: str, local: LocalItem, replica: ItemHere | None, site: str) -> ItemHere:
    """The item as it must stand now, from an older replica and a fact of this site."""
    here = ItemHere(item=item, gtin=local.gtin, state=local.state, site=site)
    if replica is None:
        return here
    sold_later = replica.sold_at_us is not None and replica.sold_at_us > local.at_us
    if replica.state in _STOPPED or (replica.state in _SOLD and sold_later):
        return replica
    return msgspec.structs.replace(here, expiry=replica.expiry)


def _judged(
    known: ItemHere, place: Place, policy: dict[str, str], *, age_us: int | None, by_journal: bool
) -> Finding:
    verdict, reason = judge(known, place.site, place.today)
    certain = age_us is not None and age_us <= FRESH_US
    return _finding(
        verdict,
        reason,
        known.gtin,
        policy,
        certain=certain or verdict is Verdict.EXPIRED,
        age_us=None if by_journal and age_us is None else age_us,
        sold=(known.sold_at_us, known.sold_site) if verdict is Verdict.ALREADY_SOLD else (None, None),
    )


def _finding(
    verdict: Verdict,
    reason: str,
    gtin: str | None,
    policy: dict[str, str],
    *,
    certain: bool = True,
    age_us: int | None = None,
    sold: tuple[int | None, str | None] = (None, None),
) -> Finding:
    return Finding(
        verdict=verdict,
        act=act_on(verdict, gtin, policy),
        reason=reason,
        certain=certain,
        age_us=age_us,
        sold_at_us=sold[0],
        sold_site=sold[1],
    )


def may_be_returned(evidence: Evidence) -> bool:
    """Whether an item is known to have been sold, here or elsewhere, and has not come back since."""
    if evidence.local is not None:
        return evidence.local.state in _SOLD
    return evidence.replica is not None and evidence.replica.state in _SOLD


def is_in_stock_here(evidence: Evidence) -> bool:
    """Whether an item is known to lie on this site's own shelf, so that no customer can bring it back."""
    if evidence.local is not None:
        return evidence.local.state == State.SELLABLE
    return evidence.replica is not None and evidence.replica.state == State.SELLABLE
