"""What goes wrong on a shelf, in a drawer and in a machine. Pure.

Each function lets one fault happen to a shop if there is occasion for it today, notes what must be found of it, and gives the papers it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from central.discrepancies.rules import DiscrepancyClass as Class
from central.rehearsal.kinds import Fault, Kind
from central.rehearsal.papers import Branch, EndCount, Garbage, Greeting, Paper
from central.rehearsal.scoring import Dark
from central.rehearsal.shop import CLOSES, FLOAT_MINOR, UNIT, Drawer, Shop, decimal
from central.rehearsal.trade import Trade, expect
from protocol.events import CountedLine, StockCounted

Mishap = Callable[[Trade, Shop, int, Fault, Random], list[Paper] | None]
"""None: there is no occasion today."""
LATE = CLOSES - 20
AWAY_FROM_COUNTS_DAYS = 30
FAST_LINES_A_DAY = 1.0
"""Of a slower product nobody can say that it is missed."""


def free_goods(
    trade: Trade, shop: Shop, *, coded: bool = False, weighed: bool = False, least: int = 2 * UNIT
) -> list[str]:
    """Products of a shop to which nothing has happened yet, with so much on the shelf."""
    return [
        gtin
        for gtin, goods in shop.goods.items()
        if goods.coded is coded
        and (weighed or not goods.weighed)
        and trade.is_free(shop.site.site, gtin)
        and gtin not in shop.hidden
        and shop.shelf.get(gtin, 0) >= least
        and (not coded or len(shop.codes.get(gtin, ())) >= 2)
    ]


def _on_shelf(
    trade: Trade, shop: Shop, day: int, fault: Fault, gtin: str, cause: str, name: Class = Class.STOCKTAKE_VARIANCE
) -> list[Paper]:  # fmt: skip
    here = shop.site.site, gtin
    trade.plant(fault, day, [expect(name, *here, cause)], [here], busy=[here])
    return []


def theft(trade: Trade, shop: Shop, day: int, fault: Fault, chance: Random) -> list[Paper] | None:
    """Somebody takes goods; dear ones rather than cheap ones, and not what breaks."""
    coded = fault.kind is Kind.CODED_THEFT
    fitting = [one for one in free_goods(trade, shop, coded=coded) if one not in shop.site.fragile]
    if not fitting or not _is_counted_later(trade, shop, day):
        return None
    gtin = max(chance.sample(fitting, min(3, len(fitting))), key=lambda one: trade.prices[one])
    pieces = chance.randint(1, min(4, max(1, shop.shelf[gtin] // UNIT // 2)))
    shop.shelf[gtin] -= pieces * UNIT
    links = [(shop.site.site, gtin)]
    links += [("", shop.codes[gtin].pop(0)) for _ in range(pieces if coded else 0)]
    trade.plant(fault, day, [expect(Class.STOCKTAKE_VARIANCE, shop.site.site, gtin, "theft")], links, busy=links[:1])  # fmt: skip
    return []


def unbooked_damage(trade: Trade, shop: Shop, day: int, fault: Fault, _: Random) -> list[Paper] | None:
    """What breaks again and again at this site breaks, and nobody writes it down."""
    fitting = [
        gtin
        for gtin in free_goods(trade, shop)
        if len([one for one in shop.damaged.get(gtin, ()) if one >= day - 100]) >= 2
    ]
    if not fitting or not _is_counted_later(trade, shop, day):
        return None
    shop.shelf[fitting[0]] -= UNIT
    return _on_shelf(trade, shop, day, fault, fitting[0], "unbooked_damage")


def unbooked_delivery(trade: Trade, shop: Shop, day: int, fault: Fault, chance: Random) -> list[Paper] | None:
    """A supplier brings goods, and nobody books them in."""
    fitting = free_goods(trade, shop)
    if not fitting or not _is_counted_later(trade, shop, day):
        return None
    gtin = chance.choice(fitting)
    shop.shelf[gtin] += chance.randint(2, 12) * UNIT
    return _on_shelf(trade, shop, day, fault, gtin, "unbooked_receipt")


def off_the_shelf(trade: Trade, shop: Shop, day: int, fault: Fault, _: Random) -> list[Paper] | None:
    """A fast mover stands where no customer finds it, until it is counted."""
    distance = AWAY_FROM_COUNTS_DAYS if trade.days >= 60 else 10
    if any(day <= one < day + distance for one in trade.counted_on(shop.site)):
        return None
    free = set(free_goods(trade, shop, least=5 * UNIT))
    a_day = {
        one.gtin: share * shop.site.lines_a_day
        for one, share in zip(shop.site.goods, shop.site.shares, strict=True)
    }
    gtin = next((one for one, lines in a_day.items() if one in free and lines >= FAST_LINES_A_DAY), None)
    if gtin is None:
        return None
    shop.hidden.add(gtin)
    return _on_shelf(trade, shop, day, fault, gtin, "not_on_shelf", Class.PHANTOM_STOCK)


def swapped(trade: Trade, shop: Shop, day: int, fault: Fault, chance: Random) -> list[Paper] | None:
    """A clerk scans one product of a kind for another one."""
    free = free_goods(trade, shop, least=6 * UNIT)
    pairs = [
        (one, other)
        for one in free
        for other in free
        if one != other and shop.goods[one].category == shop.goods[other].category
    ]
    if not pairs or not _is_counted_later(trade, shop, day):
        return None
    scanned, gone = chance.choice(pairs)
    pieces = chance.randint(1, 3) * UNIT
    chance.choice(shop.drawers).ring(chance, LATE, shop.line(scanned, pieces))
    shop.books[scanned] -= pieces
    shop.shelf[gone] -= pieces
    both = [(shop.site.site, scanned), (shop.site.site, gone)]
    trade.plant(fault, day, [expect(Class.WRONG_ITEM_SCANNED, shop.site.site, gone, "wrong_item")], both, busy=both)  # fmt: skip
    return []


def count_by_the_shop(trade: Trade, shop: Shop, day: int, fault: Fault, _: Random) -> list[Paper] | None:
    """The shop counts a few products of its own accord."""
    fitting = free_goods(trade, shop)[:3]
    if not fitting or trade.is_dark(shop.site, day):
        return None
    name, at_us = f"own-{shop.site.site}-{day}", trade.at_us(day, CLOSES + 20)
    lines = tuple(
        CountedLine(gtin=gtin, quantity=decimal(shop.shelf[gtin]), counted_at_us=at_us) for gtin in fitting
    )
    body = StockCounted(
        count_id=f"{name}-1", stocktake_id=name, area="shelf", lines=lines, name="a few shelves"
    )
    trade.journals[shop.site.tills[0]].add(body, at_us)
    trade.plant(
        fault, day, [expect(Class.COUNT_UNEXPECTED, shop.site.site, name, "stocktake_unknown")], [(shop.site.site, name)]
    )  # fmt: skip
    return [EndCount(shop.site.site, name, cancelled=True)]


def _is_counted_later(trade: Trade, shop: Shop, day: int) -> bool:
    return any(one > day for one in trade.counted_on(shop.site))


# money ----------------------------------------------------------------------------------------------------------------


def _drawer(trade: Trade, shop: Shop, day: int, chance: Random) -> Drawer | None:
    fitting = [
        one
        for one in shop.drawers
        if not one.counted_off
        and not one.sealed_too_much
        and not one.is_left_open
        and not one.journal.is_dark
        and trade.is_free(shop.site.site, one.journal.agent)
    ]
    return chance.choice(fitting) if fitting and not trade.is_dark(shop.site, day) else None


def _of_money(
    trade: Trade,
    shop: Shop,
    day: int,
    fault: Fault,
    drawer: Drawer,
    cause: str,
    name: Class = Class.CASH_DIFFERENCE,
) -> list[Paper]:
    here = shop.site.site, drawer.shift
    trade.plant(fault, day, [expect(name, *here, cause)], [here])
    return []


def wrong_cash(trade: Trade, shop: Shop, day: int, fault: Fault, chance: Random) -> list[Paper] | None:
    """The drawer does not hold what it should."""
    drawer = _drawer(trade, shop, day, chance)
    if drawer is None:
        return None
    match fault.kind:
        case Kind.MISSING_CASH:
            drawer.counted_off["cash"] = -chance.randint(180, 12_000)
            return _of_money(trade, shop, day, fault, drawer, "missing_cash")
        case Kind.FLOAT_WRONG:
            drawer.counted_off["cash"] = chance.choice((-1, 1)) * FLOAT_MINOR
            return _of_money(trade, shop, day, fault, drawer, "float_wrong")
        case Kind.CHANGE_ERROR:
            changes = [change for _, change in drawer.cash if change > 50]
            drawer.counted_off["cash"] = chance.choice((-1, 1)) * chance.choice(changes or [1500])
            return _of_money(trade, shop, day, fault, drawer, "change_error")
        case Kind.CARD_AS_CASH:
            amounts = [amount for amount, _ in drawer.cash if amount > 0]
            if not amounts:
                return None
            amount = chance.choice(amounts)
            drawer.counted_off = {"cash": -amount, "card": amount}
            return _of_money(trade, shop, day, fault, drawer, "wrong_method", Class.PAYMENT_DIFFERENCE)
        case Kind.RECEIPT_LOST_BY_TILL:
            drawer.sealed_too_much = chance.randint(200, 4000)
            return _of_money(trade, shop, day, fault, drawer, "missing_event", Class.SHIFT_DIFFERS)
        case _:
            drawer.is_left_open = True
            return _of_money(trade, shop, day, fault, drawer, "not_closed", Class.SHIFT_DIFFERS)


# machines -------------------------------------------------------------------------------------------------------------


def late_till(trade: Trade, shop: Shop, day: int, fault: Fault, chance: Random) -> list[Paper] | None:
    """A till loses its network for days, and goes on selling."""
    last = day + chance.randint(5, 9)
    near = range(day - 1, last + 2)
    if last > trade.days - 3 or any(one in near for one in trade.counted_on(shop.site)):
        return None
    till = chance.choice(shop.site.tills)
    if trade.is_dark(shop.site, day) or not trade.is_free(shop.site.site, till):
        return None
    trade.journals[till].is_dark = True
    trade.dark_until[till] = last
    trade.dark.append(Dark(shop.site.site, day, last + 1))
    cause = "late_till" if len(shop.site.tills) > 1 else "site_offline"
    case = expect(Class.AGENT_SILENT, shop.site.site, till, cause, closes=True)
    trade.plant(fault, day, [case], [(shop.site.site, till)])
    return []


_MACHINES = {
    Kind.CLOCK_STEP: (Class.CLOCK_STEP, "wrong_clock"),
    Kind.UNREADABLE_RECORD: (Class.QUARANTINED, "newer_agent"),
    Kind.UNREADABLE_MESSAGE: (Class.HELD, "newer_agent"),
    Kind.RESTORED_IMAGE: (Class.REWIND, "restored_image"),
    Kind.FORKED: (Class.FORK, "restored_image"),
    Kind.CLONED: (Class.CLONE, "cloned_machine"),
    Kind.FAILING_DISK: (Class.DAMAGED, "failing_disk"),
}


def machine(trade: Trade, shop: Shop, day: int, fault: Fault, chance: Random) -> list[Paper] | None:
    """A machine is restored, copied, set to a wrong time, or writes what nobody can read."""
    tills = [one for one in shop.site.tills if trade.is_free(shop.site.site, one)]
    if not tills or trade.is_dark(shop.site, day):
        return None
    till = chance.choice(tills)
    name, cause = _MACHINES[fault.kind]
    here = shop.site.site, till
    trade.plant(fault, day, [expect(name, *here, cause)], [here], busy=[here])
    match fault.kind:
        case Kind.CLOCK_STEP:
            return [Greeting(till, chance.choice((-1, 1)) * chance.randint(10, 600) * 60_000_000)]
        case Kind.UNREADABLE_RECORD:
            trade.journals[till].add_bytes(b"\x82\xa2at\xc0\xa4body\xc0" + chance.randbytes(8), trade.at_us(day, CLOSES))  # fmt: skip
            return []
        case Kind.UNREADABLE_MESSAGE:
            return [Garbage(till)]
        case Kind.FORKED:
            return [Branch(agent=till, cause="fork", back=chance.randint(1, 5))]
        case Kind.FAILING_DISK:
            return [Branch(agent=till, cause="damaged", back=0)]
        case _:
            return [Branch(agent=till, cause="rewind", back=chance.randint(1, 5), clone=fault.kind is Kind.CLONED)]  # fmt: skip


MISHAPS: dict[Kind, Mishap] = {
    Kind.THEFT: theft,
    Kind.CODED_THEFT: theft,
    Kind.UNBOOKED_DAMAGE: unbooked_damage,
    Kind.UNBOOKED_DELIVERY: unbooked_delivery,
    Kind.OFF_THE_SHELF: off_the_shelf,
    Kind.SWAPPED_AT_THE_TILL: swapped,
    Kind.COUNT_BY_THE_SHOP: count_by_the_shop,
    Kind.CHANGE_ERROR: wrong_cash,
    Kind.MISSING_CASH: wrong_cash,
    Kind.FLOAT_WRONG: wrong_cash,
    Kind.CARD_AS_CASH: wrong_cash,
    Kind.RECEIPT_LOST_BY_TILL: wrong_cash,
    Kind.SHIFT_NOT_CLOSED: wrong_cash,
    Kind.LATE_TILL: late_till,
    **dict.fromkeys(_MACHINES, machine),
}
