"""Statements, closings, ranges and totals over the interface, by role."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from central.api.described import model_of
from central.reconciliation.ranges import RangeStatement
from central.reconciliation.statement import DayStatement
from central.reconciliation.totals import TreeTotals
from protocol.events import Payment, Sale, SaleLine, ShiftClosed, ShiftOpened
from tests.integration.api.world import FOREIGN, NOW, TEA, WATER, Counter, World

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


@pytest.fixture
def counter(world: World) -> Counter:
    """A counter of the brand's own store, with goods that have a cost."""
    cost(world, WATER, 100)
    cost(world, TEA, 900)
    world.opening("S1", water=10, tea=5)
    return world.counter("S1")


def same_shape(value: Any, model: Any) -> None:
    """Fail unless an answer is exactly what its description says."""
    found = model.model_validate(value)
    assert found.model_dump(mode="json", by_alias=True).keys() == value.keys()


# -- the day ----------------------------------------------------------------------------------------------------------------


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


# -- closing ----------------------------------------------------------------------------------------------------------------


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
        caller: world.get(f"/v1/reconciliation/S1/{TODAY}", caller)["closed"] for caller in ("boss", "checker", "own store")
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


# -- ranges -----------------------------------------------------------------------------------------------------------------


def days_of_trade(counter: Counter) -> None:
    """Sales on some days of February and March."""
    for days_ago, gtin in ((40, WATER), (20, TEA), (20, WATER), (3, WATER), (1, TEA), (0, WATER)):
        sell(counter, days_ago=days_ago, gtin=gtin)


def span(**asked: str) -> dict[str, str]:
    return {"from": "2026-01-15", "to": TODAY, **asked}


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


# -- up the tree ------------------------------------------------------------------------------------------------------------


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


# -- shifts -----------------------------------------------------------------------------------------------------------------


def a_shift(counter: Counter, counted: int) -> None:
    """A shift with one sale; ``counted`` is what was found in the drawer."""
    counter.report(ShiftOpened(shift_id="a", number="1-1", currency="CNY", float_minor=1000, clerk="Li"))
    sell(counter)
    counter.report(
        ShiftClosed(
            shift_id="a", number="1-1", currency="CNY", first_seq=1, sales=1, voids=0, returns=0,
            counted=(Payment(method="cash", amount_minor=counted),),
            expected=(Payment(method="cash", amount_minor=1250),),
            taken=(Payment(method="cash", amount_minor=250),),
        )
    )  # fmt: skip


def test_a_shift_can_be_opened_down_to_its_receipts(world: World, counter: Counter) -> None:
    a_shift(counter, 1000)
    (listed,) = world.get("/v1/shifts", params={"site": "S1", "from": TODAY, "to": TODAY})["items"]
    shift = world.get("/v1/shifts/S1/a")
    (of_day,) = world.get(f"/v1/reconciliation/S1/{TODAY}")["shifts"]
    count = {
        "method": "cash",
        "counted_minor": 1000,
        "till_minor": 1250,
        "booked_minor": 1250,
        "difference_minor": -250,
    }
    assert (listed["state"], listed["agrees"], listed["counts"]) == ("closed", False, [count])
    assert (shift["booked_sales"], shift["booked_taken"]) == (1, {"cash": 250})
    assert [(one["kind"], one["seq"], one["amount_minor"]) for one in shift["documents"]] == [
        ("sale", 2, 250)
    ]
    assert [(one["class"], one["cause"]) for one in shift["discrepancies"]] == [
        ("cash_difference", "unpaid_receipt")
    ]
    assert (of_day["agrees"], of_day["differences"]) == (False, {"cash": -250})


def test_an_open_shift_shows_what_should_be_in_its_drawer_so_far(world: World, counter: Counter) -> None:
    counter.report(ShiftOpened(shift_id="a", number="1-1", currency="CNY", float_minor=1000))
    sell(counter)
    shift = world.get("/v1/shifts/S1/a")
    assert (shift["state"], shift["agrees"], [one["booked_minor"] for one in shift["counts"]]) == (
        "open",
        None,
        [1250],
    )


