"""``/01/{gtin}/21/{serial}`` and every other form of a code that is a web address: the one part of central that answers anybody."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from central.api.context import Central, central_of
from central.codes import OrderError
from central.database import DatabaseFault
from central.resolver import linkset
from central.resolver.addresses import (
    LINKSET_TYPES,
    Asked,
    AskedShort,
    Elsewhere,
    Unreadable,
    concerns,
    path_of,
    product_path,
    read,
)
from central.resolver.answers import PREFLIGHT, SHARED, Answers, Check, link_of
from central.resolver.negotiation import Kind, kind_for, language_for
from central.resolver.service import Outcome, Refused, Resolver

log = structlog.get_logger(__name__)


class DigitalLinkRoute(APIRoute):
    """A route for addresses that a code may hold. Its query is the label's and is not declared: it takes any."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route, and only where the path is of such a form: everything else is to be answered as if this were not here."""
        match, child = super().matches(scope)
        if match is not Match.NONE and not concerns(
            scope["path"], scope["app"].state.central.resolver.settings.short_path
        ):
            return Match.NONE, {}
        return match, child


router = APIRouter(tags=["public check"], route_class=DigitalLinkRoute)


def describe(central: Annotated[Central, Depends(central_of)], request: Request) -> Response:
    """What this resolver is, for other programs (GS1-Conformant Resolver 1.2)."""
    _only_here(central, request)
    settings = central.resolver.settings
    return JSONResponse(linkset.description(_root(central, request), settings.name), headers=SHARED)


@router.get("/01/{gtin}/21/{serial}", response_model=Check)
async def check(
    central: Annotated[Central, Depends(central_of)],
    request: Request,
    gtin: str,  # noqa: ARG001 - named for the description of the interface; the address is read as a whole
    serial: str,  # noqa: ARG001
) -> Response:
    """Whether a code is one of ours. The label's other elements may follow: qualifiers in the path, the rest as a query (`91` and `92`
    hold its signature). A page for people, JSON for `Accept: application/json`, the links there are for `linkType=linkset`."""
    return await _resolve(central, request)


@router.api_route("/{digital_link:path}", methods=["GET", "HEAD", "OPTIONS"], include_in_schema=False)
async def resolve(central: Annotated[Central, Depends(central_of)], request: Request) -> Response:
    """The same for every other form: other keys and qualifiers, compressed links, short codes."""
    return await _resolve(central, request)


router.add_api_route(
    "/.well-known/gs1resolver", describe, include_in_schema=False, route_class_override=APIRoute
)


async def _resolve(central: Central, request: Request) -> Response:
    _only_here(central, request)
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={**SHARED, **PREFLIGHT})
    resolver = central.resolver
    kind = kind_for(request.headers.get("accept", ""))
    answers = Answers(resolver.settings, kind, language_for(request.headers.get("accept-language", "")))
    peer = request.client.host if request.client else None
    network = resolver.admit(peer, request.headers.getlist("x-forwarded-for"))
    if isinstance(network, Refused):
        return answers.too_many(network.retry_after_s)
    asked = _read(central, request)
    match asked:
        case Elsewhere():
            raise HTTPException(404)
        case Unreadable():
            return answers.unreadable(asked)
        case Asked() if asked.key not in linkset.SUPPORTED_KEYS:
            return answers.unknown()
    wants_links = asked.link_type in LINKSET_TYPES or (asked.link_type is None and kind is Kind.LINKSET)
    is_check = asked.link_type in (None, linkset.DEFAULT_LINK, linkset.OWN_ANSWER) and not wants_links
    try:
        outcome = await _looked_up(
            central, resolver, asked, network, counted=is_check and request.method == "GET"
        )
    except (DatabaseFault, OrderError) as fault:
        log.warning("a public check cannot be answered", cause=str(fault))
        return answers.unavailable()
    if isinstance(outcome, Refused):
        return answers.unavailable()
    if outcome is None:
        return answers.unknown()
    return _answered(answers, asked, outcome, resolver, _root(central, request), wants_links=wants_links)


def _answered(
    answers: Answers,
    asked: Asked | AskedShort,
    outcome: Outcome,
    resolver: Resolver,
    root: str,
    *,
    wants_links: bool,
) -> Response:
    path = asked.path if isinstance(asked, Asked) else path_of(outcome.code)
    product = product_path(outcome.code)
    brands_page = resolver.product_page(outcome.code)
    link = link_of(root, asked, path, in_linkset=wants_links)
    if wants_links:
        return answers.linkset(linkset.linkset(root, path, product, outcome.product, brands_page), link)
    if asked.link_type == linkset.PRODUCT_PAGE and brands_page is not None:
        return answers.elsewhere(brands_page, asked)
    if asked.link_type in (None, linkset.DEFAULT_LINK, linkset.OWN_ANSWER, linkset.PRODUCT_PAGE):
        return answers.checked(outcome, link)
    return answers.no_such_link(asked.link_type, link)


async def _looked_up(
    central: Central, resolver: Resolver, asked: Asked | AskedShort, network: str, *, counted: bool
) -> Outcome | Refused | None:
    if not await resolver.turn():
        return Refused(1.0)
    try:
        return await run_in_threadpool(
            resolver.check,
            central.database,
            central.authority_directory,
            asked.code if isinstance(asked, Asked) else asked,
            network,
            central.now(),
            counted=counted,
        )
    finally:
        resolver.done()


def _read(central: Central, request: Request) -> Asked | AskedShort | Unreadable | Elsewhere:
    """The address as it was sent: once its escapes are undone, a `/` inside a serial cannot be told from one between two."""
    path = request.scope["raw_path"].decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    return read(path, query, central.resolver.settings.short_path, central.now().date())


def _root(central: Central, request: Request) -> str:
    settings = central.resolver.settings
    if settings.host is not None:
        return f"https://{settings.host}"
    return (central.public_url or str(request.base_url)).rstrip("/")


def _only_here(central: Central, request: Request) -> None:
    """Under another host name than the one that is set there is nothing."""
    host = central.resolver.settings.host
    if host is not None and (request.url.hostname or "").lower() != host.lower():
        raise HTTPException(404)
