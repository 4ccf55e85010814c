"""Routes of shifts and of the cash in the drawer."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter, Header, Request, Response

from agent.documents import Refusal
from agent.local.desk import authorised_by
from agent.local.ids import check_id
from agent.local.openapi import body
from agent.local.parts import Parts
from agent.local.problems import Problem, json, read, refused, written
from agent.printing.service import Printing
from agent.shifts.asked import CloseAsked, MoveAsked, OpenAsked, ReportAsked
from agent.shifts.rules import Report

CURRENT = "current"
"""Stands for the shift that is open, in place of its id."""


class ClerkAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``PUT /v1/clerk``: who stands at the counter; None: nobody is named."""

    clerk: str | None = None


def shifts_router(parts: Parts, printing: Printing | None) -> APIRouter:
    """The routes. A report adds up all that was written in the shift, so it is made on a thread of its own."""
    router = APIRouter(tags=["shifts"])
    _add_steps(router, parts)

    @router.get("/v1/shifts/current")
    async def get_current() -> Response:
        return json({"shift": parts.shifts.current(), **msgspec.structs.asdict(parts.shifts.frame())})

    @router.get("/v1/shifts/latest/report")
    async def get_latest_report() -> Response:
        report = await asyncio.to_thread(parts.shifts.latest)
        if report is None:
            raise Problem(404, "no shift was closed here yet", key="unknown_shift")
        return json(report)

    @router.get("/v1/shifts/{shift_id}/report")
    async def get_report(shift_id: str) -> Response:
        return json(await _report(parts, shift_id, None))

    @router.post("/v1/shifts/{shift_id}/report", openapi_extra=body(ReportAsked))
    async def ask_report(shift_id: str, request: Request) -> Response:
        return json(await _report(parts, shift_id, (await read(request, ReportAsked)).authorisation))

    @router.post("/v1/shifts/{shift_id}/print", status_code=202, openapi_extra=body(ReportAsked))
    async def print_report(shift_id: str, request: Request) -> Response:
        asked = await read(request, ReportAsked)
        if printing is None:
            raise Problem(
                409, "no printer is configured here: the table [printer] names one", key="no_printer"
            )
        report = await _report(parts, shift_id, asked.authorisation)
        printing.print_report(report)
        return json({"number": report.number, "printer": printing.status()}, 202)

    @router.put("/v1/clerk", openapi_extra=body(ClerkAsked))
    async def put_clerk(request: Request) -> Response:
        asked = await read(request, ClerkAsked)
        check_id("clerk", asked.clerk, ascii_only=False)
        parts.shifts.set_clerk(asked.clerk)
        return json(parts.shifts.frame())

    return router


def _add_steps(router: APIRouter, parts: Parts) -> None:
    @router.post("/v1/shifts/open", status_code=201, openapi_extra=body(OpenAsked))
    async def open_shift(request: Request, idempotency_key: str | None = Header(default=None)) -> Response:
        asked = await read(request, OpenAsked)
        if asked.shift_id is None and idempotency_key:
            asked = msgspec.structs.replace(asked, shift_id=idempotency_key)
        check_id("shift_id", asked.shift_id)
        return await written(parts.shifts.open(asked))

    @router.post("/v1/shifts/close", status_code=201, openapi_extra=body(CloseAsked))
    async def close_shift(request: Request) -> Response:
        return await written(parts.shifts.close(await read(request, CloseAsked)))

    @router.post("/v1/cash-moves", status_code=201, openapi_extra=body(MoveAsked))
    async def move_cash(request: Request, idempotency_key: str | None = Header(default=None)) -> Response:
        asked = await read(request, MoveAsked)
        if asked.cash_move_id is None and idempotency_key:
            asked = msgspec.structs.replace(asked, cash_move_id=idempotency_key)
        check_id("cash_move_id", asked.cash_move_id)
        return await written(parts.shifts.move(asked))


async def _report(parts: Parts, shift_id: str, authorisation: str | None) -> Report:
    """The report of a shift; a supervisor sees all of an open one's."""
    if authorisation is not None:
        await authorised_by(parts, authorisation)
    wanted = None if shift_id == CURRENT else shift_id
    report = await asyncio.to_thread(parts.shifts.report, wanted, in_full=authorisation is not None)
    if isinstance(report, Refusal):
        raise refused(report)
    return report
