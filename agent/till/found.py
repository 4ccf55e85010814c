"""What a mode made of a scan: one value, from which the frame is made."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from agent.till.catalogue import ProductView
from agent.till.frames import CaseSeen, Mode, Outcome, Question, ScanFrame, ScanSeen, SoldSeen
from agent.till.reading import Doubt
from devices.scan import Scan
from protocol.codes import Code
from protocol.verdicts import Act, Finding, Verdict


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """``key`` names the message for a page in another language. ``follow_up`` is done after the verdict has gone out."""

    outcome: Outcome
    message: str
    key: str
    line: int | None = None
    finding: Finding | None = None
    product: ProductView | None = None
    question: Question | None = None
    case: CaseSeen | None = None
    sold: SoldSeen | None = None
    follow_up: tuple[Callable[[], None], ...] = ()


def frame_of(found: Found, *, scan: Scan, code: Code, mode: Mode, took_us: int) -> ScanFrame:
    """What the screens are told of it. A phone's payment code is not passed on, nor is a card that whoever has read it could show again."""
    return ScanFrame(
        scan=ScanSeen(
            code=None
            if code.kind in {"payment_code", "control"}
            else scan.raw.decode("ascii", "backslashreplace"),
            symbology=scan.symbology,
            device=scan.device,
            at_us=scan.wall_us,
        ),
        code=code,
        finding=found.finding,
        product=found.product,
        line=found.line,
        mode=mode,
        outcome=found.outcome,
        message=found.message,
        key=found.key,
        question=found.question,
        took_us=took_us,
        case=found.case,
        sold=found.sold,
    )


def doubtful(doubt: Doubt, finding: Finding | None = None, product: ProductView | None = None) -> Found:
    """A code that is no piece: asked about, or refused."""
    is_garbled = finding is not None and finding.verdict is Verdict.UNREADABLE and finding.act is Act.REFUSE
    refused = Outcome.UNREADABLE if is_garbled else Outcome.REFUSED
    return Found(
        outcome=refused if doubt.question is None else Outcome.ASK,
        message=doubt.reason,
        key=doubt.key,
        finding=finding,
        product=product,
        question=doubt.question,
    )


NO_PRODUCT = Doubt(key="no_product", reason="this code names no product known here")


def not_in_catalogue(gtin: str, what_to_do: str = "", question: Question | None = None) -> Found:
    """A product that the catalogue does not have."""
    return Found(
        outcome=Outcome.ASK,
        message=f"{gtin} is not in the catalogue{what_to_do}",
        key="not_in_catalogue",
        question=question,
    )
