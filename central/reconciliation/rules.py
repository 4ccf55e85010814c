"""What a statement says, and when it is balanced. Pure.

Per product, in quantity and in value (at the moving average of each booking)::

    opening + received + returned + transferred in − sold − transferred out + adjusted (+ revalued) = closing

The two ends are found independently of each other: *opening* is the sum of everything before, *closing* the balance as it is kept
now, less what moved later. A balance that was changed without a movement, or a movement that did not reach its balance, therefore
shows as a line that does not add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from operator import attrgetter

import msgspec

from central.ledger.flows import EFFECT, Flow

ZERO = Decimal(0)


class Moved(msgspec.Struct, frozen=True, gc=False):
    """A flow of a product: of a day, of a month, of whatever was asked for. ``amount_minor`` is what customers paid or got back."""

    gtin: str
    flow: str
    quantity: Decimal
    value_minor: int
    amount_minor: int


class Late(msgspec.Struct, frozen=True, gc=False):
    """A flow that was heard of too late for a statement as it once was; ``is_before``: of an earlier day, so that it moves the opening."""

    moved: Moved
    is_before: bool


class End(msgspec.Struct, frozen=True, gc=False):
    """A product at both ends of a period: the sum of what was before, and the balance now less what came after."""

    gtin: str
    opening: Decimal
    opening_value_minor: int
    closing: Decimal
    closing_value_minor: int


class ProductLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One product over a period, in its unit; values are what the goods cost, in the site's currency.

    ``sold`` is net of voids, ``received`` comes from suppliers. ``adjusted`` is signed: corrections, and what was set aside from the shelf
    or put back. ``revalued`` changes the value alone. ``set_aside`` (returned straight into quarantine) is no part of the sum.
    ``amount_minor`` is what was taken for ``sold``, ``refunded_minor`` what was paid back. ``difference`` is what does not add up.
    """

    gtin: str
    opening: Decimal = ZERO
    received: Decimal = ZERO
    returned: Decimal = ZERO
    transferred_in: Decimal = ZERO
    sold: Decimal = ZERO
    transferred_out: Decimal = ZERO
    adjusted: Decimal = ZERO
    closing: Decimal = ZERO
    set_aside: Decimal = ZERO
    difference: Decimal = ZERO
    amount_minor: int = 0
    refunded_minor: int = 0
    opening_value_minor: int = 0
    received_value_minor: int = 0
    returned_value_minor: int = 0
    transferred_in_value_minor: int = 0
    sold_value_minor: int = 0
    transferred_out_value_minor: int = 0
    adjusted_value_minor: int = 0
    revalued_value_minor: int = 0
    closing_value_minor: int = 0
    set_aside_value_minor: int = 0
    value_difference_minor: int = 0


class Values(msgspec.Struct, frozen=True, kw_only=True):
    """A period in money: goods at cost, and what customers paid for ``sold`` and got back, in one currency."""

    currency: str
    opening_value_minor: int = 0
    received_value_minor: int = 0
    returned_value_minor: int = 0
    transferred_in_value_minor: int = 0
    sold_value_minor: int = 0
    transferred_out_value_minor: int = 0
    adjusted_value_minor: int = 0
    revalued_value_minor: int = 0
    closing_value_minor: int = 0
    set_aside_value_minor: int = 0
    amount_minor: int = 0
    refunded_minor: int = 0


VALUE_FIELDS = tuple(name for name in Values.__struct_fields__ if name != "currency")
_VALUES = attrgetter(*VALUE_FIELDS)


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """A balance that is not the sum of its movements, in quantity or in value."""

    site: str
    gtin: str
    location: str
    kept: Decimal
    replayed: Decimal
    kept_value_minor: int = 0
    replayed_value_minor: int = 0


class FlowDrift(msgspec.Struct, frozen=True, kw_only=True):
    """A flow of a day that is not the sum of the day's movements: what is kept, and what the movements give."""

    gtin: str
    flow: str
    kept: Decimal
    replayed: Decimal
    kept_value_minor: int
    replayed_value_minor: int


def lines_of(ends: Iterable[End], moved: Iterable[Moved]) -> tuple[ProductLine, ...]:
    """The lines of a period, by GTIN; products of which there is nothing to say are left out."""
    flows: dict[str, list[Moved]] = {}
    for one in moved:
        flows.setdefault(one.gtin, []).append(one)
    lines = []
    for end in ends:
        of_product = flows.pop(end.gtin, None)
        if of_product is not None:
            lines.append(_line(end, of_product))
        elif end.opening or end.closing or end.opening_value_minor or end.closing_value_minor:
            lines.append(_still(end))
    lines += [_line(End(gtin, ZERO, 0, ZERO, 0), of_product) for gtin, of_product in flows.items()]
    return tuple(sorted(filter(says_something, lines), key=attrgetter("gtin")))


