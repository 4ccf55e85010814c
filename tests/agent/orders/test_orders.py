"""Orders as the counter writes them."""

from __future__ import annotations

from agent.orders.service import CancelAsked, OrderAsked, OrderLineAsked
from agent.till.asked import LineAsked, SaleAsked
from protocol.events import OrderCancelAsked, OrderLine, OrderSubmitted
from protocol.feeds import OrderView, StockLevel
from tests.agent.shop_kit import MILK, TEA, Counter, D, OpenCounter, answer, done, not_done

LINES = (OrderLineAsked(gtin=TEA, quantity=D(12)),)
LOW = StockLevel(gtin=TEA, on_hand=D(6), reorder_point=D(5), order_up_to=D(20))


def test_an_order_is_one_event_with_the_dealers_own_number(counter: Counter) -> None:
    written = done(counter.parts.orders.submit(OrderAsked(lines=LINES, order_id="o-1", note="soon")))
    assert answer(written)["number"] == "1-PO00001"
    assert counter.bodies() == [
        OrderSubmitted(
            order_id="o-1",
            number="1-PO00001",
            lines=(OrderLine(line=1, gtin=TEA, quantity=D(12)),),
            currency="EUR",
            note="soon",
        )
    ]


def test_the_same_order_again_changes_nothing(counter: Counter) -> None:
    for _ in range(2):
        done(counter.parts.orders.submit(OrderAsked(lines=LINES, order_id="o-1")))
    assert len(counter.events()) == 1


def test_another_order_under_a_used_id_is_a_conflict(counter: Counter) -> None:
    done(counter.parts.orders.submit(OrderAsked(lines=LINES, order_id="o-1")))
    other = OrderAsked(lines=(OrderLineAsked(gtin=MILK, quantity=D(1)),), order_id="o-1")
    assert not_done(counter.parts.orders.submit(other)).conflict


def test_a_sale_here_makes_a_product_run_short_before_central_has_heard(counter: Counter) -> None:
    counter.feed(LOW)
    assert counter.parts.orders.proposals() == ()
    done(counter.parts.sales.post(SaleAsked(lines=(LineAsked(gtin=TEA, quantity=D(2)),))))
    assert [(entry.gtin, entry.quantity) for entry in counter.parts.orders.proposals()] == [(TEA, D(16))]


def test_what_is_ordered_is_not_proposed_again(counter: Counter) -> None:
    counter.feed(StockLevel(gtin=TEA, on_hand=D(0), reorder_point=D(5), order_up_to=D(20)))
    counter.parts.orders.propose_into_draft()
    done(counter.parts.orders.submit_draft())
    assert counter.parts.orders.proposals() == ()


def test_submitting_the_draft_begins_another(counter: Counter) -> None:
    counter.parts.orders.set_in_draft(TEA, D(3))
    order_id = counter.parts.orders.draft.order_id
    done(counter.parts.orders.submit_draft())
    counter.events()
    assert (counter.parts.orders.draft.lines, counter.parts.orders.draft.order_id == order_id) == ((), False)


def test_a_draft_that_was_submitted_does_not_come_back_after_a_power_cut(
    counter: Counter, open_counter: OpenCounter
) -> None:
    counter.parts.orders.set_in_draft(TEA, D(3))
    draft = counter.parts.orders.draft
    done(counter.parts.orders.submit_draft())
    counter.shop.drafts.put("order", draft)  # as if the disk had kept the draft of the moment before
    assert open_counter().parts.orders.draft.lines == ()


def test_an_order_is_listed_until_and_after_central_answers(counter: Counter) -> None:
    done(counter.parts.orders.submit(OrderAsked(lines=LINES, order_id="o-1")))
    before = [(entry.order.state, entry.answered) for entry in counter.parts.orders.listed()]
    counter.feed(OrderView(order_id="o-1", number="1-PO00001", state="accepted", submitted_at_us=1, lines=()))
    after = [(entry.order.state, entry.answered) for entry in counter.parts.orders.listed()]
    assert (before, after) == ([("submitted", False)], [("accepted", True)])


def test_asking_to_cancel_is_an_event_and_is_asked_once(counter: Counter) -> None:
    done(counter.parts.orders.submit(OrderAsked(lines=LINES, order_id="o-1")))
    for _ in range(2):
        done(counter.parts.orders.cancel("o-1", CancelAsked(reason="too much")))
    assert counter.bodies()[1:] == [OrderCancelAsked(order_id="o-1", reason="too much")]
    assert [entry.cancel_asked for entry in counter.parts.orders.listed()] == [True]


def test_a_despatched_order_cannot_be_cancelled(counter: Counter) -> None:
    counter.feed(OrderView(order_id="o-1", number="n", state="despatched", submitted_at_us=1, lines=()))
    refused = not_done(counter.parts.orders.cancel("o-1", CancelAsked(reason="a")))
    assert refused.reason == "order n: cannot cancel this order: it has been despatched"


def test_an_order_that_is_not_known_cannot_be_cancelled(counter: Counter) -> None:
    assert not_done(counter.parts.orders.cancel("nope", CancelAsked(reason="a"))).key == "no_order"


def test_a_short_gtin_is_ordered_as_the_same_product(counter: Counter) -> None:
    done(
        counter.parts.orders.submit(OrderAsked(lines=(OrderLineAsked(gtin=TEA.lstrip("0"), quantity=D(1)),)))
    )
    assert counter.bodies()[0].lines[0].gtin == TEA
