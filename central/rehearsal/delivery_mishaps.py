"""What goes wrong with a delivery. Pure; see :mod:`central.rehearsal.mishaps`."""

from __future__ import annotations

from random import Random

from central.discrepancies.rules import DiscrepancyClass as Class
from central.rehearsal.kinds import Fault, Kind
from central.rehearsal.papers import NEVER, Delivery, Part
from central.rehearsal.shop import UNIT, Shop
from central.rehearsal.trade import Trade, expect

WHOLE = (Kind.UNKNOWN_DESPATCH, Kind.LOST_IN_TRANSIT, Kind.LOST_RECEIPT, Kind.LATE_RECEIPT)
OF_A_LINE = (
    Kind.NOT_LOADED, Kind.NOT_SCANNED, Kind.LOADED_TOO_MUCH, Kind.COUNTED_TWICE, Kind.WRONG_GOODS_LOADED, Kind.SENT_ELSEWHERE,
    Kind.RECEIVED_WITHOUT_CODES,
)  # fmt: skip


def spoil_whole(trade: Trade, one: Delivery, fault: Fault, day: int) -> None:
    """A whole delivery goes wrong, if nothing has happened to any of its products yet."""
    gtins = [part.gtin for part in one.sent]
    if not all(trade.is_free(one.site, gtin) for gtin in gtins) or one.despatch != one.named:
        return
    links = [(one.site, one.despatch), *((one.site, gtin) for gtin in gtins)]
    links += [("", item) for part in one.sent for item in part.items]
    name, about = Class.IN_TRANSIT_TOO_LONG, one.despatch
    match fault.kind:
        case Kind.LOST_IN_TRANSIT:
            one.vanishes = True
            case = expect(name, one.site, about, "lost_on_the_way")
        case Kind.LOST_RECEIPT:
            one.told_on = NEVER
            case = expect(name, one.site, about, "lost_receipt")
        case Kind.LATE_RECEIPT:
            one.told_on = day + trade.chance(f"fault/{fault.number}").randint(10, 14)
            case = expect(name, one.site, about, closes=True)
        case _:
            one.named = one.despatch[:-1] + ("8" if one.despatch[-1] != "8" else "3") + "0"
            links.append((one.site, one.named))
            case = expect(Class.OVER_RECEIPT, one.site, f"{one.named}/{gtins[0]}", "unknown_despatch")
    trade.plant(fault, day, [case], links, busy=[(one.site, gtin) for gtin in gtins])


def spoil_line(trade: Trade, one: Delivery, fault: Fault, day: int, today: list[Delivery]) -> None:
    """One line of it does."""
    chance = trade.chance(f"fault/{fault.number}/{day}")
    shop = trade.shops[one.site]
    wants_codes = fault.kind is Kind.RECEIVED_WITHOUT_CODES
    fitting = [
        part
        for part in one.there.values()
        if trade.is_free(one.site, part.gtin)
        and part.quantity >= 2 * UNIT
        and (bool(part.items) if wants_codes else not part.items or fault.kind in (Kind.NOT_LOADED, Kind.NOT_SCANNED))
    ]  # fmt: skip
    if not fitting or one.named != one.despatch or one.vanishes or one.told_on is not None:
        return
    part = chance.choice(fitting)
    counted = one.counted[part.gtin]
    some = chance.randint(1, max(1, part.quantity // UNIT // 2)) * UNIT
    cases = []
    links = [(one.site, part.gtin), *(("", item) for item in part.items)]
    busy = [(one.site, part.gtin)]
    match fault.kind:
        case Kind.NOT_LOADED:
            _drop(part, some)
            _drop(counted, some)
            cases = [expect(Class.SHORT_RECEIPT, one.site, f"{one.despatch}/{part.gtin}", "not_loaded")]
        case Kind.NOT_SCANNED:
            _drop(counted, some)
            cases = [expect(Class.SHORT_RECEIPT, one.site, f"{one.despatch}/{part.gtin}", "not_scanned")]
        case Kind.LOADED_TOO_MUCH:
            part.quantity += some
            counted.quantity += some
            cases = [expect(Class.OVER_RECEIPT, one.site, f"{one.despatch}/{part.gtin}", "loaded_too_much")]  # fmt: skip
        case Kind.COUNTED_TWICE:
            counted.quantity *= 2
            cases = [expect(Class.OVER_RECEIPT, one.site, f"{one.despatch}/{part.gtin}", "double_scan")]
        case Kind.RECEIVED_WITHOUT_CODES:
            counted.items = ()
            cases = [expect(Class.CODES_AGAINST_QUANTITY, one.site, f"on_hand/{part.gtin}", "receipt_without_codes")]  # fmt: skip
        case Kind.WRONG_GOODS_LOADED:
            other = _another(chance, trade, shop, one)
            if other is None:
                return
            _drop(part, some)
            _drop(counted, some)
            one.there[other] = Part(gtin=other, quantity=some)
            one.counted[other] = Part(gtin=other, quantity=some)
            cases = [
                expect(Class.SHORT_RECEIPT, one.site, f"{one.despatch}/{part.gtin}", "wrong_item"),
                expect(Class.OVER_RECEIPT, one.site, f"{one.despatch}/{other}", "wrong_item"),
            ]
            links.append((one.site, other))
            busy.append((one.site, other))
        case _:
            there = _elsewhere(trade, one, part.gtin, today)
            if there is None:
                return
            _drop(part, some)
            _drop(counted, some)
            for side in (there.there, there.counted):
                side.setdefault(part.gtin, Part(gtin=part.gtin, quantity=0)).quantity += some
            cases = [
                expect(Class.SHORT_RECEIPT, one.site, f"{one.despatch}/{part.gtin}", "sent_elsewhere"),
                expect(Class.OVER_RECEIPT, there.site, f"{there.despatch}/{part.gtin}", "sent_elsewhere"),
            ]
            links.append((there.site, part.gtin))
            busy.append((there.site, part.gtin))
    trade.plant(fault, day, cases, links, busy=busy)


def _drop(part: Part, quantity: int) -> None:
    part.quantity -= quantity
    part.items = part.items[: len(part.items) - quantity // UNIT] if part.items else ()


def _another(chance: Random, trade: Trade, shop: Shop, one: Delivery) -> str | None:
    others = [
        gtin
        for gtin, goods in shop.goods.items()
        if not goods.coded and gtin not in one.there and trade.is_free(shop.site.site, gtin)
    ]
    return chance.choice(others) if others else None


def _elsewhere(trade: Trade, one: Delivery, gtin: str, today: list[Delivery]) -> Delivery | None:
    return next(
        (
            other
            for other in today
            if other.site != one.site
            and other.warehouse == one.warehouse
            and other.named == other.despatch
            and trade.is_free(other.site, gtin)
            and not other.vanishes
        ),
        None,
    )
