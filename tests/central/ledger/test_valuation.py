"""What goods are worth: each rule by a small example that can be worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from central.ledger.rules import (
    CUSTOMER,
    ON_HAND,
    QUARANTINE,
    SUPPLIER,
    VALUATION,
    Movement,
    adjustment,
    in_transit,
)
from central.ledger.valuation import Kept, Shelf, Valued, covering, leaving, revaluing, value
from tests.central.facts import MILK

WAY = in_transit("north", "south")


def kept(
    quantity: int | str = 0,
    value_minor: int = 0,
    unit: int | str | None = None,
    quarantine: tuple[int, int] = (0, 0),
) -> Kept:
    return Kept(
        on_hand=Shelf(Decimal(quantity), value_minor),
        quarantine=Shelf(Decimal(quarantine[0]), quarantine[1]),
        unit_cost_minor=None if unit is None else Decimal(unit),
    )


def move(
    quantity: int | str, source: str = ON_HAND, destination: str = CUSTOMER, worth: int | None = None
) -> Movement:
    return Movement(1, MILK, Decimal(quantity), source, destination, "test", worth)


def on_hand(product: Kept) -> tuple[object, ...]:
    return product.on_hand.quantity, product.on_hand.value_minor, product.unit_cost_minor


def test_what_leaves_takes_its_share() -> None:
    product = kept(10, 1000, 100)
    assert (value(product, move(3)), on_hand(product)) == (Valued(300), (7, 700, 100))


def test_shares_are_whole_minor_units_and_the_last_piece_takes_all_that_is_left() -> None:
    product = kept(3, 100, "33.33")
    worths = [value(product, move(1)).value_minor for _ in range(3)]
    assert (worths, on_hand(product)[:2]) == ([33, 34, 33], (0, 0))


def test_weighed_goods_leave_by_their_weight() -> None:
    product = kept("12.500", 5000, 400)
    assert (value(product, move("0.755")), on_hand(product)[:2]) == (Valued(302), (Decimal("11.745"), 4698))


def test_what_a_shelf_does_not_have_leaves_at_the_worth_of_what_it_had() -> None:
    product = kept(1, 100, 100)
    assert (value(product, move(3)), on_hand(product)) == (Valued(300), (-2, -200, 100))


def test_an_empty_shelf_gives_at_what_a_unit_was_last_worth() -> None:
    product = kept(0, 0, 80)
    assert (value(product, move(2)), on_hand(product)) == (Valued(160), (-2, -160, 80))


def test_goods_come_from_a_supplier_at_the_cost_of_the_list() -> None:
    product = kept(10, 1000, 100)
    valued = value(product, move(10, SUPPLIER, ON_HAND), Decimal(120))
    assert (valued, on_hand(product)) == (Valued(1200), (20, 2200, 110))


def test_without_a_list_they_come_at_what_a_unit_is_worth_here() -> None:
    product = kept(10, 1000, 100)
    assert value(product, move(5, SUPPLIER, ON_HAND)) == Valued(500)


def test_a_document_that_says_what_goods_are_worth_is_believed() -> None:
    product = kept(10, 1000, 100)
    valued = value(product, move(10, SUPPLIER, ON_HAND, worth=1500), Decimal(120))
    assert (valued, on_hand(product)) == (Valued(1500), (20, 2500, 125))


def test_customers_bring_goods_back_at_what_a_unit_is_worth_here_whatever_the_list_says() -> None:
    product = kept(10, 1000, 100)
    assert value(product, move(2, CUSTOMER, ON_HAND), Decimal(500)) == Valued(200)


def test_goods_bring_from_another_site_what_they_left_it_with() -> None:
    product = kept(10, 1000, 100)
    valued = value(product, move(5, WAY, ON_HAND, worth=350))
    assert (valued, on_hand(product)) == (Valued(350), (15, 1350, 90))


def test_a_small_rest_says_nothing_of_the_worth_of_what_comes() -> None:
    product = kept("0.001", 1, 400)  # a rounded rest: 1000 a kilogram
    assert value(product, move(10, adjustment("found"), ON_HAND)).value_minor == 4000


def test_goods_that_come_onto_a_shelf_below_zero_are_worth_their_true_cost_afterwards() -> None:
    product = kept(-4, -400, 100)
    valued = value(product, move(10, SUPPLIER, ON_HAND), Decimal(120))
    assert (valued, on_hand(product)) == (Valued(1200, on_hand_minor=-80), (6, 720, 120))


def test_a_shelf_that_stays_below_zero_owes_the_rest_at_the_old_cost() -> None:
    product = kept(-4, -400, 100)
    valued = value(product, move(1, SUPPLIER, ON_HAND), Decimal(120))
    assert (valued, on_hand(product)) == (Valued(120, on_hand_minor=-20), (-3, -300, 120))


def test_a_shelf_that_is_just_covered_is_worth_nothing() -> None:
    product = kept(-4, -401, 100)
    value(product, move(4, SUPPLIER, ON_HAND), Decimal(120))
    assert on_hand(product)[:2] == (0, 0)


def test_goods_of_no_known_cost_become_worth_something_with_the_first_cost() -> None:
    product = kept(10)
    valued = value(product, move(4), Decimal(50))
    assert (valued, on_hand(product)) == (Valued(200, on_hand_minor=500), (6, 300, 50))


def test_goods_that_a_shelf_owes_become_worth_something_too() -> None:
    product = kept(-10)
    valued = value(product, move(4), Decimal(50))
    assert (valued, on_hand(product)) == (Valued(200, on_hand_minor=-500), (-14, -700, 50))


def test_the_first_cost_may_be_a_documents() -> None:
    product = kept(10)
    valued = value(product, move(5, SUPPLIER, ON_HAND, worth=300), Decimal(999))
    assert (valued, on_hand(product)) == (Valued(300, on_hand_minor=600), (15, 900, 60))


def test_goods_of_no_known_cost_are_worth_nothing() -> None:
    product = kept(10)
    assert (value(product, move(4)), on_hand(product)) == (Valued(0), (6, 0, None))


def test_a_worth_that_is_there_is_not_appraised_again() -> None:
    product = kept(10, 700)
    assert (value(product, move(5), Decimal(50)), on_hand(product)) == (Valued(350), (5, 350, 50))


def test_goods_set_aside_take_their_share_with_them_and_leave_quarantine_with_it() -> None:
    product = kept(10, 1000, 100)
    value(product, move(4, ON_HAND, QUARANTINE))
    assert product.quarantine == Shelf(Decimal(4), 400)
    assert value(product, move(1, QUARANTINE, adjustment("damage"))) == Valued(100)


def test_goods_returned_into_quarantine_are_worth_a_unit_of_the_shelf() -> None:
    product = kept(10, 1000, 100)
    assert value(product, move(2, CUSTOMER, QUARANTINE)) == Valued(200)
    assert (product.quarantine.value_minor, on_hand(product)) == (200, (10, 1000, 100))


def test_a_quarantine_below_zero_is_put_right_like_a_shelf() -> None:
    product = kept(10, 1200, 120, quarantine=(-2, -200))
    valued = value(product, move(3, CUSTOMER, QUARANTINE))
    assert (valued, product.quarantine.value_minor) == (Valued(360, quarantine_minor=-40), 120)


def test_between_two_places_that_are_no_shelves_goods_are_worth_a_unit_of_the_shelf() -> None:
    product = kept(10, 1000, 100)
    assert value(product, move(2, WAY, adjustment("lost_in_transit"))) == Valued(200)


def test_a_revaluation_is_worth_without_a_quantity() -> None:
    product = kept(10, 1000, 100)
    valued = value(product, move(0, VALUATION, ON_HAND, worth=revaluing(product, Decimal(130))))
    assert (valued, on_hand(product)) == (Valued(300), (10, 1300, 130))


def test_a_revaluation_of_goods_of_no_known_cost_is_not_appraised_besides() -> None:
    product = kept(10)
    valued = value(product, move(0, VALUATION, ON_HAND, worth=1300), Decimal(90))
    assert (valued, on_hand(product)) == (Valued(1300), (10, 1300, 130))


def test_a_devaluation_of_what_a_shelf_owes_lowers_what_it_owes() -> None:
    product = kept(-10, -1000, 100)
    worth = revaluing(product, Decimal(80))
    valued = value(product, move(0, VALUATION, ON_HAND, worth=worth))
    assert (worth, valued, on_hand(product)) == (200, Valued(200), (-10, -800, 100))


def test_what_a_document_takes_from_a_shelf_changes_the_worth_of_a_unit() -> None:
    product = kept(10, 1000, 100)
    value(product, move(5, ON_HAND, adjustment("stocktake"), worth=400))
    assert on_hand(product) == (5, 600, 120)


@pytest.mark.parametrize(
    ("shelf", "quantity", "expected"),
    [
        (("10", 999), "10", 999),
        (("10", 999), "5", 500),
        (("0", 0), "2", 24),
        (("-3", -30), "2", 24),
        (("999999999999.123456789", 987654321987654321), "999999999999.123456789", 987654321987654321),
    ],
)
def test_what_leaves_is_worth(shelf: tuple[str, int], quantity: str, expected: int) -> None:
    assert leaving(Shelf(Decimal(shelf[0]), shelf[1]), Decimal(quantity), Decimal(12)) == expected


def test_nothing_is_covered_where_nothing_is_owed_or_nothing_comes() -> None:
    assert (
        covering(Shelf(Decimal(0), 0), Decimal(5), 50),
        covering(Shelf(Decimal(-5), -40), Decimal(0), 50),
    ) == (0, 0)
