"""Pack mode and unpack mode: scans are collected for one case, in a draft that survives a power cut; completing it writes one event."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

import msgspec

from agent.documents import Made, Refusal, Written
from agent.packing import rules
from agent.packing.cases import Cases
from agent.packing.contents import Contents, gtin_in
from agent.packing.rules import PACK, CaseDraft, NotPacked
from agent.shop import Shop
from agent.store import Connection
from agent.store.series import take_number
from agent.till.frames import CompletedFrame, PackingFrame, Pieces
from protocol.events import GoodsPacked, GoodsUnpacked
from protocol.feeds import ContainerHere

_DOCUMENTS = {PACK: ("packing", "K"), rules.UNPACK: ("unpacking", "U")}
_DRAWN_UP = b"the case on the counter"
"""What is asked when the draft is completed: the same again, whatever has been scanned since."""
Result = Future[Written | Refusal]
Change = Callable[[CaseDraft], CaseDraft | NotPacked]


class CompletePackingAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/packing/complete`` and ``/v1/unpacking/complete``. ``document_id`` is the draft's, or one of the asker's own."""

    document_id: str | None = None
    clerk: str | None = None


class Packing:
    """One case being packed (``kind`` pack) or unpacked. Thread-safe."""

    def __init__(self, kind: str, shop: Shop, cases: Cases) -> None:
        self.kind = kind
        self.cases = cases
        self._document, self._letter = _DOCUMENTS[kind]
        self._store = shop.store
        self._documents = shop.documents
        self._drafts = shop.drafts
        self._catalogue = shop.catalogue
        self._announce = shop.announce
        self._lane = shop.lane
        self._lock = threading.Lock()
        found = shop.drafts.get(self._document, CaseDraft)
        self._draft = _empty() if found is None or self._is_written(found.document_id) else found

    @property
    def draft(self) -> CaseDraft:
        """What has been scanned for the case."""
        with self._lock:
            return self._draft

    def frame(self) -> PackingFrame:
        """The case as screens see it: what it held, and what is being done to it."""
        draft = self.draft
        inside = self.inside(draft)
        pieces = () if inside is None else sorted(inside.pieces.items())
        gtins = {gtin for item in draft.items if (gtin := gtin_in(item)) is not None}
        return PackingFrame(
            kind=self.kind,
            draft=draft,
            names={gtin: self._catalogue.name(gtin) for gtin in gtins},
            known=inside is not None,
            items=None if inside is None else inside.item_count,
            cases=0 if inside is None else len(inside.containers),
            pieces=tuple(
                Pieces(gtin=gtin, name=self._catalogue.name(gtin), quantity=quantity)
                for gtin, quantity in pieces
            ),
        )

    def inside(self, draft: CaseDraft) -> Contents | None:
        """What the open case holds, all levels, as far as is known here."""
        return None if draft.sscc is None else self.cases.contents_on_hand(draft.sscc)

    def publish(self) -> None:
        """Show the draft on every screen and keep it."""
        self._drafts.put(self._document, self.draft)
        self._announce(self.frame())

    def change(self, change: Change) -> NotPacked | None:
        """Change the draft by a rule. Announced and kept by :meth:`publish`."""
        with self._lock:
            after = change(self._draft)
            if isinstance(after, NotPacked):
                return after
            self._draft = after
        return None

    def clear(self) -> None:
        """Forget what was scanned, and close the case."""
        self.change(lambda _: _empty())
        self.publish()

    def complete(self, asked: CompletePackingAsked) -> Result | Refusal:
        """Write the draft into the journal. A case that is unpacked with nothing scanned is unpacked as a whole."""
        with self._lock:
            draft = self._draft
            document_id = asked.document_id or draft.document_id
            if asked.document_id is not None and self._is_written(document_id):
                return self._submit(
                    msgspec.structs.replace(draft, document_id=document_id), asked.clerk, _DRAWN_UP
                )
            if draft.sscc is None:
                return Refusal(reason="no case is open: scan its SSCC first", conflict=True, key="no_case")
            if draft.is_empty and self.kind == PACK:
                return Refusal(
                    reason=f"nothing has been put into case {draft.sscc}: scan what goes in",
                    conflict=True,
                    key="empty",
                )
            written = self._submit(
                msgspec.structs.replace(draft, document_id=document_id), asked.clerk, _DRAWN_UP
            )
            self._draft = _empty()
        written.add_done_callback(partial(self._settle, draft))
        return written

    def write(self, draft: CaseDraft, clerk: str | None) -> Result:
        """Write a case told at once, whatever is on the counter. Idempotent by its ``document_id``."""
        written = self._submit(draft, clerk, _request(draft))
        written.add_done_callback(self._tell)
        return written

    def _submit(self, draft: CaseDraft, clerk: str | None, request: bytes) -> Result:
        before = None if draft.sscc is None else self.cases.on_hand(draft.sscc)
        base = b"" if draft.sscc is None else self.cases.base_of(draft.sscc)
        return self._store.write(partial(self._write, draft, clerk, request, before, base))

    def _write(
        self,
        draft: CaseDraft,
        clerk: str | None,
        request: bytes,
        before: ContainerHere | None,
        base: bytes,
        connection: Connection,
    ) -> Written | Refusal:
        def make(inside: Connection) -> Made:
            number = f"{self._lane}-{self._letter}{take_number(inside, f'{self._document}/{self._lane}'):05d}"
            return Made(
                number=number, body=self._body(draft, clerk), tells={"number": number, "sscc": draft.sscc}
            )

        written = self._documents.write(
            connection,
            kind=self._document,
            document_id=draft.document_id,
            request=request,
            make=make,
        )
        if isinstance(written, Written) and not written.repeated:
            if request == _DRAWN_UP:
                self._drafts.save(connection, self._document, _empty())
            after = rules.after_packing if self.kind == PACK else rules.after_unpacking
            self.cases.note(connection, after(draft, before), base, written)
        return written

    def _body(self, draft: CaseDraft, clerk: str | None) -> GoodsPacked | GoodsUnpacked:
        return rules.packed(draft, clerk) if self.kind == PACK else rules.unpacked(draft, clerk)

    def _is_written(self, document_id: str) -> bool:
        return self._store.read(lambda connection: self._documents.find(connection, document_id)) is not None

    def _settle(self, draft: CaseDraft, written: Result) -> None:
        if written.exception() is not None or isinstance(written.result(), Refusal):
            with self._lock:
                self._draft = draft
        self._tell(written)
        self.publish()

    def _tell(self, written: Result) -> None:
        if (
            written.exception() is None
            and isinstance(done := written.result(), Written)
            and not done.repeated
        ):
            self._announce(
                CompletedFrame(kind=self._document, number=done.number, document=msgspec.Raw(done.answer))
            )


def _empty() -> CaseDraft:
    return CaseDraft(document_id=str(uuid.uuid4()))


def _request(draft: CaseDraft) -> bytes:
    """What makes two requests the same one: the case and what goes in or out, not the words shown beside it."""
    lines = sorted((line.gtin, str(line.quantity)) for line in draft.lines)
    return msgspec.json.encode((draft.sscc, sorted(draft.items), sorted(draft.containers), lines))
