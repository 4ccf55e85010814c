"""Refusals: ``application/problem+json`` (RFC 9457), without anything of the inside of central.

A :class:`Problem` is raised where a request cannot be served; raised inside a transaction it rolls it back, so that a
request that failed has changed nothing.
"""

from __future__ import annotations

import json
from traceback import format_exception
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from central.authority.certificates import AuthorityError
from central.database import DatabaseFault

MEDIA_TYPE = "application/problem+json"
_TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Cannot be processed",
    429: "Too many requests",
    500: "Fault of central",
    503: "Not available",
}

log = structlog.get_logger(__name__)


class Problem(Exception):
    """A request that is not served: the status, what is wrong in words, and members for a program."""

    def __init__(
        self, status: int, detail: str, *, headers: dict[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.members = members
        self.headers = headers or {}


def not_found(what: str, name: str) -> Problem:
    """A thing that is not there, or not this caller's: the two are never told apart."""
    return Problem(404, f"{what} {name!r}: not known here")


def answer(status: int, detail: str, headers: dict[str, str] | None = None, **members: Any) -> Response:
    """A problem as a response."""
    title = _TITLES.get(status, "Problem")
    kind = f"urn:countermark:problem:{title.lower().replace(' ', '-')}"
    body = {"type": kind, "title": title, "status": status, "detail": detail, **members}
    return Response(json.dumps(body, default=str, ensure_ascii=False), status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every refusal of ``app`` a problem document."""
    app.add_exception_handler(Problem, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DatabaseFault, _database)
    app.add_exception_handler(psycopg.DataError, _unstorable)
    app.add_exception_handler(AuthorityError, _authority)
    app.add_exception_handler(Exception, _unexpected)


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer(error.status, error.detail, error.headers, **error.members)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    sent = request.headers.get("content-type", "").partition(";")[0].strip()
    if sent != "application/json" and any(fault["loc"][:1] == ("body",) for fault in error.errors()):
        return answer(415, f"Content-Type {sent or 'missing'}: expected application/json with a JSON body")
    faults = [
        {"at": _place(fault["loc"]), "expected": str(fault["msg"]).removeprefix("Value error, ")}
        for fault in error.errors()
    ]
    first = faults[0] if faults else {"at": "request", "expected": "a readable request"}
    return answer(422, f"{first['at']}: {first['expected']}", faults=faults)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = (
        f"{request.url.path}: there is nothing here; see /docs"
        if error.status_code == 404
        else str(error.detail)
    )
    return answer(error.status_code, detail, dict(error.headers or {}))


def _database(_: Request, error: Exception) -> Response:
    log.warning("database is not available to a request", cause=str(error))
    return answer(503, "the database is not available; try again in a moment", {"Retry-After": "5"})


def _unstorable(_: Request, error: Exception) -> Response:
    # A character that no text may hold (NUL), a number beyond every column, a currency of four letters …
    assert isinstance(error, psycopg.DataError)
    return answer(
        422, f"a value in this request cannot be kept: {error.diag.message_primary or 'not a text or number'}"
    )


def _authority(_: Request, error: Exception) -> Response:
    return answer(422, str(error))


def _unexpected(request: Request, error: Exception) -> Response:
    log.error(
        "a request failed",
        method=request.method,
        # the route, not the path: that may hold a whole item code, which stands in no log
        route=getattr(request.scope.get("route"), "path", "none"),
        trace="".join(format_exception(error)),
    )
    return answer(500, "central could not serve this request; its log says why")


def _place(location: tuple[int | str, ...]) -> str:
    """``("body", "lines", 0, "quantity")`` as ``body.lines[0].quantity``."""
    place = ""
    for part in location:
        place += f"[{part}]" if isinstance(part, int) else f"{'.' if place else ''}{part}"
    return place or "request"
