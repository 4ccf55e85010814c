"""The local interface as one application. Every route stands with its noun; this puts them together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from agent.local.adjusting import adjusting_router
from agent.local.desk import desk_router
from agent.local.events import events_router
from agent.local.goods import goods_router
from agent.local.guard import Guard
from agent.local.openapi import describe
from agent.local.orders import orders_router
from agent.local.packing import packing_router
from agent.local.page_files import page_router
from agent.local.parts import Parts
from agent.local.printing import printing_router
from agent.local.problems import Problem, json
from agent.local.sales import sales_router
from agent.local.scans import scans_router
from agent.local.shifts import shifts_router
from agent.local.shipping import shipping_router
from agent.local.status import StatusFrame
from agent.local.stocktakes import stocktakes_router
from agent.printing.service import Printing
from agent.store.faults import StoreError


def create_app(
    parts: Parts,
    *,
    status: Callable[[], StatusFrame],
    dismiss_notice: Callable[[int], Future[None]],
    token: str | None,
    software: str,
    printing: Printing | None = None,
) -> FastAPI:
    """The application for one agent."""
    app = FastAPI(
        title="Countermark agent",
        version=software,
        description="The counter's own interface: scans, verdicts, sales, receiving, orders.",
        docs_url=None,  # its page would load scripts from elsewhere; the description itself is served
        redoc_url=None,
    )
    app.add_middleware(Guard, token=token)

    @app.get("/healthz", tags=["status"])
    async def healthz() -> Response:
        return json({"status": "ok"})

    @app.get("/v1/status", tags=["status"])
    async def get_status() -> Response:
        return json(status())

    @app.delete("/v1/notices/{notice_id}", status_code=204, tags=["status"])
    async def delete_notice(notice_id: int) -> Response:
        await asyncio.wrap_future(dismiss_notice(notice_id))
        return Response(status_code=204)

    def snapshot() -> Iterable[object]:
        yield status()
        yield parts.counter.mode_frame()
        yield parts.desk.frame()
        yield parts.returns_desk.frame()
        yield parts.goods.frame()
        yield parts.packing.frame()
        yield parts.unpacking.frame()
        yield parts.counting.frame()
        yield parts.shipping.frame()
        yield parts.adjustments.frame()
        yield parts.shifts.frame()
        yield parts.pricing.frame()
        yield parts.orders.frame()

    for router in (
        scans_router(parts),
        desk_router(parts),
        sales_router(parts),
        goods_router(parts),
        packing_router(parts),
        stocktakes_router(parts),
        shipping_router(parts, printing),
        adjusting_router(parts),
        orders_router(parts),
        printing_router(printing, parts.shifts.clerk),
        shifts_router(parts, printing),
        events_router(parts.hub, snapshot),
        page_router(),
    ):
        app.include_router(router)
    app.add_exception_handler(Problem, _told)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(StoreError, _told)
    app.add_exception_handler(RequestValidationError, _told)
    describe(app)
    return app


def _told(request: Request, error: Exception) -> Response:
    if isinstance(error, Problem):
        return error.response()
    if isinstance(error, HTTPException):
        return Problem(error.status_code, f"{request.method} {request.url.path}: {error.detail}").response()
    if isinstance(error, RequestValidationError):
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        return Problem(422, f"{where}: {fault['msg']}", key="invalid").response()
    return Problem(503, str(error), key="store").response()
