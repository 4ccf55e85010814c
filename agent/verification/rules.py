"""The order of evidence, as rules. Pure: the evidence comes in as values, a :class:`protocol.verdicts.Finding` goes out.

1. the basket and the journal here: what this counter did itself;
2. the replica of this site's items, as central last told it;
3. the label: its date, and its signed part, which proves it genuine or forged;
4. central, asked within the budget of a scan;
5. the neighbours' journals;
6. what is left without any of them: the filters' "perhaps", a sound signature, or policy alone. Provisional.

``None`` as a finding means that this kind of evidence says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from agent.neighbours.messages import ItemTold
from agent.verification.proofs import Proof
from protocol.codes import Code
from protocol.feeds import ItemHere, Product
from protocol.items import State
from protocol.verdicts import Act, Finding, Verdict, act_on, judge

FRESH_US = 600_000_000
"""Knowledge younger than this counts as certain: a connected agent hears of every change well within it."""

# What central alone can put on an item, or what only a later fact can lift: never outvoted by what happened here.
_STOPPED = frozenset(
    {State.QUARANTINED, State.HELD, State.RECALLED, State.STOLEN, State.EXPIRED, State.DESTROYED}
)
SOLD = frozenset({State.SOLD, State.SOLD_PROVISIONALLY})


class LocalItem(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal here last did to an item: ``state`` is sold, sellable (received, returned, voided), quarantined, or in_transit.

    One in transit left this site: ``receipt`` is the number of its despatch, and ``sale_id`` that one's id. ``standing`` of a sale: see :mod:`agent.verification.settlement`; None where it was certain and nobody has contested it.
    """

    item: str
    gtin: str
    state: str
    at_us: int
    receipt: str | None = None
    sale_id: str | None = None
    standing: str | None = None


class Hit(Protocol):
    """An item is perhaps in a set of the brand's: ``kind`` is sold, recalled or stolen, as of ``age_us`` ago."""

    @property
    def kind(self) -> str:
        """Which set."""

    @property
    def age_us(self) -> int | None:
        """How old the set is."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known here of one item. ``replica_age_us`` is how old the replica is; None: it was never filled."""

    local: LocalItem | None = None
    replica: ItemHere | None = None
    replica_age_us: int | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when the question is asked. ``today`` is the site's ISO date."""

    site: str
    today: str


Policy = dict[str, str]


# 1 and 2: what is on record here -------------------------------------------------------------------------------------------


def from_basket(finding: Finding | None) -> Finding | None:
    """An item that lies in the basket already: what was said of it when it came in."""
    return None if finding is None else msgspec.structs.replace(finding, rests_on="basket")


def from_records(item: str, evidence: Evidence, place: Place, policy: Policy) -> Finding | None:
    """What the journal and the replica say.

    A sale here is certain whatever central has heard. Otherwise the replica speaks, corrected by what happened here since;
    an item that neither knows may still be known to others.
    """
    local, replica = evidence.local, evidence.replica
    if local is not None and local.state in SOLD:
        receipt = f", receipt {local.receipt}" if local.receipt else ""
        return Finding(
            verdict=Verdict.ALREADY_SOLD,
            act=act_on(Verdict.ALREADY_SOLD, local.gtin, policy),
            reason=f"sold here before{receipt}",
            sold_at_us=local.at_us,
            sold_site=place.site,
            rests_on="journal",
        )
    if local is None and replica is None:
        return None
    if (
        local is not None
        and local.state == State.IN_TRANSIT
        and (replica is None or replica.state not in _STOPPED)
    ):
        # Whatever policy says of goods that were sent elsewhere: this counter itself has sent them.
        return Finding(
            verdict=Verdict.WRONG_SITE,
            act=Act.REFUSE,
            reason=f"it left this site with {local.receipt}: receive it first, if it is here",
            rests_on="journal",
        )
    known, rests_on = (replica, "replica") if local is None else _corrected(item, local, replica, place.site)
    assert known is not None
    return _judged(known, place, policy, age_us=evidence.replica_age_us, rests_on=rests_on)


def wants_second_opinion(finding: Finding) -> bool:
    """Whether others should be asked although something is on record here: it would let the item pass, and is old."""
    return not finding.certain and finding.act is not Act.REFUSE


def _corrected(item: str, local: LocalItem, replica: ItemHere | None, site: str) -> tuple[ItemHere, str]:
    """The item as it must stand now, from an older replica and a fact of this site; and which of the two speaks."""
    here = ItemHere(item=item, gtin=local.gtin, state=local.state, site=site)
    if replica is None:
        return here, "journal"
    sold_later = replica.sold_at_us is not None and replica.sold_at_us > local.at_us
    if replica.state in _STOPPED or (replica.state in SOLD and sold_later):
        return replica, "replica"
    return msgspec.structs.replace(here, expiry=replica.expiry), "journal"


# 3: the label ----------------------------------------------------------------------------------------------------------------


_AGAINST = {"forged": Verdict.FORGED, "unreadable": Verdict.UNREADABLE}


DISPROVEN = {"forged": Verdict.FORGED, "unreadable": Verdict.UNREADABLE}


def from_label(code: Code, proof: Proof | None, place: Place, policy: Policy) -> Finding | None:
    """What the label itself settles, against everything that would let the item pass: a wrong signature, a date that has passed."""
    against = _AGAINST.get(proof.kind) if proof is not None else None
    if proof is not None and against is not None:
        return Finding(
            verdict=against,
            act=act_on(against, code.gtin, policy),
            reason=proof.reason,
            rests_on="signature",
        )
    if code.expiry is not None and code.expiry < place.today:
        return Finding(
            verdict=Verdict.EXPIRED,
            act=act_on(Verdict.EXPIRED, code.gtin, policy),
            reason=f"expired on {code.expiry}, says its label",
            rests_on="label",
        )
    return None


