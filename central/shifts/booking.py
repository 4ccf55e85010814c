"""The money side of facts: how receipts were paid, moved cash, overridden prices, and shifts held against all of it.

A void says how the money went back, or it went back the way it came. Its sale is as a rule in the same journal before it; where it is
not known yet (another till made it, or it is in quarantine) the void is kept as ``unknown``, and put right when the sale arrives:
at once in the transaction of the sale, else by the next round of :func:`mend`, should the two have been booked side by side.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec

from central.database import Connection
from central.discrepancies import storage as discrepancies
from central.discrepancies.rules import Discrepancy
from central.discrepancies.storage import Cause
from central.journals.facts import Fact
from central.shifts import findings, limits, seals, storage
from central.shifts.books import books_of, receipts_of
from central.shifts.receipts import (
    Part,
    PaymentRow,
    return_rows,
    reversed_parts,
    sale_rows,
    void_rows,
)
from central.shifts.rules import Checked, Shift, after, check
from central.shifts.seals import Kept, Key, Place
from central.shifts.storage import Sold, Waiting
from protocol.events import CashMoved, Sale, SaleReturned, SaleVoided, ShiftClosed, ShiftOpened


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from money: cases to be raised, and causes that are none any more."""

    raised: tuple[Discrepancy, ...] = ()
    explained: tuple[Cause, ...] = ()


def book_money(connection: Connection, facts: Sequence[Fact], at: datetime) -> Money:  # noqa: ARG001 - one signature for all rooms
    """Book the money of facts, in their order, as one set; after their receipt lines, in the same transaction."""
    storage.write_payments(connection, _payments(connection, facts))
    mended = _mend(connection, facts)
    storage.write_cash_moves(connection, facts)
    storage.write_overrides(connection, facts)
    return _follow(connection, facts, mended)


def mend(connection: Connection, at: datetime) -> int:
    """By the clock: put voids right whose sale has come meanwhile; how many."""
    mended = _put_right(connection, storage.waiting_voids(connection, None))
    money = _follow(connection, (), mended)
    discrepancies.raise_all(connection, money.raised, at)
    discrepancies.explain(connection, money.explained, at, "a later event explains it")
    return len(mended)


def _payments(connection: Connection, facts: Iterable[Fact]) -> list[PaymentRow]:
    rows: list[PaymentRow] = []
    paid: dict[Sold, list[Part]] = {}
    voids: list[tuple[Fact, SaleVoided]] = []
    for fact in facts:
        match fact.body:
            case Sale() as sale:
                rows += sale_rows(fact, sale)
            case SaleReturned() as returned:
                rows += return_rows(fact, returned)
            case SaleVoided() as void:
                voids.append((fact, void))
    if not voids:
        return rows
    wanted = {(fact.site, void.sale_id) for fact, void in voids if not void.refunds}
    for row in rows:
        sold = row.fact.site, row.sale_id
        if row.kind == "sale" and sold in wanted:
            paid.setdefault(sold, []).append((row.method, row.amount_minor, row.tendered_minor))
    paid |= storage.sales_paid(connection, wanted - paid.keys())
    for fact, void in voids:
        rows += void_rows(fact, void, paid.get((fact.site, void.sale_id)))
    return rows


def _mend(connection: Connection, facts: Iterable[Fact]) -> list[Place]:
    """Put right the voids that waited for one of these sales; where they stand."""
    sold = {(fact.site, fact.body.sale_id) for fact in facts if isinstance(fact.body, Sale)}
    if not sold:
        return []
    waiting = storage.waiting_voids(connection, {site for site, _ in sold})
    return _put_right(connection, [one for one in waiting if (one.site, one.sale_id) in sold])


