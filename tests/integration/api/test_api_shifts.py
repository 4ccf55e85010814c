"""Shifts and the limits of tills over the interface, by role."""

from __future__ import annotations

import pytest

from protocol.events import Payment, ShiftClosed, ShiftOpened
from tests.integration.api.traded import (
    TODAY,
    sell,
    store,
)
from tests.integration.api.world import FOREIGN, Counter, World


@pytest.fixture
def counter(world: World) -> Counter:
    """A counter of the brand's own store, with goods that have a cost."""
    return store(world)


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
