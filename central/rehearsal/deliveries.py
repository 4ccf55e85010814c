"""What goes from warehouses to shops, and what is charged for it. Pure."""

from __future__ import annotations

import msgspec

from central.discrepancies.rules import DiscrepancyClass as Class
from central.rehearsal.delivery_mishaps import OF_A_LINE, WHOLE, spoil_line, spoil_whole
from central.rehearsal.kinds import Kind
from central.rehearsal.papers import NEVER, Bill, Delivery, Paper, Part, Send
from central.rehearsal.shop import UNIT, Shop, decimal
from central.rehearsal.trade import Trade, expect
from central.rehearsal.world import CURRENCY, DELIVERY_EVERY_DAYS
from protocol.events import GoodsLine, GoodsReceived, OrderLine, OrderSubmitted

GIVEN_UP_DAYS = 14
"""What has not come by then is ordered again."""
DELIVERED_AT = 9 * 60
OF_AN_INVOICE = (
    Kind.INVOICED_TOO_MUCH,
    Kind.INVOICED_WRONG_PRICE,
    Kind.INVOICED_TWICE,
    Kind.INVOICED_UNORDERED,
)


class Van:
    """All deliveries of a trade."""

    def __init__(self, trade: Trade) -> None:
        self.trade = trade
        self.under_way: list[Delivery] = []
        self.ordered: dict[str, dict[str, int]] = {}
        self.to_bill: list[tuple[int, Delivery]] = []

    def order(self, day: int) -> None:
        """In the evening, shops that order themselves write what they want tomorrow."""
        for name, shop in self.trade.shops.items():
            if not shop.site.orders or (day + 1) % DELIVERY_EVERY_DAYS != shop.site.delivery_day or day < 3:
                continue
            if self.trade.is_dark(shop.site, day) or day + 1 > self.trade.days - 5:
                continue
            wanted = self._wanted(shop)
            if not wanted:
                continue
            order = f"order-{name}-{day}"
            self.ordered[name] = wanted
            lines = tuple(
                OrderLine(line=number, gtin=gtin, quantity=decimal(quantity), price_minor=shop.goods[gtin].cost_minor)
                for number, (gtin, quantity) in enumerate(wanted.items(), 1)
            )  # fmt: skip
            body = OrderSubmitted(order_id=order, number=order, lines=lines, currency=CURRENCY)
            self.trade.journals[shop.site.tills[0]].add(body, self.trade.at_us(day, 21 * 60 + 30))

    def send(self, day: int) -> list[Paper]:
        """In the morning, warehouses send what shops lack; registrations come first."""
        first: list[Paper] = []
        sends: list[Paper] = []
        for name, shop in self.trade.shops.items():
            if day % DELIVERY_EVERY_DAYS != shop.site.delivery_day or day < 3 or day > self.trade.days - 5:
                continue
            if shop.site.orders:
                wanted, order = self.ordered.pop(name, {}), f"order-{name}-{day - 1}"
            else:
                wanted, order = self._wanted(shop), None
            if not wanted:
                continue
            warehouse = shop.site.warehouse
            for gtin, quantity in wanted.items():
                first += self.trade.provide(warehouse, gtin, quantity, day, coded=shop.goods[gtin].coded)
            parts = tuple(
                self.trade.load(warehouse, gtin, quantity, coded=shop.goods[gtin].coded)
                for gtin, quantity in wanted.items()
            )
            despatch = f"despatch-{name}-{day}"
            sends.append(Send(from_site=warehouse, to_site=name, despatch=despatch, parts=parts, order=order))
            self.under_way.append(
                Delivery(
                    site=name, warehouse=warehouse, despatch=despatch, arrives=day + 1 + int(name[1:]) % 2, sent=parts,
                    there={one.gtin: _copy(one) for one in parts}, counted={one.gtin: _copy(one) for one in parts},
                    named=despatch, order=order,
                )
            )  # fmt: skip
        return [*first, *sends]

    def arrive(self, day: int) -> None:
        """Vans come in: what is on them goes on the shelves, and what the clerks count into the books."""
        today = [one for one in self.under_way if one.arrives == day]
        late = [one for one in self.under_way if one.told_on == day]
        for one in today:
            for fault in self.trade.due(one.site, day, OF_A_LINE):
                spoil_line(self.trade, one, fault, day, today)
            for fault in self.trade.due(one.site, day, WHOLE)[:1]:
                spoil_whole(self.trade, one, fault, day)
        for one in today:
            if not one.vanishes:
                self._unload(one)
        for one in (*(one for one in today if not one.vanishes and one.told_on is None), *late):
            self._receive(one, day)
        self.under_way = [
            one
            for one in self.under_way
            if (one.told_on or one.arrives) > day
            or (self._is_lost(one) and day - one.arrives < GIVEN_UP_DAYS)
        ]

    def _is_lost(self, one: Delivery) -> bool:
        return one.vanishes or one.told_on == NEVER

    def bill(self, day: int) -> list[Paper]:
        """Invoices over what was ordered and has come."""
        papers: list[Paper] = []
        for _, one in [pair for pair in self.to_bill if pair[0] == day]:
            shop = self.trade.shops[one.site]
            lines = [
                (gtin, part.quantity, shop.goods[gtin].cost_minor)
                for gtin, part in one.counted.items()
                if gtin in {sent.gtin for sent in one.sent}
            ]
            sent = {part.gtin: part.quantity for part in one.sent}
            lines = [(gtin, min(quantity, sent[gtin]), price) for gtin, quantity, price in lines if quantity]
            papers += self._bills(one, lines, day)
        self.to_bill = [pair for pair in self.to_bill if pair[0] > day]
        return papers

    def _bills(self, one: Delivery, lines: list[tuple[str, int, int]], day: int) -> list[Paper]:
        assert one.order is not None
        invoice = f"invoice-{one.order}"
        plain = Bill(site=one.site, from_site=one.warehouse, invoice=invoice, order=one.order, lines=tuple(lines))  # fmt: skip
        due = self.trade.due(one.site, day, OF_AN_INVOICE)
        if not due or not lines:
            return [plain] if lines else []
        fault, chance = due[0], self.trade.chance(f"fault/{due[0].number}")
        number = chance.randrange(len(lines))
        gtin, quantity, price = lines[number]
        bills: list[Paper] = [plain]
        match fault.kind:
            case Kind.INVOICED_TOO_MUCH:
                lines[number] = gtin, quantity + 2 * UNIT, price
                cause = "invoiced_beyond_received"
            case Kind.INVOICED_WRONG_PRICE:
                lines[number] = gtin, quantity, price + max(5, price // 10)
                cause = "price_differs"
            case Kind.INVOICED_UNORDERED:
                there = {one for one, _, _ in lines} | {part.gtin for part in one.sent}
                shop = self.trade.shops[one.site]
                gtin = next(other for other in shop.goods if other not in there)
                lines.append((gtin, 3 * UNIT, shop.goods[gtin].cost_minor))
                cause = "never_ordered"
            case _:
                bills.append(msgspec.structs.replace(plain, invoice=f"{invoice}-again"))
                invoice, cause = f"{invoice}-again", "invoiced_twice"
        bills[0] = msgspec.structs.replace(plain, lines=tuple(lines))
        self.trade.plant(
            fault, day, [expect(Class.THREE_WAY_MATCH, one.site, f"{invoice}/{cause}/{gtin}", cause)], [(one.site, invoice)]
        )  # fmt: skip
        return bills

    def _wanted(self, shop: Shop) -> dict[str, int]:
        coming: dict[str, int] = {}
        for one in self.under_way:
            if one.site == shop.site.site:
                for part in one.sent:
                    coming[part.gtin] = coming.get(part.gtin, 0) + part.quantity
        wanted = {}
        for goods in shop.site.goods:
            target = self.trade.target(shop.site, goods.gtin)
            lacking = target - (shop.books.get(goods.gtin, 0) + coming.get(goods.gtin, 0)) // UNIT
            if lacking >= max(4, target // 5):
                wanted[goods.gtin] = lacking * UNIT
        return wanted

    def _unload(self, one: Delivery) -> None:
        shop = self.trade.shops[one.site]
        for part in one.there.values():
            shop.shelf[part.gtin] = shop.shelf.get(part.gtin, 0) + part.quantity
            if part.items:
                shop.codes.setdefault(part.gtin, []).extend(part.items)

    def _receive(self, one: Delivery, day: int) -> None:
        shop = self.trade.shops[one.site]
        lines = tuple(
            GoodsLine(gtin=part.gtin, quantity=decimal(part.quantity), items=part.items)
            for part in one.counted.values()
            if part.quantity
        )
        for part in one.counted.values():
            shop.books[part.gtin] = shop.books.get(part.gtin, 0) + part.quantity
        name = f"receipt-{one.despatch}"
        body = GoodsReceived(receipt_advice_id=name, lines=lines, despatch_id=one.named, order_id=one.order)
        self.trade.journals[shop.site.tills[0]].add(body, self.trade.at_us(day, DELIVERED_AT))
        if one.order is not None and one.named == one.despatch:
            self.to_bill.append((day + 2, one))


def _copy(part: Part) -> Part:
    return Part(gtin=part.gtin, quantity=part.quantity, items=part.items)
