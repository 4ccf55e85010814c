"""Routes of packing and unpacking: the case on the counter, and cases told at once."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from fastapi import APIRouter, Request, Response

from agent.documents import Refusal
from agent.local.openapi import body
from agent.local.parts import Parts
from agent.local.problems import check, json, read, written
from agent.packing import rules
from agent.packing.rules import NotPacked
from agent.packing.service import CompletePackingAsked, Packing
from agent.packing.told import PackAsked, UnpackAsked, packing_told, unpacking_told


class CaseOpened(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``PUT /v1/packing`` and ``/v1/unpacking``: work on this case."""

    sscc: str


class PackedQuantity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``PATCH /v1/packing/lines/{gtin}``; 0 takes the product out again."""

    quantity: Decimal


def packing_router(parts: Parts) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["packing"])
    _add_draft(router, "/v1/packing", parts.packing)
    _add_draft(router, "/v1/unpacking", parts.unpacking)

    @router.patch("/v1/packing/lines/{gtin}", openapi_extra=body(PackedQuantity))
    async def set_packed(gtin: str, request: Request) -> Response:
        quantity = (await read(request, PackedQuantity)).quantity
        _check(parts.packing.change(lambda draft: rules.set_quantity(draft, gtin, quantity)))
        parts.packing.publish()
        return json(parts.packing.frame())

    @router.post("/v1/packings", status_code=201, openapi_extra=body(PackAsked))
    async def post_packing(request: Request) -> Response:
        asked = await read(request, PackAsked)
        draft = packing_told(asked, parts.packing.cases, parts.reader.read)
        return await written(draft if isinstance(draft, Refusal) else parts.packing.write(draft, asked.clerk))

    @router.post("/v1/unpackings", status_code=201, openapi_extra=body(UnpackAsked))
    async def post_unpacking(request: Request) -> Response:
        asked = await read(request, UnpackAsked)
        draft = unpacking_told(asked, parts.unpacking.cases, parts.reader.read)
        return await written(
            draft if isinstance(draft, Refusal) else parts.unpacking.write(draft, asked.clerk)
        )

    return router


def _add_draft(router: APIRouter, path: str, packing: Packing) -> None:
    @router.get(path, name=f"get case to {packing.kind}")
    async def get_case() -> Response:
        return json(packing.frame())

    @router.put(path, name=f"open case to {packing.kind}", openapi_extra=body(CaseOpened))
    async def open_case(request: Request) -> Response:
        sscc = (await read(request, CaseOpened)).sscc
        _check(packing.change(lambda draft: rules.open_case(draft, sscc)))
        packing.publish()
        return json(packing.frame())

    @router.delete(path, name=f"clear case to {packing.kind}")
    async def clear_case() -> Response:
        packing.clear()
        return json(packing.frame())

    @router.delete(f"{path}/parts/{{part:path}}", name=f"take back part to {packing.kind}")
    async def take_back(part: str) -> Response:
        _check(packing.change(lambda draft: rules.remove(draft, part)))
        packing.publish()
        return json(packing.frame())

    @router.post(
        f"{path}/complete",
        status_code=201,
        name=f"complete case to {packing.kind}",
        openapi_extra=body(CompletePackingAsked),
    )
    async def complete(request: Request) -> Response:
        return await written(packing.complete(await read(request, CompletePackingAsked)))


def _check(refused: NotPacked | None) -> None:
    if refused is not None:
        check(Refusal(reason=refused.reason, key=refused.key, conflict=refused.key in {"case_open", "full"}))
