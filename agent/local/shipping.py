"""Routes of goods that leave: the destinations, the goods at the door, what has left."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from agent.despatching import rules
from agent.despatching.notes import DespatchNote
from agent.despatching.rules import Leaving
from agent.despatching.scans import Change
from agent.despatching.service import CompleteShippingAsked
from agent.despatching.told import ShipmentAsked
from agent.documents import Refusal
from agent.local.ids import check_id
from agent.local.openapi import body
from agent.local.parts import Parts
from agent.local.problems import Problem, check, json, read, written
from agent.local.scans import typed
from agent.printing.service import Printing
from agent.tallying.rules import NotTallied, set_quantity, take_out
from agent.till.frames import Mode
from protocol.aggregation import sscc_fault
from protocol.codes import Code, parse_typed

LISTED_LIMIT = 200


class Destination(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``PUT /v1/shipping``: where the goods go; ``order_id`` is the order that they fulfil."""

    to_site: str
    order_id: str | None = None


class LoadedQuantity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``PUT /v1/shipping/lines/{gtin}``; 0 takes the product out again."""

    quantity: Decimal


class CaseLoaded(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/shipping/cases``: a case by its SSCC. ``sealed``: as it is, though nothing is known here of what it holds."""

    sscc: str
    sealed: bool = False


