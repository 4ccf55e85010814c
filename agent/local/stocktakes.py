"""Routes of stocktakes: what can be counted, the areas being counted, what is sent."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Request, Response

from agent.documents import Refusal
from agent.local.answered import Answered
from agent.local.ids import check_id
from agent.local.openapi import body
from agent.local.parts import Parts
from agent.local.problems import Problem, check, json, read, written
from agent.local.scans import DeviceName, typed
from agent.stocktakes import progress
from agent.stocktakes.rules import Stocktake
from agent.stocktakes.sending import SendAsked
from agent.stocktakes.service import NO_AREA, Key, no_stocktake
from agent.tallying import rules
from agent.tallying.rules import NotTallied
from agent.till.found import Found, frame_of
from agent.till.frames import Mode, Outcome, ScanFrame
from devices.double_trigger import DoubleTrigger
from protocol.codes import MAX_LENGTH, parse_typed

Again = Literal["continue", "anew"]


class StocktakeBegun(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/stocktakes``: begin one here."""

    name: str
    stocktake_id: str | None = None


class StocktakeChosen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``PUT /v1/counting``: show this stocktake at the counter; without an id: none."""

    stocktake_id: str | None = None


class AreaOpened(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``PUT …/areas/{area}``. An area that was sent is counted ``again``: ``continue`` or ``anew``. ``chosen``: by the counter's scanners."""

    again: Again | None = None
    chosen: bool = True


class CodeCounted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST …/areas/{area}/scans``. ``device`` has a double-trigger window of its own, and ``request_id`` counts once, as at ``/v1/scans``."""

    code: Annotated[str, msgspec.Meta(max_length=4 * MAX_LENGTH)]
    quantity: Decimal | None = None
    uncoded: bool = False
    device: DeviceName | None = None
    request_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class CountSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``PUT …/areas/{area}/lines/{gtin}``: how much there is, as a person has counted it; 0: none."""

    quantity: Decimal


def stocktakes_router(parts: Parts) -> APIRouter:
    """The routes. What reads many rows runs on a thread of its own, so that no scan waits for it."""
    router = APIRouter(tags=["stocktakes"])
    counting = parts.counting
    _add_area(router, parts)
    _add_parts(router, parts)

    @router.get("/v1/stocktakes")
    async def get_stocktakes() -> Response:
        listed = await asyncio.to_thread(counting.stocktakes.listed)
        told = [await asyncio.to_thread(progress.seen, counting, one) for one in listed]
        return json({"stocktakes": told})

    @router.post("/v1/stocktakes", status_code=201, openapi_extra=body(StocktakeBegun))
    async def begin(request: Request) -> Response:
        asked = await read(request, StocktakeBegun)
        check_id("stocktake_id", asked.stocktake_id)
        begun = counting.stocktakes.begin(asked.name, asked.stocktake_id)
        if isinstance(begun, Refusal):
            check(begun)
        assert isinstance(begun, Stocktake)
        return json(progress.seen(counting, begun), 201)

    @router.get("/v1/stocktakes/{stocktake_id}")
    async def get_stocktake(stocktake_id: str) -> Response:
        stocktake = counting.stocktakes.find(stocktake_id)
        if stocktake is None:
            check(no_stocktake(stocktake_id))
        assert stocktake is not None
        told = await asyncio.to_thread(progress.seen, counting, stocktake)
        missing = await asyncio.to_thread(progress.missing, counting, stocktake)
        return json({"stocktake": told, "missing": missing})

    @router.delete("/v1/stocktakes/{stocktake_id}", status_code=204)
    async def forget(stocktake_id: str) -> Response:
        check(counting.stocktakes.forget(stocktake_id))
        return Response(status_code=204)

    @router.get("/v1/counting")
    async def get_counting() -> Response:
        return json(counting.frame())

    @router.put("/v1/counting", openapi_extra=body(StocktakeChosen))
    async def choose(request: Request) -> Response:
        check(counting.select((await read(request, StocktakeChosen)).stocktake_id))
        return json(counting.frame())

    return router


