"""What goes wrong with prices, products and item codes at the till. Pure; see :mod:`central.rehearsal.mishaps`."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from random import Random

import msgspec

from central.discrepancies.causes.machines import has_check_digit
from central.discrepancies.rules import DiscrepancyClass as Class
from central.rehearsal.kinds import Fault, Kind
from central.rehearsal.mishaps import LATE, Mishap, free_goods
from central.rehearsal.papers import Paper, Recall
from central.rehearsal.scoring import ANYWHERE
from central.rehearsal.shop import UNIT, Shop
from central.rehearsal.trade import Trade, expect
from central.rehearsal.world import CURRENCY
from central.sites.places import Place, Places
from protocol.events import GoodsDespatched, GoodsLine, PriceOverridden, SaleLine, ScanRefused

FAR_KM = 900.0


def wrong_price(trade: Trade, shop: Shop, day: int, fault: Fault, chance: Random) -> list[Paper] | None:
    """A line costs what it should not."""
    fitting = free_goods(trade, shop)
    if fault.kind is Kind.PRICE_NOT_HEARD:
        fitting = [one for one in fitting if one in trade.earlier_prices]
    if not fitting:
        return None
    gtin, drawer = chance.choice(fitting), chance.choice(shop.drawers)
    price, name = trade.prices[gtin], Class.PRICE_OUTSIDE_POLICY
    match fault.kind:
        case Kind.PRICE_NOT_HEARD:
            line, cause = shop.line(gtin, UNIT, price_minor=trade.earlier_prices[gtin]), "price_not_heard"
        case Kind.PRICE_MADE_UP:
            line, cause = shop.line(gtin, UNIT, price_minor=price * 73 // 100), "override_without_reason"
        case Kind.PRICE_BEYOND_LIMIT:
            override = f"o-{drawer.shift}-{fault.number}"
            drawer.tell(
                PriceOverridden(
                    override_id=override, gtin=gtin, currency=CURRENCY, list_price_minor=price, price_minor=price // 2,
                    reason="a friend",
                ),
                LATE,
            )  # fmt: skip
            line = msgspec.structs.replace(
                shop.line(gtin, UNIT, price_minor=price // 2), override_id=override
            )
            cause = "override_beyond_limit"
        case _:
            line, cause = shop.line(gtin, UNIT, discount=0.85), "discount_beyond_limit"
            name = Class.DISCOUNT_OUTSIDE_POLICY
    shop.take(line)
    drawer.ring(chance, LATE, line)
    here = shop.site.site, gtin
    trade.plant(fault, day, [expect(name, *here, cause)], [here], busy=[here])
    return []


def unknown_product(trade: Trade, shop: Shop, day: int, fault: Fault, chance: Random) -> list[Paper] | None:
    """A code is sold that is not in the catalogue."""
    if fault.kind is Kind.MISTYPED:
        right = chance.choice(list(shop.goods))
        gtin, cause = f"{right[:-1]}{(int(right[-1]) + 1 + chance.randrange(8)) % 10}", "mistyped"
    else:
        stem, cause = f"0299{fault.number:05d}{chance.randrange(10**4):04d}", "not_in_catalogue"
        gtin = next(stem + str(digit) for digit in range(10) if has_check_digit(stem + str(digit)))
    line = SaleLine(gtin=gtin, quantity=Decimal(1), amount_minor=chance.randint(99, 999))
    chance.choice(shop.drawers).ring(chance, LATE, line)
    shop.books[gtin] = shop.books.get(gtin, 0) - UNIT
    here = shop.site.site, gtin
    trade.plant(fault, day, [expect(Class.UNKNOWN_PRODUCT, *here, cause)], [here], busy=[here])
    return []


def _sell(shop: Shop, chance: Random, gtin: str, item: str | None, *, minute: int = LATE, provisional: bool = False) -> None:  # fmt: skip
    """Sell a piece that carries this code, wherever it came from: the shop's books have one less."""
    plain = shop.line(gtin, UNIT) if gtin in shop.prices else None
    amount = plain.amount_minor if plain else 500
    line = SaleLine(gtin=gtin, quantity=Decimal(1), amount_minor=amount, item=item, provisional=provisional)
    shop.drawers[0].ring(chance, minute, line)
    shop.books[gtin] = shop.books.get(gtin, 0) - UNIT


