"""Goods that come back from a customer, by their items or by their receipt. Written without a network.

What is known here decides: an item comes back once, and no more of a receipt than was on it. What is not known here is
taken back all the same, and central settles it.
"""

from __future__ import annotations

import uuid
from concurrent.futures import Future
from decimal import Decimal
from functools import partial

import msgspec

from agent.documents import Made, Refusal, Written
from agent.shifts.service import Shifts
from agent.shop import Shop
from agent.store import Connection
from agent.store.series import take_number
from agent.till import return_rules, rules
from agent.till.asked import DISPOSITIONS, Resolver, ReturnAsked, digest_source, given, moment_us, refusal
from agent.till.desk import Desk
from agent.till.frames import CompletedFrame
from agent.till.paying import refunds_fault
from agent.till.provenance import NotSold, SoldHere, provenance
from agent.till.receipts import Kept, Receipts
from agent.till.rules import Basket, NotAllowed
from agent.till.sales import Result
from agent.verification.local_items import find_item
from agent.verification.rules import Evidence
from agent.verification.service import Verification
from protocol.events import SaleLine, SaleReturned
from protocol.feeds import ItemHere

NUMBER_DIGITS = 6


class Brought(msgspec.Struct, frozen=True, kw_only=True):
    """What is brought back: each line with the sale it comes from, as far as is known, and what the feed says of its items."""

    lines: tuple[SaleLine, ...]
    sale_ids: tuple[str | None, ...]
    known: dict[str, ItemHere | None] = {}


