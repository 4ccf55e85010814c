"""Cases, returns and voids at the local interface, over a real port."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from protocol.feeds import ContainerHere
from tests.agent.local.served import Served, served
from tests.agent.shop_kit import TEA, WATCH, WATCH_1, WATCH_2, Counter

LINE = {"gtin": "4006381333931", "quantity": "2", "amount_minor": 800}
PALLET = "106141412345678908"


@pytest.fixture
def api(counter: Counter) -> Iterator[Served]:
    with served(counter) as running:
        yield running


def test_a_pallet_is_received_over_the_interface(api: Served, counter: Counter) -> None:
    counter.feed(ContainerHere(sscc=PALLET, items=(WATCH_1, WATCH_2)))
    api.put("/v1/mode", json={"mode": "receive"})
    frame = api.post("/v1/scans", json={"code": f"(00){PALLET}"}).json()
    assert (frame["key"], frame["case"]["items"], frame["case"]["pieces"]) == (
        "received_case",
        2,
        [{"gtin": WATCH, "name": "Watch", "quantity": "2"}],
    )
    assert api.get("/v1/receiving").json()["receiving"]["cases"][0]["sscc"] == PALLET
    assert api.delete(f"/v1/receiving/cases/{PALLET}").json()["progress"] == []
    assert api.delete(f"/v1/receiving/cases/{PALLET}").status_code == 404


def test_a_case_that_is_not_known_here_is_taken_in_when_asked_for(api: Served) -> None:
    asked = api.post("/v1/receiving/cases", json={"sscc": PALLET})
    assert (asked.status_code, asked.json()["type"]) == (409, "urn:countermark:problem:case_unknown")
    assert api.post("/v1/receiving/cases", json={"sscc": PALLET, "sealed": True}).status_code == 201
    wrong = api.post("/v1/receiving/cases", json={"sscc": "106141412345678909"})
    assert (
        wrong.status_code,
        wrong.json()["detail"].startswith("sscc: SSCC 106141412345678909: its check digit"),
    ) == (422, True)


def test_a_case_is_packed_and_unpacked_over_the_interface(api: Served) -> None:
    api.put("/v1/packing", json={"sscc": PALLET})
    api.put("/v1/mode", json={"mode": "pack"})
    api.post("/v1/scans", json={"code": WATCH_1})
    api.post("/v1/scans", json={"code": "4006381333931"})
    case = api.patch(f"/v1/packing/lines/{TEA}", json={"quantity": "12"}).json()
    assert (case["draft"]["items"], case["draft"]["lines"][0]["quantity"]) == ([WATCH_1], "12")
    packed = api.post("/v1/packing/complete")
    assert (packed.status_code, packed.json()["number"], packed.json()["sscc"]) == (201, "1-K00001", PALLET)
    unpacked = api.post("/v1/unpackings", json={"sscc": PALLET, "unpacking_id": "u-1"})
    again = api.post("/v1/unpackings", json={"sscc": PALLET, "unpacking_id": "u-1"})
    assert (unpacked.status_code, again.status_code, again.json()) == (201, 200, unpacked.json())


def test_what_a_case_does_not_take_is_a_problem_with_its_name(api: Served) -> None:
    answers = [
        api.post("/v1/packing/complete"),
        api.put("/v1/packing", json={"sscc": "1"}),
        api.post("/v1/packings", json={"sscc": PALLET}),
        api.post("/v1/packings", json={"sscc": PALLET, "codes": [WATCH_1, WATCH_1]}),
        api.delete(f"/v1/packing/parts/{WATCH_1}"),
    ]
    assert [(answer.status_code, answer.json()["type"].rpartition(":")[2]) for answer in answers] == [
        (409, "no_case"),
        (422, "bad_sscc"),
        (422, "empty"),
        (409, "packed_already"),
        (404, "no_line"),
    ]


def test_a_sale_is_found_and_voided_by_an_item_of_it(api: Served) -> None:
    api.post("/v1/sales", json={"sale_id": "s-1", "lines": [{"item": WATCH_1}, LINE]})
    found = api.get("/v1/sales", params={"code": WATCH_1}).json()
    assert (found["sale_id"], found["voided"], found["returned"], found["void_until_us"] > 0) == (
        "s-1",
        False,
        [],
        True,
    )
    voided = api.post("/v1/voids", json={"code": WATCH_1, "reason": "mistake"})
    assert (voided.status_code, voided.json()["receipt"], api.get("/v1/sales/s-1").json()["voided"]) == (
        201,
        "1-000001",
        True,
    )


def test_a_void_that_cannot_be_says_why(api: Served) -> None:
    answers = [
        api.post("/v1/voids", json={"code": WATCH_1, "reason": "a"}),
        api.post("/v1/voids", json={"code": "4006381333931", "reason": "a"}),
        api.get("/v1/sales"),
        api.patch("/v1/basket/lines/first", json={}),
    ]
    told = [(answer.status_code, answer.headers["content-type"]) for answer in answers]
    assert told == [(status, "application/problem+json") for status in (409, 422, 422, 422)]


def test_a_line_is_put_on_the_return_by_hand(api: Served) -> None:
    answer = api.post("/v1/returns/basket/lines", json={"code": "4902505081163", "amount_minor": 120})
    assert (answer.status_code, answer.json()["total_minor"]) == (201, 120)
    refused = api.post("/v1/returns/basket/lines", json={"code": WATCH_1})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:countermark:problem:not_sold")