def _add_area(router: APIRouter, parts: Parts) -> None:
    counting = parts.counting
    window = DoubleTrigger(parts.double_trigger_ms)
    answered: Answered[ScanFrame] = Answered()
    path = "/v1/stocktakes/{stocktake_id}/areas/{area}"

    @router.get(path)
    async def get_area(stocktake_id: str, area: str) -> Response:
        if counting.draft((stocktake_id, area)) is None:
            raise Problem(404, f"area {area[:60]}: {NO_AREA.reason}", key=NO_AREA.key)
        return json(counting.frame_of(stocktake_id, area))

    @router.put(path, openapi_extra=body(AreaOpened))
    async def open_area(stocktake_id: str, area: str, request: Request) -> Response:
        asked = await read(request, AreaOpened)
        opened = counting.open((stocktake_id, area), again=asked.again, chosen=asked.chosen)
        if isinstance(opened, Refusal):
            check(opened)
        return json(counting.frame_of(stocktake_id, area))

    @router.delete(path)
    async def clear_area(stocktake_id: str, area: str) -> Response:
        check(counting.clear((stocktake_id, area)))
        return json(counting.frame())

    @router.post(f"{path}/scans", openapi_extra=body(CodeCounted))
    async def count_code(stocktake_id: str, area: str, request: Request) -> Response:
        asked = await read(request, CodeCounted)
        key = stocktake_id, area

        def count() -> Future[ScanFrame]:
            done: Future[ScanFrame] = Future()
            done.set_result(_counted(parts, window, key, asked))
            return done

        begun = count() if asked.request_id is None else answered.once(asked.request_id, (key, asked), count)
        if begun is None:
            reason = f"request_id {asked.request_id}: was used for another scan; give a new one"
            raise Problem(409, reason, key="conflict")
        return json(begun.result())

    @router.post(f"{path}/send", status_code=201, openapi_extra=body(SendAsked))
    async def send(stocktake_id: str, area: str, request: Request) -> Response:
        asked = await read(request, SendAsked)
        check_id("count_id", asked.count_id)
        return await written(parts.sending.send((stocktake_id, area), asked))


def _counted(parts: Parts, window: DoubleTrigger, key: Key, asked: CodeCounted) -> ScanFrame:
    """Count a code into an area; it shows at the counter where the area is the counter's."""
    scan = msgspec.structs.replace(typed(asked.code, parts.clock), device=asked.device or "page")
    code = parts.reader.read(parse_typed(asked.code), today=parts.clock.today())
    if code.refusal is not None:
        found = Found(outcome=Outcome.UNREADABLE, message=code.refusal, key="unreadable")
    elif asked.device is not None and window.repeated(scan):
        found = Found(outcome=Outcome.IGNORED, message="scanned twice; counted once", key="repeated")
    else:
        judged = parts.verification.confirmed(code)
        found = parts.counting_scans.count_in(
            key, code, judged, quantity=asked.quantity, uncoded=asked.uncoded
        )
    if key == parts.counting.key:
        parts.counter.show(scan, code, found, Mode.STOCKTAKE)
    else:
        for work in found.follow_up:
            work()
    return frame_of(found, scan=scan, code=code, mode=Mode.STOCKTAKE, took_us=0)


def _add_parts(router: APIRouter, parts: Parts) -> None:
    counting = parts.counting
    path = "/v1/stocktakes/{stocktake_id}/areas/{area}"

    @router.put(f"{path}/lines/{{gtin}}", openapi_extra=body(CountSet))
    async def set_line(stocktake_id: str, area: str, gtin: str, request: Request) -> Response:
        quantity = (await read(request, CountSet)).quantity
        key = stocktake_id, area
        code = parts.reader.read(parse_typed(gtin))
        if code.kind not in {"gtin", "in_store"} or code.gtin is None:
            raise Problem(422, f"gtin {gtin[:40]}: expected 8, 12, 13 or 14 digits", key="invalid")
        found, now_us = code.gtin, parts.clock.wall_us()
        _check(parts.counting_scans.not_wanted(key, found) if quantity else None)
        _check(counting.change(key, lambda tally: rules.set_quantity(tally, found, quantity, now_us)))
        return _shown(key)

    @router.delete(f"{path}/parts/{{part:path}}")
    async def take_out(stocktake_id: str, area: str, part: str) -> Response:
        key = stocktake_id, area
        _check(counting.change(key, lambda tally: rules.take_out(tally, part)))
        return _shown(key)

    @router.post(f"{path}/undo")
    async def undo(stocktake_id: str, area: str) -> Response:
        key = stocktake_id, area
        found = parts.counting_scans.undo_in(key)
        if not found.follow_up:
            raise Problem(409, found.message, key=found.key)
        return _shown(key)

    def _shown(key: Key) -> Response:
        counting.publish(key)
        return json(counting.frame_of(*key))


def _check(refused: NotTallied | None) -> None:
    if refused is not None:
        conflict = refused.key in {"full", "no_area", "not_in_stocktake", "not_to_recount"}
        check(Refusal(reason=refused.reason, key=refused.key, conflict=conflict))
