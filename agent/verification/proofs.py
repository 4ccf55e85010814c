"""What the signed part of a label proves, in a value, and the rules that need no key in hand. Pure."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from protocol.codes import Code
from protocol.codes.short import ShortCode
from protocol.feeds import CodeKey, CodeOrder

CODES = "codes"
"""The purpose of keys that sign item codes."""

ProofKind = Literal["none", "sound", "forged", "unreadable", "unknown_key", "revoked_key"]


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What the signed part of a label proves.

    ``none``: there is none of ours. ``sound``: the brand made this label, and nothing on it was altered; that the item was never sold
    it does not prove. ``forged``: it was altered, or is not the brand's. ``unreadable``: it is the brand's, and a scanner or keyboard garbled it.
    ``unknown_key``: its key is not known here, perhaps not yet: central can say. ``revoked_key``: its key or its order was taken back, so it
    proves nothing. ``reason`` is for a person and quotes nothing of the code; ``day``: the ISO date of signing, where it is proven.
    """

    kind: ProofKind
    reason: str
    key_id: str | None = None
    day: str | None = None


NOTHING = Proof(kind="none", reason="its label has no signed part")


def against_key(key: CodeKey, purpose: str) -> Proof | None:
    """What speaks against everything that a key ever signed; None: nothing."""
    if key.revoked:
        return Proof(
            kind="revoked_key", reason="the brand has taken back the key that signed it", key_id=key.key_id
        )
    if key.purpose != purpose:
        return Proof(
            kind="forged", reason="it is signed with a key that signs other things", key_id=key.key_id
        )
    return None


def signed_in_time(key: CodeKey, day: date) -> bool:
    """Whether the key signed on that day: a retired one proves what it signed in its time."""
    return key.valid_from <= day.isoformat() and (key.retired_on is None or day.isoformat() <= key.retired_on)


def against_order(code: Code, order: CodeOrder) -> Proof | None:
    """What speaks against a short code, whatever its MAC says; None: nothing."""
    if order.revoked:
        return Proof(kind="revoked_key", reason="the brand has taken back the order of this code")
    altered = code.batch not in (None, order.batch) or code.expiry not in (None, order.expiry)
    if altered:
        return Proof(kind="forged", reason="its label says another batch or date than its order")
    return None


def is_of_order(code: Code, short: ShortCode, order: CodeOrder | None) -> bool:
    """Whether a label's serial is a token of that order: other makers' serials may look like one."""
    return order is not None and code.gtin == order.gtin and code.item == f"01{order.gtin}21{short.token}"
