"""Is the process there, is it ready, and its figures: for a supervisor, a load balancer and Prometheus."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from central.api.context import Central, central_of
from central.database import DatabaseFault, NotMigrated, SchemaTooNew
from central.migrations import check_schema
from central.version import VERSION

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    """The process answers."""

    status: str = "alive"
    version: str = VERSION


class Ready(BaseModel):
    """Whether requests and counters can be served, part by part: `ok`, or the cause."""

    ready: bool
    database: str
    broker: str


@router.get("/healthz")
def healthz() -> Alive:
    """The process is there. Says nothing of its database or broker: restarting it would not bring those back."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Ready}})
def readyz(central: Annotated[Central, Depends(central_of)], response: Response) -> Ready:
    """Ready when the database is there with its schema and the link to the broker stands; else 503 with the causes."""
    link = central.link()
    database = _database_state(central)
    ready = Ready(
        ready=database == "ok" and link.online, database=database, broker="ok" if link.online else link.cause
    )
    if not ready.ready:
        response.status_code = 503
    return ready


@router.get("/metrics", response_class=Response)
def metrics(central: Annotated[Central, Depends(central_of)]) -> Response:
    """Figures for Prometheus. None of them names a site, a dealer or a product."""
    return Response(generate_latest(central.registry), media_type=CONTENT_TYPE_LATEST)


def _database_state(central: Central) -> str:
    try:
        with central.database.transaction() as connection:
            check_schema(connection)
    except (NotMigrated, SchemaTooNew) as fault:
        return str(fault)
    except DatabaseFault:
        return "not reachable; the log of central says why"
    return "ok"
