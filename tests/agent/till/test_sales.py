"""Sales, voids and returns: written once, in one transaction with their number and what they do to items."""

from __future__ import annotations

import uuid

import msgspec
import pytest

from agent.store.faults import Fault, WriteRefused
from agent.till.asked import CompleteAsked, LineAsked, ReturnAsked, SaleAsked, VoidAsked
from agent.till.desk import Desk, empty
from agent.till.frames import CompletedFrame, Mode
from protocol.events import Payment, Sale, SaleReturned, SaleVoided
from tests.agent.shop_kit import (
    EPOCH,
    MILK,
    TEA,
    WATCH_1,
    Counter,
    D,
    OpenCounter,
    answer,
    done,
    not_done,
)

TEA_LINE = LineAsked(gtin="4006381333931", quantity=D(2), amount_minor=800, discount_minor=100)


def post(counter: Counter, *lines: LineAsked, **more: object) -> SaleAsked:
    return SaleAsked(lines=lines or (TEA_LINE,), **more)  # type: ignore[arg-type]


def test_a_sale_is_accepted_with_its_receipt_number_and_its_place_in_the_journal(counter: Counter) -> None:
    written = done(counter.parts.sales.post(post(counter, sale_id="s-1")))
    assert answer(written) == {
        "sale_id": "s-1",
        "receipt": "1-000001",
        "total_minor": 800,
        "currency": "EUR",
        "warnings": [],
        "epoch": EPOCH,
        "seq": 1,
    }


def test_a_sale_in_the_journal_says_what_was_sold_and_paid(counter: Counter) -> None:
    done(
        counter.parts.sales.post(
            post(counter, sale_id="s-1", payments=(Payment(method="card", amount_minor=800),))
        )
    )
    (sale,) = counter.bodies()
    assert (sale.lines[0].gtin, sale.lines[0].quantity, sale.lines[0].discount_minor, sale.payments) == (
        TEA,
        2,
        100,
        (Payment(method="card", amount_minor=800),),
    )


def test_the_same_sale_told_again_gets_the_same_answer_and_no_second_event(counter: Counter) -> None:
    first = done(counter.parts.sales.post(post(counter, sale_id="s-1")))
    again = done(counter.parts.sales.post(post(counter, sale_id="s-1")))
    assert (again.answer, again.repeated, len(counter.events())) == (first.answer, True, 1)


def test_another_sale_under_a_used_id_is_a_conflict_and_takes_no_number(counter: Counter) -> None:
    done(counter.parts.sales.post(post(counter, sale_id="s-1")))
    refused = not_done(counter.parts.sales.post(post(counter, LineAsked(gtin=TEA), sale_id="s-1")))
    following = done(counter.parts.sales.post(post(counter, sale_id="s-2")))
    assert (refused.conflict, following.number) == (True, "1-000002")


def test_a_sale_keeps_the_time_it_happened(counter: Counter) -> None:
    done(counter.parts.sales.post(post(counter, sold_at="2017-01-01T15:32:09-05:00")))
    assert counter.events()[0].at.event_time_us == 1_483_302_729_000_000


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (SaleAsked(lines=()), "0 lines: expected 1 to 500"),
        (SaleAsked(lines=(LineAsked(),)), "line 1: expected exactly one of code, gtin and item"),
        (SaleAsked(lines=(LineAsked(gtin="4006381333932"),)), "line 1: gtin: "),
        (SaleAsked(lines=(LineAsked(gtin="4902505081163"),)), "line 1: no price is known for 04902505081163; give amount_minor"),
        (SaleAsked(lines=(LineAsked(gtin=TEA, quantity=D(-1)),)), "line 1: quantity -1: expected 0 to 10000000"),
        (SaleAsked(lines=(LineAsked(item=WATCH_1, quantity=D(2)),)), "line 1: quantity 2 of one item; expected 1"),
        (SaleAsked(lines=(LineAsked(item=WATCH_1), LineAsked(item=WATCH_1))), "line 2: this item stands on two lines; an item is one piece"),
        (SaleAsked(lines=(TEA_LINE,), sold_at="yesterday"), "sold_at 'yesterday': expected ISO 8601 with an offset"),
        (SaleAsked(lines=(TEA_LINE,), sold_at="2017-01-01T15:32:09"), "sold_at '2017-01-01T15:32:09': has no offset"),
        (SaleAsked(lines=(TEA_LINE,), currency="USD"), "currency 'USD': expected EUR, that of this site"),
        (SaleAsked(lines=(TEA_LINE,), payments=(Payment(method="gold", amount_minor=1),)), "payment method 'gold': expected one of cash, card, wallet"),
    ],
)  # fmt: skip
def test_a_sale_that_cannot_be_understood_is_told_why(
    counter: Counter, asked: SaleAsked, reason: str
) -> None:
    assert not_done(counter.parts.sales.post(asked)).reason.startswith(reason)
    assert counter.events() == []


