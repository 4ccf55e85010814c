"""A shift of a till: how it comes about, and what its end is compared with. Pure.

The till seals a shift with its own sums. Central holds them against what it has booked: the receipts by kind, the money by method, and
what should be in the drawer. Two things may come of it, and they are not the same: the till and central do not know the same
(``shift_differs``), or the drawer does not hold what both know (``cash_difference``, ``payment_difference``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

import msgspec

from central.journals.facts import Fact
from central.shifts.receipts import CASH, UNKNOWN, UNSTATED
from protocol.events import Payment, ShiftClosed, ShiftOpened


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """What a till said at the end of a shift; money by method, in minor units."""

    sales: int
    voids: int
    returns: int
    taken: dict[str, int]
    counted: dict[str, int]
    expected: dict[str, int]
    clerk: str | None = None


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """A shift as central knows it. ``journal`` and ``first_seq`` are where it begins: its opening, or where that must have been.

    ``opened_at`` is None while its opening is not known; the float is then not known either. ``seal`` is None while it is open.
    ``business_day`` is that of its end, while it is open of its beginning.
    """

    site: str
    shift_id: str
    agent: str
    number: str
    currency: str
    journal: int
    first_seq: int
    business_day: date
    float_minor: int = 0
    clerk: str | None = None
    opened_at: datetime | None = None
    closed_journal: int | None = None
    last_seq: int | None = None
    closed_at: datetime | None = None
    seal: Seal | None = None

    @property
    def key(self) -> tuple[str, str]:
        """(site, shift id)"""
        return self.site, self.shift_id


class Books(msgspec.Struct, frozen=True, kw_only=True):
    """What central has of a shift: receipts by kind, money by method and moved cash in the currency of the shift.

    ``quarantined`` events (journal, seq) of the shift could not be booked, ``unknown`` voids wait for their sale.
    """

    sales: int = 0
    voids: int = 0
    returns: int = 0
    taken: dict[str, int] = {}
    moved_minor: int = 0
    quarantined: tuple[tuple[int, int], ...] = ()
    unknown: int = 0


class Why(StrEnum):
    """Why the seal of a till and central's books differ, in one word."""

    OPENING_MISSING = "opening_missing"
    SALE_AWAITED = "sale_awaited"
    QUARANTINED_EVENT = "quarantined_event"
    MISSING_EVENT = "missing_event"
    TILL_ERROR = "till_error"
    NOT_CLOSED = "not_closed"