class CodeLoaded(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/shipping/codes``: a code by hand, or after a question; ``quantity`` of goods, ``uncoded`` for a piece without its code."""

    code: str
    quantity: Decimal | None = None
    uncoded: bool = False


def shipping_router(parts: Parts, printing: Printing | None) -> APIRouter:
    """The routes. Without a printer, a note is shown and not printed."""
    router = APIRouter(tags=["shipping"])
    shipping = parts.shipping
    _add_loading(router, parts)
    _add_unloading(router, parts)
    _add_shipments(router, parts, printing)

    @router.get("/v1/sites")
    async def get_sites() -> Response:
        return json({"sites": shipping.sites()})

    @router.get("/v1/shipping")
    async def get_shipping() -> Response:
        return json(shipping.frame())

    @router.put("/v1/shipping", openapi_extra=body(Destination))
    async def choose(request: Request) -> Response:
        asked = await read(request, Destination)
        check_id("order_id", asked.order_id)
        check(shipping.choose(asked.to_site, asked.order_id))
        return json(shipping.frame())

    @router.delete("/v1/shipping")
    async def clear() -> Response:
        shipping.clear()
        return json(shipping.frame())

    @router.post("/v1/shipping/complete", status_code=201, openapi_extra=body(CompleteShippingAsked))
    async def complete(request: Request) -> Response:
        asked = await read(request, CompleteShippingAsked)
        check_id("despatch_id", asked.despatch_id)
        return await written(shipping.complete(asked))

    return router


def _add_loading(router: APIRouter, parts: Parts) -> None:
    @router.put("/v1/shipping/lines/{gtin}", openapi_extra=body(LoadedQuantity))
    async def set_line(gtin: str, request: Request) -> Response:
        quantity = (await read(request, LoadedQuantity)).quantity
        code = parts.reader.read(parse_typed(gtin))
        if code.kind not in {"gtin", "in_store"} or code.gtin is None:
            raise Problem(422, f"gtin {gtin[:40]}: expected 8, 12, 13 or 14 digits", key="invalid")
        found, now_us = code.gtin, parts.clock.wall_us()

        def change(leaving: Leaving) -> Leaving | NotTallied:
            if leaving.to is None:
                return rules.NO_DESTINATION
            after = set_quantity(leaving.tally, found, quantity, now_us)
            return after if isinstance(after, NotTallied) else rules.loaded(leaving, after)

        return _changed(parts, change)

    @router.post("/v1/shipping/cases", status_code=201, openapi_extra=body(CaseLoaded))
    async def load_case(request: Request) -> Response:
        asked = await read(request, CaseLoaded)
        if (fault := sscc_fault(asked.sscc)) is not None:
            raise Problem(422, f"sscc: {fault}", key="bad_sscc")
        code = Code(kind="sscc", sscc=asked.sscc, item=f"00{asked.sscc}")
        return _loaded(parts, f"00{asked.sscc}", code, sealed=asked.sealed)

    @router.post("/v1/shipping/codes", status_code=201, openapi_extra=body(CodeLoaded))
    async def load_code(request: Request) -> Response:
        asked = await read(request, CodeLoaded)
        code = parts.reader.read(parse_typed(asked.code), today=parts.clock.today())
        if code.refusal is not None:
            raise Problem(422, f"code: {code.refusal}", key="unreadable")
        return _loaded(parts, asked.code, code, quantity=asked.quantity, uncoded=asked.uncoded)


def _add_unloading(router: APIRouter, parts: Parts) -> None:
    @router.delete("/v1/shipping/parts/{part:path}")
    async def unload(part: str) -> Response:
        def change(leaving: Leaving) -> Leaving | NotTallied:
            after = take_out(leaving.tally, part)
            return after if isinstance(after, NotTallied) else rules.loaded(leaving, after)

        return _changed(parts, change)

    @router.post("/v1/shipping/undo")
    async def undo() -> Response:
        found = parts.shipping_scans.undo()
        if not found.follow_up:
            raise Problem(409, found.message, key=found.key)
        parts.shipping.publish()
        return json(parts.shipping.frame())


def _loaded(
    parts: Parts,
    text: str,
    code: Code,
    *,
    quantity: Decimal | None = None,
    uncoded: bool = False,
    sealed: bool = False,
) -> Response:
    judged = parts.verification.confirmed(code)
    found = parts.shipping_scans.load_told(code, judged, quantity=quantity, uncoded=uncoded, sealed=sealed)
    if not found.follow_up:
        raise Problem(409, found.message, key=found.key)
    parts.counter.show(typed(text, parts.clock), code, found, Mode.SHIP)
    return json(parts.shipping.frame(), 201)


def _changed(parts: Parts, change: Change) -> Response:
    refused = parts.shipping.change(change)
    if refused is not None:
        conflict = refused.key in {"full", rules.NO_DESTINATION.key}
        check(Refusal(reason=refused.reason, key=refused.key, conflict=conflict))
    parts.shipping.publish()
    return json(parts.shipping.frame())


def _add_shipments(router: APIRouter, parts: Parts, printing: Printing | None) -> None:
    @router.get("/v1/shipments")
    async def get_shipments(limit: Annotated[int, Query(ge=1, le=LISTED_LIMIT)] = 50) -> Response:
        return json({"shipments": await asyncio.to_thread(parts.notes.listed, limit)})

    @router.get("/v1/shipments/{despatch_id}")
    async def get_shipment(despatch_id: str) -> Response:
        return json(_note(parts, despatch_id))

    @router.post("/v1/shipments/{despatch_id}/print", status_code=202)
    async def print_note(despatch_id: str) -> Response:
        note = _note(parts, despatch_id)
        if printing is None:
            raise Problem(
                409, "no printer is configured here: the table [printer] names one", key="no_printer"
            )
        printing.reprint_note(note)
        return json({"number": note.number, "printer": printing.status()}, 202)

    @router.post("/v1/shipments", status_code=201, openapi_extra=body(ShipmentAsked))
    async def post_shipment(request: Request) -> Response:
        asked = await read(request, ShipmentAsked)
        check_id("despatch_id", asked.despatch_id)
        check_id("order_id", asked.order_id)
        return await written(await asyncio.to_thread(parts.told.write, asked))


def _note(parts: Parts, despatch_id: str) -> DespatchNote:
    note = parts.notes.find(despatch_id)
    if note is None:
        raise Problem(404, f"despatch {despatch_id[:64]}: was not made by this agent", key="no_despatch")
    return note
