"""Routes of adjustments: what is noted on the counter, and adjustments told at once."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import msgspec
from fastapi import APIRouter, Header, Request, Response

from agent.adjusting import rules as adjusting_rules
from agent.adjusting.service import CompleteAdjustingAsked
from agent.adjusting.told import AdjustAsked, CodeAdjusted, request_of
from agent.documents import Refusal
from agent.local.ids import check_id
from agent.local.openapi import body
from agent.local.parts import Parts
from agent.local.problems import Problem, check, json, read, refused, written
from agent.local.scans import typed
from agent.tallying import rules
from agent.tallying.rules import NotTallied
from agent.till.frames import Mode, Outcome
from protocol.codes import parse_typed


class ReasonChosen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``PUT /v1/adjusting``: why stock is adjusted."""

    reason: str


class NotedQuantity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``PATCH /v1/adjusting/lines/{gtin}``; 0 takes the product out again."""

    quantity: Decimal


def adjusting_router(parts: Parts) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["adjustments"])
    _add_draft(router, parts)

    @router.post("/v1/adjustments", status_code=201, openapi_extra=body(AdjustAsked))
    async def post_adjustment(
        request: Request, idempotency_key: str | None = Header(default=None)
    ) -> Response:
        asked = await read(request, AdjustAsked)
        if asked.adjustment_id is None and idempotency_key:
            asked = msgspec.structs.replace(asked, adjustment_id=idempotency_key)
        check_id("adjustment_id", asked.adjustment_id)
        again = await asyncio.to_thread(parts.adjustments.again, asked.adjustment_id, request_of(asked))
        if again is not None:
            return await written(again)
        draft = await asyncio.to_thread(
            parts.told_adjustments.draft, asked, parts.clock.wall_us(), parts.clock.today()
        )
        if isinstance(draft, Refusal):
            raise refused(draft)
        return await written(parts.adjustments.write(draft, asked.clerk, request_of(asked)))

    return router


def _add_draft(router: APIRouter, parts: Parts) -> None:
    adjustments = parts.adjustments

    @router.get("/v1/adjusting")
    async def get_adjusting() -> Response:
        return json(adjustments.frame())

    @router.put("/v1/adjusting", openapi_extra=body(ReasonChosen))
    async def choose(request: Request) -> Response:
        check(adjustments.choose((await read(request, ReasonChosen)).reason))
        return json(adjustments.frame())

    @router.delete("/v1/adjusting")
    async def clear() -> Response:
        adjustments.clear()
        return json(adjustments.frame())

    @router.post("/v1/adjusting/scans", status_code=201, openapi_extra=body(CodeAdjusted))
    async def note(request: Request) -> Response:
        asked = await read(request, CodeAdjusted)
        code = parts.reader.read(parse_typed(asked.code), today=parts.clock.today())
        if code.refusal is not None:
            raise Problem(422, f"code: {code.refusal}", key="unreadable")
        judged = parts.verification.confirmed(code)
        found = parts.adjusting_scans.note(code, judged, quantity=asked.quantity, uncoded=asked.uncoded)
        if found.outcome is not Outcome.COUNTED:
            raise Problem(409, found.message, key=found.key)
        parts.counter.show(typed(asked.code, parts.clock), code, found, Mode.ADJUST)
        return json(adjustments.frame(), 201)

    @router.patch("/v1/adjusting/lines/{gtin}", openapi_extra=body(NotedQuantity))
    async def set_quantity(gtin: str, request: Request) -> Response:
        quantity = (await read(request, NotedQuantity)).quantity
        now_us = parts.clock.wall_us()
        _check(
            adjustments.change(
                lambda draft: adjusting_rules.with_tally(
                    draft, rules.set_quantity(draft.tally, gtin, quantity, now_us)
                )
            )
        )
        adjustments.publish()
        return json(adjustments.frame())

    @router.delete("/v1/adjusting/parts/{part:path}")
    async def take_out(part: str) -> Response:
        _check(
            adjustments.change(
                lambda draft: adjusting_rules.with_tally(draft, rules.take_out(draft.tally, part))
            )
        )
        adjustments.publish()
        return json(adjustments.frame())

    @router.post("/v1/adjusting/undo")
    async def undo() -> Response:
        found = parts.adjusting_scans.undo()
        if not found.follow_up:
            raise Problem(409, found.message, key=found.key)
        adjustments.publish()
        return json(adjustments.frame())

    @router.post("/v1/adjusting/complete", status_code=201, openapi_extra=body(CompleteAdjustingAsked))
    async def complete(request: Request) -> Response:
        return await written(adjustments.complete(await read(request, CompleteAdjustingAsked)))


def _check(refusal: NotTallied | None) -> None:
    if refusal is not None:
        check(Refusal(reason=refusal.reason, key=refusal.key, conflict=refusal.key == "full"))
