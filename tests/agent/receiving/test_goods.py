"""Receiving as the counter does it: a draft, then one event."""

from __future__ import annotations

from decimal import Decimal

from agent.receiving.service import CompleteReceivingAsked
from agent.till.frames import Mode
from protocol.events import GoodsLine, GoodsReceived
from protocol.feeds import DespatchLine, DespatchView
from tests.agent.shop_kit import TEA, WATCH, WATCH_1, Counter, OpenCounter, done, not_done

ADVICE = DespatchView(
    despatch_id="d-1",
    from_site="north",
    order_id="o-1",
    lines=(
        DespatchLine(gtin=TEA, quantity=Decimal(2)),
        DespatchLine(gtin=WATCH, quantity=Decimal(1), items=(WATCH_1,)),
    ),
)


def receive(counter: Counter, *codes: str) -> None:
    counter.feed(ADVICE)
    assert counter.parts.counter.set_mode(Mode.RECEIVE, "d-1") is None
    for code in codes:
        counter.scan(code)


def test_what_was_scanned_is_written_against_its_advice(counter: Counter) -> None:
    receive(counter, "4006381333931", WATCH_1)
    written = done(counter.parts.goods.complete(CompleteReceivingAsked()))
    assert counter.bodies() == [
        GoodsReceived(
            receipt_advice_id=written.document_id,
            lines=(
                GoodsLine(gtin=TEA, quantity=Decimal(1)),
                GoodsLine(gtin=WATCH, quantity=Decimal(1), items=(WATCH_1,)),
            ),
            despatch_id="d-1",
            order_id="o-1",
        )
    ]


def test_a_received_advice_leaves_the_list_before_central_has_answered(counter: Counter) -> None:
    receive(counter, "4006381333931")
    assert [view.despatch_id for view in counter.parts.goods.despatches()] == ["d-1"]
    done(counter.parts.goods.complete(CompleteReceivingAsked()))
    assert counter.parts.goods.despatches() == []


def test_an_advice_received_in_part_stays_on_the_list(counter: Counter) -> None:
    receive(counter, "4006381333931")
    done(counter.parts.goods.complete(CompleteReceivingAsked(complete=False)))
    assert [view.despatch_id for view in counter.parts.goods.despatches()] == ["d-1"]


def test_completing_again_by_its_id_receives_nothing_twice(counter: Counter) -> None:
    receive(counter, "4006381333931")
    asked = CompleteReceivingAsked(receipt_advice_id=counter.parts.goods.receiving.receipt_advice_id)
    first = done(counter.parts.goods.complete(asked))
    again = done(counter.parts.goods.complete(asked))
    assert (again.answer, len(counter.events())) == (first.answer, 1)


def test_nothing_counted_and_nothing_announced_is_no_receipt(counter: Counter) -> None:
    assert not_done(counter.parts.goods.complete(CompleteReceivingAsked())).key == "empty"


def test_an_advice_of_which_nothing_has_come_can_be_completed(counter: Counter) -> None:
    receive(counter)
    done(counter.parts.goods.complete(CompleteReceivingAsked()))
    assert counter.bodies()[0].lines == ()


def test_another_advice_waits_until_this_one_is_done(counter: Counter) -> None:
    receive(counter, "4006381333931")
    refused = counter.parts.goods.begin(None)
    assert refused is not None
    assert refused.key == "receiving_open"


def test_a_completed_receipt_does_not_come_back_after_a_restart(
    counter: Counter, open_counter: OpenCounter
) -> None:
    receive(counter, "4006381333931")
    done(counter.parts.goods.complete(CompleteReceivingAsked()))
    assert open_counter().parts.goods.receiving.lines == ()
