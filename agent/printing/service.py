"""Prints receipts behind the counter's back, one after the other, and tries again until the printer takes them.

Whoever sells is told nothing and waits for nothing: a sale puts a job into memory, a thread of its own does the rest. The
drawer's pulse goes ahead of everything, and is never made up for later: a drawer must not open by itself.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from agent.clock import Clock
from agent.despatching.notes import DespatchNote
from agent.documents import Refusal
from agent.drafts import Drafts
from agent.errors import AgentError
from agent.printing import queue, rules
from agent.printing.despatch_paper import despatch_note
from agent.printing.journaled import written_since
from agent.printing.printer import Printer, PrinterTrouble
from agent.printing.queue import DESPATCH, SALE, SHIFT_CLOSE, Job, Waiting
from agent.printing.settings import PrinterSettings
from agent.printing.shift_paper import shift_report
from agent.shifts.rules import Report
from agent.store import Connection, Store
from agent.till.catalogue import Catalogue
from agent.till.frames import CompletedFrame
from agent.till.receipts import Kept, Receipts
from devices.connection import Backoff
from protocol.events import DrawerOpened, Event

PULSE_PATIENCE_S = 8.0
"""How long a drawer may take to open; later, nobody expects it any more."""
_DRAFT = "printing"
RecordDrawer = Callable[[Connection, Event], object]
"""Appends to the journal, within a transaction."""


class PrinterStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How printing stands. ``trouble`` is what keeps ``waiting`` receipts from being printed; ``dropped`` were not in time."""

    where: str
    trouble: str | None
    waiting: int
    printed: int
    dropped: int
    drawer: bool


class _Written(msgspec.Struct):
    """What is wanted of a document's answer."""

    epoch: str
    seq: int
    sale_id: str = ""
    closing_id: str = ""
    despatch_id: str = ""

    def id_of(self, kind: str) -> str:
        """The document's own id."""
        return {SALE: self.sale_id, SHIFT_CLOSE: self.closing_id}.get(kind, self.despatch_id)


_CASH_STEPS = frozenset({"cash_move", "shift_open"})
"""What is done at an open drawer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What printing needs of the agent."""

    store: Store
    drafts: Drafts
    receipts: Receipts
    catalogue: Catalogue
    clock: Clock
    record_drawer: RecordDrawer
    site: str
    time_zone: str
    language: str
    on_change: Callable[[], None] = lambda: None
    closed_by: Callable[[str], Report | None] = lambda _: None
    note_of: Callable[[str], DespatchNote | None] = lambda _: None


@dataclass(slots=True)
class _Pulse:
    until_s: float
    done: Future[str | None]
    sale_id: str | None = None  # only if something of it was paid in cash


