"""Receipt lines against price lists and till limits, as they arrive."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from central.actors import By
from central.discrepancies.watching.rounds import CaseRounds
from central.shifts import limits
from central.shifts.limits import Limits
from protocol.events import PriceOverridden, Sale, SaleLine, SaleVoided
from tests.integration.api.cases import CASES
from tests.integration.api.world import TEA, WATER, Counter, World

HOUR = timedelta(hours=1)


def allow(world: World, **what: Any) -> None:
    """Set the limits of tills. The list's first prices are a month old."""
    with world.database.transaction() as connection:
        connection.execute(
            "UPDATE prices SET valid_from = %s WHERE valid_from = %s", (world.now - 720 * HOUR, world.now)
        )
    by = By(actor="test", at=world.now)
    world.database.run(lambda connection: limits.put(connection, Limits(**what), by))


def price(world: World, minor: int, since: datetime) -> None:
    world.post(
        "/v1/prices",
        {"gtin": WATER, "price_minor": minor, "currency": "CNY", "valid_from": since.isoformat()},
    )


def sell(
    counter: Counter, amount: int, at: datetime, *, quantity: int = 1, sale_id: str = "s", **line: Any
) -> None:
    one = SaleLine(gtin=WATER, quantity=Decimal(quantity), amount_minor=amount, **line)
    counter.report(Sale(sale_id=sale_id, receipt=f"1-{counter.seq}", currency="CNY", lines=(one,)), at=at)


def found(world: World) -> list[dict[str, Any]]:
    return list(world.get(CASES, params={"class": "price_outside_policy,discount_outside_policy"})["items"])


def test_a_brand_that_has_set_no_policy_hears_of_nothing(world: World) -> None:
    sell(world.counter("S1"), 1, world.now)
    assert found(world) == []


def test_the_old_price_after_the_change_is_one_case_however_often_it_is_charged(world: World) -> None:
    allow(world, price_tolerance_bp=0)
    counter = world.counter("S1")
    price(world, 300, world.now - HOUR)
    for _ in range(3):
        sell(counter, 500, world.now, quantity=2)
    (case,) = found(world)
    assert (case["cause"], case["value_minor"], case["quantity"]) == ("price_not_heard", 300, "6")
    assert len(case["evidence"]) == 3


def test_a_late_sale_is_held_against_the_price_of_its_time(world: World) -> None:
    allow(world, price_tolerance_bp=0)
    counter = world.counter("S1")
    sell(counter, 250, world.now)
    price(world, 300, world.now - HOUR)
    sell(counter, 250, world.now - 2 * HOUR)
    assert found(world) == []


def test_a_price_that_changes_is_known_to_the_next_line(world: World) -> None:
    allow(world, price_tolerance_bp=0)
    counter = world.counter("S1")
    sell(counter, 250, world.now)
    price(world, 280, world.now - HOUR)
    sell(counter, 280, world.now)
    price(world, 290, world.now - HOUR / 2)
    sell(counter, 290, world.now)
    assert found(world) == []


def test_an_override_that_was_authorised_is_policy_and_one_beyond_the_limit_is_not(world: World) -> None:
    allow(world, price_tolerance_bp=0, override_limit_bp=1000)
    counter = world.counter("S1")
    for name, boss in (("o-1", "manager"), ("o-2", None)):
        override = PriceOverridden(
            override_id=name, gtin=WATER, currency="CNY", list_price_minor=250, price_minor=200, reason="dented",
            clerk="Li", authorised_by=boss,
        )  # fmt: skip
        counter.report(override, at=world.now)
        sell(counter, 200, world.now, override_id=name)
    (case,) = found(world)
    assert (case["cause"], case["evidence"][0]["override_id"]) == ("override_beyond_limit", "o-2")


def test_limits_of_a_site_hold_there_alone(world: World) -> None:
    allow(world, price_tolerance_bp=0)
    allow(world, site="S1", price_tolerance_bp=5000)
    for site in ("S1", "D1"):
        sell(world.counter(site), 200, world.now)
    assert [(case["site"], case["cause"]) for case in found(world)] == [("D1", "override_without_reason")]


def test_a_discount_beyond_the_limit_is_a_case_of_its_own(world: World) -> None:
    allow(world, price_tolerance_bp=0, discount_limit_bp=1000)
    sell(world.counter("S1"), 200, world.now, discount_minor=50)
    (case,) = found(world)
    assert (case["class"], case["cause"], case["value_minor"]) == (
        "discount_outside_policy",
        "discount_beyond_limit",
        25,
    )


def test_what_was_voided_contradicts_no_policy_any_more(world: World) -> None:
    allow(world, price_tolerance_bp=0)
    counter = world.counter("S1")
    sell(counter, 100, world.now, sale_id="wrong")
    line = SaleLine(gtin=WATER, quantity=Decimal(1), amount_minor=100)
    void = SaleVoided(
        void_id="v", sale_id="wrong", receipt="1-1", currency="CNY", lines=(line,), reason="price"
    )
    counter.report(void, at=world.now)
    CaseRounds(world.database).quick(world.now)
    assert [case["state"] for case in found(world)] == ["settled"]


def test_a_price_that_is_entered_afterwards_for_that_time_explains_what_was_charged(world: World) -> None:
    allow(world, price_tolerance_bp=0)
    sell(world.counter("S1"), 199, world.now)
    price(world, 199, world.now - HOUR)
    CaseRounds(world.database).quick(world.now)
    assert [case["state"] for case in found(world)] == ["settled"]


def test_a_product_without_a_price_and_a_sale_in_another_currency_are_not_judged(world: World) -> None:
    allow(world, price_tolerance_bp=0)
    counter = world.counter("S1")
    strange = SaleLine(gtin="04012345678901", quantity=Decimal(1), amount_minor=1)
    counter.report(Sale(sale_id="a", receipt="1-1", currency="CNY", lines=(strange,)))
    dollars = SaleLine(gtin=TEA, quantity=Decimal(1), amount_minor=1)
    counter.report(Sale(sale_id="b", receipt="1-2", currency="USD", lines=(dollars,)))
    assert found(world) == []
