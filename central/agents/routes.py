"""``/v1/agents`` (the fleet), ``/v1/enrolment-tokens``, ``/v1/enrolments`` and the renewal of certificates."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from central.agents import enrolment, storage
from central.agents.enrolment import Refusal
from central.api.callers import Brand, Reader, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.paging import Cursor, Limit, Page, decode, page
from central.api.problems import Problem, not_found
from central.database import Connection

router = APIRouter(prefix="/v1", tags=["agents"])
enrolment_router = APIRouter(prefix="/v1", tags=["agents"])
"""Routes that carry their own proof: a token for one machine, or a signature."""

CSR_LIMIT = 20_000
Lane = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,8}$")]


class Agent(BaseModel):
    """A machine at a counter and how far its journal has come here."""

    agent: str
    site: str
    lane: str
    state: Literal["enrolled", "revoked"]
    enrolled_at: datetime
    software: str | None
    online: bool
    seen_at: datetime | None
    unsent: int = Field(description="events it has not brought here yet, by its own last word")
    oldest_unsent_at: datetime | None
    clock_synced: bool | None
    clock_offset_us: int | None
    epoch: str | None = Field(description="the epoch its journal is in")
    epochs: int
    forks: int = Field(description="epochs it was granted because its journal and central's parted ways")
    accepted: int | None = Field(description="events that have arrived: applied + quarantined")
    applied: int | None
    quarantined: int | None
    advanced_at: datetime | None


class TokenWanted(BaseModel):
    """A token that lets one machine join at a site."""

    model_config = ConfigDict(extra="forbid")

    site: str
    lane: Lane | None = Field(default=None, description="the next free one where none is named")
    hours: int | None = Field(default=None, ge=1, le=24 * 365)


class EnrolmentToken(BaseModel):
    """The token, shown this once."""

    token: str
    site: str
    lane: str | None
    expires_at: datetime
    central: str | None = Field(description="where the machine should show it")


class Enrolment(BaseModel):
    """What a machine shows to join."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(min_length=1, max_length=200)
    csr_pem: str = Field(max_length=CSR_LIMIT, description="PKCS 10, for a key of elliptic curve P-256")
    software: str = Field(default="", max_length=200)


class Broker(BaseModel):
    """Where the broker is."""

    host: str
    port: int


class Enrolled(BaseModel):
    """What a machine gets."""

    agent: str
    site: str
    lane: str
    epoch: str
    currency: str
    time_zone: str
    broker: Broker
    ca_pem: str
    certificate_pem: str


class Renewal(BaseModel):
    """A certificate request, signed by the key that the present certificate is for."""

    model_config = ConfigDict(extra="forbid")

    agent: str = Field(max_length=100)
    csr_pem: str = Field(max_length=CSR_LIMIT)
    signature: str = Field(max_length=1000, description="base64 of ECDSA with SHA-256 over csr_pem")


class Renewed(BaseModel):
    """The new certificate."""

    certificate_pem: str


@router.get("/agents")
def list_agents(
    central: Annotated[Central, Depends(central_of)],
    caller: Reader,
    site: str | None = None,
    state: Literal["enrolled", "revoked"] | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Agent]:
    """The fleet: who is there, and who is behind."""
    place = decode(cursor, tuple[str])
    with reading(central, caller) as connection:
        rows = storage.fleet(
            connection, site=site, state=state, after=place[0] if place else None, limit=limit + 1
        )
    return page(rows, limit, lambda row: Agent(**row), lambda row: (row["agent"],))


@router.get("/agents/{agent}")
def get_agent(central: Annotated[Central, Depends(central_of)], caller: Reader, agent: str) -> Agent:
    """One machine."""
    with reading(central, caller) as connection:
        row = storage.find(connection, agent)
    if row is None:
        raise not_found("agent", agent)
    return Agent(**row)


@router.post("/agents/{agent}/revoke", response_model=Agent)
def revoke(caller: Brand, write: Annotated[Once, Depends(once)], agent: str) -> Response:
    """Shut a machine out: it is heard no more and its certificate is not renewed. What it has sent stays in the books."""

    def work(connection: Connection) -> Agent:
        if not storage.revoke(connection, agent):
            raise not_found("agent", agent)
        row = storage.find(connection, agent)
        assert row is not None
        return Agent(**row)

    return write.run(caller, work)


@router.post("/enrolment-tokens", status_code=201)
def make_token(
    central: Annotated[Central, Depends(central_of)], _: Brand, body: TokenWanted
) -> EnrolmentToken:
    """Make a token for one machine. It is shown this once, so this write takes no idempotency key: ask for another."""
    life = timedelta(hours=body.hours) if body.hours else central.token_life
    expires_at = central.now() + life
    # Tokens are out of reach for the role of the interface, so that no fault of a route can show one.
    token = central.database.run(
        lambda connection: enrolment.issue_token(connection, body.site, body.lane, expires_at)
    )
    if isinstance(token, Refusal):
        raise Problem(token.status, token.reason)
    return EnrolmentToken(
        token=token, site=body.site, lane=body.lane, expires_at=expires_at, central=central.public_url
    )


@enrolment_router.post("/enrolments", status_code=201)
def enrol(central: Annotated[Central, Depends(central_of)], body: Enrolment) -> Enrolled:
    """Join with a token. The same token with the same key gets the same answer again, since an answer can be lost."""
    authority = central.authority()
    joined = central.database.run(
        lambda connection: enrolment.enrol(
            connection, authority, body.token, body.csr_pem, body.software, central.now()
        )
    )
    if isinstance(joined, Refusal):
        raise Problem(joined.status, joined.reason)
    return Enrolled(
        agent=joined.agent.agent,
        site=joined.agent.site,
        lane=joined.agent.lane,
        epoch=joined.agent.epoch,
        currency=joined.currency,
        time_zone=joined.time_zone,
        broker=Broker(host=central.broker.host, port=central.broker.port),
        ca_pem=authority.certificate_pem.decode(),
        certificate_pem=joined.certificate_pem,
    )


@enrolment_router.post("/agents/self/certificate")
def renew(central: Annotated[Central, Depends(central_of)], body: Renewal) -> Renewed:
    """Renew a certificate. The present key signs the request for the next one; a machine that was dark for months may too."""
    try:
        signature = base64.b64decode(body.signature, validate=True)
    except ValueError:  # not base64, or not even ASCII
        raise Problem(422, "body.signature: expected base64") from None
    authority = central.authority()
    renewed = central.database.run(
        lambda connection: enrolment.renew(
            connection, authority, body.agent, body.csr_pem, signature, central.now()
        )
    )
    if isinstance(renewed, Refusal):
        raise Problem(renewed.status, renewed.reason)
    return Renewed(certificate_pem=renewed)
