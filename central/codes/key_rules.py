"""The life of a key that signs: waiting, active, retired or revoked. Pure.

What a retired key signed in its time stays good. A key is revoked when somebody else may have it: he could have signed anything and
written any day into it, so nothing it ever signed proves anything any more.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from protocol.feeds import CodeKey, body_encoder

KEY_ID_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWX"
"""Letters that are hard to confuse, and none that another country's keyboard puts elsewhere (Y, Z)."""


class Purpose(StrEnum):
    """What a key signs."""

    CODES = "codes"
    FILTERS = "filters"


class KeyState(StrEnum):
    """Where a key stands on a day."""

    WAITING = "waiting"
    ACTIVE = "active"
    RETIRED = "retired"
    REVOKED = "revoked"


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key as central knows it; its private half is a file. Days are inclusive, by UTC. ``reason``: why it was revoked."""

    key_id: str
    purpose: str
    public_key: bytes
    valid_from: date
    created_at: datetime
    retired_on: date | None = None
    revoked_at: datetime | None = None
    reason: str | None = None

    def state(self, day: date) -> KeyState:
        """Where the key stands on ``day``."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if day < self.valid_from:
            return KeyState.WAITING
        if self.retired_on is not None and day > self.retired_on:
            return KeyState.RETIRED
        return KeyState.ACTIVE


class Refused(msgspec.Struct, frozen=True):
    """A decision about a key that may not be made, and why."""

    reason: str


def active(keys: Iterable[Key], purpose: str, day: date) -> Key | None:
    """The key that signs on ``day``: the one that began last. Of two that began on that very day, the one that stays."""
    candidates = [key for key in keys if key.purpose == purpose and key.state(day) is KeyState.ACTIVE]
    return max(
        candidates,
        key=lambda key: (key.valid_from, key.retired_on or date.max, key.created_at, key.key_id),
        default=None,
    )


def why_not_begin(valid_from: date, today: date) -> Refused | None:
    """Why a new key may not begin then: nobody may say of it that it signed before it was there."""
    if valid_from < today:
        return Refused(f"a new key cannot begin on {valid_from}: expected {today} or later")
    return None


def retirements(
    keys: Iterable[Key], purpose: str, valid_from: date, today: date
) -> dict[str, date] | Refused:
    """Which keys retire when a new one takes over on ``valid_from``, each with its last day.

    That is the day before, or today where the new one takes over at once: the old one may have signed today already.
    """
    last_day = valid_from if valid_from == today else valid_from - timedelta(days=1)
    retiring: dict[str, date] = {}
    for key in keys:
        if key.purpose != purpose or key.revoked_at is not None:
            continue
        if key.retired_on is not None and key.retired_on <= last_day:
            continue
        if key.valid_from > last_day:
            return Refused(
                f"key {key.key_id} is to take over on {key.valid_from} already; revoke it first, or choose a later day"
            )
        retiring[key.key_id] = last_day
    return retiring


def why_not_retire(key: Key, last_day: date, today: date) -> Refused | None:
    """Why a key may not retire with ``last_day`` as its last."""
    if key.revoked_at is not None:
        return Refused(f"key {key.key_id} is revoked, on {key.revoked_at.date()}: there is nothing to retire")
    if key.retired_on is not None:
        return Refused(
            f"key {key.key_id} is retired already, with {key.retired_on} as its last day: that stays"
        )
    if last_day < today:
        return Refused(
            f"key {key.key_id} cannot retire on {last_day}: what it has signed since then would be called forged; "
            f"expected {today} or later; if somebody else may have it, revoke it"
        )
    if last_day < key.valid_from:
        return Refused(
            f"key {key.key_id} cannot retire on {last_day}: it begins on {key.valid_from}; revoke it if it is not wanted"
        )
    return None


def why_not_revoke(key: Key, reason: str | None) -> Refused | None:
    """Why a key may not be revoked."""
    if key.revoked_at is not None:
        return Refused(f"key {key.key_id} is revoked already, on {key.revoked_at.date()}: {key.reason}")
    if reason is None or not reason.strip():
        return Refused(f"key {key.key_id}: expected a reason for which it is revoked")
    return None


def as_document(key: Key, today: date) -> dict[str, Any]:
    """A key as people and programs are shown it; ``public_key`` in base64."""
    return {
        "key_id": key.key_id,
        "purpose": key.purpose,
        "state": key.state(today),
        "public_key": b64encode(key.public_key).decode(),
        "valid_from": key.valid_from,
        "retired_on": key.retired_on,
        "revoked_at": key.revoked_at,
        "reason": key.reason,
        "created_at": key.created_at,
    }


def feed_row(key: Key) -> tuple[str, bytes]:
    """A key as agents get it."""
    row = CodeKey(
        key_id=key.key_id,
        public_key=b64encode(key.public_key).decode(),
        purpose=key.purpose,
        valid_from=key.valid_from.isoformat(),
        retired_on=key.retired_on.isoformat() if key.retired_on else None,
        revoked=key.revoked_at is not None,
    )
    return key.key_id, body_encoder.encode(row)
