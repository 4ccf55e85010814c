"""Voids: a sale taken back as a whole before the goods have left the counter, at the till that made it, within a limit of time."""

from __future__ import annotations

import uuid
from concurrent.futures import Future
from functools import partial

import msgspec

from agent.documents import Made, Refusal, Written
from agent.shifts.service import Shifts
from agent.shop import Shop
from agent.store import Connection
from agent.till.asked import VoidAsked, moment_us, refusal
from agent.till.frames import CompletedFrame
from agent.till.paying import refunds_fault
from agent.till.provenance import NotKnown, NotSold, SoldElsewhere, SoldHere, provenance
from agent.till.receipts import Kept, Receipts
from agent.verification.local_items import find_item
from agent.verification.service import Verification
from protocol.codes import Code
from protocol.events import SaleVoided

# The name space of void ids: one void for each sale.
_VOIDS = uuid.UUID("1f1e7c56-6a52-4b53-9f0c-6d1f0a0b9a44")
_MINUTE_US = 60_000_000
Result = Future[Written | Refusal]


class Voids:
    """Writes voids. Thread-safe."""

    def __init__(self, shop: Shop, receipts: Receipts, verification: Verification, shifts: Shifts) -> None:
        self._store = shop.store
        self._documents = shop.documents
        self._clock = shop.clock
        self._announce = shop.announce
        self._receipts = receipts
        self._verification = verification
        self._shifts = shifts
        self._site = verification.site

    def sale_of(self, code: Code) -> str | Refusal:
        """The sale of this till that an item is on."""
        if code.item is None or code.sscc is not None:
            return Refusal(
                reason=f"code: a {code.kind}; expected the own code of an item that was sold", key="no_item"
            )
        found = provenance(self._verification.evidence(code.item), self._site)
        match found:
            case SoldHere():
                return found.sale_id
            case SoldElsewhere():
                where = (
                    "another till of this site" if found.site == self._site else found.site or "another site"
                )
                return Refusal(
                    reason=f"this item was sold at {where}: a sale is voided where it was made",
                    conflict=True,
                    key="sold_elsewhere",
                )
            case NotSold():
                return Refusal(reason=found.reason, conflict=True, key=found.key)
            case NotKnown():
                return Refusal(
                    reason="no sale of this item is known here: a sale is voided at the till that made it",
                    key="no_sale",
                )

    def post(self, sale_id: str, asked: VoidAsked) -> Result | Refusal:
        """Take every line of a sale back. Idempotent."""
        voided_at_us = moment_us(asked.voided_at, "voided_at")
        if isinstance(voided_at_us, Refusal):
            return voided_at_us
        void_id = str(uuid.uuid5(_VOIDS, sale_id))
        written = self._store.write(
            lambda connection: self._documents.write(
                connection,
                kind="void",
                document_id=void_id,
                request=sale_id.encode(),
                make=partial(self._make, sale_id, void_id, asked, voided_at_us),
            )
        )
        written.add_done_callback(self._tell)
        return written

    def _make(
        self, sale_id: str, void_id: str, asked: VoidAsked, voided_at_us: int | None, connection: Connection
    ) -> Made | Refusal:
        kept = self._receipts.within(connection, sale_id)
        if kept is None:
            return Refusal(
                reason=f"sale {sale_id}: not made by this agent; a sale is voided where it was made",
                key="no_sale",
            )
        if (refused := self._fault(sale_id, kept, voided_at_us, connection)) is not None:
            return refused
        sale = kept.sale
        total_minor = sum(line.amount_minor for line in sale.lines)
        refused = self._shifts.wanted(connection, is_told_late=voided_at_us is not None)
        refused = refused or refusal(refunds_fault(asked.refunds, total_minor))
        if refused is not None:
            return refused
        self._documents.mark_voided(connection, sale_id, void_id)
        return Made(
            number=sale.receipt,
            body=SaleVoided(
                void_id=void_id,
                sale_id=sale_id,
                receipt=sale.receipt,
                currency=sale.currency,
                lines=sale.lines,
                reason=asked.reason,
                clerk=asked.clerk,
                refunds=asked.refunds,
            ),
            tells={
                "sale_id": sale_id,
                "receipt": sale.receipt,
                "total_minor": total_minor,
                "currency": sale.currency,
            },
            event_time_us=voided_at_us,
        )

    def _fault(
        self, sale_id: str, kept: Kept, voided_at_us: int | None, connection: Connection
    ) -> Refusal | None:
        """Why it is too late: something has come back, or the goods have left long ago."""
        items = (line.item for line in kept.sale.lines if line.item is not None)
        moved = any(
            (known := find_item(connection, item)) is not None and known.sale_id != sale_id for item in items
        )
        if kept.returned or moved:
            return Refusal(
                reason=f"sale {sale_id}: something of it has come back since; take back the rest as a return",
                conflict=True,
                key="returned_since",
            )
        now_us = self._clock.wall_us() if voided_at_us is None else voided_at_us
        minutes = (now_us - kept.at_us) // _MINUTE_US
        if now_us > kept.at_us + self._receipts.void_minutes * _MINUTE_US:
            return Refusal(
                reason=f"receipt {kept.sale.receipt}: was made {minutes} minutes ago, and is voided within "
                f"{self._receipts.void_minutes}; take the goods back as a return",
                conflict=True,
                key="void_too_late",
            )
        return None

    def _tell(self, written: Result) -> None:
        if (
            written.exception() is None
            and isinstance(done := written.result(), Written)
            and not done.repeated
        ):
            self._announce(
                CompletedFrame(kind=done.kind, number=done.number, document=msgspec.Raw(done.answer))
            )
