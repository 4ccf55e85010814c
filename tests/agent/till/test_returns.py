"""Returns by scanning the item: its receipt is found, what was paid is refunded, and nothing comes back twice."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.till.asked import CompleteAsked, LineAsked, ReturnAsked, SaleAsked
from agent.till.frames import Mode, Outcome, Question, ScanFrame
from agent.till.return_rules import paid_for
from agent.till.rules import Change, Piece
from protocol.events import Sale, SaleLine, SaleReturned
from protocol.feeds import ItemHere, Product
from protocol.verdicts import Verdict
from tests.agent.shop_kit import (
    MILK,
    NOW_US,
    SITE,
    TEA,
    WATCH,
    WATCH_1,
    WATCH_2,
    Counter,
    D,
    OpenCounter,
    answer,
    done,
    not_done,
)

ABROAD = f"01{WATCH}21ABROAD"
UNHEARD = f"01{WATCH}21UNHEARD"
YEAR_US = 365 * 86_400_000_000
MINUTE_US = 60_000_000


def sell(counter: Counter, *codes: str, watch_minor: int | None = None) -> str:
    """Sell what is scanned; the id of the sale."""
    counter.parts.counter.set_mode(Mode.SALE)
    for code in codes:
        frame = counter.scan(code)
        if watch_minor is not None and frame.line is not None and code == WATCH_1:
            change = Change(amount_minor=watch_minor, discount_minor=25_000 - watch_minor)
            assert counter.parts.desk.change(frame.line, change) is None
    return done(counter.parts.sales.complete(CompleteAsked())).document_id


def bring_back(counter: Counter, code: str) -> ScanFrame:
    counter.parts.counter.set_mode(Mode.RETURN)
    return counter.scan(code)


def complete(counter: Counter, disposition: str = "restock") -> SaleReturned:
    done(counter.parts.returns.post(ReturnAsked(disposition=disposition)))
    body = counter.bodies()[-1]
    assert isinstance(body, SaleReturned)
    return body


def test_a_scanned_item_finds_its_receipt_and_what_was_paid_and_when(counter: Counter) -> None:
    sale_id = sell(counter, WATCH_1, watch_minor=20_000)
    frame = bring_back(counter, WATCH_1)
    assert frame.sold is not None
    assert (frame.outcome, frame.key) == (Outcome.ADDED, "taken_back")
    assert (frame.sold.receipt, frame.sold.sale_id, frame.sold.site, frame.sold.at_us) == (
        "1-000001", sale_id, SITE, NOW_US,
    )  # fmt: skip
    assert (frame.sold.paid_minor, frame.sold.discount_minor) == (20_000, 5_000)


def test_what_is_refunded_is_what_was_paid_after_its_discount(counter: Counter) -> None:
    sell(counter, WATCH_1, watch_minor=20_000)
    bring_back(counter, WATCH_1)
    assert counter.parts.returns_desk.frame().total_minor == 20_000


def test_a_return_in_the_journal_names_the_sale_it_reverses(counter: Counter) -> None:
    sale_id = sell(counter, WATCH_1, watch_minor=20_000)
    bring_back(counter, WATCH_1)
    body = complete(counter, "quarantine")
    assert (body.sale_id, body.disposition, [(line.item, line.amount_minor) for line in body.lines]) == (
        sale_id,
        "quarantine",
        [(WATCH_1, 20_000)],
    )


def test_a_sale_of_years_ago_is_found_though_the_journal_has_forgotten_it(
    counter: Counter, open_counter: OpenCounter
) -> None:
    sell(counter, WATCH_1, watch_minor=20_000)
    counter.store.write(lambda at: at.execute("DELETE FROM journal")).result(10)
    counter.clock.advance(3 * YEAR_US)
    frame = bring_back(counter, WATCH_1)
    assert frame.sold is not None
    assert (frame.sold.receipt, frame.sold.paid_minor) == ("1-000001", 20_000)


def test_an_item_comes_back_once(counter: Counter) -> None:
    sell(counter, WATCH_1)
    bring_back(counter, WATCH_1)
    complete(counter)
    frame = bring_back(counter, WATCH_1)
    assert (frame.outcome, frame.key, frame.message) == (
        Outcome.REFUSED,
        "returned_already",
        "this item is in stock here: it has come back already, with 1-R000001",
    )


def test_an_item_that_was_set_aside_comes_back_once_too(counter: Counter) -> None:
    sell(counter, WATCH_1)
    bring_back(counter, WATCH_1)
    complete(counter, "quarantine")
    assert bring_back(counter, WATCH_1).message == (
        "this item has come back already, with 1-R000001, and was set aside"
    )


def test_the_same_item_twice_in_one_return_counts_once(counter: Counter) -> None:
    sell(counter, WATCH_1)
    bring_back(counter, WATCH_1)
    frame = bring_back(counter, WATCH_1)
    assert (frame.key, len(counter.parts.returns_desk.basket.lines)) == ("in_basket", 1)


def test_a_sold_item_that_came_back_can_be_sold_and_brought_back_again(counter: Counter) -> None:
    sell(counter, WATCH_1, watch_minor=20_000)
    bring_back(counter, WATCH_1)
    complete(counter)
    sell(counter, WATCH_1)
    frame = bring_back(counter, WATCH_1)
    assert frame.sold is not None
    assert (frame.outcome, frame.sold.receipt, frame.sold.paid_minor) == (Outcome.ADDED, "1-000002", 25_000)


def test_an_item_sold_at_another_site_comes_back_with_a_clear_word_and_its_evidence(counter: Counter) -> None:
    counter.feed(ItemHere(item=ABROAD, gtin=WATCH, state="sold", sold_site="Hamburg", sold_at_us=5))
    frame = bring_back(counter, ABROAD)
    assert frame.sold is not None
    assert (frame.outcome, frame.key, frame.line) == (Outcome.ASK, "sold_elsewhere", 1)
    assert frame.message == "Watch: sold at Hamburg; what was paid is not known here: look at the receipt"
    assert (frame.sold.site, frame.sold.at_us, frame.finding is not None and frame.finding.verdict) == (
        "Hamburg",
        5,
        Verdict.ALREADY_SOLD,
    )
    assert complete(counter).lines[0].amount_minor == 25_000


def test_an_item_sold_at_another_site_comes_back_once(counter: Counter) -> None:
    counter.feed(ItemHere(item=ABROAD, gtin=WATCH, state="sold", sold_site="Hamburg", sold_at_us=5))
    bring_back(counter, ABROAD)
    complete(counter)
    assert bring_back(counter, ABROAD).key == "returned_already"


def test_an_item_sold_by_another_till_of_this_site_comes_back(counter: Counter) -> None:
    counter.feed(ItemHere(item=WATCH_1, gtin=WATCH, state="sold", site=SITE, sold_site=SITE, sold_at_us=5))
    assert bring_back(counter, WATCH_1).key == "sold_by_other_till"


def test_an_item_received_here_and_sold_elsewhere_later_comes_back(counter: Counter) -> None:
    sell(counter, WATCH_1)
    bring_back(counter, WATCH_1)
    complete(counter)
    later = ItemHere(item=WATCH_1, gtin=WATCH, state="sold", sold_site="Hamburg", sold_at_us=NOW_US + 1)
    counter.feed(later)
    assert bring_back(counter, WATCH_1).key == "sold_elsewhere"


@pytest.mark.parametrize(
    ("state", "site", "reason"),
    [
        ("sellable", SITE, "this item is in stock here: it was not sold, or has come back already"),
        (
            "sellable",
            "Hamburg",
            "this item is in stock at Hamburg: it was not sold, or has come back already",
        ),
        ("in_transit", SITE, "this item was never sold: it is on its way to a shop"),
        ("commissioned", None, "this item was never sold: it has not been shipped to any shop"),
        ("issued", None, "this item was never sold: its code is not on any product yet"),
        ("stolen", None, "this item was never sold: it is reported stolen"),
        ("recalled", None, "this item was never sold: it is recalled"),
        ("quarantined", None, "this item has come back already, and was set aside"),
    ],
)
def test_an_item_that_was_never_sold_is_refused_with_the_reason(
    counter: Counter, state: str, site: str | None, reason: str
) -> None:
    counter.feed(ItemHere(item=ABROAD, gtin=WATCH, state=state, site=site))
    frame = bring_back(counter, ABROAD)
    assert (frame.outcome, frame.message) == (Outcome.REFUSED, reason)
    assert counter.parts.returns_desk.basket.lines == ()


def test_a_recalled_item_that_was_sold_before_comes_back(counter: Counter) -> None:
    counter.feed(ItemHere(item=ABROAD, gtin=WATCH, state="recalled", sold_site="Hamburg", sold_at_us=5))
    assert bring_back(counter, ABROAD).key == "sold_elsewhere"


def test_central_is_asked_about_an_item_that_is_not_known_here(counter: Counter) -> None:
    counter.answers = {UNHEARD: ItemHere(item=UNHEARD, gtin=WATCH, state="in_transit", site="Hamburg")}
    frame = bring_back(counter, UNHEARD)
    assert (frame.outcome, frame.message) == (
        Outcome.REFUSED,
        "this item was never sold: it is on its way to a shop",
    )


def test_an_item_that_nobody_knows_is_taken_back_and_left_to_central(counter: Counter) -> None:
    frame = bring_back(counter, UNHEARD)
    assert (frame.outcome, frame.key, frame.line) == (Outcome.ASK, "sale_not_known", 1)
    body = complete(counter)
    assert (body.sale_id, body.lines[0].verdict, body.lines[0].provisional) == (None, "unverified", True)


def test_an_item_that_the_brand_never_issued_is_refused(counter: Counter) -> None:
    counter.answers = {UNHEARD: None}
    frame = bring_back(counter, UNHEARD)
    assert (frame.outcome, frame.finding is not None and frame.finding.verdict) == (
        Outcome.REFUSED,
        Verdict.UNKNOWN,
    )


def test_goods_without_codes_come_back_at_what_their_receipt_says(counter: Counter) -> None:
    counter.parts.counter.set_mode(Mode.SALE)
    counter.scan(WATCH_1)
    counter.scan("4006381333931")
    assert counter.parts.desk.change(2, Change(quantity=D(3), discount_minor=350)) is None
    sale_id = done(counter.parts.sales.complete(CompleteAsked())).document_id
    bring_back(counter, WATCH_1)
    frames = [counter.scan("4006381333931") for _ in range(4)]
    amounts = [line.amount_minor for line in counter.parts.returns_desk.basket.lines]
    assert amounts == [25_000, 333, 334, 333, 450]
    assert ([frame.key for frame in frames], frames[-1].outcome) == (
        ["taken_back"] * 3 + ["not_on_receipt"],
        Outcome.ASK,
    )
    assert counter.parts.returns_desk.remove(5) is None
    assert complete(counter).sale_id == sale_id


def test_items_of_two_receipts_come_back_together_and_name_no_one_sale(counter: Counter) -> None:
    sell(counter, WATCH_1)
    sell(counter, WATCH_2)
    bring_back(counter, WATCH_1)
    bring_back(counter, WATCH_2)
    assert complete(counter).sale_id is None


def test_a_product_without_a_price_is_brought_back_at_an_amount_given_by_hand(counter: Counter) -> None:
    counter.feed(Product(gtin="04902505081163", name="Pen"))
    frame = bring_back(counter, "4902505081163")
    assert (frame.outcome, frame.question) == (Outcome.ASK, Question.AMOUNT)
    assert frame.code is not None
    judged = counter.parts.verification.confirmed(frame.code)
    by_hand = Piece(gtin="", quantity=D(2), amount_minor=240)
    assert counter.parts.taking_back.take_back(frame.code, judged, by_hand=by_hand).line == 1
    assert counter.parts.returns_desk.frame().total_minor == 240


# -- told by another till -------------------------------------------------------------------------------------------------------


def post_sale(counter: Counter) -> None:
    lines = (
        LineAsked(gtin=TEA, quantity=D(3), amount_minor=1_000, discount_minor=350),
        LineAsked(gtin=MILK, quantity=D("0.5"), amount_minor=60),
        LineAsked(item=WATCH_1, amount_minor=20_000),
    )
    done(counter.parts.sales.post(SaleAsked(lines=lines, sale_id="s-1")))


def give(counter: Counter, *lines: LineAsked, sale_id: str | None = "s-1") -> object:
    return counter.parts.returns.post(ReturnAsked(lines=lines, sale_id=sale_id))


def test_a_return_told_without_amounts_refunds_what_was_paid(counter: Counter) -> None:
    post_sale(counter)
    done(give(counter, LineAsked(gtin=TEA, quantity=D(2)), LineAsked(item=WATCH_1)))
    done(give(counter, LineAsked(gtin=TEA)))
    amounts = [[line.amount_minor for line in body.lines] for body in counter.bodies()[1:]]
    assert amounts == [[667, 20_000], [333]]


def test_no_more_of_a_receipt_comes_back_than_was_sold(counter: Counter) -> None:
    post_sale(counter)
    done(give(counter, LineAsked(gtin=TEA, quantity=D(2), amount_minor=600)))
    refused = not_done(give(counter, LineAsked(gtin=TEA, quantity=D(2), amount_minor=600)))
    assert (refused.key, refused.line, refused.reason) == (
        "returned_already",
        1,
        f"line 1: 2 of {TEA} on receipt 1-000001: 2 of 3 have come back already",
    )


def test_what_is_not_on_a_receipt_does_not_come_back_of_it(counter: Counter) -> None:
    post_sale(counter)
    refused = not_done(give(counter, LineAsked(item=WATCH_2, amount_minor=1), sale_id="s-1"))
    assert refused.key == "not_sold"
    sell(counter, WATCH_2)
    refused = not_done(give(counter, LineAsked(item=WATCH_2, amount_minor=1), sale_id="s-1"))
    assert (refused.key, refused.line) == ("not_on_receipt", 1)
    refused = not_done(give(counter, LineAsked(gtin=WATCH, amount_minor=1)))
    assert refused.reason == f"line 1: {WATCH} is not on receipt 1-000001"


def test_an_item_told_twice_comes_back_once(counter: Counter) -> None:
    post_sale(counter)
    done(give(counter, LineAsked(item=WATCH_1), sale_id=None))
    refused = not_done(give(counter, LineAsked(item=WATCH_1), sale_id=None))
    assert (refused.key, refused.conflict) == ("returned_already", True)
    assert counter.bodies()[-1].sale_id == "s-1"


def test_a_sale_of_another_machine_is_taken_at_its_word(counter: Counter) -> None:
    done(give(counter, LineAsked(gtin=TEA), sale_id="elsewhere"))
    assert counter.bodies()[-1].sale_id == "elsewhere"


@given(st.integers(1, 12), st.integers(0, 100_000), st.data())
def test_a_receipt_returned_in_parts_refunds_what_was_paid_to_the_last_cent(
    sold: int, paid: int, data: st.DataObject
) -> None:
    lines = (SaleLine(gtin=TEA, quantity=Decimal(sold), amount_minor=paid),)
    sale = Sale(sale_id="s", receipt="1", currency="EUR", lines=lines)
    refunded, before = 0, 0
    while before < sold:
        part = data.draw(st.integers(1, sold - before))
        amount = paid_for(sale, TEA, None, Decimal(part), Decimal(before))
        assert amount is not None
        refunded, before = refunded + amount, before + part
    assert (refunded, paid_for(sale, TEA, None, Decimal(1), Decimal(before))) == (paid, None)


def test_what_was_told_of_a_return_names_its_sale(counter: Counter) -> None:
    post_sale(counter)
    told = answer(done(give(counter, LineAsked(item=WATCH_1), sale_id=None)))
    assert (told["sale_id"], told["disposition"], told["total_minor"]) == ("s-1", "restock", 20_000)
