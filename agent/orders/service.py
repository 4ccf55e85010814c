"""A dealer's orders at the counter. Submitting one is an event in the journal: sent exactly once, also from a dark shop."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from decimal import Decimal
from functools import partial

import msgspec

from agent.documents import Made, Refusal, Written
from agent.orders import rules
from agent.orders.rules import Draft, DraftLine, Listed, Own, Proposal
from agent.shop import Shop
from agent.store import Connection
from agent.store.series import take_number
from agent.till.frames import CompletedFrame, OrderDraftFrame
from agent.verification.service import ALL_ROWS
from protocol.events import Body, OrderCancelAsked, OrderSubmitted, decode_event
from protocol.feeds import Feed, OrderView, StockLevel

_DRAFT = "order"
OWN_LIMIT = 1_000
"""Own orders that a list shows; central keeps them all."""
_CANCELS = uuid.UUID(
    "5c1fb3de-83c2-4f8b-8d3e-0c8a0f6b8f10"
)  # the name space of cancel ids: one for each order
_order_decoder = msgspec.json.Decoder(OrderView)
_stock_decoder = msgspec.json.Decoder(StockLevel)

UnsentBodies = Callable[[], Iterable[Body]]
"""The facts in the journal that central has not acknowledged, oldest first."""


class OrderLineAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of ``POST /v1/orders``."""

    gtin: str
    quantity: Decimal


class OrderAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/orders``. Idempotent by ``order_id``."""

    lines: tuple[OrderLineAsked, ...]
    order_id: str | None = None
    note: str | None = None
    clerk: str | None = None


class CancelAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/orders/{order_id}/cancel``."""

    reason: str
    clerk: str | None = None


