"""The description of the interface (``/openapi.json``), from the same types that read the requests."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from agent.local.problems import ProblemTold

_REFERENCE = "#/components/schemas/{name}"
_PROBLEM = {"application/problem+json": {"schema": {"$ref": _REFERENCE.format(name="ProblemTold")}}}
_PROBLEMS = {
    "4XX": {"description": "Refused, and why; nothing was recorded", "content": _PROBLEM},
    "503": {"description": "The disk takes nothing, or gives nothing", "content": _PROBLEM},
}
_types: list[type] = []


def body(kind: type) -> dict[str, Any]:
    """What a route says about its body."""
    _types.append(kind)
    schema = {"$ref": _REFERENCE.format(name=kind.__name__)}
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


def describe(app: FastAPI) -> None:
    """Have the description made when it is first asked for."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            _, components = msgspec.json.schema_components((*_types, ProblemTold), ref_template=_REFERENCE)
            for route in described["paths"].values():
                for operation in route.values():
                    good = {code: told for code, told in operation["responses"].items() if code < "3"}
                    operation["responses"] = {**good, **_PROBLEMS}
            described.setdefault("components", {}).setdefault("schemas", {}).update(components)
            app.openapi_schema = described
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
