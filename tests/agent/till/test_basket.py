"""The rules of the basket."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.till import rules
from agent.till.money import decimals, minor, times
from agent.till.rules import Basket, Change, Line, NotAllowed, Piece
from tests.agent.shop_kit import MILK, TEA, WATCH, WATCH_1

EMPTY = Basket(basket_id="b")
A_TEA = Piece(gtin=TEA, name="Green tea", price_minor=450)
A_WATCH = Piece(gtin=WATCH, price_minor=25_000, item=WATCH_1)


def put(basket: Basket, *pieces: Piece) -> Basket:
    for piece in pieces:
        added = rules.add(basket, piece)
        assert not isinstance(added, NotAllowed), added
        basket = added[0]
    return basket


def key(outcome: object) -> str:
    assert isinstance(outcome, NotAllowed), outcome
    return outcome.key


def only_line(basket: Basket) -> Line:
    (line,) = basket.lines
    return line


def test_the_same_product_again_makes_its_line_grow() -> None:
    line = only_line(put(EMPTY, A_TEA, A_TEA, A_TEA))
    assert (line.quantity, line.amount_minor) == (Decimal(3), 1350)


def test_a_coded_item_stands_in_a_basket_once() -> None:
    assert rules.add(put(EMPTY, A_WATCH), A_WATCH) == NotAllowed(
        "in_basket", "this item is in the basket already, on line 1", 1
    )


def test_two_items_of_one_product_are_two_lines() -> None:
    other = Piece(gtin=WATCH, price_minor=25_000, item=f"01{WATCH}21OTHER")
    assert len(put(EMPTY, A_WATCH, other).lines) == 2


def test_a_coded_item_has_quantity_1_for_ever() -> None:
    assert key(rules.change(put(EMPTY, A_WATCH), 1, Change(quantity=Decimal(2)))) == "one_item"


def test_a_product_without_a_price_asks_for_its_amount() -> None:
    assert key(rules.add(EMPTY, Piece(gtin=TEA))) == "no_price"


def test_a_product_without_a_price_can_be_sold_at_a_given_amount() -> None:
    assert rules.total_minor(put(EMPTY, Piece(gtin=TEA, amount_minor=99))) == 99


def test_a_line_changed_by_hand_does_not_grow_by_the_next_scan() -> None:
    changed = rules.change(put(EMPTY, A_TEA), 1, Change(amount_minor=400))
    assert isinstance(changed, Basket)
    assert [line.quantity for line in put(changed, A_TEA).lines] == [1, 1]


def test_a_new_quantity_is_priced_anew_less_the_discount() -> None:
    basket = put(EMPTY, A_TEA)
    discounted = rules.change(basket, 1, Change(discount_minor=50))
    assert isinstance(discounted, Basket)
    changed = rules.change(discounted, 1, Change(quantity=Decimal(3)))
    assert isinstance(changed, Basket)
    assert only_line(changed).amount_minor == 3 * 450 - 50


def test_a_discount_beyond_the_price_is_not_allowed() -> None:
    assert key(rules.change(put(EMPTY, A_TEA), 1, Change(discount_minor=451))) == "bad_amount"


def test_a_line_that_is_not_there_cannot_be_removed() -> None:
    assert key(rules.remove(put(EMPTY, A_TEA), 7)) == "no_line"


def test_the_number_of_a_removed_line_is_not_given_again() -> None:
    basket = rules.remove(put(EMPTY, A_TEA), 1)
    assert isinstance(basket, Basket)
    assert only_line(put(basket, A_TEA)).line == 2


def test_a_full_basket_takes_no_further_line() -> None:
    pieces = [Piece(gtin=str(number).zfill(14), price_minor=1) for number in range(rules.LINES_LIMIT)]
    assert key(rules.add(put(EMPTY, *pieces), A_TEA)) == "full"


@pytest.mark.parametrize("quantity", ["-1", "NaN", "Infinity", "0.1234567", "10000001"])
def test_an_impossible_quantity_is_not_allowed(quantity: str) -> None:
    assert key(rules.add(EMPTY, Piece(gtin=TEA, price_minor=1, quantity=Decimal(quantity)))) == "bad_quantity"


def test_quantity_zero_is_a_line_like_any_other() -> None:
    assert only_line(put(EMPTY, Piece(gtin=TEA, price_minor=450, quantity=Decimal(0)))).amount_minor == 0


pieces = st.builds(
    Piece,
    gtin=st.sampled_from([TEA, MILK, WATCH]),
    quantity=st.sampled_from([Decimal(1), Decimal("0.250"), Decimal(3)]),
    price_minor=st.integers(0, 10**6),
    item=st.none() | st.sampled_from([f"01{WATCH}21{number}" for number in range(4)]),
)


@given(st.lists(pieces, max_size=30))
def test_whatever_is_scanned_no_item_stands_twice_and_the_total_is_the_sum_of_the_lines(
    scanned: list[Piece],
) -> None:
    basket = EMPTY
    for piece in scanned:
        added = rules.add(basket, piece)
        basket = basket if isinstance(added, NotAllowed) else added[0]
    items = [line.item for line in basket.lines if line.item]
    numbers = [line.line for line in basket.lines]
    assert (len(items), len(numbers), rules.total_minor(basket)) == (
        len(set(items)),
        len(set(numbers)),
        sum(line.amount_minor for line in rules.sale_lines(basket)),
    )


@given(st.lists(pieces, min_size=1, max_size=10), st.data())
def test_adding_a_line_and_removing_it_changes_nothing_else(
    scanned: list[Piece], data: st.DataObject
) -> None:
    basket = EMPTY
    for piece in scanned:
        added = rules.add(basket, piece)
        basket = basket if isinstance(added, NotAllowed) else added[0]
    extra = rules.add(basket, Piece(gtin="1".zfill(14), price_minor=data.draw(st.integers(0, 999))))
    assert not isinstance(extra, NotAllowed)
    removed = rules.remove(extra[0], extra[1].line)
    assert isinstance(removed, Basket)
    assert removed.lines == basket.lines


@pytest.mark.parametrize(
    ("amount", "currency", "expected"), [("4.99", "EUR", 499), ("500", "JPY", 500), ("1.2345", "KWD", 1235)]
)
def test_an_amount_in_minor_units_follows_its_currency(amount: str, currency: str, expected: int) -> None:
    assert minor(amount, currency) == expected


def test_half_a_minor_unit_is_rounded_up() -> None:
    assert times(333, Decimal("0.5")) == 167


def test_currencies_have_two_decimals_unless_iso_4217_says_otherwise() -> None:
    assert [decimals(currency) for currency in ("EUR", "CNY", "VND", "TND")] == [2, 2, 0, 3]
