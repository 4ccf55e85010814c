"""Ranges of days, and totals up the tree of dealers, over the interface, by role."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest

from protocol.events import Sale, SaleLine
from tests.integration.api.traded import (
    TODAY,
    YESTERDAY,
    cost,
    days_of_trade,
    span,
    store,
)
from tests.integration.api.world import FOREIGN, TEA, WATER, Counter, World


@pytest.fixture
def counter(world: World) -> Counter:
    """A counter of the brand's own store, with goods that have a cost."""
    return store(world)


def test_a_range_by_month_is_the_sum_of_its_days(world: World, counter: Counter) -> None:
    days_of_trade(counter)
    by_day = world.get("/v1/reconciliation/S1", params=span(by="day"))
    by_month = world.get("/v1/reconciliation/S1", params=span(by="month"))
    whole = world.get("/v1/reconciliation/S1", params=span())
    for name in ("sold", "received", "sold_value_minor", "amount_minor"):
        sums = [
            {
                gtin: sum(Decimal(one[name]) for one in answer["items"] if one["gtin"] == gtin)
                for gtin in (WATER, TEA)
            }
            for answer in (by_day, by_month, whole)
        ]
        assert (name, sums[1:]) == (name, sums[:1] * 2)
    assert [(one["first"], one["last"], one["gtin"], one["sold"]) for one in by_month["items"]] == [
        ("2026-01-15", "2026-01-31", WATER, "1"),
        ("2026-02-01", "2026-02-28", WATER, "2"),
        ("2026-02-01", "2026-02-28", TEA, "1"),
        ("2026-03-01", "2026-03-02", WATER, "1"),
        ("2026-03-01", "2026-03-02", TEA, "1"),
    ]
    assert {one["difference"] for answer in (by_day, by_month, whole) for one in answer["items"]} == {"0"}


@pytest.mark.parametrize("by", ["day", "month", "total"])
def test_a_range_in_pages_and_as_csv_is_the_whole_range(world: World, counter: Counter, by: str) -> None:
    days_of_trade(counter)
    whole = world.get("/v1/reconciliation/S1", params=span(by=by, limit="1000"))["items"]
    pages, cursor = [], None
    while True:
        asked = span(by=by, limit="1") | ({"cursor": cursor} if cursor else {})
        answer = world.get("/v1/reconciliation/S1", params=asked)
        pages += answer["items"]
        cursor = answer["next"]
        if cursor is None:
            break
    text = world.call("GET", "/v1/reconciliation/S1", params=span(by=by, format="csv")).text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert pages == whole
    assert [{name: str(value) for name, value in one.items()} for one in whole] == [
        {name: row[name] for name in one} for row, one in zip(rows, whole, strict=True)
    ]


def test_each_day_opens_where_the_one_before_closed(world: World, counter: Counter) -> None:
    days_of_trade(counter)
    lines = world.get("/v1/reconciliation/S1", params=span(by="day", gtin=WATER))["items"]
    totals = world.get("/v1/reconciliation/S1", params=span(by="month"))["totals"]
    assert [one["opening"] for one in lines[1:]] == [one["closing"] for one in lines[:-1]]
    assert [one["opening_value_minor"] for one in totals[1:]] == [
        one["closing_value_minor"] for one in totals[:-1]
    ]
    assert [one["amount_minor"] for one in totals] == [250, 750, 500]


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"from": TODAY, "to": YESTERDAY}, 400, "expected 2026-03-02 or later"),
        ({"from": "2024-01-01", "to": TODAY, "by": "day"}, 400, "at most 366 by day"),
        ({"from": "soon"}, 422, "query.from"),
        ({"by": "week"}, 422, "query.by"),
        ({"cursor": "nonsense"}, 400, "cursor"),
        ({"gtin": "123"}, 422, "query.gtin"),
    ],
)
def test_a_range_that_is_none_is_refused_with_the_reason(
    shared_world: World, asked: dict[str, str], status: int, said: str
) -> None:
    answer = shared_world.call("GET", "/v1/reconciliation/S1", params=asked)
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True)


def test_without_dates_a_range_is_this_month_so_far(world: World) -> None:
    found = world.get("/v1/reconciliation/S1")
    assert (found["from"], found["to"], found["by"]) == ("2026-03-01", TODAY, "total")


def tree_of_trade(world: World) -> None:
    """Sales at four sites; the second shop of the dealer's county sells in another currency."""
    cost(world, WATER, 100)
    world.database.run(
        lambda connection: connection.execute("UPDATE sites SET currency = 'EUR' WHERE site_id = 'D1B'")
    )
    cost(world, WATER, 90, "EUR")
    for site, quantity in (("S1", 1), ("D1", 2), ("D1B", 4), (FOREIGN, 8)):
        world.opening(site, water=quantity * 10)
        one = world.counter(site)
        line = SaleLine(gtin=WATER, quantity=Decimal(quantity), amount_minor=quantity * 250)
        currency = "EUR" if site == "D1B" else "CNY"
        one.report(Sale(sale_id=site, receipt="1-1", currency=currency, lines=(line,)))


def nodes(world: World, caller: str = "boss", **asked: str) -> list[tuple[Any, ...]]:
    found = world.get("/v1/reconciliation", caller, params=asked)["items"]
    return [
        (
            one["path"],
            one["site"],
            one["currency"],
            one["sites"],
            one["amount_minor"],
            one["closing_value_minor"],
        )
        for one in found
    ]


