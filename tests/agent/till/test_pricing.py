"""Prices and discounts that a person changes: at the counter, and in the sales of another till."""

from __future__ import annotations

from typing import Any

from agent.till.asked import CompleteAsked
from agent.till.frames import AuthorisationFrame
from agent.till.pricing import PriceAsked
from agent.till.rules import NotAllowed, Piece
from protocol.codes import parse_typed, render_control
from protocol.events import Payment, PriceOverridden, Sale
from protocol.feeds import Product, TillLimits
from tests.agent.shop_kit import (
    TEA,
    WATCH_1,
    Counter,
    D,
    OpenCounter,
    done,
    not_done,
)
from tests.agent.till.limited_shop import KEY, PIN, TEN_PERCENT, limit, shop

TEA_CODE = "4006381333931"
PEN = "04902505081163"
__all__ = ["shop"]


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
