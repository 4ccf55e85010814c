"""The facts of a site, as they stand in an agent's journal and on the wire.

An :class:`Event` is encoded once, when it is accepted; those bytes are hashed, stored, sent and archived unchanged. A
reader that meets a field it does not know ignores it (the archive keeps the bytes); a reader that meets a *kind* it does
not know quarantines the event and goes on.

Quantities are exact decimals in the product's own unit, money is integer minor units of a currency, times are UTC
microseconds. ``gtin`` is always 14 digits; ``item`` is the canonical id of one coded item (``01<gtin>21<serial>``).
"""

from __future__ import annotations

import msgspec

from protocol.errors import Malformed
from protocol.events.cash import CashMoved, DrawerOpened, PriceOverridden, ShiftClosed, ShiftOpened
from protocol.events.counter import ScanRefused
from protocol.events.goods import (
    CountedLine,
    GoodsDespatched,
    GoodsLine,
    GoodsPacked,
    GoodsReceived,
    GoodsUnpacked,
    StockAdjusted,
    StockCounted,
    Unopened,
)
from protocol.events.orders import OrderCancelAsked, OrderLine, OrderSubmitted
from protocol.events.sales import Payment, Sale, SaleLine, SaleReturned, SaleVoided

__all__ = [
    "EVENT_LIMIT_BYTES",
    "Body",
    "CashMoved",
    "CountedLine",
    "DrawerOpened",
    "Event",
    "GoodsDespatched",
    "GoodsLine",
    "GoodsPacked",
    "GoodsReceived",
    "GoodsUnpacked",
    "Moment",
    "OrderCancelAsked",
    "OrderLine",
    "OrderSubmitted",
    "Payment",
    "PriceOverridden",
    "Sale",
    "SaleLine",
    "SaleReturned",
    "SaleVoided",
    "ScanRefused",
    "ShiftClosed",
    "ShiftOpened",
    "StockAdjusted",
    "StockCounted",
    "Unopened",
    "decode_event",
    "encode_event",
]


class Moment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """When something happened, and what that knowledge is worth.

    ``event_time_us`` is when it happened in the shop (EPCIS 2.0, *eventTime*), ``record_time_us`` what the agent's clock
    said when it wrote the event (*recordTime*). ``monotonic_us`` counts since the boot named by ``boot_id``, so that central
    can order and correct events of an agent whose wall clock jumped.
    """

    event_time_us: int
    record_time_us: int
    monotonic_us: int
    boot_id: str
    clock_synced: bool = False


Body = (
    Sale
    | SaleVoided
    | SaleReturned
    | GoodsReceived
    | GoodsDespatched
    | GoodsPacked
    | GoodsUnpacked
    | StockAdjusted
    | StockCounted
    | ScanRefused
    | DrawerOpened
    | ShiftOpened
    | ShiftClosed
    | CashMoved
    | PriceOverridden
    | OrderSubmitted
    | OrderCancelAsked
)


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One fact of a site: what happened, and when."""

    at: Moment
    body: Body


EVENT_LIMIT_BYTES = 96 * 1024
"""The size of one encoded event. An event must fit a batch, and a batch a message: a sale of about 900 lines."""

_encoder = msgspec.msgpack.Encoder(decimal_format="string")
_decoder = msgspec.msgpack.Decoder(Event)


def encode_event(event: Event) -> bytes:
    """The bytes of an event, as they are journaled, chained and sent."""
    data = _encoder.encode(event)
    if len(data) > EVENT_LIMIT_BYTES:
        raise Malformed(
            f"an event of {len(data)} bytes: expected at most {EVENT_LIMIT_BYTES}; split the document, nothing was recorded"
        )
    return data


def decode_event(data: bytes) -> Event:
    """The event in ``data``, or :class:`Malformed` with the path of the fault."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed(f"an event of {len(data)} bytes that cannot be read: {error}") from None
