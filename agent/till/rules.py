"""The basket of one customer, as values and rules.

A line is a quantity of one product, or exactly one coded item: such an item has quantity 1 and stands in a basket once.
What a rule does not allow comes back as :class:`NotAllowed`, with the reason in words and as a key for translation.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from agent.till.money import times
from protocol.events import SaleLine
from protocol.verdicts import Finding

LINES_LIMIT = 500
"""Lines of one basket: a receipt of more would not fit one event."""
QUANTITY_LIMIT = Decimal(10) ** 7
QUANTITY_DECIMALS = 6
AMOUNT_LIMIT_MINOR = 10**12


class NotAllowed(msgspec.Struct, frozen=True):
    """What the rules of the till forbid; ``key`` names the sentence for a page in another language."""

    key: str
    reason: str
    line: int | None = None


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """What a scan puts into a basket. ``amount_minor`` is set where the label itself tells it (a scale's price), or where it is known
    what was paid. In a return, ``sale_id`` and ``receipt`` name the sale that it comes from."""

    gtin: str
    name: str = ""
    unit: str = "each"
    quantity: Decimal = Decimal(1)
    price_minor: int | None = None
    amount_minor: int | None = None
    item: str | None = None
    finding: Finding | None = None
    sale_id: str | None = None
    receipt: str | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line. ``list_price_minor`` is for one unit; ``amount_minor`` is what is to be paid for the line."""

    line: int
    gtin: str
    quantity: Decimal
    amount_minor: int
    name: str = ""
    unit: str = "each"
    discount_minor: int = 0
    list_price_minor: int | None = None
    item: str | None = None
    finding: Finding | None = None
    sale_id: str | None = None
    receipt: str | None = None
    fixed: bool = (
        False  # quantity or amount was set by hand or by a scale: a further scan makes a line of its own
    )


class Basket(msgspec.Struct, frozen=True, kw_only=True):
    """What one customer has on the counter. ``basket_id`` becomes the id of the sale (or of the return)."""

    basket_id: str
    lines: tuple[Line, ...] = ()
    next_line: int = 1
    member: str | None = None


def line_of_item(basket: Basket, item: str) -> Line | None:
    """The line that holds this item."""
    return next((line for line in basket.lines if line.item == item), None)


def add(basket: Basket, piece: Piece) -> tuple[Basket, Line] | NotAllowed:
    """The basket with the piece in it, and the line it stands on."""
    if piece.item is not None and (there := line_of_item(basket, piece.item)):
        return NotAllowed(
            "in_basket", f"this item is in the basket already, on line {there.line}", there.line
        )
    if (fault := quantity_fault(piece.quantity)) is not None:
        return fault
    amount = piece.amount_minor
    if amount is None:
        if piece.price_minor is None:
            return NotAllowed("no_price", f"no price is known for {piece.gtin}; enter the amount")
        amount = times(piece.price_minor, piece.quantity)
    if not 0 <= amount <= AMOUNT_LIMIT_MINOR:
        return NotAllowed("bad_amount", f"amount {amount}: expected 0 to {AMOUNT_LIMIT_MINOR} in minor units")
    if (same := _line_to_grow(basket, piece)) is not None:
        grown = msgspec.structs.replace(
            same,
            quantity=same.quantity + piece.quantity,
            amount_minor=times(piece.price_minor or 0, same.quantity + piece.quantity),
        )
        return _with(basket, grown), grown
    if len(basket.lines) >= LINES_LIMIT:
        return NotAllowed("full", f"the basket has {LINES_LIMIT} lines; complete it and begin another")
    line = Line(
        line=basket.next_line,
        gtin=piece.gtin,
        name=piece.name,
        unit=piece.unit,
        quantity=piece.quantity,
        amount_minor=amount,
        list_price_minor=piece.price_minor,
        item=piece.item,
        finding=piece.finding,
        sale_id=piece.sale_id,
        receipt=piece.receipt,
        fixed=piece.amount_minor is not None or piece.quantity != 1,
    )
    grown_basket = msgspec.structs.replace(
        basket, lines=(*basket.lines, line), next_line=basket.next_line + 1
    )
    return grown_basket, line


def _line_to_grow(basket: Basket, piece: Piece) -> Line | None:
    if piece.item is not None or piece.amount_minor is not None or piece.quantity != 1:
        return None
    for line in basket.lines:
        plain = line.item is None and not line.fixed and line.discount_minor == 0
        if line.gtin == piece.gtin and plain and line.list_price_minor == piece.price_minor:
            return line
    return None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a cashier changes on a line; None leaves it."""

    quantity: Decimal | None = None
    amount_minor: int | None = None
    discount_minor: int | None = None


def change(basket: Basket, number: int, asked: Change) -> Basket | NotAllowed:
    """The basket after a change of one line.

    A new quantity is priced anew, less the discount; a given amount stands as it is; a discount alone comes off the price.
    """
    line = find(basket, number)
    if isinstance(line, NotAllowed):
        return line
    if asked.quantity is not None:
        if line.item is not None and asked.quantity != 1:
            return NotAllowed("one_item", "a coded item is one piece: scan the next one's own code", number)
        if (fault := quantity_fault(asked.quantity)) is not None:
            return fault
    quantity = line.quantity if asked.quantity is None else asked.quantity
    discount = line.discount_minor if asked.discount_minor is None else asked.discount_minor
    if asked.amount_minor is not None:
        amount = asked.amount_minor
    else:
        gross = line.amount_minor + line.discount_minor
        if asked.quantity is not None and asked.quantity != line.quantity:
            if line.list_price_minor is None:
                return NotAllowed(
                    "no_price", f"no price is known for {line.gtin}; give the amount too", number
                )
            gross = times(line.list_price_minor, quantity)
        amount = gross - discount
    if not 0 <= amount <= AMOUNT_LIMIT_MINOR or discount < 0:
        return NotAllowed(
            "bad_amount", f"amount {amount}, discount {discount}: expected neither below 0", number
        )
    changed = msgspec.structs.replace(
        line, quantity=quantity, amount_minor=amount, discount_minor=discount, fixed=True
    )
    return _with(basket, changed)


def remove(basket: Basket, number: int) -> Basket | NotAllowed:
    """The basket without one line."""
    line = find(basket, number)
    if isinstance(line, NotAllowed):
        return line
    return msgspec.structs.replace(basket, lines=tuple(kept for kept in basket.lines if kept.line != number))


def find(basket: Basket, number: int) -> Line | NotAllowed:
    """A line by its number."""
    for line in basket.lines:
        if line.line == number:
            return line
    return NotAllowed("no_line", f"line {number} is not in the basket", number)


def total_minor(basket: Basket) -> int:
    """What is to be paid."""
    return sum(line.amount_minor for line in basket.lines)


def sale_lines(basket: Basket) -> tuple[SaleLine, ...]:
    """The lines as they go into the journal, with what the counter said of each item."""
    return tuple(
        SaleLine(
            gtin=line.gtin,
            quantity=line.quantity,
            amount_minor=line.amount_minor,
            discount_minor=line.discount_minor,
            item=line.item,
            verdict=None if line.finding is None else line.finding.verdict.value,
            provisional=line.finding is not None and not line.finding.certain,
        )
        for line in basket.lines
    )


def quantity_fault(quantity: Decimal) -> NotAllowed | None:
    """Why a quantity cannot stand on a line. Zero can: tills print such lines, for a coupon or a free sample."""
    exponent = quantity.as_tuple().exponent
    if not isinstance(exponent, int) or not 0 <= quantity <= QUANTITY_LIMIT:
        return NotAllowed("bad_quantity", f"quantity {quantity}: expected 0 to {QUANTITY_LIMIT}")
    if -exponent > QUANTITY_DECIMALS:
        return NotAllowed(
            "bad_quantity", f"quantity {quantity}: expected at most {QUANTITY_DECIMALS} decimals"
        )
    return None


def _with(basket: Basket, changed: Line) -> Basket:
    lines = tuple(changed if line.line == changed.line else line for line in basket.lines)
    return msgspec.structs.replace(basket, lines=lines)
