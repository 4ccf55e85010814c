"""Statements of a day and their closing over the interface, by role."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest

from central.api.described import model_of
from central.reconciliation.ranges import RangeStatement
from central.reconciliation.statement import DayStatement
from central.reconciliation.totals import TreeTotals
from protocol.events import Sale, SaleLine
from tests.integration.api.traded import (
    DAY,
    TODAY,
    TOMORROW,
    YESTERDAY,
    sell,
    store,
)
from tests.integration.api.world import NOW, TEA, WATER, Counter, World


@pytest.fixture
def counter(world: World) -> Counter:
    """A counter of the brand's own store, with goods that have a cost."""
    return store(world)


def same_shape(value: Any, model: Any) -> None:
    """Fail unless an answer is exactly what its description says."""
    found = model.model_validate(value)
    assert found.model_dump(mode="json", by_alias=True).keys() == value.keys()


def test_a_day_is_told_in_quantity_and_value_with_its_money(world: World, counter: Counter) -> None:
    sell(counter, quantity=3)
    statement = world.get(f"/v1/reconciliation/S1/{TODAY}")
    (water,) = [one for one in statement["products"] if one["gtin"] == WATER]
    assert {
        name: water[name]
        for name in ("received", "received_value_minor", "sold", "sold_value_minor", "closing", "closing_value_minor")
    } == {
        "received": "10", "received_value_minor": 1000, "sold": "3", "sold_value_minor": 300,
        "closing": "7", "closing_value_minor": 700,
    }  # fmt: skip
    assert (statement["balanced"], statement["values"]["closing_value_minor"]) == (True, 700 + 4500)
    assert statement["payments"] == [
        {
            "method": "cash", "currency": "CNY", "taken_minor": 750, "voided_minor": 0, "refunded_minor": 0, "net_minor": 750
        }
    ]  # fmt: skip


def test_an_answer_is_what_its_description_says(world: World, counter: Counter) -> None:
    sell(counter)
    world.now = TOMORROW
    world.post(f"/v1/reconciliation/S1/{TODAY}/close", {"incomplete": True})
    sell(counter)
    counter.report(
        Sale(
            sale_id="x",
            receipt="1-9",
            currency="CNY",
            lines=(SaleLine(gtin="no", quantity=Decimal(1), amount_minor=1),),
        )
    )
    as_of = {"as_of": NOW.isoformat()}
    same_shape(world.get(f"/v1/reconciliation/S1/{TODAY}", params=as_of), model_of(DayStatement))
    same_shape(world.get("/v1/reconciliation/S1", params={"by": "day"}), model_of(RangeStatement))
    same_shape(world.get("/v1/reconciliation"), model_of(TreeTotals))


