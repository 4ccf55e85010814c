"""What the counter tells its screens: the frames of the WebSocket, and the answers of ``POST /v1/scans``.

Every frame is a JSON object with its ``type``. A ``scan`` frame goes out before anything slower is done.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum

import msgspec

from agent.adjusting.rules import Adjusting
from agent.despatching.seen import LoadedCase, LoadedLine
from agent.orders.rules import Draft
from agent.packing.rules import CaseDraft
from agent.receiving.rules import Progress, Receiving
from agent.stocktakes.seen import CountedCase, CountedProduct
from agent.till.catalogue import ProductView
from agent.till.rules import Basket, Line, total_minor
from protocol.codes import Code
from protocol.feeds import SiteHere
from protocol.verdicts import Finding


class Mode(StrEnum):
    """What a scan means at the counter now."""

    SALE = "sale"
    VERIFY = "verify"
    RECEIVE = "receive"
    REORDER = "reorder"
    RETURN = "return"
    PACK = "pack"
    UNPACK = "unpack"
    STOCKTAKE = "stocktake"
    SHIP = "ship"
    ADJUST = "adjust"


class Outcome(StrEnum):
    """What became of a scan."""

    ADDED = "added"
    REFUSED = "refused"
    ASK = "ask"
    IGNORED = "ignored"
    FOUND = "found"
    RECEIVED = "received"
    PACKED = "packed"
    COUNTED = "counted"
    LOADED = "loaded"
    UNREADABLE = "unreadable"


class Question(StrEnum):
    """What the cashier is asked where the outcome is ``ask``."""

    CONFIRM = "confirm"
    """Sell it although the verdict has a doubt? ``POST /v1/basket/lines`` with ``confirmed``."""
    AMOUNT = "amount"
    """What does it cost? ``POST /v1/basket/lines`` with ``amount_minor``."""
    ITEM_CODE = "item_code"
    """This product is sold by its own code: scan that one."""
    SEALED = "sealed"
    """Take this case as it is, unopened, though nothing is known here of what it holds? ``POST /v1/receiving/cases`` with ``sealed``, or
    ``POST /v1/shipping/cases``."""
    UNCODED = "uncoded"
    """Count this piece without the code that it should carry? The same scan again with ``uncoded``."""
    QUANTITY = "quantity"
    """How much of it? The same scan again with ``quantity``."""


class ScanSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The scan itself. ``code`` is None for what must not be kept: a phone's payment code."""

    code: str | None
    symbology: str | None
    device: str
    at_us: int


class Pieces(msgspec.Struct, frozen=True, kw_only=True):
    """How many of one product."""

    gtin: str
    name: str
    quantity: Decimal


class CaseSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A case or pallet that was scanned, and what is in it, all levels.

    ``known`` is False where nothing is known of it here, ``items`` None where not all is. ``counted_before`` of its items had been
    counted by themselves, and count with it now.
    """

    sscc: str
    known: bool = False
    items: int | None = None
    cases: int = 0
    pieces: tuple[Pieces, ...] = ()
    counted_before: int = 0


class SoldSeen(msgspec.Struct, frozen=True, kw_only=True):
    """The sale that a scanned item comes from.

    ``receipt``, ``sale_id`` and the money are told where this till made it. ``void_until_us`` is until when it can be voided as a whole.
    """

    site: str | None
    at_us: int | None
    receipt: str | None = None
    sale_id: str | None = None
    paid_minor: int | None = None
    discount_minor: int = 0
    void_until_us: int | None = None


class ScanFrame(msgspec.Struct, frozen=True, kw_only=True, tag="scan", tag_field="type"):
    """One scan with everything that was found of it. ``key`` names the message for a page in another language."""

    scan: ScanSeen
    code: Code | None
    finding: Finding | None
    product: ProductView | None
    line: int | None
    mode: Mode
    outcome: Outcome
    message: str
    key: str
    question: Question | None = None
    took_us: int = 0
    case: CaseSeen | None = None
    sold: SoldSeen | None = None


class AddedFrame(msgspec.Struct, frozen=True, kw_only=True, tag="added", tag_field="type"):
    """Something was put into the basket by hand. ``shown`` is what a scan of it would have told; nobody has scanned it."""

    shown: ScanFrame


class BasketFrame(msgspec.Struct, frozen=True, kw_only=True, tag="basket", tag_field="type"):
    """The basket as it stands; ``kind`` is sale or return."""

    kind: str
    basket_id: str
    lines: tuple[Line, ...]
    total_minor: int
    currency: str
    member: str | None
    held: int


class ModeFrame(msgspec.Struct, frozen=True, kw_only=True, tag="mode", tag_field="type"):
    """The mode the counter is in."""

    mode: Mode
    despatch_id: str | None = None


class ReceivingFrame(msgspec.Struct, frozen=True, kw_only=True, tag="receiving", tag_field="type"):
    """The goods being taken in."""

    receiving: Receiving
    progress: tuple[Progress, ...]


class PackingFrame(msgspec.Struct, frozen=True, kw_only=True, tag="packing", tag_field="type"):
    """The case being packed or unpacked (``kind``), and what it held when it was opened, all levels.

    ``known`` is False where nothing is known here of what it held, ``items`` None where not all is. ``names`` are those of the products
    whose items were scanned.
    """

    kind: str
    draft: CaseDraft
    names: dict[str, str] = {}
    known: bool = False
    items: int | None = None
    cases: int = 0
    pieces: tuple[Pieces, ...] = ()


class StocktakeFrame(msgspec.Struct, frozen=True, kw_only=True, tag="stocktake", tag_field="type"):
    """What is being counted at the counter: a stocktake, and an ``area`` of it; None: not chosen.

    ``lines`` are the products counted last, of ``products`` in all. ``is_open`` is False where central has ended the stocktake, ``is_late``
    True where it is in another round by now. ``count_id`` is the id that the area will be sent under.
    """

    stocktake_id: str | None = None
    name: str = ""
    blind: bool = True
    round: int = 1
    is_open: bool = True
    is_late: bool = False
    area: str | None = None
    count_id: str | None = None
    lines: tuple[CountedProduct, ...] = ()
    cases: tuple[CountedCase, ...] = ()
    products: int = 0
    pieces: Decimal = Decimal(0)
    can_undo: bool = False


class ShippingFrame(msgspec.Struct, frozen=True, kw_only=True, tag="shipping", tag_field="type"):
    """The goods that leave, what was loaded last first, and where they go; ``to`` None: nobody has said.

    ``pieces`` are of all ``products``, what is in cases included. ``despatch_id`` is the id that they will leave under.
    """

    despatch_id: str
    to: SiteHere | None = None
    order_id: str | None = None
    reason: str | None = None
    lines: tuple[LoadedLine, ...] = ()
    cases: tuple[LoadedCase, ...] = ()
    products: int = 0
    pieces: Decimal = Decimal(0)
    can_undo: bool = False


class OrderDraftFrame(msgspec.Struct, frozen=True, kw_only=True, tag="order_draft", tag_field="type"):
    """The order being written."""

    draft: Draft


class AdjustingFrame(msgspec.Struct, frozen=True, kw_only=True, tag="adjusting", tag_field="type"):
    """The goods that are noted as gone or found, and the ``reasons`` there are. ``names`` are those of the products."""

    adjusting: Adjusting
    names: dict[str, str]
    pieces: Decimal
    can_undo: bool
    reasons: tuple[str, ...]


class ShiftFrame(msgspec.Struct, frozen=True, kw_only=True, tag="shift", tag_field="type"):
    """The shift that is open (None: none is), and who stands at the counter. What should be in the drawer is not in it."""

    shift_id: str | None
    number: str | None
    opened_at_us: int | None
    clerk: str | None
    required: bool
    blind: bool


class AuthorisationFrame(msgspec.Struct, frozen=True, kw_only=True, tag="authorisation", tag_field="type"):
    """A change of a line that waits for a supervisor's card or PIN; ``line`` None: nothing waits. Amounts are the line's."""

    basket_id: str
    waiting_id: str | None = None
    line: int | None = None
    name: str = ""
    why: str = ""
    reason: str | None = None
    before_minor: int = 0
    after_minor: int = 0


class CompletedFrame(msgspec.Struct, frozen=True, kw_only=True, tag="completed", tag_field="type"):
    """A document was accepted into the journal: a sale, a return, a void, goods received, a case packed or unpacked, an order, a shift …"""

    kind: str
    number: str
    document: msgspec.Raw


Frame = (
    ScanFrame
    | AddedFrame
    | BasketFrame
    | ModeFrame
    | ReceivingFrame
    | PackingFrame
    | StocktakeFrame
    | ShippingFrame
    | OrderDraftFrame
    | AdjustingFrame
    | ShiftFrame
    | AuthorisationFrame
    | CompletedFrame
)
Announce = Callable[[Frame], None]
"""Gives a frame to every screen; returns at once, from any thread."""


def basket_frame(kind: str, basket: Basket, currency: str, held: int) -> BasketFrame:
    """The basket as screens see it."""
    return BasketFrame(
        kind=kind,
        basket_id=basket.basket_id,
        lines=basket.lines,
        total_minor=total_minor(basket),
        currency=currency,
        member=basket.member,
        held=held,
    )
