"""Scans at a counter: from what the scanner sent to the verdict, the basket and the evidence."""

from __future__ import annotations

import threading
from decimal import Decimal

from agent.receiving.service import CompleteReceivingAsked
from agent.till.asked import CompleteAsked
from agent.till.frames import BasketFrame, Mode, Outcome, Question, ScanFrame
from agent.till.rules import Change
from protocol.codes import Rules, render_control
from protocol.events import GoodsReceived, Sale, ScanRefused
from protocol.feeds import DespatchLine, DespatchView, ItemHere, PolicyRow, Product
from protocol.messages import ItemAnswered
from protocol.verdicts import Verdict
from tests.agent.shop_kit import (
    CATALOGUE,
    MILK,
    SITE,
    TEA,
    WATCH,
    WATCH_1,
    WATCH_2,
    Counter,
    D,
    OpenCounter,
    done,
)

NEW = f"01{WATCH}21NEVERSEEN"


def verdict(frame: ScanFrame) -> Verdict | None:
    return None if frame.finding is None else frame.finding.verdict


def sell(counter: Counter) -> None:
    done(counter.parts.sales.complete(CompleteAsked()))


def test_a_product_is_added_at_its_price(counter: Counter) -> None:
    frame = counter.scan("4006381333931")
    assert (frame.outcome, frame.line, frame.message) == (Outcome.ADDED, 1, "Green tea")
    assert counter.parts.desk.frame().total_minor == 450


def test_a_genuine_item_is_added_with_its_verdict(counter: Counter) -> None:
    frame = counter.scan(WATCH_1)
    assert (frame.outcome, verdict(frame)) == (Outcome.ADDED, Verdict.GENUINE)


def test_the_verdict_goes_out_before_the_basket(counter: Counter) -> None:
    counter.scan("4006381333931")
    assert [type(frame) for frame in counter.frames] == [ScanFrame, BasketFrame]


def test_the_same_item_twice_in_one_basket_is_not_counted(counter: Counter) -> None:
    counter.scan(WATCH_1)
    frame = counter.scan(WATCH_1)
    assert (frame.outcome, frame.key, frame.line) == (Outcome.IGNORED, "in_basket", 1)


def test_second_scan_of_a_sold_item_is_already_sold(counter: Counter) -> None:
    counter.scan(WATCH_1)
    sell(counter)
    frame = counter.scan(WATCH_1)
    assert (frame.outcome, verdict(frame)) == (Outcome.REFUSED, Verdict.ALREADY_SOLD)
    assert counter.parts.desk.basket.lines == ()


def test_a_refused_item_is_evidence_in_the_journal(counter: Counter) -> None:
    counter.feed(ItemHere(item=NEW, gtin=WATCH, state="stolen", site=SITE))
    counter.scan(NEW, device="till-scanner")
    assert counter.bodies() == [
        ScanRefused(verdict="stolen", cause="reported stolen", gtin=WATCH, item=NEW, device="till-scanner")
    ]


def test_a_scan_that_is_no_code_is_unreadable_and_evidence(counter: Counter) -> None:
    frame = counter.scan("hello")
    assert (frame.outcome, counter.bodies()) == (
        Outcome.UNREADABLE,
        [ScanRefused(verdict="unreadable", cause="not_recognised", device="s")],
    )


def test_a_garbled_scan_is_never_half_a_code(counter: Counter) -> None:
    frame = counter.scan("4006381333931", intact=False, fault="the kernel dropped keys; scan again")
    assert (frame.outcome, frame.key, frame.message) == (
        Outcome.UNREADABLE,
        "garbled",
        "the kernel dropped keys; scan again",
    )


def test_a_payment_code_leaves_no_trace(counter: Counter) -> None:
    frame = counter.scan("134567890123456789")
    assert (frame.outcome, frame.key, frame.scan.code) == (Outcome.UNREADABLE, "payment_code", None)
    assert counter.events() == []


def test_a_product_that_is_not_in_the_catalogue_is_asked_about(counter: Counter) -> None:
    frame = counter.scan("4902505081163")
    assert (frame.outcome, frame.question, frame.line) == (Outcome.ASK, Question.AMOUNT, None)


def test_a_till_may_refuse_what_is_not_in_the_catalogue(open_counter: OpenCounter) -> None:
    counter = open_counter(unknown_products="refuse")
    assert counter.scan("4902505081163").outcome is Outcome.REFUSED


def test_a_serialised_product_is_sold_by_its_own_code_only(counter: Counter) -> None:
    frame = counter.scan("9506000134352")
    assert (frame.outcome, frame.question) == (Outcome.ASK, Question.ITEM_CODE)
    assert counter.parts.desk.basket.lines == ()


