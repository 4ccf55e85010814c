"""What is asked of shifts, as values: the requests of the page, of the command line, and of a till that is there already."""

from __future__ import annotations

import msgspec

from protocol.events import Payment


class OpenAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/shifts/open``: ``float_minor`` is in the drawer. Idempotent by ``shift_id``."""

    float_minor: int
    shift_id: str | None = None
    clerk: str | None = None


class CloseAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/shifts/close``: the count by method, and of cash instead ``denominations`` (value in minor units -> pieces).

    Cash is always counted; what is left out of the others is not. Idempotent by ``shift_id``; without one, the shift that is open.
    """

    counted: tuple[Payment, ...] = ()
    denominations: dict[str, int] = {}
    shift_id: str | None = None
    clerk: str | None = None


class MoveAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/cash-moves``: cash put into the drawer (above zero) or taken out (below). Idempotent by ``cash_move_id``."""

    amount_minor: int
    reason: str
    cash_move_id: str | None = None
    clerk: str | None = None


class ReportAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/shifts/{shift_id}/report`` and ``/print``. ``authorisation`` is a supervisor's PIN or card: it lifts a blind count's veil."""

    authorisation: str | None = None
