"""Idempotency, paging, problem documents and refused input, on the interface as it is served."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.integration.api.world import TEA, WATER, World

ADJUSTMENT = {
    "document": "count-1", "kind": "adjustment", "site": "S1", "reason": "found", "lines": [{"gtin": WATER, "quantity": "2"}],
}  # fmt: skip


def test_a_write_sent_again_with_its_key_gets_the_stored_answer(world: World) -> None:
    answers = [
        world.call("POST", "/v1/movements", json=ADJUSTMENT, headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].text == answers[1].text
    assert [answer.headers.get("Idempotent-Replay") for answer in answers] == [None, "true"]
    assert world.stock("S1")["on_hand"] == "2"


def test_another_write_under_a_used_key_is_refused_and_both_are_named(world: World) -> None:
    world.call("POST", "/v1/movements", json=ADJUSTMENT, headers={"Idempotency-Key": "k1"})
    other = {**ADJUSTMENT, "document": "count-2"}
    answer = world.call("POST", "/v1/movements", json=other, headers={"Idempotency-Key": "k1"})
    problem = answer.json()
    assert (answer.status_code, problem["kept_request"] != problem["this_request"]) == (409, True)
    assert problem["this_request"][:16] in problem["detail"]
    assert problem["kept_request"][:16] in problem["detail"]


def test_a_write_that_failed_may_be_made_under_its_key_once_it_can_succeed(world: World) -> None:
    body = {"gtin": "00000000000017", "serials": ["1"], "site": "S1"}
    first = world.call("POST", "/v1/items", json=body, headers={"Idempotency-Key": "k1"})
    world.post("/v1/products", {"gtin": "00000000000017", "name": "New"})
    second = world.call("POST", "/v1/items", json=body, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, second.status_code) == (422, 201)


def test_ten_of_one_write_at_once_are_one(world: World) -> None:
    together = threading.Barrier(10)

    def send(_: int) -> tuple[int, str]:
        together.wait(30)
        answer = world.call("POST", "/v1/movements", json=ADJUSTMENT, headers={"Idempotency-Key": "k1"})
        return answer.status_code, answer.text

    with ThreadPoolExecutor(10) as senders:
        answers = set(senders.map(send, range(10)))
    assert (len(answers), world.stock("S1")["on_hand"]) == (1, "2")


def test_the_key_of_one_caller_is_not_the_key_of_another(world: World) -> None:
    counter = world.counter("D1")
    path = f"/v1/orders/D1/{counter.order(1)}/cancel"
    body = {"reason": "not needed"}
    first = world.call("POST", path, "acme", json=body, headers={"Idempotency-Key": "k1"})
    second = world.call("POST", path, "boss", json=body, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, second.status_code) == (200, 409)
    assert second.json()["detail"] == "cannot cancel this order: it was cancelled"


def test_a_document_is_booked_once_also_without_a_key(world: World) -> None:
    booked = [world.post("/v1/movements", ADJUSTMENT)["booked"] for _ in range(2)]
    other = {**ADJUSTMENT, "lines": [{"gtin": WATER, "quantity": "3"}]}
    conflict = world.post("/v1/movements", other, expected=409)
    assert (booked, world.stock("S1")["on_hand"]) == ([True, False], "2")
    assert "count-1" in conflict["detail"]


def test_every_write_stands_in_the_audit_log(world: World) -> None:
    world.call("POST", "/v1/movements", json=ADJUSTMENT, headers={"Idempotency-Key": "k1"})
    with world.database.transaction() as connection:
        rows = connection.execute("SELECT actor, action, subject FROM audit_log").fetchall()
    assert ("brand:boss", "POST", "/v1/movements") in rows


def test_pages_of_any_size_give_every_row_once(world: World) -> None:
    body = {"kind": "adjustment", "site": "S1", "reason": "found", "lines": [{"gtin": WATER, "quantity": 1}]}
    for number in range(7):
        world.post("/v1/movements", {**body, "document": f"d{number}"})
    whole = [row["movement_id"] for row in world.get("/v1/movements", params={"limit": 1000})["items"]]
    for limit in (1, 2, 3, 7, 8):
        found, cursor = [], None
        while True:
            query: dict[str, Any] = {"limit": limit} | ({"cursor": cursor} if cursor else {})
            page = world.get("/v1/movements", params=query)
            found += [row["movement_id"] for row in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert found == whole


@pytest.mark.parametrize(
    "path",
    ["/v1/sites", "/v1/dealers", "/v1/products", "/v1/prices", "/v1/stock", "/v1/movements", "/v1/orders", "/v1/despatches",
     "/v1/discrepancies", "/v1/agents", "/v1/journals", "/v1/quarantine"],
)  # fmt: skip
@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WzFd", "W10", "e30", "%00", "A" * 900])
def test_a_cursor_that_is_none_is_refused_in_words(shared_world: World, path: str, cursor: str) -> None:
    answer = shared_world.call("GET", path, params={"cursor": cursor})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize(
    ("path", "query", "status", "words"),
    [
        (
            "/v1/stock",
            {"shrt": "true"},
            400,
            "'shrt' is not known here; expected: cursor, gtin, limit, short, site",
        ),
        ("/v1/sites/S1", {"verbose": "1"}, 400, "expected: none"),
        ("/v1/stock", {"limit": "1001"}, 422, "query.limit"),
        ("/v1/stock", {"limit": "ten"}, 422, "query.limit"),
        ("/v1/stock", {"gtin": "00000000005082"}, 422, "check digit 1, found 2"),
        ("/v1/movements", {"day": "yesterday"}, 422, "query.day"),
        ("/v1/orders", {"state": "lost"}, 422, "query.state"),
        ("/v1/sites/NOSUCH", {}, 404, "site 'NOSUCH': not known here"),
        ("/v1/sites/%00", {}, 422, "cannot be kept"),
        ("/v1/reconciliation/S1/2026-02-30", {}, 422, "path.day"),
        ("/v1/sales/totals", {"from": "2026-03-02", "to": "2026-03-01"}, 400, "expected 2026-03-02 or later"),
        ("/v1/nothing", {}, 404, "there is nothing here"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_in_words(
    shared_world: World, path: str, query: dict[str, str], status: int, words: str
) -> None:
    answer = shared_world.call("GET", path, params=query)
    problem = answer.json()
    assert (answer.status_code, problem["status"], answer.headers["content-type"]) == (
        status,
        status,
        "application/problem+json",
    )
    assert words in problem["detail"]


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/v1/movements", {**ADJUSTMENT, "lines": []}, 422, "body.lines"),
        ("/v1/movements", {**ADJUSTMENT, "extra": 1}, 422, "body.extra"),
        (
            "/v1/movements",
            {**ADJUSTMENT, "lines": [{"gtin": WATER, "quantity": "1.2345"}]},
            422,
            "body.lines[0].quantity",
        ),
        (
            "/v1/movements",
            {**ADJUSTMENT, "lines": [{"gtin": WATER, "quantity": "NaN"}]},
            422,
            "body.lines[0].quantity",
        ),
        ("/v1/movements", {**ADJUSTMENT, "reason": None}, 422, "reason: expected for an adjustment"),
        ("/v1/movements", {**ADJUSTMENT, "site": "NOSUCH"}, 404, "site 'NOSUCH': not known here"),
        (
            "/v1/movements",
            {**ADJUSTMENT, "lines": [{"gtin": "00000000000017", "quantity": 1}]},
            422,
            "not in the catalogue",
        ),
        ("/v1/sites", {"site": "a,b", "name": "x", "kind": "store"}, 422, "body.site"),
        (
            "/v1/sites",
            {"site": "N1", "name": "x", "kind": "store", "time_zone": "Moon"},
            422,
            "time_zone 'Moon'",
        ),
        (
            "/v1/sites",
            {"site": "N1", "name": "x", "kind": "store", "dealer": "nobody"},
            422,
            "dealer 'nobody'",
        ),
        ("/v1/sites", {"site": "N1", "name": "x\u0000", "kind": "store"}, 422, "cannot be kept"),
        ("/v1/products", {"gtin": "123", "name": "x"}, 422, "a GTIN of 8, 12, 13 or 14 digits"),
        ("/v1/items", {"gtin": WATER, "serials": ["a b"], "site": "S1"}, 422, "body.serials"),
        ("/v1/items", {"gtin": WATER, "serials": ["1", "1"], "site": "S1"}, 422, "once"),
        (
            "/v1/stock-levels",
            {"site": "S1", "gtin": TEA, "reorder_point": 5, "order_up_to": 4},
            422,
            "order_up_to 4",
        ),
        ("/v1/enrolment-tokens", {"site": "NOSUCH"}, 404, "site 'NOSUCH'"),
        ("/v1/orders/D1/none/hold", {}, 422, "body.reason"),
        ("/v1/orders/D1/none/hold", {"reason": "x"}, 404, "order 'D1/none'"),
    ],
)
def test_a_write_that_cannot_be_made_is_refused_in_words(
    shared_world: World, path: str, body: dict[str, Any], status: int, words: str
) -> None:
    problem = shared_world.post(path, body, expected=status)
    assert words in problem["detail"]


def test_a_body_that_is_no_json_is_refused_in_words(shared_world: World) -> None:
    headers = {"Content-Type": "application/json"}
    broken = shared_world.call("POST", "/v1/products", content=b'{"gtin": ', headers=headers)
    form = shared_world.call("POST", "/v1/products", data={"gtin": WATER})
    assert [broken.status_code, form.status_code] == [422, 415]


def test_a_body_beyond_the_limit_is_refused_announced_or_not(shared_world: World) -> None:
    large = b" " * (9 * 1024 * 1024)
    headers = {"Content-Type": "application/json"}
    announced = shared_world.call("POST", "/v1/products", content=large, headers=headers)
    chunked = shared_world.call(
        "POST", "/v1/products", content=iter([large[: 1024 * 1024]] * 9), headers=headers
    )
    assert [announced.status_code, chunked.status_code] == [413, 413]


def test_a_fault_of_central_tells_nothing_of_its_inside(world: World) -> None:
    with world.database.transaction() as connection:
        connection.execute("ALTER TABLE stock_levels RENAME TO somewhere_else")
    answer = world.call("GET", "/v1/stock")
    assert (answer.status_code, answer.json()["detail"]) == (
        500,
        "central could not serve this request; its log says why",
    )


def test_the_page_of_the_interface_needs_nothing_from_elsewhere(shared_world: World) -> None:
    page = shared_world.client.get("/docs")
    assert (page.status_code, "src=" in page.text, "http" in page.text.replace("https://central", "")) == (
        200,
        False,
        False,
    )
    assert "/v1/orders/{site}/{order_id}/allocate" in page.text


def test_figures_name_no_site(world: World) -> None:
    counter = world.counter("D1")
    counter.order(1)
    text = world.client.get("/metrics").text
    assert 'countermark_orders_open{state="submitted"} 1.0' in text
    assert "countermark_agents 1.0" in text
    assert '"D1"' not in text
