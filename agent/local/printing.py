"""Routes of the receipt printer and the drawer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from fastapi import APIRouter, Request, Response

from agent.documents import Refusal
from agent.local.openapi import body
from agent.local.problems import Problem, json, read, refused
from agent.printing.service import Printing

REASON_LIMIT = 200


class DrawerAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/drawer/open``: why, for the journal."""

    reason: str
    clerk: str | None = None


def printing_router(printing: Printing | None, clerk: Callable[[], str | None]) -> APIRouter:
    """The routes; without a printer they say so. ``clerk`` stands at the counter, and opens the drawer where nobody else is named."""
    router = APIRouter(tags=["printing"])

    @router.post("/v1/sales/{sale_id}/print", status_code=202)
    async def print_sale(sale_id: str) -> Response:
        asked = _required(printing).reprint(sale_id)
        if isinstance(asked, Refusal):
            raise refused(asked)
        return json({"receipt": asked.sale.receipt, "printer": _required(printing).status()}, 202)

    @router.post("/v1/drawer/open", status_code=201, openapi_extra=body(DrawerAsked))
    async def open_drawer(request: Request) -> Response:
        asked = await read(request, DrawerAsked)
        reason = asked.reason.strip()
        if not 1 <= len(reason) <= REASON_LIMIT:
            raise Problem(422, f"reason: expected 1 to {REASON_LIMIT} characters", key="invalid")
        opened = _required(printing).open_drawer(reason, asked.clerk or clerk())
        if isinstance(opened, Refusal):
            raise refused(opened)
        trouble = await asyncio.wrap_future(opened)
        if trouble is not None:
            raise Problem(503, trouble, key="printer")
        return json({"opened": True}, 201)

    return router


def _required(printing: Printing | None) -> Printing:
    if printing is None:
        raise Problem(409, "no printer is configured here: the table [printer] names one", key="no_printer")
    return printing
