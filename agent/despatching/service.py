"""Ship mode: scans are loaded for one destination, in a draft that survives a power cut; completing it writes GoodsDespatched."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

import msgspec

from agent.despatching import items, rules
from agent.despatching.rules import Leaving
from agent.despatching.seen import LoadedCase, LoadedLine
from agent.documents import Made, Refusal, Written
from agent.packing.cases import Cases
from agent.packing.standing import Standing
from agent.shop import Shop
from agent.store import Connection
from agent.store.series import take_number
from agent.tallying.products import Products
from agent.tallying.rules import NotTallied, joined, merged, pieces
from agent.tallying.steps import TallyCase, TallyLine
from agent.till.found import Found
from agent.till.frames import CompletedFrame, Outcome, ShippingFrame
from agent.verification.service import ALL_ROWS
from protocol.feeds import Feed, SiteHere

_DRAFT = "shipping"
_DRAWN_UP = b"the goods at the door"
"""What is asked when the draft is completed: the same again, whatever has been scanned since."""
_site_decoder = msgspec.json.Decoder(SiteHere)
Result = Future[Written | Refusal]
Change = Callable[[Leaving], Leaving | NotTallied]


class CompleteShippingAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/shipping/complete``. ``despatch_id`` is the draft's, or one of the asker's own."""

    despatch_id: str | None = None
    reason: str | None = None
    clerk: str | None = None


