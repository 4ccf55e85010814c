"""Shifts at the counter: each step one document, written with what it does to the shift, in one transaction.

What belongs to a shift is what was written while it was open: every document bears its shift from the transaction that wrote
it. So a close is exact under a power cut, over midnight, with a clock that jumps, and long after the journal's own rows
were pruned.
"""

from __future__ import annotations

import uuid
from concurrent.futures import Future
from functools import partial

import msgspec

from agent.documents import Made, Refusal, Written
from agent.shifts import rules, storage
from agent.shifts.asked import CloseAsked, MoveAsked, OpenAsked
from agent.shifts.current import open_shift_id
from agent.shifts.rules import Report, Shift
from agent.shop import Shop
from agent.store import Connection
from agent.store.series import take_number
from agent.till.clerk import NAME_LIMIT
from agent.till.frames import CompletedFrame, ShiftFrame
from agent.till.rules import AMOUNT_LIMIT_MINOR, NotAllowed
from protocol.events import CashMoved, ShiftClosed, ShiftOpened, decode_event

# The name space of closings: one for each shift.
_CLOSINGS = uuid.UUID("b0f0f7a8-5d5c-4a0c-9a0b-2a4d1e6f3c77")
Result = Future[Written | Refusal]


class _Closed(msgspec.Struct):
    """What is wanted of a closing's answer."""

    report: Report


