"""What no single fact shows: found by the clock, told once, closed when it happens after all."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from central.discrepancies.limits import Limits
from central.discrepancies.watching.rounds import CaseRounds
from protocol.events import GoodsLine, GoodsReceived, Sale, SaleLine, StockAdjusted
from tests.integration.api.cases import CASES, case, looked_at, path, send, settle
from tests.integration.api.world import TEA, WATCH, WATER, World

DAY = timedelta(days=1)


def round_at(world: World, now: datetime, limits: Limits | None = None) -> None:
    """One hour's round, with every machine heard of."""
    heard(world, now)
    rounds = CaseRounds(world.database, limits or Limits())
    rounds.quick(now)
    rounds.slow(now)


def heard(world: World, at: datetime, *agents: str) -> None:
    """Machines (all where none is named) were heard of at a moment."""
    with world.database.transaction() as connection:
        connection.execute(
            "UPDATE agents SET seen_at = %s WHERE %s = 0 OR agent_id = ANY (%s)",
            (at, len(agents), list(agents)),
        )


def cases(world: World, name: str, **wanted: str) -> list[dict[str, Any]]:
    return list(world.get(CASES, params={"class": name, **wanted})["items"])


# In transit too long -------------------------------------------------------------------------------------------------------


def test_a_despatch_is_overdue_after_the_default_time_of_a_lane_without_history(world: World) -> None:
    world.opening("WH", water=10)
    send(world, "D1", 4)
    round_at(world, world.now + 6.9 * DAY)
    before = cases(world, "in_transit_too_long")
    round_at(world, world.now + 7.1 * DAY)
    late = case(world, "in_transit_too_long")
    assert (before, late["cause"], late["quantity"]) == ([], "lost_on_the_way", "4")


def test_the_usual_time_of_a_lane_is_what_its_despatches_took(world: World) -> None:
    world.opening("WH", water=100)
    counter = world.counter("D1")
    for number in range(6):
        send(world, "D1", 1, despatch=f"P-{number}")
        counter.report(
            GoodsReceived(
                receipt_advice_id=f"r{number}",
                despatch_id=f"P-{number}",
                lines=(GoodsLine(gtin=WATER, quantity=Decimal(1)),),
            )
        )
    with world.database.transaction() as connection:
        connection.execute("UPDATE despatches SET received_at = despatched_at + interval '20 hours'")
    send(world, "D1", 1, despatch="late")
    moments = [world.now + timedelta(hours=hours) for hours in (31, 33)]
    found = []
    for moment in moments:
        round_at(world, moment)
        found.append(len(cases(world, "in_transit_too_long")))
    assert found == [0, 1]
    fact = case(world, "in_transit_too_long")["evidence"][0]
    assert (fact["usual_hours"], fact["limit_hours"], fact["despatches"]) == (20.0, 32.0, 6)


def test_an_overdue_despatch_is_told_once_and_closed_by_its_receipt(world: World) -> None:
    world.opening("WH", water=10)
    send(world, "D1", 4)
    for days in (8, 9):
        round_at(world, world.now + days * DAY)
    opened = [step["action"] for step in world.get(path(case(world, "in_transit_too_long")))["history"]]
    world.counter("D1").receive("D-1", 4)
    now = case(world, "in_transit_too_long")
    assert (opened.count("opened"), opened.count("reopened"), now["state"]) == (1, 0, "settled")


def test_writing_an_overdue_despatch_off_ends_it(world: World) -> None:
    world.opening("WH", water=10)
    send(world, "D1", 4)
    round_at(world, world.now + 8 * DAY)
    settle(world, case(world, "in_transit_too_long"))
    round_at(world, world.now + 9 * DAY)
    assert world.get("/v1/despatches/D1/D-1")["state"] == "received"
    assert (world.stock("D1")["in_transit"], case(world, "in_transit_too_long")["state"]) == ("0", "settled")


def test_an_overdue_despatch_to_a_site_that_is_silent_is_a_late_till(world: World) -> None:
    world.opening("WH", water=10)
    world.counter("D1")
    send(world, "D1", 4)
    now = world.now + 8 * DAY
    heard(world, now - 7 * DAY)
    CaseRounds(world.database).slow(now)
    assert case(world, "in_transit_too_long")["cause"] == "late_till"


# Codes against quantity ----------------------------------------------------------------------------------------------------


