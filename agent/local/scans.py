"""Routes of scans: from a phone, another till or the page, and codes that are only asked about."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Annotated

import msgspec
from fastapi import APIRouter, Request, Response

from agent.clock import Clock
from agent.documents import Refusal
from agent.local.answered import Answered
from agent.local.openapi import body
from agent.local.parts import Parts
from agent.local.problems import Problem, check, json, read
from agent.till.frames import Mode, ScanFrame
from devices.double_trigger import DoubleTrigger
from devices.scan import Scan
from protocol.codes import MAX_LENGTH, parse_typed

# "(?![\\s\\S])" is the very end: "$" would let a line feed through at the end of a text.
Symbology = Annotated[str, msgspec.Meta(pattern=r"^\][A-Za-z][0-9A-Za-z](?![\s\S])")]
"""An AIM symbology identifier (ISO/IEC 15424), such as ``]d2``."""

DeviceName = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+(?![\s\S])")
]
"""What a phone or another till calls itself: up to 64 characters, none of them a control character."""


class ScanPosted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/scans``. ``\\x1d`` or ``<GS>`` in ``code`` stands for the group separator.

    ``device`` has a double-trigger window of its own. Without one, the caller's address stands for it and every scan
    counts: nothing tells then whether two phones scanned a product, or one scanned it twice.

    With a ``request_id`` of the caller's own, the same request again gets the same answer and counts once: for whoever
    heard nothing and asks again.
    """

    code: str
    symbology: Symbology | None = None
    device: DeviceName | None = None
    request_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class CodeAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/verify``."""

    code: str
    symbology: str | None = None


class ModeAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``PUT /v1/mode``. ``despatch_id``: in receive mode, the advice to receive against."""

    mode: Mode
    despatch_id: str | None = None


def scans_router(parts: Parts) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["scans"])
    window = DoubleTrigger(parts.double_trigger_ms)
    answered: Answered[ScanFrame] = Answered()

    @router.post("/v1/scans", openapi_extra=body(ScanPosted))
    async def post_scan(request: Request) -> Response:
        asked = await read(request, ScanPosted)
        _check_length(asked.code)
        scan = Scan(
            raw=parse_typed(asked.code),
            symbology=asked.symbology,
            device=asked.device or _address_of(request),
            wall_us=parts.clock.wall_us(),
            monotonic_us=parts.clock.monotonic_us(),
        )

        def count() -> Future[ScanFrame]:
            repeated = asked.device is not None and window.repeated(scan)
            return parts.counter.scanned(scan, repeated=repeated)

        begun = count() if asked.request_id is None else answered.once(asked.request_id, asked, count)
        if begun is None:
            raise Problem(
                409,
                f"request_id {asked.request_id}: was used for another scan; give a new one",
                key="conflict",
            )
        frame: asyncio.Future[ScanFrame] = asyncio.wrap_future(begun)
        return json(await asyncio.shield(frame))  # who hangs up takes nobody else's answer away

    @router.post("/v1/verify", openapi_extra=body(CodeAsked))
    async def verify(request: Request) -> Response:
        asked = await read(request, CodeAsked)
        _check_length(asked.code)
        code = parts.reader.read(
            parse_typed(asked.code), symbology=asked.symbology, today=parts.clock.today()
        )
        if code.refusal is not None:
            return json({"code": code, "finding": None, "product": None})
        judged = parts.verification.locally(code)
        if judged is None:
            judged = await asyncio.to_thread(parts.verification.by_asking, code, parts.ask_timeout_ms)
        product = None if judged.gtin is None else parts.catalogue.product(judged.gtin)
        return json({"code": code, "finding": judged.finding, "product": product})

    @router.get("/v1/mode")
    async def get_mode() -> Response:
        return json(parts.counter.mode_frame())

    @router.put("/v1/mode", openapi_extra=body(ModeAsked))
    async def put_mode(request: Request) -> Response:
        asked = await read(request, ModeAsked)
        check(parts.counter.set_mode(asked.mode, asked.despatch_id))
        return json(parts.counter.mode_frame())

    @router.get("/v1/products/{gtin}")
    async def get_product(gtin: str) -> Response:
        product = parts.catalogue.product(gtin.zfill(14)) if gtin.isdigit() and len(gtin) <= 14 else None
        if product is None:
            raise Problem(404, f"product {gtin[:40]}: not in the catalogue", key="no_product")
        return json(product)

    return router


def typed(code: str, clock: Clock) -> Scan:
    """A code that was put in by hand, as a scan."""
    return Scan(
        raw=parse_typed(code),
        symbology=None,
        device="page",
        wall_us=clock.wall_us(),
        monotonic_us=clock.monotonic_us(),
    )


def _address_of(request: Request) -> str:
    return f"network {request.client.host}" if request.client else "network"


def _check_length(code: str) -> None:
    if len(code) > 4 * MAX_LENGTH:
        check(Refusal(reason=f"code: {len(code)} characters; expected at most {MAX_LENGTH}"))
