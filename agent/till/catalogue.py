"""Products and prices, from the replicas of ``catalogue`` and ``prices``."""

from __future__ import annotations

import msgspec

from agent.verification.service import ReplicaView
from protocol.feeds import Feed, Price, Product

_product_decoder = msgspec.json.Decoder(Product)
_price_decoder = msgspec.json.Decoder(Price)


class ProductView(msgspec.Struct, frozen=True, kw_only=True):
    """A product with its price here, as a till shows it. ``price_minor`` is None where no price is known."""

    gtin: str
    name: str
    unit: str
    price_minor: int | None
    currency: str
    department: str | None = None
    package_size: str | None = None
    serialised: bool = False
    active: bool = True


class Catalogue:
    """Looks products up by GTIN-14. Thread-safe."""

    def __init__(self, replica: ReplicaView, currency: str) -> None:
        self._replica = replica
        self.currency = currency

    def product(self, gtin: str) -> ProductView | None:
        """A product of the catalogue; None if it is not in it."""
        row, price = self._replica.get_all(((Feed.CATALOGUE, gtin), (Feed.PRICES, gtin)))
        if row is None:
            return None
        product = _product_decoder.decode(row)
        return ProductView(
            gtin=gtin,
            name=product.name,
            unit=product.unit,
            price_minor=self._price_minor(price),
            currency=self.currency,
            department=product.department,
            package_size=product.package_size,
            serialised=product.serialised,
            active=product.active,
        )

    def price_minor(self, gtin: str) -> int | None:
        """The price of one unit; None where there is none, or one in another currency."""
        return self._price_minor(self._replica.get(Feed.PRICES, gtin))

    def _price_minor(self, row: bytes | None) -> int | None:
        if row is None:
            return None
        price = _price_decoder.decode(row)
        return price.price_minor if price.currency == self.currency else None

    def name(self, gtin: str) -> str:
        """A product's name; empty if it is not in the catalogue."""
        row = self._replica.get(Feed.CATALOGUE, gtin)
        return "" if row is None else _product_decoder.decode(row).name
