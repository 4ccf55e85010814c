"""What a shift comes to: what was taken, what should be in the drawer, and how far a count is off. Pure.

A shift is what was written while it was open, in whatever order it is looked at. Sales before the first shift belong to
none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from agent.till.paying import CASH, PAYMENT_METHODS, refunds_of_return, refunds_of_void
from agent.till.rules import AMOUNT_LIMIT_MINOR, NotAllowed
from protocol.events import Body, CashMoved, Payment, Sale, SaleReturned, SaleVoided

REASON_LIMIT = 200
PIECES_LIMIT = 1_000_000
"""Coins of one value in a drawer; more is a slip of the hand."""

PaymentsOf = Callable[[str], tuple[Payment, ...]]
"""How a sale was paid, by its id."""


class Shift(msgspec.Struct, frozen=True):
    """A shift as it was opened. ``epoch`` and ``first_seq`` are where that stands in the journal."""

    shift_id: str
    number: str
    currency: str
    float_minor: int
    clerk: str | None
    epoch: str
    first_seq: int
    opened_at_us: int


class Moved(msgspec.Struct, frozen=True):
    """Cash put in (above zero) or taken out, for one reason, ``times`` times."""

    reason: str
    amount_minor: int
    times: int = 1


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What was done in a shift. ``taken`` is by method, refunds taken off; ``overridden`` counts lines with another price."""

    sales: int = 0
    voids: int = 0
    returns: int = 0
    sold_minor: int = 0
    voided_minor: int = 0
    returned_minor: int = 0
    discounted_minor: int = 0
    overridden: int = 0
    taken: dict[str, int] = {}
    moves: tuple[Moved, ...] = ()


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """One method of payment. None where it is not told (what is yet to be counted blind), or was not counted."""

    method: str
    taken_minor: int | None
    expected_minor: int | None
    counted_minor: int | None = None

    @property
    def difference_minor(self) -> int | None:
        """What was counted beyond what should be there."""
        if self.counted_minor is None or self.expected_minor is None:
            return None
        return self.counted_minor - self.expected_minor


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The report of a shift: of an open one (X) as of ``at_us``, of a closed one (Z) for good.

    The sums are None where it is yet to be counted blind. ``sold_minor`` is what customers paid for goods, before voids and returns.
    """

    is_closed: bool
    shift_id: str
    number: str
    currency: str
    clerk: str | None
    opened_at_us: int
    at_us: int
    float_minor: int
    sales: int
    voids: int
    returns: int
    overridden: int
    sold_minor: int | None
    voided_minor: int | None
    returned_minor: int | None
    discounted_minor: int | None
    moves: tuple[Moved, ...]
    methods: tuple[Method, ...]


def tally(bodies: Iterable[Body], payments_of: PaymentsOf) -> Tally:
    """What these documents come to; their order does not matter. ``payments_of`` tells of sales that are voided here."""
    counts = {"sales": 0, "voids": 0, "returns": 0, "overridden": 0}
    sums = {"sold_minor": 0, "voided_minor": 0, "returned_minor": 0, "discounted_minor": 0}
    taken: dict[str, int] = {}
    moves: dict[str, Moved] = {}
    for body in bodies:
        match body:
            case Sale():
                counts["sales"] += 1
                counts["overridden"] += sum(line.override_id is not None for line in body.lines)
                sums["sold_minor"] += _amount(body)
                sums["discounted_minor"] += sum(line.discount_minor for line in body.lines)
                _add(taken, body.payments, 1)
            case SaleVoided():
                counts["voids"] += 1
                sums["voided_minor"] += _amount(body)
                _add(taken, refunds_of_void(body, payments_of(body.sale_id)), -1)
            case SaleReturned():
                counts["returns"] += 1
                sums["returned_minor"] += _amount(body)
                _add(taken, refunds_of_return(body), -1)
            case CashMoved():
                before = moves.get(body.reason, Moved(body.reason, 0, 0))
                moves[body.reason] = Moved(
                    body.reason, before.amount_minor + body.amount_minor, before.times + 1
                )
            case _:
                continue
    return Tally(**counts, **sums, taken=taken, moves=tuple(moves[reason] for reason in sorted(moves)))


def expected(float_minor: int, done: Tally) -> dict[str, int]:
    """What should be there, by method: of cash the float, what was taken, and what was moved; of the others what was taken."""
    moved = sum(move.amount_minor for move in done.moves)
    return {**done.taken, CASH: float_minor + done.taken.get(CASH, 0) + moved}


def counted(
    found: Iterable[Payment], denominations: Mapping[str, int], currency: str
) -> dict[str, int] | NotAllowed:
    """A count by method. Of cash as one sum, or by ``denominations``: how many there are of each value in minor units."""
    by_method: dict[str, int] = {}
    for one in found:
        if one.method not in PAYMENT_METHODS or one.method in by_method:
            wanted = ", ".join(PAYMENT_METHODS)
            return NotAllowed("invalid", f"counted {one.method!r}: expected each of {wanted} once at most")
        if one.tendered_minor is not None:
            return NotAllowed(
                "invalid", f"counted {one.method}: has tendered_minor; expected amount_minor alone"
            )
        least = 0 if one.method == CASH else -AMOUNT_LIMIT_MINOR
        if not least <= one.amount_minor <= AMOUNT_LIMIT_MINOR:
            return NotAllowed(
                "bad_amount",
                f"counted {one.method} {one.amount_minor}: expected {least} to {AMOUNT_LIMIT_MINOR}",
            )
        by_method[one.method] = one.amount_minor
    if denominations:
        total = _sum_of(denominations)
        if isinstance(total, NotAllowed):
            return total
        if by_method.get(CASH, total) != total:
            reason = (
                f"cash {by_method[CASH]}, but the denominations come to {total} {currency} in minor units"
            )
            return NotAllowed("bad_amount", f"{reason}; expected the same, or one of the two")
        by_method[CASH] = total
    if CASH not in by_method:
        return NotAllowed("no_count", "counted: has no cash; count the drawer, 0 if there is nothing in it")
    return by_method


def methods_of(
    should: Mapping[str, int],
    taken: Mapping[str, int],
    found: Mapping[str, int] | None,
    *,
    is_blind: bool = False,
) -> tuple[Method, ...]:
    """The lines of a report, cash first. ``is_blind``: what should be there is not told."""
    names = [name for name in PAYMENT_METHODS if name in should or name in (found or {})]
    names += sorted(name for name in should if name not in PAYMENT_METHODS)
    return tuple(
        Method(method=name, taken_minor=None, expected_minor=None)
        if is_blind
        else Method(
            method=name,
            taken_minor=taken.get(name, 0),
            expected_minor=should.get(name, 0),
            counted_minor=None if found is None else found.get(name),
        )
        for name in names
    )


def report(
    shift: Shift, done: Tally, at_us: int, found: Mapping[str, int] | None = None, *, is_blind: bool = False
) -> Report:
    """The report of a shift; ``found`` is its count by method once it is closed.

    A blind one tells neither what should be there nor sums from which that could be reckoned.
    """
    return Report(
        is_closed=found is not None,
        shift_id=shift.shift_id,
        number=shift.number,
        currency=shift.currency,
        clerk=shift.clerk,
        opened_at_us=shift.opened_at_us,
        at_us=at_us,
        float_minor=shift.float_minor,
        sales=done.sales,
        voids=done.voids,
        returns=done.returns,
        overridden=done.overridden,
        sold_minor=None if is_blind else done.sold_minor,
        voided_minor=None if is_blind else done.voided_minor,
        returned_minor=None if is_blind else done.returned_minor,
        discounted_minor=None if is_blind else done.discounted_minor,
        moves=done.moves,
        methods=methods_of(expected(shift.float_minor, done), done.taken, found, is_blind=is_blind),
    )


def paid(by_method: Mapping[str, int]) -> tuple[Payment, ...]:
    """Sums by method as an event bears them, in one order."""
    known = [name for name in PAYMENT_METHODS if name in by_method]
    return tuple(
        Payment(method=name, amount_minor=by_method[name])
        for name in (*known, *sorted(set(by_method) - set(known)))
    )


def reason_fault(reason: str) -> NotAllowed | None:
    """Why these words cannot stand as a reason."""
    if 1 <= len(reason.strip()) <= REASON_LIMIT and reason.isprintable():
        return None
    return NotAllowed("invalid", f"reason: expected 1 to {REASON_LIMIT} characters that can be printed")


def _sum_of(denominations: Mapping[str, int]) -> int | NotAllowed:
    total = 0
    for value, pieces in denominations.items():
        if not (value.isascii() and value.isdigit() and 0 < int(value) <= AMOUNT_LIMIT_MINOR):
            return NotAllowed(
                "invalid", f"denominations {value[:20]!r}: expected a value in minor units, such as 500"
            )
        if not 0 <= pieces <= PIECES_LIMIT:
            return NotAllowed(
                "invalid", f"denominations {value}: {pieces} pieces; expected 0 to {PIECES_LIMIT}"
            )
        total += int(value) * pieces
    return total


def _amount(body: Sale | SaleVoided | SaleReturned) -> int:
    return sum(line.amount_minor for line in body.lines)


def _add(taken: dict[str, int], payments: Iterable[Payment], sign: int) -> None:
    for payment in payments:
        taken[payment.method] = taken.get(payment.method, 0) + sign * payment.amount_minor
