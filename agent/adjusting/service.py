"""Adjust mode: scans are noted for one reason, in a draft that survives a power cut; completing it writes StockAdjusted."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from decimal import Decimal
from functools import partial

import msgspec

from agent.adjusting import items, rules
from agent.adjusting.rules import Adjusting
from agent.documents import Made, Refusal, Written
from agent.packing.cases import Cases
from agent.packing.standing import Standing
from agent.shop import Shop
from agent.store import Connection
from agent.store.series import take_number
from agent.tallying.rules import NotTallied, joined, merged
from agent.till.frames import AdjustingFrame, CompletedFrame
from protocol.events import GoodsUnpacked
from protocol.feeds import ContainerHere

_DRAFT = "adjusting"
_DRAWN_UP = b"the goods on the counter"
"""What is asked when the draft is completed: the same again, whatever has been scanned since."""
# The name space of what unpacks a case that is written off: one for each case of an adjustment.
_UNPACKINGS = uuid.UUID("3e5a3a6e-1a0e-4a55-8a55-7a1c2ad1a0c5")
Result = Future[Written | Refusal]
Change = Callable[[Adjusting], Adjusting | NotTallied]


class CompleteAdjustingAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/adjusting/complete``. ``adjustment_id`` is the draft's, or one of the asker's own."""

    adjustment_id: str | None = None
    clerk: str | None = None


