"""A stocktake as tests drive it: counters that count and sell, decisions over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from central.reconciliation import rebuild, zero_sum
from protocol.events import CountedLine, Sale, SaleLine, StockCounted
from protocol.feeds import Feed, StocktakeHere
from tests.integration.api.world import NOW, TEA, WATCH, WATER, World

HOUR = timedelta(hours=1)
T0 = NOW - 8 * HOUR
"""When the shop opened."""


def us(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def line(gtin: str, quantity: int | str, at: datetime, *items: str) -> CountedLine:
    return CountedLine(gtin=gtin, quantity=Decimal(quantity), counted_at_us=us(at), items=items)


class Stocktaking:
    """A stocktake at a site, with its counters."""

    def __init__(self, world: World, site: str, **asked: Any) -> None:
        self.world, self.site, self.number = world, site, 0
        self.counters = [world.counter(site), world.counter(site)]
        body = {"site": site, "name": "year's end", **asked}
        self.id = world.post("/v1/stocktakes", body)["stocktake_id"]
        self.path = f"/v1/stocktakes/{site}/{self.id}"

    def count(
        self,
        *lines: CountedLine,
        at: datetime,
        area: str = "shelf",
        number: int = 1,
        by: int = 0,
        complete: bool = False,
    ) -> None:
        """One area is counted; the event is written at its end."""
        self.number += 1
        count = StockCounted(
            count_id=f"c{self.number}",
            stocktake_id=self.id,
            area=area,
            lines=lines,
            round=number,
            complete=complete,
        )
        self.counters[by].report(count, at=at)

    def sell(self, gtin: str, quantity: int, at: datetime, by: int = 1) -> None:
        sold = SaleLine(gtin=gtin, quantity=Decimal(quantity), amount_minor=250 * quantity)
        self.number += 1
        sale = Sale(sale_id=f"s{self.number}", receipt=f"1-{self.number}", currency="CNY", lines=(sold,))
        self.counters[by].report(sale, at=at)

    def do(
        self, action: str, caller: str = "boss", expected: int | None = None, **body: Any
    ) -> dict[str, Any]:
        return dict(self.world.post(f"{self.path}/{action}", body, caller, expected=expected))

    def lines(self, caller: str = "boss") -> dict[str, dict[str, Any]]:
        found = self.world.get(f"{self.path}/lines", caller, params={"limit": 1000})["items"]
        return {one["gtin"]: one for one in found}

    def variances(self) -> dict[str, Decimal]:
        return {gtin: Decimal(one["variance"]) for gtin, one in self.lines().items()}

    def feed(self) -> StocktakeHere | None:
        with self.world.database.transaction() as connection:
            row = connection.execute(
                "SELECT body FROM feed_rows WHERE feed = %s AND scope = %s AND key = %s AND body IS NOT NULL",
                (Feed.STOCKTAKES, self.site, self.id),
            ).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=StocktakeHere)

    def cases(self, name: str = "stocktake_variance", state: str | None = None) -> list[dict[str, Any]]:
        found = self.world.get("/v1/discrepancies", params={"class": name, "site": self.site})["items"]
        return [one for one in found if state is None or one["state"] == state]

    def assert_books_hold(self) -> None:
        with self.world.database.transaction() as connection:
            assert rebuild(connection) == []
            assert zero_sum(connection) == {}

    def book_all(self) -> None:
        self.do("close-counting", recount=False)
        self.do("approve", reason="as counted")
        self.do("book")


def stocked(world: World, site: str, **quantities: int) -> None:
    """Stock that was there before anybody counted."""
    names = {"water": WATER, "tea": TEA, "watch": WATCH}
    lines = [{"gtin": names[name], "quantity": quantity} for name, quantity in quantities.items()]
    body = {
        "document": f"opening-{site}-{'-'.join(quantities)}", "kind": "opening", "site": site, "lines": lines,
        "event_time": (T0 - HOUR).isoformat(),
    }  # fmt: skip
    world.post("/v1/movements", body)
