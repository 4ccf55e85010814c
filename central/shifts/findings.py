"""What is raised of a shift that was held against the books. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.journals.facts import iso
from central.shifts.causes import Likely, Receipt, likely, swapped_with
from central.shifts.receipts import CASH
from central.shifts.rules import Books, Checked, Differs, Shift, Why

Cause = tuple[str, DiscrepancyClass, str]
"""(site, class, cause_key)"""

_BECAUSE = {
    Why.OPENING_MISSING: "its opening is not known here: the machine's database was restored, or the event is in quarantine",
    Why.SALE_AWAITED: "a sale that was voided in it has not arrived yet",
    Why.QUARANTINED_EVENT: "events of the shift are in quarantine",
    Why.MISSING_EVENT: "the till counted receipts that central does not have",
    Why.TILL_ERROR: "central has every event of the shift, and they do not add up to what the till said",
    Why.NOT_CLOSED: "another shift was opened at this till before this one was closed",
}
_PROPOSAL = {
    Why.OPENING_MISSING: "ask for the float of this shift, and count the drawer; dismiss it if the machine was set up anew",
    Why.SALE_AWAITED: "wait until the agent that made the sale has sent it; this case then closes itself",
    Why.QUARANTINED_EVENT: "look at the quarantine; when the events are booked, this case closes itself",
    Why.MISSING_EVENT: "compare the till's own receipts of the shift with those here",
    Why.TILL_ERROR: "trust the events; have the till looked at",
    Why.NOT_CLOSED: "close the shift at the till, or count its drawer and dismiss this",
}


def differs(shift: Shift, why: Differs, books: Books) -> Discrepancy:
    """The till and central do not know the same."""
    quarantined = [
        {"event": "quarantined", "site": shift.site, "agent": shift.agent, "journal": journal, "seq": seq}
        for journal, seq in books.quarantined
    ]
    return Discrepancy(
        site=shift.site,
        discrepancy_class=DiscrepancyClass.SHIFT_DIFFERS,
        cause_key=shift.shift_id,
        likely_cause=f"shift {shift.number}: {_BECAUSE[why.why]} ({why.words})",
        proposal=_PROPOSAL[why.why],
        evidence=(*ends(shift), *quarantined),
        value_minor=why.value_minor,
        currency=shift.currency,
        cause=why.why.value,
    )


def not_closed(shift: Shift, next_shift: Shift) -> Discrepancy:
    """A shift that was open when another one was opened at the same till."""
    return Discrepancy(
        site=shift.site,
        discrepancy_class=DiscrepancyClass.SHIFT_DIFFERS,
        cause_key=shift.shift_id,
        likely_cause=f"shift {shift.number}: {_BECAUSE[Why.NOT_CLOSED]}",
        proposal=_PROPOSAL[Why.NOT_CLOSED],
        evidence=(*ends(shift), *ends(next_shift)[:1]),
        cause=Why.NOT_CLOSED.value,
    )


def off(shift: Shift, checked: Checked, receipts: Sequence[Receipt]) -> list[Discrepancy]:
    """What was counted is not what should be there: one case for the cash, one for each other method, one where the two are the same."""
    found = []
    for method in raised_methods(checked):
        why = likely(method, checked.differences, shift.float_minor, receipts, shift.currency)
        amount = checked.differences[method]
        is_cash = method == CASH
        found.append(
            Discrepancy(
                site=shift.site,
                discrepancy_class=DiscrepancyClass.CASH_DIFFERENCE
                if is_cash
                else DiscrepancyClass.PAYMENT_DIFFERENCE,
                cause_key=shift.shift_id if is_cash else f"{shift.shift_id}/{method}",
                likely_cause=_in_words(shift, checked, method, why),
                proposal="look at the receipts named, ask the clerk, and book the difference"
                if why.receipts
                else "count again, ask the clerk, and book the difference",
                evidence=(*ends(shift), *(_of_receipt(shift, one) for one in why.receipts)),
                value_minor=abs(amount),
                currency=shift.currency,
                cause=why.cause.value,
                probability=why.probability,
            )
        )
    return found


def raised_methods(checked: Checked) -> list[str]:
    """The methods that are a case of their own: cash that another method has too much of is told there."""
    return [
        method
        for method in sorted(checked.differences)
        if method != CASH or swapped_with(method, checked.differences) is None
    ]


def cleared(shift: Shift, checked: Checked) -> Iterable[Cause]:
    """The causes that are none any more, should there be a case of them."""
    if checked.differs is None:
        yield shift.site, DiscrepancyClass.SHIFT_DIFFERS, shift.shift_id
    raised = set(raised_methods(checked))
    if CASH not in raised:
        yield shift.site, DiscrepancyClass.CASH_DIFFERENCE, shift.shift_id
    counted = set() if shift.seal is None else set(shift.seal.counted)
    for method in sorted(counted - raised - {CASH}):
        yield shift.site, DiscrepancyClass.PAYMENT_DIFFERENCE, f"{shift.shift_id}/{method}"


def ends(shift: Shift) -> tuple[dict[str, Any], ...]:
    """The opening and the closing of a shift as evidence."""
    told = {"site": shift.site, "agent": shift.agent, "shift": shift.shift_id, "number": shift.number}
    opened, closed = shift.opened_at, shift.closed_at
    found = []
    if opened is not None:
        place = {"journal": shift.journal, "seq": shift.first_seq, "event_time": iso(opened)}
        found.append(
            {"event": "shift_opened", **told, **place, "clerk": shift.clerk, "float_minor": shift.float_minor}
        )
    if closed is not None:
        place = {"journal": shift.closed_journal, "seq": shift.last_seq, "event_time": iso(closed)}
        counted = (
            {} if shift.seal is None else {"counted": shift.seal.counted, "expected": shift.seal.expected}
        )
        found.append({"event": "shift_closed", **told, **place, **counted})
    return tuple(found)


def _of_receipt(shift: Shift, one: Receipt) -> dict[str, Any]:
    return {
        "event": {"move": "cash_moved", "void": "sale_voided", "return": "sale_returned"}.get(
            one.kind, one.kind
        ),
        "site": shift.site,
        "agent": shift.agent,
        "journal": one.journal,
        "seq": one.seq,
        "event_time": iso(one.event_time),
        "method": one.method,
        "amount_minor": one.amount_minor,
    }


def _in_words(shift: Shift, checked: Checked, method: str, why: Likely) -> str:
    assert shift.seal is not None
    counted, expected = shift.seal.counted[method], checked.expected.get(method, 0)
    return f"shift {shift.number}: {method} counted {counted}, expected {expected} {shift.currency} (minor units): {why.words}"
