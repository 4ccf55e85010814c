"""Routes of sales, voids and returns."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Header, Request, Response

from agent.local.openapi import body
from agent.local.parts import Parts
from agent.local.problems import Problem, json, read, written
from agent.till.asked import ReturnAsked, SaleAsked, VoidAsked


def sales_router(parts: Parts) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["sales"])

    @router.post("/v1/sales", status_code=201, openapi_extra=body(SaleAsked))
    async def post_sale(request: Request, idempotency_key: str | None = Header(default=None)) -> Response:
        asked = await read(request, SaleAsked)
        if asked.sale_id is None and idempotency_key:
            asked = msgspec.structs.replace(asked, sale_id=idempotency_key)
        _check_id("sale_id", asked.sale_id)
        return await written(parts.sales.post(asked))

    @router.get("/v1/sales/{sale_id}")
    async def get_sale(sale_id: str) -> Response:
        found = parts.sales.find(sale_id)
        if found is None:
            raise Problem(404, f"sale {sale_id[:64]}: not made by this agent", key="no_sale")
        return json(
            {
                **msgspec.json.decode(found.answer),
                "event_time_us": found.event_time_us,
                "voided": found.voided_by is not None,
                "sale": parts.sales.body(sale_id),
            }
        )

    @router.post("/v1/sales/{sale_id}/void", status_code=201, openapi_extra=body(VoidAsked))
    async def void_sale(sale_id: str, request: Request) -> Response:
        return await written(parts.sales.void(sale_id, await read(request, VoidAsked)))

    @router.post("/v1/returns", status_code=201, openapi_extra=body(ReturnAsked))
    async def post_return(request: Request, idempotency_key: str | None = Header(default=None)) -> Response:
        asked = await read(request, ReturnAsked)
        if asked.return_id is None and idempotency_key:
            asked = msgspec.structs.replace(asked, return_id=idempotency_key)
        _check_id("return_id", asked.return_id)
        return await written(parts.returns.post(asked))

    return router


def _check_id(field: str, value: str | None) -> None:
    if value is not None and not (1 <= len(value) <= 64 and value.isascii() and value.isprintable()):
        raise Problem(
            422, f"{field} {value[:80]!r}: expected 1 to 64 printable ASCII characters", key="invalid"
        )
