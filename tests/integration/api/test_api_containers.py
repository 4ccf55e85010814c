"""Cases and pallets over HTTP and from a file: packed, despatched with and without an order, taken in at a dealer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from central.actors import By
from central.containers.files import pack_file
from central.imports.rules import ImportRefused
from protocol.codes.check_digits import check_digit
from protocol.events import GoodsReceived, Unopened
from protocol.feeds import ContainerHere, DespatchView, Feed
from tests.integration.api.world import FOREIGN, NOW, WATCH, WATER, World


def sscc(number: int) -> str:
    body = f"04012345{number:09}"
    return body + check_digit(body)


PALLET, CASE, OTHER = sscc(1), sscc(2), sscc(3)


def items(world: World, *serials: str, site: str = "WH") -> list[str]:
    """Watches in stock, in the books of items and in those of stock."""
    world.post(
        "/v1/movements",
        {
            "document": f"open-{serials[0]}",
            "kind": "opening",
            "site": site,
            "lines": [{"gtin": WATCH, "quantity": len(serials)}],
        },
    )
    return world.sold_items(*serials, site=site)


def pack(world: World, outer: str, *inside: str, expected: int | None = None, **more: Any) -> dict[str, Any]:
    body = {
        "items": [one for one in inside if len(one) != 18],
        "containers": [one for one in inside if len(one) == 18],
        **more,
    }
    return dict(world.post(f"/v1/containers/{outer}/pack", body, expected=expected))


def feed(world: World, site: str) -> dict[str, ContainerHere]:
    with world.database.transaction() as connection:
        rows = connection.execute(
            "SELECT key, body FROM feed_rows WHERE feed = %s AND scope = %s AND body IS NOT NULL",
            (Feed.CONTAINERS, site),
        ).fetchall()
    return {key: msgspec.json.decode(body, type=ContainerHere) for key, body in rows}


@pytest.fixture
def pallet(world: World) -> list[str]:
    """A pallet at the warehouse: a case with two watches, and six waters; the watches."""
    world.opening("WH", water=10)
    codes = items(world, "A1", "A2")
    pack(world, CASE, *codes)
    pack(world, PALLET, CASE, lines=[{"gtin": WATER, "quantity": 6}])
    return codes


def test_a_pallet_shows_what_is_in_it_at_all_levels(world: World, pallet: list[str]) -> None:
    found = world.get(f"/v1/containers/00{PALLET}")
    assert (found["site"], found["items_at_all_levels"], found["lines"]) == ("WH", 2, {WATER: "6"})
    [case] = found["containers"]
    assert (case["sscc"], case["parent"], case["items"]) == (CASE, PALLET, pallet)


@pytest.mark.parametrize(
    ("outer", "inside", "said"),
    [
        (OTHER, ("A1",), f"it is packed in {CASE}; unpack it there first"),
        (OTHER, (CASE,), f"it is packed in {PALLET}; unpack it there first"),
        (CASE, (PALLET,), "two containers cannot lie in each other"),
        (CASE, (CASE,), "nothing is packed into itself"),
        (OTHER, (sscc(99),), "its site is not known"),
        (CASE, (sscc(99),), "pack something into it first"),
        (CASE, ("NOBODY",), "nobody has registered this item"),
    ],
)
def test_what_cannot_be_packed_is_refused_with_its_reason_and_nothing_is_done(
    world: World, pallet: list[str], outer: str, inside: tuple[str, ...], said: str
) -> None:
    named = [one if len(one) == 18 else f"01{WATCH}21{one}" for one in inside]
    before = world.get(f"/v1/containers/{PALLET}")
    refused = pack(world, outer, *named, expected=409)
    assert said in refused["detail"]
    assert world.get(f"/v1/containers/{PALLET}") == before


def test_an_item_of_another_site_is_not_packed(world: World, pallet: list[str]) -> None:
    [elsewhere] = items(world, "B1", site="D1")
    assert "it is not at WH" in pack(world, CASE, elsewhere, expected=409)["detail"]


@pytest.mark.parametrize("name", ["123", CASE[:-1] + str((int(CASE[-1]) + 1) % 10)])
def test_an_sscc_that_is_none_is_refused(world: World, name: str) -> None:
    world.post(f"/v1/containers/{name}/pack", {"items": ["x"]}, expected=422)


def test_nothing_to_pack_is_a_mistake(world: World) -> None:
    assert "nothing to pack" in pack(world, CASE, expected=422)["detail"]


def test_a_case_is_opened_in_part_and_whole(world: World, pallet: list[str]) -> None:
    world.post(f"/v1/containers/{CASE}/unpack", {"items": pallet[:1]})
    assert world.get(f"/v1/items/{pallet[0]}")["container"] is None
    assert world.post(f"/v1/containers/{CASE}/unpack")["items"] == 1
    world.post(f"/v1/containers/{CASE}/unpack", {"items": pallet[:1]}, expected=409)
    world.post(f"/v1/containers/{OTHER}/unpack", expected=404)
    assert set(feed(world, "WH")) == {PALLET}


def test_a_pallet_despatched_for_an_order_takes_everything_in_it_along(
    world: World, pallet: list[str]
) -> None:
    counter = world.counter("D1")
    path = f"/v1/orders/D1/{counter.order(2, gtin=WATCH)}"
    world.post(f"{path}/accept")
    world.post(f"{path}/allocate")
    refused = world.post(f"{path}/despatch", {"containers": [PALLET]}, expected=409)
    assert f"hold 6 of product {WATER}" in refused["detail"]
    sent = world.post(f"{path}/despatch", {"containers": [CASE]})
    assert sent["state"] == "despatched"
    assert [world.get(f"/v1/items/{code}")["state"] for code in pallet] == ["in_transit", "in_transit"]
    here = feed(world, "D1")[CASE]
    assert (here.items, here.parent, here.despatch_id) == (tuple(pallet), None, sent["despatch_id"])
    assert feed(world, "WH")[PALLET].containers == ()
    advice = world.get(f"/v1/despatches/D1/{sent['despatch_id']}")
    assert (advice["containers"], advice["lines"][0]["quantity"], advice["lines"][0]["items"]) == (
        [CASE],
        "2",
        [],
    )


def test_a_case_of_an_order_taken_in_unopened_completes_it(world: World, pallet: list[str]) -> None:
    counter = world.counter("D1")
    path = f"/v1/orders/D1/{counter.order(2, gtin=WATCH)}"
    world.post(f"{path}/accept")
    world.post(f"{path}/allocate")
    sent = world.post(f"{path}/despatch", {"containers": [CASE]})
    counter.report(
        GoodsReceived(
            receipt_advice_id="r",
            lines=(),
            despatch_id=sent["despatch_id"],
            containers=(Unopened(sscc=CASE, items=2),),
        )
    )
    assert world.get(path)["state"] == "received"
    assert [world.get(f"/v1/items/{code}")["state"] for code in pallet] == ["sellable", "sellable"]
    assert (world.stock("D1", WATCH)["on_hand"], world.stock("D1", WATCH)["in_transit"]) == ("2", "0")
    assert feed(world, "D1")[CASE].despatch_id is None
    assert world.get("/v1/discrepancies")["items"] == []


def test_a_case_that_does_not_arrive_is_named_with_what_is_short(world: World, pallet: list[str]) -> None:
    counter = world.counter("D1")
    sent = world.post(
        "/v1/despatches", {"from_site": "WH", "to_site": "D1", "containers": [PALLET]}, expected=201
    )
    counter.report(GoodsReceived(receipt_advice_id="r", lines=(), despatch_id=sent["despatch_id"]))
    short = world.get("/v1/discrepancies", params={"class": "short_receipt"})["items"]
    assert {case["gtin"]: (case["quantity"], case["evidence"][0]["containers"]) for case in short} == {
        WATCH: ("2", [PALLET]),
        WATER: ("6", [PALLET]),
    }


def test_goods_are_sent_without_an_order_and_announced(world: World, pallet: list[str]) -> None:
    counter = world.counter("D1")
    body = {
        "from_site": "WH",
        "to_site": "D1",
        "despatch_id": "T1",
        "lines": [{"gtin": WATER, "quantity": 4}],
        "containers": [PALLET],
    }
    sent = world.post("/v1/despatches", body, expected=201)
    assert [(line["gtin"], line["quantity"]) for line in sent["lines"]] == [
        (WATER, "4"),
        (WATER, "6"),
        (WATCH, "2"),
    ]
    with world.database.transaction() as connection:
        [(advice,)] = connection.execute("SELECT body FROM feed_rows WHERE feed = 'despatches'").fetchall()
    assert msgspec.json.decode(advice, type=DespatchView).despatch_id == "T1"
    assert set(feed(world, "D1")) == {PALLET, CASE}
    counter.receive("T1", 4, complete=False)
    counter.report(
        GoodsReceived(receipt_advice_id="p", lines=(), despatch_id="T1", containers=(Unopened(sscc=PALLET),))
    )
    assert world.get("/v1/despatches/D1/T1")["state"] == "received"
    assert world.stock("D1")["on_hand"] == "10"
    assert world.get("/v1/discrepancies")["items"] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"lines": [{"gtin": WATER, "quantity": 11}]},
            f"11 of product {WATER} are to leave WH, and 10 are there",
        ),
        ({"lines": [{"gtin": WATCH, "quantity": 1}]}, "0 item codes are named"),
        ({"lines": [{"gtin": WATCH, "quantity": 1, "items": ["x"]}]}, "item x is not at WH"),
        ({"containers": [OTHER]}, f"container {OTHER} is not at WH"),
        ({}, "nothing to despatch"),
        ({"to_site": "WH", "containers": [PALLET]}, "another site than their own"),
        ({"to_site": "NOWHERE", "containers": [PALLET]}, "not known here"),
    ],
)
def test_what_cannot_leave_says_why(
    world: World, pallet: list[str], change: dict[str, Any], said: str
) -> None:
    body = {"from_site": "WH", "to_site": "D1", **change}
    assert said in world.post("/v1/despatches", body, expected=409)["detail"]


def test_a_case_on_its_way_is_not_sent_a_second_time(world: World, pallet: list[str]) -> None:
    world.post("/v1/despatches", {"from_site": "WH", "to_site": "D1", "containers": [PALLET]}, expected=201)
    again = {"from_site": "D1", "to_site": FOREIGN, "containers": [PALLET]}
    assert "has not been received" in world.post("/v1/despatches", again, expected=409)["detail"]
    assert "it is on its way" in pack(world, PALLET, CASE, expected=409)["detail"]


def test_recalled_goods_go_back_to_a_warehouse_and_nowhere_else(world: World) -> None:
    codes = items(world, "A1", site="D1")
    world.post("/v1/items/recall", {"reason": "glass", "items": codes})
    body = {"from_site": "D1", "lines": [{"gtin": WATCH, "quantity": 1, "items": codes}]}
    refused = world.post("/v1/despatches", {**body, "to_site": FOREIGN}, expected=409)
    assert "it may go back to a warehouse, and nowhere else" in refused["detail"]
    world.post("/v1/despatches", {**body, "to_site": "WH"}, expected=201)
    found = world.get(f"/v1/items/{codes[0]}")
    assert (found["state"], found["site"]) == ("recalled", "WH")


def test_the_trace_of_a_container_tells_its_life(world: World, pallet: list[str]) -> None:
    world.post("/v1/despatches", {"from_site": "WH", "to_site": "D1", "containers": [PALLET]}, expected=201)
    steps = world.get(f"/v1/containers/{CASE}/trace")["steps"]
    assert [(step["action"], step["biz_step"], step["items"]) for step in steps] == [
        ("pack", "packing", pallet),
        ("ship", "shipping", pallet),
    ]
    assert world.call("GET", f"/v1/containers/{OTHER}/trace").status_code == 404


def test_a_dealer_sees_the_containers_at_its_own_sites(world: World, pallet: list[str]) -> None:
    assert world.call("GET", f"/v1/containers/{PALLET}", "acme").status_code == 404
    world.post("/v1/despatches", {"from_site": "WH", "to_site": "D1", "containers": [PALLET]}, expected=201)
    assert world.get(f"/v1/containers/{PALLET}", "acme")["items_at_all_levels"] == 2
    assert world.call("GET", f"/v1/containers/{PALLET}", "zeta").status_code == 404


# -- from a file ------------------------------------------------------------------------------------------------------


def pack_list(world: World, tmp_path: Path, *lines: str) -> Any:
    path = tmp_path / "packing.csv"
    path.write_text("sscc,child\n" + "\n".join(lines) + "\n")
    return pack_file(world.database, path, By(actor="test", at=NOW), None)


def test_a_packing_list_is_packed_from_the_inside_out_and_again_changes_nothing(
    world: World, tmp_path: Path
) -> None:
    codes = items(world, "A1", "A2")
    lines = [
        f"{PALLET},00{CASE}",
        f"{CASE},(01){WATCH}(21)A1",
        f"{CASE},https://id.example.com/01/{WATCH}/21/A2",
    ]
    done = pack_list(world, tmp_path, *lines)
    assert (done.containers, done.items, done.nested, done.faults) == (2, 2, 1, ())
    assert world.get(f"/v1/containers/{PALLET}")["containers"][0]["items"] == codes
    again = pack_list(world, tmp_path, *lines)
    assert (again.items, again.nested, again.faults) == (0, 0, ())


def test_bad_lines_and_cases_are_named_and_the_rest_is_packed(world: World, tmp_path: Path) -> None:
    items(world, "A1")
    done = pack_list(
        world,
        tmp_path,
        f"{CASE},01{WATCH}21A1",
        f"{OTHER},01{WATCH}21NOBODY",
        "123,x",
        f"{CASE},hello",
    )
    assert (done.containers, done.items) == (1, 1)
    assert [fault.partition(":")[0] for fault in done.faults] == ["line 4", "line 5", f"container {OTHER}"]


def test_containers_in_each_other_stop_the_file(world: World, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="lie in each other"):
        pack_list(world, tmp_path, f"{CASE},{OTHER}", f"{OTHER},{CASE}")


def test_two_who_pack_into_a_new_case_at_once_both_find_their_goods_in_it(world: World) -> None:
    def packing(_: int) -> None:
        pack(world, CASE, lines=[{"gtin": WATER, "quantity": 1}], site="WH")

    with ThreadPoolExecutor(4) as hands:
        list(hands.map(packing, range(8)))
    assert world.get(f"/v1/containers/{CASE}")["lines"] == {WATER: "8"}
