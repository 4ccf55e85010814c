"""Routes of receiving: what is announced, what has been counted, by the piece and by the case."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from fastapi import APIRouter, Request, Response

from agent.documents import Refusal
from agent.local.openapi import body
from agent.local.parts import Parts
from agent.local.problems import Problem, check, json, read, written
from agent.local.scans import typed
from agent.receiving.rules import NotCounted
from agent.receiving.scans import receive_case
from agent.receiving.service import CaseAsked, CompleteReceivingAsked
from agent.till.frames import Mode
from protocol.aggregation import sscc_fault
from protocol.codes import Code


class Counted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``PATCH /v1/receiving/lines/{gtin}``."""

    quantity: Decimal


class Against(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``PUT /v1/receiving``; without an id: blind."""

    despatch_id: str | None = None


def goods_router(parts: Parts) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["receiving"])
    _add_cases(router, parts)

    @router.get("/v1/despatches")
    async def get_despatches() -> Response:
        return json({"despatches": parts.goods.despatches()})

    @router.get("/v1/receiving")
    async def get_receiving() -> Response:
        return json(parts.goods.frame())

    @router.put("/v1/receiving", openapi_extra=body(Against))
    async def put_receiving(request: Request) -> Response:
        check(parts.goods.begin((await read(request, Against)).despatch_id))
        return json(parts.goods.frame())

    @router.delete("/v1/receiving")
    async def clear_receiving() -> Response:
        parts.goods.clear()
        return json(parts.goods.frame())

    @router.patch("/v1/receiving/lines/{gtin}", openapi_extra=body(Counted))
    async def set_counted(gtin: str, request: Request) -> Response:
        refused = parts.goods.set_quantity(gtin, (await read(request, Counted)).quantity)
        if isinstance(refused, NotCounted):
            check(Refusal(reason=refused.reason, key=refused.key))
        return json(parts.goods.frame())

    @router.post("/v1/receiving/complete", status_code=201, openapi_extra=body(CompleteReceivingAsked))
    async def complete(request: Request) -> Response:
        return await written(parts.goods.complete(await read(request, CompleteReceivingAsked)))

    return router


def _add_cases(router: APIRouter, parts: Parts) -> None:
    @router.post("/v1/receiving/cases", status_code=201, openapi_extra=body(CaseAsked))
    async def count_case(request: Request) -> Response:
        asked = await read(request, CaseAsked)
        if (fault := sscc_fault(asked.sscc)) is not None:
            raise Problem(422, f"sscc: {fault}", key="bad_sscc")
        found = receive_case(asked.sscc, parts.catalogue, parts.goods, sealed=asked.sealed)
        if not found.follow_up:
            raise Problem(409, f"case {asked.sscc}: {found.message}", key=found.key)
        code = Code(kind="sscc", sscc=asked.sscc, item=f"00{asked.sscc}")
        parts.counter.show(typed(f"00{asked.sscc}", parts.clock), code, found, Mode.RECEIVE)
        return json(parts.goods.frame(), 201)

    @router.delete("/v1/receiving/cases/{sscc}")
    async def take_out_case(sscc: str) -> Response:
        refused = parts.goods.take_out_case(sscc)
        if isinstance(refused, NotCounted):
            check(Refusal(reason=refused.reason, key=refused.key))
        return json(parts.goods.frame())
