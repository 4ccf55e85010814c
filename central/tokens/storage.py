"""API tokens in PostgreSQL: their hashes, never themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from psycopg.rows import dict_row

from central.database import Connection


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a token is, and what it opens."""

    name: str
    role: str
    dealer: str | None = None
    site: str | None = None
    expires_at: datetime | None = None


def add(connection: Connection, digest: bytes, token: NewToken) -> str | None:
    """Keep a token under its hash; None if done, else why not."""
    taken = connection.execute(
        "SELECT FROM api_tokens WHERE name = %s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())",
        (token.name,),
    ).fetchone()
    if taken is not None:
        return f"a token of the name {token.name!r} is there already; revoke it first, or choose another name"
    for what, wanted, found in (
        ("dealer", token.dealer, "SELECT FROM dealers WHERE dealer_id = %s"),
        ("site", token.site, "SELECT FROM sites WHERE site_id = %s"),
    ):
        if wanted is not None and connection.execute(found, (wanted,)).fetchone() is None:
            return f"{what} {wanted!r}: not known here; add it first"
    connection.execute(
        """
        INSERT INTO api_tokens (token_hash, name, role, dealer_id, site_id, expires_at) VALUES (%s, %s, %s, %s, %s, %s)
        """,
        (digest, token.name, token.role, token.dealer, token.site, token.expires_at),
    )
    return None


def every(connection: Connection) -> list[dict[str, Any]]:
    """All tokens by name, revoked ones included."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT name, role, dealer_id AS dealer, site_id AS site, created_at, expires_at, revoked_at FROM api_tokens
             ORDER BY name, created_at
            """
        ).fetchall()


def revoke(connection: Connection, name: str) -> int:
    """Take back every good token of a name; how many there were."""
    return connection.execute(
        "UPDATE api_tokens SET revoked_at = now() WHERE name = %s AND revoked_at IS NULL", (name,)
    ).rowcount