def test_a_day_as_csv_has_a_header_and_a_line_a_product(world: World, counter: Counter) -> None:
    sell(counter, quantity=3)
    answer = world.call("GET", f"/v1/reconciliation/S1/{TODAY}", headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.text.count("\r\n") == 3
    assert [(row["gtin"], row["sold"], row["sold_value_minor"]) for row in rows] == [
        (WATER, "3", "300"),
        (TEA, "0", "0"),
    ]


@pytest.mark.parametrize("day", ["2026-02-30", "today", "0001-01-01", "9999-12-31"])
def test_a_day_that_is_none_is_refused(shared_world: World, day: str) -> None:
    assert shared_world.call("GET", f"/v1/reconciliation/S1/{day}").status_code == 422


def test_an_instant_without_an_offset_is_refused(shared_world: World) -> None:
    answer = shared_world.call(
        "GET", f"/v1/reconciliation/S1/{TODAY}", params={"as_of": "2026-03-02T10:00:00"}
    )
    assert answer.status_code == 422


def test_a_day_that_goes_on_cannot_be_closed(world: World) -> None:
    refused = world.post(f"/v1/reconciliation/S1/{TODAY}/close", expected=409)
    assert (refused["ends_at"], "not over" in refused["detail"]) == ("2026-03-03T00:00:00+00:00", True)


def test_a_day_is_not_closed_while_an_agent_may_still_bring_something_unless_somebody_wants_it(
    world: World, counter: Counter
) -> None:
    sell(counter)
    world.database.run(lambda connection: connection.execute("UPDATE agents SET enrolled_at = '2026-01-01'"))
    world.now = TOMORROW
    refused = world.post(f"/v1/reconciliation/S1/{TODAY}/close", expected=409)
    closed = world.post(f"/v1/reconciliation/S1/{TODAY}/close", {"incomplete": True, "reason": "month end"})
    assert "has not been heard since the day ended" in refused["detail"]
    assert (closed["complete"], closed["reason"], closed["actor"]) == (False, "month end", "brand:boss")


def test_a_closed_day_stays_as_it_was_closed_whoever_closes_it_again(world: World) -> None:
    world.now = TOMORROW
    first = world.post(f"/v1/reconciliation/S1/{TODAY}/close")
    world.now = TOMORROW + DAY
    again = world.post(f"/v1/reconciliation/S1/{TODAY}/close", {"reason": "once more"})
    assert again == first


def test_a_day_is_closed_without_a_word_about_it(world: World) -> None:
    world.now = TOMORROW
    assert world.call("POST", f"/v1/reconciliation/S1/{TODAY}/close").json()["reason"] is None


def test_who_of_the_brand_closed_a_day_is_told_to_the_brand_alone(world: World) -> None:
    world.now = TOMORROW
    world.post(f"/v1/reconciliation/S1/{TODAY}/close", {"reason": "month end"})
    told = {
        caller: world.get(f"/v1/reconciliation/S1/{TODAY}", caller)["closed"]
        for caller in ("boss", "checker", "own store")
    }
    assert {caller: (one["actor"], one["reason"]) for caller, one in told.items()} == {
        "boss": ("brand:boss", "month end"), "checker": ("brand:boss", "month end"), "own store": ("brand", None)
    }  # fmt: skip


def test_a_closing_takes_the_days_before_it_too(world: World) -> None:
    world.now = TOMORROW
    world.post(f"/v1/reconciliation/S1/{TODAY}/close")
    earlier = world.post(f"/v1/reconciliation/S1/{YESTERDAY}/close")
    assert earlier["closed_with"] == TODAY


def test_what_is_heard_of_a_closed_day_is_shown_beside_the_day_as_it_was_closed(
    world: World, counter: Counter
) -> None:
    sell(counter, quantity=3)
    world.now = TOMORROW
    world.post(f"/v1/reconciliation/S1/{TODAY}/close", {"incomplete": True})
    sell(counter, quantity=2)
    statement = world.get(f"/v1/reconciliation/S1/{TODAY}")
    (entry,) = [one for one in statement["restatements"] if one["quantity"] != "0"]
    assert (entry["day"], entry["flow"], entry["quantity"], entry["value_minor"]) == (TODAY, "sold", "2", 200)
    assert (entry["agent"], entry["seq"], entry["document"]) == (counter.agent, 2, None)
    (then,) = statement["as_closed"]["products"]
    (now,) = [one for one in statement["products"] if one["gtin"] == WATER]
    assert (then["sold"], then["amount_minor"], now["sold"], now["amount_minor"]) == ("3", 750, "5", 1250)
    assert (statement["closed"]["complete"], statement["restated"]) == (False, 2)
    paged = world.get(f"/v1/reconciliation/S1/{TODAY}/restatements", params={"limit": "1"})
    rest = world.get(f"/v1/reconciliation/S1/{TODAY}/restatements", params={"cursor": paged["next"]})
    assert statement["restatements"] == paged["items"] + rest["items"]


def test_what_is_heard_of_an_earlier_day_moves_the_opening_of_a_closed_one(
    world: World, counter: Counter
) -> None:
    sell(counter, quantity=3)
    world.now = TOMORROW
    world.post(f"/v1/reconciliation/S1/{TODAY}/close", {"incomplete": True})
    sell(counter, days_ago=5, quantity=2)
    statement = world.get(f"/v1/reconciliation/S1/{TODAY}")
    (then,) = statement["as_closed"]["products"]
    (now,) = [one for one in statement["products"] if one["gtin"] == WATER]
    assert (then["opening"], now["opening"], then["closing"], now["closing"]) == ("0", "-2", "7", "5")
    assert {one["day"] for one in statement["restatements"]} == {"2026-02-25"}


def test_a_document_that_is_booked_into_a_closed_day_is_a_restatement_too(
    world: World, counter: Counter
) -> None:
    world.now = TOMORROW
    world.post(f"/v1/reconciliation/S1/{TODAY}/close", {"incomplete": True})
    world.post(
        "/v1/movements",
        {
            "document": "found", "kind": "adjustment", "site": "S1", "reason": "found", "event_time": NOW.isoformat(),
            "lines": [{"gtin": WATER, "quantity": 1}],
        },
    )  # fmt: skip
    (entry,) = world.get(f"/v1/reconciliation/S1/{TODAY}")["restatements"]
    assert (entry["document"], entry["flow"], entry["agent"]) == ("adjustment:found", "adjusted", None)


def test_only_the_brand_closes_days(world: World) -> None:
    world.now = TOMORROW
    answers = {
        caller: world.call("POST", f"/v1/reconciliation/S1/{TODAY}/close", caller, json={}).status_code
        for caller in ("checker", "acme", "own store")
    }
    assert answers == {"checker": 403, "acme": 403, "own store": 403}
