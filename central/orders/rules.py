"""What may be done with an order and what comes of it. Pure: values in, a decision out; see :mod:`protocol.orders` for the states.

A decision that cannot be taken is a :class:`Forbidden` with the reason in words, never an exception.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import msgspec

from central.orders.documents import ZERO, Line, Order
from protocol.events import OrderLine, OrderSubmitted
from protocol.orders import Forbidden, LineResponse, OrderAction, OrderState, transition

QUANTITY_LIMIT = Decimal(10) ** 12
"""Above any real order; a number beyond it is a scan that went into the wrong field."""
DECIMAL_PLACES = 6
LINES_LIMIT = 400
"""What one row of the ``orders`` feed can carry, with a reason on every line."""
_NAMED_FAULTS = 5


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """How a submitted order begins its life at central: submitted, held or refused, with the lines that can be kept."""

    state: OrderState
    reason: str | None
    lines: tuple[Line, ...]


class Acceptance(msgspec.Struct, frozen=True):
    """The answer to an order, line by line."""

    action: OrderAction
    lines: tuple[Line, ...]


class Allocation(msgspec.Struct, frozen=True):
    """What is newly reserved for each line; ``taken`` is the same per product."""

    lines: tuple[Line, ...]
    taken: dict[str, Decimal]


def document_hash(order: OrderSubmitted) -> bytes:
    """The identity of the content: the same document sent twice has the same hash (SHA-256)."""
    return hashlib.sha256(msgspec.msgpack.encode(order, order="deterministic")).digest()


def submission(order: OrderSubmitted, known_gtins: Collection[str], served_from: str | None) -> Submission:
    """How central takes in an order. What cannot be an order is refused, what a person must look at is held."""
    faults = _faults(order)
    lines = tuple(
        Line(line=asked.line, gtin=asked.gtin, ordered=asked.quantity, price_minor=asked.price_minor)
        for asked in _storable(order.lines)
    )
    if faults:
        return Submission(state=OrderState.REFUSED, reason=_together(faults), lines=_all_refused(lines))
    unknown = [line for line in lines if line.gtin not in known_gtins]
    if unknown:
        reasons = {line.line: f"product {line.gtin} is not in the catalogue" for line in unknown}
        said = _together([f"line {number}: {reason}" for number, reason in reasons.items()])
        kept = tuple(msgspec.structs.replace(line, reason=reasons.get(line.line)) for line in lines)
        return Submission(state=OrderState.HELD, reason=said, lines=kept)
    if served_from is None:
        return Submission(
            state=OrderState.HELD,
            reason="no warehouse serves this site yet: name its serving site",
            lines=lines,
        )
    return Submission(state=OrderState.SUBMITTED, reason=None, lines=lines)


def may_revise(order: Order, revision: int) -> Forbidden | None:
    """Whether a newer revision may take the place of ``order``: only while nobody has answered it."""
    if revision <= order.revision:
        return Forbidden(
            f"revision {revision} of order {order.number} differs from the one kept under revision {order.revision}: "
            f"the one kept stands; submit a change with a higher revision"
        )
    if order.state not in (OrderState.SUBMITTED, OrderState.HELD):
        return Forbidden(f"order {order.number} is {order.state}: it can no longer be changed")
    return None


def accept(order: Order, asked: Mapping[int, Decimal] | None) -> Acceptance | Forbidden:
    """Accept an order: whole when ``asked`` is None, else the quantity given for each line, 0 for a line not named."""
    quantities = {line.line: line.ordered for line in order.lines} if asked is None else dict(asked)
    wrong = _wrong_lines(
        order.lines, quantities, {line.line: line.ordered for line in order.lines}, "ordered"
    )
    if wrong is not None:
        return wrong
    lines = tuple(_answered(line, quantities.get(line.line, ZERO)) for line in order.lines)
    if not any(line.accepted for line in lines):
        return Forbidden("no quantity of any line was accepted: refuse the order instead, with a reason")
    whole = all(line.accepted == line.ordered for line in lines)
    return Acceptance(OrderAction.ACCEPT if whole else OrderAction.ACCEPT_PART, lines)


def allocation_state(state: OrderState) -> OrderState | Forbidden:
    """The state after an allocation. An order under way may be given more of what it still lacks; it stays where it is."""
    if state in (OrderState.ALLOCATED, OrderState.PART_DESPATCHED, OrderState.PART_RECEIVED):
        return state
    return transition(state, OrderAction.ALLOCATE)


def allocate(lines: Sequence[Line], available: Mapping[str, Decimal]) -> Allocation:
    """Reserve for each line in turn what it lacks, as far as ``available`` (per product, not yet promised) goes."""
    left = dict(available)
    taken: dict[str, Decimal] = {}
    allocated = []
    for line in lines:
        quantity = min(line.to_allocate, max(left.get(line.gtin, ZERO), ZERO))
        if quantity:
            left[line.gtin] -= quantity
            taken[line.gtin] = taken.get(line.gtin, ZERO) + quantity
        allocated.append(msgspec.structs.replace(line, allocated=line.allocated + quantity))
    return Allocation(tuple(allocated), taken)


def despatched_quantities(
    lines: Sequence[Line], asked: Mapping[int, Decimal] | None
) -> dict[int, Decimal] | Forbidden:
    """What leaves, per line: all that is allocated when ``asked`` is None. More than is allocated cannot leave."""
    allocated = {line.line: line.allocated for line in lines}
    quantities = allocated if asked is None else dict(asked)
    wrong = _wrong_lines(lines, quantities, allocated, "allocated")
    if wrong is not None:
        return wrong
    leaving = {number: quantity for number, quantity in quantities.items() if quantity}
    return leaving or Forbidden("nothing to despatch: nothing is allocated to any line that was named")


def despatch(lines: Sequence[Line], leaving: Mapping[int, Decimal]) -> tuple[OrderAction, tuple[Line, ...]]:
    """The lines after ``leaving`` has left, and whether that was all that was accepted."""
    after = tuple(
        msgspec.structs.replace(
            line,
            allocated=line.allocated - leaving.get(line.line, ZERO),
            despatched=line.despatched + leaving.get(line.line, ZERO),
        )
        for line in lines
    )
    whole = all(line.despatched >= line.accepted for line in after)
    return (OrderAction.DESPATCH if whole else OrderAction.DESPATCH_PART), after


def receive(
    lines: Sequence[Line], arrived: Mapping[int, Decimal], *, more_on_the_way: bool
) -> tuple[OrderAction, tuple[Line, ...]]:
    """The lines after ``arrived`` (per line) was taken in. It is all when nothing is on its way or still to be sent."""
    after = tuple(
        msgspec.structs.replace(line, received=line.received + arrived.get(line.line, ZERO)) for line in lines
    )
    to_come = more_on_the_way or any(line.despatched < line.accepted for line in after)
    return (OrderAction.RECEIVE_PART if to_come else OrderAction.RECEIVE), after


def release(lines: Sequence[Line]) -> tuple[dict[str, Decimal], tuple[Line, ...]]:
    """Give back everything that is reserved: how much per product, and the lines without it."""
    given_back: dict[str, Decimal] = {}
    for line in lines:
        if line.allocated:
            given_back[line.gtin] = given_back.get(line.gtin, ZERO) + line.allocated
    return given_back, tuple(msgspec.structs.replace(line, allocated=ZERO) for line in lines)


def refuse(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Every line answered with a no."""
    return _all_refused(lines)


