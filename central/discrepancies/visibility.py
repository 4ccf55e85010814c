"""What a caller may see of a discrepancy: other dealers' sites are for the brand and its auditors alone. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from central.discrepancies.rules import DiscrepancyClass

ELSEWHERE = {"elsewhere": True}
_TELLS_OF_OTHERS = frozenset({DiscrepancyClass.ITEM_OUTSIDE_TERRITORY})
"""Classes whose likely cause names another site."""
_NAMES_A_SITE = ("sent_to",)
"""What a fact at the caller's own site may say of another one."""


def shown_evidence(evidence: Sequence[dict[str, Any]], sites: Collection[str]) -> list[dict[str, Any]]:
    """Evidence as somebody who sees only ``sites`` may see it: of a fact elsewhere, that it is there and of what kind."""
    return [
        {name: value for name, value in fact.items() if name not in _NAMES_A_SITE or value in sites}
        if fact.get("site") is None or fact["site"] in sites
        else ELSEWHERE | {name: fact[name] for name in ("event",) if name in fact}
        for fact in evidence
    ]


def shown_cause(discrepancy_class: str, likely_cause: str) -> str:
    """The likely cause without the name of another dealer's site."""
    return "it was sent to another site" if discrepancy_class in _TELLS_OF_OTHERS else likely_cause


def shown_settlement(settlement: Mapping[str, Any] | None, sites: Collection[str]) -> dict[str, Any] | None:
    """A settlement as somebody who sees only ``sites`` may see it: None where it touches the books of another site."""
    if settlement is None:
        return None
    named = [*settlement.get("lines", ()), *settlement.get("explains", ())]
    return dict(settlement) if all(one.get("site") in (None, *sites) for one in named) else None


def with_links(evidence: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Evidence whose facts tell where their event can be opened."""
    return [
        {**fact, "href": f"/v1/events/{fact['journal']}/{fact['seq']}"}
        if fact.get("journal") is not None and fact.get("seq") is not None
        else fact
        for fact in evidence
    ]
