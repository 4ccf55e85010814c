"""Receive mode: scans are counted into a draft that survives a power cut; completing it writes GoodsReceived."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import Future
from decimal import Decimal
from functools import partial

import msgspec

from agent.documents import Made, Refusal, Written
from agent.packing.cases import Cases
from agent.packing.contents import Contents
from agent.receiving import rules
from agent.receiving.cases import Receipt, ReceivingCases
from agent.receiving.rules import NotCounted, Receiving
from agent.shop import Shop
from agent.store import Connection
from agent.store.series import take_number
from agent.till.frames import CompletedFrame, ReceivingFrame
from agent.verification.service import ALL_ROWS
from protocol.events import GoodsReceived
from protocol.feeds import DespatchView, Feed

_DRAFT = "receiving"
_OPEN_STATES = frozenset({"in_transit", "part_received"})
_despatch_decoder = msgspec.json.Decoder(DespatchView)


class CompleteReceivingAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/receiving/complete``. ``complete``: nothing more of the advice is awaited; what is missing is short."""

    complete: bool = True
    receipt_advice_id: str | None = None
    clerk: str | None = None


class CaseAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/receiving/cases``: a case by its SSCC. ``sealed``: take it in though nothing is known here of what it holds."""

    sscc: str
    sealed: bool = False


class CaseCounted(msgspec.Struct, frozen=True, kw_only=True):
    """A case that was counted, and how many pieces of it had been counted by themselves before."""

    contents: Contents | None
    is_announced: bool
    counted_before: int = 0


class Goods:
    """What is being received. Thread-safe."""

    def __init__(self, shop: Shop, cases: Cases) -> None:
        self._store = shop.store
        self._documents = shop.documents
        self._drafts = shop.drafts
        self._replica = shop.replica
        self._catalogue = shop.catalogue
        self._announce = shop.announce
        self._lane = shop.lane
        self._cases = ReceivingCases(cases, shop.store, shop.replica)
        self._lock = threading.Lock()
        self._receiving = self._unfinished(shop.drafts.get(_DRAFT, Receiving))
        self._counted_in = self._counted_by_case()

    @property
    def receiving(self) -> Receiving:
        """The draft as it stands."""
        with self._lock:
            return self._receiving

    def frame(self) -> ReceivingFrame:
        """The draft as screens see it, against its advice."""
        receiving = self.receiving
        progress = tuple(
            msgspec.structs.replace(entry, name=entry.name or self._catalogue.name(entry.gtin))
            for entry in rules.progress(receiving, self.despatch(receiving.despatch_id))
        )
        return ReceivingFrame(receiving=receiving, progress=progress)

    def publish(self) -> None:
        """Show the draft on every screen and keep it."""
        self._drafts.put(_DRAFT, self.receiving)
        self._announce(self.frame())

    def begin(self, despatch_id: str | None) -> Refusal | None:
        """Receive against an advice, or blind. Goods already counted stay, unless they belong to another advice."""
        despatch = self.despatch(despatch_id)
        if despatch_id is not None and despatch is None:
            return Refusal(
                reason=f"despatch {despatch_id}: not known here; expected one of GET /v1/despatches"
            )
        with self._lock:
            current = self._receiving
            if current.despatch_id == despatch_id:
                return None
            if not current.is_empty and current.despatch_id is not None:
                return Refusal(
                    reason=f"goods of despatch {current.despatch_id} are being received: complete or clear them first",
                    conflict=True,
                    key="receiving_open",
                )
            self._receiving = msgspec.structs.replace(
                current, despatch_id=despatch_id, order_id=despatch.order_id if despatch else None
            )
        self.publish()
        return None

    def count(
        self, gtin: str, *, item: str | None, quantity: Decimal = Decimal(1), name: str = ""
    ) -> bool | NotCounted:
        """Count one scan; whether the advice names it. Announced and kept by :meth:`publish`."""
        with self._lock:
            counted = rules.count(
                self._receiving, gtin, quantity=quantity, item=item, name=name, counted_in=self._counted_in
            )
            if isinstance(counted, NotCounted):
                return counted
            self._receiving = counted
        despatch = self.despatch(counted.despatch_id)
        in_cases: frozenset[str] = frozenset()
        if despatch is not None and item is not None and rules.may_be_in_a_case(despatch, gtin):
            in_cases = self._cases.announced(despatch.despatch_id)
        return rules.is_announced(despatch, gtin, item, in_cases)

    def count_case(self, sscc: str, *, sealed: bool = False) -> CaseCounted | NotCounted:
        """Count a case or pallet with everything in it. One that is not known here counts only as ``sealed``.

        Where no advice was chosen, the first case that came with one chooses it. Announced and kept by :meth:`publish`.
        """
        contents = self._cases.contents(sscc)
        before = self._cases.received_before(sscc, contents)
        if before is not None:
            return NotCounted("received_already", f"this case was received on {before.number}")
        if contents is None and not sealed and sscc not in self._counted_in:
            return NotCounted(
                "case_unknown",
                "nothing is known here of this case: take it in unopened, or scan what is in it",
            )
        advised = self.despatch(contents.despatch_id) if contents else None
        with self._lock:
            receiving = self._receiving
            if advised is not None and receiving.despatch_id is None:
                receiving = msgspec.structs.replace(
                    receiving, despatch_id=advised.despatch_id, order_id=advised.order_id
                )
            counted = rules.count_case(receiving, sscc, contents, self._counted_in)
            if isinstance(counted, NotCounted):
                return counted
            self._receiving = counted
            if contents is not None:
                self._counted_in |= dict.fromkeys((*contents.items, *contents.containers), sscc)
            is_announced = counted.despatch_id in {None, contents.despatch_id if contents else None}
            if counted.despatch_id is not None and not is_announced:
                is_announced = sscc in self._cases.announced(counted.despatch_id)
        return CaseCounted(
            contents=contents,
            is_announced=is_announced,
            counted_before=_loose(receiving) - _loose(counted),
        )

    def take_out_case(self, sscc: str) -> NotCounted | None:
        """Take out a case that was counted."""
        with self._lock:
            after = rules.take_out_case(self._receiving, sscc)
            if isinstance(after, NotCounted):
                return after
            self._receiving = after
            self._counted_in = self._counted_by_case()
        self.publish()
        return None

    def set_quantity(self, gtin: str, quantity: Decimal) -> NotCounted | None:
        """Set a counted quantity by hand."""
        with self._lock:
            after = rules.set_quantity(self._receiving, gtin, quantity)
            if isinstance(after, NotCounted):
                return after
            self._receiving = after
        self.publish()
        return None

    def clear(self) -> None:
        """Forget what was counted; the advice stays chosen."""
        with self._lock:
            self._receiving = msgspec.structs.replace(
                _begin(self._receiving.despatch_id), order_id=self._receiving.order_id
            )
            self._counted_in = {}
        self.publish()

    def complete(self, asked: CompleteReceivingAsked) -> Future[Written | Refusal] | Refusal:
        """Write what was counted into the journal. Against an advice, nothing counted means: nothing has come."""
        with self._lock:
            receiving = self._receiving
            document_id = asked.receipt_advice_id or receiving.receipt_advice_id
            again = asked.receipt_advice_id is not None and self._is_written(document_id)
            if not again and receiving.is_empty and receiving.despatch_id is None:
                return Refusal(
                    reason="nothing has been counted: scan what has come", conflict=True, key="empty"
                )
            receiving, contents = self._looked_into(receiving)
            written = self._store.write(partial(self._write, receiving, contents, asked, document_id))
            if again:
                return written
            self._receiving = _begin(None)
            self._counted_in = {}
        written.add_done_callback(partial(self._settle, receiving))
        return written

    def despatch(self, despatch_id: str | None) -> DespatchView | None:
        """An advice of the feed."""
        row = None if despatch_id is None else self._replica.get(Feed.DESPATCHES, despatch_id)
        return None if row is None else _despatch_decoder.decode(row)

    def despatches(self) -> list[DespatchView]:
        """What is on its way to this site and has not been received here, the oldest first."""
        received = self._store.read(_received)
        views = [
            _despatch_decoder.decode(body) for _, body in self._replica.rows(Feed.DESPATCHES, limit=ALL_ROWS)
        ]
        awaited = [view for view in views if view.state in _OPEN_STATES and view.despatch_id not in received]
        return sorted(awaited, key=lambda view: view.despatched_at_us)

    def _unfinished(self, draft: Receiving | None) -> Receiving:
        return _begin(None) if draft is None or self._is_written(draft.receipt_advice_id) else draft

    def _is_written(self, document_id: str) -> bool:
        return self._store.read(lambda connection: self._documents.find(connection, document_id)) is not None

    def _counted_by_case(self) -> dict[str, str]:
        """Of every item and inner case that was counted with a case: with which."""
        found: dict[str, str] = {}
        for case in self._receiving.cases:
            contents = self._cases.contents(case.sscc)
            if contents is not None:
                found |= dict.fromkeys((*contents.items, *contents.containers), case.sscc)
        return found

    def _looked_into(self, receiving: Receiving) -> tuple[Receiving, tuple[Contents, ...]]:
        """The goods with what is known of their cases now: the feed may have told of one that was taken in unopened."""
        found: list[Contents] = []
        for case in receiving.cases:
            contents = self._cases.contents(case.sscc)
            if contents is None:
                continue
            found.append(contents)
            if contents.item_count != case.items:
                without = rules.take_out_case(receiving, case.sscc)
                assert isinstance(without, Receiving)
                again = rules.count_case(without, case.sscc, contents, {})
                receiving = again if isinstance(again, Receiving) else receiving
        kept = {case.sscc for case in receiving.cases}
        return receiving, tuple(contents for contents in found if contents.sscc in kept)

    def _write(
        self,
        receiving: Receiving,
        contents: tuple[Contents, ...],
        asked: CompleteReceivingAsked,
        document_id: str,
        connection: Connection,
    ) -> Written | Refusal:
        def make(inside: Connection) -> Made:
            number = f"{self._lane}-G{take_number(inside, f'receiving/{self._lane}'):05d}"
            return Made(
                number=number,
                body=GoodsReceived(
                    receipt_advice_id=document_id,
                    lines=rules.goods_lines(receiving),
                    despatch_id=receiving.despatch_id,
                    order_id=receiving.order_id,
                    complete=asked.complete,
                    clerk=asked.clerk,
                    containers=rules.unopened(receiving),
                ),
                tells={"number": number, "despatch_id": receiving.despatch_id},
            )

        written = self._documents.write(
            connection,
            kind="receiving",
            document_id=document_id,
            request=msgspec.json.encode(asked.complete),
            make=make,
        )
        if isinstance(written, Written) and not written.repeated:
            self._drafts.save(connection, _DRAFT, _begin(None))
            despatch = self.despatch(receiving.despatch_id)
            receipt = Receipt(written, receiving.despatch_id, despatch.despatched_at_us if despatch else 0)
            sealed = (case.sscc for case in receiving.cases)
            self._cases.note(connection, contents, sealed, receipt)
            if receiving.despatch_id is not None and asked.complete:
                connection.execute(
                    "INSERT OR REPLACE INTO despatches_received (despatch_id, receipt_advice_id, complete, at_us)"
                    " VALUES (?, ?, 1, ?)",
                    (receiving.despatch_id, document_id, written.event_time_us),
                )
        return written

    def _settle(self, receiving: Receiving, written: Future[Written | Refusal]) -> None:
        if written.exception() is not None or isinstance(done := written.result(), Refusal):
            with self._lock:
                self._receiving = receiving
                self._counted_in = self._counted_by_case()
        elif not done.repeated:
            self._announce(
                CompletedFrame(kind="receiving", number=done.number, document=msgspec.Raw(done.answer))
            )
        self.publish()


def _begin(despatch_id: str | None) -> Receiving:
    return Receiving(receipt_advice_id=str(uuid.uuid4()), despatch_id=despatch_id)


def _loose(receiving: Receiving) -> int:
    return sum(len(line.items) for line in receiving.lines)


def _received(connection: Connection) -> set[str]:
    rows = connection.execute("SELECT despatch_id FROM despatches_received WHERE complete = 1")
    return {str(row[0]) for row in rows}