def test_an_item_that_was_not_received_is_asked_about_and_sold_once_confirmed(counter: Counter) -> None:
    counter.feed(ItemHere(item=NEW, gtin=WATCH, state="in_transit", site=SITE))
    frame = counter.scan(NEW)
    assert (frame.outcome, frame.question, verdict(frame)) == (
        Outcome.ASK,
        Question.CONFIRM,
        Verdict.NOT_RECEIVED,
    )
    assert frame.code is not None
    judged = counter.parts.verification.locally(frame.code)
    assert judged is not None
    assert counter.parts.selling.sell(frame.code, judged, confirmed=True).outcome is Outcome.ADDED


def test_confirming_never_overrules_a_refusal(counter: Counter) -> None:
    counter.feed(ItemHere(item=NEW, gtin=WATCH, state="recalled", site=SITE))
    frame = counter.scan(NEW)
    assert frame.code is not None
    judged = counter.parts.verification.locally(frame.code)
    assert judged is not None
    assert counter.parts.selling.sell(frame.code, judged, confirmed=True).outcome is Outcome.REFUSED


def test_central_is_not_asked_while_what_is_known_here_is_enough(counter: Counter) -> None:
    counter.scan(WATCH_1)
    counter.scan("4006381333931")
    assert counter.asked == []


def test_an_item_unknown_here_is_asked_of_central(counter: Counter) -> None:
    counter.answers = {NEW: ItemHere(item=NEW, gtin=WATCH, state="sold", sold_site="site-9", sold_at_us=7)}
    frame = counter.scan(NEW)
    assert (frame.outcome, verdict(frame), counter.asked) == (Outcome.REFUSED, Verdict.ALREADY_SOLD, [NEW])


def test_an_item_that_central_never_issued_is_refused(counter: Counter) -> None:
    counter.answers = {NEW: None}
    assert verdict(counter.scan(NEW)) is Verdict.UNKNOWN


def test_without_an_answer_the_item_is_sold_provisionally(counter: Counter) -> None:
    frame = counter.scan(NEW)
    sell(counter)
    (sale,) = counter.bodies()
    assert (verdict(frame), sale.lines[0].verdict, sale.lines[0].provisional) == (
        Verdict.UNVERIFIED,
        "unverified",
        True,
    )


def test_policy_decides_what_happens_without_an_answer(counter: Counter) -> None:
    counter.feed(PolicyRow(verdict="unverified", action="refuse"))
    assert counter.scan(NEW).outcome is Outcome.REFUSED


def test_a_makers_serial_on_a_plain_product_is_sold_by_the_piece(counter: Counter) -> None:
    counter.answers = {f"01{TEA}21MAKER": None}
    counter.scan(f"01{TEA}21MAKER")
    (line,) = counter.parts.desk.basket.lines
    assert (line.gtin, line.item, line.finding) == (TEA, None, None)


def test_a_question_to_central_holds_up_no_other_scan(counter: Counter) -> None:
    asked, release = threading.Event(), threading.Event()

    def ask(item: str, timeout_ms: int) -> ItemAnswered | None:
        asked.set()
        release.wait(20)
        return None

    counter.central.ask_item = ask  # type: ignore[method-assign]
    waiting: list[ScanFrame] = []
    slow = threading.Thread(target=lambda: waiting.append(counter.scan(NEW)))
    slow.start()
    assert asked.wait(20)
    quick = counter.scan("4006381333931")
    release.set()
    slow.join(20)
    assert (quick.outcome, [verdict(frame) for frame in waiting]) == (Outcome.ADDED, [Verdict.UNVERIFIED])


def test_weight_on_a_scales_label_is_priced(open_counter: OpenCounter) -> None:
    counter = open_counter()
    counter.feed(*CATALOGUE, Product(gtin=WATCH, name="Cheese", unit="kg"))
    frame = counter.scan("01" + WATCH + "3103001250")
    (line,) = counter.parts.desk.basket.lines
    assert (frame.outcome, line.quantity, line.amount_minor) == (Outcome.ADDED, D("1.250"), 31_250)


def test_verify_mode_shows_and_changes_nothing(counter: Counter) -> None:
    counter.parts.counter.set_mode(Mode.VERIFY)
    frame = counter.scan(WATCH_1)
    assert (frame.outcome, verdict(frame), counter.parts.desk.basket.lines) == (
        Outcome.FOUND,
        Verdict.GENUINE,
        (),
    )


def test_a_sold_item_that_a_customer_has_verified_is_no_evidence(counter: Counter) -> None:
    counter.scan(WATCH_1)
    sell(counter)
    counter.parts.counter.set_mode(Mode.VERIFY)
    counter.scan(WATCH_1)
    assert [type(body) for body in counter.bodies()] == [Sale]


