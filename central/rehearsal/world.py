"""The brand that rehearses: its tree of dealers and sites, their tills, and what each of them sells. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import msgspec

from central.rehearsal.retail import Goods, Retail

CURRENCY = "USD"
TIME_ZONE = "Asia/Shanghai"
"""One zone without summer time, eight hours before UTC."""
BRAND = "brand"
SITES_A_WAREHOUSE = 50
SITES_A_WHOLESALER = 12
OWN_STORES = 0.4
ORDERING = 0.25
CATALOGUE_CATEGORIES = 90
PRODUCTS_A_SITE = 48
CODED_A_SITE = 4
DELIVERY_EVERY_DAYS = 14


class Dealer(msgspec.Struct, frozen=True, kw_only=True):
    """A dealer; ``path`` names those above it."""

    dealer: str
    parent: str | None
    path: str


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A site. ``goods`` are what it sells with the ``shares`` of its lines; ``lines_a_day`` on an average day; ``orders``: it orders itself,
    else its warehouse sends by itself. ``fragile`` goods break now and then."""

    site: str
    kind: str
    dealer: Dealer
    warehouse: str
    tills: tuple[str, ...]
    latitude: float
    longitude: float
    goods: tuple[Goods, ...] = ()
    shares: tuple[float, ...] = ()
    lines_a_day: float = 0.0
    orders: bool = False
    delivery_day: int = 0
    fragile: tuple[str, ...] = ()

    @property
    def is_shop(self) -> bool:
        """Whether it sells."""
        return self.kind != "warehouse"


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that stands before the first day."""

    dealers: tuple[Dealer, ...]
    sites: tuple[Site, ...]
    goods: tuple[Goods, ...]

    @property
    def shops(self) -> list[Site]:
        """The sites that sell."""
        return [one for one in self.sites if one.is_shop]


def make(seed: int, count: int, lines_a_day: float, retail: Retail) -> World:
    """A world of ``count`` sites, warehouses among them, that sell ``lines_a_day`` lines each on average."""
    chance = Random(f"{seed}/world")  # noqa: S311 - invented trade, no secret
    brand = Dealer(dealer=BRAND, parent=None, path=f"{BRAND}/")
    dealers, sites = [brand], []
    warehouses = max(1, count // SITES_A_WAREHOUSE)
    for number in range(1, warehouses + 1):
        name = f"W{number:02d}"
        sites.append(
            Site(
                site=name, kind="warehouse", dealer=brand, warehouse=name, tills=(f"{name}-1",),
                latitude=30.0 + number, longitude=112.0 + number,
            )
        )  # fmt: skip
    kinds = _by_category(retail.goods)
    own = round((count - warehouses) * OWN_STORES)
    for number in range(1, count - warehouses + 1):
        dealer = brand
        if number > own:
            house = (number - own - 1) // SITES_A_WHOLESALER + 1
            above = Dealer(dealer=f"H{house:02d}", parent=BRAND, path=f"{BRAND}/H{house:02d}/")
            if above not in dealers:
                dealers.append(above)
            dealer = Dealer(dealer=f"D{number:03d}", parent=above.dealer, path=f"{above.path}D{number:03d}/")
            dealers.append(dealer)
        sites.append(_shop(chance, number, dealer, sites[number % warehouses].site, lines_a_day, kinds, own=number <= own))  # fmt: skip
    used = {one.gtin for site in sites for one in site.goods}
    return World(
        dealers=tuple(dealers),
        sites=tuple(sites),
        goods=tuple(one for one in retail.goods if one.gtin in used),
    )


def _shop(
    chance: Random,
    number: int,
    dealer: Dealer,
    warehouse: str,
    lines_a_day: float,
    kinds: Sequence[Sequence[Goods]],
    *,
    own: bool,
) -> Site:
    name = f"S{number:03d}"
    goods = _assortment(chance, kinds)
    weights = [one.popularity / (1 + rank) ** 0.6 for rank, one in enumerate(goods)]
    size = 0.5 + chance.random()
    return Site(
        site=name,
        kind="store" if own else "dealer",
        dealer=dealer,
        warehouse=warehouse,
        tills=tuple(f"{name}-{lane}" for lane in range(1, 2 + (size > 0.75) + (size > 1.25))),
        latitude=round(23.0 + 17.0 * chance.random(), 4),
        longitude=round(100.0 + 20.0 * chance.random(), 4),
        goods=goods,
        shares=tuple(weight / sum(weights) for weight in weights),
        lines_a_day=lines_a_day * size,
        orders=not own and chance.random() < ORDERING,
        delivery_day=chance.randrange(DELIVERY_EVERY_DAYS),
        fragile=tuple(
            one.gtin for one in chance.sample([one for one in goods if not one.coded and not one.weighed], 3)
        ),
    )


def _by_category(goods: Sequence[Goods]) -> list[list[Goods]]:
    kinds: dict[str, list[Goods]] = {}
    for one in goods:
        kinds.setdefault(one.category, []).append(one)
    fit = [some[:8] for some in kinds.values() if len(some) >= 3]
    return sorted(fit, key=lambda some: -sum(one.popularity for one in some))[:CATALOGUE_CATEGORIES]


def _assortment(chance: Random, kinds: Sequence[Sequence[Goods]]) -> tuple[Goods, ...]:
    """Three of each of some categories, among them coded ones."""
    found: dict[str, Goods] = {}
    coded = [one for some in kinds for one in some if one.coded]
    for one in chance.sample(coded, CODED_A_SITE):
        found[one.gtin] = one
    for some in chance.sample(list(kinds), len(kinds)):
        plain = [one for one in some if not one.coded]
        if len(plain) >= 3:
            for one in chance.sample(plain, 3):
                found[one.gtin] = one
        if len(found) >= PRODUCTS_A_SITE:
            break
    return tuple(sorted(found.values(), key=lambda one: (-one.popularity, one.gtin)))
