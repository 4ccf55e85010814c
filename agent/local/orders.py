"""Routes of orders: proposals, the order being written, those submitted."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import msgspec
from fastapi import APIRouter, Header, Request, Response

from agent.local.openapi import body
from agent.local.parts import Parts
from agent.local.problems import check, json, read, written
from agent.orders.service import CancelAsked, OrderAsked


class DraftQuantity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``PUT /v1/orders/draft/lines/{gtin}``; 0 takes the product out."""

    quantity: Decimal


class SubmitAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/orders/draft/submit``."""

    note: str | None = None


def orders_router(parts: Parts) -> APIRouter:
    """The routes. What reads many rows runs on a thread of its own, so that no scan waits for it."""
    router = APIRouter(tags=["orders"])

    @router.get("/v1/orders")
    async def get_orders() -> Response:
        return json({"orders": await asyncio.to_thread(parts.orders.listed)})

    @router.get("/v1/orders/proposal")
    async def get_proposal() -> Response:
        proposals = await asyncio.to_thread(parts.orders.proposals)
        lines = [
            {**msgspec.structs.asdict(proposal), "name": parts.catalogue.name(proposal.gtin)}
            for proposal in proposals
        ]
        return json({"lines": lines})

    @router.get("/v1/orders/draft")
    async def get_draft() -> Response:
        return json(parts.orders.frame())

    @router.delete("/v1/orders/draft")
    async def clear_draft() -> Response:
        parts.orders.clear_draft()
        return json(parts.orders.frame())

    @router.put("/v1/orders/draft/lines/{gtin}", openapi_extra=body(DraftQuantity))
    async def set_line(gtin: str, request: Request) -> Response:
        check(parts.orders.set_in_draft(gtin.zfill(14), (await read(request, DraftQuantity)).quantity))
        return json(parts.orders.frame())

    @router.post("/v1/orders/draft/proposal")
    async def take_proposals() -> Response:
        await asyncio.to_thread(parts.orders.propose_into_draft)
        return json(parts.orders.frame())

    @router.post("/v1/orders/draft/submit", status_code=201, openapi_extra=body(SubmitAsked))
    async def submit_draft(request: Request) -> Response:
        return await written(parts.orders.submit_draft((await read(request, SubmitAsked)).note))

    @router.post("/v1/orders", status_code=201, openapi_extra=body(OrderAsked))
    async def post_order(request: Request, idempotency_key: str | None = Header(default=None)) -> Response:
        asked = await read(request, OrderAsked)
        if asked.order_id is None and idempotency_key:
            asked = msgspec.structs.replace(asked, order_id=idempotency_key)
        return await written(parts.orders.submit(asked))

    @router.post("/v1/orders/{order_id}/cancel", status_code=201, openapi_extra=body(CancelAsked))
    async def cancel_order(order_id: str, request: Request) -> Response:
        asked = await read(request, CancelAsked)
        return await written(await asyncio.to_thread(parts.orders.cancel, order_id, asked))

    return router
