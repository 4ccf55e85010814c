"""What a rule says of a case. Pure."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from central.discrepancies.rules import Discrepancy
from central.discrepancies.settlements import Settlement

ZERO = Decimal(0)


class Likely(msgspec.Struct, frozen=True):
    """The likely cause in one word and in a sentence, how probable it is, and what to do.

    ``words`` and ``proposal`` None: what the case says already. ``because`` are facts of the books that speak for it, added to the evidence.
    """

    cause: str
    probability: float
    words: str | None = None
    proposal: str | None = None
    settlement: Settlement | None = None
    because: tuple[dict[str, Any], ...] = ()


def first(case: Discrepancy, name: str) -> Any:
    """The first value that the evidence has under a name."""
    return next((fact[name] for fact in case.evidence if fact.get(name) is not None), None)


def times(case: Discrepancy) -> list[datetime]:
    """When the facts of a case happened, in their order."""
    return sorted(
        datetime.fromisoformat(fact["event_time"]) for fact in case.evidence if fact.get("event_time")
    )


def quantity_of(case: Discrepancy) -> Decimal:
    """How much is at stake, without its sign."""
    return abs(case.quantity) if case.quantity is not None else ZERO


def items_of(case: Discrepancy) -> tuple[str, ...]:
    """The codes that the evidence names as missing."""
    return tuple(dict.fromkeys(item for fact in case.evidence for item in fact.get("items") or ()))
