"""Routes of sales, voids and returns."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter, Header, Request, Response

from agent.documents import Refusal
from agent.local.ids import check_id
from agent.local.openapi import body
from agent.local.parts import Parts
from agent.local.problems import Problem, json, read, refused, written
from agent.till.asked import ItemVoidAsked, ReturnAsked, SaleAsked, VoidAsked, given
from protocol.codes import Code, parse_typed


def sales_router(parts: Parts) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["sales"])

    @router.post("/v1/sales", status_code=201, openapi_extra=body(SaleAsked))
    async def post_sale(request: Request, idempotency_key: str | None = Header(default=None)) -> Response:
        asked = await read(request, SaleAsked)
        if asked.sale_id is None and idempotency_key:
            asked = msgspec.structs.replace(asked, sale_id=idempotency_key)
        check_id("sale_id", asked.sale_id)
        if given(asked.authorisation) is not None:  # a PIN takes its time, and no scan should wait for it
            return await written(await asyncio.to_thread(parts.sales.post, asked))
        return await written(parts.sales.post(asked))

    @router.get("/v1/sales")
    async def find_sale(code: str) -> Response:
        sale_id = parts.voids.sale_of(_code(code, parts))
        if isinstance(sale_id, Refusal):
            raise refused(sale_id)
        return json(_told(sale_id, parts))

    @router.get("/v1/sales/{sale_id}")
    async def get_sale(sale_id: str) -> Response:
        return json(_told(sale_id, parts))

    @router.post("/v1/sales/{sale_id}/void", status_code=201, openapi_extra=body(VoidAsked))
    async def void_sale(sale_id: str, request: Request) -> Response:
        return await written(parts.voids.post(sale_id, await read(request, VoidAsked)))

    @router.post("/v1/voids", status_code=201, openapi_extra=body(ItemVoidAsked))
    async def void_by_item(request: Request) -> Response:
        asked = await read(request, ItemVoidAsked)
        sale_id = parts.voids.sale_of(_code(asked.code, parts))
        if isinstance(sale_id, Refusal):
            raise refused(sale_id)
        void = VoidAsked(
            reason=asked.reason, voided_at=asked.voided_at, clerk=asked.clerk, refunds=asked.refunds
        )
        return await written(parts.voids.post(sale_id, void))

    @router.post("/v1/returns", status_code=201, openapi_extra=body(ReturnAsked))
    async def post_return(request: Request, idempotency_key: str | None = Header(default=None)) -> Response:
        asked = await read(request, ReturnAsked)
        if asked.return_id is None and idempotency_key:
            asked = msgspec.structs.replace(asked, return_id=idempotency_key)
        check_id("return_id", asked.return_id)
        return await written(parts.returns.post(asked))

    return router


def _told(sale_id: str, parts: Parts) -> dict[str, object]:
    found, kept = parts.sales.find(sale_id), parts.receipts.find(sale_id)
    if found is None or kept is None:
        raise Problem(404, f"sale {sale_id[:64]}: not made by this agent", key="no_sale")
    return {
        **msgspec.json.decode(found.answer),
        "event_time_us": found.event_time_us,
        "voided": found.voided_by is not None,
        "void_until_us": parts.receipts.void_until_us(kept),
        "returned": kept.returned,
        "sale": kept.sale,
        "names": {line.gtin: parts.catalogue.name(line.gtin) for line in kept.sale.lines},
    }


def _code(text: str, parts: Parts) -> Code:
    code = parts.reader.read(parse_typed(text), today=parts.clock.today())
    if code.refusal is not None:
        raise Problem(422, f"code: {code.refusal}", key="unreadable")
    return code
