"""What a guided count expects: what the stocktake says itself, else this site's stock as central last told it."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from agent.shop import Shop
from agent.stocktakes.rules import Stocktake
from agent.verification.known_rows import KnownRows
from agent.verification.service import ALL_ROWS
from protocol.feeds import Feed, StockLevel

_level_decoder = msgspec.json.Decoder(StockLevel)


class Books:
    """Looks up what should be there. Thread-safe."""

    def __init__(self, shop: Shop) -> None:
        self._replica = shop.replica
        self._levels = KnownRows(shop.replica, shop.clock, Feed.STOCK, _level_decoder.decode)

    def expected(self, stocktake: Stocktake, gtin: str) -> Decimal | None:
        """How much of a product should be there; None where it must not be shown or is not known."""
        if stocktake.blind or stocktake.expected:
            return stocktake.expected.get(gtin)
        level = self._levels.get(gtin)
        return None if level is None else level.on_hand

    def with_all(self, stocktake: Stocktake) -> Stocktake:
        """The stocktake with everything that is expected in it. Reads many rows where it names no quantities itself."""
        if stocktake.blind or stocktake.expected:
            return stocktake
        levels = (_level_decoder.decode(body) for _, body in self._replica.rows(Feed.STOCK, limit=ALL_ROWS))
        expected = {
            level.gtin: level.on_hand
            for level in levels
            if level.on_hand > 0 and (not stocktake.wanted or level.gtin in stocktake.wanted)
        }
        return msgspec.structs.replace(stocktake, expected=expected)
