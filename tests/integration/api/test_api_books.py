"""Stock, sales, items, discrepancies and day statements over the interface, from what counters report."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

from protocol.events import Sale, SaleLine, SaleReturned, SaleVoided
from tests.integration.api.world import TEA, WATCH, WATER, World

DAY = "2026-03-02"


def line(gtin: str, quantity: int, amount_minor: int) -> SaleLine:
    """A line of a receipt."""
    return SaleLine(gtin=gtin, quantity=Decimal(quantity), amount_minor=amount_minor)


def test_sales_become_stock_totals_and_a_balanced_day(world: World) -> None:
    counter = world.counter("S1")
    world.opening("S1", water=10, tea=5)
    counter.sell(WATER, 3, 750)
    counter.sell(TEA, 1, 1800)
    statement = world.get(f"/v1/reconciliation/S1/{DAY}")
    lines = {
        one["gtin"]: (one["opening"], one["received"], one["sold"], one["closing"])
        for one in statement["products"]
    }
    (totals,) = world.get("/v1/sales/totals", params={"site": "S1", "from": DAY, "to": DAY})["items"]
    assert statement["balanced"]
    assert lines == {WATER: ("0", "10", "3", "7"), TEA: ("0", "5", "1", "4")}
    assert {name: totals[name] for name in ("site", "currency", "receipts", "lines", "quantity", "amount_minor")} == {
        "site": "S1", "currency": "CNY", "receipts": 2, "lines": 2, "quantity": "4", "amount_minor": 2550,
    }  # fmt: skip
    assert world.get("/v1/journals")["totals"] == {"accepted": 2, "applied": 2, "quarantined": 0}


def test_totals_tell_what_was_voided_and_returned_from_what_remains(world: World) -> None:
    counter = world.counter("S1")
    first = counter.sell(WATER, 2, 500)
    counter.sell(TEA, 1, 1800)
    counter.report(
        SaleVoided(
            void_id="v",
            sale_id=first,
            receipt="1-1",
            currency="CNY",
            lines=(line(WATER, 2, 500),),
            reason="mistake",
        ),
        SaleReturned(
            return_id="r", receipt="1-9", currency="CNY", lines=(line(TEA, 1, 1800),), disposition="restock"
        ),
        Sale(sale_id="s3", receipt="1-5", currency="CNY", lines=(line(WATER, 1, 250), line(TEA, 2, 3600))),
    )
    (totals,) = world.get("/v1/sales/totals")["items"]
    assert (totals["receipts"], totals["lines"], totals["quantity"], totals["amount_minor"]) == (
        2,
        3,
        "3",
        3850,
    )
    assert [totals[part]["amount_minor"] for part in ("sold", "voided", "returned")] == [6150, -500, -1800]


def test_a_day_statement_can_be_had_as_csv(world: World) -> None:
    world.opening("S1", water=10)
    path = f"/v1/reconciliation/S1/{DAY}"
    by_query = world.call("GET", path, params={"format": "csv"})
    by_header = world.call("GET", path, headers={"Accept": "text/csv"})
    (row,) = csv.DictReader(io.StringIO(by_query.text))
    assert by_query.text == by_header.text
    assert (row["gtin"], row["received"], row["closing"], row["difference"]) == (WATER, "10", "10", "0")


def test_stock_that_is_short_is_what_is_at_its_reorder_point_with_all_that_is_coming(world: World) -> None:
    counter = world.counter("D1")
    world.opening("D1", water=3, tea=3)
    for gtin in (WATER, TEA):
        world.post("/v1/stock-levels", {"site": "D1", "gtin": gtin, "reorder_point": 3, "order_up_to": 9})
    before = [one["gtin"] for one in world.get("/v1/stock", "acme", params={"short": "true"})["items"]]
    counter.order(6)
    after = [one["gtin"] for one in world.get("/v1/stock", "acme", params={"short": "true"})["items"]]
    assert (before, after) == ([WATER, TEA], [TEA])


def test_a_coded_item_sold_twice_is_one_case_with_both_sales(world: World) -> None:
    counter = world.counter("S1")
    world.opening("S1", watch=1)
    (item,) = world.sold_items("N1", site="S1")
    counter.sell(WATCH, 1, 199900, item)
    counter.sell(WATCH, 1, 189900, item)
    (case,) = world.get("/v1/discrepancies", params={"class": "item_sold_twice"})["items"]
    trace = world.get(f"/v1/items/{item}/trace")
    assert (case["class"], case["item"], len(case["evidence"])) == ("item_sold_twice", item, 2)
    assert [(step["action"], step["legal"]) for step in trace["steps"]] == [
        ("commission", True),
        ("sell", True),
        ("sell", False),
    ]


def test_an_item_is_found_by_its_id_its_element_string_and_its_link(world: World) -> None:
    (item,) = world.sold_items("N1", site="S1")
    codes = [item, f"(01){WATCH}(21)N1", f"https%3A%2F%2Fid.example.com%2F01%2F{WATCH}%2F21%2FN1"]
    assert [world.get(f"/v1/items/{code}/trace")["item"] for code in codes] == [item] * 3


def test_items_registered_again_stay_as_they_are(world: World) -> None:
    counter = world.counter("S1")
    (item,) = world.sold_items("N1", site="S1")
    counter.sell(WATCH, 1, 199900, item)
    again = world.post("/v1/items", {"gtin": WATCH, "serials": ["N1", "N2"], "site": "S1"})
    assert (again["known"], again["items"]) == ([item], [f"01{WATCH}21N2"])
    assert world.get(f"/v1/items/{item}/trace")["state"] == "sold"


def test_a_discrepancy_is_assigned_settled_with_its_booking_and_then_closed(world: World) -> None:
    counter = world.counter("S1")
    counter.sell(WATER, 2, 500)
    (case,) = world.get("/v1/discrepancies", params={"class": "sold_below_zero"})["items"]
    path = f"/v1/discrepancies/S1/{case['discrepancy_id']}"
    assigned = world.post(f"{path}/assign", {"assignee": "Li", "reason": "knows the shop"})
    settled = world.post(
        f"{path}/settle", {"reason": "counted", "adjustments": [{"gtin": WATER, "quantity": 2}]}
    )
    again = world.post(f"{path}/dismiss", {"reason": "none"}, expected=409)
    history = [step["action"] for step in world.get(path)["history"]]
    assert (assigned["state"], assigned["assignee"], settled["state"]) == ("assigned", "Li", "settled")
    assert (world.stock("S1")["on_hand"], again["state"]) == ("0", "settled")
    assert history[:3] == ["opened", "assign", "settle"]


def test_an_event_that_cannot_be_booked_is_seen_in_the_quarantine(world: World) -> None:
    counter = world.counter("S1")
    counter.report(Sale(sale_id="s", receipt="1-1", currency="CNY", lines=(line("no gtin", 1, 1),)))
    (found,) = world.get("/v1/quarantine")["items"]
    assert (found["agent"], found["seq"]) == (counter.agent, 1)
    assert world.get("/v1/journals")["totals"] == {"accepted": 1, "applied": 0, "quarantined": 1}


def test_the_fleet_shows_each_machine_with_its_journal(world: World) -> None:
    counter = world.counter("S1")
    counter.sell(WATER, 1, 250)
    (found,) = world.get("/v1/agents", params={"site": "S1"})["items"]
    assert {name: found[name] for name in ("agent", "lane", "state", "epochs", "forks", "epoch", "accepted", "applied")} == {
        "agent": counter.agent, "lane": "1", "state": "enrolled", "epochs": 1, "forks": 0, "epoch": counter.epoch,
        "accepted": 1, "applied": 1,
    }  # fmt: skip


def test_a_price_of_the_future_reaches_the_counters_when_its_time_comes(world: World) -> None:
    from datetime import timedelta

    from central.housekeeping import Housekeeping

    keeper = Housekeeping(world.database, lambda _: None, lambda: world.now)
    later = world.now + timedelta(hours=1)
    world.post(
        "/v1/prices", {"gtin": WATER, "price_minor": 300, "currency": "CNY", "valid_from": later.isoformat()}
    )

    def told() -> str:
        with world.database.transaction() as connection:
            row = connection.execute(
                "SELECT body FROM feed_rows WHERE feed = 'prices' AND key = %s", (WATER,)
            ).fetchone()
        assert row is not None
        return bytes(row[0]).decode()

    before = told()
    world.now = later
    keeper.once()
    assert ('"price_minor":250' in before, '"price_minor":300' in told()) == (True, True)