def test_a_coded_piece_sold_without_its_code_is_found_with_the_sale_as_evidence(world: World) -> None:
    world.opening("S1", watch=3)
    world.sold_items("A1", "A2", "A3", site="S1")
    world.counter("S1").sell(WATCH, 1, 199900)
    round_at(world, world.now)
    found = case(world, "codes_against_quantity")
    assert (found["cause"], found["quantity"], found["evidence"][0]["codes"]) == (
        "sale_without_codes",
        "1",
        3,
    )
    assert "href" in found["evidence"][1]


def test_codes_and_quantities_that_agree_again_close_the_case(world: World) -> None:
    world.opening("S1", watch=2)
    first, _ = world.sold_items("A1", "A2", site="S1")
    world.counter("S1").sell(WATCH, 1, 199900)
    round_at(world, world.now)
    world.post("/v1/items/destroy", {"reason": "it was the one that was sold", "items": [first]})
    world.post(
        "/v1/movements",
        {
            "document": "c",
            "kind": "adjustment",
            "site": "S1",
            "reason": "found",
            "lines": [{"gtin": WATCH, "quantity": 1}],
        },
    )
    round_at(world, world.now + DAY)
    assert case(world, "codes_against_quantity")["state"] == "settled"


def test_a_life_of_coded_goods_by_the_book_leaves_codes_and_quantities_alike(world: World) -> None:
    world.opening("WH", watch=4)
    items = world.sold_items("A1", "A2", "A3", "A4", site="WH")
    send(world, "S1", 3, *items[:3], gtin=WATCH)
    counter = world.counter("S1")
    counter.receive("D-1", 3, *items[:3], gtin=WATCH)
    counter.sell(WATCH, 1, 199900, items[0])
    counter.report(
        StockAdjusted(
            adjustment_id="a",
            reason="theft",
            lines=(GoodsLine(gtin=WATCH, quantity=Decimal(-1), items=(items[1],)),),
        )
    )
    world.post("/v1/items/recall", {"reason": "glass", "items": [items[2], items[3]]})
    world.post(
        "/v1/despatches",
        {"from_site": "S1", "to_site": "WH", "lines": [{"gtin": WATCH, "quantity": 1, "items": [items[2]]}]},
    )
    round_at(world, world.now)
    assert cases(world, "codes_against_quantity") == []


def test_a_product_without_codes_is_not_compared(world: World) -> None:
    world.opening("S1", water=9)
    round_at(world, world.now)
    assert cases(world, "codes_against_quantity") == []


# Silent machines -----------------------------------------------------------------------------------------------------------


def test_a_machine_is_silent_when_its_neighbour_is_heard_and_closed_when_it_is_heard_again(
    world: World,
) -> None:
    one, other = world.counter("S1"), world.counter("S1")
    now = world.now + 3 * DAY
    heard(world, now, one.agent)
    heard(world, world.now, other.agent)
    for _ in range(2):
        CaseRounds(world.database).slow(now)
    silent = case(world, "agent_silent")
    assert (silent["cause"], silent["evidence"][0]["agent"]) == ("late_till", other.agent)
    heard(world, now, other.agent)
    CaseRounds(world.database).quick(now)
    assert case(world, "agent_silent")["state"] == "settled"


def test_a_second_silence_is_another_case_even_if_the_first_was_dismissed(world: World) -> None:
    one, other = world.counter("S1"), world.counter("S1")
    for day in (0, 10):
        heard(world, world.now + day * DAY, other.agent)
        heard(world, world.now + (day + 3) * DAY, one.agent)
        CaseRounds(world.database).slow(world.now + (day + 3) * DAY)
        newest = cases(world, "agent_silent")[0]
        world.post(f"{path(newest)}/dismiss", {"reason": "it was repaired"})
    assert len(cases(world, "agent_silent")) == 2


# Balance drift -------------------------------------------------------------------------------------------------------------


def test_a_balance_that_somebody_changed_is_an_alarm_until_it_is_right_again(world: World) -> None:
    world.opening("S1", water=9, tea=3)
    with world.database.transaction() as connection:
        connection.execute(
            "UPDATE stock SET quantity = 8 WHERE site_id = 'S1' AND gtin = %s AND location = 'on_hand'",
            (WATER,),
        )
    round_at(world, world.now)
    drift = case(world, "balance_drift")
    assert (drift["site"], drift["cause"], drift["gtin"]) == ("S1", "software_fault", WATER)
    with world.database.transaction() as connection:
        connection.execute(
            "UPDATE stock SET quantity = 9 WHERE site_id = 'S1' AND gtin = %s AND location = 'on_hand'",
            (WATER,),
        )
    round_at(world, world.now)
    assert case(world, "balance_drift")["state"] == "settled"


