"""What a caller may see of a discrepancy: other dealers' sites are for the brand and its auditors alone. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from central.discrepancies.rules import DiscrepancyClass

ELSEWHERE = {"elsewhere": True}
_TELLS_OF_OTHERS = frozenset({DiscrepancyClass.ITEM_OUTSIDE_TERRITORY})
"""Classes whose likely cause names another site."""


def shown_evidence(evidence: Sequence[dict[str, Any]], sites: Collection[str]) -> list[dict[str, Any]]:
    """Evidence as somebody who sees only ``sites`` may see it: of a fact elsewhere, that it is there and of what kind."""
    return [
        fact
        if fact.get("site") is None or fact["site"] in sites
        else ELSEWHERE | {name: fact[name] for name in ("event",) if name in fact}
        for fact in evidence
    ]


def shown_cause(discrepancy_class: str, likely_cause: str) -> str:
    """The likely cause without the name of another dealer's site."""
    return "it was sent to another site" if discrepancy_class in _TELLS_OF_OTHERS else likely_cause