# 4 and 5: others ---------------------------------------------------------------------------------------------------------------


def from_answer(
    item: str,
    local: LocalItem | None,
    answer: ItemHere | None,
    gtin: str | None,
    place: Place,
    policy: Policy,
) -> Finding:
    """What central's answer makes of it, corrected by what happened here and may not have reached it yet.

    ``None`` as answer: central never issued this code.
    """
    if answer is None:
        return Finding(
            verdict=Verdict.UNKNOWN,
            act=act_on(Verdict.UNKNOWN, gtin, policy),
            reason="the brand never issued this code",
            age_us=0,
            rests_on="central",
        )
    known = answer if local is None else _corrected(item, local, answer, place.site)[0]
    return _judged(known, place, policy, age_us=0, rests_on="central")


def from_neighbours(
    item: str, evidence: Evidence, gtin: str | None, told: Sequence[ItemTold], place: Place, policy: Policy
) -> Finding | None:
    """What the neighbours' journals did to the item, unless the journal here has done something to it since.

    A sale is certain, as one of our own is; all else is a neighbour's word.
    """
    if not told:
        return None
    local, last = evidence.local, max(told, key=lambda one: one.at_us)
    if local is not None and local.at_us >= last.at_us:
        return None
    if last.state in SOLD:
        first = min((one for one in told if one.state in SOLD), key=lambda one: one.at_us)
        return Finding(
            verdict=Verdict.ALREADY_SOLD,
            act=act_on(Verdict.ALREADY_SOLD, gtin, policy),
            reason=f"sold before at {first.site}, by {first.agent}",
            sold_at_us=first.at_us,
            sold_site=first.site,
            rests_on="neighbour",
        )
    there = LocalItem(item=item, gtin=gtin or "", state=last.state, at_us=last.at_us)
    known, _ = _corrected(item, there, evidence.replica, last.site)
    return _judged(known, place, policy, age_us=None, rests_on="neighbour")


# 6: nobody has answered --------------------------------------------------------------------------------------------------------

_PERHAPS = (
    ("stolen", Verdict.STOLEN, "perhaps reported stolen"),
    ("recalled", Verdict.RECALLED, "perhaps recalled by the brand"),
    ("sold", Verdict.ALREADY_SOLD, "perhaps sold elsewhere before"),
)


def without_answer(gtin: str | None, proof: Proof | None, hits: Sequence[Hit], policy: Policy) -> Finding:
    """Nothing known here, and no answer in time: provisional, and central settles the sale later.

    A filter says "perhaps": it makes the counter ask, and never refuses by itself. A sound signature proves that the label is the
    brand's; not that nobody has sold the item.
    """
    for kind, verdict, reason in _PERHAPS:
        hit = next((hit for hit in hits if hit.kind == kind), None)
        if hit is not None:
            act = act_on(verdict, gtin, policy)
            return Finding(
                verdict=verdict,
                act=Act.ASK if act is Act.REFUSE else act,
                reason=f"{reason}; central could not be asked",
                certain=False,
                age_us=hit.age_us,
                rests_on="filter",
            )
    if proof is not None and proof.kind == "sound":
        return Finding(
            verdict=Verdict.GENUINE,
            act=act_on(Verdict.GENUINE, gtin, policy),
            reason="its label is signed by the brand; whether it was sold elsewhere could not be asked",
            certain=False,
            rests_on="signature",
        )
    act = act_on(Verdict.UNVERIFIED, gtin, policy)
    reason, rests_on = "not known here, and central could not be asked", "policy"
    if proof is not None and proof.kind == "revoked_key":
        # Whoever has such a key can print labels: what looks signed is worth less than a label that claims nothing.
        act = Act.ASK if act is Act.ACCEPT else act
        reason, rests_on = f"{proof.reason}; central could not be asked", "signature"
    return Finding(verdict=Verdict.UNVERIFIED, act=act, reason=reason, certain=False, rests_on=rests_on)


def _judged(known: ItemHere, place: Place, policy: Policy, *, age_us: int | None, rests_on: str) -> Finding:
    verdict, reason = judge(known, place.site, place.today)
    sold = (known.sold_at_us, known.sold_site) if verdict is Verdict.ALREADY_SOLD else (None, None)
    is_fresh = age_us is not None and age_us <= FRESH_US
    return Finding(
        verdict=verdict,
        act=act_on(verdict, known.gtin, policy),
        reason=reason,
        certain=is_fresh or verdict is Verdict.EXPIRED,
        age_us=age_us,
        sold_at_us=sold[0],
        sold_site=sold[1],
        rests_on=rests_on,
    )


# What the till asks of a finding or of the evidence ------------------------------------------------------------------------


def is_counted_by_item(finding: Finding | None, product: Product | None) -> bool:
    """Whether a line is about this one item.

    Makers print serials that this brand never issued on products that it sells by the piece. Such a serial says nothing
    here, so the product is sold as what its GTIN says.
    """
    if finding is None:
        return False
    tracked = product is None or product.serialised
    return tracked or finding.verdict is not Verdict.UNKNOWN


def may_be_returned(evidence: Evidence) -> bool:
    """Whether an item is known to have been sold, here or elsewhere, and has not come back since."""
    if evidence.local is not None:
        return evidence.local.state in SOLD
    return evidence.replica is not None and evidence.replica.state in SOLD


def is_in_stock_here(evidence: Evidence) -> bool:
    """Whether an item is known to lie on this site's own shelf, so that no customer can bring it back."""
    if evidence.local is not None:
        return evidence.local.state == State.SELLABLE
    return evidence.replica is not None and evidence.replica.state == State.SELLABLE
