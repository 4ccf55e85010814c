"""Which policies may be set. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from protocol.feeds import PolicyRow, body_encoder
from protocol.verdicts import SAFE_DEFAULTS, Act, Verdict

NEVER_ACCEPTED = frozenset({Verdict.FORGED, Verdict.RECALLED, Verdict.STOLEN, Verdict.DESTROYED})
"""To sell such goods without a question may harm a person or break a law: whoever wants that says so twice."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What a counter does on ``verdict``: for ``gtin``, or where that is None for every product."""

    verdict: Verdict
    action: Act
    reason: str
    actor: str
    updated_at: datetime
    gtin: str | None = None
    forced: bool = False


def why_not(policy: Policy) -> str | None:
    """Why a policy may not be set as it is; None if it may."""
    if policy.action is Act.ACCEPT and policy.verdict in NEVER_ACCEPTED and not policy.forced:
        return (
            f"policy {policy.verdict}: to accept such goods without asking may harm somebody; expected ask or refuse "
            f"(its default is {SAFE_DEFAULTS[policy.verdict]}), or force"
        )
    return None


def key_of(verdict: str, gtin: str | None) -> str:
    """The key of its row in the ``policy`` feed."""
    return verdict if gtin is None else f"{verdict}/{gtin}"


def feed_row(policy: Policy) -> tuple[str, bytes]:
    """The row that agents get."""
    row = PolicyRow(verdict=policy.verdict.value, action=policy.action.value, gtin=policy.gtin)
    return key_of(policy.verdict, policy.gtin), body_encoder.encode(row)