# Phantom stock -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def shelves(world: World) -> World:
    """Seven weeks of sales: tea sells to the end, water stopped ten days ago and is on hand on paper."""
    world.opening("S1", water=500, tea=500)
    first = world.now.date() - 60 * DAY
    days = [
        (first + number * DAY, gtin)
        for number in range(60)
        for gtin in (WATER, TEA)
        if gtin == TEA or number < 50
    ]
    with world.database.transaction() as connection:
        with connection.cursor() as cursor:
            cursor.executemany(
                """
                INSERT INTO stock_days (site_id, business_day, gtin, flow, quantity, value_minor, amount_minor)
                VALUES ('S1', %s, %s, 'sold', 3, 0, 0)
                """,
                days,
            )
        connection.execute("UPDATE stock_days SET business_day = %s WHERE flow = 'received'", (first - DAY,))
    return world


def look(world: World, days: float = 0) -> None:
    """The part of a round that looks at shelves; days made by hand would be an alarm of another kind."""
    from central.discrepancies.watching.phantoms import look as look_at

    now = world.now + days * DAY
    world.database.run(lambda connection: look_at(connection, "S1", [], now, Limits()))


def test_a_fast_mover_that_stopped_selling_is_suspected_and_ranked(shelves: World) -> None:
    look(shelves)
    phantom = case(shelves, "phantom_stock")
    (suspect,) = shelves.get("/v1/stock/suspects")["items"]
    assert (phantom["gtin"], phantom["cause"], phantom["quantity"]) == (WATER, "not_on_shelf", "500")
    assert (suspect["gtin"], suspect["silent_days"], round(suspect["missed"])) == (WATER, 10, 30)
    assert suspect["last_sold_on"] == str(date(2026, 3, 2) - 11 * DAY)


def test_who_may_not_see_a_site_is_not_told_what_to_count_there(shelves: World) -> None:
    look(shelves)
    seen = {
        caller: len(shelves.get("/v1/stock/suspects", caller)["items"])
        for caller in ("boss", "own store", "acme")
    }
    assert seen == {"boss": 1, "own store": 1, "acme": 0}


def test_the_first_sale_after_the_silence_closes_the_case(shelves: World) -> None:
    look(shelves)
    shelves.counter("S1").report(
        Sale(
            sale_id="s", receipt="1-1", currency="CNY",
            lines=(SaleLine(gtin=WATER, quantity=Decimal(1), amount_minor=250),),
        )
    )  # fmt: skip
    looked_at(shelves)
    assert case(shelves, "phantom_stock")["state"] == "settled"


def test_a_shelf_of_a_site_with_a_silent_machine_is_not_judged(shelves: World) -> None:
    one, other = shelves.counter("S1"), shelves.counter("S1")
    heard(shelves, shelves.now, one.agent)
    heard(shelves, shelves.now - 3 * DAY, other.agent)
    CaseRounds(shelves.database).slow(shelves.now)
    assert (len(cases(shelves, "agent_silent")), cases(shelves, "phantom_stock")) == (1, [])


def test_a_dismissed_suspicion_is_not_raised_again_by_the_next_round(shelves: World) -> None:
    look(shelves)
    shelves.post(f"{path(case(shelves, 'phantom_stock'))}/dismiss", {"reason": "in the back room"})
    look(shelves, days=0.1)
    assert [one["state"] for one in cases(shelves, "phantom_stock")] == ["dismissed"]


def test_a_round_with_nothing_new_changes_nothing(world: World) -> None:
    world.opening("WH", water=10, watch=1)
    send(world, "D1", 4)
    at = world.now + 8 * DAY
    round_at(world, at)
    before = {one["discrepancy_id"]: one["updated_at"] for one in world.get(CASES)["items"]}
    round_at(world, at + timedelta(hours=2))
    after = {one["discrepancy_id"]: one["updated_at"] for one in world.get(CASES)["items"]}
    assert (after, len(before)) == (before, 2)
