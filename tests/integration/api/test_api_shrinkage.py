"""What corrections took away, by site and by product, against what was sold."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from protocol.events import CountedLine, GoodsLine, Sale, SaleLine, StockAdjusted, StockCounted
from tests.integration.api.world import FOREIGN, NOW, TEA, WATER, Counter, World

DAY = NOW.date().isoformat()
RANGE = {"from": DAY, "to": DAY}


def count(world: World, counter: Counter, **found: int) -> None:
    """A stocktake of these products, booked."""
    gtins = {"water": WATER, "tea": TEA}
    body = {"site": counter.site, "name": "count", "gtins": [gtins[name] for name in found]}
    path = f"/v1/stocktakes/{counter.site}/{world.post('/v1/stocktakes', body)['stocktake_id']}"
    lines = tuple(
        CountedLine(
            gtin=gtins[name], quantity=Decimal(quantity), counted_at_us=int(NOW.timestamp()) * 1_000_000
        )
        for name, quantity in found.items()
    )
    counter.report(StockCounted(count_id="c", stocktake_id=path.rsplit("/", 1)[1], area="shop", lines=lines))
    for action, decision in (("close-counting", {}), ("approve", {"reason": "as counted"}), ("book", {})):
        world.post(f"{path}/{action}", decision)


@pytest.fixture
def losses(world: World) -> World:
    """D1 lost four waters (one of them stolen under somebody's eyes) and one tea, D1B found a water, the foreign dealer lost all."""
    world.database.run(
        lambda connection: (
            connection.execute(
                "INSERT INTO costs (gtin, currency, valid_from, cost_minor) VALUES (%s, 'CNY', '2020-01-01', 200), (%s, 'CNY', '2020-01-01', 1000)",
                (WATER, TEA),
            ).rowcount
        )
    )
    before = NOW - timedelta(hours=2)
    for site in ("D1", "D1B", FOREIGN):
        world.now = before
        world.opening(site, water=10, tea=10)
    world.now = NOW
    shop, county, theirs = (world.counter(site) for site in ("D1", "D1B", FOREIGN))
    stolen = StockAdjusted(
        adjustment_id="a", reason="theft", lines=(GoodsLine(gtin=WATER, quantity=Decimal(-1)),)
    )
    used = StockAdjusted(
        adjustment_id="b", reason="own_use", lines=(GoodsLine(gtin=TEA, quantity=Decimal(-2)),)
    )
    sold = SaleLine(gtin=WATER, quantity=Decimal(2), amount_minor=20_000)
    sale = Sale(sale_id="s", receipt="1-1", currency="CNY", lines=(sold,))
    shop.report(stolen, used, sale, at=before + timedelta(hours=1))
    count(world, shop, water=4, tea=7)
    count(world, county, water=11)
    count(world, theirs, water=0)
    return world


def shrinkage(world: World, caller: str = "boss", **asked: Any) -> dict[str, dict[str, Any]]:
    found = world.get("/v1/shrinkage", caller, params={**RANGE, **asked})["items"]
    return {one["key"]: one for one in found}


def test_losses_by_site_are_told_with_their_reasons_and_against_the_sales(losses: World) -> None:
    found = shrinkage(losses, dealer="acme")
    assert {key: (one["value_minor"], one["unexplained_minor"], one["percent_of_sales"]) for key, one in found.items()} == {
        "D1": (1800, 1600, "9.00"), "D1B": (-200, -200, None)
    }  # fmt: skip
    assert found["D1"]["reasons"] == [
        {"reason": "stocktake", "quantity": "4", "value_minor": 1600},
        {"reason": "theft", "quantity": "1", "value_minor": 200},
    ]


def test_losses_by_product_add_up_over_the_sites_that_are_asked_for(losses: World) -> None:
    assert {key: one["quantity"] for key, one in shrinkage(losses, by="product", dealer="acme").items()} == {
        WATER: "3", TEA: "1"
    }  # fmt: skip
    assert shrinkage(losses, by="product", site="D1")[WATER]["quantity"] == "4"
    assert shrinkage(losses, by="product")[WATER]["quantity"] == "13"


def test_another_day_has_other_losses(losses: World) -> None:
    assert shrinkage(losses, **{"from": "2026-01-01", "to": "2026-01-31"}) == {}


def test_the_greatest_loss_stands_first_and_pages_follow(losses: World) -> None:
    first = losses.get("/v1/shrinkage", params={**RANGE, "limit": 1})
    second = losses.get("/v1/shrinkage", params={**RANGE, "limit": 1, "cursor": first["next"]})
    assert [one["key"] for one in (*first["items"], *second["items"])] == [FOREIGN, "D1"]


def test_nobody_sees_the_losses_of_another_dealer(losses: World) -> None:
    assert set(shrinkage(losses, "acme")) == {"D1", "D1B"}
    assert FOREIGN not in losses.call("GET", "/v1/shrinkage", "own store", params=RANGE).text
    for asked in ({"site": FOREIGN}, {"dealer": "zetadealer"}, {"dealer": "nobody"}):
        assert losses.call("GET", "/v1/shrinkage", "acme", params={**RANGE, **asked}).status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        {"from": DAY, "to": "2020-01-01"},
        {"from": "2001-01-01", "to": DAY},
        {**RANGE, "site": "D1", "dealer": "acme"},
    ],
)
def test_a_range_that_cannot_be_meant_is_refused(losses: World, asked: dict[str, str]) -> None:
    assert losses.call("GET", "/v1/shrinkage", params=asked).status_code == 400


def test_losses_are_a_table_too(losses: World) -> None:
    text = losses.call("GET", "/v1/shrinkage", params={**RANGE, "site": "D1", "format": "csv"}).text
    assert text.splitlines()[1] == "D1,Acme shop,CNY,5,1800,1600,20000,9.00,stocktake=1600 theft=200"
