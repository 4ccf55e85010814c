"""Despatch notes: what left with one despatch, to be read, shown and printed, however long ago it was."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from agent.documents import Documents, Written
from agent.store import Connection, Store
from agent.till.catalogue import Catalogue
from protocol.events import GoodsDespatched, decode_event


class NoteLine(msgspec.Struct, frozen=True, kw_only=True):
    """A product that left by itself, with the codes of its items."""

    gtin: str
    name: str
    unit: str
    quantity: Decimal
    items: tuple[str, ...] = ()


class NoteCase(msgspec.Struct, frozen=True, kw_only=True):
    """A case that left as one. ``lines`` are what was in it; none where nothing was known of it."""

    sscc: str
    lines: tuple[NoteLine, ...] = ()


class DespatchNote(msgspec.Struct, frozen=True, kw_only=True):
    """One despatch of this machine. ``pieces`` are of everything, what was in cases included."""

    despatch_id: str
    number: str
    at_us: int
    from_site: str
    to_site: str
    to_name: str
    order_id: str | None
    reason: str | None
    clerk: str | None
    pieces: Decimal
    lines: tuple[NoteLine, ...]
    cases: tuple[NoteCase, ...]


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """A despatch in a list."""

    despatch_id: str
    number: str
    at_us: int
    to_site: str
    to_name: str
    pieces: Decimal
    reason: str | None


class _Case(msgspec.Struct):
    sscc: str
    pieces: dict[str, Decimal] = {}


class _Told(msgspec.Struct):
    """What is wanted of a despatch's answer."""

    to_name: str
    pieces: Decimal
    cases: tuple[_Case, ...] = ()


_told_decoder = msgspec.json.Decoder(_Told)


class Notes:
    """Looks despatches up. Thread-safe."""

    def __init__(self, store: Store, documents: Documents, catalogue: Catalogue, site: str) -> None:
        self._store = store
        self._documents = documents
        self._catalogue = catalogue
        self._site = site

    def find(self, despatch_id: str) -> DespatchNote | None:
        """The note of a despatch of this machine."""
        found = self._store.read(lambda connection: self._stored(connection, despatch_id))
        if found is None:
            return None
        written, body = found
        told = _told_decoder.decode(written.answer)
        return DespatchNote(
            despatch_id=body.despatch_id,
            number=written.number,
            at_us=written.event_time_us,
            from_site=self._site,
            to_site=body.to_site,
            to_name=told.to_name,
            order_id=body.order_id,
            reason=body.reason,
            clerk=body.clerk,
            pieces=told.pieces,
            lines=tuple(self._line(line.gtin, line.quantity, line.items) for line in body.lines),
            cases=tuple(
                NoteCase(
                    sscc=case.sscc,
                    lines=tuple(self._line(gtin, pieces) for gtin, pieces in sorted(case.pieces.items())),
                )
                for case in told.cases
            ),
        )

    def listed(self, limit: int) -> list[Brief]:
        """The latest despatches of this machine, newest first."""
        bodies = self._store.read(lambda connection: self._documents.bodies(connection, "despatch", limit))
        ids = [
            body.despatch_id
            for stored, _ in bodies
            if isinstance(body := decode_event(stored).body, GoodsDespatched)
        ]
        notes = (self.find(despatch_id) for despatch_id in ids)
        return [
            Brief(
                despatch_id=note.despatch_id,
                number=note.number,
                at_us=note.at_us,
                to_site=note.to_site,
                to_name=note.to_name,
                pieces=note.pieces,
                reason=note.reason,
            )
            for note in notes
            if note is not None
        ]

    def _stored(self, connection: Connection, despatch_id: str) -> tuple[Written, GoodsDespatched] | None:
        written = self._documents.find(connection, despatch_id)
        stored = None if written is None else self._documents.body(connection, despatch_id)
        body = None if stored is None else decode_event(stored).body
        return (written, body) if written is not None and isinstance(body, GoodsDespatched) else None

    def _line(self, gtin: str, quantity: Decimal, items: tuple[str, ...] = ()) -> NoteLine:
        product = self._catalogue.product(gtin)
        return NoteLine(
            gtin=gtin,
            name=product.name if product else "",
            unit=product.unit if product else "each",
            quantity=quantity,
            items=items,
        )
