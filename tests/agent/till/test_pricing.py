"""Prices and discounts that a person changes: at the counter, and in the sales of another till."""

from __future__ import annotations

from typing import Any

import pytest

from agent.till.asked import CompleteAsked, LineAsked, OverrideAsked, ReturnAsked, SaleAsked
from agent.till.frames import AuthorisationFrame
from agent.till.pins import hash_pin
from agent.till.pricing import PriceAsked
from agent.till.rules import NotAllowed, Piece
from agent.till.supervisor_settings import SupervisorSettings
from protocol.codes import parse_typed, render_control
from protocol.events import Payment, PriceOverridden, Sale
from protocol.feeds import Feed, Product, TillLimits, body_encoder
from tests.agent.shop_kit import (
    CATALOGUE,
    MILK,
    NOW_US,
    TEA,
    WATCH_1,
    Counter,
    D,
    OpenCounter,
    answer,
    done,
    not_done,
)

KEY = b"0123456789abcdef"
PIN = "4711"
PIN_HASH = hash_pin(PIN)
TEN_PERCENT = TillLimits(discount_limit_bp=1000, override_limit_bp=1000)
TEA_CODE = "4006381333931"
PEN = "04902505081163"


def limit(counter: Counter, limits: TillLimits) -> None:
    counter.feed_rows(Feed.LIMITS, {"till": body_encoder.encode(limits)})


@pytest.fixture
def shop(open_counter: OpenCounter) -> Counter:
    """A counter with limits of ten percent, and Ann to go beyond them."""
    ann = SupervisorSettings.model_validate({"name": "Ann Li", "card": "ANN", "pin_hash": PIN_HASH})
    opened = open_counter(supervisor=(ann,), control_key=KEY)
    opened.feed(*CATALOGUE)
    limit(opened, TEN_PERCENT)
    return opened


def change(counter: Counter, number: int = 1, by: str | None = None, **asked: Any) -> NotAllowed | None:
    return counter.parts.pricing.change(number, PriceAsked(**asked), by)


def key(outcome: NotAllowed | None) -> str:
    assert outcome is not None
    return outcome.key


def sold(counter: Counter) -> list[Any]:
    """Complete the basket; the bodies that this wrote."""
    before = len(counter.events())
    done(counter.parts.sales.complete(CompleteAsked()))
    return counter.bodies()[before:]


def waiting(counter: Counter) -> AuthorisationFrame:
    return counter.parts.pricing.frame()


def test_another_price_stands_in_the_journal_right_before_its_sale(shop: Counter) -> None:
    shop.parts.shifts.set_clerk("Bob")
    shop.scan(TEA_CODE)
    assert change(shop, price_minor=410, reason="damaged box") is None
    told, sale = sold(shop)
    assert told == PriceOverridden(
        override_id=sale.lines[0].override_id,
        gtin=TEA,
        currency="EUR",
        list_price_minor=450,
        price_minor=410,
        reason="damaged box",
        clerk="Bob",
    )
    assert (sale.lines[0].amount_minor, sale.lines[0].discount_minor) == (410, 0)


