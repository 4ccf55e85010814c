"""Goods that leave, as values and rules. Pure.

A despatch goes to one site. What the counter knows against an item stops it at the door: a sold one, one that is not here, one that the
brand holds. What may not be sold any more (recalled, past its date) may go back to a warehouse, and nowhere else. What was set aside is no stock
that could leave: it is put back on the shelf first, or written off.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from agent.tallying.rules import NotTallied, Tally
from agent.tallying.steps import TallyCase
from agent.verification.rules import SOLD, LocalItem
from protocol.events import EVENT_LIMIT_BYTES, GoodsDespatched, GoodsLine, Unopened
from protocol.feeds import ItemHere, SiteHere
from protocol.items import State
from protocol.verdicts import Finding, Verdict

WAREHOUSE = "warehouse"
REASON_LIMIT = 200
_ROOM_BYTES = EVENT_LIMIT_BYTES - 4 * 1024
_LINE_BYTES = 80
_CASE_BYTES = 48
_BACK = frozenset({State.RECALLED, State.EXPIRED})
_ON_RECORD = frozenset({"journal", "replica", "central", "neighbour", "label"})
_COUNTERFEIT = frozenset({Verdict.FORGED, Verdict.UNKNOWN, Verdict.UNREADABLE})
_WORDS: dict[State, str] = {
    State.RECALLED: "it is recalled",
    State.EXPIRED: "it is past its date",
    State.QUARANTINED: "it was set aside",
    State.HELD: "the brand holds it",
    State.STOLEN: "it is reported stolen",
    State.DESTROYED: "it is reported destroyed",
}


class Leaving(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Goods being loaded. ``despatch_id`` becomes the id of the document; ``to`` None: nobody has said where they go.

    ``back_only`` are items and cases that may go to a warehouse and nowhere else; some may have been taken out again.
    """

    despatch_id: str
    to: SiteHere | None = None
    order_id: str | None = None
    reason: str | None = None
    tally: Tally = Tally()
    back_only: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been loaded."""
        return self.tally.is_empty


class Hindrance(msgspec.Struct, frozen=True):
    """Why an item does not leave; ``may_go_back``: to a warehouse it does."""

    key: str
    reason: str
    may_go_back: bool = False


NO_DESTINATION = NotTallied("no_destination", "nobody has said where it goes: choose the destination first")


def bound_for(leaving: Leaving, to: SiteHere, order_id: str | None) -> Leaving | NotTallied:
    """The goods with their destination. What may only go back to a warehouse is on no way to a shop."""
    loose = {item for line in leaving.tally.lines for item in line.items}
    back_only = set(leaving.back_only) & (loose | {case.sscc for case in leaving.tally.cases})
    if back_only and to.kind != WAREHOUSE:
        return NotTallied(
            "back_only",
            f"{len(back_only)} of what is loaded may only go back to a warehouse, and {to.name} is none: take it out first",
        )
    return msgspec.structs.replace(leaving, to=to, order_id=order_id)


def loaded(leaving: Leaving, tally: Tally, back_only: str | None = None) -> Leaving | NotTallied:
    """The goods with another tally, if they still fit one event; ``back_only`` is what has come that may only go to a warehouse."""
    if size_bytes(tally) > max(_ROOM_BYTES, size_bytes(leaving.tally)):
        return NotTallied("full", "this despatch is full: complete it, and go on with another")
    added = () if back_only is None or back_only in leaving.back_only else (back_only,)
    return msgspec.structs.replace(leaving, tally=tally, back_only=(*leaving.back_only, *added))


def hindrance(
    finding: Finding | None, local: LocalItem | None, known: ItemHere | None, site: str
) -> Hindrance | None:
    """What stands against sending a coded item away from ``site``; None: it is here, and free to go."""
    if local is not None and local.state in SOLD:
        on = f", on receipt {local.receipt}" if local.receipt else ""
        return Hindrance("sold", f"this item was sold here{on}")
    if local is not None and local.state == State.IN_TRANSIT:
        return Hindrance("left", f"this item left before, with {local.receipt}")
    if finding is not None and finding.verdict in _COUNTERFEIT:
        return Hindrance("verdict", finding.reason)
    is_known = finding is not None and finding.rests_on in _ON_RECORD
    if not is_known or finding is None or (local is None and known is None and finding.rests_on == "label"):
        return _NOT_KNOWN
    return _by_finding(finding, local, known, site)


def _by_finding(
    finding: Finding, local: LocalItem | None, known: ItemHere | None, site: str
) -> Hindrance | None:
    if finding.verdict is Verdict.GENUINE:
        return None
    if finding.verdict in {Verdict.NOT_RECEIVED, Verdict.WRONG_SITE}:
        return Hindrance("not_received", f"{finding.reason}; receive it first, if it is here")
    if local is None and known is not None and known.site not in {None, site}:
        return Hindrance("not_received", f"it was sent to {known.site}; receive it first, if it is here")
    state = _state(local, known)
    words = None if state is None else _WORDS.get(state)
    may_go_back = state in _BACK or finding.verdict is Verdict.EXPIRED
    return Hindrance(finding.verdict.value, words or finding.reason, may_go_back)


def hindrance_in_case(state: str | None) -> Hindrance | None:
    """The same of an item in a case that stands here: its record alone speaks."""
    kept = None if state is None else State(state)
    if kept in SOLD:
        return Hindrance("sold", "it was sold")
    if kept is None or kept not in _WORDS:
        return None
    return Hindrance(kept.value, _WORDS[kept], may_go_back=kept in _BACK)


def refused(hindered: Hindrance, to: SiteHere) -> NotTallied | None:
    """What a hindrance comes to for this destination."""
    if hindered.may_go_back and to.kind == WAREHOUSE:
        return None
    back = "; it may go back to a warehouse, and nowhere else" if hindered.may_go_back else ""
    return NotTallied(hindered.key, f"{hindered.reason}{back}")


def despatched(leaving: Leaving, to: SiteHere, despatch_id: str, clerk: str | None) -> GoodsDespatched:
    """The goods as they go into the journal."""
    return GoodsDespatched(
        despatch_id=despatch_id,
        to_site=to.site,
        lines=tuple(
            GoodsLine(gtin=line.gtin, quantity=line.quantity, items=tuple(sorted(line.items)))
            for line in sorted(leaving.tally.lines, key=lambda line: line.gtin)
        ),
        containers=tuple(
            Unopened(sscc=case.sscc, items=len(case.items) if case.is_known else None)
            for case in leaving.tally.cases
        ),
        order_id=leaving.order_id,
        reason=leaving.reason,
        clerk=clerk,
    )


def size_bytes(tally: Tally) -> int:
    """About how large the event of a tally is. What lies in cases is not in it."""
    items = sum(len(item) + 2 for line in tally.lines for item in line.items)
    return len(tally.lines) * _LINE_BYTES + len(tally.cases) * _CASE_BYTES + items


def items_of(parts: Iterable[TallyCase]) -> tuple[tuple[str, str], ...]:
    """Every coded item in these cases: item, and its product."""
    return tuple((item, line.gtin) for case in parts for line in case.lines for item in line.items)


def _state(local: LocalItem | None, known: ItemHere | None) -> State | None:
    """Where the item is in its life, as far as is known here; central's stop outweighs what happened here."""
    if known is not None and (local is None or known.state in _WORDS):
        return State(known.state)
    return None if local is None else State(local.state)


_NOT_KNOWN = Hindrance(
    "not_known_here", "nothing is known here of this item: receive it first, then send it on"
)
