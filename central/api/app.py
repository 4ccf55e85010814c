"""The application: every noun's routes, behind one boundary.

Deny by default is kept by :func:`create_app`: a route that names no roles, and is not one of the few that prove themselves
otherwise, stops the process at start.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from central.agents.routes import enrolment_router
from central.agents.routes import router as agents
from central.api import documentation, health, problems
from central.api.boundary import Boundary
from central.api.callers import Allow
from central.api.context import Central
from central.api.problems import Problem
from central.codes.key_routes import router as code_keys
from central.codes.order_routes import router as code_orders
from central.containers.routes import router as containers
from central.costs.routes import router as costs
from central.despatches.routes import router as despatches
from central.discrepancies.decision_routes import router as discrepancy_decisions
from central.discrepancies.routes import router as discrepancies
from central.discrepancies.watching.routes import router as suspects
from central.exports.routes import router as exports
from central.invoices.routes import router as invoices
from central.items.routes import router as items
from central.journals.event_routes import router as events
from central.journals.routes import router as journals
from central.ledger.routes import router as ledger
from central.metrics import BooksCollector
from central.orders.routes import router as orders
from central.policy.routes import router as policy
from central.prices.routes import router as prices
from central.products.routes import router as products
from central.reconciliation.range_routes import router as reconciliation_ranges
from central.reconciliation.routes import router as reconciliation
from central.resolver.routes import DigitalLinkRoute
from central.resolver.routes import router as public_check
from central.sales.routes import router as sales
from central.shifts.routes import router as shifts
from central.sites.routes import router as sites
from central.stocktakes.routes import router as stocktakes
from central.stocktakes.shrinkage.routes import router as shrinkage
from central.tokens.bearer import Role
from central.version import VERSION

ROUTERS: tuple[APIRouter, ...] = (
    sites, products, prices, costs, ledger, items, sales, orders, despatches, reconciliation, discrepancies, discrepancy_decisions, suspects, invoices,
    journals, events, agents,
    code_keys, code_orders, containers, policy, exports, stocktakes, shrinkage, shifts, reconciliation_ranges,
)  # fmt: skip
OPEN_TO_ALL: tuple[APIRouter, ...] = (health.router, documentation.router, enrolment_router, public_check)
"""Routes that ask for no token: they say nothing of the trade, or carry a proof of their own. The public check can be switched off, and comes
last: what another route answers is never taken for a code."""


def create_app(central: Central) -> FastAPI:
    """The application over what ``central`` holds. Opens nothing and starts nothing."""
    app = FastAPI(
        title="Countermark central",
        version=VERSION,
        summary="One honest stock figure: what was shipped, received, sold, counted and returned.",
        docs_url=None,  # the library's page fetches its scripts from elsewhere; ours is in documentation.py
        redoc_url=None,
        dependencies=[Depends(refuse_unknown_query)],
    )
    app.state.central = central
    for router in ROUTERS:
        _check_roles(router)
        app.include_router(router)
    for router in OPEN_TO_ALL:
        if router is not public_check or central.resolver.settings.enabled:
            app.include_router(router)
    problems.install(app)
    central.registry.register(BooksCollector(central))
    app.add_middleware(Boundary, body_limit_bytes=central.body_limit_bytes, registry=central.registry)
    return app


def roles_of(route: APIRoute) -> frozenset[Role] | None:
    """The roles that may call a route; None for one that asks for no token."""
    for dependant in _tree(route.dependant):
        if isinstance(dependant.call, Allow):
            return dependant.call.roles
    return None


def refuse_unknown_query(request: Request) -> None:
    """A mistyped parameter must not be passed over: a report for all sites would pass for one of a single site."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute) or isinstance(route, DigitalLinkRoute):
        return  # the query of a Digital Link is part of what a label says, and phones add to it
    known = {field.alias for dependant in _tree(route.dependant) for field in dependant.query_params}
    for name in request.query_params:
        if name not in known:
            expected = ", ".join(sorted(known)) or "none"
            raise Problem(400, f"query parameter {name!r} is not known here; expected: {expected}")
        if len(request.query_params.getlist(name)) > 1:
            raise Problem(400, f"query parameter {name!r} is given twice; expected once")


def _check_roles(router: APIRouter) -> None:
    for route in router.routes:
        if isinstance(route, APIRoute) and roles_of(route) is None:
            raise AssertionError(f"route {route.path} names no roles: say who may call it")


def _tree(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for part in dependant.dependencies:
        yield from _tree(part)
