"""The faults that can be planted, and the plan of which happens where and when. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from random import Random

import msgspec

from central.rehearsal.world import Site, World


class Kind(StrEnum):
    """What goes wrong, as people would say it."""

    # a delivery
    NOT_LOADED = "not_loaded"
    NOT_SCANNED = "not_scanned"
    LOADED_TOO_MUCH = "loaded_too_much"
    COUNTED_TWICE = "counted_twice"
    WRONG_GOODS_LOADED = "wrong_goods_loaded"
    SENT_ELSEWHERE = "sent_elsewhere"
    UNKNOWN_DESPATCH = "unknown_despatch"
    LOST_IN_TRANSIT = "lost_in_transit"
    LOST_RECEIPT = "lost_receipt"
    LATE_RECEIPT = "late_receipt"
    RECEIVED_WITHOUT_CODES = "received_without_codes"
    # a shelf
    THEFT = "theft"
    CODED_THEFT = "coded_theft"
    UNBOOKED_DAMAGE = "unbooked_damage"
    UNBOOKED_DELIVERY = "unbooked_delivery"
    OFF_THE_SHELF = "off_the_shelf"
    SWAPPED_AT_THE_TILL = "swapped_at_the_till"
    COUNT_BY_THE_SHOP = "count_by_the_shop"
    # a sale
    PRICE_NOT_HEARD = "price_not_heard"
    PRICE_MADE_UP = "price_made_up"
    PRICE_BEYOND_LIMIT = "price_beyond_limit"
    DISCOUNT_BEYOND_LIMIT = "discount_beyond_limit"
    NOT_IN_CATALOGUE = "not_in_catalogue"
    MISTYPED = "mistyped"
    # an item
    SOLD_WITHOUT_CODE = "sold_without_code"
    ITEM_SCANNED_TWICE = "item_scanned_twice"
    RETURN_NOT_BOOKED = "return_not_booked"
    ITEM_COPIED = "item_copied"
    ITEM_COPIED_OFTEN = "item_copied_often"
    SOLD_TWICE_OFFLINE = "sold_twice_offline"
    UNKNOWN_ITEM = "unknown_item"
    FORGED_BURST = "forged_burst"
    RECALLED_SOLD = "recalled_sold"
    DIVERTED = "diverted"
    TRANSFER_NOT_BOOKED = "transfer_not_booked"
    NOT_DESPATCHED = "not_despatched"
    SENT_ON_UNSEEN = "sent_on_unseen"
    # money
    CHANGE_ERROR = "change_error"
    MISSING_CASH = "missing_cash"
    FLOAT_WRONG = "float_wrong"
    CARD_AS_CASH = "card_as_cash"
    RECEIPT_LOST_BY_TILL = "receipt_lost_by_till"
    SHIFT_NOT_CLOSED = "shift_not_closed"
    # papers
    INVOICED_TOO_MUCH = "invoiced_too_much"
    INVOICED_WRONG_PRICE = "invoiced_wrong_price"
    INVOICED_TWICE = "invoiced_twice"
    INVOICED_UNORDERED = "invoiced_unordered"
    # machines
    LATE_TILL = "late_till"
    CLOCK_STEP = "clock_step"
    UNREADABLE_RECORD = "unreadable_record"
    UNREADABLE_MESSAGE = "unreadable_message"
    RESTORED_IMAGE = "restored_image"
    FORKED = "forked"
    CLONED = "cloned"
    FAILING_DISK = "failing_disk"


OFTEN = {
    Kind.THEFT: 8,
    Kind.CODED_THEFT: 3,
    Kind.NOT_LOADED: 5,
    Kind.NOT_SCANNED: 3,
    Kind.LOADED_TOO_MUCH: 3,
    Kind.LOST_RECEIPT: 3,
    Kind.LATE_TILL: 4,
    Kind.MISSING_CASH: 4,
    Kind.CHANGE_ERROR: 4,
    Kind.SWAPPED_AT_THE_TILL: 4,
    Kind.DISCOUNT_BEYOND_LIMIT: 3,
    Kind.PRICE_NOT_HEARD: 3,
    Kind.FLOAT_WRONG: 2,
    Kind.CARD_AS_CASH: 2,
    Kind.DIVERTED: 3,
    Kind.ITEM_COPIED: 2,
    Kind.ITEM_SCANNED_TWICE: 2,
    Kind.COUNTED_TWICE: 2,
}
"""How many of a kind come on one of the rest."""
_BY_COUNT = frozenset(
    {Kind.THEFT, Kind.CODED_THEFT, Kind.UNBOOKED_DAMAGE, Kind.UNBOOKED_DELIVERY, Kind.SWAPPED_AT_THE_TILL}
)
_BY_DELIVERY = frozenset(
    {
        Kind.NOT_LOADED, Kind.NOT_SCANNED, Kind.LOADED_TOO_MUCH, Kind.COUNTED_TWICE, Kind.WRONG_GOODS_LOADED, Kind.SENT_ELSEWHERE,
        Kind.UNKNOWN_DESPATCH, Kind.LOST_IN_TRANSIT, Kind.LOST_RECEIPT, Kind.LATE_RECEIPT, Kind.RECEIVED_WITHOUT_CODES,
    }
)  # fmt: skip
_BY_INVOICE = frozenset(
    {Kind.INVOICED_TOO_MUCH, Kind.INVOICED_WRONG_PRICE, Kind.INVOICED_TWICE, Kind.INVOICED_UNORDERED}
)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A fault of the plan: it happens at ``site`` at the first occasion from ``day`` on."""

    number: int
    kind: Kind
    site: str
    day: int