def test_a_product_that_nobody_knows_is_sold_with_a_warning(counter: Counter) -> None:
    written = done(counter.parts.sales.post(post(counter, LineAsked(gtin="4902505081163", amount_minor=100))))
    assert [warning["key"] for warning in answer(written)["warnings"]] == ["not_in_catalogue"]


def test_an_item_sold_twice_by_another_till_is_recorded_with_a_warning(counter: Counter) -> None:
    done(counter.parts.sales.post(post(counter, LineAsked(item=WATCH_1))))
    written = done(counter.parts.sales.post(post(counter, LineAsked(item=WATCH_1))))
    assert [warning["key"] for warning in answer(written)["warnings"]] == ["already_sold"]
    assert [sale.lines[0].verdict for sale in counter.bodies()] == ["genuine", "already_sold"]


def test_a_scanned_code_will_do_for_a_line(counter: Counter) -> None:
    done(counter.parts.sales.post(post(counter, LineAsked(code=WATCH_1))))
    assert counter.bodies()[0].lines[0].item == WATCH_1


def test_completing_the_basket_sells_it_and_begins_another(counter: Counter) -> None:
    counter.scan(WATCH_1)
    counter.scan("4006381333931")
    basket_id = counter.parts.desk.basket.basket_id
    written = done(counter.parts.sales.complete(CompleteAsked()))
    assert (written.document_id, len(counter.bodies()[0].lines)) == (basket_id, 2)
    assert (counter.parts.desk.basket.lines, counter.parts.desk.basket.basket_id == basket_id) == ((), False)


def test_an_empty_basket_cannot_be_completed(counter: Counter) -> None:
    assert not_done(counter.parts.sales.complete(CompleteAsked())).key == "empty"


def test_completing_the_same_basket_again_sells_nothing_twice(counter: Counter) -> None:
    counter.scan("4006381333931")
    asked = CompleteAsked(sale_id=counter.parts.desk.basket.basket_id)
    first = done(counter.parts.sales.complete(asked))
    counter.scan("5000112637922")
    again = done(counter.parts.sales.complete(asked))
    assert (again.answer, again.repeated, len(counter.events())) == (first.answer, True, 1)
    assert [line.gtin for line in counter.parts.desk.basket.lines] == [MILK]


def test_an_item_sold_meanwhile_keeps_the_basket_on_the_counter(counter: Counter) -> None:
    counter.scan("4006381333931")
    counter.scan(WATCH_1)
    done(counter.parts.sales.post(post(counter, LineAsked(item=WATCH_1))))
    refused = not_done(counter.parts.sales.complete(CompleteAsked()))
    assert (refused.key, refused.line, len(counter.parts.desk.basket.lines)) == ("sold_meanwhile", 2, 2)


def test_a_sale_that_the_disk_refuses_leaves_the_basket_on_the_counter(counter: Counter) -> None:
    counter.scan("4006381333931")
    counter.store.close()
    with pytest.raises(WriteRefused) as refused:
        counter.parts.sales.complete(CompleteAsked()).result(10)  # type: ignore[union-attr]
    assert refused.value.fault is Fault.CLOSED
    assert len(counter.parts.desk.basket.lines) == 1


def test_a_basket_that_comes_back_stands_before_what_was_scanned_since(counter: Counter) -> None:
    desk: Desk = counter.parts.desk
    counter.scan("4006381333931")
    taken = desk.take(lambda basket: basket)
    assert isinstance(taken, tuple)
    counter.scan("5000112637922")
    desk.give_back(taken[0])
    assert [(line.line, line.gtin) for line in desk.basket.lines] == [(1, TEA), (2, MILK)]


def test_a_completed_basket_does_not_come_back_after_a_restart(
    counter: Counter, open_counter: OpenCounter
) -> None:
    counter.scan("4006381333931")
    done(counter.parts.sales.complete(CompleteAsked()))
    assert open_counter().parts.desk.basket.lines == ()


def test_a_basket_whose_sale_was_the_last_thing_before_a_power_cut_does_not_come_back(
    counter: Counter, open_counter: OpenCounter
) -> None:
    counter.scan("4006381333931")
    sold = counter.parts.desk.basket
    done(counter.parts.sales.complete(CompleteAsked()))
    counter.store.write(lambda at: counter.shop.drafts.save(at, "sale", sold)).result(10)
    assert open_counter().parts.desk.basket.lines == ()


def test_a_basket_whose_id_was_used_by_another_till_is_no_second_sale(counter: Counter) -> None:
    counter.scan("4006381333931")
    basket_id = counter.parts.desk.basket.basket_id
    done(counter.parts.sales.post(post(counter, sale_id=basket_id)))
    assert not_done(counter.parts.sales.complete(CompleteAsked())).key == "conflict"
    counter.parts.desk.clear()
    counter.scan("4006381333931")
    written = done(counter.parts.sales.complete(CompleteAsked()))
    assert (written.number, written.seq, len(counter.events())) == ("1-000002", 2, 2)


