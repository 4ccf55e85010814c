"""Policy in PostgreSQL, and in the feed that every agent reads."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from central import feeds
from central.actors import By
from central.database import Connection
from central.policy.rules import Policy, feed_row, key_of
from protocol.feeds import Feed
from protocol.verdicts import Act, Verdict


def every(connection: Connection) -> list[Policy]:
    """The policies that are set, by verdict and product."""
    found = connection.execute(
        "SELECT verdict, gtin, action, reason, actor, forced, updated_at FROM policies ORDER BY verdict, gtin"
    )
    return [
        Policy(
            verdict=Verdict(verdict),
            gtin=gtin or None,
            action=Act(action),
            reason=reason,
            actor=actor,
            forced=forced,
            updated_at=updated_at,
        )
        for verdict, gtin, action, reason, actor, forced, updated_at in found
    ]


def put(connection: Connection, policy: Policy) -> None:
    """Set a policy; agents hear of it at once."""
    connection.execute(
        """
        INSERT INTO policies (verdict, gtin, action, reason, actor, forced, updated_at) VALUES (%s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (verdict, gtin) DO UPDATE
           SET action = excluded.action, reason = excluded.reason, actor = excluded.actor, forced = excluded.forced,
               updated_at = excluded.updated_at
        """,
        (
            policy.verdict,
            policy.gtin or "",
            policy.action,
            policy.reason,
            policy.actor,
            policy.forced,
            policy.updated_at,
        ),
    )
    _note(
        connection,
        policy.actor,
        "policy set",
        key_of(policy.verdict, policy.gtin),
        policy.action,
        policy.reason,
    )
    feeds.publish(connection, Feed.POLICY, "", [feed_row(policy)])


def remove(connection: Connection, verdict: Verdict, gtin: str | None, by: By) -> bool:
    """Take a policy back, so that the wider one or the safe default holds; False if there was none."""
    found = connection.execute(
        "DELETE FROM policies WHERE verdict = %s AND gtin = %s RETURNING action", (verdict, gtin or "")
    ).fetchone()
    if found is None:
        return False
    _note(connection, by.actor, "policy unset", key_of(verdict, gtin), found[0], by.reason)
    feeds.publish(connection, Feed.POLICY, "", [(key_of(verdict, gtin), None)])
    return True


def _note(
    connection: Connection, actor: str, action: str, subject: str, act: str, reason: str | None
) -> None:
    connection.execute(
        "INSERT INTO audit_log (actor, action, subject, detail) VALUES (%s, %s, %s, %s)",
        (actor, action, subject, Jsonb({"action": act, "reason": reason})),
    )
