"""Orders as values and rules: what to propose, and how own documents and central's answers become one list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from protocol.events import GoodsDespatched, OrderSubmitted, Sale, SaleReturned, SaleVoided
from protocol.events import OrderLine as SubmittedLine
from protocol.feeds import OrderLineView, OrderView, StockLevel
from protocol.orders import OrderAction, OrderState, transition

LINES_LIMIT = 500
NUMBER_DIGITS = 5


class DraftLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line being written. ``proposed`` is what the levels asked for, if they did."""

    gtin: str
    quantity: Decimal
    name: str = ""
    proposed: Decimal | None = None


class Draft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order being written. ``order_id`` stays its id once it is submitted."""

    order_id: str
    lines: tuple[DraftLine, ...] = ()
    note: str | None = None


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A product that runs short, with the figures it rests on. ``position`` is what is here or on its way."""

    gtin: str
    quantity: Decimal
    position: Decimal
    on_hand: Decimal
    reorder_point: Decimal
    order_up_to: Decimal


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """An order as this agent submitted it."""

    submitted: OrderSubmitted
    submitted_at_us: int
    cancel_asked_at_us: int | None = None


def propose(
    levels: Iterable[StockLevel], unsent: Mapping[str, Decimal], waiting: Mapping[str, Decimal]
) -> tuple[Proposal, ...]:
    """What to order: products at or below their reorder point, up to their upper level; the shortest first.

    ``unsent`` is what was sold here (returns count against it) and central has not heard of; ``waiting`` what this agent has
    ordered and central has not answered, so that nothing is ordered twice while offline.
    """
    proposals = []
    for level in levels:
        if level.reorder_point is None or level.order_up_to is None:
            continue
        on_hand = level.on_hand - unsent.get(level.gtin, Decimal(0))
        position = on_hand + level.in_transit + level.on_order + waiting.get(level.gtin, Decimal(0))
        if position <= level.reorder_point and level.order_up_to > position:
            proposals.append(
                Proposal(
                    gtin=level.gtin,
                    quantity=level.order_up_to - position,
                    position=position,
                    on_hand=on_hand,
                    reorder_point=level.reorder_point,
                    order_up_to=level.order_up_to,
                )
            )
    return tuple(sorted(proposals, key=lambda proposal: (proposal.position, proposal.gtin)))


def sold_net(bodies: Iterable[object]) -> dict[str, Decimal]:
    """What left the shelf by these facts, by product: sales less voids and restocked returns, and what was sent away by itself."""
    net: dict[str, Decimal] = {}
    for body in bodies:
        if isinstance(body, Sale | GoodsDespatched):
            sign = 1
        elif isinstance(body, SaleVoided) or (
            isinstance(body, SaleReturned) and body.disposition == "restock"
        ):
            sign = -1
        else:
            continue
        for line in body.lines:
            net[line.gtin] = net.get(line.gtin, Decimal(0)) + sign * line.quantity
    return net


def ordered_and_unanswered(own: Iterable[Own], answered: Mapping[str, OrderView]) -> dict[str, Decimal]:
    """What was ordered here and is not in central's list yet, by product."""
    waiting: dict[str, Decimal] = {}
    for order in own:
        if order.submitted.order_id in answered:
            continue
        for line in order.submitted.lines:
            waiting[line.gtin] = waiting.get(line.gtin, Decimal(0)) + line.quantity
    return waiting


def set_line(draft: Draft, line: DraftLine) -> Draft:
    """The draft with this line in place of the product's old one; quantity 0 takes it away."""
    lines = {old.gtin: old for old in draft.lines}
    lines[line.gtin] = line
    kept = tuple(entry for entry in lines.values() if entry.quantity > 0)
    return msgspec.structs.replace(draft, lines=kept)


def quantity_in(draft: Draft, gtin: str) -> Decimal:
    """How much of a product stands in the draft."""
    return next((line.quantity for line in draft.lines if line.gtin == gtin), Decimal(0))


def with_proposals(draft: Draft, proposals: Iterable[Proposal], names: Mapping[str, str]) -> Draft:
    """The draft with every proposal in it; a quantity that a person has set stays."""
    for proposal in proposals:
        if quantity_in(draft, proposal.gtin) == 0:
            draft = set_line(
                draft,
                DraftLine(
                    gtin=proposal.gtin,
                    quantity=proposal.quantity,
                    name=names.get(proposal.gtin, ""),
                    proposed=proposal.quantity,
                ),
            )
    return draft


def lines_fault(lines: Iterable[tuple[str, Decimal]]) -> str | None:
    """Why these lines make no order, or None."""
    seen: set[str] = set()
    for gtin, quantity in lines:
        if gtin in seen:
            return f"{gtin} stands on two lines; expected one line for a product"
        if not 0 < quantity <= 10**7:
            return f"quantity {quantity} of {gtin}: expected more than 0 and at most 10000000"
        seen.add(gtin)
    if not seen:
        return "an order without lines; expected at least one"
    if len(seen) > LINES_LIMIT:
        return f"an order of {len(seen)} lines; expected at most {LINES_LIMIT}"
    return None


def number(lane: str, series: int) -> str:
    """The dealer's own number of an order: its lane, then its series: ``1-PO00042``."""
    return f"{lane}-PO{series:0{NUMBER_DIGITS}d}"


def submitted_lines(lines: Iterable[tuple[str, Decimal]]) -> tuple[SubmittedLine, ...]:
    """The lines as they go into the journal, numbered from 1."""
    return tuple(
        SubmittedLine(line=number_, gtin=gtin, quantity=quantity)
        for number_, (gtin, quantity) in enumerate(lines, 1)
    )


class Listed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order as the counter shows it. ``answered`` is False while central has not told of it."""

    order: OrderView
    answered: bool
    cancel_asked: bool = False


def merged(own: Iterable[Own], answered: Mapping[str, OrderView]) -> tuple[Listed, ...]:
    """Own documents and central's feed as one list, the newest first. Where both speak, central's answer wins."""
    listed: dict[str, Listed] = {}
    for order in own:
        order_id = order.submitted.order_id
        listed[order_id] = Listed(
            order=answered.get(order_id) or _as_submitted(order),
            answered=order_id in answered,
            cancel_asked=order.cancel_asked_at_us is not None,
        )
    for order_id, view in answered.items():
        listed.setdefault(order_id, Listed(order=view, answered=True))
    return tuple(
        sorted(listed.values(), key=lambda entry: (-entry.order.submitted_at_us, entry.order.number))
    )


def _as_submitted(order: Own) -> OrderView:
    return OrderView(
        order_id=order.submitted.order_id,
        number=order.submitted.number,
        state=OrderState.SUBMITTED.value,
        submitted_at_us=order.submitted_at_us,
        lines=tuple(
            OrderLineView(line=line.line, gtin=line.gtin, ordered=line.quantity)
            for line in order.submitted.lines
        ),
    )


def cancel_fault(listed: Listed) -> str | None:
    """Why asking to cancel makes no sense, by the life of an order; None where it may be asked."""
    after = transition(OrderState(listed.order.state), OrderAction.CANCEL)
    return None if isinstance(after, OrderState) else after.reason
