"""The basket of one customer, as values and rules.

A line is a quantity of one product, or exactly one coded item: such an item has quantity 1 and stands in a basket once.
What a rule does not allow comes back as :class:`NotAllowed`, with the reason in words and as a key for translation.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from agent.till.money import times
from protocol.events import PriceOverridden, SaleLine
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


class Overriding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """That a person changed a price or went beyond a limit: under which id it is told, why, and who allowed it."""

    override_id: str
    reason: str
    clerk: str | None = None
    authorised_by: str | None = None


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
    override: Overriding | None = None  # why a person gave the amount


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line. ``list_price_minor`` is for one unit; ``amount_minor`` is what is to be paid for the line.

    ``price_minor`` is what a person says that one unit costs, in place of the list's; ``override`` tells of it, or of a discount that
    somebody allowed.
    """

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
    price_minor: int | None = None
    override: Overriding | None = None
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
        price_minor=None if piece.override is None else of_one(amount, piece.quantity),
        override=piece.override,
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
    """What a cashier changes on a line; None leaves it. ``price_minor`` is for one unit; ``override`` is why, where that is told."""

    quantity: Decimal | None = None
    price_minor: int | None = None
    amount_minor: int | None = None
    discount_minor: int | None = None
    override: Overriding | None = None


def change(basket: Basket, number: int, asked: Change) -> Basket | NotAllowed:
    """The basket after a change of one line; see :func:`changed`."""
    return with_changed(basket, number, lambda line: changed(line, asked))


def with_changed(
    basket: Basket, number: int, act: Callable[[Line], Line | NotAllowed]
) -> Basket | NotAllowed:
    """The basket after ``act`` has changed one line."""
    line = find(basket, number)
    after = line if isinstance(line, NotAllowed) else act(line)
    return after if isinstance(after, NotAllowed) else _with(basket, after)


def changed(line: Line, asked: Change) -> Line | NotAllowed:
    """A line after a change.

    A new quantity is priced anew, less the discount; a given amount stands as it is; a discount alone comes off the price. A
    price that a person gave stays with the line until it is given anew.
    """
    if (fault := _fault(line, asked)) is not None:
        return fault
    quantity = line.quantity if asked.quantity is None else asked.quantity
    discount = line.discount_minor if asked.discount_minor is None else asked.discount_minor
    price, override = line.price_minor, line.override
    if asked.price_minor is not None or asked.amount_minor is not None:
        price = override = None
    if asked.amount_minor is not None:
        gross = asked.amount_minor + discount
        if asked.override is not None:
            price = of_one(gross, quantity)
    elif asked.price_minor is not None:
        price = asked.price_minor
        gross = times(price, quantity)
    elif quantity != line.quantity:
        unit = line.list_price_minor if price is None else price
        if unit is None:
            return NotAllowed(
                "no_price", f"no price is known for {line.gtin}; give the amount too", line.line
            )
        gross = times(unit, quantity)
    else:
        gross = line.amount_minor + line.discount_minor
    if price is not None and price == line.list_price_minor:
        price = override = None
    elif asked.override is not None:
        override = asked.override
    amount = gross - discount
    if not 0 <= amount <= AMOUNT_LIMIT_MINOR or discount < 0:
        return NotAllowed(
            "bad_amount", f"amount {amount}, discount {discount}: expected neither below 0", line.line
        )
    return msgspec.structs.replace(
        line,
        quantity=quantity,
        amount_minor=amount,
        discount_minor=discount,
        price_minor=price,
        override=override,
        fixed=True,
    )


def _fault(line: Line, asked: Change) -> NotAllowed | None:
    """Why a change cannot be; of a coded item there is one, whoever allows more."""
    if asked.quantity is not None:
        if line.item is not None and asked.quantity != 1:
            return NotAllowed(
                "one_item", "a coded item is one piece: scan the next one's own code", line.line
            )
        if (fault := quantity_fault(asked.quantity)) is not None:
            return fault
    if asked.price_minor is not None and asked.amount_minor is not None:
        return NotAllowed("bad_amount", "price_minor and amount_minor: expected one of the two", line.line)
    if asked.price_minor is not None and not 0 <= asked.price_minor <= AMOUNT_LIMIT_MINOR:
        return NotAllowed(
            "bad_amount", f"price {asked.price_minor}: expected 0 to {AMOUNT_LIMIT_MINOR}", line.line
        )
    return None


def of_one(gross_minor: int, quantity: Decimal) -> int:
    """What one unit costs where a whole line costs so much."""
    return int((gross_minor / (quantity or Decimal(1))).quantize(Decimal(1), ROUND_HALF_UP))


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
            override_id=None if line.override is None else line.override.override_id,
        )
        for line in basket.lines
    )


def overridden(line: Line, currency: str) -> PriceOverridden | None:
    """What is told of a line whose price a person changed; of a discount beyond the limit, the price that is left of it."""
    if line.override is None:
        return None
    price = of_one(line.amount_minor, line.quantity) if line.price_minor is None else line.price_minor
    return PriceOverridden(
        override_id=line.override.override_id,
        gtin=line.gtin,
        currency=currency,
        list_price_minor=line.list_price_minor,
        price_minor=price,
        reason=line.override.reason,
        clerk=line.override.clerk,
        authorised_by=line.override.authorised_by,
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
