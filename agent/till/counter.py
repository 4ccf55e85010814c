"""The counter: a scan comes in, a verdict goes out to every screen, and only then is anything slower done.

What a scan means is the mode's matter: sold, verified, received, reordered or taken back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from agent.documents import Refusal
from agent.errors import AgentError
from agent.receiving.service import Goods
from agent.shop import Shop
from agent.store.database import DatabaseError
from agent.till.catalogue import ProductView
from agent.till.desk import Desk
from agent.till.found import Found, frame_of
from agent.till.frames import AddedFrame, Mode, ModeFrame, Outcome, ScanFrame
from agent.till.rules import line_of_item
from agent.verification import rules as evidence
from agent.verification.reader import Reader
from agent.verification.service import Judged, Verification
from devices.scan import Scan
from protocol.codes import Code
from protocol.events import ScanRefused
from protocol.verdicts import Verdict

ASKING_LIMIT = 8
"""Questions to central under way at once. Past that, scans are answered from what is known here."""
_MODE_DRAFT = "mode"

_TROUBLE = (AgentError, DatabaseError, msgspec.DecodeError)

Handler = Callable[[Code, Judged], Found]
"""What a mode does with a judged code."""
RecordRefused = Callable[[ScanRefused], None]
"""Appends the evidence to the journal, without making anyone wait."""


Card = Callable[[str], Found]
"""What a signed card does at the counter, by the argument that stands on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """How a scan becomes a verdict: read, verified, and others asked for so long at most. ``cards`` are people's, by their command."""

    reader: Reader
    verification: Verification
    ask_timeout_ms: int = 300
    cards: Mapping[str, Card] = field(default_factory=dict)


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A scan under way to its verdict."""

    scan: Scan
    code: Code
    mode: Mode
    began_ns: int
    done: Future[ScanFrame]


class Counter:
    """Takes scans from any thread, one verdict each. Never blocks its caller on central or the disk."""

    def __init__(
        self,
        shop: Shop,
        judging: Judging,
        handlers: Mapping[Mode, Handler],
        desks: Mapping[Mode, Desk],
        goods: Goods,
        record_refused: RecordRefused,
    ) -> None:
        self._ask_timeout_ms = judging.ask_timeout_ms
        self._reader = judging.reader
        self._verification = judging.verification
        self._cards = judging.cards
        self._handlers = handlers
        self._desks = desks
        self._goods = goods
        self._drafts = shop.drafts
        self._announce = shop.announce
        self._record_refused = record_refused
        self._mode = shop.drafts.get(_MODE_DRAFT, Mode) or Mode.SALE
        self._commands: dict[tuple[Mode, str], Card] = {}
        self._asking = threading.Semaphore(ASKING_LIMIT)
        self._askers = ThreadPoolExecutor(max_workers=ASKING_LIMIT, thread_name_prefix="ask-central")

    # -- modes ----------------------------------------------------------------------------------------------------------

    @property
    def mode(self) -> Mode:
        """What scans mean now."""
        return self._mode

    def mode_frame(self) -> ModeFrame:
        """The mode as screens see it."""
        despatch_id = self._goods.receiving.despatch_id if self._mode is Mode.RECEIVE else None
        return ModeFrame(mode=self._mode, despatch_id=despatch_id)

    def set_mode(self, mode: Mode, despatch_id: str | None = None) -> Refusal | None:
        """Change the mode; in receive mode, the advice to receive against (None: blind, or the one begun)."""
        if mode is Mode.RECEIVE and despatch_id is not None:
            refused = self._goods.begin(despatch_id)
            if refused is not None:
                return refused
        self._mode = mode
        self._drafts.put(_MODE_DRAFT, mode)
        self._announce(self.mode_frame())
        return None

    def take_command(self, mode: Mode, command: str, act: Card) -> None:
        """Have a control code do this in a mode. ``MODE`` is the counter's own."""
        self._commands[mode, command] = act

    def stop(self) -> None:
        """Wait for no question any more."""
        self._askers.shutdown(wait=False, cancel_futures=True)

    # -- scans ----------------------------------------------------------------------------------------------------------

    def scanned(self, scan: Scan, *, repeated: bool = False) -> Future[ScanFrame]:
        """Judge a scan; the frame has gone out when the future resolves, which is mostly at once.

        ``repeated``: the device says that this is the same pull of the trigger as before.
        """
        began_ns = time.monotonic_ns()
        seen = _Seen(
            scan=scan, code=self._recognised(scan), mode=self._mode, began_ns=began_ns, done=Future()
        )
        if repeated:
            self._finish(
                seen, Found(outcome=Outcome.IGNORED, message="scanned twice; counted once", key="repeated")
            )
        elif (early := self._without_judging(seen)) is not None:
            self._finish(seen, early)
        else:
            self._look_up(seen)
        return seen.done

    def show(self, scan: Scan, code: Code, found: Found, mode: Mode = Mode.SALE) -> None:
        """Tell every screen of something that was put in by hand, in the words of a scan."""
        seen = _Seen(scan=scan, code=code, mode=mode, began_ns=time.monotonic_ns(), done=Future())
        self._announce(AddedFrame(shown=_frame(seen, found)))
        for work in found.follow_up:
            work()

    def _look_up(self, seen: _Seen) -> None:
        """Judge by what is known here; where that is not enough, on another thread, which may wait for central."""
        try:
            judged = self._verification.locally(seen.code)
        except _TROUBLE as error:
            self._finish(seen, _trouble(error))
            return
        if judged is None and self._asks_central(seen.mode) and self._asking.acquire(blocking=False):
            self._askers.submit(self._ask_and_finish, seen)
            return
        self._judge_and_finish(seen, lambda: judged or self._verification.unanswered(seen.code))

    def _ask_and_finish(self, seen: _Seen) -> None:
        try:
            self._judge_and_finish(
                seen, lambda: self._verification.by_asking(seen.code, self._ask_timeout_ms)
            )
        finally:
            self._asking.release()

    def _judge_and_finish(self, seen: _Seen, judge: Callable[[], Judged]) -> None:
        try:
            found = self._handlers[seen.mode](seen.code, judge())
        except _TROUBLE as error:
            found = _trouble(error)
        self._finish(seen, found)

    def _finish(self, seen: _Seen, found: Found) -> None:
        """Tell every screen first; the basket's write and the evidence come after."""
        frame = _frame(seen, found)
        self._announce(frame)
        seen.done.set_result(frame)
        for work in found.follow_up:
            work()
        self._note_refusal(frame)

    def _recognised(self, scan: Scan) -> Code:
        if not scan.intact:
            return Code(
                kind="unknown",
                refusal=scan.fault or "bytes were lost on the way",
                refusal_cause="not_recognised",
            )
        today = datetime.fromtimestamp(scan.wall_us / 1_000_000, UTC).date()
        return self._reader.read(scan.raw, symbology=scan.symbology, today=today)

    def _without_judging(self, seen: _Seen) -> Found | None:
        """What can be said before anything is looked up: no code, a member's card, a command."""
        code, mode = seen.code, seen.mode
        if code.refusal is not None:
            key = (
                "payment_code"
                if code.kind == "payment_code"
                else ("garbled" if not seen.scan.intact else "unreadable")
            )
            return Found(outcome=Outcome.UNREADABLE, message=code.refusal, key=key)
        if code.kind == "member":
            desk = self._desks.get(mode)
            if desk is None:
                return Found(
                    outcome=Outcome.IGNORED,
                    message="a member's card; it counts in a sale",
                    key="member_not_here",
                )
            member = code.attributes.get("member")
            return Found(
                outcome=Outcome.FOUND,
                message="member noted",
                key="member",
                follow_up=(lambda: desk.set_member(member),),
            )
        if code.kind == "control":
            return self._command(code.attributes.get("command", ""), code.attributes.get("argument", ""))
        return self._in_basket(code, mode)

    def _in_basket(self, code: Code, mode: Mode) -> Found | None:
        """The nearest evidence of all: the item lies in this basket. Nobody need be asked about it again."""
        desk = self._desks.get(mode)
        there = None if desk is None or code.item is None else line_of_item(desk.basket, code.item)
        if desk is None or there is None or self._verification.is_disproven(code):
            return None
        return Found(
            outcome=Outcome.IGNORED,
            message=f"this item is in the basket already, on line {there.line}",
            key="in_basket",
            line=there.line,
            finding=evidence.from_basket(there.finding),
            product=ProductView(
                gtin=there.gtin,
                name=there.name,
                unit=there.unit,
                price_minor=there.list_price_minor,
                currency=desk.currency,
            ),
        )

    def _command(self, command: str, argument: str) -> Found:
        modes = {mode.name: mode for mode in Mode}
        if command == "MODE" and argument in modes:
            mode = modes[argument]
            return Found(
                outcome=Outcome.FOUND,
                message=f"mode {mode}",
                key="mode",
                follow_up=(lambda: _ignore(self.set_mode(mode)),),
            )
        if (act := self._commands.get((self._mode, command))) is not None:
            try:
                return act(argument)
            except _TROUBLE as error:
                return _trouble(error)
        desk = self._desks.get(self._mode)
        if command == "UNDO" and desk is not None and desk.basket.lines:
            last = desk.basket.lines[-1].line
            return Found(
                outcome=Outcome.FOUND,
                message=f"line {last} taken out",
                key="undone",
                line=last,
                follow_up=(lambda: _ignore(desk.remove(last)),),
            )
        if (card := self._cards.get(command)) is not None:
            return card(argument)
        return Found(
            outcome=Outcome.IGNORED,
            message=f"command {command or '?'}: has no meaning here",
            key="no_command",
        )

    @classmethod
    def _asks_central(cls, mode: Mode) -> bool:
        """A return asks where an item was sold, if that is not known here, and is taken without an answer too; goods that leave, whether
        they were here."""
        return mode in {Mode.RETURN, Mode.SHIP} or cls._needs_verdict(mode)

    @staticmethod
    def _needs_verdict(mode: Mode) -> bool:
        """Whether the verdict decides, and a refusal is evidence: receiving, packing and reordering count what is there."""
        return mode in {Mode.SALE, Mode.VERIFY}

    # -- evidence -------------------------------------------------------------------------------------------------------

    def _note_refusal(self, frame: ScanFrame) -> None:
        """A refused scan is evidence for central. A payment code leaves no trace; a customer's own item does no harm."""
        code = frame.code
        if code is None or code.kind == "payment_code":
            return
        if frame.outcome is Outcome.UNREADABLE:
            self._record_refused(
                ScanRefused(
                    verdict=Verdict.UNREADABLE.value,
                    cause=code.refusal_cause or frame.key,
                    device=frame.scan.device,
                )
            )
        elif (
            frame.outcome is Outcome.REFUSED and frame.finding is not None and self._needs_verdict(frame.mode)
        ):
            if frame.mode is Mode.VERIFY and frame.finding.verdict is Verdict.ALREADY_SOLD:
                return
            self._record_refused(
                ScanRefused(
                    verdict=frame.finding.verdict.value,
                    cause=frame.finding.reason,
                    gtin=code.gtin,
                    item=code.item,
                    device=frame.scan.device,
                )
            )


def _frame(seen: _Seen, found: Found) -> ScanFrame:
    took_us = (time.monotonic_ns() - seen.began_ns) // 1000
    return frame_of(found, scan=seen.scan, code=seen.code, mode=seen.mode, took_us=took_us)


def _ignore(_: object) -> None:
    """A command's outcome is shown by the frame it causes."""


def _trouble(error: Exception) -> Found:
    """The local data could not be read. The cashier hears of it; the scanner goes on."""
    return Found(outcome=Outcome.REFUSED, message=f"cannot be looked up: {error}", key="trouble")
