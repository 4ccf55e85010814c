"""A shop on its days: what lies on its shelves, what its books say, what its tills ring up. Pure; chance comes from the seed.

Shelves and books are in thousandths of a unit. Without a fault the two are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from itertools import accumulate
from random import Random

from central.rehearsal.journal import Journal
from central.rehearsal.retail import Goods, Rhythm
from central.rehearsal.world import CURRENCY, Site
from protocol.events import (
    Body,
    CashMoved,
    GoodsLine,
    Payment,
    PriceOverridden,
    Sale,
    SaleLine,
    SaleReturned,
    SaleVoided,
    ShiftClosed,
    ShiftOpened,
    StockAdjusted,
)

UNIT = 1000
FLOAT_MINOR = 15_000
MINUTE_US = 60_000_000
OPENS, CLOSES = 8 * 60, 21 * 60 + 15
VOIDS, RETURNS, CASH_DROPS, DAMAGES, OVERRIDES = 0.01, 0.008, 0.15, 0.09, 0.004
NOTES = (500, 1000, 2000, 5000, 10_000)


@cache
def decimal(quantity: int) -> Decimal:
    """Thousandths as the decimal that goes over the wire."""
    return Decimal(quantity // UNIT) if quantity % UNIT == 0 else Decimal(quantity).scaleb(-3).normalize()


class Drawer:
    """A till during one shift: its journal, and the money in it."""

    def __init__(self, journal: Journal, day: int, midnight_us: int) -> None:
        self.journal, self.midnight_us = journal, midnight_us
        self.shift = f"{journal.agent}-{day}"
        self.number = str(day)
        self.taken: dict[str, int] = {"cash": 0, "card": 0, "wallet": 0}
        self.moved = self.sales = self.voids = self.returns = self.receipts = 0
        self.cash: list[tuple[int, int]] = []
        self.counted_off: dict[str, int] = {}
        self.sealed_too_much = 0
        self.is_left_open = False
        opened = ShiftOpened(
            shift_id=self.shift, number=self.number, currency=CURRENCY, float_minor=FLOAT_MINOR
        )
        self.first_seq = self.tell(opened, OPENS - 20)

    def tell(self, body: Body, minute: int) -> int:
        """Accept a fact at a minute of the day."""
        return self.journal.add(body, self.midnight_us + minute * MINUTE_US)

    def ring(self, chance: Random, minute: int, *lines: SaleLine) -> Sale:
        """Sell these lines."""
        self.receipts += 1
        self.sales += 1
        name = f"{self.shift}-{self.receipts}"
        amount = sum(line.amount_minor for line in lines)
        draw = chance.random()
        method = "cash" if draw < 0.35 else "card" if draw < 0.85 else "wallet"
        paid = Payment(method=method, amount_minor=amount)
        if method == "cash":
            note = chance.choice(NOTES)
            tendered = -(-amount // note) * note
            self.cash.append((amount, tendered - amount))
            if tendered > amount:
                paid = Payment(method=method, amount_minor=amount, tendered_minor=tendered)
        self.taken[method] += amount
        sale = Sale(sale_id=name, receipt=name, currency=CURRENCY, lines=lines, payments=(paid,))
        self.tell(sale, minute)
        return sale

    def give_back(self, sale: Sale, minute: int) -> None:
        """Void a sale of this shift."""
        self.voids += 1
        paid = sale.payments[0]
        self.taken[paid.method] -= paid.amount_minor
        self.tell(
            SaleVoided(
                void_id=f"v-{sale.sale_id}", sale_id=sale.sale_id, receipt=sale.receipt, currency=CURRENCY,
                lines=sale.lines, reason="changed mind",
            ),
            minute,
        )  # fmt: skip

    def close(self) -> None:
        """Count the drawer."""
        if self.is_left_open:
            return
        extra = self.sealed_too_much
        taken = {**self.taken, "cash": self.taken["cash"] + extra}
        expected = {**taken, "cash": FLOAT_MINOR + taken["cash"] + self.moved}
        counted = {method: amount + self.counted_off.get(method, 0) for method, amount in expected.items()}
        self.tell(
            ShiftClosed(
                shift_id=self.shift, number=self.number, currency=CURRENCY, first_seq=self.first_seq,
                sales=self.sales + (extra > 0), voids=self.voids, returns=self.returns,
                counted=_payments(counted), expected=_payments(expected), taken=_payments(taken),
            ),
            CLOSES + 10,
        )  # fmt: skip


def _payments(sums: Mapping[str, int]) -> tuple[Payment, ...]:
    return tuple(Payment(method=method, amount_minor=amount) for method, amount in sums.items())


class Shop:
    """One shop. ``shelf`` is what is there, ``books`` what central must say of it, ``codes`` the coded items on the shelf."""

    def __init__(self, site: Site, prices: Mapping[str, int]) -> None:
        self.site, self.prices = site, prices
        self.goods: dict[str, Goods] = {one.gtin: one for one in site.goods}
        self.shelf: dict[str, int] = {}
        self.books: dict[str, int] = {}
        self.codes: dict[str, list[str]] = {}
        self.damaged: dict[str, list[int]] = {}
        self.hidden: set[str] = set()
        self.drawers: list[Drawer] = []
        self._weights = list(accumulate(site.shares))
        self._last_sold: list[tuple[Sale, SaleLine]] = []

    def line(
        self, gtin: str, quantity: int, *, discount: float = 0.0, price_minor: int | None = None
    ) -> SaleLine:
        """A line at today's price, or another; coded goods with the code that is next on the shelf."""
        price = self.prices[gtin] if price_minor is None else price_minor
        gross = (price * quantity + UNIT // 2) // UNIT
        off = int(gross * discount)
        codes = self.codes.get(gtin)
        return SaleLine(
            gtin=gtin,
            quantity=decimal(quantity),
            amount_minor=gross - off,
            discount_minor=off,
            item=codes[-1] if codes else None,
        )

    def take(self, line: SaleLine) -> None:
        """The goods of a line leave shelf and books."""
        quantity = int(line.quantity * UNIT)
        self.shelf[line.gtin] -= quantity
        self.books[line.gtin] -= quantity
        if line.item is not None:
            self.codes[line.gtin].remove(line.item)

    def put_back(self, line: SaleLine) -> None:
        """They come back."""
        quantity = int(line.quantity * UNIT)
        self.shelf[line.gtin] += quantity
        self.books[line.gtin] += quantity
        if line.item is not None:
            self.codes[line.gtin].append(line.item)

    def open_day(self, day: int, midnight_us: int, journals: Mapping[str, Journal]) -> None:
        """Its tills are taken over."""
        self.drawers = [Drawer(journals[till], day, midnight_us) for till in self.site.tills]

    def sell(self, chance: Random, day: int, rhythm: Rhythm, busyness: float) -> None:
        """The customers of a day; what breaks; what the clerks do besides."""
        mean = sum(rhythm.baskets) / len(rhythm.baskets)
        expected = self.site.lines_a_day * busyness / mean
        count = max(0, round(chance.gauss(expected, expected**0.5)))
        minutes = sorted(one for one in chance.choices(rhythm.minutes, k=count) if OPENS <= one < CLOSES)
        for minute in minutes:
            self._serve(chance, chance.choice(self.drawers), minute, rhythm)
        if chance.random() < DAMAGES:
            self._break(chance, day)

    def _serve(self, chance: Random, drawer: Drawer, minute: int, rhythm: Rhythm) -> None:
        lines = []
        for goods in chance.choices(self.site.goods, cum_weights=self._weights, k=chance.choice(rhythm.baskets)):  # fmt: skip
            quantity = self._quantity(chance, goods, rhythm)
            gtin = goods.gtin
            if gtin in self.hidden or self.shelf.get(gtin, 0) < quantity or (goods.coded and not self.codes.get(gtin)):  # fmt: skip
                continue
            line = self.line(gtin, quantity, discount=chance.choice(rhythm.discounts))
            if chance.random() < OVERRIDES and not goods.coded and quantity:
                line = self._override(drawer, gtin, quantity, minute)
            self.take(line)
            lines.append(line)
        if not lines:
            return
        sale = drawer.ring(chance, minute, *lines)
        if chance.random() < VOIDS:
            drawer.give_back(sale, minute + 1)
            for line in sale.lines:
                self.put_back(line)
        elif sale.lines[0].quantity and chance.random() < 0.05:
            self._last_sold = [*self._last_sold[-20:], (sale, sale.lines[0])]
        if self._last_sold and chance.random() < RETURNS:
            self._return(chance, drawer, minute + 1)
        if chance.random() < CASH_DROPS / 10:
            amount = -5000
            drawer.moved += amount
            name = f"{drawer.shift}-m{drawer.receipts}"
            drawer.tell(
                CashMoved(cash_move_id=name, currency=CURRENCY, amount_minor=amount, reason="safe drop", shift_id=drawer.shift),
                minute + 1,
            )  # fmt: skip

    def _quantity(self, chance: Random, goods: Goods, rhythm: Rhythm) -> int:
        if goods.coded:
            return UNIT
        if goods.weighed:
            return chance.randint(150, 2400)
        return chance.choice(rhythm.quantities) * UNIT

    def _override(self, drawer: Drawer, gtin: str, quantity: int, minute: int) -> SaleLine:
        price, name = self.prices[gtin] * 9 // 10, f"o-{drawer.shift}-{drawer.receipts}-{gtin}"
        drawer.tell(
            PriceOverridden(
                override_id=name, gtin=gtin, currency=CURRENCY, list_price_minor=self.prices[gtin],
                price_minor=price, reason="packaging damaged",
            ),
            minute,
        )  # fmt: skip
        plain = self.line(gtin, quantity, price_minor=price)
        return SaleLine(gtin=gtin, quantity=plain.quantity, amount_minor=plain.amount_minor, override_id=name)

    def _return(self, chance: Random, drawer: Drawer, minute: int) -> None:
        sale, line = self._last_sold.pop(chance.randrange(len(self._last_sold)))
        drawer.returns += 1
        drawer.taken["cash"] -= line.amount_minor
        name = f"r-{sale.sale_id}"
        restock = chance.random() < 0.7
        drawer.tell(
            SaleReturned(
                return_id=name, receipt=name, currency=CURRENCY, lines=(line,), sale_id=sale.sale_id,
                disposition="restock" if restock else "quarantine", reason="did not like it",
                refunds=(Payment(method="cash", amount_minor=line.amount_minor),),
            ),
            minute,
        )  # fmt: skip
        if restock:
            self.put_back(line)

    def _break(self, chance: Random, day: int) -> None:
        gtin = chance.choice(self.site.fragile)
        if self.shelf.get(gtin, 0) < 2 * UNIT or gtin in self.hidden:
            return
        self.shelf[gtin] -= UNIT
        self.books[gtin] -= UNIT
        self.damaged.setdefault(gtin, []).append(day)
        drawer = self.drawers[0]
        lines = (GoodsLine(gtin=gtin, quantity=Decimal(-1)),)
        drawer.tell(
            StockAdjusted(adjustment_id=f"a-{drawer.shift}-{gtin}", lines=lines, reason="damage"), CLOSES - 5
        )