def test_a_line_at_the_lists_price_names_no_override(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    (sale,) = sold(shop)
    assert (type(sale), sale.lines[0].override_id) == (Sale, None)


def test_another_price_needs_a_reason(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    assert key(change(shop, price_minor=449)) == "reason_wanted"
    assert key(change(shop, amount_minor=449)) == "reason_wanted"
    assert key(change(shop, price_minor=449, reason="x" * 201)) == "invalid"


def test_the_lists_own_price_needs_none_and_ends_an_override(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    assert change(shop, price_minor=420, reason="damaged") is None
    assert change(shop, price_minor=450) is None
    assert [type(body) for body in sold(shop)] == [Sale]


def test_a_price_stays_with_its_line_whatever_the_quantity(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    change(shop, price_minor=420, reason="damaged")
    assert change(shop, quantity=D(3)) is None
    told, sale = sold(shop)
    assert (told.price_minor, sale.lines[0].amount_minor, sale.lines[0].quantity) == (420, 1260, 3)


def test_beyond_the_limit_a_supervisor_is_asked_for_and_nothing_is_changed(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    refused = change(shop, price_minor=300, reason="damaged")
    assert refused == NotAllowed("needs_authorisation", "the price is more than 10% from the list's", 1)
    frame = waiting(shop)
    assert (frame.line, frame.name, frame.before_minor, frame.after_minor, frame.reason) == (
        1, "Green tea", 450, 300, "damaged",
    )  # fmt: skip
    assert shop.parts.desk.basket.lines[0].amount_minor == 450


def test_a_pin_lets_it_happen_and_its_owner_is_named(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    change(shop, price_minor=300, reason="damaged")
    name = shop.parts.pricing.supervisors.by(PIN)
    assert isinstance(name, str)
    assert shop.parts.pricing.authorise(name) is None
    told, sale = sold(shop)
    assert (told.price_minor, told.authorised_by, sale.lines[0].amount_minor) == (300, "Ann Li", 300)
    assert waiting(shop).line is None


def test_a_supervisors_card_at_any_scanner_lets_it_happen(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    change(shop, discount_minor=200)
    frame = shop.scan(render_control("SUPERVISOR", "ANN", KEY))
    assert (frame.key, frame.scan.code) == ("authorised", None)
    told, sale = sold(shop)
    assert (told.reason, told.list_price_minor, told.price_minor, told.authorised_by) == (
        "discount",
        450,
        250,
        "Ann Li",
    )
    assert (sale.lines[0].discount_minor, sale.lines[0].override_id) == (200, told.override_id)


def test_a_card_of_somebody_who_is_not_named_allows_nothing(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    change(shop, price_minor=300, reason="damaged")
    frame = shop.scan(render_control("SUPERVISOR", "EVE", KEY))
    assert (frame.outcome, frame.key, waiting(shop).line) == ("refused", "not_authorised", 1)


def test_a_card_without_anything_that_waits_does_nothing(shop: Counter) -> None:
    frame = shop.scan(render_control("SUPERVISOR", "ANN", KEY))
    assert (frame.outcome, frame.key) == ("ignored", "nothing_to_authorise")


def test_what_waits_is_forgotten_with_its_basket(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    change(shop, price_minor=300, reason="damaged")
    sold(shop)
    shop.scan(TEA_CODE)
    assert key(shop.parts.pricing.authorise("Ann Li")) == "nothing_to_authorise"
    assert shop.parts.desk.basket.lines[0].amount_minor == 450


def test_a_pin_allows_what_was_shown_and_nothing_that_took_its_place(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    change(shop, price_minor=400, reason="damaged")
    shown = waiting(shop).waiting_id
    change(shop, price_minor=1, reason="damaged")
    assert key(shop.parts.pricing.authorise("Ann Li", shown)) == "nothing_to_authorise"
    assert (waiting(shop).after_minor, shop.parts.desk.basket.lines[0].amount_minor) == (1, 450)
    assert shop.parts.pricing.authorise("Ann Li", waiting(shop).waiting_id) is None
    assert shop.parts.desk.basket.lines[0].amount_minor == 1


def test_a_product_without_a_listed_price_has_nothing_to_override(shop: Counter) -> None:
    shop.feed(Product(gtin=PEN, name="Pen"))
    put(shop, 100, code=PEN)
    assert change(shop, price_minor=80) is None
    assert change(shop, quantity=D(3)) is None
    (sale,) = sold(shop)
    assert (sale.lines[0].amount_minor, sale.lines[0].override_id) == (240, None)


def test_what_waits_can_be_given_up(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    change(shop, price_minor=300, reason="damaged")
    shop.parts.pricing.give_up()
    assert (waiting(shop).line, key(shop.parts.pricing.authorise("Ann Li"))) == (None, "nothing_to_authorise")


def test_a_line_that_is_gone_meanwhile_is_told(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    change(shop, price_minor=300, reason="damaged")
    shop.parts.desk.remove(1)
    assert key(shop.parts.pricing.authorise("Ann Li")) == "no_line"


def test_within_what_was_authorised_nobody_is_asked_again_and_beyond_it_they_are(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    assert change(shop, by="Ann Li", price_minor=300, reason="damaged") is None
    assert change(shop, quantity=D(2)) is None
    assert change(shop, discount_minor=60) is None
    assert key(change(shop, discount_minor=200)) == "needs_authorisation"
    assert key(change(shop, price_minor=200, reason="more")) == "needs_authorisation"
    told, sale = sold(shop)
    assert (told.authorised_by, sale.lines[0].amount_minor) == ("Ann Li", 540)


def test_a_discount_does_not_grow_by_taking_pieces_away(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    assert change(shop, quantity=D(10)) is None
    assert change(shop, discount_minor=450) is None
    assert key(change(shop, quantity=D(2))) == "needs_authorisation"


def test_no_supervisor_makes_two_of_a_coded_item(shop: Counter) -> None:
    shop.scan(WATCH_1)
    assert key(change(shop, by="Ann Li", quantity=D(2), reason="x")) == "one_item"
    assert change(shop, by="Ann Li", price_minor=10_000, reason="staff") is None
    told, sale = sold(shop)
    assert (sale.lines[0].quantity, sale.lines[0].item, told.price_minor) == (1, WATCH_1, 10_000)


def test_where_prices_are_not_overridden_every_change_of_one_wants_a_supervisor(shop: Counter) -> None:
    limit(shop, TillLimits(override=False))
    shop.scan(TEA_CODE)
    assert key(change(shop, price_minor=449, reason="damaged")) == "needs_authorisation"
    assert change(shop, discount_minor=400) is None


def test_without_a_supervisor_in_the_configuration_it_is_said_that_there_is_none(counter: Counter) -> None:
    limit(counter, TEN_PERCENT)
    counter.scan(TEA_CODE)
    refused = change(counter, price_minor=300, reason="damaged")
    assert refused is not None
    assert (refused.key, refused.reason) == (
        "no_supervisor",
        "the price is more than 10% from the list's, and nobody is named in [[supervisor]]",
    )


def test_a_till_without_limits_goes_on_as_before(counter: Counter) -> None:
    counter.scan(TEA_CODE)
    assert change(counter, amount_minor=100, discount_minor=50) is None
    (sale,) = sold(counter)
    assert (sale.lines[0].amount_minor, sale.lines[0].override_id) == (100, None)


def test_a_whole_lines_amount_with_a_reason_is_told_as_the_price_of_one(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    change(shop, quantity=D(3))
    assert change(shop, amount_minor=1300, reason="three for 13") is None
    told, sale = sold(shop)
    assert (told.price_minor, sale.lines[0].amount_minor) == (433, 1300)


def test_an_override_survives_a_restart_and_being_set_aside(open_counter: OpenCounter, shop: Counter) -> None:
    shop.scan(TEA_CODE)
    change(shop, price_minor=420, reason="damaged")
    shop.parts.desk.hold()
    again = open_counter()
    again.parts.desk.recall(again.parts.desk.held()[0])
    told, sale = sold(again)
    assert (told.price_minor, told.reason, sale.lines[0].override_id) == (420, "damaged", told.override_id)


def test_a_refused_sale_leaves_no_override_behind(shop: Counter) -> None:
    shop.scan(TEA_CODE)
    change(shop, price_minor=420, reason="damaged")
    wrong = CompleteAsked(payments=(Payment(method="cash", amount_minor=1),))
    not_done(shop.parts.sales.complete(wrong))
    assert shop.events() == []


def put(
    counter: Counter,
    amount_minor: int,
    reason: str | None = None,
    by: str | None = None,
    code: str = TEA_CODE,
) -> str:
    """A line by hand; its key."""
    read = counter.parts.reader.read(parse_typed(code))
    judged = counter.parts.verification.confirmed(read)
    by_hand = Piece(
        gtin=TEA, amount_minor=amount_minor, override=counter.parts.pricing.overriding(reason, by)
    )
    found = counter.parts.selling.sell(read, judged, confirmed=True, by_hand=by_hand)
    for work in found.follow_up:
        work()
    return found.key


def test_a_line_put_in_by_hand_is_held_against_the_limits_too(shop: Counter) -> None:
    assert [put(shop, 420), put(shop, 300, "damaged"), put(shop, 450), put(shop, 420, "damaged")] == [
        "reason_wanted", "needs_authorisation", "added", "added",
    ]  # fmt: skip
    assert put(shop, 300, "damaged", "Ann Li") == "added"
    first, second, sale = sold(shop)
    assert [(told.price_minor, told.authorised_by) for told in (first, second)] == [
        (420, None),
        (300, "Ann Li"),
    ]
    assert [line.override_id for line in sale.lines] == [None, first.override_id, second.override_id]


# -- sales of another till --------------------------------------------------------------------------------------------------


def tell(counter: Counter, *lines: LineAsked, **more: Any) -> Any:
    return counter.parts.sales.post(SaleAsked(lines=lines, **more))


def test_another_till_tells_prices_that_a_person_changed(shop: Counter) -> None:
    override = OverrideAsked(reason="damaged", price_minor=420)
    done(tell(shop, LineAsked(gtin=TEA, quantity=D(2), override=override), LineAsked(gtin=MILK), clerk="Bob"))
    told, sale = shop.bodies()
    assert (told.price_minor, told.list_price_minor, told.reason, told.clerk) == (420, 450, "damaged", "Bob")
    assert [(line.amount_minor, line.override_id) for line in sale.lines] == [
        (840, told.override_id),
        (119, None),
    ]


def test_another_till_is_asked_for_a_supervisor_beyond_the_limits(shop: Counter) -> None:
    cheap = LineAsked(gtin=TEA, override=OverrideAsked(reason="damaged", price_minor=300))
    given_away = LineAsked(gtin=TEA, amount_minor=100, discount_minor=350)
    refused = [not_done(tell(shop, LineAsked(gtin=MILK), line)) for line in (cheap, given_away)]
    assert [(one.key, one.line, one.conflict) for one in refused] == [("needs_authorisation", 2, True)] * 2
    assert shop.events() == []
    done(tell(shop, cheap, given_away, authorisation=PIN))
    first, second, sale = shop.bodies()
    assert [(told.authorised_by, told.reason, told.price_minor) for told in (first, second)] == [
        ("Ann Li", "damaged", 300), ("Ann Li", "discount", 100),
    ]  # fmt: skip
    assert [line.override_id for line in sale.lines] == [first.override_id, second.override_id]


def test_a_wrong_pin_of_another_till_sells_nothing(shop: Counter) -> None:
    refused = not_done(tell(shop, LineAsked(gtin=TEA), authorisation="0000"))
    assert (refused.key, refused.conflict, shop.events()) == ("not_authorised", True, [])


def test_a_supervisors_card_serves_another_till_too(shop: Counter) -> None:
    line = LineAsked(gtin=TEA, amount_minor=100, discount_minor=350)
    done(tell(shop, line, authorisation=render_control("SUPERVISOR", "ANN", KEY)))
    assert shop.bodies()[0].authorised_by == "Ann Li"


def test_what_another_till_tells_late_has_happened_and_comes_back_with_a_warning(shop: Counter) -> None:
    line = LineAsked(gtin=TEA, amount_minor=100, discount_minor=350)
    told = answer(done(tell(shop, line, sold_at="2025-10-08T10:00:00Z")))
    assert [(one["key"], one["line"]) for one in told["warnings"]] == [("beyond_limits", 1)]
    assert [type(body) for body in shop.bodies()] == [Sale]


def test_the_pin_makes_no_difference_to_whether_a_sale_is_the_same(shop: Counter) -> None:
    line = LineAsked(gtin=TEA, amount_minor=100, discount_minor=350)
    first = done(tell(shop, line, sale_id="s-1", authorisation=PIN))
    limit(shop, TillLimits(discount_limit_bp=0))
    again = [done(tell(shop, line, sale_id="s-1", **more)) for more in ({}, {"authorisation": "0000"})]
    assert [(one.repeated, one.answer) for one in again] == [(True, first.answer)] * 2
    assert len(shop.events()) == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            LineAsked(gtin=TEA, override=OverrideAsked(reason=" ")),
            "line 1: override: reason: expected 1 to 200",
        ),
        (LineAsked(gtin=TEA, override=OverrideAsked(reason="x", price_minor=-1)), "line 1: amount -1"),
        (
            LineAsked(gtin=TEA, amount_minor=400, override=OverrideAsked(reason="x", price_minor=410)),
            "line 1: override: 1 at 410 less 0 come to 410, and amount_minor is 400",
        ),
    ],
)
def test_an_override_that_cannot_be_understood_is_told_why(shop: Counter, line: LineAsked, says: str) -> None:
    assert not_done(tell(shop, line)).reason.startswith(says)


def test_an_override_belongs_to_a_sale(shop: Counter) -> None:
    line = LineAsked(gtin=TEA, override=OverrideAsked(reason="x", price_minor=1))
    refused = not_done(shop.parts.returns.post(ReturnAsked(lines=(line,))))
    assert refused.reason == "line 1: override: belongs to a sale; a return refunds amount_minor"


def test_when_the_price_was_changed_is_when_the_sale_says(shop: Counter) -> None:
    override = OverrideAsked(reason="damaged", price_minor=420)
    done(tell(shop, LineAsked(gtin=TEA, override=override), sold_at="2025-10-08T10:00:00Z"))
    first, second = (event.at.event_time_us for event in shop.events())
    assert (first == second, first < NOW_US) == (True, True)
