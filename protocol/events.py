"""The facts of a site, as they stand in an agent's journal and on the wire.

An :class:`Event` is encoded once, when it is accepted; those bytes are hashed, stored, sent and archived unchanged. A
reader that meets a field it does not know ignores it (the archive keeps the bytes); a reader that meets a *kind* it does
not know quarantines the event and goes on.

Quantities are exact decimals in the product's own unit, money is integer minor units of a currency, times are UTC
microseconds. ``gtin`` is always 14 digits; ``item`` is the canonical id of one coded item (``01<gtin>21<serial>``).
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from protocol.errors import Malformed

# ``gc=False``: a backlog is read by the hundred thousand, and values that hold no way back to themselves need no search for cycles.


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


class SaleLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One line of a receipt. ``amount_minor`` is what was paid for the line, ``discount_minor`` what was taken off it.

    ``verdict`` is what the counter said of ``item``; ``provisional`` that it said so without certainty.
    """

    gtin: str
    quantity: Decimal
    amount_minor: int
    discount_minor: int = 0
    item: str | None = None
    verdict: str | None = None
    provisional: bool = False


class Payment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a part of a receipt was paid: ``cash``, ``card`` or ``wallet``. Recorded, never processed."""

    method: str
    amount_minor: int


class Sale(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="sale"):
    """A completed sale: one receipt."""

    sale_id: str
    receipt: str
    currency: str
    lines: tuple[SaleLine, ...]
    payments: tuple[Payment, ...] = ()
    clerk: str | None = None
    member: str | None = None
    reference: str | None = None  # the number another till gave the receipt


class SaleVoided(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="sale_voided"):
    """A sale taken back before the goods left the counter: every line of it, at the same site."""

    void_id: str
    sale_id: str
    receipt: str
    currency: str
    lines: tuple[SaleLine, ...]
    reason: str
    clerk: str | None = None


class SaleReturned(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="sale_returned"):
    """Goods that came back from a customer. ``disposition`` is ``restock`` or ``quarantine``; amounts are what was refunded."""

    return_id: str
    receipt: str
    currency: str
    lines: tuple[SaleLine, ...]
    disposition: str
    sale_id: str | None = None
    reason: str | None = None
    clerk: str | None = None


class GoodsLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A quantity of one product, with the codes of the items that were scanned one by one."""

    gtin: str
    quantity: Decimal
    items: tuple[str, ...] = ()


class Unopened(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A case or pallet that was scanned as one. ``items`` is how many coded items the counter takes it to hold, all levels; None: unknown there."""

    sscc: str
    items: int | None = None


class GoodsReceived(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="goods_received"):
    """Goods taken in at the site (EPCIS *receiving*; UBL ReceiptAdvice).

    ``despatch_id`` names the despatch advice that announced them; ``complete`` says that nothing more of it is awaited, so
    that what is missing is short. Without a despatch the goods come from a supplier.

    ``containers`` were taken in unopened: their contents are not repeated in ``lines``, central adds them.
    """

    receipt_advice_id: str
    lines: tuple[GoodsLine, ...]
    despatch_id: str | None = None
    order_id: str | None = None
    complete: bool = True
    clerk: str | None = None
    containers: tuple[Unopened, ...] = ()


class GoodsPacked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="goods_packed"):
    """Items, goods and smaller containers put into a case or on a pallet (EPCIS AggregationEvent, *packing*, ADD)."""

    packing_id: str
    sscc: str
    items: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    lines: tuple[GoodsLine, ...] = ()  # goods without codes of their own
    clerk: str | None = None


class GoodsUnpacked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="goods_unpacked"):
    """A case or pallet opened (EPCIS AggregationEvent, *unpacking*, DELETE): what is named, or everything where nothing is."""

    unpacking_id: str
    sscc: str
    items: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    clerk: str | None = None


class StockAdjusted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="stock_adjusted"):
    """A correction of stock with its reason (``damage``, ``own_use``, ``theft``, ``found`` …); quantities carry a sign."""

    adjustment_id: str
    lines: tuple[GoodsLine, ...]
    reason: str
    clerk: str | None = None


class ScanRefused(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="scan_refused"):
    """A code that was scanned and refused at the counter: evidence for central, no movement of goods."""

    verdict: str
    cause: str
    gtin: str | None = None
    item: str | None = None
    device: str | None = None


class DrawerOpened(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="drawer_opened"):
    """The cash drawer was opened without a sale; who, and why. No movement of goods."""

    drawer_id: str
    reason: str
    clerk: str | None = None


class OrderLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a dealer's order (UBL OrderLine)."""

    line: int
    gtin: str
    quantity: Decimal
    price_minor: int | None = None


class OrderSubmitted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="order_submitted"):
    """A dealer's order (UBL Order). Its key is (the agent's dealer, ``order_id``, ``revision``); ``number`` is the dealer's own."""

    order_id: str
    number: str
    lines: tuple[OrderLine, ...]
    currency: str
    revision: int = 1
    note: str | None = None
    clerk: str | None = None


class OrderCancelAsked(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="order_cancel_asked"
):
    """The dealer asks to cancel an order; central grants it while nothing has been despatched."""

    order_id: str
    reason: str
    clerk: str | None = None


Body = (
    Sale
    | SaleVoided
    | SaleReturned
    | GoodsReceived
    | GoodsPacked
    | GoodsUnpacked
    | StockAdjusted
    | ScanRefused
    | DrawerOpened
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