def test_every_dealer_is_the_sum_of_what_is_below_it_by_currency(world: World) -> None:
    tree_of_trade(world)
    assert nodes(world) == [
        ("acme/", None, "CNY", 1, 500, 1_800),
        ("acme/", None, "EUR", 1, 1_000, 3_240),
        ("acme/", "D1", "CNY", 1, 500, 1_800),
        ("acme/acme-county/", None, "EUR", 1, 1_000, 3_240),
        ("acme/acme-county/", "D1B", "EUR", 1, 1_000, 3_240),
        ("brand/", None, "CNY", 2, 250, 900),
        ("brand/", "S1", "CNY", 1, 250, 900),
        ("brand/", "WH", "CNY", 1, 0, 0),
        ("zetadealer/", None, "CNY", 1, 2_000, 7_200),
        ("zetadealer/", FOREIGN, "CNY", 1, 2_000, 7_200),
    ]


def test_a_part_of_the_tree_is_what_the_whole_says_of_it(world: World) -> None:
    tree_of_trade(world)
    assert nodes(world, dealer="acme") == nodes(world)[:5]
    assert [one[1:] for one in nodes(world, dealer="acme-county")] == [one[1:] for one in nodes(world)[3:5]]
    assert nodes(world, site="S1") == [("brand/", "S1", "CNY", 1, 250, 900)]


def test_a_dealer_sees_its_subtree_and_a_store_itself_and_nobody_above_them(world: World) -> None:
    tree_of_trade(world)
    world.database.run(
        lambda connection: connection.execute(
            "UPDATE dealers SET parent_id = 'brand', path = 'brand/' || path WHERE path LIKE 'acme/%'"
        )
    )
    assert nodes(world, "acme") == [
        ("acme/", None, "CNY", 1, 500, 1_800),
        ("acme/", None, "EUR", 1, 1_000, 3_240),
        ("acme/", "D1", "CNY", 1, 500, 1_800),
        ("acme/acme-county/", None, "EUR", 1, 1_000, 3_240),
        ("acme/acme-county/", "D1B", "EUR", 1, 1_000, 3_240),
    ]
    assert nodes(world, "own store") == [("brand/", "S1", "CNY", 1, 250, 900)]
    parents = [one["parent"] for one in world.get("/v1/reconciliation", "acme")["items"]]
    assert parents == [None, None, "acme", "acme", "acme-county"]


@pytest.mark.parametrize(
    ("caller", "asked"),
    [
        ("acme", {"dealer": "zetadealer"}),
        ("acme", {"dealer": "brand"}),
        ("acme", {"site": FOREIGN}),
        ("own store", {"dealer": "brand"}),
        ("own store", {"dealer": "acme"}),
        ("own store", {"site": "D1"}),
        ("boss", {"dealer": "nobody"}),
        ("boss", {"site": "nowhere"}),
    ],
)
def test_what_a_caller_may_not_see_is_not_there(
    shared_world: World, caller: str, asked: dict[str, str]
) -> None:
    answer = shared_world.call("GET", "/v1/reconciliation", caller, params=asked)
    assert answer.status_code == 404


@pytest.mark.parametrize("caller", ["acme", "own store"])
@pytest.mark.parametrize(
    "path",
    [f"/v1/reconciliation/{FOREIGN}", f"/v1/reconciliation/{FOREIGN}/{TODAY}", f"/v1/reconciliation/{FOREIGN}/{TODAY}/restatements",
     f"/v1/shifts/{FOREIGN}/any", f"/v1/till-limits/{FOREIGN}"],
)  # fmt: skip
@pytest.mark.parametrize("as_csv", [False, True])
def test_a_foreign_site_is_not_there(shared_world: World, caller: str, path: str, as_csv: bool) -> None:
    accept = {"Accept": "text/csv"} if as_csv else {}
    assert shared_world.call("GET", path, caller, headers=accept).status_code == 404


def test_totals_of_one_product_have_quantities_and_of_all_have_none(world: World) -> None:
    tree_of_trade(world)
    (one,) = world.get("/v1/reconciliation", params={"site": "S1", "gtin": WATER})["items"]
    (every,) = world.get("/v1/reconciliation", params={"site": "S1"})["items"]
    assert [one[name] for name in ("opening", "sold", "closing")] == ["0", "1", "9"]
    assert [every[name] for name in ("opening", "sold", "closing")] == [None, None, None]


def test_totals_by_month_open_where_the_month_before_closed(world: World, counter: Counter) -> None:
    days_of_trade(counter)
    found = world.get("/v1/reconciliation", params=span(by="month", site="S1"))["items"]
    assert [(one["first"], one["amount_minor"]) for one in found] == [
        ("2026-01-15", 250), ("2026-02-01", 750), ("2026-03-01", 500)
    ]  # fmt: skip
    assert [one["opening_value_minor"] for one in found[1:]] == [
        one["closing_value_minor"] for one in found[:-1]
    ]
    assert found[0]["opening_value_minor"] == 0


def test_totals_in_pages_and_as_csv_are_all_totals(world: World) -> None:
    tree_of_trade(world)
    whole = world.get("/v1/reconciliation")["items"]
    first = world.get("/v1/reconciliation", params={"limit": "7"})
    second = world.get("/v1/reconciliation", params={"limit": "7", "cursor": first["next"]})
    rows = list(
        csv.DictReader(io.StringIO(world.call("GET", "/v1/reconciliation", params={"format": "csv"}).text))
    )
    assert (first["items"] + second["items"], second["next"]) == (whole, None)
    assert [(row["path"], row["site"] or None, int(row["amount_minor"])) for row in rows] == [
        (one["path"], one["site"], one["amount_minor"]) for one in whole
    ]


def test_a_dealer_or_a_site_can_be_asked_for_and_not_both(shared_world: World) -> None:
    answer = shared_world.call("GET", "/v1/reconciliation", params={"dealer": "acme", "site": "D1"})
    assert answer.status_code == 400