def coded(trade: Trade, shop: Shop, day: int, fault: Fault, chance: Random) -> list[Paper] | None:
    """Something is wrong with the code of a piece that is sold."""
    fitting = free_goods(trade, shop, coded=True)
    if not fitting or trade.is_dark(shop.site, day):
        return None
    gtin = chance.choice(fitting)
    item = shop.codes[gtin][0]
    here = shop.site.site
    links = [(here, gtin), (ANYWHERE, item)]
    papers: list[Paper] = []
    gone = True
    match fault.kind:
        case Kind.SOLD_WITHOUT_CODE:
            _sell(shop, chance, gtin, None)
            cases = [expect(Class.CODES_AGAINST_QUANTITY, here, f"on_hand/{gtin}", "sale_without_codes")]
        case Kind.ITEM_SCANNED_TWICE:
            line = shop.line(gtin, UNIT)
            line = msgspec.structs.replace(line, item=item)
            shop.drawers[0].ring(chance, LATE, line, line)
            shop.books[gtin] -= 2 * UNIT
            cases = [expect(Class.ITEM_SOLD_TWICE, here, item, "double_scan")]
        case Kind.RECALLED_SOLD:
            _sell(shop, chance, gtin, item)
            papers = [Recall(item)]
            cases = [expect(Class.ITEM_NOT_FOR_SALE, here, item, "clerk_override")]
        case Kind.RETURN_NOT_BOOKED:
            _sell(shop, chance, gtin, item)
            trade.later(
                day + chance.randint(2, 4),
                lambda: _sell(shop, chance, gtin, item, minute=LATE - 30),
            )
            cases = [expect(Class.ITEM_SOLD_TWICE, here, item, "return_not_booked")]
        case _:
            item = f"01{gtin}21X{chance.randrange(10**9):09d}"
            _sell(shop, chance, gtin, item)
            links, gone = [(here, gtin), (ANYWHERE, item)], False
            cases = [expect(Class.UNKNOWN_ITEM, here, item, "not_registered")]
    if gone:
        shop.shelf[gtin] -= UNIT
        shop.codes[gtin].pop(0)
    trade.plant(fault, day, cases, links, busy=links[:1])
    return papers


