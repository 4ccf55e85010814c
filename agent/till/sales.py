"""Sales: from the basket on the counter, or told by another till. Accepted once they are on the disk."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

import msgspec

from agent.documents import Made, Refusal, Written
from agent.shifts.service import Shifts
from agent.shop import Shop
from agent.store import Connection
from agent.store.series import take_number
from agent.till import rules
from agent.till.asked import (
    CompleteAsked,
    Resolved,
    Resolver,
    SaleAsked,
    Warned,
    digest_source,
    given,
    moment_us,
    refusal,
)
from agent.till.desk import Desk
from agent.till.frames import CompletedFrame
from agent.till.paying import change_minor, kept, payments_fault, sum_fault, tendered_minor
from agent.till.pricing import NO_LIMITS, Pricing
from agent.till.rules import Basket
from agent.till.told_prices import HeldAgainst
from agent.verification.local_items import find_item
from protocol.events import Sale, decode_event
from protocol.items import State

RECEIPT_DIGITS = 6
_SOLD = frozenset({State.SOLD.value, State.SOLD_PROVISIONALLY.value})

Result = Future[Written | Refusal]
"""Resolves when the document is on the disk. Its exception is :class:`agent.store.faults.WriteRefused`: nothing was recorded."""


class Sales:
    """Writes sales. Thread-safe."""

    def __init__(self, shop: Shop, resolver: Resolver, desk: Desk, pricing: Pricing, shifts: Shifts) -> None:
        self._store = shop.store
        self._documents = shop.documents
        self._announce = shop.announce
        self._lane = shop.lane
        self._clerk = shop.clerk
        self._resolver = resolver
        self._desk = desk
        self._pricing = pricing
        self._shifts = shifts
        self._next_number: int | None = None
        if self.find(desk.basket.basket_id) is not None:
            desk.begin_anew()  # the power went between the sale's commit and the basket's

    def post(self, asked: SaleAsked) -> Result | Refusal:
        """A sale told by another till. Idempotent by its ``sale_id``; without one it gets one."""
        sold_at_us = moment_us(asked.sold_at, "sold_at")
        if isinstance(sold_at_us, Refusal):
            return sold_at_us
        if (fault := refusal(payments_fault(asked.payments))) is not None:
            return fault
        if asked.currency not in {None, self._desk.currency}:
            return Refusal(
                reason=f"currency {asked.currency!r}: expected {self._desk.currency}, that of this site"
            )
        sale_id = asked.sale_id or str(uuid.uuid4())
        request = digest_source(msgspec.structs.replace(asked, sale_id=sale_id, authorisation=msgspec.UNSET))
        if asked.sale_id is not None and self.find(sale_id) is not None:
            return self._again(request, sale_id)  # whatever the limits and PINs are now
        held = self._held(asked, is_told_late=sold_at_us is not None)
        if isinstance(held, Refusal):
            return held
        resolved = self._resolver.lines(asked.lines, held=held)
        if isinstance(resolved, Refusal):
            return resolved
        make = partial(self._make, asked, sale_id, _with_payments(asked, resolved), sold_at_us)
        written = self._store.write(
            lambda connection: self._documents.write(
                connection, kind="sale", document_id=sale_id, request=request, make=make
            )
        )
        written.add_done_callback(self._tell)
        return written

    def complete(self, asked: CompleteAsked) -> Result | Refusal:
        """The basket on the counter is sold. A refused write puts it back on the counter."""
        sold_at_us = moment_us(asked.sold_at, "sold_at")
        if isinstance(sold_at_us, Refusal):
            return sold_at_us
        if (fault := refusal(payments_fault(asked.payments))) is not None:
            return fault
        sale_id = asked.sale_id
        # The id of the basket on the counter is a new one; should it not be, the write finds out.
        if sale_id is not None and sale_id != self._desk.basket.basket_id and self.find(sale_id) is not None:
            return self._again(digest_source(asked), sale_id)
        taken = self._desk.take(
            lambda basket: self._store.write(self._basket_work(basket, asked, sold_at_us))
        )
        if isinstance(taken, rules.NotAllowed):
            return Refusal(reason=taken.reason, conflict=True, key=taken.key)
        basket, written = taken
        written.add_done_callback(partial(self._settle_basket, basket))
        return written

    def find(self, sale_id: str) -> Written | None:
        """A sale by its id."""
        found = self._store.read(lambda connection: self._documents.find(connection, sale_id))
        return found if found is not None and found.kind == "sale" else None

    def body(self, sale_id: str) -> Sale | None:
        """A sale as it was journaled."""
        stored = self._store.read(lambda connection: self._documents.body(connection, sale_id))
        body = None if stored is None else decode_event(stored).body
        return body if isinstance(body, Sale) else None

    # -- inside the writer's transaction ----------------------------------------------------------------------------------

    def _basket_work(
        self, basket: Basket, asked: CompleteAsked, sold_at_us: int | None
    ) -> Callable[[Connection], Written | Refusal]:
        """What the writer does with the basket. Whatever needs no disk is done here, before it is its turn."""
        sale_id = asked.sale_id or basket.basket_id
        request = digest_source(asked)
        member = asked.member or basket.member
        sold = asked if member == asked.member else msgspec.structs.replace(asked, member=member)
        told = (rules.overridden(line, self._desk.currency) for line in basket.lines)
        resolved = Resolved(
            lines=rules.sale_lines(basket),
            warnings=(),
            overrides=tuple(one for one in told if one is not None),
        )

        def make(inside: Connection) -> Made | Refusal:
            if (wrong := refusal(sum_fault(asked.payments, rules.total_minor(basket)))) is not None:
                return wrong
            for line in basket.lines:
                known = None if line.item is None else find_item(inside, line.item)
                if known is not None and known.state in _SOLD:
                    return Refusal(
                        reason=f"line {line.line}: this item was sold meanwhile, on receipt {known.receipt}; remove the line",
                        conflict=True,
                        key="sold_meanwhile",
                        line=line.line,
                    )
            return self._make(sold, sale_id, resolved, sold_at_us, inside)

        def work(connection: Connection) -> Written | Refusal:
            written = self._documents.write(
                connection, kind="sale", document_id=sale_id, request=request, make=make, seems_new=True
            )
            if isinstance(written, Written) and sale_id != basket.basket_id:
                # Nobody could tell by its id, at the next start, that the basket was sold. One that bears the sale's own id
                # is written over behind the sale: a page less for every sale.
                self._desk.remove_saved(connection)
            return written

        return work

    def _make(
        self,
        asked: SaleAsked | CompleteAsked,
        sale_id: str,
        resolved: Resolved,
        sold_at_us: int | None,
        connection: Connection,
    ) -> Made | Refusal:
        refused = self._shifts.wanted(connection, is_told_late=sold_at_us is not None)
        if refused is not None:
            return refused
        total_minor = sum(line.amount_minor for line in resolved.lines)
        number = take_number(connection, f"receipt/{self._lane}", self._next_number)
        # As things stand: a sale that is taken back makes it a wrong guess, no more.
        self._next_number = number + 1
        receipt = f"{self._lane}-{number:0{RECEIPT_DIGITS}d}"
        tells: dict[str, object] = {
            "receipt": receipt,
            "total_minor": total_minor,
            "currency": self._desk.currency,
            "warnings": resolved.warnings,
        }
        payments = kept(asked.payments)
        if tendered := tendered_minor(payments):
            tells |= {"tendered_minor": tendered, "change_minor": change_minor(payments)}
        return Made(
            number=receipt,
            body=Sale(
                sale_id=sale_id,
                receipt=receipt,
                currency=self._desk.currency,
                lines=resolved.lines,
                payments=payments,
                clerk=asked.clerk,
                member=asked.member,
                reference=asked.reference,
            ),
            tells=tells,
            event_time_us=sold_at_us,
            before=resolved.overrides,
        )

    def _held(self, asked: SaleAsked, *, is_told_late: bool) -> HeldAgainst | Refusal:
        """What the prices of a told sale are held against. Looks at a PIN, if there is one."""
        shown = given(asked.authorisation)
        name = None if shown is None else self._pricing.supervisors.by(shown)
        if isinstance(name, rules.NotAllowed):
            return Refusal(reason=f"authorisation: {name.reason}", conflict=True, key=name.key)
        return HeldAgainst(
            limits=self._pricing.limits() or NO_LIMITS,
            currency=self._desk.currency,
            clerk=asked.clerk or (None if is_told_late else self._clerk.name()),
            authorised_by=name,
            is_told_late=is_told_late,
        )

    # -- after the commit -----------------------------------------------------------------------------------------------

    def _again(self, request: bytes, sale_id: str) -> Result:
        return self._store.write(
            lambda connection: self._documents.write(
                connection,
                kind="sale",
                document_id=sale_id,
                request=request,
                make=lambda _: Refusal(reason=f"sale {sale_id}: is gone; begin another", conflict=True),
            )
        )

    def _settle_basket(self, basket: Basket, written: Result) -> None:
        if written.exception() is not None or isinstance(written.result(), Refusal):
            self._desk.give_back(basket)
            return
        self._tell(written)
        self._desk.publish()

    def _tell(self, written: Result) -> None:
        if (
            written.exception() is None
            and isinstance(done := written.result(), Written)
            and not done.repeated
        ):
            self._announce(
                CompletedFrame(kind=done.kind, number=done.number, document=msgspec.Raw(done.answer))
            )


def _with_payments(asked: SaleAsked, resolved: Resolved) -> Resolved:
    """What another till tells has happened: payments that do not come to the total are recorded, with a warning."""
    total_minor = sum(line.amount_minor for line in resolved.lines)
    wrong = sum_fault(asked.payments, total_minor)
    if wrong is None:
        return resolved
    warned = Warned(line=0, key=wrong.key, message=wrong.reason)
    return msgspec.structs.replace(resolved, warnings=(*resolved.warnings, warned))