class Shifts:
    """The shifts of one till. Thread-safe."""

    def __init__(self, shop: Shop, *, is_required: bool, is_blind: bool) -> None:
        self._store = shop.store
        self._documents = shop.documents
        self._clock = shop.clock
        self._clerk = shop.clerk
        self._announce = shop.announce
        self._lane = shop.lane
        self._currency = shop.catalogue.currency
        self._is_required = is_required
        self._is_blind = is_blind

    def current(self) -> Shift | None:
        """The shift that is open."""
        return self._store.read(storage.open_shift)

    def frame(self) -> ShiftFrame:
        """The shift as screens see it."""
        shift = self.current()
        return ShiftFrame(
            shift_id=None if shift is None else shift.shift_id,
            number=None if shift is None else shift.number,
            opened_at_us=None if shift is None else shift.opened_at_us,
            clerk=self._clerk.name(),
            required=self._is_required,
            blind=self._is_blind,
        )

    def publish(self) -> None:
        """Show it on every screen."""
        self._announce(self.frame())

    def clerk(self) -> str | None:
        """Who stands at the counter."""
        return self._clerk.name()

    def set_clerk(self, name: str | None) -> None:
        """Somebody takes the counter over: by a card, or by hand."""
        self._clerk.set(name)
        self.publish()

    def wanted(self, connection: Connection, *, is_told_late: bool) -> Refusal | None:
        """Why nothing may be sold now: a shift is required and none is open. What is told late has happened already."""
        if not self._is_required or is_told_late or open_shift_id(connection) is not None:
            return None
        return Refusal(reason="no shift is open: open one first", conflict=True, key="no_shift")

    # -- what is asked for ------------------------------------------------------------------------------------------------

    def open(self, asked: OpenAsked) -> Result | Refusal:
        """Open a shift; one at a time."""
        if not 0 <= asked.float_minor <= AMOUNT_LIMIT_MINOR:
            return Refusal(reason=f"float_minor {asked.float_minor}: expected 0 to {AMOUNT_LIMIT_MINOR}")
        if (fault := _clerk_fault(asked.clerk)) is not None:
            return fault
        shift_id = asked.shift_id or str(uuid.uuid4())
        written = self._store.write(partial(self._write_open, asked, shift_id))
        written.add_done_callback(partial(self._settle, "shift_open"))
        return written

    def close(self, asked: CloseAsked) -> Result | Refusal:
        """Close the shift with its count; what should have been there is in the answer."""
        found = rules.counted(asked.counted, asked.denominations, self._currency)
        if isinstance(found, NotAllowed):
            return Refusal(reason=found.reason, key=found.key)
        if (fault := _clerk_fault(asked.clerk)) is not None:
            return fault
        written = self._store.write(partial(self._write_close, asked, found))
        written.add_done_callback(partial(self._settle, "shift_close"))
        return written

    def move(self, asked: MoveAsked) -> Result | Refusal:
        """Put cash into the drawer or take it out; outside a shift too."""
        if asked.amount_minor == 0 or abs(asked.amount_minor) > AMOUNT_LIMIT_MINOR:
            return Refusal(
                reason=f"amount_minor {asked.amount_minor}: expected above 0 for cash put in, below 0 for cash taken out"
            )
        if (wrong := rules.reason_fault(asked.reason)) is not None:
            return Refusal(reason=wrong.reason, key=wrong.key)
        if (fault := _clerk_fault(asked.clerk)) is not None:
            return fault
        move_id = asked.cash_move_id or str(uuid.uuid4())
        written = self._store.write(partial(self._write_move, asked, move_id))
        written.add_done_callback(partial(self._settle, "cash_move"))
        return written

    def report(self, shift_id: str | None = None, *, in_full: bool = False) -> Report | Refusal:
        """The report of a shift: of a closed one as it was closed, of the open one (or None) as of now.

        Of an open one, a blind count keeps the sums to itself unless they are asked for ``in_full``.
        """
        found = self._store.read(partial(self._look, shift_id))
        if isinstance(found, Report | Refusal):
            return found
        shift, done = found
        return rules.report(shift, done, self._clock.wall_us(), is_blind=self._is_blind and not in_full)

    def latest(self) -> Report | None:
        """The report of the shift closed last."""
        closing = self._store.read(storage.latest_closing)
        return None if closing is None else self.closed_by(closing)

    def closed_by(self, closing_id: str) -> Report | None:
        """The report that a closing made."""
        found = self._store.read(partial(self._documents.find, document_id=closing_id))
        return (
            None
            if found is None or found.kind != "shift_close"
            else msgspec.json.decode(found.answer, type=_Closed).report
        )

    # -- inside the writer's transaction ------------------------------------------------------------------------------------

    def _write_open(self, asked: OpenAsked, shift_id: str, connection: Connection) -> Written | Refusal:
        clerk = asked.clerk or self._clerk.name()

        def make(inside: Connection) -> Made | Refusal:
            if (now := storage.open_shift(inside)) is not None:
                return Refusal(
                    reason=f"shift {now.number} is open: close it first", conflict=True, key="shift_open"
                )
            number = f"{self._lane}-Z{take_number(inside, f'shift/{self._lane}'):05d}"
            return Made(
                number=number,
                body=ShiftOpened(
                    shift_id=shift_id,
                    number=number,
                    currency=self._currency,
                    float_minor=asked.float_minor,
                    clerk=clerk,
                ),
                tells={
                    "number": number,
                    "currency": self._currency,
                    "float_minor": asked.float_minor,
                    "clerk": clerk,
                },
            )

        request = msgspec.json.encode((asked.float_minor, asked.clerk))
        written = self._documents.write(
            connection, kind="shift_open", document_id=shift_id, request=request, make=make
        )
        if isinstance(written, Written) and not written.repeated:
            storage.note_opened(
                connection,
                Shift(
                    shift_id=shift_id,
                    number=written.number,
                    currency=self._currency,
                    float_minor=asked.float_minor,
                    clerk=clerk,
                    epoch=written.epoch,
                    first_seq=written.seq,
                    opened_at_us=written.event_time_us,
                ),
            )
        return written

    def _write_close(
        self, asked: CloseAsked, found: dict[str, int], connection: Connection
    ) -> Written | Refusal:
        shift_id = asked.shift_id or open_shift_id(connection)
        if shift_id is None:
            return _NONE_OPEN

        def make(inside: Connection) -> Made | Refusal:
            shift = storage.open_shift(inside)
            if shift is None or shift.shift_id != shift_id:
                return Refusal(
                    reason=f"shift {shift_id[:64]}: is not open here", conflict=True, key="no_shift"
                )
            return self._closing(inside, shift, asked, found)

        written = self._documents.write(
            connection,
            kind="shift_close",
            document_id=str(uuid.uuid5(_CLOSINGS, shift_id)),
            request=msgspec.json.encode((sorted(found.items()), asked.clerk)),
            make=make,
        )
        if isinstance(written, Written) and not written.repeated:
            storage.note_closed(connection, shift_id, written.event_time_us)
        return written

    def _closing(
        self, connection: Connection, shift: Shift, asked: CloseAsked, found: dict[str, int]
    ) -> Made:
        done = _tally(connection, shift.shift_id)
        at_us = self._clock.wall_us()
        should = rules.expected(shift.float_minor, done)
        body = ShiftClosed(
            shift_id=shift.shift_id,
            number=shift.number,
            currency=shift.currency,
            first_seq=storage.first_seq_in_live_epoch(connection, shift),
            sales=done.sales,
            voids=done.voids,
            returns=done.returns,
            counted=rules.paid(found),
            expected=rules.paid(should),
            taken=rules.paid(done.taken),
            clerk=asked.clerk or self._clerk.name() or shift.clerk,
        )
        report = rules.report(shift, done, at_us, found)
        differs = {
            line.method: line.difference_minor for line in report.methods if line.difference_minor is not None
        }
        tells = {
            "shift_id": shift.shift_id,
            "number": shift.number,
            "currency": shift.currency,
            "difference_minor": differs,
            "report": report,
        }
        return Made(number=shift.number, body=body, tells=tells)

    def _write_move(self, asked: MoveAsked, move_id: str, connection: Connection) -> Written | Refusal:
        def make(inside: Connection) -> Made:
            number = f"{self._lane}-M{take_number(inside, f'cash_move/{self._lane}'):05d}"
            shift_id = open_shift_id(inside)
            return Made(
                number=number,
                body=CashMoved(
                    cash_move_id=move_id,
                    currency=self._currency,
                    amount_minor=asked.amount_minor,
                    reason=asked.reason.strip(),
                    shift_id=shift_id,
                    clerk=asked.clerk,
                ),
                tells={
                    "number": number,
                    "amount_minor": asked.amount_minor,
                    "currency": self._currency,
                    "shift_id": shift_id,
                },
            )

        request = msgspec.json.encode((asked.amount_minor, asked.reason, asked.clerk))
        return self._documents.write(
            connection, kind="cash_move", document_id=move_id, request=request, make=make
        )

    def _look(
        self, shift_id: str | None, connection: Connection
    ) -> tuple[Shift, rules.Tally] | Report | Refusal:
        shift = storage.open_shift(connection)
        if shift is not None and shift_id in {None, shift.shift_id}:
            return shift, _tally(connection, shift.shift_id)
        if shift_id is None:
            return _NONE_OPEN
        closing = self._documents.find(connection, str(uuid.uuid5(_CLOSINGS, shift_id)))
        if closing is None:
            return Refusal(reason=f"shift {shift_id[:64]}: was not opened by this agent", key="unknown_shift")
        return msgspec.json.decode(closing.answer, type=_Closed).report

    # -- after the commit -----------------------------------------------------------------------------------------------------

    def _settle(self, kind: str, written: Result) -> None:
        if (
            written.exception() is not None
            or not isinstance(done := written.result(), Written)
            or done.repeated
        ):
            return
        if kind == "shift_open":
            opened = msgspec.json.decode(done.answer, type=dict[str, object])
            clerk = opened.get("clerk")
            self._clerk.set(clerk if isinstance(clerk, str) else None)
        elif kind == "shift_close":
            self._clerk.set(None)
        self._announce(CompletedFrame(kind=kind, number=done.number, document=msgspec.Raw(done.answer)))
        self.publish()


_NONE_OPEN = Refusal(reason="no shift is open: open one first", conflict=True, key="no_shift")


def _tally(connection: Connection, shift_id: str) -> rules.Tally:
    bodies = (decode_event(body).body for body in storage.documents_of(connection, shift_id))
    return rules.tally(bodies, partial(storage.payments_of, connection))


def _clerk_fault(clerk: str | None) -> Refusal | None:
    if clerk is None or (1 <= len(clerk) <= NAME_LIMIT and clerk.isprintable()):
        return None
    return Refusal(reason=f"clerk: {len(clerk)} characters; expected 1 to {NAME_LIMIT} that can be printed")
