"""Documents of this agent: each written once, whatever is asked twice.

A sale, a return, a receipt of goods or an order has an id of its own. The same request under that id gets the stored
answer; another request under it is a conflict. The event, its number and its projections are one transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec

from agent.clock import Clock
from agent.refusals import Refusal
from agent.store import Connection
from agent.store.writer import Instead
from agent.verification.local_items import note_items
from protocol.events import Body, Event

__all__ = ["ID_FIELDS", "Accepted", "AppendsEvents", "Documents", "Made", "Refusal", "Written"]


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A document in the journal. ``answer`` is the JSON that whoever asked gets, now and every time they ask again."""

    document_id: str
    kind: str
    number: str
    epoch: str
    seq: int
    event_time_us: int
    answer: bytes
    repeated: bool = False
    voided_by: str | None = None


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What a document becomes: its event's body, its number, and what its answer tells beyond id, epoch and seq.

    ``before`` are facts that belong to it and stand right before it in the journal. ``event_time_us`` is set for what is told late.
    """

    number: str
    body: Body
    tells: dict[str, object] = {}
    event_time_us: int | None = None
    before: tuple[Body, ...] = ()


class Accepted(Protocol):
    """Where an event stands, and its bytes there."""

    @property
    def epoch(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def body(self) -> bytes: ...


class AppendsEvents(Protocol):
    """The journal, as far as documents need it."""

    def append(self, connection: Connection, event: Event) -> Accepted:
        """Append within a transaction of the store's writer."""


ID_FIELDS = {
    "sale": "sale_id",
    "void": "void_id",
    "return": "return_id",
    "receiving": "receipt_advice_id",
    "packing": "packing_id",
    "unpacking": "unpacking_id",
    "order": "order_id",
    "order_cancel": "cancel_id",
    "count": "count_id",
    "despatch": "despatch_id",
    "shift_open": "shift_id",
    "shift_close": "closing_id",
    "cash_move": "cash_move_id",
    "adjustment": "adjustment_id",
}


class Documents:
    """Writes documents; every method runs inside a :meth:`Store.write` or :meth:`Store.read` work."""

    def __init__(
        self, journal: AppendsEvents, clock: Clock, clerk: Callable[[], str | None] = lambda: None
    ) -> None:
        """``clerk`` is who stands at the counter: whoever is named by no one else did what is written now."""
        self._journal = journal
        self._clock = clock
        self._clerk = clerk

    def write(
        self,
        connection: Connection,
        *,
        kind: str,
        document_id: str,
        request: bytes,
        make: Callable[[Connection], Made | Refusal],
        seems_new: bool = False,
    ) -> Written | Refusal:
        """Write the document that ``make`` makes, or tell what was written under its id before.

        ``make`` takes a number as its last step, and only once it refuses nothing: numbers have no gaps. Where the id
        ``seems_new`` nothing is looked up before; should it be used after all, what was written is taken back.
        """
        digest = hashlib.sha256(request).digest()
        answer_again = partial(self._answered, kind=kind, document_id=document_id, digest=digest)
        if not seems_new and (answered := answer_again(connection)) is not None:
            return answered
        made = make(connection)
        if isinstance(made, Refusal):
            return answer_again(connection) or made
        for body in made.before:
            self._journal.append(connection, self._event(body, made.event_time_us))
        event = self._event(made.body, made.event_time_us)
        accepted = self._journal.append(connection, event)
        note_items(connection, made.body, made.number, event.at.event_time_us)
        tells = {ID_FIELDS[kind]: document_id, **made.tells, "epoch": accepted.epoch, "seq": accepted.seq}
        written = Written(
            document_id=document_id,
            kind=kind,
            number=made.number,
            epoch=accepted.epoch,
            seq=accepted.seq,
            event_time_us=event.at.event_time_us,
            answer=msgspec.json.encode(tells),
        )
        inserted = connection.execute(
            "INSERT INTO documents (document_id, kind, number, digest, answer, epoch, seq, event_time_us, body, shift_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT shift_id FROM shifts WHERE closed_at_us IS NULL))"
            " ON CONFLICT DO NOTHING",
            (
                document_id,
                kind,
                made.number,
                digest,
                written.answer.decode(),
                written.epoch,
                written.seq,
                written.event_time_us,
                accepted.body,
            ),
        )
        if inserted.rowcount != 1:
            raise Instead(answer_again)  # the number and the event go back
        return written

    def _answered(
        self, connection: Connection, kind: str, document_id: str, digest: bytes
    ) -> Written | Refusal | None:
        """What whoever asks again is told; None for an id that is new."""
        stored = self._stored(connection, document_id)
        if stored is None:
            return None
        written, stored_digest = stored
        if written.kind == kind and stored_digest == digest:
            return msgspec.structs.replace(written, repeated=True)
        return Refusal(
            reason=f"{ID_FIELDS[kind]} {document_id}: was used for {written.kind} {written.number} with other contents; "
            "expected the same request again, or a new id",
            conflict=True,
            key="conflict",
        )

    def _event(self, body: Body, event_time_us: int | None) -> Event:
        """What is told late was done by whoever the teller names, not by who stands here now."""
        at = self._clock.moment(event_time_us)
        if event_time_us is None and "clerk" in body.__struct_fields__ and body.clerk is None:  # type: ignore[union-attr]
            body = msgspec.structs.replace(body, clerk=self._clerk())
        return Event(at=at, body=body)

    def find(self, connection: Connection, document_id: str) -> Written | None:
        """A document by its id."""
        stored = self._stored(connection, document_id)
        return None if stored is None else stored[0]

    def body(self, connection: Connection, document_id: str) -> bytes | None:
        """The event of a document, as it was journaled."""
        row = connection.execute(
            "SELECT body FROM documents WHERE document_id = ?", (document_id,)
        ).fetchone()
        return None if row is None else bytes(row[0])

    def bodies(self, connection: Connection, kind: str, limit: int) -> list[tuple[bytes, int]]:
        """The latest documents of a kind, newest first: their events and when they happened."""
        rows = connection.execute(
            "SELECT body, event_time_us FROM documents WHERE kind = ? ORDER BY event_time_us DESC LIMIT ?",
            (kind, limit),
        )
        return [(bytes(body), int(at_us)) for body, at_us in rows]

    def mark_voided(self, connection: Connection, sale_id: str, void_id: str) -> None:
        """Note that a sale was voided, and by which document."""
        connection.execute(
            "UPDATE documents SET voided_by = ? WHERE document_id = ? AND voided_by IS NULL",
            (void_id, sale_id),
        )

    @staticmethod
    def _stored(connection: Connection, document_id: str) -> tuple[Written, bytes] | None:
        row = connection.execute(
            "SELECT kind, number, digest, answer, epoch, seq, event_time_us, voided_by FROM documents"
            " WHERE document_id = ?",
            (document_id,),
        ).fetchone()
        if row is None:
            return None
        kind, number, digest, answer, epoch, seq, event_time_us, voided_by = row
        written = Written(
            document_id=document_id,
            kind=kind,
            number=number,
            epoch=epoch,
            seq=seq,
            event_time_us=event_time_us,
            answer=answer.encode(),
            voided_by=voided_by,
        )
        return written, bytes(digest)
