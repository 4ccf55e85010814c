"""``/v1/code-keys``: the keys that sign item codes and filters. Their private halves are shown nowhere."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from central.actors import By
from central.api.callers import Brand, Caller, Overseer, reading
from central.api.context import Central, central_of
from central.api.once import Once, once
from central.api.problems import Problem, not_found
from central.codes import keys, keys_storage
from central.codes.key_rules import Key, KeyState, Purpose, Refused, as_document
from central.database import Connection

router = APIRouter(prefix="/v1", tags=["codes"])


class NewKey(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid")

    purpose: Purpose = Purpose.CODES
    valid_from: date | None = Field(default=None, description="its first day (UTC); today where not given")


class Retirement(BaseModel):
    """When a key signs for the last time."""

    model_config = ConfigDict(extra="forbid")

    last_day: date | None = Field(default=None, description="UTC; today where not given")


class Revocation(BaseModel):
    """Why nothing that a key signed may be believed any more."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1000, pattern=r"\S")


class KeyView(BaseModel):
    """A key. Days are inclusive, by UTC."""

    key_id: str
    purpose: Purpose
    state: KeyState
    public_key: str = Field(description="Ed25519, base64")
    valid_from: date
    retired_on: date | None = Field(description="the last day on which it signs")
    revoked_at: datetime | None
    reason: str | None = Field(description="why it was revoked")
    created_at: datetime


class Keys(BaseModel):
    """All keys there have ever been, oldest first."""

    items: list[KeyView]


class Rotated(BaseModel):
    """The key that takes over, and those that retire."""

    key: KeyView
    retired: list[KeyView]


@router.get("/code-keys")
def list_keys(central: Annotated[Central, Depends(central_of)], caller: Overseer) -> Keys:
    """All keys there have ever been, oldest first."""
    with reading(central, caller) as connection:
        rows = keys_storage.every(connection)
    return Keys(items=[_view(key, central.now().date()) for key in rows])


@router.post("/code-keys", status_code=201, response_model=KeyView)
def create_key(caller: Brand, write: Annotated[Once, Depends(once)], body: NewKey) -> Response:
    """Make a key beside those that are there. Where several are active, the newest signs."""
    by, directory = _by(write, caller), write.central.authority_directory

    def work(connection: Connection) -> KeyView:
        made = keys.create(connection, directory, body.purpose, body.valid_from or by.at.date(), by)
        return _view(_done(made), by.at.date())

    return write.run(caller, work, status=201)


@router.post("/code-keys/rotate", status_code=201, response_model=Rotated)
def rotate_keys(caller: Brand, write: Annotated[Once, Depends(once)], body: NewKey) -> Response:
    """A new key takes over; the others of its purpose retire the day before, or today where it takes over at once."""
    by, directory = _by(write, caller), write.central.authority_directory

    def work(connection: Connection) -> Rotated:
        done = keys.rotate(connection, directory, body.purpose, body.valid_from or by.at.date(), by)
        if isinstance(done, Refused):
            raise Problem(409, done.reason)
        today = by.at.date()
        return Rotated(key=_view(done.key, today), retired=[_view(key, today) for key in done.retired])

    return write.run(caller, work, status=201)


@router.post("/code-keys/{key_id}/retire", response_model=KeyView)
def retire_key(
    caller: Brand, write: Annotated[Once, Depends(once)], key_id: str, body: Retirement
) -> Response:
    """Let a key sign no more after a day. What it signed until then stays good."""
    by = _by(write, caller)

    def work(connection: Connection) -> KeyView:
        done = keys.retire(connection, key_id, body.last_day or by.at.date(), by)
        return _view(_done(done, key_id), by.at.date())

    return write.run(caller, work)


@router.post("/code-keys/{key_id}/revoke", response_model=KeyView)
def revoke_key(
    caller: Brand, write: Annotated[Once, Depends(once)], key_id: str, body: Revocation
) -> Response:
    """Take back every word of a key: it got into other hands. No code that it ever signed is proven by it any more."""
    by = _by(write, caller, body.reason)

    def work(connection: Connection) -> KeyView:
        return _view(_done(keys.revoke(connection, key_id, by), key_id), by.at.date())

    return write.run(caller, work)


def _view(key: Key, today: date) -> KeyView:
    return KeyView(**as_document(key, today))


def _by(write: Once, caller: Caller, reason: str | None = None) -> By:
    return By(actor=caller.actor, at=write.central.now(), reason=reason)


def _done(outcome: Key | Refused | None, key_id: str = "") -> Key:
    if outcome is None:
        raise not_found("key", key_id)
    if isinstance(outcome, Refused):
        raise Problem(409, outcome.reason)
    return outcome
