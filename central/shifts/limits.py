"""How far a till may go alone: set for everybody or for one site, told to the agents by the feed ``limits``."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from central import feeds
from central.actors import By
from central.database import Connection
from protocol.feeds import Feed, TillLimits, body_encoder

EVERYBODY = ""
KEY = "till"

_LIMITS = """
SELECT site_id AS site, discount_limit_bp, override_limit_bp, override, cash_tolerance_minor, price_tolerance_bp, updated_at, actor
  FROM till_limits
"""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a site, or of everybody (``site`` is ''). ``price_tolerance_bp`` is central's own and no till hears of it."""

    site: str = EVERYBODY
    discount_limit_bp: int | None = None
    override_limit_bp: int | None = None
    override: bool = True
    cash_tolerance_minor: int = 0
    price_tolerance_bp: int | None = None
    updated_at: datetime | None = None
    actor: str | None = None

    @property
    def feed_row(self) -> tuple[str, bytes]:
        """The row that agents get."""
        row = TillLimits(
            discount_limit_bp=self.discount_limit_bp,
            override_limit_bp=self.override_limit_bp,
            override=self.override,
            cash_tolerance_minor=self.cash_tolerance_minor,
        )
        return KEY, body_encoder.encode(row)


def every(connection: Connection) -> list[Limits]:
    """The limits that are set and may be seen: everybody's first, then those of single sites."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(_LIMITS + "WHERE site_id = '' OR may_see(site_id) ORDER BY site_id").fetchall()
    return [_limits(row) for row in found]


def of_site(connection: Connection, site: str) -> Limits:
    """The limits that hold at a site: its own, else everybody's, else none."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            _LIMITS + "WHERE site_id IN ('', %s) ORDER BY site_id DESC LIMIT 1", (site,)
        ).fetchone()
    return Limits() if row is None else _limits(row)


def cash_tolerances(connection: Connection, sites: Collection[str]) -> dict[str, int]:
    """By how much the cash of a drawer may be off at these sites."""
    found: dict[str, int] = dict(
        connection.execute(
            "SELECT site_id, cash_tolerance_minor FROM till_limits WHERE site_id = '' OR site_id = ANY (%s)",
            (sorted(sites),),
        ).fetchall()
    )
    return {site: found.get(site, found.get(EVERYBODY, 0)) for site in sites}


def put(connection: Connection, limits: Limits, by: By) -> Limits:
    """Set the limits of a site or of everybody; the agents concerned hear of it at once."""
    connection.execute(
        """
        INSERT INTO till_limits (site_id, discount_limit_bp, override_limit_bp, override, cash_tolerance_minor, price_tolerance_bp,
            updated_at, actor)
        VALUES (%(site)s, %(discount_limit_bp)s, %(override_limit_bp)s, %(override)s, %(cash_tolerance_minor)s,
            %(price_tolerance_bp)s, %(at)s, %(by)s)
        ON CONFLICT (site_id) DO UPDATE SET
            discount_limit_bp = excluded.discount_limit_bp, override_limit_bp = excluded.override_limit_bp,
            override = excluded.override, cash_tolerance_minor = excluded.cash_tolerance_minor,
            price_tolerance_bp = excluded.price_tolerance_bp, updated_at = excluded.updated_at, actor = excluded.actor
        """,
        {**msgspec.structs.asdict(limits), "at": by.at, "by": by.actor},
    )
    set_now = msgspec.structs.replace(limits, updated_at=by.at, actor=by.actor)
    _note(connection, by, "till limits set", limits.site, msgspec.to_builtins(set_now))
    _tell(connection, limits.site)
    return set_now


def remove(connection: Connection, site: str, by: By) -> bool:
    """Take the limits of a site back, so that everybody's hold there; False if it had none of its own."""
    gone = connection.execute("DELETE FROM till_limits WHERE site_id = %s", (site,)).rowcount
    if gone:
        _note(connection, by, "till limits unset", site, {"reason": by.reason})
        _tell(connection, site)
    return gone > 0


def refresh(connection: Connection, site: str, since: int) -> None:
    """Bring the feed of a site up to date at the beginning of a pull (``since`` is 0 or its head): a site that was added after the limits were
    set hears of them so."""
    head = feeds.head(connection, Feed.LIMITS, site)
    holding = of_site(connection, site)
    if since in (0, head) and (head or holding.updated_at is not None):
        _publish(connection, site)


def _publish(connection: Connection, site: str) -> None:
    feeds.publish(connection, Feed.LIMITS, site, [of_site(connection, site).feed_row])


def _tell(connection: Connection, site: str) -> None:
    if site != EVERYBODY:
        _publish(connection, site)
        return
    # In the order of the scopes: two who publish wait for each other, and never in a ring.
    found = connection.execute(
        """
        SELECT DISTINCT site_id FROM agents
        WHERE state = 'enrolled' AND NOT EXISTS (SELECT FROM till_limits WHERE till_limits.site_id = agents.site_id)
        ORDER BY site_id
        """
    ).fetchall()
    for (one,) in found:
        _publish(connection, one)


def _note(connection: Connection, by: By, action: str, site: str, detail: dict[str, Any]) -> None:
    connection.execute(
        "INSERT INTO audit_log (actor, action, subject, detail) VALUES (%s, %s, %s, %s)",
        (by.actor, action, site or "everybody", Jsonb(detail)),
    )


def _limits(row: dict[str, Any]) -> Limits:
    return Limits(**row)
