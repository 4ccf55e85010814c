"""Recalled batches: what is registered of them later is recalled from the beginning."""

from __future__ import annotations

from central.actors import By
from central.database import Connection


def note(connection: Connection, gtin: str, batch: str, by: By, *, is_recalled: bool) -> None:
    """Keep that a batch is recalled, or no longer."""
    if not is_recalled:
        connection.execute(
            "UPDATE recalled_batches SET lifted_at = %s WHERE gtin = %s AND batch = %s AND lifted_at IS NULL",
            (by.at, gtin, batch),
        )
        return
    connection.execute(
        """
        INSERT INTO recalled_batches (gtin, batch, reason, actor, recalled_at) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (gtin, batch) DO UPDATE
           SET reason = excluded.reason, actor = excluded.actor, recalled_at = excluded.recalled_at, lifted_at = NULL
        """,
        (gtin, batch, by.reason or "", by.actor, by.at),
    )


def is_recalled(connection: Connection, gtin: str, batch: str | None) -> bool:
    """Whether a batch of a product is recalled now."""
    if batch is None:
        return False
    found = connection.execute(
        "SELECT FROM recalled_batches WHERE gtin = %s AND batch = %s AND lifted_at IS NULL", (gtin, batch)
    )
    return found.fetchone() is not None
