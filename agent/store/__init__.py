"""The agent's database: one SQLite file, one writer, commits that are on the disk before anyone hears of them."""

from __future__ import annotations

from agent.store.database import Connection
from agent.store.store import Health, Store

__all__ = ["Connection", "Health", "Store"]
