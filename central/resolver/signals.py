"""Repeated checks of one code as a discrepancy, with what is known of it. Pure."""

from __future__ import annotations

from central.discrepancies.rules import Discrepancy, DiscrepancyClass
from central.resolver.counts import Count

NOWHERE = "-"
"""The site of a case about a number that has never been anywhere. No site can have this id, so only those who see every site see it."""


def repeated_checks(item: str, gtin: str, count: Count, state: str | None, site: str | None) -> Discrepancy:
    """The case. ``state`` and ``site``: of the item in the books, None for one without a row."""
    if count.known:
        cause = "many people hold this one code in their hands: it was copied onto other goods, or somebody tries it out"
    else:
        cause = "a number that was never issued stands on goods in several hands: an invented code"
    return Discrepancy(
        site=site or NOWHERE,
        discrepancy_class=DiscrepancyClass.REPEATED_CHECKS,
        cause_key=item,
        likely_cause=cause,
        proposal="buy one of the goods that carry it; hold the item, and look where its batch was sent",
        evidence=(
            {
                "event": "public_checks",
                "event_time": count.last_seen.isoformat(),
                "day": count.day.isoformat(),
                "networks_that_day": len(count.networks),
                "visits": count.visits,
                "checks": count.checks,
                "first_check": count.first_seen.isoformat(),
                "state": state,
            },
        ),
        gtin=gtin,
        item=item,
    )
