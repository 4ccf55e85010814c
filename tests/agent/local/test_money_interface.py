"""Shifts, cash, prices and adjustments at the local interface, over a real port."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from agent.local.answered import REMEMBERED_LIMIT, Answered
from agent.till.pins import hash_pin
from agent.till.supervisor_settings import SupervisorSettings
from agent.till.supervisors import TRIES_LIMIT
from protocol.codes import render_control
from protocol.events import CashMoved, Sale, ShiftClosed
from protocol.feeds import Feed, TillLimits, body_encoder
from tests.agent.local.served import Served, served
from tests.agent.shop_kit import CATALOGUE, TEA, WATCH_1, Counter, OpenCounter

KEY = b"0123456789abcdef"
PIN = "4711"
PIN_HASH = hash_pin(PIN)
TEA_CODE = "4006381333931"
PAID = {"method": "cash", "amount_minor": 450, "tendered_minor": 500}


@pytest.fixture
def shop(open_counter: OpenCounter) -> Counter:
    """A counter with a supervisor, and limits of ten percent."""
    ann = SupervisorSettings.model_validate({"name": "Ann", "card": "ANN", "pin_hash": PIN_HASH})
    opened = open_counter(supervisor=(ann,), control_key=KEY)
    opened.feed(*CATALOGUE)
    limits = TillLimits(discount_limit_bp=1000, override_limit_bp=1000)
    opened.feed_rows(Feed.LIMITS, {"till": body_encoder.encode(limits)})
    return opened


@pytest.fixture
def api(shop: Counter) -> Iterator[Served]:
    with served(shop) as running:
        yield running


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:countermark:problem:")


def test_a_shift_is_opened_worked_in_and_closed(api: Served, shop: Counter) -> None:
    assert api.get("/v1/shifts/current").json()["shift"] is None
    opened = api.post("/v1/shifts/open", json={"float_minor": 10_000, "clerk": "李雷"})
    assert (opened.status_code, opened.json()["number"]) == (201, "1-Z00001")
    sold = api.post("/v1/sales", json={"lines": [{"gtin": TEA}], "payments": [PAID]}).json()
    assert (sold["change_minor"], sold["tendered_minor"]) == (50, 500)
    moved = api.post("/v1/cash-moves", json={"amount_minor": -5_000, "reason": "safe drop"})
    assert (moved.status_code, moved.json()["number"]) == (201, "1-M00001")
    current = api.get("/v1/shifts/current").json()
    assert (current["clerk"], current["shift"]["float_minor"], current["blind"]) == ("李雷", 10_000, True)
    closed = api.post("/v1/shifts/close", json={"denominations": {"5000": 1, "200": 2}})
    assert (closed.status_code, closed.json()["difference_minor"]) == (201, {"cash": -50})
    shift_id = opened.json()["shift_id"]
    report = api.get(f"/v1/shifts/{shift_id}/report").json()
    assert report == closed.json()["report"] == api.get("/v1/shifts/latest/report").json()
    assert [type(body) for body in shop.bodies()[-2:]] == [CashMoved, ShiftClosed]


def test_a_close_that_is_told_again_gets_the_same_answer(api: Served) -> None:
    api.post("/v1/shifts/open", json={"float_minor": 0, "shift_id": "z-1"})
    body = {"shift_id": "z-1", "counted": [{"method": "cash", "amount_minor": 5}]}
    first, again = (api.post("/v1/shifts/close", json=body) for _ in range(2))
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())


def test_the_sums_of_an_open_shift_are_told_to_a_supervisor_alone(api: Served) -> None:
    api.post("/v1/shifts/open", json={"float_minor": 0})
    api.post("/v1/sales", json={"lines": [{"gtin": TEA}], "payments": [PAID]})
    veiled = api.get("/v1/shifts/current/report").json()
    full = api.post("/v1/shifts/current/report", json={"authorisation": PIN}).json()
    assert (veiled["sales"], veiled["sold_minor"], full["sold_minor"]) == (1, None, 450)
    assert problem(api.post("/v1/shifts/current/report", json={"authorisation": "0000"})) == (
        409,
        "not_authorised",
    )


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("POST", "/v1/shifts/close", {"counted": [{"method": "cash", "amount_minor": 0}]}, (409, "no_shift")),
        ("POST", "/v1/shifts/close", {}, (422, "no_count")),
        ("POST", "/v1/shifts/close", {"denominations": {"x": 1}}, (422, "invalid")),
        ("POST", "/v1/shifts/open", {"float_minor": -1}, (422, "")),
        ("POST", "/v1/shifts/open", {"float_minor": 1.5}, (422, "invalid")),
        ("POST", "/v1/shifts/open", {"float_minor": 1, "shift_id": "x" * 65}, (422, "invalid")),
        ("POST", "/v1/shifts/open", {"float_minor": 1, "clerk": "a\nb"}, (422, "")),
        ("POST", "/v1/cash-moves", {"amount_minor": 0, "reason": "x"}, (422, "")),
        ("POST", "/v1/cash-moves", {"amount_minor": 1}, (422, "invalid")),
        ("GET", "/v1/shifts/nope/report", None, (404, "unknown_shift")),
        ("GET", "/v1/shifts/current/report", None, (409, "no_shift")),
        ("GET", "/v1/shifts/latest/report", None, (404, "unknown_shift")),
        ("POST", "/v1/shifts/current/print", {}, (409, "no_printer")),
        ("PUT", "/v1/clerk", {"clerk": "x" * 65}, (422, "invalid")),
        ("POST", "/v1/basket/authorise", {"authorisation": PIN}, (409, "nothing_to_authorise")),
        ("POST", "/v1/adjustments", {"reason": "thef", "lines": [{"code": TEA_CODE}]}, (422, "bad_reason")),
        ("PUT", "/v1/adjusting", {"reason": "thef"}, (422, "bad_reason")),
        ("POST", "/v1/adjusting/scans", {"code": TEA_CODE}, (409, "no_reason")),
        ("POST", "/v1/adjusting/complete", {}, (409, "no_reason")),
        ("POST", "/v1/adjusting/undo", {}, (409, "nothing_to_undo")),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_problem_with_its_name(
    api: Served, shop: Counter, method: str, path: str, body: Any, told: tuple[int, str]
) -> None:
    answer = api.http.request(method, path, json=body)
    status, kind = answer.status_code, answer.json()["type"]
    assert (status, kind.removeprefix("urn:countermark:problem:").replace("about:blank", "")) == told
    assert shop.events() == []


def test_a_price_beyond_the_limit_waits_for_a_pin_on_every_screen(api: Served, shop: Counter) -> None:
    api.post("/v1/scans", json={"code": TEA_CODE})
    with api.screen() as screen:
        asked = api.patch("/v1/basket/lines/1", json={"price_minor": 300, "reason": "damaged box"})
        assert problem(asked) == (409, "needs_authorisation")
        frame = screen.next()
        assert (frame["type"], frame["line"], frame["before_minor"], frame["after_minor"]) == (
            "authorisation", 1, 450, 300,
        )  # fmt: skip
        assert problem(api.post("/v1/basket/authorise", json={"authorisation": "0000"})) == (
            409,
            "not_authorised",
        )
        basket = api.post("/v1/basket/authorise", json={"authorisation": PIN}).json()
    assert (basket["total_minor"], basket["lines"][0]["override"]["authorised_by"]) == (300, "Ann")
    assert api.get("/v1/basket/authorise").json()["line"] is None
    sold = api.post("/v1/basket/complete", json={"payments": [{"method": "card", "amount_minor": 300}]})
    told, sale = shop.bodies()
    assert (sold.status_code, told.authorised_by, sale.lines[0].override_id) == (201, "Ann", told.override_id)


def test_a_program_gives_the_authorisation_with_the_change(api: Served) -> None:
    api.post("/v1/scans", json={"code": TEA_CODE})
    card = render_control("SUPERVISOR", "ANN", KEY)
    basket = api.patch("/v1/basket/lines/1", json={"discount_minor": 200, "authorisation": card}).json()
    assert basket["lines"][0]["override"]["reason"] == "discount"
    assert api.delete("/v1/basket/authorise").status_code == 200


def test_pins_are_not_tried_out_at_the_interface(api: Served) -> None:
    tried = [
        api.post("/v1/basket/authorise", json={"authorisation": f"000{number}"})
        for number in range(TRIES_LIMIT)
    ]
    assert {problem(answer) for answer in tried} == {(409, "not_authorised")}
    assert problem(api.post("/v1/basket/authorise", json={"authorisation": PIN})) == (429, "too_many_tries")


def test_a_pin_stands_in_no_answer_and_nowhere_on_the_disk(api: Served, shop: Counter) -> None:
    body = {"lines": [{"gtin": TEA, "amount_minor": 100, "discount_minor": 350}], "authorisation": "47110815"}
    assert problem(api.post("/v1/sales", json=body)) == (409, "not_authorised")
    body["authorisation"] = PIN
    sold = api.post("/v1/sales", json=body)
    shop.events()
    files = b"".join(file.read_bytes() for file in shop.folder.iterdir() if file.is_file())
    assert (sold.status_code, PIN in sold.text, b"47110815" in files, b"authorisation" in files) == (
        201, False, False, False,
    )  # fmt: skip


def test_a_line_by_hand_beyond_the_limit_wants_a_supervisor(api: Served) -> None:
    by_hand = {"code": TEA_CODE, "amount_minor": 300, "reason": "damaged"}
    assert problem(api.post("/v1/basket/lines", json=by_hand)) == (409, "needs_authorisation")
    put = api.post("/v1/basket/lines", json={**by_hand, "authorisation": PIN})
    assert (put.status_code, put.json()["total_minor"]) == (201, 300)


def test_a_return_has_no_limits(api: Served) -> None:
    api.put("/v1/mode", json={"mode": "return"})
    api.post("/v1/returns/basket/lines", json={"code": TEA_CODE})
    changed = api.patch("/v1/returns/basket/lines/1", json={"amount_minor": 100})
    assert (changed.status_code, changed.json()["total_minor"]) == (200, 100)
    back = api.post("/v1/returns", json={"refunds": [{"method": "card", "amount_minor": 100}]})
    assert back.status_code == 201


def test_a_sale_is_voided_with_the_money_back_another_way(api: Served, shop: Counter) -> None:
    api.post("/v1/sales", json={"sale_id": "s-1", "lines": [{"item": WATCH_1}]})
    body = {"code": WATCH_1, "reason": "wrong", "refunds": [{"method": "cash", "amount_minor": 25_000}]}
    assert api.post("/v1/voids", json=body).status_code == 201
    assert shop.bodies()[-1].refunds[0].method == "cash"


def test_who_stands_at_the_counter_is_named_on_what_they_do(api: Served, shop: Counter) -> None:
    api.put("/v1/clerk", json={"clerk": "Ann"})
    api.post("/v1/sales", json={"lines": [{"gtin": TEA}]})
    api.put("/v1/clerk", json={})
    api.post("/v1/sales", json={"lines": [{"gtin": TEA}]})
    assert [body.clerk for body in shop.bodies() if isinstance(body, Sale)] == ["Ann", None]


def test_goods_are_adjusted_step_by_step(api: Served, shop: Counter) -> None:
    api.put("/v1/adjusting", json={"reason": "damage"})
    api.post("/v1/adjusting/scans", json={"code": TEA_CODE, "quantity": "2"})
    api.put("/v1/mode", json={"mode": "adjust"})
    api.post("/v1/scans", json={"code": WATCH_1})
    frame = api.patch(f"/v1/adjusting/lines/{TEA}", json={"quantity": "5"}).json()
    assert (frame["pieces"], frame["names"][TEA]) == ("6", "Green tea")
    assert api.delete(f"/v1/adjusting/parts/{WATCH_1}").json()["pieces"] == "5"
    assert api.post("/v1/adjusting/undo").json()["pieces"] == "6"
    done = api.post("/v1/adjusting/complete", json={"clerk": "Ann"})
    assert (done.status_code, done.json()["number"], len(shop.events())) == (201, "1-A00001", 1)
    assert api.get("/v1/adjusting").json()["adjusting"].get("reason") is None


def test_an_adjustment_is_told_at_once(api: Served) -> None:
    body = {"reason": "theft", "lines": [{"code": WATCH_1}], "adjustment_id": "a-1"}
    first, again = (api.post("/v1/adjustments", json=body) for _ in range(2))
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json())
    other = {**body, "reason": "damage"}
    assert problem(api.post("/v1/adjustments", json=other)) == (409, "conflict")


# -- scans that are told again ----------------------------------------------------------------------------------------------


def test_a_scan_that_is_told_again_under_its_id_counts_once(api: Served, shop: Counter) -> None:
    body = {"code": TEA_CODE, "request_id": "r-1"}
    first, again = (api.post("/v1/scans", json=body) for _ in range(2))
    other = api.post("/v1/scans", json={"code": TEA_CODE, "request_id": "r-2"})
    assert (first.json(), other.json()["line"]) == (again.json(), 1)
    assert shop.parts.desk.basket.lines[0].quantity == 2


def test_an_id_of_another_scan_is_a_conflict(api: Served) -> None:
    api.post("/v1/scans", json={"code": TEA_CODE, "request_id": "r-1"})
    assert problem(api.post("/v1/scans", json={"code": WATCH_1, "request_id": "r-1"})) == (409, "conflict")


def test_only_so_many_ids_are_remembered() -> None:
    answered: Answered[int] = Answered()
    begun: list[int] = []

    def do() -> Future[int]:
        begun.append(1)
        return Future()

    for number in range(REMEMBERED_LIMIT + 1):
        answered.once(f"r-{number}", "scan", do)
    answered.once("r-1", "scan", do)
    assert len(begun) == REMEMBERED_LIMIT + 1
    answered.once("r-0", "scan", do)
    assert (len(begun), len(answered._asked)) == (REMEMBERED_LIMIT + 2, REMEMBERED_LIMIT)