class Orders:
    """Proposals, the draft, submission, cancellation, and the list. Thread-safe."""

    def __init__(self, shop: Shop, unsent: UnsentBodies) -> None:
        self._store = shop.store
        self._documents = shop.documents
        self._drafts = shop.drafts
        self._replica = shop.replica
        self._catalogue = shop.catalogue
        self._announce = shop.announce
        self._clock = shop.clock
        self._lane = shop.lane
        self._unsent = unsent
        self._lock = threading.Lock()
        self._draft = self._unsubmitted(shop.drafts.get(_DRAFT, Draft))

    # -- the draft --------------------------------------------------------------------------------------------------------

    @property
    def draft(self) -> Draft:
        """The order being written."""
        with self._lock:
            return self._draft

    def frame(self) -> OrderDraftFrame:
        """The draft as screens see it."""
        return OrderDraftFrame(draft=self.draft)

    def publish(self) -> None:
        """Show the draft on every screen and keep it."""
        self._drafts.put(_DRAFT, self.draft)
        self._announce(self.frame())

    def add_to_draft(self, gtin: str, quantity: Decimal = Decimal(1), name: str = "") -> Decimal:
        """One scan more of a product; its quantity then. Announced and kept by :meth:`publish`."""
        with self._lock:
            total = rules.quantity_in(self._draft, gtin) + quantity
            self._draft = rules.set_line(self._draft, DraftLine(gtin=gtin, quantity=total, name=name))
        return total

    def set_in_draft(self, gtin: str, quantity: Decimal) -> Refusal | None:
        """Set a quantity; 0 takes the product out."""
        if not 0 <= quantity <= 10**7:
            return Refusal(reason=f"quantity {quantity} of {gtin}: expected 0 to 10000000")
        line = DraftLine(gtin=gtin, quantity=quantity, name=self._catalogue.name(gtin))
        with self._lock:
            self._draft = rules.set_line(self._draft, line)
        self.publish()
        return None

    def propose_into_draft(self) -> int:
        """Take every proposal into the draft; how many there were."""
        proposals = self.proposals()
        names = {proposal.gtin: self._catalogue.name(proposal.gtin) for proposal in proposals}
        with self._lock:
            self._draft = rules.with_proposals(self._draft, proposals, names)
        self.publish()
        return len(proposals)

    def clear_draft(self) -> None:
        """Begin anew."""
        with self._lock:
            self._draft = _begin()
        self.publish()

    def submit_draft(self, note: str | None = None) -> Future[Written | Refusal] | Refusal:
        """Submit what is written; a refused write leaves the draft as it is."""
        draft = self.draft
        asked = OrderAsked(
            order_id=draft.order_id,
            lines=tuple(OrderLineAsked(gtin=line.gtin, quantity=line.quantity) for line in draft.lines),
            note=note or draft.note,
        )
        submitted = self.submit(asked)
        if not isinstance(submitted, Refusal):
            submitted.add_done_callback(self._settle_draft)
        return submitted

    # -- documents --------------------------------------------------------------------------------------------------------

    def submit(self, asked: OrderAsked) -> Future[Written | Refusal] | Refusal:
        """Write an order into the journal."""
        lines = [(line.gtin.zfill(14), line.quantity) for line in asked.lines]
        if (fault := rules.lines_fault(lines)) is not None:
            return Refusal(reason=fault)
        order_id = asked.order_id or str(uuid.uuid4())

        def make(connection: Connection) -> Made:
            number = rules.number(self._lane, take_number(connection, f"order/{self._lane}"))
            return Made(
                number=number,
                body=OrderSubmitted(
                    order_id=order_id,
                    number=number,
                    lines=rules.submitted_lines(lines),
                    currency=self._catalogue.currency,
                    note=asked.note,
                    clerk=asked.clerk,
                ),
                tells={"number": number, "state": "submitted"},
            )

        request = msgspec.json.encode((lines, asked.note))
        return self._write("order", order_id, request, make)

    def cancel(self, order_id: str, asked: CancelAsked) -> Future[Written | Refusal] | Refusal:
        """Ask central to cancel an order. It decides: goods may have left already."""
        listed = next((entry for entry in self.listed() if entry.order.order_id == order_id), None)
        if listed is None:
            return Refusal(reason=f"order {order_id}: not known here", key="no_order")
        cancel_id = str(uuid.uuid5(_CANCELS, order_id))
        if not listed.cancel_asked and (fault := rules.cancel_fault(listed)) is not None:
            return Refusal(reason=f"order {listed.order.number}: {fault}", conflict=True, key="too_late")

        def make(connection: Connection) -> Made:
            connection.execute(
                "INSERT OR IGNORE INTO cancels_asked (order_id, at_us) VALUES (?, ?)",
                (order_id, self._clock.wall_us()),
            )
            return Made(
                number=listed.order.number,
                body=OrderCancelAsked(order_id=order_id, reason=asked.reason, clerk=asked.clerk),
                tells={"order_id": order_id, "number": listed.order.number},
            )

        return self._write("order_cancel", cancel_id, order_id.encode(), make)

    # -- what is known ----------------------------------------------------------------------------------------------------

    def proposals(self) -> tuple[Proposal, ...]:
        """What runs short, counting what central has not heard of yet."""
        levels = (_stock_decoder.decode(body) for _, body in self._replica.rows(Feed.STOCK, limit=ALL_ROWS))
        waiting = rules.ordered_and_unanswered(self._own(), self._answered())
        return rules.propose(levels, rules.sold_net(self._unsent()), waiting)

    def listed(self) -> tuple[Listed, ...]:
        """Own orders and central's answers as one list, the newest first."""
        return rules.merged(self._own(), self._answered())

    def _answered(self) -> dict[str, OrderView]:
        return {
            key: _order_decoder.decode(body) for key, body in self._replica.rows(Feed.ORDERS, limit=ALL_ROWS)
        }

    def _own(self) -> list[Own]:
        def read(connection: Connection) -> list[Own]:
            cancels = dict(connection.execute("SELECT order_id, at_us FROM cancels_asked").fetchall())
            own = []
            for body, at_us in self._documents.bodies(connection, "order", OWN_LIMIT):
                submitted = decode_event(body).body
                assert isinstance(submitted, OrderSubmitted)
                own.append(
                    Own(
                        submitted=submitted,
                        submitted_at_us=at_us,
                        cancel_asked_at_us=cancels.get(submitted.order_id),
                    )
                )
            return own

        return self._store.read(read)

    def _unsubmitted(self, draft: Draft | None) -> Draft:
        """The draft as it was left. A power cut right after it was submitted leaves it on the disk: then it is done with."""
        if draft is None:
            return _begin()
        written = self._store.read(lambda connection: self._documents.find(connection, draft.order_id))
        return draft if written is None else _begin()

    # -- writing ----------------------------------------------------------------------------------------------------------

    def _write(
        self, kind: str, document_id: str, request: bytes, make: Callable[[Connection], Made | Refusal]
    ) -> Future[Written | Refusal]:
        written = self._store.write(
            partial(self._documents.write, kind=kind, document_id=document_id, request=request, make=make)
        )
        written.add_done_callback(self._tell)
        return written

    def _tell(self, written: Future[Written | Refusal]) -> None:
        if (
            written.exception() is None
            and isinstance(done := written.result(), Written)
            and not done.repeated
        ):
            self._announce(
                CompletedFrame(kind=done.kind, number=done.number, document=msgspec.Raw(done.answer))
            )

    def _settle_draft(self, written: Future[Written | Refusal]) -> None:
        if written.exception() is None and isinstance(done := written.result(), Written):
            with self._lock:
                if self._draft.order_id == done.document_id:
                    self._draft = _begin()
            self.publish()


def _begin() -> Draft:
    return Draft(order_id=str(uuid.uuid4()))
