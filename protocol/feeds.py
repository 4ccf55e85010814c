"""Feeds: what central knows and an agent needs, as a replica that can be pulled, resumed and checked.

A feed is a set of rows, each with a key and a JSON body, and a version that grows by one with every changed row. Central
gives versions out under a lock held until its commit, so they become visible in their order: a reader that has seen
version 7 has seen everything before it. A row that goes away leaves a tombstone.

The digest of a feed is the sum of its rows' hashes modulo 2⁶⁴: both sides keep it up to date row by row, in any order, and
compare it at the end of a pull. The rows below are the bodies.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from enum import StrEnum

import msgspec


class Feed(StrEnum):
    """The feeds there are. Central knows whose each is: ``prices`` belong to a price list; ``catalogue``, ``policy``, ``keys``,
    ``code_orders`` and ``filters`` to everyone; the others to one site. An agent names the feed alone, so it cannot ask for
    another site's."""

    CATALOGUE = "catalogue"
    PRICES = "prices"
    ITEMS = "items"
    STOCK = "stock"
    ORDERS = "orders"
    DESPATCHES = "despatches"
    POLICY = "policy"
    KEYS = "keys"
    CODE_ORDERS = "code_orders"
    FILTERS = "filters"
    CONTAINERS = "containers"
    STOCKTAKES = "stocktakes"
    SITES = "sites"
    LIMITS = "limits"


DIGEST_MODULUS = 1 << 64


def row_digest(key: str, body: bytes | None) -> int:
    """A row's part in its feed's digest (unsigned, 64 bits); 0 for a tombstone."""
    if body is None:
        return 0
    return int.from_bytes(hashlib.sha256(key.encode() + b"\0" + body).digest()[:8], "big")


def digest_after(digest: int, removed: int, added: int) -> int:
    """The digest of a feed after one row changed."""
    return (digest - removed + added) % DIGEST_MODULUS


class Product(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """catalogue, key ``gtin``: a product. ``unit`` is the unit of its quantities (``each``, ``kg`` …)."""

    gtin: str
    name: str
    unit: str = "each"
    department: str | None = None
    category: str | None = None
    package_size: str | None = None
    serialised: bool = False  # each piece carries its own code, and must be sold by it
    active: bool = True


class Price(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """prices, key ``gtin``: what one unit costs at this site."""

    gtin: str
    price_minor: int
    currency: str


class ItemHere(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """items, key ``item``: a coded item that concerns this site, as central knows it.

    ``state`` is one of :class:`protocol.items.State`. ``site`` is where it is or was shipped to; ``sold_at_us`` and
    ``sold_site`` tell of its first sale.
    """

    item: str
    gtin: str
    state: str
    site: str | None = None
    expiry: str | None = None
    sold_at_us: int | None = None
    sold_site: str | None = None


class StockLevel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """stock, key ``gtin``: the levels between which a site keeps a product, and what central counts there."""

    gtin: str
    on_hand: Decimal
    in_transit: Decimal = Decimal(0)
    on_order: Decimal = Decimal(0)
    reorder_point: Decimal | None = None
    order_up_to: Decimal | None = None


class OrderLineView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of an order with its answer. ``response`` is the trade's code (EDIFACT 1229: 5 accepted, 6 amended, 7 not accepted)."""

    line: int
    gtin: str
    ordered: Decimal
    accepted: Decimal = Decimal(0)
    despatched: Decimal = Decimal(0)
    received: Decimal = Decimal(0)
    response: str | None = None
    reason: str | None = None


class OrderView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """orders, key ``order_id``: an order of this site with its state and answers."""

    order_id: str
    number: str
    state: str
    submitted_at_us: int
    lines: tuple[OrderLineView, ...]
    reason: str | None = None


class DespatchLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a despatch advice."""

    gtin: str
    quantity: Decimal
    items: tuple[str, ...] = ()


class DespatchView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """despatches, key ``despatch_id``: goods on their way to this site (UBL DespatchAdvice)."""

    despatch_id: str
    from_site: str
    lines: tuple[DespatchLine, ...]
    order_id: str | None = None
    despatched_at_us: int = 0
    state: str = "in_transit"


class PolicyRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """policy, key ``<verdict>`` or ``<verdict>/<gtin>``: what a counter does on a verdict: ``accept``, ``ask`` or ``refuse``."""

    verdict: str
    action: str
    gtin: str | None = None


class CodeKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """keys, key ``key_id``: a public key of the brand (Ed25519, 32 bytes, base64), and from when until when it signed.

    Dates are ISO, both inclusive. ``purpose``: ``codes`` or ``filters``. What a retired key signed in its time stays good; what a
    revoked key ever signed proves nothing any more.
    """

    key_id: str
    public_key: str
    purpose: str
    valid_from: str
    retired_on: str | None = None
    revoked: bool = False


class CodeOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """code_orders, key ``tag``: what all short codes of one issuing order have in common; ``mac_key`` is base64.

    ``mac_key`` is missing where the brand does not trust the counters with it: then such a code is proven by asking central alone.
    """

    tag: str
    gtin: str
    batch: str | None = None
    expiry: str | None = None
    mac_key: str | None = None
    revoked: bool = False


class ContainerHere(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """containers, key ``sscc``: a case or pallet that is here or on its way here, with what is directly in it (EPCIS AggregationEvent).

    ``containers`` are the SSCCs packed in it, each with a row of its own; ``lines`` are goods without codes of their own.
    """

    sscc: str
    items: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    lines: tuple[DespatchLine, ...] = ()
    parent: str | None = None
    despatch_id: str | None = None


class StocktakeHere(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """stocktakes, key ``stocktake_id``: a stocktake of this site that is being counted. One that has ended has no row.

    ``gtins`` is what is to be counted; empty: everything. A ``blind`` count does not show ``expected`` (gtin -> quantity on the books when the
    row was made); central leaves it out of the row then. ``recount`` is what is to be counted again, in ``round``. ``areas`` tells which were
    counted in this round, by any till, and when (UTC microseconds): an area that is counted again replaces what was counted there.
    """

    stocktake_id: str
    name: str
    blind: bool
    round: int = 1
    started_at_us: int = 0
    gtins: tuple[str, ...] = ()
    recount: tuple[str, ...] = ()
    expected: dict[str, Decimal] = {}
    areas: dict[str, int] = {}


class SiteHere(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """sites, key ``site``: another site that goods may be sent to from here. ``kind``: ``store``, ``dealer`` or ``warehouse``."""

    site: str
    name: str
    kind: str


class TillLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """limits, key ``till``: how far a clerk may go alone. Beyond it the till asks for somebody who may, and central looks at the sale.

    Percentages are of the list price, in hundredths of a percent (basis points); None: no limit. ``override``: whether prices may be
    overridden at all. ``cash_tolerance_minor`` is what a drawer may be off before it is a case.
    """

    discount_limit_bp: int | None = None
    override_limit_bp: int | None = None
    override: bool = True
    cash_tolerance_minor: int = 0


body_encoder = msgspec.json.Encoder(decimal_format="string", order="deterministic")
"""Bodies are JSON so that a support person can read a replica with any SQLite tool."""
