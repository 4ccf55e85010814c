"""Prices and discounts that a person changes on the basket, held against the brand's limits; beyond them, a supervisor is asked for.

What waits for a supervisor is one change at a time. Their card, at any scanner, or their PIN lets it happen; it is
forgotten with the basket it was asked for.
"""

from __future__ import annotations

import threading
import uuid
from decimal import Decimal

import msgspec

from agent.shop import Shop
from agent.till import limits as rule
from agent.till import rules
from agent.till.desk import Desk
from agent.till.found import Found
from agent.till.frames import AuthorisationFrame, Outcome
from agent.till.limits import PriceView
from agent.till.money import times
from agent.till.rules import Change, Line, NotAllowed, Overriding, Piece
from agent.till.supervisors import Supervisors
from protocol.feeds import Feed, TillLimits

REASON_LIMIT = 200
NO_LIMITS = TillLimits()
_KEY = "till"
_DISCOUNT = "discount"
_limits_decoder = msgspec.json.Decoder(TillLimits)


class PriceAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a line as somebody asks for it."""

    quantity: Decimal | None = None
    price_minor: int | None = None
    amount_minor: int | None = None
    discount_minor: int | None = None
    reason: str | None = None


class _Waiting(msgspec.Struct, frozen=True):
    waiting_id: str
    basket_id: str
    number: int
    asked: PriceAsked
    why: str


class Pricing:
    """Changes the lines of the basket within limits. Thread-safe."""

    def __init__(self, shop: Shop, desk: Desk, supervisors: Supervisors) -> None:
        self.supervisors = supervisors
        self._replica = shop.replica
        self._clerk = shop.clerk
        self._announce = shop.announce
        self._desk = desk
        self._lock = threading.Lock()
        self._waiting: _Waiting | None = None

    def limits(self) -> TillLimits | None:
        """How far a clerk may go alone; None where the brand has said nothing."""
        row = self._replica.get(Feed.LIMITS, _KEY)
        return None if row is None else _limits_decoder.decode(row)

    def change(self, number: int, asked: PriceAsked, authorised_by: str | None = None) -> NotAllowed | None:
        """Change a line. What a clerk may not do alone waits then for a supervisor (``needs_authorisation``)."""
        basket_id = self._desk.basket.basket_id
        refused = self._desk.change_line(number, lambda line: self._changed(line, asked, authorised_by))
        if refused is not None and refused.key == "needs_authorisation":
            if not self.supervisors.is_any:
                return NotAllowed(
                    "no_supervisor", f"{refused.reason}, and nobody is named in [[supervisor]]", number
                )
            self._wait(_Waiting(str(uuid.uuid4()), basket_id, number, asked, refused.reason))
        return refused

    def authorise(self, name: str, waiting_id: str | None = None) -> NotAllowed | None:
        """A supervisor allows what waits; with ``waiting_id`` only that, which they were shown."""
        with self._lock:
            waiting = self._waiting
            is_shown = waiting is not None and waiting_id in {None, waiting.waiting_id}
            if is_shown:
                self._waiting = None
        if waiting is None or not is_shown or waiting.basket_id != self._desk.basket.basket_id:
            return NotAllowed("nothing_to_authorise", "nothing waits for a supervisor here")
        refused = self.change(waiting.number, waiting.asked, name)
        self._announce(self.frame())
        return refused

    def give_up(self) -> None:
        """What waits is not wanted any more."""
        self._wait(None)

    def card(self, argument: str) -> Found:
        """A supervisor's card was scanned."""
        name = self.supervisors.by_card(argument)
        if isinstance(name, NotAllowed):
            return Found(outcome=Outcome.REFUSED, message=name.reason, key=name.key)
        refused = self.authorise(name)
        if refused is not None:
            outcome = Outcome.IGNORED if refused.key == "nothing_to_authorise" else Outcome.REFUSED
            return Found(outcome=outcome, message=refused.reason, key=refused.key, line=refused.line)
        return Found(outcome=Outcome.FOUND, message=f"allowed by {name}", key="authorised")

    def frame(self) -> AuthorisationFrame:
        """What waits for a supervisor, as screens see it."""
        with self._lock:
            waiting = self._waiting
        basket = self._desk.basket
        line = (
            None
            if waiting is None or waiting.basket_id != basket.basket_id
            else next((one for one in basket.lines if one.line == waiting.number), None)
        )
        if waiting is None or line is None:
            return AuthorisationFrame(basket_id=basket.basket_id)
        asked = waiting.asked
        after = rules.changed(
            line,
            Change(
                quantity=asked.quantity,
                price_minor=asked.price_minor,
                amount_minor=asked.amount_minor,
                discount_minor=asked.discount_minor,
            ),
        )
        return AuthorisationFrame(
            basket_id=basket.basket_id,
            waiting_id=waiting.waiting_id,
            line=line.line,
            name=line.name or line.gtin,
            why=waiting.why,
            reason=asked.reason,
            before_minor=line.amount_minor,
            after_minor=line.amount_minor if isinstance(after, NotAllowed) else after.amount_minor,
        )

    def by_hand(self, piece: Piece) -> Piece | NotAllowed:
        """A piece whose amount was put in by hand. ``override`` says why, where that was told; its reason may be empty."""
        list_price, amount, told = piece.price_minor, piece.amount_minor, piece.override
        is_as_listed = amount is None or list_price is None or amount == times(list_price, piece.quantity)
        if is_as_listed or amount is None:
            return msgspec.structs.replace(piece, override=None)
        limits = self.limits()
        if told is None or not told.reason:
            if limits is not None and _wants_reason(limits):
                return _REASON_WANTED
            return msgspec.structs.replace(piece, override=None)
        if (fault := _reason_fault(told.reason)) is not None:
            return fault
        view = PriceView(
            list_price_minor=list_price,
            quantity=piece.quantity,
            gross_minor=amount,
            discount_minor=0,
            is_overridden=True,
        )
        why = rule.beyond(view, limits or NO_LIMITS)
        if why is not None and told.authorised_by is None:
            return NotAllowed("needs_authorisation", why)
        return piece

    def overriding(self, reason: str | None, authorised_by: str | None = None) -> Overriding:
        """Who changes a price now, and why."""
        return Overriding(
            override_id=str(uuid.uuid4()),
            reason=(reason or "").strip(),
            clerk=self._clerk.name(),
            authorised_by=authorised_by,
        )

    def _wait(self, waiting: _Waiting | None) -> None:
        with self._lock:
            self._waiting = waiting
        self._announce(self.frame())

    def _changed(self, line: Line, asked: PriceAsked, authorised_by: str | None) -> Line | NotAllowed:
        told = self.overriding(asked.reason, authorised_by)
        gives_price = asked.price_minor is not None or (asked.amount_minor is not None and bool(told.reason))
        is_listed = line.list_price_minor is not None  # else there is nothing that a person could override
        after = rules.changed(
            line,
            Change(
                quantity=asked.quantity,
                price_minor=asked.price_minor,
                amount_minor=asked.amount_minor,
                discount_minor=asked.discount_minor,
                override=told if gives_price and is_listed else None,
            ),
        )
        if isinstance(after, NotAllowed):
            return after
        if told.reason and (fault := _reason_fault(told.reason)) is not None:
            return fault
        limits = self.limits()
        if _is_without_reason(asked, after, told, limits):
            return msgspec.structs.replace(_REASON_WANTED, line=line.line)
        if rule.beyond(_view(after), limits or NO_LIMITS) is None:
            return after
        if authorised_by is not None:
            reason = told.reason or _DISCOUNT
            return msgspec.structs.replace(after, override=msgspec.structs.replace(told, reason=reason))
        before = line.override
        is_authorised = before is not None and before.authorised_by is not None
        why = rule.beyond(_view(after), limits or NO_LIMITS, _view(line) if is_authorised else None)
        if why is not None:
            return NotAllowed("needs_authorisation", why, line.line)
        assert before is not None
        kept = msgspec.structs.replace(after.override or before, authorised_by=before.authorised_by)
        return msgspec.structs.replace(after, override=kept)


