"""Goods that come back from a customer. Works offline: what the journal here knows of the sale is used, and nothing is waited for."""

from __future__ import annotations

import uuid
from concurrent.futures import Future
from functools import partial

import msgspec

from agent.documents import Made, Refusal, Written
from agent.shop import Shop
from agent.store import Connection
from agent.store.series import take_number
from agent.till import rules
from agent.till.asked import DISPOSITIONS, Resolver, ReturnAsked, digest_source, moment_us
from agent.till.desk import Desk
from agent.till.frames import CompletedFrame
from agent.till.rules import Basket, NotAllowed
from agent.till.sales import Result
from protocol.events import Sale as SaleEvent
from protocol.events import SaleLine, SaleReturned, decode_event

NUMBER_DIGITS = 6


class Returns:
    """Writes returns. Thread-safe."""

    def __init__(self, shop: Shop, resolver: Resolver, desk: Desk) -> None:
        self._store = shop.store
        self._documents = shop.documents
        self._announce = shop.announce
        self._lane = shop.lane
        self._resolver = resolver
        self._desk = desk

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
        resolved = self._resolver.lines(asked.lines, selling=False)
        if isinstance(resolved, Refusal):
            return resolved
        return_id = asked.return_id or str(uuid.uuid4())
        written = self._store.write(partial(self._write, asked, return_id, resolved.lines, returned_at_us))
        written.add_done_callback(self._tell)
        return written

    def _complete(self, asked: ReturnAsked, returned_at_us: int | None) -> Result | Refusal:
        if asked.return_id is not None and self._is_written(asked.return_id):
            return self._store.write(partial(self._write, asked, asked.return_id, (), returned_at_us))
        taken = self._desk.take(
            lambda basket: self._store.write(
                partial(
                    self._write_basket, asked, asked.return_id or basket.basket_id, basket, returned_at_us
                )
            )
        )
        if isinstance(taken, NotAllowed):
            return Refusal(reason=taken.reason, conflict=True, key=taken.key)
        basket, written = taken
        written.add_done_callback(partial(self._settle, basket))
        return written

    def _is_written(self, return_id: str) -> bool:
        return self._store.read(lambda connection: self._documents.find(connection, return_id)) is not None

    def _write_basket(
        self,
        asked: ReturnAsked,
        return_id: str,
        basket: Basket,
        returned_at_us: int | None,
        connection: Connection,
    ) -> Written | Refusal:
        written = self._write(asked, return_id, rules.sale_lines(basket), returned_at_us, connection)
        if isinstance(written, Written):
            self._desk.remove_saved(connection)
        return written

    def _write(
        self,
        asked: ReturnAsked,
        return_id: str,
        lines: tuple[SaleLine, ...],
        returned_at_us: int | None,
        connection: Connection,
    ) -> Written | Refusal:
        request = digest_source(msgspec.structs.replace(asked, return_id=return_id))
        make = partial(self._make, asked, return_id, lines, returned_at_us)
        return self._documents.write(
            connection, kind="return", document_id=return_id, request=request, make=make
        )

    def _make(
        self,
        asked: ReturnAsked,
        return_id: str,
        lines: tuple[SaleLine, ...],
        returned_at_us: int | None,
        connection: Connection,
    ) -> Made | Refusal:
        if (
            asked.sale_id is not None
            and (stored := self._documents.body(connection, asked.sale_id)) is not None
        ):
            sale = decode_event(stored).body
            voided = self._documents.find(connection, asked.sale_id)
            if not isinstance(sale, SaleEvent) or voided is None or voided.voided_by is not None:
                return Refusal(
                    reason=f"sale {asked.sale_id}: was voided; nothing of it can come back",
                    conflict=True,
                    key="voided",
                )
        receipt = f"{self._lane}-R{take_number(connection, f'return/{self._lane}'):0{NUMBER_DIGITS}d}"
        total_minor = sum(line.amount_minor for line in lines)
        return Made(
            number=receipt,
            body=SaleReturned(
                return_id=return_id,
                receipt=receipt,
                currency=self._desk.currency,
                lines=lines,
                disposition=asked.disposition,
                sale_id=asked.sale_id,
                reason=asked.reason,
                clerk=asked.clerk,
            ),
            tells={"receipt": receipt, "total_minor": total_minor, "currency": self._desk.currency},
            event_time_us=returned_at_us,
        )

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
