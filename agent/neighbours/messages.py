"""What neighbours say to each other: one question about one item, and what the journal asked of did to it. Nothing else."""

from __future__ import annotations

import msgspec

PATH = "/v1/neighbour/item"
QUESTION_LIMIT_BYTES = 1024
ANSWER_LIMIT_BYTES = 1024


class ItemWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The question: an item by its canonical id. It stands in the body, so that no item's code is in an address or a log."""

    item: str


class ItemTold(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal of ``agent`` at ``site`` last did to the item: ``state`` is sold, sellable or quarantined, at ``at_us`` (UTC)."""

    agent: str
    site: str
    state: str
    at_us: int