class Shipping:
    """The goods at the door. Thread-safe."""

    def __init__(self, shop: Shop, cases: Cases, standing: Standing, site: str) -> None:
        self.cases = cases
        self.standing = standing
        self.site = site
        self._shop = shop
        self._store = shop.store
        self._drafts = shop.drafts
        self._products = Products(shop)
        self._lock = threading.Lock()
        found = shop.drafts.get(_DRAFT, Leaving)
        self._leaving = _empty() if found is None or self.is_written(found.despatch_id) else found

    @property
    def leaving(self) -> Leaving:
        """What has been loaded."""
        with self._lock:
            return self._leaving

    def frame(self) -> ShippingFrame:
        """The goods as screens see them."""
        leaving = self.leaving
        lines = merged(leaving.tally)
        return ShippingFrame(
            despatch_id=leaving.despatch_id,
            to=leaving.to,
            order_id=leaving.order_id,
            reason=leaving.reason,
            lines=tuple(self._seen(line) for line in reversed(leaving.tally.lines)),
            cases=tuple(self._case_seen(case) for case in reversed(leaving.tally.cases)),
            products=len(lines),
            pieces=pieces(lines, self._products.unit),
            can_undo=bool(leaving.tally.steps),
        )

    def _seen(self, line: TallyLine) -> LoadedLine:
        return LoadedLine(
            gtin=line.gtin,
            name=self._products.name(line.gtin),
            unit=self._products.unit(line.gtin),
            quantity=line.quantity,
            items=line.items,
        )

    def _case_seen(self, case: TallyCase) -> LoadedCase:
        return LoadedCase(
            sscc=case.sscc,
            items=len(case.items) if case.is_known else None,
            pieces=pieces(case.lines, self._products.unit),
            products=len(case.lines),
            first=self._products.name(case.lines[0].gtin) if case.lines else "",
        )

    def sites(self) -> list[SiteHere]:
        """Where goods may be sent from here, by name."""
        found = [
            _site_decoder.decode(body) for _, body in self._shop.replica.rows(Feed.SITES, limit=ALL_ROWS)
        ]
        return sorted(found, key=lambda site: (site.kind != rules.WAREHOUSE, site.name, site.site))

    def find_site(self, site: str) -> SiteHere | None:
        """A destination by its id."""
        row = self._shop.replica.get(Feed.SITES, site)
        return None if row is None else _site_decoder.decode(row)

    def choose(self, to_site: str, order_id: str | None = None) -> Refusal | None:
        """Say where the goods go. What is loaded stays, unless it may not go there."""
        to = self.find_site(to_site)
        if to is None:
            return no_site(to_site)
        refused = self.change(lambda leaving: rules.bound_for(leaving, to, order_id))
        if refused is not None:
            return Refusal(reason=refused.reason, conflict=True, key=refused.key)
        self.publish()
        return None

    def choose_by_card(self, argument: str) -> Found:
        """The control code SITE, for a card at the ramp. Letters of the site's id may be of either case."""
        named = next((one.site for one in self.sites() if one.site.upper() == argument), argument)
        refused = self.choose(named)
        if refused is not None:
            return Found(outcome=Outcome.REFUSED, message=refused.reason, key=refused.key)
        to = self.leaving.to
        return Found(outcome=Outcome.FOUND, message=to.name if to else named, key="destination")

    def change(self, change: Change) -> NotTallied | None:
        """Change the goods by a rule. Announced and kept by :meth:`publish`."""
        with self._lock:
            after = change(self._leaving)
            if isinstance(after, NotTallied):
                return after
            self._leaving = after
        return None

    def publish(self) -> None:
        """Show the goods on every screen and keep them."""
        self._drafts.put(_DRAFT, self.leaving)
        self._shop.announce(self.frame())

    def clear(self) -> None:
        """Forget what was loaded, and where it was to go."""
        with self._lock:
            self._leaving = _empty()
        self.publish()

    def complete(self, asked: CompleteShippingAsked) -> Result | Refusal:
        """Write what was loaded into the journal."""
        if (fault := reason_fault(asked.reason)) is not None:
            return fault
        with self._lock:
            leaving = self._leaving
            despatch_id = asked.despatch_id or leaving.despatch_id
            if asked.despatch_id is not None and self.is_written(despatch_id):
                return self._submit(leaving, despatch_id, asked.clerk, _DRAWN_UP)
            if leaving.to is None:
                return Refusal(
                    reason=rules.NO_DESTINATION.reason, conflict=True, key=rules.NO_DESTINATION.key
                )
            if leaving.is_empty:
                return Refusal(reason="nothing is loaded: scan what leaves", conflict=True, key="empty")
            leaving = msgspec.structs.replace(leaving, reason=asked.reason or leaving.reason)
            written = self._submit(leaving, despatch_id, asked.clerk, _DRAWN_UP)
            self._leaving = _empty()
        written.add_done_callback(partial(self._settle, leaving))
        return written

    def write(self, leaving: Leaving, clerk: str | None, request: bytes) -> Result:
        """Write goods that were told at once, whatever is at the door. Idempotent by their ``despatch_id``."""
        written = self._submit(leaving, leaving.despatch_id, clerk, request)
        written.add_done_callback(self._tell)
        return written

    # -- inside the writer's transaction ----------------------------------------------------------------------------------

    def _submit(self, leaving: Leaving, despatch_id: str, clerk: str | None, request: bytes) -> Result:
        inside = [sscc for case in leaving.tally.cases for sscc in (case.sscc, *case.containers)]
        bases = [(sscc, self.cases.base_of(sscc)) for sscc in dict.fromkeys(inside)]
        return self._store.write(partial(self._write, leaving, despatch_id, clerk, request, bases))

    def _write(
        self,
        leaving: Leaving,
        despatch_id: str,
        clerk: str | None,
        request: bytes,
        bases: list[tuple[str, bytes]],
        connection: Connection,
    ) -> Written | Refusal:
        in_cases = rules.items_of(leaving.tally.cases)

        def make(inside: Connection) -> Made | Refusal:
            if leaving.to is None:
                return Refusal(reason=rules.NO_DESTINATION.reason, key=rules.NO_DESTINATION.key)
            loose = (item for line in leaving.tally.lines for item in line.items)
            gone = items.gone_meanwhile(inside, (*loose, *(item for item, _ in in_cases)))
            if gone is not None:
                return gone
            number = f"{self._shop.lane}-D{take_number(inside, f'despatch/{self._shop.lane}'):05d}"
            return Made(
                number=number,
                body=rules.despatched(leaving, leaving.to, despatch_id, clerk),
                tells=_told(leaving, leaving.to, number, self._products.unit),
            )

        written = self._shop.documents.write(
            connection, kind="despatch", document_id=despatch_id, request=request, make=make
        )
        if isinstance(written, Written) and not written.repeated and leaving.to is not None:
            if request == _DRAWN_UP:
                self._drafts.save(connection, _DRAFT, _empty())
            items.note_left(connection, in_cases, written)
            self.standing.note_left(connection, bases, leaving.to.site, written)
        return written

    def is_written(self, despatch_id: str) -> bool:
        """Whether this id is that of a despatch, or of another document."""
        documents = self._shop.documents
        return self._store.read(lambda connection: documents.find(connection, despatch_id)) is not None

    # -- after the commit -------------------------------------------------------------------------------------------------

    def _settle(self, leaving: Leaving, written: Result) -> None:
        if written.exception() is not None or isinstance(written.result(), Refusal):
            with self._lock:
                both = joined(leaving.tally, self._leaving.tally)
                back_only = tuple(dict.fromkeys((*leaving.back_only, *self._leaving.back_only)))
                self._leaving = msgspec.structs.replace(leaving, tally=both, back_only=back_only)
        self._tell(written)
        self.publish()

    def _tell(self, written: Result) -> None:
        done = None if written.exception() is not None else written.result()
        if isinstance(done, Written) and not done.repeated:
            self._shop.announce(
                CompletedFrame(kind="despatch", number=done.number, document=msgspec.Raw(done.answer))
            )


def no_site(site: str) -> Refusal:
    """A destination that central has not told of."""
    return Refusal(
        reason=f"site {site[:64]}: goods cannot be sent there from here; expected one of GET /v1/sites",
        key="no_site",
    )


def reason_fault(reason: str | None) -> Refusal | None:
    """Why a reason cannot be recorded."""
    if reason is None or (len(reason) <= rules.REASON_LIMIT and reason.isprintable()):
        return None
    return Refusal(
        reason=f"reason: expected at most {rules.REASON_LIMIT} printable characters", key="invalid"
    )


def _empty() -> Leaving:
    return Leaving(despatch_id=str(uuid.uuid4()))


def _told(leaving: Leaving, to: SiteHere, number: str, unit_of: Callable[[str], str]) -> dict[str, object]:
    """What the answer tells. It keeps what was in each case: the feed forgets a case that has left."""
    lines = merged(leaving.tally)
    cases = [
        {"sscc": case.sscc, "pieces": {line.gtin: line.quantity for line in case.lines}}
        for case in leaving.tally.cases
    ]
    return {
        "number": number,
        "to_site": to.site,
        "to_name": to.name,
        "products": len(lines),
        "pieces": pieces(lines, unit_of),
        "cases": cases,
    }
