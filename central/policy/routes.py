"""``/v1/policy``: what counters do on a verdict."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from central.actors import By
from central.api.callers import Brand, Caller, Overseer, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.problems import Problem, not_found
from central.database import Connection
from central.policy import rules, storage
from central.products.routes import Gtin, must_be_known
from protocol.verdicts import SAFE_DEFAULTS, Act, Verdict

router = APIRouter(prefix="/v1", tags=["policy"])


class Policy(BaseModel):
    """What a counter does on a verdict, and who said so. Without `gtin` it holds for every product that has none of its own."""

    verdict: Verdict
    gtin: str | None
    action: Act
    reason: str
    actor: str
    forced: bool
    updated_at: datetime


class EveryPolicy(BaseModel):
    """The policies that are set, and what holds where none is."""

    items: list[Policy]
    defaults: dict[Verdict, Act]


class NewPolicy(BaseModel):
    """What is to be done from now on."""

    model_config = ConfigDict(extra="forbid")

    action: Act
    reason: str = Field(min_length=1, max_length=500)
    force: bool = Field(default=False, description="to accept forged, recalled, stolen or destroyed goods")


class Unset(BaseModel):
    """What holds again."""

    verdict: Verdict
    gtin: str | None
    action: Act = Field(description="what counters do now: the policy of the verdict, or the safe default")


@router.get("/policy")
def list_policies(central: Annotated[Central, Depends(central_of)], caller: Overseer) -> EveryPolicy:
    """Every policy that is set, with the safe defaults behind them."""
    with reading(central, caller) as connection:
        found = storage.every(connection)
    return EveryPolicy(items=[_shown(one) for one in found], defaults=SAFE_DEFAULTS)


@router.put("/policy/{verdict}", response_model=Policy)
def put_policy(
    caller: Brand, write: Annotated[Once, Depends(once)], verdict: Verdict, body: NewPolicy
) -> Response:
    """Set what counters do on a verdict. All agents hear of it at once."""
    return _put(write, caller, verdict, None, body)


@router.put("/policy/{verdict}/{gtin}", response_model=Policy)
def put_policy_of_product(
    caller: Brand, write: Annotated[Once, Depends(once)], verdict: Verdict, gtin: Gtin, body: NewPolicy
) -> Response:
    """The same for one product."""
    return _put(write, caller, verdict, gtin, body)


@router.delete("/policy/{verdict}", response_model=Unset)
def delete_policy(caller: Brand, write: Annotated[Once, Depends(once)], verdict: Verdict) -> Response:
    """Take a policy back: the safe default holds again."""
    return _delete(write, caller, verdict, None)


@router.delete("/policy/{verdict}/{gtin}", response_model=Unset)
def delete_policy_of_product(
    caller: Brand, write: Annotated[Once, Depends(once)], verdict: Verdict, gtin: Gtin
) -> Response:
    """Take a product's policy back: that of the verdict holds again."""
    return _delete(write, caller, verdict, gtin)


def _put(write: Once, caller: Caller, verdict: Verdict, gtin: str | None, body: NewPolicy) -> Response:
    policy = rules.Policy(
        verdict=verdict,
        gtin=gtin,
        action=body.action,
        reason=body.reason,
        actor=caller.actor,
        forced=body.force,
        updated_at=write.central.now(),
    )
    refused = rules.why_not(policy)
    if refused is not None:
        raise Problem(422, refused)

    def work(connection: Connection) -> Policy:
        if gtin is not None:
            must_be_known(connection, [gtin])
        storage.put(connection, policy)
        return _shown(policy)

    return write.run(caller, work)


def _delete(write: Once, caller: Caller, verdict: Verdict, gtin: str | None) -> Response:
    by = By(actor=caller.actor, at=write.central.now())

    def work(connection: Connection) -> Unset:
        if not storage.remove(connection, verdict, gtin, by):
            raise not_found("policy", rules.key_of(verdict, gtin))
        left = {rules.key_of(one.verdict, one.gtin): one.action for one in storage.every(connection)}
        return Unset(verdict=verdict, gtin=gtin, action=left.get(verdict.value, SAFE_DEFAULTS[verdict]))

    return write.run(caller, work)


def _shown(policy: rules.Policy) -> Policy:
    return Policy(
        verdict=policy.verdict,
        gtin=policy.gtin,
        action=policy.action,
        reason=policy.reason,
        actor=policy.actor,
        forced=policy.forced,
        updated_at=policy.updated_at,
    )
