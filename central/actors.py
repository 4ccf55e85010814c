"""Who decides something, when and why: what every audit trail asks."""

from __future__ import annotations

from datetime import datetime

import msgspec


class By(msgspec.Struct, frozen=True, kw_only=True):
    """The actor (``brand:<token name>``, ``agent:<id>``), the moment and the reason of a decision."""

    actor: str
    at: datetime
    reason: str | None = None
