"""A shift comes about in whatever order it is told, and its seal is held against the books."""

from __future__ import annotations

from datetime import date
from itertools import permutations

import msgspec
import pytest

from central.journals.facts import Fact
from central.shifts.rules import Books, Checked, Seal, Shift, Why, after, as_the_till_says, check
from protocol.events import Payment, ShiftClosed, ShiftOpened
from tests.central.facts import fact


def opened(float_minor: int = 10_000) -> ShiftOpened:
    return ShiftOpened(shift_id="a", number="1-7", currency="EUR", float_minor=float_minor, clerk="Li")


def paid(**by_method: int) -> tuple[Payment, ...]:
    return tuple(Payment(method=method, amount_minor=amount) for method, amount in by_method.items())


def closed(**changes: object) -> ShiftClosed:
    body = ShiftClosed(
        shift_id="a", number="1-7", currency="EUR", first_seq=3, sales=2, voids=1, returns=0,
        counted=paid(cash=10_500, card=900), expected=paid(cash=10_500, card=900), taken=paid(cash=500, card=900),
    )  # fmt: skip
    return msgspec.structs.replace(body, **changes)


def shift(close: ShiftClosed | None = None, *, float_minor: int = 10_000) -> Shift:
    begun = after(None, fact(opened(float_minor), seq=3))
    return after(begun, fact(close or closed(), seq=9, minutes=60))


WHOLE = Books(sales=2, voids=1, taken={"cash": 500, "card": 900})


def checked(books: Books = WHOLE, close: ShiftClosed | None = None, tolerance_minor: int = 0) -> Checked:
    return check(shift(close), books, tolerance_minor)


def told(facts: tuple[Fact, ...]) -> Shift:
    found = None
    for one in facts:
        found = after(found, one)
    assert found is not None
    return found


def test_a_shift_is_the_same_in_whatever_order_its_ends_are_told() -> None:
    ends = (fact(opened(), seq=3), fact(closed(), seq=9, minutes=60))
    assert len({repr(told(order)) for order in permutations(ends)}) == 1


def test_a_second_opening_and_a_second_closing_change_nothing() -> None:
    first = shift()
    again = after(after(first, fact(opened(7), seq=20)), fact(closed(sales=99), seq=30))
    assert again == first


def test_a_shift_is_of_the_day_of_its_end() -> None:
    begun = after(None, fact(opened(), seq=3))
    end = msgspec.structs.replace(fact(closed(), seq=9), business_day=date(2026, 9, 22))
    assert (begun.business_day, after(begun, end).business_day) == (date(2026, 9, 21), date(2026, 9, 22))


@pytest.mark.parametrize(
    ("first_seq", "begins_after", "begins"), [(3, 0, 3), (3, 5, 5), (12, 5, 5), (0, 0, 0)]
)
def test_a_shift_without_an_opening_begins_where_its_till_says_if_that_can_be(
    first_seq: int, begins_after: int, begins: int
) -> None:
    found = after(None, fact(closed(first_seq=first_seq), seq=9), begins_after)
    assert (found.first_seq, found.last_seq, found.opened_at) == (begins, 9, None)


def test_a_seal_that_central_has_as_well_is_clear() -> None:
    found = checked()
    assert (found.differs, found.differences, found.booked) == (None, {}, {"cash": 10_500, "card": 900})


def test_moved_cash_is_expected_in_the_drawer() -> None:
    books = msgspec.structs.replace(WHOLE, moved_minor=-2_000)
    close = closed(counted=paid(cash=8_500), expected=paid(cash=8_500, card=900))
    assert (checked(books, close).differs, checked(books, close).booked["cash"]) == (None, 8_500)


def test_a_receipt_that_central_does_not_have_is_missing() -> None:
    found = checked(Books(sales=1, voids=1, taken={"cash": 300, "card": 900}))
    assert found.differs is not None
    assert (found.differs.why, found.differs.value_minor) == (Why.MISSING_EVENT, 200)
    assert found.differs.words == "sales: the till has 2, central 1; cash: the till has 500, central 300"