_REASON_WANTED = NotAllowed("reason_wanted", "another price than the list's: say why, as reason")


def _wants_reason(limits: TillLimits) -> bool:
    """Whether the brand holds prices against anything at all; a till that was there before it did goes on as it was."""
    return not limits.override or limits.override_limit_bp is not None


def _is_without_reason(asked: PriceAsked, after: Line, told: Overriding, limits: TillLimits | None) -> bool:
    if told.reason:
        return False
    if after.list_price_minor is None:
        return False
    if asked.price_minor is not None:
        return after.price_minor is not None
    if asked.amount_minor is None or limits is None or not _wants_reason(limits):
        return False
    view = msgspec.structs.replace(_view(after), is_overridden=True)
    return view.deviation_minor > 0


def _reason_fault(reason: str) -> NotAllowed | None:
    if len(reason) <= REASON_LIMIT and reason.isprintable():
        return None
    return NotAllowed("invalid", f"reason: expected at most {REASON_LIMIT} characters that can be printed")


def _view(line: Line) -> PriceView:
    return PriceView(
        list_price_minor=line.list_price_minor,
        quantity=line.quantity,
        gross_minor=line.amount_minor + line.discount_minor,
        discount_minor=line.discount_minor,
        is_overridden=line.price_minor is not None,
    )
