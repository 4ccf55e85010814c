"""What this machine has sent of each area: a projection of the journal, so that an area that is opened again can go on from there."""

from __future__ import annotations

import msgspec

from agent.stocktakes.rules import Sent
from agent.store import Connection

_KEPT_US = 400 * 86_400_000_000
_FIND = "SELECT body FROM counted_areas WHERE stocktake_id = ? AND area = ? AND round = ?"
_ALL = "SELECT body FROM counted_areas WHERE stocktake_id = ? ORDER BY round, area"
_PUT = """
INSERT OR REPLACE INTO counted_areas (stocktake_id, area, round, count_id, body, at_us) VALUES (?, ?, ?, ?, ?, ?)
"""
_sent_decoder = msgspec.json.Decoder(Sent)


def find_sent(connection: Connection, stocktake_id: str, area: str, in_round: int) -> Sent | None:
    """What was sent of an area in a round. Inside a read or a write."""
    row = connection.execute(_FIND, (stocktake_id, area, in_round)).fetchone()
    return None if row is None else _sent_decoder.decode(str(row[0]))


def all_sent(connection: Connection, stocktake_id: str) -> tuple[Sent, ...]:
    """Everything that was sent of a stocktake, the earlier rounds first. Inside a read."""
    return tuple(_sent_decoder.decode(str(row[0])) for row in connection.execute(_ALL, (stocktake_id,)))


def note_sent(connection: Connection, stocktake_id: str, sent: Sent) -> None:
    """Note what was sent, in the transaction that writes it. What lies more than a year back is forgotten."""
    body = msgspec.json.encode(sent).decode()
    connection.execute(_PUT, (stocktake_id, sent.area, sent.round, sent.count_id, body, sent.at_us))
    connection.execute("DELETE FROM counted_areas WHERE at_us < ?", (sent.at_us - _KEPT_US,))
