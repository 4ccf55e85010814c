"""What is raised of a shift, and what is none any more."""

from __future__ import annotations

from central.shifts.causes import Receipt
from central.shifts.findings import cleared, differs, ends, not_closed, off, raised_methods
from central.shifts.rules import Books, Checked, Differs, Shift, Why, after
from protocol.events import Payment, ShiftClosed, ShiftOpened
from tests.central.facts import NOON, fact


def shift(shift_id: str = "a", *, is_closed: bool = True) -> Shift:
    begun = after(
        None,
        fact(
            ShiftOpened(shift_id=shift_id, number="1-7", currency="EUR", float_minor=500, clerk="Li"), seq=3
        ),
    )
    if not is_closed:
        return begun
    body = ShiftClosed(
        shift_id=shift_id, number="1-7", currency="EUR", first_seq=3, sales=1, voids=0, returns=0,
        counted=(Payment(method="cash", amount_minor=400), Payment(method="card", amount_minor=100)),
        expected=(Payment(method="cash", amount_minor=500),), taken=(),
    )  # fmt: skip
    return after(begun, fact(body, seq=9, minutes=60))


def checked(**differences: int) -> Checked:
    return Checked(
        booked={"cash": 500, "card": 0},
        expected={"cash": 500, "card": 0},
        differs=None,
        differences=differences,
    )


RECEIPT = Receipt(journal=1, seq=5, kind="sale", method="cash", amount_minor=100, event_time=NOON)


def test_cash_and_a_method_that_are_off_each_by_itself_are_two_cases() -> None:
    found = off(shift(), checked(cash=-77, card=3), [])
    assert [(one.discrepancy_class, one.cause_key, one.value_minor, one.currency) for one in found] == [
        ("payment_difference", "a/card", 3, "EUR"),
        ("cash_difference", "a", 77, "EUR"),
    ]


def test_cash_that_another_method_has_too_much_of_is_one_case() -> None:
    (found,) = off(shift(), checked(cash=-100, card=100), [RECEIPT])
    assert (found.cause_key, found.cause) == ("a/card", "wrong_method")
    assert [fact["event"] for fact in found.evidence] == ["shift_opened", "shift_closed", "sale"]
    assert found.likely_cause == (
        "shift 1-7: card counted 100, expected 0 EUR (minor units): receipts were booked as cash that were paid by card"
    )


def test_what_is_raised_is_never_cleared_at_once() -> None:
    for found in (
        checked(),
        checked(cash=-1),
        checked(card=2),
        checked(cash=-1, card=2),
        checked(cash=-2, card=2),
    ):
        raised = {(one.discrepancy_class, one.cause_key) for one in off(shift(), found, [])}
        settled = {(name, key) for _, name, key in cleared(shift(), found)}
        assert raised & settled == set()
        assert len(raised) + len(settled) == 3  # the seal, the cash, and the card
        assert len(raised_methods(found)) == len(raised)


def test_a_seal_that_differs_is_raised_with_the_events_that_are_missing() -> None:
    why = Differs(why=Why.QUARANTINED_EVENT, value_minor=70, words="sales: the till has 2, central 1")
    found = differs(shift(), why, Books(quarantined=((1, 5), (1, 6))))
    assert (found.cause, found.value_minor, found.cause_key) == ("quarantined_event", 70, "a")
    assert [(fact["event"], fact["seq"]) for fact in found.evidence] == [
        ("shift_opened", 3),
        ("shift_closed", 9),
        ("quarantined", 5),
        ("quarantined", 6),
    ]


def test_a_shift_that_was_left_open_is_raised_with_the_opening_of_the_next() -> None:
    found = not_closed(shift(is_closed=False), shift("b", is_closed=False))
    assert [(fact["event"], fact["shift"]) for fact in found.evidence] == [
        ("shift_opened", "a"),
        ("shift_opened", "b"),
    ]


def test_a_shift_without_an_opening_has_its_closing_as_evidence() -> None:
    orphan = after(None, fact(shift_closed(), seq=9))
    assert [fact["event"] for fact in ends(orphan)] == ["shift_closed"]


def shift_closed() -> ShiftClosed:
    return ShiftClosed(
        shift_id="a", number="1-7", currency="EUR", first_seq=3, sales=0, voids=0, returns=0, counted=(), expected=(), taken=()
    )  # fmt: skip
