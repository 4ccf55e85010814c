"""What central is told by people, as the simulated days bring it about. Values; :mod:`central.rehearsal.desk` carries them out."""

from __future__ import annotations

import msgspec


class Part(msgspec.Struct, kw_only=True):
    """Goods of one product, in thousandths, with the codes of its pieces."""

    gtin: str
    quantity: int
    items: tuple[str, ...] = ()


NEVER = 1 << 30
"""The day on which a lost receipt is told."""


class Delivery(msgspec.Struct, kw_only=True):
    """A despatch on its way. ``there`` is what comes off the van, ``counted`` what the clerk says came; ``named`` the despatch on the receipt."""

    site: str
    warehouse: str
    despatch: str
    arrives: int
    sent: tuple[Part, ...]
    there: dict[str, Part]
    counted: dict[str, Part]
    named: str
    order: str | None = None
    vanishes: bool = False
    told_on: int | None = None


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """Item codes brought in at a site."""

    site: str
    gtin: str
    serials: tuple[str, ...]
    batch: str


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """Goods leave a warehouse: for an order, or by themselves."""

    from_site: str
    to_site: str
    despatch: str
    parts: tuple[Part, ...]
    order: str | None = None


class Prices(msgspec.Struct, frozen=True):
    """New prices (gtin, minor units)."""

    rows: tuple[tuple[str, int], ...]


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice over an order: (gtin, thousandths, price in minor units)."""

    site: str
    from_site: str
    invoice: str
    order: str
    lines: tuple[tuple[str, int, int], ...]


class Recall(msgspec.Struct, frozen=True):
    """An item is recalled."""

    item: str


class StartCount(msgspec.Struct, frozen=True):
    """A stocktake of a whole shop begins."""

    site: str
    stocktake: str


class EndCount(msgspec.Struct, frozen=True):
    """It is closed, approved and booked; ``cancelled``: nothing of it is."""

    site: str
    stocktake: str
    cancelled: bool = False


class Branch(msgspec.Struct, frozen=True, kw_only=True):
    """A machine whose journal and central's part ways: it asks for an epoch, ``back`` rows behind its head. ``clone``: another machine goes on
    in the old one."""

    agent: str
    cause: str
    back: int
    clone: bool = False


class Greeting(msgspec.Struct, frozen=True):
    """A machine says hello with a clock that is so many microseconds ahead."""

    agent: str
    ahead_us: int


class Garbage(msgspec.Struct, frozen=True):
    """A message that cannot be read."""

    agent: str


Paper = Register | Send | Prices | Bill | Recall | StartCount | EndCount | Branch | Greeting | Garbage
