"""Stocktakes at the local interface, over a real port."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from protocol.events import StockCounted
from protocol.feeds import StocktakeHere
from tests.agent.local.served import Served, served
from tests.agent.shop_kit import TEA, WATCH_1, Counter

TEA_CODE = "4006381333931"
SHELF = "/v1/stocktakes/s-1/areas/Shelf"


@pytest.fixture
def api(counter: Counter) -> Iterator[Served]:
    counter.feed(StocktakeHere(stocktake_id="s-1", name="Spring count", blind=True))
    with served(counter) as running:
        yield running


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def test_an_area_is_counted_and_sent_over_the_interface(api: Served, counter: Counter) -> None:
    assert api.put(SHELF, json={}).json()["area"] == "Shelf"
    api.put("/v1/mode", json={"mode": "stocktake"})
    api.post("/v1/scans", json={"code": TEA_CODE})
    frame = api.post(f"{SHELF}/scans", json={"code": TEA_CODE, "quantity": "23"}).json()
    assert (frame["outcome"], frame["key"]) == ("counted", "counted")
    area = api.get(SHELF).json()
    assert [(line["gtin"], line["name"], line["quantity"]) for line in area["lines"]] == [
        (TEA, "Green tea", "24")
    ]
    sent = api.post(f"{SHELF}/send", json={"complete": True, "count_id": area["count_id"]})
    again = api.post(f"{SHELF}/send", json={"complete": True, "count_id": area["count_id"]})
    assert (sent.status_code, again.status_code, again.json()) == (201, 200, sent.json())
    assert isinstance(counter.bodies()[0], StockCounted)
    told = api.get("/v1/stocktakes").json()["stocktakes"][0]
    assert [(one["area"], one["number"]) for one in told["areas"]] == [("Shelf", "1-C00001")]


def test_a_phone_counts_an_area_of_its_own_while_the_counter_counts_another(api: Served) -> None:
    api.put(SHELF, json={})
    room = "/v1/stocktakes/s-1/areas/" + quote("仓库 1", safe="")
    api.put(room, json={"chosen": False})
    api.post(f"{room}/scans", json={"code": TEA_CODE, "device": "phone"})
    assert api.get("/v1/counting").json()["area"] == "Shelf"
    assert (api.get(room).json()["pieces"], api.get(SHELF).json()["pieces"]) == ("1", "0")


def test_a_scan_told_again_under_its_id_counts_once(api: Served) -> None:
    api.put(SHELF, json={})
    asked = {"code": TEA_CODE, "request_id": "r-1"}
    first, again = (api.post(f"{SHELF}/scans", json=asked) for _ in range(2))
    other = api.post(f"{SHELF}/scans", json={"code": WATCH_1, "request_id": "r-1"})
    assert (first.json(), api.get(SHELF).json()["pieces"]) == (again.json(), "1")
    assert problem(other) == (409, "conflict")


def test_a_double_trigger_of_a_named_device_counts_once(api: Served) -> None:
    api.put(SHELF, json={})
    asked = {"code": TEA_CODE, "device": "phone"}
    keys = [api.post(f"{SHELF}/scans", json=asked).json()["key"] for _ in range(2)]
    assert (keys, api.get(SHELF).json()["pieces"]) == (["counted", "repeated"], "1")


def test_what_was_counted_is_corrected_by_hand(api: Served) -> None:
    api.put(SHELF, json={})
    api.put(f"{SHELF}/lines/{TEA_CODE}", json={"quantity": "12.5"})
    api.post(f"{SHELF}/scans", json={"code": WATCH_1})
    after = [
        api.post(f"{SHELF}/undo").json()["pieces"],
        api.delete(f"{SHELF}/parts/{TEA}").json()["pieces"],
        api.post(f"{SHELF}/undo").json()["pieces"],
    ]
    assert after == ["12.5", "0", "12.5"]


def test_a_shops_own_number_is_set_by_hand_as_any_other(api: Served) -> None:
    api.put(SHELF, json={})
    told = api.put(f"{SHELF}/lines/02112345000008", json={"quantity": "0.750"}).json()
    assert [(line["gtin"], line["quantity"]) for line in told["lines"]] == [("02112345000008", "0.750")]


def test_a_piece_without_a_readable_code_is_counted_when_a_person_says_so(api: Served) -> None:
    api.put(SHELF, json={})
    asked = api.post(f"{SHELF}/scans", json={"code": "9506000134352"}).json()
    told = api.post(f"{SHELF}/scans", json={"code": "9506000134352", "uncoded": True}).json()
    assert (asked["question"], told["outcome"]) == ("uncoded", "counted")


def test_an_area_is_cleared(api: Served) -> None:
    api.put(SHELF, json={})
    api.post(f"{SHELF}/scans", json={"code": TEA_CODE})
    assert api.delete(SHELF).json()["area"] is None
    assert problem(api.get(SHELF)) == (404, "no_area")


def test_a_stocktake_is_begun_and_forgotten_over_the_interface(api: Served) -> None:
    begun = api.post("/v1/stocktakes", json={"name": "After the flood", "stocktake_id": "s-9"})
    again = api.post("/v1/stocktakes", json={"name": "After the flood", "stocktake_id": "s-9"})
    other = api.post("/v1/stocktakes", json={"name": "Another", "stocktake_id": "s-9"})
    chosen = api.put("/v1/counting", json={"stocktake_id": "s-9"}).json()
    assert (begun.status_code, again.json(), problem(other)) == (201, begun.json(), (409, "conflict"))
    assert (chosen["name"], chosen["area"]) == ("After the flood", None)
    assert api.delete("/v1/stocktakes/s-9").status_code == 204
    assert problem(api.delete("/v1/stocktakes/s-1")) == (409, "not_begun_here")


def test_what_cannot_be_counted_is_a_problem_with_its_name(api: Served) -> None:
    api.put(SHELF, json={})
    answers = [
        api.get("/v1/stocktakes/s-7"),
        api.put("/v1/stocktakes/s-7/areas/Shelf", json={}),
        api.put("/v1/stocktakes/s-1/areas/Shelf%20%232", json={}),
        api.put(SHELF, json={"again": "perhaps"}),
        api.post(f"{SHELF}/send", json={}),
        api.post(f"{SHELF}/send", json={"complete": True, "count_id": "x" * 65}),
        api.post(f"{SHELF}/undo"),
        api.put(f"{SHELF}/lines/tea", json={"quantity": "1"}),
        api.put(f"{SHELF}/lines/{TEA}", json={"quantity": "-1"}),
        api.delete(f"{SHELF}/parts/{TEA}"),
        api.post("/v1/stocktakes/s-1/areas/Window/send", json={"complete": True}),
        api.post("/v1/stocktakes", json={"name": ""}),
        api.put("/v1/counting", json={"stocktake_id": "s-7"}),
    ]
    assert [problem(answer) for answer in answers] == [
        (404, "no_stocktake"), (404, "no_stocktake"), (422, "bad_area"), (422, "invalid"), (409, "empty"), (422, "invalid"),
        (409, "nothing_to_undo"), (422, "invalid"), (422, "bad_quantity"), (404, "no_line"), (409, "no_area"),
        (422, "bad_name"), (404, "no_stocktake"),
    ]  # fmt: skip


def test_a_code_that_cannot_be_read_counts_nothing_and_says_why(api: Served) -> None:
    api.put(SHELF, json={})
    frame = api.post(f"{SHELF}/scans", json={"code": "4006381333932"}).json()
    assert (frame["outcome"], api.get(SHELF).json()["pieces"]) == ("unreadable", "0")


def test_a_screen_sees_what_another_counts(api: Served) -> None:
    api.put(SHELF, json={})
    with api.screen() as screen:
        api.post(f"{SHELF}/scans", json={"code": TEA_CODE})
        frames = [screen.next() for _ in range(2)]
    assert [frame["type"] for frame in frames] == ["added", "stocktake"]
    assert frames[1]["lines"][0]["quantity"] == "1"


def test_the_interface_describes_its_stocktakes(api: Served) -> None:
    described = api.get("/openapi.json").json()
    assert "/v1/stocktakes/{stocktake_id}/areas/{area}/scans" in described["paths"]
    assert "SendAsked" in described["components"]["schemas"]
