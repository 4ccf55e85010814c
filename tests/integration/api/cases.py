"""Cases for the tests of the interface: goods that differ, the rounds of a moment, and what is asked of a case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from central.discrepancies.watching.rounds import CaseRounds
from central.reconciliation.rebuild import rebuild, zero_sum
from tests.integration.api.world import WATER, World

CASES = "/v1/discrepancies"


def send(world: World, to: str, quantity: int, *items: str, gtin: str = WATER, despatch: str = "D-1") -> str:
    """Goods leave the warehouse for a site."""
    line: dict[str, Any] = {"gtin": gtin, "quantity": quantity, "items": list(items)}
    world.post("/v1/despatches", {"from_site": "WH", "to_site": to, "despatch_id": despatch, "lines": [line]})
    return despatch


def looked_at(world: World, *, hours: float = 0.0) -> None:
    """The rounds of a moment at which every machine is heard."""
    with world.database.transaction() as connection:
        connection.execute("UPDATE agents SET seen_at = now() + interval '1 day'")
    CaseRounds(world.database).quick(datetime.now(UTC) + timedelta(hours=hours))


def case(world: World, name: str, caller: str = "boss") -> dict[str, Any]:
    """The one case of a class."""
    (found,) = world.get(CASES, caller, params={"class": name})["items"]
    return dict(found)


def path(one: dict[str, Any]) -> str:
    return f"{CASES}/{one['site']}/{one['discrepancy_id']}"


def settle(world: World, one: dict[str, Any], **more: Any) -> dict[str, Any]:
    return dict(world.post(f"{path(one)}/settle", {"reason": "as proposed", "proposed": True, **more}))


def on_the_way(world: World, gtin: str = WATER) -> int:
    """What is between all sites of a product."""
    with world.database.transaction() as connection:
        row = connection.execute(
            "SELECT coalesce(sum(quantity), 0) FROM stock WHERE starts_with(location, 'in_transit:') AND gtin = %s",
            (gtin,),
        ).fetchone()
    assert row is not None
    return int(row[0])


def assert_books_hold(world: World) -> None:
    with world.database.transaction() as connection:
        assert rebuild(connection) == []
        assert zero_sum(connection) == {}


def a_short_receipt(world: World) -> dict[str, Any]:
    """Ten were sent to the first shop of the dealer, seven were counted."""
    world.opening("WH", water=100, tea=50)
    send(world, "D1", 10)
    world.counter("D1").receive("D-1", 7)
    looked_at(world)
    return case(world, "short_receipt")