def _put_right(connection: Connection, waiting: Sequence[Waiting]) -> list[Place]:
    paid = storage.sales_paid(connection, {(one.site, one.sale_id) for one in waiting})
    known = storage.lock_waiting(connection, [one for one in waiting if (one.site, one.sale_id) in paid])
    if known:
        storage.put_right(connection, [(one, _back(one, paid[one.site, one.sale_id])) for one in known])
    return [(one.site, one.journal, one.seq) for one in known]


def _back(void: Waiting, paid: Sequence[Part]) -> list[Part]:
    back = reversed_parts(paid)
    rest = void.amount_minor - sum(amount for _, amount, _ in back)
    return [*back, ("unstated", rest, None)] if rest or not back else back


def _follow(connection: Connection, facts: Sequence[Fact], mended: Collection[Place]) -> Money:
    """Bring shifts up to date, and hold those against the books of which something has changed."""
    ends = [fact for fact in facts if isinstance(fact.body, ShiftOpened | ShiftClosed)]
    named = {
        (fact.site, fact.body.shift_id) for fact in ends if isinstance(fact.body, ShiftOpened | ShiftClosed)
    }
    touched = seals.begun_before(connection, _first_seqs(facts)) | seals.containing(connection, mended)
    if not named and not touched:
        return Money()
    kept = seals.lock(connection, named | touched)
    shifts = {key: one.shift for key, one in kept.items()}
    for fact in ends:
        shifts[_key(fact)] = _after(connection, shifts.get(_key(fact)), fact)
    seals.write(connection, [shifts[key] for key in named])
    closed = [shift for key, shift in sorted(shifts.items()) if shift.seal is not None]
    raised, explained = _check(connection, closed, kept)
    opened_at = {(fact.site, fact.agent) for fact in ends if isinstance(fact.body, ShiftOpened)}
    raised += [findings.not_closed(left, then) for left, then in seals.left_open(connection, opened_at)]
    return Money(raised=tuple(raised), explained=tuple(explained))


def _after(connection: Connection, shift: Shift | None, fact: Fact) -> Shift:
    is_orphan = isinstance(fact.body, ShiftClosed) and (shift is None or shift.opened_at is None)
    begins_after = seals.last_end_before(connection, fact.site, fact.journal, fact.seq) if is_orphan else 0
    return after(shift, fact, begins_after)


def _check(
    connection: Connection, closed: Sequence[Shift], kept: dict[Key, Kept]
) -> tuple[list[Discrepancy], list[Cause]]:
    if not closed:
        return [], []
    books = books_of(connection, closed)
    tolerances = limits.cash_tolerances(connection, {shift.site for shift in closed})
    raised: list[Discrepancy] = []
    explained: list[Cause] = []
    outcomes: list[tuple[Shift, Checked]] = []
    for shift in closed:
        found = check(shift, books[shift.key], tolerances.get(shift.site, 0))
        before = kept[shift.key].checked if shift.key in kept else None
        now = seals.outcome_of(found)
        # What was raised before and has not changed is not raised again: a person may have settled it.
        if found.differs is not None and (before is None or before["differs"] != now["differs"]):
            raised.append(findings.differs(shift, found.differs, books[shift.key]))
        if found.differences and (before is None or before["differences"] != now["differences"]):
            raised += findings.off(shift, found, receipts_of(connection, shift))
        explained += findings.cleared(shift, found)
        outcomes.append((shift, found))
    seals.write_checked(connection, outcomes)
    return raised, explained


def _first_seqs(facts: Iterable[Fact]) -> dict[tuple[str, int], int]:
    """(site, journal) -> the first of these facts that a shift counts."""
    first: dict[tuple[str, int], int] = {}
    for fact in facts:
        if isinstance(fact.body, Sale | SaleVoided | SaleReturned | CashMoved):
            key = fact.site, fact.journal
            if fact.seq < first.get(key, fact.seq + 1):
                first[key] = fact.seq
    return first


def _key(fact: Fact) -> Key:
    assert isinstance(fact.body, ShiftOpened | ShiftClosed)
    return fact.site, fact.body.shift_id