def test_baskets_are_named_in_the_order_of_time() -> None:
    early = uuid.UUID(empty(1_700_000_000_000_000_000).basket_id)
    late = uuid.UUID(empty(1_700_000_000_001_000_000).basket_id)
    assert (early.version, early.variant, early < late) == (7, uuid.RFC_4122, True)


def test_receipt_numbers_go_on_after_a_restart(counter: Counter, open_counter: OpenCounter) -> None:
    done(counter.parts.sales.post(post(counter)))
    assert done(open_counter().parts.sales.post(SaleAsked(lines=(TEA_LINE,)))).number == "1-000002"


def test_every_screen_hears_of_a_sale_once(counter: Counter) -> None:
    for _ in range(2):
        done(counter.parts.sales.post(post(counter, sale_id="s-1")))
    counter.events()
    assert [frame.number for frame in counter.frames if isinstance(frame, CompletedFrame)] == ["1-000001"]


def test_a_voided_sale_puts_its_items_back(counter: Counter) -> None:
    done(counter.parts.sales.post(post(counter, LineAsked(item=WATCH_1), sale_id="s-1")))
    done(counter.parts.voids.post("s-1", VoidAsked(reason="customer changed their mind")))
    assert [type(body) for body in counter.bodies()] == [Sale, SaleVoided]
    assert counter.scan(WATCH_1).key == "added"


def test_voiding_twice_is_voiding_once(counter: Counter) -> None:
    done(counter.parts.sales.post(post(counter, sale_id="s-1")))
    first = done(counter.parts.voids.post("s-1", VoidAsked(reason="a")))
    again = done(counter.parts.voids.post("s-1", VoidAsked(reason="b")))
    assert (again.answer, len(counter.events())) == (first.answer, 2)


def test_a_sale_of_another_machine_cannot_be_voided_here(counter: Counter) -> None:
    assert not_done(counter.parts.voids.post("elsewhere", VoidAsked(reason="a"))).key == "no_sale"


def test_a_sale_cannot_be_voided_once_something_of_it_has_come_back(counter: Counter) -> None:
    done(counter.parts.sales.post(post(counter, LineAsked(item=WATCH_1), sale_id="s-1")))
    done(counter.parts.returns.post(ReturnAsked(lines=(LineAsked(item=WATCH_1),))))
    assert not_done(counter.parts.voids.post("s-1", VoidAsked(reason="a"))).key == "returned_since"


def test_a_return_on_the_counter_is_completed_with_its_disposition(counter: Counter) -> None:
    done(counter.parts.sales.post(post(counter, LineAsked(item=WATCH_1), sale_id="s-1")))
    counter.parts.counter.set_mode(Mode.RETURN)
    counter.scan(WATCH_1)
    written = done(counter.parts.returns.post(ReturnAsked(disposition="quarantine", reason="scratched")))
    (_, body) = counter.bodies()
    assert (written.number, isinstance(body, SaleReturned), body.disposition, body.lines[0].amount_minor) == (
        "1-R000001",
        True,
        "quarantine",
        25_000,
    )
    counter.parts.counter.set_mode(Mode.SALE)
    assert counter.scan(WATCH_1).key == "verdict"


def test_the_same_return_told_again_is_one_return(counter: Counter) -> None:
    asked = ReturnAsked(lines=(TEA_LINE,), return_id="r-1")
    first = done(counter.parts.returns.post(asked))
    again = done(counter.parts.returns.post(asked))
    assert (again.answer, len(counter.events())) == (first.answer, 1)


def test_nothing_of_a_voided_sale_can_come_back(counter: Counter) -> None:
    done(counter.parts.sales.post(post(counter, sale_id="s-1")))
    done(counter.parts.voids.post("s-1", VoidAsked(reason="a")))
    assert not_done(counter.parts.returns.post(ReturnAsked(lines=(TEA_LINE,), sale_id="s-1"))).key == "voided"


def test_a_return_needs_a_disposition_that_is_known(counter: Counter) -> None:
    assert not_done(
        counter.parts.returns.post(ReturnAsked(lines=(TEA_LINE,), disposition="burn"))
    ).reason == ("disposition 'burn': expected one of restock, quarantine")


def test_a_basket_set_aside_is_recalled_as_it_was(counter: Counter) -> None:
    counter.scan("4006381333931")
    before = counter.parts.desk.basket
    assert counter.parts.desk.hold() is None
    counter.scan("5000112637922")
    assert (
        counter.parts.desk.recall(before.basket_id) is not None
    )  # not while another customer's basket is there
    counter.parts.desk.clear()
    assert counter.parts.desk.recall(before.basket_id) is None
    assert (counter.parts.desk.basket, counter.parts.desk.held()) == (before, [])


def test_a_request_has_one_digest_however_it_was_written() -> None:
    first = msgspec.json.decode(b'{"lines":[{"gtin":"1","quantity":"2.0"}],"sale_id":"a"}', type=SaleAsked)
    second = msgspec.json.decode(b'{"sale_id":"a", "lines":[{"quantity":2.0,"gtin":"1"}]}', type=SaleAsked)
    assert first == second