def test_receive_mode_counts_against_the_advice(counter: Counter) -> None:
    counter.feed(
        DespatchView(despatch_id="d", from_site="north", lines=(DespatchLine(gtin=TEA, quantity=Decimal(2)),))
    )
    assert counter.parts.counter.set_mode(Mode.RECEIVE, "d") is None
    outcomes = [counter.scan(code).outcome for code in ("4006381333931", "5000112637922")]
    assert outcomes == [Outcome.RECEIVED, Outcome.ASK]
    assert {line.gtin: line.quantity for line in counter.parts.goods.receiving.lines} == {TEA: 1, MILK: 1}


def test_receiving_asks_central_nothing(counter: Counter) -> None:
    counter.parts.counter.set_mode(Mode.RECEIVE)
    counter.scan(NEW)
    assert counter.asked == []


def test_an_advice_that_is_not_known_here_is_refused(counter: Counter) -> None:
    refused = counter.parts.counter.set_mode(Mode.RECEIVE, "nope")
    assert refused is not None
    assert refused.reason == "despatch nope: not known here; expected one of GET /v1/despatches"


def test_reorder_mode_writes_the_order(counter: Counter) -> None:
    counter.parts.counter.set_mode(Mode.REORDER)
    counter.scan("4006381333931")
    assert counter.scan("4006381333931").message == "Green tea: 2 on the order"
    assert [(line.gtin, line.quantity) for line in counter.parts.orders.draft.lines] == [(TEA, D(2))]


def test_return_mode_refunds_what_was_paid(counter: Counter) -> None:
    counter.scan(WATCH_1)
    changed = counter.parts.desk.basket.lines[0]
    assert counter.parts.desk.change(changed.line, Change(amount_minor=20_000)) is None
    sell(counter)
    counter.parts.counter.set_mode(Mode.RETURN)
    frame = counter.scan(WATCH_1)
    (line,) = counter.parts.returns_desk.basket.lines
    assert (frame.outcome, line.amount_minor, frame.message) == (
        Outcome.ADDED,
        20_000,
        "Watch: sold on receipt 1-000001",
    )


def test_an_item_in_stock_here_cannot_come_back(counter: Counter) -> None:
    counter.parts.counter.set_mode(Mode.RETURN)
    assert counter.scan(WATCH_2).key == "not_sold"


def test_a_member_card_is_noted_on_the_sale(open_counter: OpenCounter) -> None:
    counter = open_counter()
    counter.feed(*CATALOGUE)
    counter.parts.reader.rules = Rules(member_patterns=(r"M\d{6}",))
    assert counter.scan("M123456").key == "member"
    counter.scan("4006381333931")
    sell(counter)
    assert counter.bodies()[0].member == "M123456"


def test_a_signed_control_code_changes_the_mode(counter: Counter) -> None:
    key = b"a key of sixteen"
    counter.parts.reader.rules = Rules(control_keys=(key,))
    counter.scan(render_control("MODE", "VERIFY", key))
    assert counter.parts.counter.mode is Mode.VERIFY


def test_a_control_code_that_a_customer_printed_does_nothing(counter: Counter) -> None:
    frame = counter.scan(render_control("MODE", "VERIFY", b"another key of 16"))
    assert (frame.outcome, counter.parts.counter.mode) == (Outcome.UNREADABLE, Mode.SALE)


def test_the_mode_outlives_a_restart(counter: Counter, open_counter: OpenCounter) -> None:
    counter.parts.counter.set_mode(Mode.RETURN)
    assert open_counter().parts.counter.mode is Mode.RETURN


def test_the_basket_outlives_a_restart(counter: Counter, open_counter: OpenCounter) -> None:
    counter.scan("4006381333931")
    before = counter.parts.desk.basket
    assert open_counter().parts.desk.basket == before


def test_goods_and_order_under_way_outlive_a_restart(counter: Counter, open_counter: OpenCounter) -> None:
    for mode in (Mode.RECEIVE, Mode.REORDER):
        counter.parts.counter.set_mode(mode)
        counter.scan("4006381333931")
    goods, draft = counter.parts.goods.receiving, counter.parts.orders.draft
    again = open_counter()
    assert (again.parts.goods.receiving, again.parts.orders.draft) == (goods, draft)


def test_the_code_of_a_case_is_not_sold(counter: Counter) -> None:
    frame = counter.scan("(00)106141412345678908")
    assert (frame.outcome, frame.key, counter.events()) == (Outcome.REFUSED, "logistic_unit", [])


def test_an_item_received_here_can_be_sold_before_central_has_heard(counter: Counter) -> None:
    counter.parts.counter.set_mode(Mode.RECEIVE)
    counter.scan(NEW)
    done(counter.parts.goods.complete(CompleteReceivingAsked()))
    counter.parts.counter.set_mode(Mode.SALE)
    assert verdict(counter.scan(NEW)) is Verdict.GENUINE
    assert [type(body) for body in counter.bodies()] == [GoodsReceived]
