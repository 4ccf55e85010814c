"""What the brand does to items, and what everybody can ask about them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from central.items import storage as items
from central.items.actions import expire_due
from central.items.answers import seen_from
from protocol.events import GoodsLine, GoodsReceived, SaleReturned, ScanRefused, StockAdjusted
from protocol.feeds import DIGEST_MODULUS, Feed, ItemHere, row_digest
from protocol.verdicts import Verdict, judge
from tests.integration.api.world import FOREIGN, NOW, WATCH, World
from tests.integration.books import line

REASON = {"reason": "glass in the bottle"}


def register(world: World, *serials: str, site: str = "D1", batch: str | None = "B7") -> list[str]:
    body = {"gtin": WATCH, "serials": list(serials), "site": site, "batch": batch}
    return list(world.post("/v1/items", body)["items"])


def act(world: World, deed: str, **which: Any) -> dict[str, Any]:
    return dict(world.post(f"/v1/items/{deed}", {**REASON, **which}))


def item(world: World, code: str, caller: str = "boss") -> dict[str, Any]:
    return dict(world.get(f"/v1/items/{quote(code, safe='')}", caller))


def feed(world: World, site: str) -> dict[str, ItemHere]:
    with world.database.transaction() as connection:
        rows = connection.execute(
            "SELECT key, body FROM feed_rows WHERE feed = %s AND scope = %s AND body IS NOT NULL",
            (Feed.ITEMS, site),
        ).fetchall()
    return {key: msgspec.json.decode(body, type=ItemHere) for key, body in rows}


def returned(code: str, disposition: str = "restock") -> SaleReturned:
    return SaleReturned(
        return_id="back",
        receipt="r",
        currency="CNY",
        lines=(line(WATCH, item=code),),
        disposition=disposition,
    )


# -- what the brand does ----------------------------------------------------------------------------------------------


def test_a_batch_is_recalled_wherever_it_is_and_every_counter_hears_of_it(world: World) -> None:
    here, there = register(world, "A1"), register(world, "A2", site=FOREIGN)
    other = register(world, "A3", batch="B8")
    done = act(world, "recall", gtin=WATCH, batch="B7")
    assert (done["changed"], done["sites"], done["refused"], done["marked"]) == (2, 2, {}, 0)
    assert feed(world, "D1")[here[0]].state == feed(world, FOREIGN)[there[0]].state == "recalled"
    assert feed(world, "D1")[other[0]].state == "sellable"


def test_a_sold_item_of_a_recalled_batch_is_recalled_when_it_comes_back(world: World) -> None:
    counter = world.counter("D1")
    [code] = register(world, "A1")
    counter.sell(WATCH, 1, 1, code)
    assert act(world, "recall", gtin=WATCH, batch="B7")["marked"] == 1
    assert item(world, code)["state"] == "sold"
    counter.report(returned(code))
    assert item(world, code)["state"] == "recalled"


def test_a_recall_that_is_lifted_leads_back_and_customers_may_bring_things_back(world: World) -> None:
    counter = world.counter("D1")
    [kept] = register(world, "A1", site="WH")
    [sold] = register(world, "A2")
    counter.sell(WATCH, 1, 1, sold)
    act(world, "recall", gtin=WATCH, batch="B7")
    done = act(world, "release", gtin=WATCH, batch="B7")
    counter.report(returned(sold))
    assert (done["changed"], done["marked"]) == (1, 1)
    assert (item(world, kept)["state"], item(world, sold)["state"]) == ("commissioned", "sellable")


def test_what_is_registered_of_a_recalled_batch_is_recalled_from_the_beginning(world: World) -> None:
    act(world, "recall", gtin=WATCH, batch="B7")
    answer = world.post("/v1/items", {"gtin": WATCH, "serials": ["A1"], "site": "D1", "batch": "B7"})
    [code] = answer["items"]
    assert (answer["state"], item(world, code)["state"], feed(world, "D1")[code].state) == (
        "recalled",
        "recalled",
        "recalled",
    )
    act(world, "release", gtin=WATCH, batch="B7")
    [later] = register(world, "A2")
    assert (item(world, code)["state"], item(world, later)["state"]) == ("sellable", "sellable")


def test_what_cannot_be_done_is_counted_by_state_and_left_as_it_is(world: World) -> None:
    counter = world.counter("D1")
    held, sold = register(world, "A1", "A2")
    counter.sell(WATCH, 1, 1, sold)
    act(world, "hold", items=[held])
    done = act(world, "hold", items=[held, sold, f"01{WATCH}21NOBODY"])
    assert (done["changed"], done["refused"], done["unknown"]) == (0, {"held": 1, "sold": 1}, 1)


def test_held_items_go_on_where_they_were(world: World) -> None:
    [code] = register(world, "A1", site="WH")
    act(world, "hold", items=[code])
    act(world, "release", items=[code])
    steps = world.get(f"/v1/items/{code}/trace")["steps"]
    assert [(step["action"], step["to_state"], step["note"]) for step in steps[1:]] == [
        ("hold", "held", REASON["reason"]),
        ("release", "commissioned", REASON["reason"]),
    ]


@pytest.mark.parametrize(
    ("deed", "state", "location"),
    [("stolen", "stolen", "adjustment:theft"), ("destroy", "destroyed", "adjustment:destroyed")],
)
def test_what_is_stolen_or_destroyed_leaves_the_stock_of_its_site(
    world: World, deed: str, state: str, location: str
) -> None:
    codes = register(world, "A1", "A2")
    act(world, deed, items=codes)
    with world.database.transaction() as connection:
        stock = dict(
            connection.execute(
                "SELECT location, quantity FROM stock WHERE site_id = 'D1' AND gtin = %s", (WATCH,)
            ).fetchall()
        )
    assert (item(world, codes[0])["state"], stock) == (state, {"on_hand": -2, location: 2})


def test_what_is_found_again_is_set_aside(world: World) -> None:
    codes = register(world, "A1")
    act(world, "stolen", items=codes)
    act(world, "recover", items=codes)
    assert item(world, codes[0])["state"] == "quarantined"
    assert world.stock("D1", WATCH)["quarantine"] == "1"


def test_the_same_request_again_is_not_done_again(world: World) -> None:
    codes = register(world, "A1")
    body = {**REASON, "items": codes}
    key = {"Idempotency-Key": "recall-1"}
    first = world.post("/v1/items/recall", body, headers=key)
    assert world.post("/v1/items/recall", body, headers=key) == first
    assert first["changed"] == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({**REASON}, "expected gtin and batch together, or items"),
        ({**REASON, "gtin": WATCH}, "expected gtin and batch together, or items"),
        (
            {**REASON, "gtin": WATCH, "batch": "B7", "items": ["x"]},
            "expected gtin and batch together, or items",
        ),
        ({"items": ["x"]}, "reason"),
    ],
)
def test_a_deed_says_what_it_is_done_to_and_why(world: World, body: dict[str, Any], said: str) -> None:
    assert said in world.post("/v1/items/hold", body, expected=422)["detail"]


def test_many_rows_told_by_one_statement_are_those_told_one_by_one(world: World) -> None:
    counter = world.counter("D1")
    codes = register(world, 'A"1', "A/2", "A'3", "A4")
    world.database.run(
        lambda connection: (
            connection.execute("UPDATE items SET expiry = '2027-01-31' WHERE item = %s", (codes[0],)).rowcount
        )
    )
    counter.sell(WATCH, 1, 1, codes[1])
    act(world, "recall", gtin=WATCH, batch="B7")
    with world.database.transaction() as connection:
        rows = connection.execute(
            "SELECT key, body, digest FROM feed_rows WHERE feed = 'items' AND scope = 'D1' ORDER BY key"
        ).fetchall()
        [(version, digest)] = connection.execute(
            "SELECT version, digest FROM feed_heads WHERE feed = 'items' AND scope = 'D1'"
        ).fetchall()
        items.tell(connection, {"D1": tuple(codes)})
        [(after,)] = connection.execute(
            "SELECT version FROM feed_heads WHERE feed = 'items' AND scope = 'D1'"
        ).fetchall()
    assert [row_digest(key, body) for key, body, _ in rows] == [int(kept) for _, _, kept in rows]
    assert int(digest) == sum(int(kept) for _, _, kept in rows) % DIGEST_MODULUS
    assert after == version, "the program, telling the same once more, has nothing to change"


def test_the_calendar_expires_what_is_past_its_date_at_its_site(world: World) -> None:
    body = {"gtin": WATCH, "serials": ["OLD"], "site": "D1", "expiry": "2026-03-01"}
    [old] = world.post("/v1/items", body)["items"]
    [last_day] = world.post("/v1/items", {**body, "serials": ["LAST"], "expiry": "2026-03-02"})["items"]
    done = world.database.run(lambda connection: expire_due(connection, NOW))
    again = world.database.run(lambda connection: expire_due(connection, NOW))
    assert (done, again) == (1, 0)
    assert (item(world, old)["state"], item(world, last_day)["state"]) == ("expired", "sellable")
    assert feed(world, "D1")[old].state == "expired"


# -- what can be asked ------------------------------------------------------------------------------------------------


def test_the_trace_tells_each_step_in_the_words_of_epcis(world: World) -> None:
    counter = world.counter("D1")
    [code] = register(world, "A1")
    counter.sell(WATCH, 1, 1, code)
    counter.report(returned(code))
    steps = world.get(f"/v1/items/{code}/trace")["steps"]
    assert [[(one["biz_step"], one["disposition"]) for one in step["epcis"]] for step in steps] == [
        [("commissioning", "sellable_accessible")],
        [("retail_selling", "retail_sold")],
        [("receiving", "returned"), ("stocking", "sellable_accessible")],
    ]


def test_an_item_says_where_it_is_and_which_disposition_it_has(world: World) -> None:
    [code] = register(world, "A1")
    found = item(world, f"(01){WATCH}(21)A1")
    assert (found["item"], found["state"], found["disposition"], found["site"], found["container"]) == (
        code,
        "sellable",
        "sellable_accessible",
        "D1",
        None,
    )


def test_a_code_that_nobody_issued_is_not_there(world: World) -> None:
    assert world.call("GET", f"/v1/items/01{WATCH}21NOBODY").status_code == 404


def test_what_nobody_issued_is_told_to_counters_only_once_it_was_sold(world: World) -> None:
    counter = world.counter("D1")
    code = f"01{WATCH}21FAKE"
    goods = GoodsLine(gtin=WATCH, quantity=Decimal(1), items=(code,))
    counter.report(GoodsReceived(receipt_advice_id="r", lines=(goods,)))
    assert code not in feed(world, "D1")
    counter.sell(WATCH, 1, 1, code)
    assert feed(world, "D1")[code].state == "sold"
    counter.report(returned(code))
    assert code not in feed(world, "D1")


@pytest.mark.parametrize(
    ("site", "asked_at", "verdict"),
    [
        ("D1", "D1", Verdict.GENUINE),
        ("S1", "D1", Verdict.WRONG_SITE),
        ("WH", "D1", Verdict.NOT_RECEIVED),
        ("D1", "D1B", Verdict.NOT_RECEIVED),
        (FOREIGN, "D1", Verdict.WRONG_SITE),
    ],
)
def test_what_stands_on_another_shelf_is_not_in_stock_here(
    world: World, site: str, asked_at: str, verdict: Verdict
) -> None:
    [code] = register(world, "A1", site=site)
    with world.database.transaction() as connection:
        found = seen_from(connection, asked_at, code, None)
    assert found is not None
    assert judge(found, asked_at, "2026-01-01")[0] is verdict


def test_a_refused_scan_stands_in_the_trace_of_its_item(world: World) -> None:
    counter = world.counter("D1")
    [code] = register(world, "A1")
    act(world, "recall", items=[code])
    counter.report(ScanRefused(verdict="recalled", cause="recalled by the brand", gtin=WATCH, item=code))
    last = world.get(f"/v1/items/{code}/trace")["steps"][-1]
    assert (last["action"], last["to_state"], last["note"], last["epcis"]) == (
        "scan_refused",
        "recalled",
        "recalled: recalled by the brand",
        [],
    )


def test_a_forged_code_that_was_refused_has_a_trace_and_no_life(world: World) -> None:
    counter = world.counter("D1")
    code = f"01{WATCH}21FORGED"
    counter.report(ScanRefused(verdict="forged", cause="the signature is not the brand's", item=code))
    found = world.get(f"/v1/items/{code}/trace")
    assert (found["state"], found["unissued"], [step["action"] for step in found["steps"]]) == (
        "unknown",
        True,
        ["scan_refused"],
    )
    assert world.call("GET", f"/v1/items/{code}").status_code == 404


def test_a_refused_scan_that_no_book_can_hold_is_kept_in_the_archive_alone(world: World) -> None:
    counter = world.counter("D1")
    counter.report(ScanRefused(verdict="unknown", cause="a\0b", item="\0" * 300))
    with world.database.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM quarantine").fetchone() == (0,)


# -- signals ----------------------------------------------------------------------------------------------------------


def cases(world: World) -> set[str]:
    return {case["class"] for case in world.get("/v1/discrepancies")["items"]}


def test_a_code_never_issued_at_two_sites_is_copied(world: World) -> None:
    code = f"01{WATCH}21COPY"
    for site in ("D1", FOREIGN):
        world.counter(site).report(ScanRefused(verdict="unknown", cause="never issued", item=code))
    assert cases(world) == {"item_code_copied"}


def test_an_item_sold_and_refused_at_three_sites_is_copied(world: World) -> None:
    [code] = register(world, "A1")
    world.counter("D1").sell(WATCH, 1, 1, code)
    for site in ("S1", FOREIGN):
        world.counter(site).report(ScanRefused(verdict="already_sold", cause="sold before", item=code))
    assert cases(world) == {"item_code_copied", "sold_below_zero"}


def test_ten_unknown_codes_within_minutes_are_a_burst(world: World) -> None:
    counter = world.counter("D1")
    for number in range(9):
        refused = ScanRefused(verdict="unknown", cause="never issued", item=f"01{WATCH}21U{number}")
        counter.report(refused, at=NOW - timedelta(minutes=number))
    assert cases(world) == set()
    counter.sell(WATCH, 1, 1, f"01{WATCH}21U9")
    [burst] = world.get("/v1/discrepancies", params={"class": "unknown_codes_burst"})["items"]
    assert (burst["site"], len(burst["evidence"])) == ("D1", 10)


def put_on_the_map(world: World, site: str, latitude: float, longitude: float) -> None:
    kept = world.get(f"/v1/sites/{site}")
    body = {name: kept[name] for name in ("site", "name", "kind", "dealer", "currency", "serving_site")}
    world.post("/v1/sites", {**body, "latitude": latitude, "longitude": longitude})


def test_one_item_at_two_far_sites_within_minutes_cannot_have_travelled(world: World) -> None:
    put_on_the_map(world, "D1", 31.23, 121.47)
    put_on_the_map(world, FOREIGN, 39.9, 116.4)
    [code] = register(world, "A1")
    world.counter("D1").sell(WATCH, 1, 1, code)
    world.counter(FOREIGN).report(
        ScanRefused(verdict="already_sold", cause="sold before", item=code), at=NOW - timedelta(minutes=20)
    )
    [case] = world.get("/v1/discrepancies", params={"class": "impossible_travel"})["items"]
    assert [fact["site"] for fact in case["evidence"]] == [FOREIGN, "D1"]
    assert case["evidence"][1]["distance_km"] > 1000


@pytest.mark.parametrize("place", [{"latitude": 91, "longitude": 0}, {"latitude": 1}])
def test_a_place_is_a_latitude_with_a_longitude(world: World, place: dict[str, float]) -> None:
    body = {"site": "S1", "name": "Own", "kind": "store", **place}
    world.post("/v1/sites", body, expected=422)


def test_a_dealer_sells_what_was_sent_to_the_dealer_above_it(world: World) -> None:
    codes = register(world, "A1", "A2")
    world.counter("D1B").sell(WATCH, 1, 1, codes[0])
    assert "item_outside_territory" not in cases(world)
    world.counter(FOREIGN).sell(WATCH, 1, 1, codes[1])
    assert "item_outside_territory" in cases(world)


def test_registering_an_item_that_was_sold_before_settles_the_case(world: World) -> None:
    code = f"01{WATCH}21LATE"
    world.counter("D1").sell(WATCH, 1, 1, code)
    assert "unknown_item" in cases(world)
    assert world.post("/v1/items", {"gtin": WATCH, "serials": ["LATE"], "site": "D1"})["items"] == []
    [case] = world.get("/v1/discrepancies", params={"class": "unknown_item"})["items"]
    assert (case["state"], item(world, code)["unissued"]) == ("settled", False)


def test_a_theft_that_a_shop_reports_takes_the_item_out_of_its_case(world: World) -> None:
    [code] = register(world, "A1")
    goods = GoodsLine(gtin=WATCH, quantity=Decimal(-1), items=(code,))
    world.counter("D1").report(StockAdjusted(adjustment_id="x", lines=(goods,), reason="theft"))
    assert item(world, code)["state"] == "stolen"
