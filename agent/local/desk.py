"""Routes of the basket on the counter, in sale mode and in return mode."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import msgspec
from fastapi import APIRouter, Request, Response

from agent.local.openapi import body
from agent.local.parts import Parts
from agent.local.problems import Problem, check, json, read, written
from agent.local.scans import typed
from agent.till.asked import CompleteAsked
from agent.till.desk import Desk
from agent.till.frames import Mode, Outcome
from agent.till.pricing import PriceAsked
from agent.till.rules import Change, NotAllowed, Piece
from protocol.codes import parse_typed


class LinePut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/basket/lines``: a line by hand, or after a question. ``confirmed`` overrules a doubt, never a refusal.

    An amount other than the list's may want a ``reason``, and beyond the limits the ``authorisation`` of a supervisor: their PIN, or
    what their card says.
    """

    code: str
    quantity: Decimal = Decimal(1)
    amount_minor: int | None = None
    confirmed: bool = False
    reason: str | None = None
    authorisation: str | None = None


class LineChanged(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``PATCH /v1/basket/lines/{line}``: what is left out stays. ``price_minor`` is another price for one unit, ``reason`` why.

    Beyond the limits it wants the ``authorisation`` of a supervisor, now or by ``POST /v1/basket/authorise``. A return has no limits.
    """

    quantity: Decimal | None = None
    price_minor: int | None = None
    amount_minor: int | None = None
    discount_minor: int | None = None
    reason: str | None = None
    authorisation: str | None = None


class AuthoriseAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/basket/authorise``: a supervisor's PIN, or what their card says, for the change that waits.

    With the ``waiting_id`` of the frame that showed it, for nothing that has taken its place.
    """

    authorisation: str
    waiting_id: str | None = None


class Recall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``POST /v1/basket/recall``; without an id, the only basket that was set aside."""

    basket_id: str | None = None


def desk_router(parts: Parts) -> APIRouter:
    """The routes of both desks; they differ in their paths, in how they are completed, and in that a sale's prices have limits."""
    router = APIRouter(tags=["basket"])
    _add_desk(router, "/v1/basket", parts.desk)
    _add_desk(router, "/v1/returns/basket", parts.returns_desk)
    _add_prices(router, parts)

    @router.post("/v1/basket/lines", status_code=201, openapi_extra=body(LinePut))
    async def put_line(request: Request) -> Response:
        asked = await read(request, LinePut)
        code = parts.reader.read(parse_typed(asked.code), today=parts.clock.today())
        if code.refusal is not None:
            raise Problem(422, f"code: {code.refusal}", key="unreadable")
        judged = parts.verification.confirmed(code)
        name = None if asked.authorisation is None else await authorised_by(parts, asked.authorisation)
        by_hand = Piece(
            gtin=judged.gtin or "",
            quantity=asked.quantity,
            amount_minor=asked.amount_minor,
            override=parts.pricing.overriding(asked.reason, name),
        )
        found = parts.selling.sell(code, judged, confirmed=asked.confirmed, by_hand=by_hand)
        if found.outcome is not Outcome.ADDED:
            raise Problem(409, found.message, key=found.key, line=found.line)
        parts.counter.show(typed(asked.code, parts.clock), code, found)
        return json(parts.desk.frame(), 201)

    @router.post("/v1/returns/basket/lines", status_code=201, openapi_extra=body(LinePut))
    async def put_return_line(request: Request) -> Response:
        asked = await read(request, LinePut)
        code = parts.reader.read(parse_typed(asked.code), today=parts.clock.today())
        if code.refusal is not None:
            raise Problem(422, f"code: {code.refusal}", key="unreadable")
        judged = parts.verification.confirmed(code)
        by_hand = Piece(gtin=judged.gtin or "", quantity=asked.quantity, amount_minor=asked.amount_minor)
        found = parts.taking_back.take_back(code, judged, by_hand=by_hand)
        if found.line is None or not found.follow_up:
            raise Problem(409, found.message, key=found.key, line=found.line)
        parts.counter.show(typed(asked.code, parts.clock), code, found, Mode.RETURN)
        return json(parts.returns_desk.frame(), 201)

    @router.post("/v1/basket/complete", status_code=201, openapi_extra=body(CompleteAsked))
    async def complete(request: Request) -> Response:
        return await written(parts.sales.complete(await read(request, CompleteAsked)))

    @router.post("/v1/basket/hold")
    async def hold() -> Response:
        check(parts.desk.hold())
        return json(parts.desk.frame())

    @router.get("/v1/baskets/held")
    async def held() -> Response:
        return json({"baskets": parts.desk.held()})

    @router.post("/v1/basket/recall", openapi_extra=body(Recall))
    async def recall(request: Request) -> Response:
        asked = await read(request, Recall)
        baskets = [asked.basket_id] if asked.basket_id else parts.desk.held()
        if len(baskets) != 1:
            raise Problem(
                409, f"{len(baskets)} baskets are set aside: name one by its basket_id", key="which_basket"
            )
        check(parts.desk.recall(baskets[0]))
        return json(parts.desk.frame())

    return router


def _add_desk(router: APIRouter, path: str, desk: Desk) -> None:
    @router.get(path, name=f"get {desk.kind} basket")
    async def get_basket() -> Response:
        return json(desk.frame())

    @router.delete(path, name=f"clear {desk.kind} basket")
    async def clear_basket() -> Response:
        desk.clear()
        return json(desk.frame())

    @router.delete(f"{path}/lines/{{line}}", name=f"remove {desk.kind} line")
    async def remove_line(line: int) -> Response:
        check(desk.remove(line))
        return json(desk.frame())


def _add_prices(router: APIRouter, parts: Parts) -> None:
    @router.patch("/v1/basket/lines/{line}", name="change sale line", openapi_extra=body(LineChanged))
    async def change_sale_line(line: int, request: Request) -> Response:
        asked = await read(request, LineChanged)
        name = None if asked.authorisation is None else await authorised_by(parts, asked.authorisation)
        change = PriceAsked(
            quantity=asked.quantity,
            price_minor=asked.price_minor,
            amount_minor=asked.amount_minor,
            discount_minor=asked.discount_minor,
            reason=asked.reason,
        )
        check(parts.pricing.change(line, change, name))
        return json(parts.desk.frame())

    @router.patch(
        "/v1/returns/basket/lines/{line}", name="change return line", openapi_extra=body(LineChanged)
    )
    async def change_return_line(line: int, request: Request) -> Response:
        asked = await read(request, LineChanged)
        change = Change(
            quantity=asked.quantity,
            price_minor=asked.price_minor,
            amount_minor=asked.amount_minor,
            discount_minor=asked.discount_minor,
        )
        check(parts.returns_desk.change(line, change))
        return json(parts.returns_desk.frame())

    @router.get("/v1/basket/authorise")
    async def get_waiting() -> Response:
        return json(parts.pricing.frame())

    @router.post("/v1/basket/authorise", openapi_extra=body(AuthoriseAsked))
    async def authorise(request: Request) -> Response:
        asked = await read(request, AuthoriseAsked)
        check(parts.pricing.authorise(await authorised_by(parts, asked.authorisation), asked.waiting_id))
        return json(parts.desk.frame())

    @router.delete("/v1/basket/authorise")
    async def give_up() -> Response:
        parts.pricing.give_up()
        return json(parts.pricing.frame())


async def authorised_by(parts: Parts, shown: str) -> str:
    """Whose a PIN or a card is; raises what keeps it from being a supervisor's. A PIN takes its time, and no scan waits for it."""
    name = await asyncio.to_thread(parts.pricing.supervisors.by, shown)
    check(name if isinstance(name, NotAllowed) else None)
    assert isinstance(name, str)
    return name
