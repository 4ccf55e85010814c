"""Goods that leave, at the local interface, over a real port."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from protocol.events import GoodsDespatched, Unopened
from protocol.feeds import ItemHere, SiteHere
from tests.agent.local.served import Served, served
from tests.agent.shop_kit import SITE, TEA, WATCH, WATCH_1, WATCH_2, Counter

TEA_CODE = "4006381333931"
CASE = "106141412345678915"
RECALLED = f"01{WATCH}21RECALLED"


@pytest.fixture
def api(counter: Counter) -> Iterator[Served]:
    counter.feed(
        SiteHere(site="site-2", name="Store two", kind="store"),
        SiteHere(site="w-1", name="Warehouse", kind="warehouse"),
        ItemHere(item=RECALLED, gtin=WATCH, state="recalled", site=SITE),
    )
    with served(counter) as running:
        yield running


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def test_goods_leave_over_the_interface(api: Served, counter: Counter) -> None:
    assert [one["site"] for one in api.get("/v1/sites").json()["sites"]] == ["w-1", "site-2"]
    api.put("/v1/shipping", json={"to_site": "site-2"})
    api.put("/v1/mode", json={"mode": "ship"})
    api.post("/v1/scans", json={"code": WATCH_1})
    api.post("/v1/shipping/codes", json={"code": TEA_CODE, "quantity": "12"})
    api.post("/v1/shipping/cases", json={"sscc": CASE, "sealed": True})
    door = api.get("/v1/shipping").json()
    assert [(line["name"], line["quantity"]) for line in door["lines"]] == [
        ("Green tea", "12"),
        ("Watch", "1"),
    ]
    sent = api.post("/v1/shipping/complete", json={"despatch_id": door["despatch_id"], "reason": "asked for"})
    again = api.post(
        "/v1/shipping/complete", json={"despatch_id": door["despatch_id"], "reason": "asked for"}
    )
    assert (sent.status_code, again.status_code, again.json()) == (201, 200, sent.json())
    body = counter.bodies()[-1]
    assert isinstance(body, GoodsDespatched)
    assert (body.to_site, body.containers, body.reason) == ("site-2", (Unopened(sscc=CASE),), "asked for")
    listed = api.get("/v1/shipments").json()["shipments"]
    assert [(one["number"], one["to_name"]) for one in listed] == [("1-D00001", "Store two")]
    note = api.get(f"/v1/shipments/{door['despatch_id']}").json()
    assert (note["number"], len(note["lines"]), note["cases"][0]["sscc"]) == ("1-D00001", 2, CASE)


def test_what_is_loaded_is_corrected_by_hand(api: Served) -> None:
    api.put("/v1/shipping", json={"to_site": "site-2"})
    api.put(f"/v1/shipping/lines/{TEA}", json={"quantity": "24"})
    api.post("/v1/shipping/codes", json={"code": WATCH_1})
    after = [
        api.post("/v1/shipping/undo").json()["pieces"],
        api.delete(f"/v1/shipping/parts/{TEA}").json()["pieces"],
        api.post("/v1/shipping/undo").json()["pieces"],
        api.delete("/v1/shipping").json()["to"],
    ]
    assert after == ["24", "0", "24", None]


def test_goods_told_at_once_leave_at_once(api: Served) -> None:
    asked = {
        "to_site": "site-2",
        "codes": [WATCH_2],
        "lines": [{"gtin": TEA_CODE, "quantity": "6"}],
        "despatch_id": "d-1",
    }
    sent, again = (api.post("/v1/shipments", json=asked) for _ in range(2))
    assert (sent.status_code, again.status_code, again.json()) == (201, 200, sent.json())
    assert (sent.json()["number"], sent.json()["pieces"]) == ("1-D00001", "7")


def test_what_may_not_leave_is_a_problem_with_its_name(api: Served) -> None:
    unsaid = api.post("/v1/shipping/codes", json={"code": WATCH_1})
    api.put("/v1/shipping", json={"to_site": "site-2"})
    answers = [
        unsaid,
        api.put("/v1/shipping", json={"to_site": "nowhere"}),
        api.post("/v1/shipping/complete"),
        api.post("/v1/shipping/codes", json={"code": RECALLED}),
        api.post("/v1/shipping/codes", json={"code": "4006381333932"}),
        api.post("/v1/shipping/cases", json={"sscc": CASE}),
        api.post("/v1/shipping/cases", json={"sscc": "1"}),
        api.put("/v1/shipping/lines/x", json={"quantity": "1"}),
        api.delete(f"/v1/shipping/parts/{TEA}"),
        api.post("/v1/shipments", json={"to_site": "site-2", "codes": [RECALLED]}),
        api.post("/v1/shipments", json={"to_site": "site-2", "codes": [WATCH_1], "despatch_id": "d d\n"}),
        api.get("/v1/shipments/d-9"),
        api.post("/v1/shipments/d-9/print"),
        api.get("/v1/shipments?limit=0"),
    ]
    assert [problem(answer) for answer in answers] == [
        (409, "no_destination"), (422, "no_site"), (409, "empty"), (409, "ship_recalled"), (422, "unreadable"),
        (409, "ship_case_unknown"), (422, "bad_sscc"), (422, "invalid"), (404, "no_line"), (409, "ship_recalled"), (422, "invalid"),
        (404, "no_despatch"), (404, "no_despatch"), (422, "invalid"),
    ]  # fmt: skip


def test_without_a_printer_a_note_is_not_printed_and_says_so(api: Served) -> None:
    api.post("/v1/shipments", json={"to_site": "w-1", "codes": [RECALLED], "despatch_id": "d-1"})
    assert problem(api.post("/v1/shipments/d-1/print")) == (409, "no_printer")
