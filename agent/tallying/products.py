"""Names and units of products, decoded once: a count shows two hundred of them after each scan."""

from __future__ import annotations

import msgspec

from agent.shop import Shop
from agent.verification.known_rows import KnownRows
from protocol.feeds import Feed, Product

EACH = "each"
"""The unit of what is counted by the piece, and of what is not in the catalogue."""
_product_decoder = msgspec.json.Decoder(Product)


class Products:
    """Looks products up by GTIN. Thread-safe."""

    def __init__(self, shop: Shop) -> None:
        self._rows = KnownRows(shop.replica, shop.clock, Feed.CATALOGUE, _product_decoder.decode)

    def name(self, gtin: str) -> str:
        """A product's name; empty if it is not in the catalogue."""
        product = self._rows.get(gtin)
        return "" if product is None else product.name

    def unit(self, gtin: str) -> str:
        """The unit that a product is counted in."""
        product = self._rows.get(gtin)
        return EACH if product is None else product.unit
