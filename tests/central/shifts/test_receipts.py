"""How receipts were paid: what the till said, what it left out, and how money goes back."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from central.shifts.receipts import (
    PaymentRow,
    awaits_its_sale,
    return_rows,
    sale_rows,
    void_rows,
)
from protocol.events import Payment, Sale, SaleReturned, SaleVoided
from tests.central.facts import fact, line

payments = st.lists(
    st.builds(
        Payment,
        method=st.sampled_from(["cash", "card", "wallet", "unknown", "unstated"]),
        amount_minor=st.integers(-10_000, 10_000),
    ),
    max_size=4,
).map(tuple)
amounts = st.lists(st.integers(-5_000, 5_000), max_size=4)


def sale(*paid: Payment, amount_minor: int = 500) -> Sale:
    return Sale(
        sale_id="s", receipt="1-1", currency="EUR", lines=(line(amount_minor=amount_minor),), payments=paid
    )


def void(*refunds: Payment, amount_minor: int = 500) -> SaleVoided:
    return SaleVoided(
        void_id="v", sale_id="s", receipt="1-1", currency="EUR", lines=(line(amount_minor=amount_minor),),
        reason="mistake", refunds=refunds,
    )  # fmt: skip


def returned(*refunds: Payment, amount_minor: int = 500) -> SaleReturned:
    return SaleReturned(
        return_id="r", receipt="1-2", currency="EUR", lines=(line(amount_minor=amount_minor),),
        disposition="restock", refunds=refunds,
    )  # fmt: skip


def said(rows: list[PaymentRow]) -> list[tuple[str, int]]:
    return [(row.method, row.amount_minor) for row in rows]


def cash(amount_minor: int, tendered_minor: int | None = None) -> Payment:
    return Payment(method="cash", amount_minor=amount_minor, tendered_minor=tendered_minor)


def card(amount_minor: int) -> Payment:
    return Payment(method="card", amount_minor=amount_minor)


def test_a_sale_is_paid_as_it_says() -> None:
    body = sale(cash(200, 500), card(300))
    rows = sale_rows(fact(body), body)
    assert [(row.line, row.method, row.amount_minor, row.tendered_minor) for row in rows] == [
        (0, "cash", 200, 500),
        (1, "card", 300, None),
    ]


def test_a_sale_that_does_not_say_is_unstated() -> None:
    body = sale()
    assert said(sale_rows(fact(body), body)) == [("unstated", 500)]


def test_what_the_payments_do_not_cover_is_unstated() -> None:
    body = sale(card(450))
    assert said(sale_rows(fact(body), body)) == [("card", 450), ("unstated", 50)]


def test_a_free_sale_has_a_row_all_the_same_so_that_receipts_can_be_counted() -> None:
    body = sale(amount_minor=0)
    assert said(sale_rows(fact(body), body)) == [("unstated", 0)]


def test_a_return_without_a_word_was_paid_out_in_cash() -> None:
    body = returned()
    assert said(return_rows(fact(body), body)) == [("cash", -500)]


def test_a_return_goes_back_as_it_says() -> None:
    body = returned(card(400), cash(100))
    assert said(return_rows(fact(body), body)) == [("card", -400), ("cash", -100)]


def test_a_return_of_no_known_sale_is_named_by_its_own_id() -> None:
    body = returned()
    assert return_rows(fact(body), body)[0].sale_id == "r"


def test_the_money_of_a_void_goes_back_the_way_it_came() -> None:
    body = void()
    rows = void_rows(fact(body), body, [("card", 300, None), ("cash", 200, 500)])
    assert said(rows) == [("card", -300), ("cash", -200)]


def test_a_void_that_says_how_is_believed_before_its_sale_is_asked() -> None:
    body = void(cash(500))
    assert said(void_rows(fact(body), body, [("card", 500, None)])) == [("cash", -500)]


def test_a_void_waits_for_a_sale_that_is_not_known() -> None:
    body = void()
    rows = void_rows(fact(body), body, None)
    assert (said(rows), awaits_its_sale(rows)) == ([("unknown", -500)], True)


def test_a_void_of_a_sale_whose_payments_were_never_kept_is_unstated() -> None:
    body = void()
    rows = void_rows(fact(body), body, [])
    assert (said(rows), awaits_its_sale(rows)) == ([("unstated", -500)], False)


def test_a_till_that_calls_a_method_unknown_has_not_said_it() -> None:
    body = void(Payment(method="unknown", amount_minor=500))
    assert said(void_rows(fact(body), body, None)) == [("unstated", -500)]


@given(payments, amounts)
def test_the_rows_of_a_receipt_always_add_up_to_its_amount(paid: tuple[Payment, ...], of: list[int]) -> None:
    lines = tuple(line(quantity=Decimal(1), amount_minor=amount) for amount in of)
    sold = msgspec.structs.replace(sale(*paid), lines=lines)
    back = msgspec.structs.replace(returned(*paid), lines=lines)
    taken_back = msgspec.structs.replace(void(*paid), lines=lines)
    sums = [
        sum(row.amount_minor for row in rows)
        for rows in (
            sale_rows(fact(sold), sold),
            return_rows(fact(back), back),
            void_rows(fact(taken_back), taken_back, None),
            void_rows(fact(taken_back), taken_back, [("card", 7, None)]),
        )
    ]
    assert sums == [sum(of), -sum(of), -sum(of), -sum(of)]


@given(payments, amounts)
def test_the_rows_of_a_receipt_are_numbered_from_zero(paid: tuple[Payment, ...], of: list[int]) -> None:
    sold = msgspec.structs.replace(sale(*paid), lines=tuple(line(amount_minor=amount) for amount in of))
    rows = sale_rows(fact(sold), sold)
    assert [row.line for row in rows] == list(range(len(rows)))