def _answered(line: Line, accepted: Decimal) -> Line:
    if accepted == line.ordered:
        response = LineResponse.ACCEPTED
    else:
        response = LineResponse.AMENDED if accepted else LineResponse.NOT_ACCEPTED
    return msgspec.structs.replace(line, accepted=accepted, response=response.value)


def _all_refused(lines: Sequence[Line]) -> tuple[Line, ...]:
    return tuple(
        msgspec.structs.replace(line, accepted=ZERO, response=LineResponse.NOT_ACCEPTED.value)
        for line in lines
    )


def _wrong_lines(
    lines: Sequence[Line], quantities: Mapping[int, Decimal], most: Mapping[int, Decimal], what: str
) -> Forbidden | None:
    """The first line whose quantity cannot be meant, in words."""
    known = {line.line for line in lines}
    for number, quantity in quantities.items():
        if number not in known:
            return Forbidden(f"line {number}: the order has no such line; its lines are {_listed(known)}")
        if not ZERO <= quantity <= most[number]:
            return Forbidden(
                f"line {number}: quantity {quantity}: expected 0 to {most[number]}, which is what is {what}"
            )
    return None


def _faults(order: OrderSubmitted) -> list[str]:
    """What makes a document no order, line by line."""
    faults = [] if order.lines else ["the order has no lines"]
    if len(order.lines) > LINES_LIMIT:
        faults.append(f"the order has {len(order.lines)} lines: expected at most {LINES_LIMIT}; split it")
    seen: set[int] = set()
    for asked in order.lines:
        if asked.line in seen:
            faults.append(f"line {asked.line} stands in the order twice")
        seen.add(asked.line)
        if not _is_line_number(asked.line):
            faults.append(f"line {asked.line}: expected a number from 1 to 32767")
        if not _is_quantity(asked.quantity):
            faults.append(
                f"line {asked.line}: quantity {asked.quantity}: expected more than 0, at most 6 decimals"
            )
        if not _is_gtin(asked.gtin):
            faults.append(f"line {asked.line}: product {asked.gtin[:20]!r}: expected a GTIN of 14 digits")
    return faults


def _storable(lines: Sequence[OrderLine]) -> list[OrderLine]:
    kept: dict[int, OrderLine] = {}
    for asked in lines:
        if _is_line_number(asked.line) and _is_quantity(asked.quantity) and _is_gtin(asked.gtin):
            kept.setdefault(asked.line, asked)
    return list(kept.values())[:LINES_LIMIT]


def _together(faults: Sequence[str]) -> str:
    more = len(faults) - _NAMED_FAULTS
    return "; ".join(faults[:_NAMED_FAULTS]) + (f"; and {more} more" if more > 0 else "")


def _is_line_number(line: int) -> bool:
    return 1 <= line <= 32767


def _is_quantity(quantity: Decimal) -> bool:
    if not quantity.is_finite() or not ZERO < quantity < QUANTITY_LIMIT:
        return False
    exponent = quantity.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -DECIMAL_PLACES


def _is_gtin(gtin: str) -> bool:
    return len(gtin) == 14 and gtin.isascii() and gtin.isdigit()


def _listed(numbers: Collection[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers)[:20]) or "none"
