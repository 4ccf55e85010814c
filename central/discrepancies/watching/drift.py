"""``balance_drift``: a figure that is not the sum of what it is made of. There should never be any: it is an alarm about central itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog

from central.database import Connection
from central.discrepancies import storage
from central.discrepancies.rules import EVIDENCE_LIMIT, Discrepancy, DiscrepancyClass
from central.journals.facts import iso
from central.reconciliation.rebuild import MonthDrift, compare_months, rebuild_sites
from central.reconciliation.rules import Drift

KEY = "balances"
log = structlog.get_logger(__name__)


def check_balances(connection: Connection, sites: Sequence[str], now: datetime) -> int:
    """Replay the movements of sites against their balances, and their days against their months: one case a site for all that differs,
    closed when nothing does; at how many sites something differs."""
    drifts: list[Drift | MonthDrift] = [*rebuild_sites(connection, sites), *compare_months(connection, sites)]
    at = {site: [one for one in drifts if one.site == site] for site in {one.site for one in drifts}}
    known = _open(connection, sites)
    storage.explain(
        connection,
        [(site, DiscrepancyClass.BALANCE_DRIFT, KEY) for site in known if site not in at],
        now,
        "balances and movements agree again",
    )
    for site, found in sorted(at.items()):
        log.error("figures are not the sums of what they are made of", site=site, figures=len(found))
    storage.raise_all(
        connection, [_case(site, found, now) for site, found in at.items() if site not in known], now
    )
    return len(at)


def _open(connection: Connection, sites: Sequence[str]) -> set[str]:
    found = connection.execute(
        "SELECT site_id FROM discrepancies WHERE site_id = ANY (%s) AND class = %s AND state IN ('open', 'assigned')",
        (list(sites), DiscrepancyClass.BALANCE_DRIFT),
    ).fetchall()
    return {site for (site,) in found}


def _case(site: str, found: Sequence[Drift | MonthDrift], now: datetime) -> Discrepancy:
    return Discrepancy(
        site=site,
        discrepancy_class=DiscrepancyClass.BALANCE_DRIFT,
        cause_key=KEY,
        likely_cause="a balance was changed without a movement, or a movement without its balance: a fault of central or of its database",
        proposal="let nobody change the database by hand; keep a copy of it, and compare the movements of what the evidence names",
        evidence=tuple(
            {"event": "balance_drift", "site": site, "event_time": iso(now), **_told(one)}
            for one in found[:EVIDENCE_LIMIT]
        ),
        gtin=found[0].gtin if len({one.gtin for one in found}) == 1 else None,
    )


def _told(one: Drift | MonthDrift) -> dict[str, Any]:
    if isinstance(one, MonthDrift):
        month = {} if one.month is None else {"month": str(one.month)}
        return {
            "gtin": one.gtin,
            "location": one.what,
            "kept": str(one.kept),
            "replayed": str(one.summed),
            **month,
        }
    return {
        "gtin": one.gtin,
        "location": one.location,
        "kept": str(one.kept),
        "replayed": str(one.replayed),
    }