def forged_burst(trade: Trade, shop: Shop, day: int, fault: Fault, chance: Random) -> list[Paper] | None:
    """Somebody brings a carton of goods with labels of his own making; the till refuses them one by one."""
    if trade.is_dark(shop.site, day):
        return None
    gtin = chance.choice([gtin for gtin, goods in shop.goods.items() if goods.coded])
    for number in range(chance.randint(11, 20)):
        item = f"01{gtin}21F{chance.randrange(10**9):09d}"
        body = ScanRefused(verdict="forged", cause="its signature is not ours", gtin=gtin, item=item)
        shop.drawers[0].tell(body, LATE - 20 + number // 3)
    on = (trade.midnight(day) + timedelta(minutes=LATE - 20)).date()
    here = shop.site.site, str(on)
    trade.plant(fault, day, [expect(Class.UNKNOWN_CODES_BURST, *here, "forged")], [here])
    return []


def elsewhere(trade: Trade, shop: Shop, day: int, fault: Fault, chance: Random) -> list[Paper] | None:
    """A piece, or a copy of it, is sold where it does not belong."""
    if fault.kind in (Kind.DIVERTED, Kind.TRANSFER_NOT_BOOKED) and shop.site.kind != "dealer":
        return None  # what lies in a store of the brand's own is at home everywhere
    fitting = free_goods(trade, shop, coded=True)
    others = _others(trade, shop, day, fault, chance)
    if not fitting or not others or trade.is_dark(shop.site, day):
        return None
    gtin = chance.choice(fitting)
    item, here = shop.codes[gtin].pop(0), shop.site.site
    shop.shelf[gtin] -= UNIT
    links = [(one.site.site, gtin) for one in (shop, *others)]
    cases = []
    match fault.kind:
        case Kind.DIVERTED | Kind.TRANSFER_NOT_BOOKED:
            _sell(others[0], chance, gtin, item)
            cause = "diversion" if fault.kind is Kind.DIVERTED else "transfer_not_booked"
            cases = [expect(Class.ITEM_OUTSIDE_TERRITORY, ANYWHERE, item, cause)]
        case Kind.SENT_ON_UNSEEN:
            other = others[0]
            despatch = f"back-{fault.number}"
            lines = (GoodsLine(gtin=gtin, quantity=Decimal(1), items=(item,)),)
            body = GoodsDespatched(despatch_id=despatch, to_site=other.site.warehouse, lines=lines, reason="sent back")  # fmt: skip
            other.drawers[0].tell(body, LATE)
            other.books[gtin] = other.books.get(gtin, 0) - UNIT
            links += [(other.site.warehouse, despatch), (other.site.warehouse, gtin)]
            cases = [expect(Class.DESPATCH_UNEXPECTED, ANYWHERE, item, "item_not_here")]
        case Kind.SOLD_TWICE_OFFLINE:
            _sell(shop, chance, gtin, item)
            trade.later(
                day + chance.randint(2, 4), lambda: _sell(others[0], chance, gtin, item, provisional=True)
            )
            cases = [expect(Class.ITEM_SOLD_TWICE, ANYWHERE, item, "late_till")]
        case _:
            _sell(shop, chance, gtin, item, minute=LATE - 20)
            for minute, other in enumerate(others, LATE - 5):
                _sell(other, chance, gtin, item, minute=minute)
            cases = [expect(Class.ITEM_SOLD_TWICE, ANYWHERE, item, "code_copied")]
            if fault.kind is Kind.ITEM_COPIED_OFTEN:
                cases.append(expect(Class.ITEM_CODE_COPIED, ANYWHERE, item, "code_copied"))
            else:
                cases.append(expect(Class.IMPOSSIBLE_TRAVEL, ANYWHERE, item, "code_copied"))
    trade.plant(fault, day, cases, [*links, (ANYWHERE, item)], busy=[(here, gtin), *links])
    return []


def _others(trade: Trade, shop: Shop, day: int, fault: Fault, chance: Random) -> list[Shop]:
    """The shops at which the piece or its copies turn up."""
    wanted = 2 if fault.kind is Kind.ITEM_COPIED_OFTEN else 1
    mine = shop.site.dealer
    places = Places(
        {
            name: Place(path=one.site.dealer.path, latitude=one.site.latitude, longitude=one.site.longitude)
            for name, one in trade.shops.items()
        }
    )

    def fits(other: Shop) -> bool:
        site = other.site
        if other is shop or trade.is_dark(site, day):
            return False
        if fault.kind is Kind.DIVERTED:
            return site.kind == "dealer" and site.dealer.parent != mine.parent
        if fault.kind is Kind.TRANSFER_NOT_BOOKED:
            return site.dealer.parent == mine.parent and site.kind == "dealer"
        if fault.kind in (Kind.ITEM_COPIED, Kind.ITEM_COPIED_OFTEN):
            return (places.distance_km(shop.site.site, site.site) or 0.0) > FAR_KM
        return True

    fitting = [one for one in trade.shops.values() if fits(one)]
    return chance.sample(fitting, wanted) if len(fitting) >= wanted else []


def not_despatched(trade: Trade, shop: Shop, day: int, fault: Fault, chance: Random) -> list[Paper] | None:
    """Somebody takes a piece from the warehouse to a shop without any paper."""
    warehouse = shop.site.warehouse
    fitting = [
        gtin
        for gtin, goods in shop.goods.items()
        if goods.coded and trade.pool.get((warehouse, gtin)) and trade.is_free(shop.site.site, gtin)
    ]
    if not fitting or trade.is_dark(shop.site, day):
        return None
    gtin = chance.choice(fitting)
    item = trade.pool[warehouse, gtin].pop(0)
    trade.stocked[warehouse, gtin] -= UNIT
    _sell(shop, chance, gtin, item)
    here = shop.site.site, gtin
    trade.plant(
        fault, day, [expect(Class.SOLD_WITHOUT_RECEIPT, ANYWHERE, item, "not_despatched")],
        [here, (warehouse, gtin), (ANYWHERE, item)], busy=[here],
    )  # fmt: skip
    return []


CODE_MISHAPS: dict[Kind, Mishap] = {
    **dict.fromkeys((Kind.PRICE_NOT_HEARD, Kind.PRICE_MADE_UP, Kind.PRICE_BEYOND_LIMIT, Kind.DISCOUNT_BEYOND_LIMIT), wrong_price),
    **dict.fromkeys((Kind.NOT_IN_CATALOGUE, Kind.MISTYPED), unknown_product),
    **dict.fromkeys(
        (Kind.SOLD_WITHOUT_CODE, Kind.ITEM_SCANNED_TWICE, Kind.RECALLED_SOLD, Kind.RETURN_NOT_BOOKED, Kind.UNKNOWN_ITEM), coded
    ),
    **dict.fromkeys(
        (
            Kind.DIVERTED, Kind.TRANSFER_NOT_BOOKED, Kind.SENT_ON_UNSEEN, Kind.SOLD_TWICE_OFFLINE, Kind.ITEM_COPIED,
            Kind.ITEM_COPIED_OFTEN,
        ),
        elsewhere,
    ),
    Kind.FORGED_BURST: forged_burst,
    Kind.NOT_DESPATCHED: not_despatched,
}  # fmt: skip
