"""Value over the interface: costs, documents that say what goods are worth, and figures that open down to their events."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from central.imports import files
from protocol.events import GoodsLine, StockAdjusted
from tests.integration.api.world import NOW, TEA, WATER, World


def book(world: World, kind: str, *lines: dict[str, Any], expected: int | None = None, **more: Any) -> Any:
    body = {"document": f"{kind}-1", "kind": kind, "site": "S1", "lines": list(lines), **more}
    return world.post("/v1/movements", body, expected=expected)


def worth(world: World, gtin: str = WATER) -> tuple[str, int, str | None]:
    stock = world.stock("S1", gtin)
    return stock["on_hand"], stock["value_minor"], stock["unit_cost_minor"]


def test_a_cost_is_set_by_the_brand_and_read_by_whoever_oversees(world: World) -> None:
    cost = {"gtin": WATER, "currency": "CNY", "cost_minor": "120.25", "valid_from": "2026-01-01T00:00:00Z"}
    assert world.post("/v1/costs", cost) == cost
    assert world.get("/v1/costs", "checker") == {"items": [cost], "next": None}
    assert world.get("/v1/costs", params={"gtin": TEA})["items"] == []
    for caller in ("acme", "own store"):
        assert world.call("GET", "/v1/costs", caller).status_code == 403
        assert world.call("POST", "/v1/costs", caller, json=cost).status_code == 403


def test_costs_come_in_pages(world: World) -> None:
    for gtin in (WATER, TEA):
        world.post("/v1/costs", {"gtin": gtin, "currency": "CNY", "cost_minor": 5})
    first = world.get("/v1/costs", params={"limit": 1})
    second = world.get("/v1/costs", params={"limit": 1, "cursor": first["next"]})
    assert [page["items"][0]["gtin"] for page in (first, second)] == [WATER, TEA]
    assert second["next"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"gtin": "00000000012348"},
        {"cost_minor": -1},
        {"cost_minor": "0.0000001"},
        {"currency": "yuan"},
        {"valid_from": "2026-01-01"},
    ],
)
def test_a_cost_that_cannot_be_meant_is_refused(world: World, wrong: dict[str, Any]) -> None:
    world.post("/v1/costs", {"gtin": WATER, "currency": "CNY", "cost_minor": 5, **wrong}, expected=422)


def test_an_opening_stock_says_what_it_is_worth(world: World) -> None:
    done = book(world, "opening", {"gtin": WATER, "quantity": "10", "unit_cost_minor": "99.5"})
    assert [one["value_minor"] for one in done["movements"]] == [995]
    assert worth(world) == ("10", 995, "99.5")


def test_a_revaluation_changes_the_worth_and_no_quantity(world: World) -> None:
    book(world, "opening", {"gtin": WATER, "quantity": "10", "unit_cost_minor": 100})
    line = {"gtin": WATER, "unit_cost_minor": "120"}
    done = book(world, "revaluation", line)
    assert [(one["quantity"], one["value_minor"], one["source"]) for one in done["movements"]] == [
        ("0", 200, "adjustment:valuation")
    ]
    assert book(world, "revaluation", line)["booked"] is False
    assert worth(world) == ("10", 1200, "120")


def test_goods_are_set_aside_and_put_back(world: World) -> None:
    book(world, "opening", {"gtin": WATER, "quantity": "10", "unit_cost_minor": 100})
    book(world, "set_aside", {"gtin": WATER, "quantity": "4"})
    book(world, "set_aside", {"gtin": WATER, "quantity": "-1"}, document="back")
    book(world, "adjustment", {"gtin": WATER, "quantity": "-2"}, reason="expired", location="quarantine")
    stock = world.stock("S1")
    assert (stock["on_hand"], stock["value_minor"], stock["quarantine"]) == ("7", 700, "1")


@pytest.mark.parametrize(
    ("kind", "line", "more"),
    [
        ("opening", {}, {}),
        ("opening", {"quantity": "-1"}, {}),
        ("opening", {"quantity": "1"}, {"location": "quarantine"}),
        ("opening", {"quantity": "1"}, {"reason": "found"}),
        ("adjustment", {"quantity": "1"}, {}),
        ("adjustment", {"quantity": "1", "unit_cost_minor": 5}, {"reason": "found"}),
        ("revaluation", {"quantity": "1", "unit_cost_minor": 5}, {}),
        ("revaluation", {}, {}),
        ("revaluation", {"unit_cost_minor": 5}, {"event_time": "2026-03-01T00:00:00Z"}),
    ],
)
def test_a_document_that_cannot_be_meant_is_refused(
    world: World, kind: str, line: dict[str, Any], more: dict[str, Any]
) -> None:
    book(world, kind, {"gtin": WATER, **line}, expected=422, **more)


def test_a_revaluation_names_a_product_once(world: World) -> None:
    line = {"gtin": WATER, "unit_cost_minor": 5}
    book(world, "revaluation", line, line, expected=422)


def test_a_revaluation_of_a_site_that_is_not_there_is_told(world: World) -> None:
    book(world, "revaluation", {"gtin": WATER, "unit_cost_minor": 5}, site="NOWHERE", expected=404)


def test_a_figure_of_the_stock_opens_down_to_the_events_that_made_it(world: World) -> None:
    book(world, "opening", {"gtin": WATER, "quantity": "10", "unit_cost_minor": 100})
    counter = world.counter("S1")
    counter.sell(WATER, 3, 750)
    gone = StockAdjusted(
        adjustment_id="a", lines=(GoodsLine(gtin=WATER, quantity=Decimal(-2)),), reason="own_use"
    )
    counter.report(gone)
    stock = world.stock("S1")
    moved = world.get("/v1/movements", params={"site": "S1", "gtin": WATER, "location": "on_hand"})["items"]
    signs = [1 if one["destination"] == "on_hand" else -1 for one in moved]
    assert stock["on_hand"] == str(
        sum(sign * int(one["quantity"]) for sign, one in zip(signs, moved, strict=True))
    )
    assert stock["value_minor"] == sum(
        sign * one["value_minor"] for sign, one in zip(signs, moved, strict=True)
    )
    behind = [
        one["document"] or world.get(f"/v1/events/{one['journal']}/{one['seq']}")["kind"] for one in moved
    ]
    assert behind == ["opening:opening-1", "sale", "stock_adjusted"]
    event = world.get(f"/v1/events/{moved[1]['journal']}/{moved[1]['seq']}")
    assert event["body"]["lines"][moved[1]["line"]]["gtin"] == WATER


def test_movements_of_one_place_are_what_came_there_and_what_left_it(world: World) -> None:
    world.opening("S1", water=10)
    world.counter("S1").sell(WATER, 3, 750)
    found = world.get("/v1/movements", params={"site": "S1", "location": "customer"})["items"]
    assert [(one["cause"], one["quantity"]) for one in found] == [("sale", "3")]


def test_a_file_of_costs_names_its_wrong_lines_and_changes_nothing_twice(
    world: World, tmp_path: Path
) -> None:
    file = tmp_path / "costs.csv"
    file.write_text(
        f"gtin,cost,currency,valid_from\n{WATER},1.2,CNY,2026-01-01\n{TEA},9.75,CNY,\n0000000000000,1,CNY,\n"
        f"00000000012348,1,CNY,\n{WATER},x,CNY,2026-02-01\n"
    )
    first, second = (files.import_costs(world.database, file, NOW, lambda _: None) for _ in range(2))
    assert (first.imported, first.changed, second.changed) == (2, 2, 0)
    assert [fault.line for fault in first.faults] == [4, 5, 6]
    assert [(one["gtin"], one["cost_minor"]) for one in world.get("/v1/costs")["items"]] == [
        (WATER, "120"),
        (TEA, "975"),
    ]


def test_a_stock_file_may_say_what_a_unit_costs(world: World, tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    file.write_text(f"site,gtin,quantity,unit_cost\nS1,{WATER},10,1.205\nS1,{TEA},4,\n")
    assert files.import_stock(world.database, file, NOW, lambda _: None).faults == ()
    assert (worth(world)[:2], worth(world, TEA)) == (("10", 1205), ("4", 0, None))
    file.write_text(f"site,gtin,quantity,unit_cost\nS1,{WATER},10,cheap\n")
    [fault] = files.import_stock(world.database, file, NOW, lambda _: None).faults
    assert fault.column == "unit_cost"