def test_an_event_in_quarantine_is_why_the_books_are_short() -> None:
    found = checked(Books(sales=1, voids=1, taken={"cash": 300, "card": 900}, quarantined=((1, 5),)))
    assert found.differs is not None
    assert found.differs.why is Why.QUARANTINED_EVENT


def test_a_quarantined_event_that_the_seal_does_not_count_is_no_difference() -> None:
    assert checked(msgspec.structs.replace(WHOLE, quarantined=((1, 5),))).differs is None


def test_a_void_that_waits_for_its_sale_is_why_the_money_differs() -> None:
    books = Books(sales=2, voids=1, taken={"cash": 900, "card": 900, "unknown": -400}, unknown=1)
    found = checked(books)
    assert found.differs is not None
    assert found.differs.why is Why.SALE_AWAITED


def test_with_every_event_here_it_is_the_till_that_is_wrong() -> None:
    found = checked(Books(sales=2, voids=1, taken={"cash": 700, "card": 900}))
    assert found.differs is not None
    assert found.differs.why is Why.TILL_ERROR


def test_a_till_that_adds_its_own_drawer_up_wrongly_is_wrong() -> None:
    found = checked(close=closed(expected=paid(cash=10_700, card=900)))
    assert found.differs is not None
    assert (found.differs.why, found.differs.words) == (
        Why.TILL_ERROR,
        "cash expected: the till has 10700, central 10500",
    )


def test_a_drawer_is_compared_with_the_events_when_all_are_here_and_else_with_the_till() -> None:
    wrong_till = checked(close=closed(expected=paid(cash=10_700, card=900)))
    missing = checked(Books(sales=1, voids=1, taken={"cash": 300, "card": 900}))
    assert (wrong_till.expected["cash"], missing.expected["cash"]) == (10_500, 10_500)


def test_a_shift_whose_opening_is_not_known_says_so_and_is_compared_with_the_till() -> None:
    found = check(after(None, fact(closed(), seq=9)), WHOLE, 0)
    assert found.differs is not None
    assert (found.differs.why, found.differs.words, found.differences) == (
        Why.OPENING_MISSING,
        "the shift was closed, but its opening is not known here",
        {},
    )


@pytest.mark.parametrize(
    ("counted", "off"), [(10_500, {}), (10_400, {}), (10_399, {"cash": -101}), (10_601, {"cash": 101})]
)
def test_the_cash_may_be_off_by_the_tolerance(counted: int, off: dict[str, int]) -> None:
    found = checked(close=closed(counted=paid(cash=counted, card=900)), tolerance_minor=100)
    assert found.differences == off


def test_other_methods_may_not_be_off_at_all() -> None:
    found = checked(close=closed(counted=paid(cash=10_500, card=899)), tolerance_minor=100)
    assert found.differences == {"card": -1}


def test_what_was_not_counted_is_not_compared() -> None:
    assert checked(close=closed(counted=paid(cash=10_500))).differences == {}


@pytest.mark.parametrize(
    ("till", "central", "said"),
    [
        ({"cash": 500}, {"cash": 500}, {"cash": 500}),
        ({"cash": 500}, {"cash": 300, "unstated": 200}, {"cash": 500}),
        ({"cash": 300}, {"cash": 300, "unstated": 200}, {"cash": 300}),
        ({"cash": 400, "card": 100}, {"cash": 300, "unstated": 200}, {"cash": 400, "card": 100}),
        ({"unstated": 200}, {"unstated": 200}, {"unstated": 200}),
        ({"cash": 350}, {"cash": 300, "unstated": 200}, {"cash": 300, "unstated": 200}),
    ],
)
def test_receipts_that_do_not_say_how_they_were_paid_contradict_no_till(
    till: dict[str, int], central: dict[str, int], said: dict[str, int]
) -> None:
    assert as_the_till_says(till, central) == said


def test_a_seal_keeps_sums_by_method() -> None:
    found = shift(closed(counted=(*paid(cash=1), *paid(cash=2)))).seal
    assert isinstance(found, Seal)
    assert found.counted == {"cash": 3}
