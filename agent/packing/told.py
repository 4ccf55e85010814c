"""Cases packed or unpacked elsewhere than at the counter, told at once: by a program, or by a command.

What is told has happened, so nothing waits for a question; a code that cannot be understood, or that the rules of a case
do not allow, refuses the whole, and nothing is recorded.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal

import msgspec

from agent.documents import Refusal
from agent.packing import rules
from agent.packing.cases import Cases
from agent.packing.rules import CaseDraft, NotPacked
from protocol.aggregation import sscc_fault
from protocol.codes import Code, parse_typed

Read = Callable[[bytes], Code]
"""What a scanned string is, at this counter."""
_IDS = ("private:", "drug:")


class GoodsAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A quantity of goods without codes of their own."""

    gtin: str
    quantity: Decimal = Decimal(1)


class PackAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/packings``. ``codes`` are items and smaller cases, as they were scanned or by their ids."""

    sscc: str
    codes: tuple[str, ...] = ()
    lines: tuple[GoodsAsked, ...] = ()
    packing_id: str | None = None
    clerk: str | None = None


class UnpackAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/unpackings``. Without ``codes`` the whole case is unpacked."""

    sscc: str
    codes: tuple[str, ...] = ()
    unpacking_id: str | None = None
    clerk: str | None = None


def packing_told(asked: PackAsked, cases: Cases, read: Read) -> CaseDraft | Refusal:
    """What goes into the case."""

    def put(draft: CaseDraft, code: Code) -> CaseDraft | NotPacked:
        if code.sscc is not None:
            return rules.put_container(draft, code.sscc, None, cases.contents(code.sscc))
        assert code.item is not None
        return rules.put_item(draft, code.item, None, None)

    draft = _with_codes(_opened(asked.sscc, asked.packing_id), asked.codes, read, put)
    for number, line in enumerate(asked.lines, 1):
        if isinstance(draft, Refusal):
            return draft
        draft = _with_line(draft, number, line, read)
    if isinstance(draft, CaseDraft) and draft.is_empty:
        return Refusal(reason="codes and lines are empty: expected what goes into the case", key="empty")
    return draft


def unpacking_told(asked: UnpackAsked, cases: Cases, read: Read) -> CaseDraft | Refusal:
    """What comes out of the case."""
    inside = cases.on_hand(asked.sscc)
    return _with_codes(
        _opened(asked.sscc, asked.unpacking_id),
        asked.codes,
        read,
        lambda draft, code: rules.take_out(draft, code.sscc or code.item or "", inside),
    )


def _opened(sscc: str, document_id: str | None) -> CaseDraft | Refusal:
    if (fault := sscc_fault(sscc)) is not None:
        return Refusal(reason=f"sscc: {fault}", key="bad_sscc")
    return CaseDraft(document_id=document_id or str(uuid.uuid4()), sscc=sscc)


def _with_codes(
    draft: CaseDraft | Refusal,
    codes: tuple[str, ...],
    read: Read,
    put: Callable[[CaseDraft, Code], CaseDraft | NotPacked],
) -> CaseDraft | Refusal:
    for number, text in enumerate(codes, 1):
        if isinstance(draft, Refusal):
            return draft
        code = Code(kind="private", item=text) if text.startswith(_IDS) else read(parse_typed(text))
        if code.refusal is not None:
            return Refusal(reason=f"code {number}: {code.refusal}", key="unreadable", line=number)
        if code.sscc is None and code.item is None:
            return Refusal(
                reason=f"code {number}: a {code.kind}; expected an item's own code or the SSCC of a case",
                key="no_item",
                line=number,
            )
        after = put(draft, code)
        if isinstance(after, NotPacked):
            return Refusal(
                reason=f"code {number}: {after.reason}",
                key=after.key,
                line=number,
                conflict=after.key != "full",
            )
        draft = after
    return draft


def _with_line(draft: CaseDraft, number: int, line: GoodsAsked, read: Read) -> CaseDraft | Refusal:
    code = read(parse_typed(line.gtin))
    if code.refusal is not None or code.kind != "gtin" or code.gtin is None:
        words = code.refusal or f"a {code.kind}; expected 8, 12, 13 or 14 digits"
        return Refusal(reason=f"line {number}: gtin: {words}", key="invalid", line=number)
    after = rules.put_goods(draft, code.gtin, line.quantity, "", None)
    if isinstance(after, NotPacked):
        return Refusal(reason=f"line {number}: {after.reason}", key=after.key, line=number)
    return after
