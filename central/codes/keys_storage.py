"""Keys in PostgreSQL: their public halves and their days. The private halves are never there."""

from __future__ import annotations

from datetime import date

from psycopg.types.json import Jsonb

from central.actors import By
from central.codes.key_rules import Key
from central.database import Connection


def lock(connection: Connection) -> None:
    """Let decisions about keys come one after the other, until the end of the transaction."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('code_keys', 0))")


def every(connection: Connection) -> list[Key]:
    """All keys there have ever been, oldest first."""
    found = connection.execute(
        """
        SELECT key_id, purpose, public_key, valid_from, created_at, retired_on, revoked_at, reason
          FROM code_keys ORDER BY valid_from, created_at, key_id
        """
    )
    return [
        Key(
            key_id=key_id,
            purpose=purpose,
            public_key=bytes(public_key),
            valid_from=valid_from,
            created_at=created_at,
            retired_on=retired_on,
            revoked_at=revoked_at,
            reason=reason,
        )
        for key_id, purpose, public_key, valid_from, created_at, retired_on, revoked_at, reason in found
    ]


def add(connection: Connection, key: Key) -> None:
    """Put a new key in."""
    connection.execute(
        """
        INSERT INTO code_keys (key_id, purpose, public_key, valid_from, created_at) VALUES (%s, %s, %s, %s, %s)
        """,
        (key.key_id, key.purpose, key.public_key, key.valid_from, key.created_at),
    )


def retire(connection: Connection, key_id: str, last_day: date) -> None:
    """Note a key's last day."""
    connection.execute("UPDATE code_keys SET retired_on = %s WHERE key_id = %s", (last_day, key_id))


def revoke(connection: Connection, key_id: str, by: By) -> None:
    """Note that a key proves nothing any more."""
    connection.execute(
        "UPDATE code_keys SET revoked_at = %s, reason = %s WHERE key_id = %s", (by.at, by.reason, key_id)
    )


def note(connection: Connection, by: By, action: str, key: Key) -> None:
    """Note in the audit log who decided what about a key."""
    detail = Jsonb({"purpose": key.purpose, "valid_from": key.valid_from.isoformat(), "reason": by.reason})
    connection.execute(
        "INSERT INTO audit_log (actor, action, subject, detail) VALUES (%s, %s, %s, %s)",
        (by.actor, action, f"code key {key.key_id}", detail),
    )