def test_shifts_come_in_pages_and_by_state(world: World, counter: Counter) -> None:
    for name in ("a", "b", "c"):
        counter.report(ShiftOpened(shift_id=name, number=name, currency="CNY", float_minor=0))
    first = world.get("/v1/shifts", params={"limit": "2"})
    second = world.get("/v1/shifts", params={"limit": "2", "cursor": first["next"]})
    assert [one["shift"] for one in first["items"] + second["items"]] == ["c", "b", "a"]
    assert [one["shift"] for one in world.get("/v1/shifts", params={"state": "left_open"})["items"]] == [
        "b",
        "a",
    ]


def test_a_shift_of_a_foreign_site_is_not_there(world: World) -> None:
    a_shift(world.counter(FOREIGN), 1250)
    assert world.call("GET", f"/v1/shifts/{FOREIGN}/a", "acme").status_code == 404
    assert world.get("/v1/shifts", "acme")["items"] == []
    assert [one["shift"] for one in world.get("/v1/shifts", "zeta")["items"]] == ["a"]


# -- limits -----------------------------------------------------------------------------------------------------------------


def feed(world: World, site: str) -> str | None:
    with world.database.transaction() as connection:
        row = connection.execute(
            "SELECT body FROM feed_rows WHERE feed = 'limits' AND scope = %s AND key = 'till'", (site,)
        ).fetchone()
    return None if row is None else bytes(row[0]).decode()


def test_limits_of_everybody_and_of_one_site_reach_the_tills(world: World) -> None:
    world.counter("S1")
    world.counter("D1")
    everybody = world.call(
        "PUT", "/v1/till-limits", json={"discount_limit_bp": 1000, "cash_tolerance_minor": 100}
    )
    own = world.call("PUT", "/v1/till-limits/D1", json={"discount_limit_bp": 500, "override": False})
    assert (everybody.json()["site"], own.json()["site"], own.json()["override"]) == (None, "D1", False)
    assert feed(world, "S1") == '{"discount_limit_bp":1000,"cash_tolerance_minor":100}'
    assert feed(world, "D1") == '{"discount_limit_bp":500,"override":false}'
    world.call("PUT", "/v1/till-limits", json={"discount_limit_bp": 2000})
    assert (feed(world, "S1"), feed(world, "D1")) == (
        '{"discount_limit_bp":2000}',
        '{"discount_limit_bp":500,"override":false}',
    )
    back = world.call("DELETE", "/v1/till-limits/D1")
    assert (back.json()["site"], back.json()["discount_limit_bp"]) == (None, 2000)
    assert feed(world, "D1") == '{"discount_limit_bp":2000}'
    assert world.call("DELETE", "/v1/till-limits/D1").status_code == 404


def test_everybody_sees_the_limits_that_hold_at_its_own_sites(world: World) -> None:
    for path in ("/v1/till-limits", "/v1/till-limits/D1", f"/v1/till-limits/{FOREIGN}"):
        world.call("PUT", path, json={"cash_tolerance_minor": 7})
    seen = world.get("/v1/till-limits", "acme")
    assert ([one["site"] for one in seen["sites"]], seen["everybody"]["actor"]) == (["D1"], None)
    assert world.get("/v1/till-limits/S1", "own store")["cash_tolerance_minor"] == 7


@pytest.mark.parametrize(
    "body",
    [{"discount_limit_bp": 10_001}, {"discount_limit_bp": -1}, {"cash_tolerance_minor": -1}, {"limit": 3}],
)
def test_a_limit_that_cannot_be_meant_is_refused(shared_world: World, body: dict[str, int]) -> None:
    assert shared_world.call("PUT", "/v1/till-limits", json=body).status_code == 422
