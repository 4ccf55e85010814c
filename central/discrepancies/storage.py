"""Discrepancies in PostgreSQL: raised, added to, explained. Deciding on them is for people, see the HTTP interface."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from central.database import Connection
from central.discrepancies.causes import ASSESSED, named
from central.discrepancies.rules import (
    EVIDENCE_LIMIT,
    ONE_HOME,
    Discrepancy,
    DiscrepancyClass,
    merged,
    with_earlier,
)

ACTOR = "central"
Cause = tuple[str | None, DiscrepancyClass, str]
"""(site, class, cause_key); None as site: wherever the case is kept."""


class _Kept(msgspec.Struct, frozen=True):
    state: str
    evidence: list[dict[str, Any]]
    quantity: Decimal | None
    value_minor: int | None

    def has_all_of(self, case: Discrepancy) -> bool:
        """Whether a case (with the kept evidence in it) says nothing that is not known."""
        return (
            not case.adds_up
            and list(case.evidence) == self.evidence
            and case.quantity == self.quantity
            and case.value_minor in (None, self.value_minor)
        )


def raise_all(connection: Connection, raised: Iterable[Discrepancy], at: datetime) -> None:
    """Keep discrepancies. A cause that is known gets the evidence added; if it was settled, it is open again.

    One that a person has dismissed stays dismissed: it was decided that this cause is none. What says nothing new changes nothing, so that
    whoever looks by the clock may say the same again and again.
    """
    cases = [named(case) for case in merged(_at_home(connection, list(raised)))]
    if not cases:
        return
    kept = _lock(connection, cases)
    fresh = [case for case in cases if case.key not in kept]
    known = [
        with_earlier(case, kept[case.key].evidence)
        for case in cases
        if case.key in kept
        and (
            case.adds_up or len(kept[case.key].evidence) < EVIDENCE_LIMIT or kept[case.key].state == "settled"
        )
    ]
    known = [case for case in known if not kept[case.key].has_all_of(case)]
    _write(connection, [*fresh, *known], at)
    reopened = [case for case in known if kept[case.key].state == "settled"]
    _audit(connection, [case.key for case in fresh], at, "opened", None)
    _audit(connection, [case.key for case in reopened], at, "reopened", "a new fact contradicts it again")


def explain(connection: Connection, causes: Iterable[Cause], at: datetime, reason: str) -> None:
    """Settle open discrepancies that a later fact has cleared up."""
    wanted = sorted(set(causes), key=lambda cause: (cause[1], cause[2], cause[0] or ""))
    if not wanted:
        return
    sites, classes, keys = zip(*wanted, strict=True)
    connection.execute(
        """
        WITH explained AS (
            SELECT site_id, discrepancy_id
            FROM unnest(%(sites)s::text[], %(classes)s::text[], %(keys)s::text[]) AS cause (site, class, cause_key)
            JOIN discrepancies USING (class, cause_key)
            WHERE state IN ('open', 'assigned') AND (cause.site IS NULL OR cause.site = site_id)
            ORDER BY site_id, class, cause_key
            FOR UPDATE OF discrepancies
        ), settled AS (
            UPDATE discrepancies SET state = 'settled', updated_at = %(at)s
            FROM explained
            WHERE discrepancies.site_id = explained.site_id
              AND discrepancies.discrepancy_id = explained.discrepancy_id
            RETURNING discrepancies.site_id, discrepancies.discrepancy_id
        )
        INSERT INTO discrepancy_audit (site_id, discrepancy_id, at, actor, action, reason)
        SELECT site_id, discrepancy_id, %(at)s, %(actor)s, 'explained', %(reason)s FROM settled
        """,
        {
            "sites": list(sites), "classes": list(classes), "keys": list(keys),
            "at": at, "actor": ACTOR, "reason": reason,
        },
    )  # fmt: skip


def _at_home(connection: Connection, raised: list[Discrepancy]) -> list[Discrepancy]:
    """Those about an item join the case of this item, at whatever site it was opened first.

    Two transactions cannot open it at two sites at once: both hold the lock of the item.
    """
    wanted = [one for one in raised if one.discrepancy_class in ONE_HOME]
    if not wanted:
        return raised
    found = connection.execute(
        """
        SELECT class, cause_key, site_id
        FROM unnest(%s::text[], %s::text[]) AS cause (class, cause_key) JOIN discrepancies USING (class, cause_key)
        """,
        ([one.discrepancy_class for one in wanted], [one.cause_key for one in wanted]),
    ).fetchall()
    homes: dict[tuple[str, str], str] = {(name, key): site for name, key, site in found}
    for one in wanted:
        homes.setdefault((one.discrepancy_class, one.cause_key), one.site)
    return [
        msgspec.structs.replace(one, site=homes.get((one.discrepancy_class, one.cause_key), one.site))
        for one in raised
    ]


def _lock(connection: Connection, cases: Sequence[Discrepancy]) -> dict[tuple[str, str, str], _Kept]:
    sites, classes, keys = zip(*(case.key for case in cases), strict=True)
    found = connection.execute(
        """
        SELECT site_id, class, cause_key, state, evidence, quantity, value_minor
        FROM unnest(%s::text[], %s::text[], %s::text[]) AS cause (site_id, class, cause_key)
        JOIN discrepancies USING (site_id, class, cause_key)
        ORDER BY site_id, class, cause_key
        FOR UPDATE OF discrepancies
        """,
        (list(sites), list(classes), list(keys)),
    ).fetchall()
    return {(site, name, key): _Kept(*rest) for site, name, key, *rest in found}


def _write(connection: Connection, cases: Sequence[Discrepancy], at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            # The value, where none is given: what the goods cost at this site today, for the quantity of a product that is at stake.
            # What was found out about a case since (assessed_at) is not overwritten by a further fact, it is looked at again.
            """
            INSERT INTO discrepancies AS kept
                (site_id, class, cause_key, gtin, item, quantity, value_minor, currency, likely_cause, proposal, evidence,
                 cause, probability, settlement, opened_at, updated_at)
            SELECT %(site)s::text, %(class)s, %(cause_key)s, %(gtin)s::text, %(item)s, %(quantity)s::numeric,
                   coalesce(%(value_minor)s::bigint, round(abs(%(quantity)s::numeric) * price.price_minor)),
                   coalesce(%(currency)s::bpchar, price.currency), %(likely_cause)s, %(proposal)s, %(evidence)s,
                   %(cause)s, %(probability)s, %(settlement)s, %(at)s::timestamptz, %(at)s::timestamptz
            FROM (SELECT 1) AS always
            LEFT JOIN LATERAL (
                SELECT price_minor, prices.currency
                FROM sites JOIN prices USING (price_list)
                WHERE %(value_minor)s::bigint IS NULL AND site_id = %(site)s::text AND gtin = %(gtin)s::bpchar
                  AND valid_from <= %(at)s::timestamptz
                ORDER BY valid_from DESC LIMIT 1
            ) AS price ON true
            ON CONFLICT (site_id, class, cause_key) DO UPDATE SET
                evidence = EXCLUDED.evidence,
                quantity = CASE WHEN %(adds_up)s AND kept.state <> 'settled' THEN coalesce(kept.quantity, 0) + EXCLUDED.quantity
                                ELSE EXCLUDED.quantity END,
                value_minor = CASE WHEN %(adds_up)s AND kept.state <> 'settled'
                                   THEN coalesce(kept.value_minor, 0) + coalesce(EXCLUDED.value_minor, 0)
                                   ELSE EXCLUDED.value_minor END,
                currency = EXCLUDED.currency,
                likely_cause = CASE WHEN %(is_assessed)s AND kept.assessed_at IS NOT NULL THEN kept.likely_cause
                                    ELSE EXCLUDED.likely_cause END,
                proposal = CASE WHEN %(is_assessed)s AND kept.assessed_at IS NOT NULL THEN kept.proposal ELSE EXCLUDED.proposal END,
                cause = CASE WHEN %(is_assessed)s AND kept.assessed_at IS NOT NULL THEN kept.cause ELSE EXCLUDED.cause END,
                probability = CASE WHEN %(is_assessed)s AND kept.assessed_at IS NOT NULL THEN kept.probability
                                   ELSE EXCLUDED.probability END,
                settlement = CASE WHEN %(is_assessed)s AND kept.assessed_at IS NOT NULL THEN kept.settlement
                                  ELSE EXCLUDED.settlement END,
                state = CASE kept.state WHEN 'settled' THEN 'open' ELSE kept.state END,
                updated_at = EXCLUDED.updated_at
            """,
            [
                {
                    "site": case.site, "class": case.discrepancy_class.value, "cause_key": case.cause_key,
                    "gtin": case.gtin, "item": case.item, "quantity": case.quantity,
                    "value_minor": case.value_minor, "currency": case.currency,
                    "likely_cause": case.likely_cause, "proposal": case.proposal,
                    "evidence": Jsonb(case.evidence), "cause": case.cause, "probability": case.probability,
                    "settlement": None if case.settlement is None else Jsonb(case.settlement),
                    "adds_up": case.adds_up, "is_assessed": case.discrepancy_class in ASSESSED, "at": at,
                }
                for case in cases
            ],
        )  # fmt: skip


def _audit(
    connection: Connection,
    keys: Sequence[tuple[str, str, str]],
    at: datetime,
    action: str,
    reason: str | None,
) -> None:
    if not keys:
        return
    sites, classes, causes = zip(*keys, strict=True)
    connection.execute(
        """
        INSERT INTO discrepancy_audit (site_id, discrepancy_id, at, actor, action, reason)
        SELECT site_id, discrepancy_id, %s, %s, %s, %s
        FROM unnest(%s::text[], %s::text[], %s::text[]) AS cause (site_id, class, cause_key)
        JOIN discrepancies USING (site_id, class, cause_key)
        """,
        (at, ACTOR, action, reason, list(sites), list(classes), list(causes)),
    )