class Printing:
    """One printer's queue. Thread-safe."""

    def __init__(
        self, settings: PrinterSettings, printer: Printer, around: Around, backoff: Backoff | None = None
    ) -> None:
        self._settings = settings
        self._printer = printer
        self._around = around
        self._backoff = backoff or Backoff(first_s=0.5, longest_s=10.0)
        self._condition = threading.Condition()
        self._waiting = self._found()
        self._pulses: list[_Pulse] = []
        self._trouble: str | None = None
        self._printed = self._dropped = 0
        self._is_stopped = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin with what was left from before."""
        self._thread = threading.Thread(target=self._run, name="printing", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the receipt under way; what waits is on the disk."""
        with self._condition:
            self._is_stopped = True
            self._condition.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=2.0)

    def status(self) -> PrinterStatus:
        """How it stands now."""
        with self._condition:
            return PrinterStatus(
                where=self._settings.where,
                trouble=self._trouble,
                waiting=len(self._waiting.jobs),
                printed=self._printed,
                dropped=self._dropped,
                drawer=self._settings.drawer != "none",
            )

    # -- what is asked for -----------------------------------------------------------------------------------------------

    def announced(self, frame: object) -> None:
        """A frame for the screens; a completed sale among them is printed, the report of a shift that was closed, and a despatch's note.

        Cash that is put in or taken out opens the drawer. Called by whoever sells: returns at once.
        """
        if not isinstance(frame, CompletedFrame) or frame.kind not in {
            SALE,
            SHIFT_CLOSE,
            DESPATCH,
            *_CASH_STEPS,
        }:
            return
        with self._condition:
            if frame.kind in _CASH_STEPS:
                if self._settings.drawer != "none":
                    self._pulses.append(_Pulse(monotonic() + PULSE_PATIENCE_S, Future()))
            else:
                self._take(frame)
            self._condition.notify_all()

    def _take(self, frame: CompletedFrame) -> None:
        written = msgspec.json.decode(frame.document, type=_Written)
        is_sale = frame.kind == SALE
        job = Job(
            document_id=written.id_of(frame.kind),
            queued_at_us=self._around.clock.wall_us(),
            kind=frame.kind,
        )
        if self._settings.receipts == "every_sale" or not is_sale:
            self._keep(queue.with_written(self._waiting, job, written.epoch, written.seq))
        if is_sale and self._settings.drawer == "cash_sales":
            self._pulses.append(_Pulse(monotonic() + PULSE_PATIENCE_S, Future(), written.sale_id))

    def print_report(self, report: Report) -> None:
        """Print a shift's report as it stands now."""
        job = Job(document_id=report.shift_id, queued_at_us=self._around.clock.wall_us(), report=report)
        with self._condition:
            self._keep(queue.with_copy(self._waiting, job))
            self._condition.notify_all()

    def reprint(self, sale_id: str) -> Refusal | Kept:
        """Print a sale's receipt once more, marked as a copy."""
        kept = self._around.receipts.find(sale_id)
        if kept is None:
            return Refusal(reason=f"sale {sale_id[:64]}: not made by this agent", key="no_sale")
        job = Job(document_id=sale_id, queued_at_us=self._around.clock.wall_us(), is_copy=True)
        with self._condition:
            self._keep(queue.with_copy(self._waiting, job))
            self._condition.notify_all()
        return kept

    def reprint_note(self, note: DespatchNote) -> None:
        """Print a despatch note once more, marked as a copy."""
        now_us = self._around.clock.wall_us()
        job = Job(document_id=note.despatch_id, queued_at_us=now_us, is_copy=True, kind=DESPATCH)
        with self._condition:
            self._keep(queue.with_copy(self._waiting, job))
            self._condition.notify_all()

    def open_drawer(self, reason: str, clerk: str | None) -> Refusal | Future[str | None]:
        """Open the drawer once that is in the journal. Resolves to None, or to why it did not open."""
        if self._settings.drawer == "none":
            return Refusal(
                reason="printer.drawer is none: no drawer is connected here", conflict=True, key="no_drawer"
            )
        opened = DrawerOpened(drawer_id=str(uuid.uuid4()), reason=reason, clerk=clerk)
        event = Event(at=self._around.clock.moment(), body=opened)
        pulsed: Future[str | None] = Future()
        recorded = self._around.store.write(lambda connection: self._around.record_drawer(connection, event))
        recorded.add_done_callback(partial(self._pulse_when_recorded, pulsed))
        return pulsed

    def _pulse_when_recorded(self, pulsed: Future[str | None], recorded: Future[object]) -> None:
        if (fault := recorded.exception()) is not None:
            pulsed.set_exception(fault)
            return
        with self._condition:
            self._pulses.append(_Pulse(monotonic() + PULSE_PATIENCE_S, pulsed))
            self._condition.notify_all()

    # -- the thread --------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause_s: float | None = None
        while True:
            with self._condition:
                self._condition.wait_for(partial(self._is_wanted, pause_s), pause_s)
                if self._is_stopped:
                    return
                pulses, self._pulses = self._pulses, []
                job = None if pulses else self._waiting.first
            for pulse in pulses:
                self._open(pulse)
            if not pulses:
                pause_s = None if job is None else self._print(job)
            self._around.on_change()

    def _is_wanted(self, pause_s: float | None) -> bool:
        """While the printer is in trouble, only the drawer is not put off."""
        return self._is_stopped or bool(self._pulses) or (pause_s is None and self._waiting.first is not None)

    def _open(self, pulse: _Pulse) -> None:
        if pulse.sale_id is not None and not self._is_cash(pulse.sale_id):
            return
        trouble: str | None = (
            f"printer {self._settings.where}: was busy for too long; open the drawer with its key"
        )
        if monotonic() <= pulse.until_s:
            trouble = self._tried(self._printer.pulse())
        pulse.done.set_result(trouble)

    def _is_cash(self, sale_id: str) -> bool:
        try:
            kept = self._around.receipts.find(sale_id)
        except AgentError:
            return False
        return kept is not None and any(payment.method == "cash" for payment in kept.sale.payments)

    def _tried(self, data: bytes) -> str | None:
        try:
            self._printer.deliver(data, is_urgent=True)
        except PrinterTrouble as error:
            return error.detail
        return None

    def _print(self, job: Job) -> float | None:
        """Print one receipt. How long to wait before the next attempt; None: nothing to wait for."""
        try:
            data = self._rendered(job)
            if data:
                self._printer.deliver(data)
        except PrinterTrouble as error:
            self._note_trouble(job, error)
            return self._backoff.pause_s()
        except AgentError as error:  # the disk does not give the sale
            self._note_trouble(job, PrinterTrouble(str(error)))
            return self._backoff.pause_s()
        self._backoff.reset()
        with self._condition:
            self._trouble = None
            self._printed += bool(data)
            self._keep(queue.without(self._waiting, job))
        return None

    def _note_trouble(self, job: Job, error: PrinterTrouble) -> None:
        with self._condition:
            self._trouble = error.detail
            after = queue.after_unconfirmed(self._waiting, job) if error.is_unconfirmed else self._waiting
            fresh = queue.without_stale(after, self._around.clock.wall_us(), self._settings.keep_minutes)
            self._dropped += len(after.jobs) - len(fresh.jobs)
            if fresh is not self._waiting:
                self._keep(fresh)

    def _rendered(self, job: Job) -> bytes:
        around = self._around
        language = self._settings.language or around.language
        report = around.closed_by(job.document_id) if job.kind == SHIFT_CLOSE else job.report
        if report is not None:
            times = (_local(report.opened_at_us, around.time_zone), _local(report.at_us, around.time_zone))
            return self._printer.render(
                shift_report(report, times, around.site, language, self._settings, is_copy=job.is_copy)
            )
        if job.kind == DESPATCH:
            return self._rendered_note(job, language)
        kept = around.receipts.find(job.document_id)
        if kept is None:
            return b""
        names = {line.gtin: around.catalogue.product(line.gtin) for line in kept.sale.lines}
        shown = rules.Shown(
            sale=kept.sale,
            at=_local(kept.at_us, around.time_zone),
            site=around.site,
            products={gtin: rules.Named(found.name, found.unit) for gtin, found in names.items() if found},
            language=language,
            is_copy=job.is_copy,
            is_voided=kept.voided_by is not None,
        )
        return self._printer.render(rules.receipt(shown, self._settings))

    def _rendered_note(self, job: Job, language: str) -> bytes:
        note = self._around.note_of(job.document_id)
        if note is None:
            return b""
        at = _local(note.at_us, self._around.time_zone)
        return self._printer.render(despatch_note(note, at, language, self._settings, is_copy=job.is_copy))

    # -- the disk ----------------------------------------------------------------------------------------------------------

    def _found(self) -> Waiting:
        """What waited when the agent last ran, with the sales that a power cut kept from being noted."""
        around = self._around
        kept = around.drafts.get(_DRAFT, Waiting)
        now_us = around.clock.wall_us()
        written = around.store.read(
            partial(written_since, since_us=now_us - self._settings.keep_minutes * 60_000_000)
        )
        if kept is None:  # the printer is new here: what was sold before it is not its matter
            newest = written[-1] if written else None
            return Waiting(epoch=newest.epoch, seq=newest.seq) if newest else Waiting()
        for one in written:
            is_wanted = self._settings.receipts == "every_sale" or one.kind != SALE
            if is_wanted and (one.epoch == kept.epoch or not kept.epoch):
                job = Job(document_id=one.document_id, queued_at_us=one.event_time_us, kind=one.kind)
                kept = queue.with_written(kept, job, one.epoch, one.seq)
        return queue.without_stale(kept, now_us, self._settings.keep_minutes)

    def _keep(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._around.drafts.put(_DRAFT, waiting)


def _local(at_us: int, time_zone: str) -> datetime:
    moment = datetime.fromtimestamp(at_us / 1_000_000, UTC)
    try:
        return moment.astimezone(ZoneInfo(time_zone))
    except (ZoneInfoNotFoundError, ValueError):
        return moment