class Returns:
    """Writes returns. Thread-safe."""

    def __init__(
        self,
        shop: Shop,
        resolver: Resolver,
        desk: Desk,
        receipts: Receipts,
        verification: Verification,
        shifts: Shifts,
    ) -> None:
        self._store = shop.store
        self._documents = shop.documents
        self._announce = shop.announce
        self._lane = shop.lane
        self._resolver = resolver
        self._desk = desk
        self._receipts = receipts
        self._verification = verification
        self._shifts = shifts
        self._site = verification.site

    def post(self, asked: ReturnAsked) -> Result | Refusal:
        """A return told by another till, or, without lines, the one on the counter. Idempotent by its ``return_id``."""
        returned_at_us = moment_us(asked.returned_at, "returned_at")
        if isinstance(returned_at_us, Refusal):
            return returned_at_us
        if asked.disposition not in DISPOSITIONS:
            return Refusal(
                reason=f"disposition {asked.disposition!r}: expected one of {', '.join(DISPOSITIONS)}"
            )
        if not asked.lines:
            return self._complete(asked, returned_at_us)
        resolved = self._resolver.lines(asked.lines, paid=partial(self._paid, asked.sale_id))
        if isinstance(resolved, Refusal):
            return resolved
        return_id = asked.return_id or str(uuid.uuid4())
        brought = self._brought(resolved.lines, (asked.sale_id,) * len(resolved.lines))
        written = self._store.write(partial(self._write, asked, return_id, brought, returned_at_us))
        written.add_done_callback(self._tell)
        return written

    def _paid(self, sale_id: str | None, gtin: str, item: str | None, quantity: Decimal) -> int | None:
        """What was paid for a line that tells no amount."""
        if item is not None:
            found = provenance(self._verification.evidence(item), self._site)
            sale_id = found.sale_id if isinstance(found, SoldHere) else sale_id
        kept = None if sale_id is None else self._receipts.find(sale_id)
        if kept is None:
            return None
        before = return_rules.returned_of(kept.returned, gtin)
        return return_rules.paid_for(kept.sale, gtin, item, quantity, before)

    def _brought(self, lines: tuple[SaleLine, ...], sale_ids: tuple[str | None, ...]) -> Brought:
        items = [line.item for line in lines if line.item is not None]
        return Brought(
            lines=lines,
            sale_ids=sale_ids,
            known={item: self._verification.evidence(item).replica for item in items},
        )

    def _complete(self, asked: ReturnAsked, returned_at_us: int | None) -> Result | Refusal:
        if asked.return_id is not None and self._is_written(asked.return_id):
            nothing = Brought(lines=(), sale_ids=())
            return self._store.write(partial(self._write, asked, asked.return_id, nothing, returned_at_us))

        def submit(basket: Basket) -> Future[Written | Refusal]:
            brought = self._brought(
                rules.sale_lines(basket), tuple(line.sale_id or asked.sale_id for line in basket.lines)
            )
            return_id = asked.return_id or basket.basket_id
            return self._store.write(partial(self._write_basket, asked, return_id, brought, returned_at_us))

        taken = self._desk.take(submit)
        if isinstance(taken, NotAllowed):
            return Refusal(reason=taken.reason, conflict=True, key=taken.key)
        basket, written = taken
        written.add_done_callback(partial(self._settle, basket))
        return written

    def _is_written(self, return_id: str) -> bool:
        return self._store.read(lambda connection: self._documents.find(connection, return_id)) is not None

    # -- inside the writer's transaction ------------------------------------------------------------------------------------

    def _write_basket(
        self,
        asked: ReturnAsked,
        return_id: str,
        brought: Brought,
        returned_at_us: int | None,
        connection: Connection,
    ) -> Written | Refusal:
        written = self._write(asked, return_id, brought, returned_at_us, connection)
        if isinstance(written, Written):
            self._desk.remove_saved(connection)
        return written

    def _write(
        self,
        asked: ReturnAsked,
        return_id: str,
        brought: Brought,
        returned_at_us: int | None,
        connection: Connection,
    ) -> Written | Refusal:
        request = digest_source(msgspec.structs.replace(asked, return_id=return_id))
        make = partial(self._make, asked, return_id, brought, returned_at_us)
        return self._documents.write(
            connection, kind="return", document_id=return_id, request=request, make=make
        )

    def _make(
        self,
        asked: ReturnAsked,
        return_id: str,
        brought: Brought,
        returned_at_us: int | None,
        connection: Connection,
    ) -> Made | Refusal:
        total_minor = sum(line.amount_minor for line in brought.lines)
        refunds = given(asked.refunds) or ()
        refused = self._shifts.wanted(connection, is_told_late=returned_at_us is not None)
        refused = refused or refusal(refunds_fault(refunds, total_minor))
        if refused is not None:
            return refused
        sale_ids = self._sales_of(connection, brought)
        if isinstance(sale_ids, Refusal):
            return sale_ids
        for sale_id in dict.fromkeys(sale_id for sale_id in sale_ids if sale_id is not None):
            lines = [
                (number, line)
                for number, (line, of) in enumerate(zip(brought.lines, sale_ids, strict=True), 1)
                if of == sale_id
            ]
            if (refused := _fault(sale_id, self._receipts.within(connection, sale_id), lines)) is not None:
                return refused
        receipt = f"{self._lane}-R{take_number(connection, f'return/{self._lane}'):0{NUMBER_DIGITS}d}"
        body = SaleReturned(
            return_id=return_id,
            receipt=receipt,
            currency=self._desk.currency,
            lines=brought.lines,
            disposition=asked.disposition,
            sale_id=_the_one(sale_ids) or asked.sale_id,
            reason=asked.reason,
            clerk=asked.clerk,
            refunds=refunds,
        )
        self._receipts.note_returned(connection, body, sale_ids)
        return Made(
            number=receipt,
            body=body,
            tells={
                "receipt": receipt,
                "total_minor": total_minor,
                "currency": self._desk.currency,
                "sale_id": body.sale_id,
                "disposition": asked.disposition,
            },
            event_time_us=returned_at_us,
        )

    def _sales_of(self, connection: Connection, brought: Brought) -> tuple[str | None, ...] | Refusal:
        """The sale of each line: of an item sold here, the one it was on, whatever was asked."""
        found: list[str | None] = []
        for number, (line, sale_id) in enumerate(zip(brought.lines, brought.sale_ids, strict=True), 1):
            if line.item is None:
                found.append(sale_id)
                continue
            evidence = Evidence(local=find_item(connection, line.item), replica=brought.known.get(line.item))
            sold = provenance(evidence, self._site)
            if isinstance(sold, NotSold):
                return Refusal(
                    reason=f"line {number}: {sold.reason}", conflict=True, key=sold.key, line=number
                )
            if not isinstance(sold, SoldHere):
                found.append(None)
            elif sale_id not in {None, sold.sale_id}:
                return Refusal(
                    reason=f"line {number}: this item was sold on receipt {sold.receipt}, another sale than {sale_id}",
                    conflict=True,
                    key="not_on_receipt",
                    line=number,
                )
            else:
                found.append(sold.sale_id)
        return tuple(found)

    # -- after the commit -----------------------------------------------------------------------------------------------------

    def _settle(self, basket: Basket, written: Future[Written | Refusal]) -> None:
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
                CompletedFrame(kind="return", number=done.number, document=msgspec.Raw(done.answer))
            )


def _fault(sale_id: str, kept: Kept | None, lines: list[tuple[int, SaleLine]]) -> Refusal | None:
    """Why these lines cannot come back of a sale. Of one that another machine made, nothing is known here: central checks it."""
    if kept is None:
        return None
    if kept.voided_by is not None:
        return Refusal(
            reason=f"sale {sale_id}: was voided; nothing of it can come back", conflict=True, key="voided"
        )
    fault = return_rules.fault(kept.sale, kept.returned, lines)
    return (
        None if fault is None else Refusal(reason=fault.reason, conflict=True, key=fault.key, line=fault.line)
    )


def _the_one(sale_ids: tuple[str | None, ...]) -> str | None:
    """The sale of a return, where all of it comes from one."""
    return sale_ids[0] if len(set(sale_ids)) == 1 else None
