"""Adjustments told at once, by a program or a command: all of it is looked at before anything is written."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal

import msgspec

from agent.adjusting import rules
from agent.adjusting.rules import Adjusting
from agent.adjusting.scans import AdjustingScans
from agent.adjusting.service import Adjustments, Change
from agent.documents import Refusal
from agent.tallying.rules import NotTallied
from agent.till.catalogue import Catalogue
from agent.till.frames import Outcome
from agent.verification.reader import Reader
from agent.verification.service import Verification
from protocol.codes import parse_typed

LINES_LIMIT = 5_000


class CodeAdjusted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product, an item or a case, as its label says; ``quantity`` is of goods without codes.

    ``uncoded``: a piece of a product with codes, whose own nobody can read or has.
    """

    code: str
    quantity: Decimal | None = None
    uncoded: bool = False


class AdjustAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/adjustments``: quantities are above zero, ``reason`` says which way they go. Idempotent by ``adjustment_id``."""

    reason: str
    lines: tuple[CodeAdjusted, ...]
    adjustment_id: str | None = None
    clerk: str | None = None


class _Loose:
    """A draft that stands on no counter: the same rules, and no screen is told."""

    def __init__(self, draft: Adjusting) -> None:
        self.draft = draft

    def change(self, change: Change) -> NotTallied | None:
        after = change(self.draft)
        if isinstance(after, NotTallied):
            return after
        self.draft = after
        return None

    def publish(self) -> None:
        """Nobody sees it."""


class ToldAdjustments:
    """Makes drafts of what is told. Thread-safe."""

    def __init__(
        self, adjustments: Adjustments, reader: Reader, verification: Verification, catalogue: Catalogue
    ) -> None:
        self._adjustments = adjustments
        self._reader = reader
        self._verification = verification
        self._catalogue = catalogue

    def draft(self, asked: AdjustAsked, now_us: int, today: date) -> Adjusting | Refusal:
        """What is told as a draft, or the first line that cannot be noted."""
        if not 0 < len(asked.lines) <= LINES_LIMIT:
            return Refusal(reason=f"{len(asked.lines)} lines: expected 1 to {LINES_LIMIT}")
        begun = rules.with_reason(
            Adjusting(adjustment_id=asked.adjustment_id or str(uuid.uuid4())), asked.reason
        )
        if isinstance(begun, NotTallied):
            return Refusal(reason=begun.reason, key=begun.key)
        loose = _Loose(begun)
        scans = AdjustingScans(loose, self._adjustments, self._catalogue, lambda: now_us)
        for number, line in enumerate(asked.lines, 1):
            code = self._reader.read(parse_typed(line.code), today=today)
            if code.refusal is not None:
                return Refusal(reason=f"line {number}: code: {code.refusal}", key="unreadable", line=number)
            judged = self._verification.confirmed(code)
            found = scans.note(code, judged, quantity=line.quantity, uncoded=line.uncoded)
            if found.outcome is not Outcome.COUNTED:
                return Refusal(
                    reason=f"line {number}: {found.message}", conflict=True, key=found.key, line=number
                )
        return loose.draft


def request_of(asked: AdjustAsked) -> bytes:
    """What makes two requests the same one."""
    lines = [(one.code, str(one.quantity), one.uncoded) for one in asked.lines]
    return msgspec.json.encode((asked.reason, lines))
