"""The three-way match: invoice against order against receipts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.discrepancies.limits import Limits
from central.invoices.documents import CREDIT_NOTE, Invoice, Line
from central.invoices.rules import Fault, Mismatch, Reference, match

D = Decimal
MILK, BREAD = "04012345678901", "05901234123457"
ISSUED = datetime(2026, 9, 1, tzinfo=UTC)
NOW = ISSUED + timedelta(days=3)


def invoice(
    name: str, quantity: str | int, price: str = "100", *, gtin: str = MILK, day: int = 0, **more: str
) -> Invoice:
    return Invoice(
        site="north",
        invoice_id=name,
        currency="EUR",
        issued_at=ISSUED + timedelta(days=day),
        lines=(Line(line=1, gtin=gtin, quantity=D(quantity), price_minor=D(price)),),
        order_id="o",
        **more,
    )


def credit(of: str, quantity: str | int, price: str = "100") -> Invoice:
    return invoice(f"credit-{of}", quantity, price, day=2, type_code=CREDIT_NOTE, billing_reference=of)


def reference(
    received: str | int = 10,
    *,
    ordered: int = 10,
    coming: int = 0,
    agreed: str | None = "100",
    known: bool = True,
) -> Reference:
    return Reference(
        is_known=known,
        ordered={MILK: D(ordered)} if known else {},
        received={MILK: D(received)},
        coming={MILK: D(coming)},
        agreed_minor={} if agreed is None else {MILK: D(agreed)},
    )


def faults(
    documents: Sequence[Invoice], against: Reference, *, now: datetime = NOW, limits: Limits | None = None
) -> list[tuple[str, Fault, Decimal]]:
    matched = match(documents, against, now, limits or Limits())
    return [(one.invoice_id, one.fault, one.quantity) for some in matched.mismatches.values() for one in some]


def waiting(documents: Sequence[Invoice], against: Reference, now: datetime = NOW) -> frozenset[str]:
    return match(documents, against, now).waiting


def test_what_was_ordered_received_and_charged_alike_matches() -> None:
    assert faults([invoice("i", 10)], reference()) == []


def test_more_charged_than_received_is_a_mismatch_of_the_difference() -> None:
    assert faults([invoice("i", 10)], reference(7)) == [("i", Fault.BEYOND_RECEIVED, D(3))]


def test_goods_that_are_still_coming_are_waited_for_but_not_for_ever() -> None:
    against = reference(4, coming=6)
    assert faults([invoice("i", 10)], against) == []
    assert waiting([invoice("i", 10)], against) == frozenset({"i"})
    late = ISSUED + timedelta(days=15)
    assert faults([invoice("i", 10)], against, now=late) == [("i", Fault.BEYOND_RECEIVED, D(6))]


def test_more_than_will_ever_come_is_a_mismatch_at_once() -> None:
    assert faults([invoice("i", 12)], reference(4, coming=6)) == [("i", Fault.BEYOND_RECEIVED, D(2))]


def test_the_earlier_invoice_gets_what_was_received() -> None:
    two = [invoice("b", 6, day=1), invoice("a", 6)]
    assert faults(two, reference(10)) == [("b", Fault.BEYOND_RECEIVED, D(2))]


def test_the_same_charge_a_second_time_is_invoiced_twice() -> None:
    two = [invoice("a", 10), invoice("b", 10, day=1)]
    [found] = [one for some in match(two, reference(10), NOW).mismatches.values() for one in some]
    assert (found.invoice_id, found.fault, found.other_invoice) == ("b", Fault.INVOICED_TWICE, "a")


def test_another_price_than_agreed_is_a_mismatch_of_the_price() -> None:
    [found] = [
        one for some in match([invoice("i", 10, "103")], reference(), NOW).mismatches.values() for one in some
    ]
    assert (found.fault, found.value_minor) == (Fault.PRICE_DIFFERS, 30)


def test_a_price_within_the_tolerance_matches() -> None:
    limits = Limits(invoice_tolerance_bp=300)
    assert faults([invoice("i", 10, "103")], reference(), limits=limits) == []
    assert faults([invoice("i", 10, "103.1")], reference(), limits=limits) == [
        ("i", Fault.PRICE_DIFFERS, D(10))
    ]


def test_without_an_agreed_price_none_is_wrong() -> None:
    assert faults([invoice("i", 10, "999")], reference(agreed=None)) == []


def test_a_product_that_was_never_ordered_is_named() -> None:
    assert faults([invoice("i", 2, gtin=BREAD)], reference()) == [("i", Fault.NEVER_ORDERED, D(2))]
    assert faults([invoice("i", 2)], reference(known=False)) == [("i", Fault.NEVER_ORDERED, D(2))]


def test_a_credit_note_over_the_goods_settles_a_quantity_and_one_over_the_difference_a_price() -> None:
    assert faults([invoice("i", 10), credit("i", 3)], reference(7)) == []
    assert faults([invoice("i", 10, "103"), credit("i", 10, "3")], reference()) == []


def test_what_is_credited_in_part_is_a_mismatch_in_part() -> None:
    assert faults([invoice("i", 10), credit("i", 1)], reference(7)) == [("i", Fault.BEYOND_RECEIVED, D(2))]


def test_the_order_in_which_documents_are_heard_of_makes_no_difference() -> None:
    documents = [invoice("a", 6), invoice("b", 6, day=1), invoice("c", 2, "120", day=1), credit("b", 1)]
    found = {str(sorted(faults(some, reference(9)))) for some in permutations(documents)}
    assert len(found) == 1


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 50))
def test_what_is_in_question_is_what_was_charged_beyond_what_came(
    quantities: list[int], received: int
) -> None:
    documents = [invoice(f"i{number}", quantity, day=number) for number, quantity in enumerate(quantities)]
    beyond = sum((one[2] for one in faults(documents, reference(received, ordered=99))), D(0))
    assert beyond == max(sum(quantities) - received, 0)


def test_the_hash_of_a_document_does_not_depend_on_how_its_numbers_are_written() -> None:
    one, other = invoice("i", "10"), invoice("i", "10.000", "100.00")
    assert one.body_hash() == other.body_hash()
    assert one.body_hash() != invoice("i", "11").body_hash()


@pytest.mark.parametrize("change", [{"currency": "CNY"}, {"order_id": "p"}, {"issued_at": NOW}])
def test_another_head_is_another_document(change: Mapping[str, object]) -> None:
    one = invoice("i", 1)
    assert msgspec.structs.replace(one, **change).body_hash() != one.body_hash()


def test_a_mismatch_has_a_key_of_its_own() -> None:
    matched = match([invoice("i", 12, "103")], reference(), NOW)
    keys = [one.cause_key for some in matched.mismatches.values() for one in some]
    assert keys == [f"i/invoiced_beyond_received/{MILK}", f"i/price_differs/{MILK}"]
    assert all(isinstance(one, Mismatch) for some in matched.mismatches.values() for one in some)