class Adjustments:
    """What is being adjusted. Thread-safe."""

    def __init__(self, shop: Shop, cases: Cases, standing: Standing) -> None:
        self.cases = cases
        self.standing = standing
        self.store = shop.store
        self._documents = shop.documents
        self._drafts = shop.drafts
        self._catalogue = shop.catalogue
        self._announce = shop.announce
        self._lane = shop.lane
        self._lock = threading.Lock()
        found = shop.drafts.get(_DRAFT, Adjusting)
        self._draft = _empty() if found is None or self._is_written(found.adjustment_id) else found

    @property
    def draft(self) -> Adjusting:
        """What was noted."""
        with self._lock:
            return self._draft

    def frame(self) -> AdjustingFrame:
        """The goods as screens see them."""
        draft = self.draft
        lines = merged(draft.tally)
        return AdjustingFrame(
            adjusting=msgspec.structs.replace(draft, tally=msgspec.structs.replace(draft.tally, steps=())),
            names={line.gtin: self._catalogue.name(line.gtin) for line in lines},
            pieces=sum((line.quantity for line in lines), Decimal(0)),
            can_undo=bool(draft.tally.steps),
            reasons=rules.REASONS,
        )

    def choose(self, reason: str) -> Refusal | None:
        """Say why stock is adjusted."""
        refused = self.change(lambda draft: rules.with_reason(draft, reason))
        if refused is not None:
            return Refusal(reason=refused.reason, conflict=refused.key == "adjusting_open", key=refused.key)
        self.publish()
        return None

    def change(self, change: Change) -> NotTallied | None:
        """Change the draft by a rule. Announced and kept by :meth:`publish`."""
        with self._lock:
            after = change(self._draft)
            if isinstance(after, NotTallied):
                return after
            self._draft = after
        return None

    def publish(self) -> None:
        """Show the draft on every screen and keep it."""
        self._drafts.put(_DRAFT, self.draft)
        self._announce(self.frame())

    def clear(self) -> None:
        """Forget what was noted, and why."""
        with self._lock:
            self._draft = _empty()
        self.publish()

    def complete(self, asked: CompleteAdjustingAsked) -> Result | Refusal:
        """Write the draft into the journal."""
        with self._lock:
            draft = self._draft
            adjustment_id = asked.adjustment_id or draft.adjustment_id
            drawn_up = msgspec.structs.replace(draft, adjustment_id=adjustment_id)
            if asked.adjustment_id is not None and self._is_written(adjustment_id):
                return self._submit(drawn_up, asked.clerk, _DRAWN_UP)
            if draft.reason is None:
                return Refusal(reason=rules.NO_REASON.reason, conflict=True, key=rules.NO_REASON.key)
            if draft.tally.is_empty:
                return Refusal(reason="nothing was noted: scan it first", conflict=True, key="empty")
            written = self._submit(drawn_up, asked.clerk, _DRAWN_UP)
            self._draft = _empty()
        written.add_done_callback(partial(self._settle, draft))
        return written

    def write(self, draft: Adjusting, clerk: str | None, request: bytes) -> Result:
        """Write an adjustment told at once, whatever is on the counter. Idempotent by its ``adjustment_id``."""
        written = self._submit(draft, clerk, request)
        written.add_done_callback(self._tell)
        return written

    def again(self, adjustment_id: str | None, request: bytes) -> Result | None:
        """What was answered to this id before, whatever is in stock now; None for one that is new."""
        if adjustment_id is None or not self._is_written(adjustment_id):
            return None
        draft = msgspec.structs.replace(_empty(), adjustment_id=adjustment_id)
        return self._submit(draft, None, request)

    # -- inside the writer's transaction ------------------------------------------------------------------------------------

    def _submit(self, draft: Adjusting, clerk: str | None, request: bytes) -> Result:
        emptied = (
            ()
            if draft.reason == rules.FOUND
            else tuple(sscc for case in draft.tally.cases for sscc in (case.sscc, *case.containers))
        )
        bases = [(sscc, self.cases.base_of(sscc)) for sscc in dict.fromkeys(emptied)]
        return self.store.write(partial(self._write, draft, clerk, request, bases))

    def _write(
        self,
        draft: Adjusting,
        clerk: str | None,
        request: bytes,
        emptied: list[tuple[str, bytes]],
        connection: Connection,
    ) -> Written | Refusal:
        named = tuple(rules.items_of(draft.tally))
        reason = draft.reason or ""

        def make(inside: Connection) -> Made | Refusal:
            if (refused := items.changed_meanwhile(inside, reason, named)) is not None:
                return refused
            number = f"{self._lane}-A{take_number(inside, f'adjustment/{self._lane}'):05d}"
            return Made(
                number=number,
                body=rules.adjusted(draft, clerk),
                tells={"number": number, "reason": reason, "pieces": _pieces(draft)},
                before=tuple(_unpacked(draft.adjustment_id, sscc, clerk) for sscc, _ in emptied),
            )

        written = self._documents.write(
            connection, kind="adjustment", document_id=draft.adjustment_id, request=request, make=make
        )
        if isinstance(written, Written) and not written.repeated:
            if request == _DRAWN_UP:
                self._drafts.save(connection, _DRAFT, _empty())
            if reason == rules.FOUND:
                items.note_found(connection, named, written.number, written.event_time_us)
            for sscc, base in emptied:
                self.cases.note(connection, ContainerHere(sscc=sscc), base, written)
        return written

    def _is_written(self, document_id: str) -> bool:
        return self.store.read(lambda connection: self._documents.find(connection, document_id)) is not None

    # -- after the commit -----------------------------------------------------------------------------------------------------

    def _settle(self, draft: Adjusting, written: Result) -> None:
        if written.exception() is not None or isinstance(written.result(), Refusal):
            with self._lock:
                since = self._draft
                is_alike = since.reason in {None, draft.reason}
                tally = joined(draft.tally, since.tally) if is_alike else draft.tally
                self._draft = msgspec.structs.replace(draft, tally=tally)
        self._tell(written)
        self.publish()

    def _tell(self, written: Result) -> None:
        done = None if written.exception() is not None else written.result()
        if isinstance(done, Written) and not done.repeated:
            self._announce(
                CompletedFrame(kind="adjustment", number=done.number, document=msgspec.Raw(done.answer))
            )


def _empty() -> Adjusting:
    return Adjusting(adjustment_id=str(uuid.uuid4()))


def _pieces(draft: Adjusting) -> Decimal:
    return sum((line.quantity for line in merged(draft.tally)), Decimal(0))


def _unpacked(adjustment_id: str, sscc: str, clerk: str | None) -> GoodsUnpacked:
    """A case that is written off with everything in it is no case any more."""
    return GoodsUnpacked(
        unpacking_id=str(uuid.uuid5(_UNPACKINGS, f"{adjustment_id}/{sscc}")), sscc=sscc, clerk=clerk
    )
