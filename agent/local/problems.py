"""Answers and errors of the local interface: ``application/problem+json`` (RFC 9457), nothing of the insides."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from http import HTTPStatus
from typing import TypeVar

import msgspec
from fastapi import Request, Response

from agent.documents import Refusal, Written
from agent.errors import AgentError
from agent.store.faults import WriteRefused
from agent.till.rules import NotAllowed
from protocol.errors import ProtocolError

T = TypeVar("T")
BODY_LIMIT_BYTES = 1024 * 1024
_NOT_FOUND = frozenset(
    {
        "no_sale",
        "no_order",
        "no_line",
        "no_basket",
        "no_product",
        "no_despatch",
        "no_stocktake",
        "unknown_shift",
    }
)
_CONFLICTS = frozenset(
    {
        "empty",
        "not_empty",
        "full",
        "needs_authorisation",
        "not_authorised",
        "no_supervisor",
        "nothing_to_authorise",
    }
)
_encoder = msgspec.json.Encoder()


class ProblemTold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error as it goes out (RFC 9457). ``type`` names the rule, ``detail`` is fit to be shown, ``line`` counts from 1."""

    type: str
    title: str
    status: int
    detail: str
    line: int | None = None


class Problem(AgentError):
    """An answer that is an error. ``key`` names it for a page in another language."""

    def __init__(self, status: int, detail: str, *, key: str = "", line: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.key = key
        self.line = line

    def response(self) -> Response:
        """The error as it goes out."""
        about = ProblemTold(
            type=f"urn:countermark:problem:{self.key}" if self.key else "about:blank",
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.detail,
            line=self.line,
        )
        return Response(_encoder.encode(about), self.status, media_type="application/problem+json")


def json(value: object, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(_encoder.encode(value), status, media_type="application/json")


async def read(request: Request, kind: type[T]) -> T:
    """The body of a request. An empty one counts as ``{}``."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT_BYTES:
            raise Problem(413, f"body: more than {BODY_LIMIT_BYTES} bytes; send a smaller document")
    try:
        return msgspec.json.decode(bytes(body) or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise Problem(422, f"body: {error}", key="invalid") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, f"body: not JSON: {error}", key="not_json") from None


async def written(result: Future[Written | Refusal] | Refusal) -> Response:
    """The answer to a document: 201 once it is on the disk, 200 if it was before, the reason if it is not."""
    outcome = result if isinstance(result, Refusal) else await _settled(result)
    if isinstance(outcome, Refusal):
        raise refused(outcome)
    return Response(outcome.answer, 200 if outcome.repeated else 201, media_type="application/json")


async def _settled(result: Future[Written | Refusal]) -> Written | Refusal:
    try:
        return await asyncio.wrap_future(result)
    except WriteRefused as error:
        raise Problem(503, str(error), key=f"disk/{error.fault}") from None
    except ProtocolError as error:
        raise Problem(422, str(error), key="invalid") from None


def refused(refusal: Refusal | NotAllowed) -> Problem:
    """What a rule forbids, as an error."""
    if refusal.key in _NOT_FOUND:
        status = 404
    elif refusal.key == "too_many_tries":
        status = 429
    elif isinstance(refusal, Refusal):
        status = 409 if refusal.conflict else 422
    else:
        status = 409 if refusal.key in _CONFLICTS else 422
    return Problem(status, refusal.reason, key=refusal.key, line=refusal.line)


def check(refusal: Refusal | NotAllowed | None) -> None:
    """Raise what a rule forbids."""
    if refusal is not None:
        raise refused(refusal)
