"""The local interface, over a real port."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from agent.local.events import QUEUE_LIMIT, Hub
from protocol.feeds import DespatchLine, DespatchView, ItemHere, StockLevel
from tests.agent.local.served import Served, served
from tests.agent.shop_kit import EPOCH, SITE, TEA, WATCH, WATCH_1, Counter, D, OpenCounter

LINE = {"gtin": "4006381333931", "quantity": "2", "amount_minor": 800}
DOUBTFUL = f"01{WATCH}21ONTHEWAY"


@pytest.fixture
def api(counter: Counter) -> Iterator[Served]:
    with served(counter) as running:
        yield running


def test_a_posted_scan_gets_the_frame_that_every_screen_gets(api: Served) -> None:
    with api.screen() as screen:
        answer = api.post("/v1/scans", json={"code": "4006381333931"})
        frame = screen.next()
        assert (answer.status_code, answer.json()) == (200, frame)
        assert (frame["type"], frame["outcome"], frame["line"], frame["product"]["price_minor"]) == (
            "scan",
            "added",
            1,
            450,
        )
        assert screen.next()["type"] == "basket"


def test_a_new_screen_gets_the_whole_picture(api: Served) -> None:
    api.post("/v1/scans", json={"code": "4006381333931"})
    with connect(api.url.replace("http", "ws") + "/v1/events") as socket:
        frames = [json.loads(socket.recv(timeout=20))]
        while frames[-1]["type"] != "order_draft":
            frames.append(json.loads(socket.recv(timeout=20)))
    told = [frame["type"] for frame in frames]
    assert told[:4] == ["status", "mode", "basket", "basket"]
    assert {"receiving", "packing", "stocktake", "shift", "authorisation"} <= set(told)
    assert frames[2]["total_minor"] == 450


def test_a_sale_is_created_once_and_answered_alike(api: Served) -> None:
    first = api.post("/v1/sales", json={"sale_id": "s-1", "lines": [LINE]})
    again = api.post("/v1/sales", json={"sale_id": "s-1", "lines": [LINE]})
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    assert first.json()["epoch"] == EPOCH


def test_an_idempotency_key_is_a_sales_id(api: Served) -> None:
    answers = [
        api.post("/v1/sales", json={"lines": [LINE]}, headers={"Idempotency-Key": "k-1"}) for _ in range(2)
    ]
    assert [(answer.status_code, answer.json()["sale_id"]) for answer in answers] == [
        (201, "k-1"),
        (200, "k-1"),
    ]


def test_another_sale_under_a_used_id_is_a_conflict_as_problem_json(api: Served) -> None:
    api.post("/v1/sales", json={"sale_id": "s-1", "lines": [LINE]})
    answer = api.post("/v1/sales", json={"sale_id": "s-1", "lines": [LINE, LINE]})
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert answer.json()["detail"].startswith("sale_id s-1: was used for sale 1-000001")


def test_a_sale_can_be_read_back_and_voided(api: Served) -> None:
    api.post("/v1/sales", json={"sale_id": "s-1", "lines": [LINE]})
    voided = api.post("/v1/sales/s-1/void", json={"reason": "mistake"})
    read = api.get("/v1/sales/s-1").json()
    assert (voided.status_code, read["receipt"], read["voided"], read["sale"]["lines"][0]["gtin"]) == (
        201,
        "1-000001",
        True,
        TEA,
    )


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"{", 400, "body: not JSON"),
        (b"{}", 422, "body: Object missing required field `lines`"),
        (b'{"lines": [], "linez": 1}', 422, "body: Object contains unknown field `linez`"),
        (b'{"lines": [{"gtin": 5}]}', 422, "body: Expected `str | null`, got `int` - at `$.lines[0].gtin`"),
        (b'{"lines": [{"gtin": "4006381333932"}]}', 422, "line 1: gtin: "),
        (b'{"lines": [], "sale_id": ""}', 422, "sale_id '': expected 1 to 64 printable ASCII characters"),
        (b" " * 1_100_000, 413, "body: more than 1048576 bytes"),
    ],
)
def test_bad_input_says_what_where_and_what_was_expected(
    api: Served, body: bytes, status: int, detail: str
) -> None:
    answer = api.post("/v1/sales", content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["detail"].startswith(detail)


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v1/products/4902505081163", "/v1/sales/nope", "/page/nothing.js"]
)
def test_what_is_not_there_is_404(api: Served, path: str) -> None:
    assert api.get(path).status_code == 404


def test_verify_changes_nothing(api: Served, counter: Counter) -> None:
    answer = api.post("/v1/verify", json={"code": WATCH_1}).json()
    assert (answer["finding"]["verdict"], answer["product"]["name"], answer["code"]["item"]) == (
        "genuine",
        "Watch",
        WATCH_1,
    )
    assert (counter.parts.desk.basket.lines, counter.events()) == ((), [])


def test_verify_of_no_code_says_so(api: Served) -> None:
    answer = api.post("/v1/verify", json={"code": "hello"}).json()
    assert (answer["finding"], answer["code"]["refusal_cause"]) == (None, "not_recognised")


def test_a_basket_is_changed_line_by_line_and_completed(api: Served) -> None:
    api.post("/v1/scans", json={"code": "4006381333931"})
    api.post("/v1/scans", json={"code": WATCH_1})
    api.patch("/v1/basket/lines/1", json={"quantity": "3"})
    api.patch("/v1/basket/lines/1", json={"discount_minor": 50})
    basket = api.delete("/v1/basket/lines/2").json()
    assert (basket["total_minor"], [line["quantity"] for line in basket["lines"]]) == (1300, ["3"])
    sold = api.post(
        "/v1/basket/complete",
        json={"sale_id": basket["basket_id"], "payments": [{"method": "cash", "amount_minor": 1300}]},
    )
    assert (sold.status_code, sold.json()["total_minor"], api.get("/v1/basket").json()["lines"]) == (
        201,
        1300,
        [],
    )


def test_a_rule_of_the_basket_is_a_problem_with_its_name(api: Served) -> None:
    api.post("/v1/scans", json={"code": WATCH_1})
    answer = api.patch("/v1/basket/lines/1", json={"quantity": "2"})
    assert (answer.status_code, answer.json()["type"], answer.json()["line"]) == (
        422,
        "urn:countermark:problem:one_item",
        1,
    )


def test_a_doubtful_item_is_put_in_once_confirmed(api: Served, counter: Counter) -> None:
    counter.feed(ItemHere(item=DOUBTFUL, gtin=WATCH, state="in_transit", site=SITE))
    scanned = api.post("/v1/scans", json={"code": DOUBTFUL}).json()
    unconfirmed = api.post("/v1/basket/lines", json={"code": DOUBTFUL})
    confirmed = api.post("/v1/basket/lines", json={"code": DOUBTFUL, "confirmed": True})
    assert (scanned["question"], unconfirmed.status_code, confirmed.status_code) == ("confirm", 409, 201)


def test_a_line_put_in_by_hand_is_shown_but_is_no_scan(api: Served) -> None:
    with api.screen() as screen:
        api.post("/v1/basket/lines", json={"code": "4902505081163", "amount_minor": 120, "quantity": "2"})
        frame = screen.next()
        assert (frame["type"], frame["shown"]["outcome"], frame["shown"]["line"]) == ("added", "added", 1)


def test_baskets_are_set_aside_and_recalled(api: Served) -> None:
    api.post("/v1/scans", json={"code": "4006381333931"})
    assert (
        api.post("/v1/basket/hold").json()["held"],
        len(api.get("/v1/baskets/held").json()["baskets"]),
    ) == (1, 1)
    assert len(api.post("/v1/basket/recall").json()["lines"]) == 1


def test_goods_are_received_over_the_interface(api: Served, counter: Counter) -> None:
    counter.feed(
        DespatchView(despatch_id="d-1", from_site="north", lines=(DespatchLine(gtin=TEA, quantity=D(2)),))
    )
    assert [entry["despatch_id"] for entry in api.get("/v1/despatches").json()["despatches"]] == ["d-1"]
    api.put("/v1/mode", json={"mode": "receive", "despatch_id": "d-1"})
    api.post("/v1/scans", json={"code": "4006381333931"})
    progress = api.patch(f"/v1/receiving/lines/{TEA}", json={"quantity": "2"}).json()["progress"]
    assert progress == [{"gtin": TEA, "received": "2", "announced": "2", "name": "Green tea"}]
    done = api.post("/v1/receiving/complete", json={"complete": True})
    assert (done.status_code, done.json()["despatch_id"], api.get("/v1/despatches").json()) == (
        201,
        "d-1",
        {"despatches": []},
    )


def test_an_order_goes_from_proposal_to_cancellation(api: Served, counter: Counter) -> None:
    counter.feed(StockLevel(gtin=TEA, on_hand=D(1), reorder_point=D(5), order_up_to=D(20)))
    (line,) = api.get("/v1/orders/proposal").json()["lines"]
    assert (line["gtin"], line["quantity"], line["name"]) == (TEA, "19", "Green tea")
    submitted = api.post("/v1/orders", json={"order_id": "o-1", "lines": [{"gtin": TEA, "quantity": "19"}]})
    assert (submitted.status_code, submitted.json()["number"]) == (201, "1-PO00001")
    assert api.post("/v1/orders/o-1/cancel", json={"reason": "no"}).status_code == 201
    (listed,) = api.get("/v1/orders").json()["orders"]
    assert (listed["order"]["state"], listed["cancel_asked"], listed["answered"]) == (
        "submitted",
        True,
        False,
    )


def test_an_order_is_drafted_over_the_interface(api: Served, counter: Counter) -> None:
    counter.feed(StockLevel(gtin=TEA, on_hand=D(1), reorder_point=D(5), order_up_to=D(20)))
    api.post("/v1/orders/draft/proposal")
    draft = api.put(f"/v1/orders/draft/lines/{TEA}", json={"quantity": "7"}).json()["draft"]
    assert [(line["gtin"], line["quantity"]) for line in draft["lines"]] == [(TEA, "7")]
    assert api.post("/v1/orders/draft/submit").status_code == 201
    assert "lines" not in api.get("/v1/orders/draft").json()["draft"]


def test_a_return_is_taken_over_the_interface(api: Served) -> None:
    answer = api.post("/v1/returns", json={"lines": [LINE], "disposition": "restock", "reason": "broken"})
    assert (answer.status_code, answer.json()["receipt"]) == (201, "1-R000001")


def test_a_disk_that_refuses_is_told_and_nothing_is_sold(api: Served, counter: Counter) -> None:
    counter.store._writer.close()  # type: ignore[union-attr]
    answer = api.post("/v1/sales", json={"lines": [LINE]})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:countermark:problem:disk/closed")
    assert answer.json()["detail"].startswith("nothing was recorded")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
    ],
)
def test_no_web_page_of_elsewhere_reaches_the_till(api: Served, headers: dict[str, str]) -> None:
    assert api.post("/v1/sales", json={"lines": [LINE]}, headers=headers).status_code == 403


def test_no_web_page_of_elsewhere_sees_the_scans(api: Served) -> None:
    with pytest.raises(InvalidStatus), api.screen(origin="https://evil.example"):
        pass


def test_pages_of_this_machine_are_served(api: Served) -> None:
    assert api.get("/v1/status", headers={"Origin": "http://localhost:9000"}).status_code == 200


def test_with_a_token_every_caller_must_show_it(counter: Counter) -> None:
    with served(counter, token="a-token-of-16-or-more") as api:
        bearer = {"Authorization": "Bearer a-token-of-16-or-more"}
        statuses = [
            api.get("/v1/status").status_code,
            api.get("/v1/status", headers={"Authorization": "Bearer another"}).status_code,
            api.get("/v1/status", headers=bearer).status_code,
            api.get("/v1/status", headers={**bearer, "Host": "till.example"}).status_code,
            api.get("/healthz").status_code,
        ]
        assert statuses == [401, 401, 200, 200, 200]


def test_opening_the_page_with_the_token_once_is_enough(counter: Counter) -> None:
    with served(counter, token="a-token-of-16-or-more") as api:
        opened = api.get("/?token=a-token-of-16-or-more")
        assert (opened.status_code, opened.headers["location"]) == (303, "/")
        assert "HttpOnly" in opened.headers["set-cookie"]
        assert api.get("/").status_code == 200
        assert api.post("/v1/basket/hold", headers={"Origin": "https://evil.example"}).status_code == 403


def test_a_screen_shows_the_token_in_its_address(counter: Counter) -> None:
    with served(counter, token="a-token-of-16-or-more") as api, pytest.raises(InvalidStatus), api.screen():
        pass


def test_a_screen_that_does_not_read_is_cut_off_and_the_others_go_on(counter: Counter) -> None:
    hub = Hub()
    slow, quick = hub.join(), hub.join()
    for number in range(QUEUE_LIMIT + 1):
        hub._fan_out(str(number))
        quick.get_nowait()
    frames = [slow.get_nowait() for _ in range(slow.qsize())]
    assert (frames[-1], hub.screens) == (None, 1)


def test_the_description_names_every_request(api: Served) -> None:
    schemas = api.get("/openapi.json").json()["components"]["schemas"]
    assert {"SaleAsked", "LineAsked", "ScanPosted", "OrderAsked", "PackAsked", "CaseAsked"} <= schemas.keys()


def test_the_description_says_what_an_error_looks_like(api: Served) -> None:
    described = api.get("/openapi.json").json()
    operations = [operation for route in described["paths"].values() for operation in route.values()]
    assert all(
        "application/problem+json" in operation["responses"]["4XX"]["content"] for operation in operations
    )
    assert described["components"]["schemas"]["ProblemTold"]["required"] == [
        "type",
        "title",
        "status",
        "detail",
    ]


def test_the_page_and_its_files_come_from_the_agent_alone(api: Served) -> None:
    page = api.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "http" not in page.text.replace("http-equiv", "")
    assert api.get("/page/main.js").headers["content-type"].startswith("text/javascript")


def test_the_mode_survives_and_is_told(api: Served, open_counter: OpenCounter) -> None:
    assert open_counter is not None
    with api.screen() as screen:
        api.put("/v1/mode", json={"mode": "verify"})
        assert screen.next() == {"type": "mode", "mode": "verify", "despatch_id": None}
    assert api.put("/v1/mode", json={"mode": "dance"}).status_code == 422


def test_every_path_of_the_guide_is_there(api: Served) -> None:
    guide = (Path(__file__).parents[3] / "docs" / "till.md").read_text(encoding="utf-8")
    described = set(api.get("/openapi.json").json()["paths"]) | {"/v1/events"}
    assert set(re.findall(r"/v1/[a-z_{}/-]*[a-z}]", guide)) <= described
