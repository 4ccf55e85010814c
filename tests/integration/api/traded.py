"""A store with goods that have a cost, and what it sells: for the tests of statements."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from protocol.events import Payment, Sale, SaleLine
from tests.integration.api.world import NOW, TEA, WATER, Counter, World

TODAY, YESTERDAY = "2026-03-02", "2026-03-01"
DAY = timedelta(days=1)
TOMORROW = NOW + DAY


def cost(world: World, gtin: str, cost_minor: int, currency: str = "CNY") -> None:
    world.database.run(
        lambda connection: connection.execute(
            "INSERT INTO costs (gtin, currency, valid_from, cost_minor) VALUES (%s, %s, '2020-01-01', %s)",
            (gtin, currency, cost_minor),
        )
    )


def sell(counter: Counter, *, days_ago: int = 0, quantity: int = 1, gtin: str = WATER) -> None:
    line = SaleLine(gtin=gtin, quantity=Decimal(quantity), amount_minor=250 * quantity)
    counter.report(
        Sale(
            sale_id=f"{counter.agent}-{counter.seq}", receipt=f"1-{counter.seq}", currency="CNY", lines=(line,),
            payments=(Payment(method="cash", amount_minor=250 * quantity),),
        ),
        at=NOW - days_ago * DAY,
    )  # fmt: skip


def store(world: World) -> Counter:
    """A counter of the brand's own store, with goods that have a cost."""
    cost(world, WATER, 100)
    cost(world, TEA, 900)
    world.opening("S1", water=10, tea=5)
    return world.counter("S1")


def days_of_trade(counter: Counter) -> None:
    """Sales on some days of February and March."""
    for days_ago, gtin in ((40, WATER), (20, TEA), (20, WATER), (3, WATER), (1, TEA), (0, WATER)):
        sell(counter, days_ago=days_ago, gtin=gtin)


def span(**asked: str) -> dict[str, str]:
    return {"from": "2026-01-15", "to": TODAY, **asked}
