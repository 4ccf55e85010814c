"""Codes are ordered, exported, put on products and taken back over the interface."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from central.codes.order_secrets import path_of
from protocol.codes import recognise
from tests.integration.api.world import FOREIGN, NOW, WATCH, World

ORDER = {"gtin": WATCH, "count": 12, "format": "sgtin", "batch": "LOT7", "expiry": "2027-12-31"}


def codes(world: World, order: str, **query: Any) -> list[dict[str, str]]:
    """The lines of an export as CSV."""
    answer = world.call("GET", f"/v1/code-orders/{order}/export", params={"format": "csv", **query})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8"), (
        answer.text
    )
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_an_order_is_placed_listed_and_exported(world: World) -> None:
    placed = world.post("/v1/code-orders", ORDER)
    assert {name: placed[name] for name in ("gtin", "count", "state", "written", "placed_by")} == {
        "gtin": WATCH, "count": 12, "state": "complete", "written": 12, "placed_by": "brand:boss",
    }  # fmt: skip
    assert world.get(f"/v1/code-orders/{placed['order']}", "checker") == placed
    assert world.get("/v1/code-orders", params={"gtin": WATCH})["items"] == [placed]
    lines = codes(world, placed["order"])
    read = [recognise(line["code"], today=NOW.date()) for line in lines]
    assert [code.item for code in read] == [line["item"] for line in lines]
    assert [line["number"] for line in lines] == [str(number) for number in range(1, 13)]


def test_an_export_is_the_same_whenever_it_is_asked_for(world: World) -> None:
    tag = world.post("/v1/code-orders", {**ORDER, "format": "short"})["order"]
    assert codes(world, tag)[4:7] == codes(world, tag, **{"from": "5", "to": "7"})


@pytest.mark.parametrize(
    ("kind", "beginning"),
    [("zpl", b"^XA\n^PW560"), ("pdf", b"%PDF-"), ("csv", b"number,item,code,human_readable\r\n")],
)
def test_every_kind_of_file_is_named_and_handed_out(world: World, kind: str, beginning: bytes) -> None:
    tag = world.post("/v1/code-orders", ORDER)["order"]
    answer = world.call(
        "GET", f"/v1/code-orders/{tag}/export", params={"format": kind, "from": "2", "to": "3"}
    )
    name = f'attachment; filename="codes-{tag}-2-3.{kind}"'
    assert (answer.headers["content-disposition"], answer.content[: len(beginning)]) == (name, beginning)


def test_orders_come_in_pages_the_newest_first(world: World) -> None:
    tags = [world.post("/v1/code-orders", ORDER)["order"] for _ in range(3)]
    first = world.get("/v1/code-orders", params={"limit": "2"})
    second = world.get("/v1/code-orders", params={"limit": "2", "cursor": first["next"]})
    listed = [one["order"] for one in (*first["items"], *second["items"])]
    assert (sorted(listed), second["next"]) == (sorted(tags), None)


def test_codes_are_put_on_products_and_their_items_are_there(world: World) -> None:
    tag = world.post("/v1/code-orders", ORDER)["order"]
    lines = codes(world, tag)
    path = f"/v1/code-orders/{tag}/commission"
    by_number = world.post(path, {"site": "S1", "first": 1, "last": 4})
    again = world.post(path, {"site": "S1", "first": 1, "last": 4})
    by_code = world.post(path, {"site": "WH", "items": [lines[5]["code"], lines[6]["item"], "0101"]})
    counts = [(one["commissioned"], one["known"], len(one["refused"])) for one in (by_number, again, by_code)]
    assert counts == [(4, 0, 0), (0, 4, 0), (2, 0, 1)]
    assert by_code["refused"] == [{"line": 3, "reason": "no single item of this product is named"}]
    trace = world.get(f"/v1/items/{lines[5]['item']}/trace")
    assert (trace["state"], trace["site"], trace["batch"], trace["expiry"]) == (
        "commissioned", "WH", "LOT7", "2027-12-31",
    )  # fmt: skip
    assert world.get(f"/v1/items/{lines[0]['item']}/trace")["state"] == "sellable"
    assert world.get(f"/v1/code-orders/{tag}")["on_products"] == 6


def test_a_cancelled_order_hands_out_nothing(world: World) -> None:
    tag = world.post("/v1/code-orders", ORDER)["order"]
    done = world.post(f"/v1/code-orders/{tag}/cancel", {"reason": "misprint"})
    answer = world.call("GET", f"/v1/code-orders/{tag}/export", params={"format": "csv"})
    late = world.call("POST", f"/v1/code-orders/{tag}/commission", json={"site": "S1", "first": 1, "last": 1})
    assert (done["state"], done["reason"], answer.status_code, late.status_code) == (
        "cancelled", "misprint", 409, 409,
    )  # fmt: skip


def test_an_order_whose_codes_are_on_products_is_not_cancelled(world: World) -> None:
    tag = world.post("/v1/code-orders", ORDER)["order"]
    world.post(f"/v1/code-orders/{tag}/commission", {"site": "S1", "first": 1, "last": 1})
    answer = world.post(f"/v1/code-orders/{tag}/cancel", {"reason": "late"}, expected=409)
    assert "1 codes are, recall those items instead" in answer["detail"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"gtin": "00012345678906"}, "check digit 5, found 6"),
        ({"gtin": "04012345678901"}, "a product that is in the catalogue"),
        ({"count": 0}, "body.count"),
        ({"count": 100_001}, "body.count"),
        ({"batch": "LOT 7"}, "batch 'LOT 7': expected 1 to 20 characters"),
        ({"expiry": "2026-03-01"}, "a day that is not past; today is 2026-03-02"),
        ({"format": "digital-link"}, "domain: expected the beginning of the web address"),
        ({"format": "qr"}, "body.format"),
        ({"domain": "https://id.example.com"}, "an element string is no web address"),
    ],
)
def test_an_order_that_cannot_be_meant_is_refused_with_what_was_expected(
    world: World, changes: dict[str, Any], said: str
) -> None:
    answer = world.post("/v1/code-orders", {**ORDER, **changes}, expected=422)
    assert said in answer["detail"]
    assert world.get("/v1/code-orders")["items"] == []


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ({"format": "csv", "from": "5", "to": "4"}, 409, "expected numbers from 1 to 12"),
        ({"format": "csv", "to": "13"}, 409, "codes 1 to 13"),
        ({"format": "csv", "from": "0"}, 422, "query.from"),
        ({"format": "png"}, 422, "query.format"),
        ({}, 422, "query.format"),
        ({"format": "zpl", "dpi": "100"}, 422, "query.dpi"),
    ],
)
def test_an_export_that_cannot_be_made_is_refused(
    world: World, query: dict[str, str], status: int, said: str
) -> None:
    tag = world.post("/v1/code-orders", ORDER)["order"]
    answer = world.call("GET", f"/v1/code-orders/{tag}/export", params=query)
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True)


@pytest.mark.parametrize(
    "body",
    [
        {"site": "S1"},
        {"site": "S1", "first": 1},
        {"site": "S1", "first": 1, "last": 2, "items": ["x"]},
        {"site": "S1", "first": 2, "last": 1},
        {"site": "S1", "first": 1, "last": 10_001},
    ],
)
def test_codes_for_products_are_named_one_way(world: World, body: dict[str, Any]) -> None:
    tag = world.post("/v1/code-orders", ORDER)["order"]
    world.post(f"/v1/code-orders/{tag}/commission", body, expected=422)


def test_a_site_or_an_order_that_is_not_there_is_named(world: World) -> None:
    tag = world.post("/v1/code-orders", ORDER)["order"]
    span = {"first": 1, "last": 1}
    answers = [
        world.post(f"/v1/code-orders/{tag}/commission", {"site": "NOWHERE", **span}, expected=404),
        world.post("/v1/code-orders/QQQQ/commission", {"site": FOREIGN, **span}, expected=404),
        world.post("/v1/code-orders/QQQQ/cancel", {"reason": "x"}, expected=404),
    ]
    assert [answer["detail"].partition(":")[0] for answer in answers] == [
        "site 'NOWHERE'", "order of codes 'QQQQ'", "order of codes 'QQQQ'",
    ]  # fmt: skip


def test_a_missing_secret_is_told_without_saying_where_it_should_be(world: World) -> None:
    tag = world.post("/v1/code-orders", ORDER)["order"]
    path_of(world.directory / "authority").unlink()
    answer = world.call("GET", f"/v1/code-orders/{tag}/export", params={"format": "csv"})
    assert (answer.status_code, str(world.directory) in answer.text) == (503, False)


def test_an_order_sent_again_under_its_key_is_one_order(world: World) -> None:
    once = {"Idempotency-Key": "codes-1"}
    tags = {world.post("/v1/code-orders", ORDER, headers=once)["order"] for _ in range(2)}
    assert (len(tags), len(world.get("/v1/code-orders")["items"])) == (1, 1)


@pytest.mark.parametrize(("deed", "state"), [("stolen", "stolen"), ("destroy", "destroyed")])
@pytest.mark.parametrize("kind", ["sgtin", "short"])
def test_labels_that_are_on_no_product_yet_can_be_lost(
    world: World, kind: str, deed: str, state: str
) -> None:
    tag = world.post("/v1/code-orders", {**ORDER, "format": kind})["order"]
    label = codes(world, tag, to="1")[0]
    done = world.post(f"/v1/items/{deed}", {"reason": "the van", "items": [label["code"], "NOTHING"]})
    assert (done["changed"], done["unknown"]) == (1, 1)
    assert world.get(f"/v1/items/{label['item']}")["state"] == state