def _still(end: End) -> ProductLine:
    """A product that did not move, as most of them on most days."""
    return ProductLine(
        gtin=end.gtin,
        opening=end.opening,
        opening_value_minor=end.opening_value_minor,
        closing=end.closing,
        closing_value_minor=end.closing_value_minor,
        difference=end.closing - end.opening,
        value_difference_minor=end.closing_value_minor - end.opening_value_minor,
    )


def _line(end: End, moved: Sequence[Moved]) -> ProductLine:
    fields: dict[str, Decimal | int] = {}
    quantity, value = end.opening, end.opening_value_minor
    for one in moved:
        if one.flow != Flow.REVALUED:
            fields[one.flow] = one.quantity
        fields[f"{one.flow}_value_minor"] = one.value_minor
        effect = EFFECT[Flow(one.flow)]
        quantity += effect * one.quantity
        value += effect * one.value_minor
        if one.flow in _SOLD_OR_BACK and one.amount_minor:
            name = "amount_minor" if one.flow == Flow.SOLD else "refunded_minor"
            fields[name] = fields.get(name, 0) + one.amount_minor
    return ProductLine(
        gtin=end.gtin,
        opening=end.opening,
        opening_value_minor=end.opening_value_minor,
        closing=end.closing,
        closing_value_minor=end.closing_value_minor,
        difference=end.closing - quantity,
        value_difference_minor=end.closing_value_minor - value,
        **fields,  # type: ignore[arg-type]  # names of fields, each with a value of its type
    )


_SOLD_OR_BACK = frozenset({Flow.SOLD, Flow.RETURNED})


def says_something(line: ProductLine) -> bool:
    """Whether there is anything in a line but zeros."""
    return bool(line.closing or line.opening) or any(msgspec.structs.astuple(line)[1:])


def as_it_was(lines: Iterable[ProductLine], late: Iterable[Late]) -> tuple[ProductLine, ...]:
    """The lines without what was heard of too late: of earlier days it moved the opening, of the period itself a flow, and the closing
    with both. The differences stay: they are of today's books."""
    by_gtin = {line.gtin: line for line in lines}
    for one in late:
        moved, line = one.moved, by_gtin.get(one.moved.gtin) or ProductLine(gtin=one.moved.gtin)
        effect = EFFECT[Flow(moved.flow)]
        changed: dict[str, Decimal | int] = {
            "closing": line.closing - effect * moved.quantity,
            "closing_value_minor": line.closing_value_minor - effect * moved.value_minor,
        }
        if one.is_before:
            changed["opening"] = line.opening - effect * moved.quantity
            changed["opening_value_minor"] = line.opening_value_minor - effect * moved.value_minor
        else:
            if moved.flow != Flow.REVALUED:
                changed[moved.flow] = getattr(line, moved.flow) - moved.quantity
            value = f"{moved.flow}_value_minor"
            changed[value] = getattr(line, value) - moved.value_minor
            if moved.flow in _SOLD_OR_BACK:
                name = "amount_minor" if moved.flow == Flow.SOLD else "refunded_minor"
                changed[name] = getattr(line, name) - moved.amount_minor
        by_gtin[moved.gtin] = msgspec.structs.replace(line, **changed)
    return tuple(by_gtin[gtin] for gtin in sorted(by_gtin) if says_something(by_gtin[gtin]))


def values_of(lines: Iterable[ProductLine], currency: str) -> Values:
    """What lines come to in money."""
    columns = zip(*map(_VALUES, lines), strict=True)
    return Values(currency=currency, **dict(zip(VALUE_FIELDS, map(sum, columns), strict=False)))


def faults_of_lines(lines: Iterable[ProductLine]) -> tuple[str, ...]:
    """Lines that do not add up, in words."""
    quantities = [
        f"product {line.gtin}: closing {line.closing} differs from what the movements give by {line.difference}"
        for line in lines
        if line.difference
    ]
    values = [
        f"product {line.gtin}: closing value {line.closing_value_minor} differs from what the movements give by "
        f"{line.value_difference_minor}"
        for line in lines
        if line.value_difference_minor
    ]
    return (*quantities, *values)


def faults_of_flows(drifts: Iterable[FlowDrift]) -> tuple[str, ...]:
    """Flows of the day that its movements do not bear out, in words."""
    return tuple(
        f"product {one.gtin}, {one.flow}: {one.kept} worth {one.kept_value_minor} is kept, the movements of the day give "
        f"{one.replayed} worth {one.replayed_value_minor}"
        for one in drifts
    )