def plan(seed: int, world: World, days: int, count: int) -> list[Fault]:
    """``count`` faults of all kinds, spread over sites and days, in the order of their days."""
    chance = Random(f"{seed}/faults")  # noqa: S311 - invented trade, no secret
    deck = [kind for kind in Kind for _ in range(OFTEN.get(kind, 1))]
    kinds: list[Kind] = []
    while len(kinds) < count:
        kinds += chance.sample(deck, len(deck)) if kinds else list(Kind)
    found = []
    for number, kind in enumerate(kinds[:count], 1):
        site = chance.choice(_fit(world, kind))
        first, last = span(kind, days)
        found.append(Fault(number=number, kind=kind, site=site.site, day=chance.randint(first, last)))
    return sorted(found, key=lambda one: (one.day, one.number))


def _fit(world: World, kind: Kind) -> Sequence[Site]:
    shops = world.shops
    if kind in _BY_INVOICE:
        return [one for one in shops if one.orders] or shops
    if kind is Kind.OFF_THE_SHELF:
        busy = sorted(shops, key=lambda one: -one.lines_a_day * max(one.shares))
        return busy[: max(1, len(busy) // 3)]
    if kind in (Kind.DIVERTED, Kind.TRANSFER_NOT_BOOKED):
        return [one for one in shops if one.kind == "dealer"]
    return shops


def span(kind: Kind, days: int) -> tuple[int, int]:
    """The first and the last day on which a fault may begin so that its consequences still fall into the rehearsal."""
    if kind in _BY_COUNT:
        return 4, max(5, days - 16)
    if kind in _BY_DELIVERY or kind in _BY_INVOICE:
        tail = 16 if days < 60 else 45
        return 3, max(4, days - tail)
    if kind is Kind.OFF_THE_SHELF:
        return min(20, days // 2), max(21, days - 35) if days >= 60 else days // 2 + 1
    if kind is Kind.LATE_TILL:
        return 6, max(7, days - 16)
    if kind in (Kind.PRICE_NOT_HEARD, Kind.RETURN_NOT_BOOKED, Kind.SENT_ON_UNSEEN, Kind.SOLD_TWICE_OFFLINE):
        return 12, max(13, days - 8)
    return 5, max(6, days - 6)
