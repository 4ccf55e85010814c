"""The trade of the whole brand, day by day: what people and tills do, and when. Pure; the caller carries the papers out and sends the journals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import msgspec

from central.rehearsal.journal import Journal
from central.rehearsal.kinds import Fault, Kind, span
from central.rehearsal.papers import EndCount, Paper, Part, Prices, Register, StartCount
from central.rehearsal.retail import Retail
from central.rehearsal.scoring import Dark, Expected, Planted
from central.rehearsal.shop import MINUTE_US, UNIT, Shop, decimal
from central.rehearsal.world import DELIVERY_EVERY_DAYS, Site, World
from protocol.events import CountedLine, GoodsLine, GoodsReceived, StockCounted

DAY_US = 24 * 60 * MINUTE_US
STOCK_DAYS = 28
SUPPLY = 400 * UNIT
SUPPLY_CODED = 300
COUNT_EVERY_DAYS = 120
MOVES_AFTER_DAYS = 3
PRICES_EVERY_DAYS = 10
PRICES_AT_ONCE = 12


class Trade:
    """Everything that changes. ``planted`` and ``dark`` grow as faults happen."""

    def __init__(
        self,
        seed: int,
        world: World,
        retail: Retail,
        *,
        days: int,
        faults: Iterable[Fault],
        first_midnight: datetime,
    ) -> None:
        self.seed, self.world, self.rhythm, self.days = seed, world, retail.rhythm, days
        self.first_midnight = first_midnight
        self.prices = {one.gtin: one.price_minor for one in world.goods}
        self.earlier_prices: dict[str, int] = {}
        self.shops = {site.site: Shop(site, self.prices) for site in world.shops}
        self.sites = {site.site: site for site in world.sites}
        self.journals = {
            till: Journal(till, self.new_id(f"epoch/{till}"), self.at_us(0, 0))
            for site in world.sites
            for till in site.tills
        }
        self.waiting: dict[str, list[Fault]] = {}
        for fault in faults:
            self.waiting.setdefault(fault.site, []).append(fault)
        self.planted: list[Planted] = []
        self.dark: list[Dark] = []
        self.busy: set[tuple[str, str]] = set()
        self.pool: dict[tuple[str, str], list[str]] = {}
        self.stocked: dict[tuple[str, str], int] = {}
        self.dark_until: dict[str, int] = {}
        self._serial = 0
        self._later: dict[int, list[Callable[[], None]]] = {}

    def new_id(self, name: str) -> str:
        """A UUID that follows from the seed."""
        return str(UUID(int=Random(f"{self.seed}/{name}").getrandbits(128), version=4))  # noqa: S311 - invented trade, no secret

    def chance(self, name: str) -> Random:
        """Chance of its own for everything that has a name, so that one thing more changes nothing else."""
        return Random(f"{self.seed}/{name}")  # noqa: S311 - invented trade, no secret

    def midnight(self, day: int) -> datetime:
        """When a day begins."""
        return self.first_midnight + timedelta(days=day)

    def at_us(self, day: int, minute: int) -> int:
        """A minute of a day in UTC microseconds."""
        return int(self.midnight(day).timestamp()) * 1_000_000 + minute * MINUTE_US

    def due(self, site: str, day: int, kinds: Iterable[Kind]) -> list[Fault]:
        """The faults of these kinds that wait at a site for their occasion."""
        wanted = set(kinds)
        return [
            one
            for one in self.waiting.get(site, ())
            if one.kind in wanted and one.day <= day <= span(one.kind, self.days)[1] + MOVES_AFTER_DAYS
        ]

    def move_on(self, day: int) -> None:
        """Faults that have found no occasion where they were to happen happen somewhere else, if they can."""
        chance = self.chance(f"moves/{day}")
        names = list(self.shops)
        for site in names:
            stuck = [one for one in self.waiting.get(site, ()) if day - one.day >= MOVES_AFTER_DAYS]
            for fault in stuck:
                self.waiting[site].remove(fault)
                to = chance.choice(names)
                self.waiting.setdefault(to, []).append(msgspec.structs.replace(fault, site=to))

    def plant(
        self,
        fault: Fault,
        day: int,
        expected: Iterable[Expected],
        links: Iterable[tuple[str, str]],
        busy: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Note that a fault has happened."""
        self.waiting[fault.site].remove(fault)
        self.busy.update(busy)
        self.planted.append(
            Planted(
                number=fault.number,
                kind=fault.kind,
                day=day,
                expected=tuple(expected),
                links=frozenset(links),
            )
        )

    def later(self, day: int, what: Callable[[], None]) -> None:
        """Let something happen in the evening of a later day."""
        self._later.setdefault(day, []).append(what)

    def happen(self, day: int) -> None:
        """What was to happen today."""
        for what in self._later.pop(day, ()):
            what()

    def is_free(self, site: str, gtin: str) -> bool:
        """Whether nothing has happened to a product at a site yet."""
        return (site, gtin) not in self.busy

    # the morning ------------------------------------------------------------------------------------------------------

    def open_books(self) -> list[Paper]:
        """The first morning: what lies on every shelf."""
        papers: list[Paper] = []
        for shop in self.shops.values():
            lines = []
            for goods in shop.site.goods:
                quantity = self.target(shop.site, goods.gtin) * UNIT
                shop.shelf[goods.gtin] = shop.books[goods.gtin] = quantity
                lines.append(GoodsLine(gtin=goods.gtin, quantity=decimal(quantity)))
                if goods.coded:
                    serials = self._serials(quantity // UNIT)
                    shop.codes[goods.gtin] = [f"01{goods.gtin}21{one}" for one in serials]
                    papers.append(
                        Register(site=shop.site.site, gtin=goods.gtin, serials=serials, batch="opening")
                    )
            self.receive_from_supplier(shop.site, f"opening-{shop.site.site}", lines, 0)
        return papers

    def target(self, site: Site, gtin: str) -> int:
        """How many units a shop keeps of a product."""
        number = next(place for place, one in enumerate(site.goods) if one.gtin == gtin)
        a_day = site.lines_a_day * site.shares[number] * 1.4
        return int(a_day * (STOCK_DAYS + DELIVERY_EVERY_DAYS)) + 6

    def receive_from_supplier(self, site: Site, name: str, lines: Iterable[GoodsLine], day: int) -> None:
        """Goods without a despatch."""
        body = GoodsReceived(receipt_advice_id=name, lines=tuple(lines))
        self.journals[site.tills[0]].add(body, self.at_us(day, 6 * 60))

    def provide(self, warehouse: str, gtin: str, quantity: int, day: int, *, coded: bool) -> list[Register]:
        """Make sure that a warehouse has so much of a product; what must be registered for it."""
        key = warehouse, gtin
        if self.stocked.get(key, 0) >= quantity:
            return []
        more = SUPPLY_CODED * UNIT if coded else max(SUPPLY, 10 * quantity)
        self.stocked[key] = self.stocked.get(key, 0) + more
        lines = [GoodsLine(gtin=gtin, quantity=decimal(more))]
        self.receive_from_supplier(self.sites[warehouse], f"supply-{warehouse}-{gtin}-{day}", lines, day)
        if not coded:
            return []
        serials = self._serials(SUPPLY_CODED)
        self.pool.setdefault(key, []).extend(f"01{gtin}21{one}" for one in serials)
        return [Register(site=warehouse, gtin=gtin, serials=serials, batch=f"B{day}")]

    def _serials(self, count: int) -> tuple[str, ...]:
        first, self._serial = self._serial + 1, self._serial + count
        return tuple(f"{number:010d}" for number in range(first, self._serial + 1))

    def load(self, warehouse: str, gtin: str, quantity: int, *, coded: bool) -> Part:
        """Take goods from a warehouse that has them."""
        self.stocked[warehouse, gtin] -= quantity
        pool = self.pool.get((warehouse, gtin), [])
        items = tuple(pool.pop() for _ in range(quantity // UNIT)) if coded else ()
        return Part(gtin=gtin, quantity=quantity, items=items)

    def change_prices(self, day: int) -> list[Prices]:
        """Some prices go up or down."""
        if day == 0 or day % PRICES_EVERY_DAYS:
            return []
        chance = self.chance(f"prices/{day}")
        rows = []
        for goods in chance.sample(self.world.goods, min(PRICES_AT_ONCE * 4, len(self.world.goods))):
            before = self.prices[goods.gtin]
            after = max(10, round(before * chance.choice((0.85, 0.9, 0.95, 1.05, 1.1, 1.2))))
            if after != before:
                self.earlier_prices[goods.gtin] = before
                self.prices[goods.gtin] = after
                rows.append((goods.gtin, after))
        return [Prices(tuple(rows))]

    # stocktakes -------------------------------------------------------------------------------------------------------

    def counted_on(self, site: Site) -> list[int]:
        """The days on which a shop is counted: the last a few days before the end."""
        last = self.days - 4 - int(site.site[1:]) % 5
        return sorted(range(last, 12, -COUNT_EVERY_DAYS))

    def is_counted(self, site: Site, day: int) -> bool:
        """Whether a shop is counted today; not while a till of it is silent."""
        return day in self.counted_on(site) and not self.is_dark(site, day)

    def is_dark(self, site: Site, day: int) -> bool:
        """Whether a till of a site is not heard."""
        return any(self.dark_until.get(till, -1) >= day for till in site.tills)

    def start_counts(self, day: int) -> list[StartCount]:
        """The stocktakes of today."""
        return [
            StartCount(site.site, f"count-{site.site}-{day}")
            for site in self.world.shops
            if self.is_counted(site, day)
        ]

    def count(self, day: int) -> list[EndCount]:
        """After closing time: everything on the shelves is counted, and the books are brought to it."""
        done = []
        for name, shop in self.shops.items():
            if not self.is_counted(shop.site, day):
                continue
            at_us = self.at_us(day, 21 * 60 + 40)
            gtins = sorted(
                {gtin for gtin, quantity in (shop.shelf | shop.books).items() if quantity} | shop.goods.keys()
            )
            stocktake = f"count-{name}-{day}"
            lines = tuple(
                CountedLine(
                    gtin=gtin,
                    quantity=decimal(shop.shelf.get(gtin, 0)),
                    counted_at_us=at_us,
                    items=tuple(shop.codes.get(gtin, ())),
                )
                for gtin in gtins
            )
            body = StockCounted(
                count_id=f"{stocktake}-1", stocktake_id=stocktake, area="shop", lines=lines, complete=True
            )
            self.journals[shop.site.tills[0]].add(body, at_us)
            shop.books = dict(shop.shelf)
            shop.hidden.clear()
            done.append(EndCount(name, stocktake))
        return done


def expect(name: str, site: str, about: str, *causes: str, closes: bool = False) -> Expected:
    """A case that must be found."""
    return Expected(discrepancy_class=name, site=site, about=about, causes=causes, closes=closes)