class Differs(msgspec.Struct, frozen=True, kw_only=True):
    """The seal and the books differ: why, by how much at most in one method, and in words."""

    why: Why
    value_minor: int
    words: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A closed shift held against the books.

    ``booked`` is by method what should be there by central's books, ``expected`` what the count is compared with; ``differences`` are
    counted less expected, those that matter.
    """

    booked: dict[str, int]
    expected: dict[str, int]
    differs: Differs | None
    differences: dict[str, int]


def after(shift: Shift | None, fact: Fact, begins_after: int = 0) -> Shift:
    """The shift after an opening or a closing, in whatever order they come; the first of two openings, or two closings, counts.

    ``begins_after`` is the row behind which a shift must begin whose opening is not known.
    """
    body = fact.body
    assert isinstance(body, ShiftOpened | ShiftClosed)
    known = shift or Shift(
        site=fact.site,
        shift_id=body.shift_id,
        agent=fact.agent,
        number=body.number,
        currency=body.currency,
        journal=fact.journal,
        first_seq=fact.seq,
        business_day=fact.business_day,
        clerk=body.clerk,
    )
    if isinstance(body, ShiftOpened):
        return known if known.opened_at is not None else _opened(known, fact, body)
    return known if known.seal is not None else _closed(known, fact, body, begins_after)


def _opened(known: Shift, fact: Fact, body: ShiftOpened) -> Shift:
    return msgspec.structs.replace(
        known,
        journal=fact.journal,
        first_seq=fact.seq,
        opened_at=fact.event_time,
        float_minor=body.float_minor,
        clerk=body.clerk or known.clerk,
    )


def _closed(known: Shift, fact: Fact, body: ShiftClosed, begins_after: int) -> Shift:
    if known.opened_at is None:
        # The till's word counts where it can be true: rows that were copied to another epoch have other numbers there.
        is_possible = begins_after < body.first_seq < fact.seq
        first_seq = body.first_seq if is_possible else begins_after
        known = msgspec.structs.replace(known, journal=fact.journal, first_seq=first_seq)
    return msgspec.structs.replace(
        known,
        closed_journal=fact.journal,
        last_seq=fact.seq,
        closed_at=fact.event_time,
        business_day=fact.business_day,
        seal=Seal(
            sales=body.sales,
            voids=body.voids,
            returns=body.returns,
            taken=_by_method(body.taken),
            counted=_by_method(body.counted),
            expected=_by_method(body.expected),
            clerk=body.clerk,
        ),
    )


def _by_method(payments: tuple[Payment, ...]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in payments:
        sums[one.method] = sums.get(one.method, 0) + one.amount_minor
    return sums


def booked(shift: Shift, books: Books, taken: Mapping[str, int]) -> dict[str, int]:
    """What should be there by method: of cash the float, what was taken, and what was moved."""
    known = {method: amount for method, amount in taken.items() if method not in (UNKNOWN, UNSTATED)}
    return known | {CASH: shift.float_minor + known.get(CASH, 0) + books.moved_minor}


def check(shift: Shift, books: Books, tolerance_minor: int) -> Checked:
    """Hold a closed shift against the books. The cash may be off by the tolerance, other methods not at all."""
    seal = shift.seal
    assert seal is not None
    taken = as_the_till_says(seal.taken, books.taken)
    should_be = booked(shift, books, taken)
    differs = _differs(shift, seal, books, taken, should_be)
    # While central does not have everything, the till knows better what should be there; with everything, the events do.
    till_knows_better = differs is not None and differs.why is not Why.TILL_ERROR
    expected = should_be | seal.expected if till_knows_better else should_be
    differences = {
        method: counted - expected.get(method, 0)
        for method, counted in seal.counted.items()
        if abs(counted - expected.get(method, 0)) > (tolerance_minor if method == CASH else 0)
    }
    return Checked(booked=should_be, expected=expected, differs=differs, differences=differences)


def as_the_till_says(till: Mapping[str, int], central: Mapping[str, int]) -> dict[str, int]:
    """Central's sums by method, where receipts did not say how they were paid put where the till has put them.

    A till may count such receipts as cash, or not at all; neither contradicts a receipt that says nothing.
    """
    rest = central.get(UNSTATED, 0)
    if UNSTATED in till or UNSTATED not in central:
        return dict(central)
    stated = {method: amount for method, amount in central.items() if method != UNSTATED}
    gaps = {
        method: till.get(method, 0) - stated.get(method, 0)
        for method in {*till, *stated}
        if till.get(method, 0) != stated.get(method, 0)
    }
    if not gaps:
        return stated
    if sum(gaps.values()) == rest:
        return stated | {method: stated.get(method, 0) + gap for method, gap in gaps.items()}
    return dict(central)


def _differs(
    shift: Shift, seal: Seal, books: Books, taken: Mapping[str, int], should_be: Mapping[str, int]
) -> Differs | None:
    counts = [
        (name, at_till, here)
        for name, at_till, here in (
            ("sales", seal.sales, books.sales),
            ("voids", seal.voids, books.voids),
            ("returns", seal.returns, books.returns),
        )
        if at_till != here
    ]
    money = [
        (method, seal.taken.get(method, 0), taken.get(method, 0))
        for method in sorted({*seal.taken, *taken})
        if seal.taken.get(method, 0) != taken.get(method, 0)
    ]
    unlike = {method for method, _, _ in money}  # what should be there then differs too, and says no more
    drawer = [
        (f"{method} expected", amount, should_be.get(method, 0))
        for method, amount in sorted(seal.expected.items())
        if shift.opened_at is not None and amount != should_be.get(method, 0) and method not in unlike
    ]
    said = [*counts, *money, *drawer]
    if not said and shift.opened_at is not None:
        return None
    return Differs(
        why=_why(shift, books, is_short=any(at_till > here for _, at_till, here in counts)),
        value_minor=max((abs(at_till - here) for _, at_till, here in (*money, *drawer)), default=0),
        words="; ".join(f"{name}: the till has {at_till}, central {here}" for name, at_till, here in said)
        or "the shift was closed, but its opening is not known here",
    )


def _why(shift: Shift, books: Books, *, is_short: bool) -> Why:
    if shift.opened_at is None:
        return Why.OPENING_MISSING
    if books.unknown:
        return Why.SALE_AWAITED
    if books.quarantined:
        return Why.QUARANTINED_EVENT
    return Why.MISSING_EVENT if is_short else Why.TILL_ERROR
